"""The core under a sanitizer: its build, what programs need to run on it, and what it reports."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from platform import machine

from ._built import Copy

FLAGS = "-O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all -DTC_TESTING"
RUNTIMES = {"address": "asan", "undefined": "ubsan", "thread": "tsan"}


def runtime(compiler: str, sanitize: str) -> str | None:
    """Return the libraries of a sanitizer in the order in which they must be loaded, or None if they are not installed.

    The C++ library comes along: a sanitizer looks for its functions before a module that needs them is there.
    """
    names = [RUNTIMES[part] for part in sanitize.split(",")]
    own = [f"lib{name}.so" for name in names] if compiler == "gcc" else [f"libclang_rt.{names[0]}-{machine()}.so"]
    found = []
    for library in [*own, "libstdc++.so.6"]:
        path = subprocess.run([compiler, f"-print-file-name={library}"], capture_output=True, text=True).stdout.strip()
        if not Path(path).is_absolute():
            return None
        found.append(str(Path(path).resolve()))
    return " ".join(found)


def prepared(copy: Copy, compiler: str, sanitize: str, extra: str = "", only: str = "") -> bool:
    """Build the copy with a sanitizer, and set what its programs need; False if it is not installed.

    With `only`, the name of an instruction set, the tables of others are compiled without: they take most of the time.
    """
    try:
        preload = runtime(compiler, sanitize)
    except FileNotFoundError:
        preload = None
    if preload is None:
        return False
    shared = "-shared-libsan" if compiler == "clang" else ""
    print(f"building the core with -fsanitize={sanitize} ({compiler})", flush=True)
    others = [path.stem for path in (copy.tree / "core").glob("isa_*.c") if only and path.stem != f"isa_{only}"]
    copy.single = {f"TINYGRAD_CNN_CFLAGS_{stem}": "-O0 -g0 -fno-sanitize=all" for stem in others}
    copy.environment |= {"TINYGRAD_CNN_ISA": only} if only else {}
    copy.build(f"{FLAGS} -fsanitize={sanitize} {shared}", compiler)
    # Memory that the system does not give is reported by return value: the tests ask for too much on purpose.
    common = f"log_path={reports(copy) / 'report'}:allocator_may_return_null=1"
    copy.environment |= {
        "LD_PRELOAD": preload,
        "ASAN_OPTIONS": f"{common}:detect_leaks=0:{extra}",  # CPython's own; ours are counted by `leaks`
        "TSAN_OPTIONS": f"{common}:{extra}",
        "UBSAN_OPTIONS": f"log_path={reports(copy) / 'report'}:print_stacktrace=1",
    }
    return True


def reports(copy: Copy) -> Path:
    """Return the folder in which the sanitizer writes what it finds, one file for each process."""
    folder = copy.folder / "reports"
    folder.mkdir(exist_ok=True)
    return folder


def findings(copy: Copy) -> list[str]:
    """Return the sanitizer's reports, but for those of requests that are too large, and remove them."""
    texts = []
    for file in sorted(reports(copy).iterdir()):
        text = re.sub(r"==\d+==WARNING: \w+ failed to allocate .*\n", "", file.read_text("utf-8", "replace"))
        file.unlink()
        if text.strip():
            texts.append(text)
    return texts
