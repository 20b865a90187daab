"""How the C core is built: `core/core.h` and what it includes are the cffi cdef, `core/*.c` the sources.

This is the one place that knows sources, flags and dependencies. setuptools calls it through `setup.py`
(`cffi_modules`, `BuildExt`); `python build_core.py` builds the module in place for work on the core.
"""

from __future__ import annotations

import os
import re
import runpy
import sys
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from cffi import FFI
from setuptools import Extension
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
CORE = ROOT / "core"

# Integer constants are the only directives that cffi's cdef knows.
CONSTANT = re.compile(r"#define\s+\w+\s+\d+\s*$")
INCLUDED = re.compile(r'#include "(core\w*\.h)"$')
OWN_FLAGS = os.environ.get("TINYGRAD_CNN_CFLAGS", "").split()
# Never part of the interface: the header that includes the others, and what test builds alone have.
LEFT_OUT = {"core.h"} | (set() if "-DTC_TESTING" in OWN_FLAGS else {"core_testing.h"})


def cdef(header: Path = CORE / "core.h") -> str:
    """Return `header` as cffi takes it: directive lines blanked, but for the headers of ours that it includes.

    These come in the place of their line, so an error's line number counts from the start of what this returns.
    """
    lines = []
    for line in header.read_text(encoding="utf-8").splitlines():
        included = INCLUDED.match(line)
        if included and included[1] not in LEFT_OUT:
            lines.append(cdef(CORE / included[1]))
        else:
            lines.append("" if line.startswith("#") and not CONSTANT.match(line) else line)
    return "\n".join(lines)


def compile_args() -> list[str]:
    """Return the compiler flags: optimised, contraction explicit, no flag that changes results or needs this machine.

    -O2, because the kernels are written in vectors and say where to unroll: -O3 would only copy their loops, for a
    fifth of the module. -fopenmp-simd is for the one pragma that makes vectors of a loop (`TC_SIMD`). No tables for
    unwinding, which nobody reads in C, and which are a twentieth of the module. `TINYGRAD_CNN_CFLAGS` adds to them
    (sanitizers, coverage, `-Werror`; `-DTC_TESTING` gives the core what `core/core_testing.h` declares).
    """
    if sys.platform == "win32":
        return ["/O2", "/std:c11"]
    flags = "-std=c11 -O2 -Wall -Wextra -ffp-contract=fast -fno-math-errno -fno-trapping-math -fvisibility=hidden"
    flags += " -fno-asynchronous-unwind-tables -fopenmp-simd"
    return flags.split() + ["-Wno-psabi", "-pthread", "-g0", *OWN_FLAGS]


# What other sources need: kernels of last resort, what cffi writes and what runs once, or once for a block of work, are
# made small; loops over scalars need the compiler's vectors.
SOURCE_FLAGS = {
    "cpu.c": "-Os",
    "cpus.c": "-Os",
    "conv.c": "-Os",
    "conv_depthwise.c": "-Os",
    "conv_winograd.c": "-Os",
    "isa_generic.c": "-Os",
    "tinygrad_cnn._core.c": "-Os",
    "copy.c": "-O3",
    "random.c": "-O3",
}


def extra_args(source: str) -> list[str]:
    """Return what is added for one source; a level in `TINYGRAD_CNN_CFLAGS` goes for all.

    `TINYGRAD_CNN_CFLAGS_isa_avx2`, for example, are flags of `isa_avx2.c` alone, and have the last word.

    Guards around arrays on the stack and checked copies, but not in the kernels: there they would cost time and space,
    and every size has been checked before. Not with sanitizers, which do more, nor without optimisation, where glibc
    warns that its checks need it.
    """
    name = Path(source).name
    if sys.platform == "win32":
        return []
    chosen = any(own.startswith("-O") for own in OWN_FLAGS)
    flags = [SOURCE_FLAGS[name]] if name in SOURCE_FLAGS and not chosen else []
    if not name.startswith("isa_") and not any(own == "-O0" or "-fsanitize" in own for own in OWN_FLAGS):
        flags += ["-fstack-protector-strong", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2"]
    return flags + os.environ.get(f"TINYGRAD_CNN_CFLAGS_{Path(source).stem}", "").split()


def macros() -> list[tuple[str, str]]:
    """Return the macros given on the command line: the flags, for `tc_compiler()`."""
    return [] if sys.platform == "win32" else [("TC_CFLAGS", '"' + " ".join(compile_args()) + '"')]


def link_args() -> list[str]:
    """Return the linker flags: threads, and `TINYGRAD_CNN_CFLAGS` again.

    Symbols are stripped, so that the wheel stays small (not with a `-g` of one's own), and the library is never
    unloaded: its threads sleep in it. All addresses of other libraries are looked up as it is loaded, and may not be
    written afterwards (full RELRO). Code and constants share their pages: apart they would fill two more.
    """
    if sys.platform == "win32":
        return []
    strip = [] if sys.platform == "darwin" or "-g" in OWN_FLAGS else ["-Wl,-s"]
    linux = [] if sys.platform == "darwin" else ["-Wl,-z,nodelete,-z,relro,-z,now,-z,noexecstack,-z,noseparate-code"]
    return ["-pthread", *strip, *linux, *OWN_FLAGS]


def is_fresh(compiled: Path) -> bool:
    """Tell whether an object file is newer than all that it was made from, as its `.d` file lists it."""
    listing = compiled.with_suffix(".d")
    if not compiled.exists() or not listing.exists():
        return False
    made_from = listing.read_text(encoding="utf-8").replace("\\\n", " ").split(":", 1)[1].split()
    made_from.append(str(ROOT / "build_core.py"))
    return all(os.path.exists(name) and os.path.getmtime(name) < compiled.stat().st_mtime for name in made_from)


class BuildExt(build_ext):
    """Compile side by side, and only what changed: setuptools takes one source after the other, and always all."""

    def finalize_options(self) -> None:
        """Keep objects of other compilers and flags apart."""
        super().finalize_options()
        single = [f"{name}={flags}" for name, flags in os.environ.items() if name.startswith("TINYGRAD_CNN_CFLAGS_")]
        flags = " ".join([os.environ.get("CC", ""), os.environ.get("CFLAGS", ""), *compile_args(), *sorted(single)])
        self.build_temp = os.path.join(self.build_temp, f"{zlib.crc32(flags.encode()):08x}")
        self.force = True  # whether to compile is decided below, for each source

    def build_extension(self, ext: Extension) -> None:
        """Build one extension with a compiler whose `compile` works as described."""
        compile_all = self.compiler.compile

        def compile_one(source: str, output_dir: str, options: dict[str, Any]) -> str:
            (made,) = self.compiler.object_filenames([source], output_dir=output_dir)
            if not is_fresh(Path(made)):
                started = time.time()
                flags = [*(options.get("extra_postargs") or []), *extra_args(source)]
                compile_all([source], output_dir=output_dir, **{**options, "extra_postargs": flags})
                os.utime(made, (started, started))  # a source saved while it was compiled counts as changed
            return made

        def compile_changed(sources: list[str], output_dir: str, **options: Any) -> list[str]:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                return list(pool.map(lambda source: compile_one(source, output_dir, options), sources))

        self.compiler.compile = compile_changed
        # Where this Python keeps its library is nothing that a wheel should tell, or search.
        if hasattr(self.compiler, "linker_so"):  # not Microsoft's
            self.compiler.linker_so = [arg for arg in self.compiler.linker_so if not arg.startswith("-Wl,-rpath")]
        super().build_extension(ext)


ffi = FFI()
ffi.cdef(cdef())
# What tc_set_asked is given: `tinygrad_cnn/core/signals.py` has the body.
ffi.cdef('extern "Python" int run_signal_handlers(void);')
ffi.set_source(
    "tinygrad_cnn._core",
    '#include "core.h"',
    sources=[str(path.relative_to(ROOT)) for path in sorted(CORE.glob("*.c"))],
    depends=[str(path.relative_to(ROOT)) for path in sorted(CORE.glob("*.[ch]"))] + ["build_core.py"],
    include_dirs=["core"],
    libraries=[] if sys.platform == "win32" else ["m"],
    define_macros=macros(),
    extra_compile_args=compile_args() + ([] if sys.platform == "win32" else ["-MMD"]),
    extra_link_args=link_args(),
)

if __name__ == "__main__":
    os.chdir(ROOT)
    sys.argv = ["setup.py", "build_ext", "--inplace"]
    runpy.run_path("setup.py", run_name="__main__")
