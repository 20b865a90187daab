"""Run the tests of the kernels on every instruction set: this machine's, emulated ones of x86-64, NEON under qemu.

    python -m checks isas                                # every table
    python -m checks isas neon --folder ~/arm            # one; the ARM Python, 150 MB, is kept for the next time
    python -m checks isas avx512 -- tests/core -k gemm   # a part of the tests; options come first

Tables that this CPU has run as they are. Those of x86-64 that it lacks are compiled for the baseline, their wide
vectors lowered by the compiler. NEON runs on Python for 64-bit ARM (checks/_arm.py says what that needs); tests that
compare with PyTorch are skipped there, those of fork, which an emulator does not survive with threads, and those of
resident memory, which is the emulator's. It takes an hour or two; `--every 8` runs one test in eight under qemu.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable
from pathlib import Path

from . import _arm, _loops
from ._built import Copy, copied
from .outcome import Outcome

TABLES = ("generic", "avx2", "avx512", "neon")
LOOPS = {"native": ("avx2", "avx512"), "emulated": (), "qemu": ("neon",)}
# The C program has builds of its own for each table. The last file measures how far a table is from the generic one.
TESTS = ["tests/core", "--ignore=tests/core/test_c_program.py", "tests/bits/test_isas.py"]
NOT_EMULATED = "not fork and not child and not storm and not refuses and not gives_pages_back"


def options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this check."""
    parser.add_argument("tables", nargs="?", default=",".join(TABLES), help="joined by commas")
    parser.add_argument("pytest", nargs="*", help="arguments of pytest, after --")
    parser.add_argument("--every", type=int, default=1, help="run one test in so many under qemu")
    parser.add_argument("--folder", help="keep the builds and the ARM Python here, and use again what is there")


def run(args: argparse.Namespace) -> Outcome:
    """Run the tests on each table."""
    passed, figures = True, []
    for table in args.tables.split(","):
        way = kind(table)
        print(f"{table} ({way}):", flush=True)
        with copied(str(Path(args.folder).resolve() / way) if args.folder else None) as copy:
            lacking = WAYS[way](copy)
            if lacking:
                figures.append(f"{table}: SKIPPED, {lacking}")
                continue
            copy.environment["TINYGRAD_CNN_ISA"] = table
            chosen = ["-k", NOT_EMULATED, "-p", "checks._every", f"--every={args.every}"] if way == "qemu" else []
            ok, numbers = copy.pytest(*chosen, *(args.pytest or TESTS))
            figures.append(f"{table} ({way}): {numbers}")
            # An emulated table is compiled for another CPU; the native build has its object as well.
            loops = list(_loops.reports(copy.tree / "build", LOOPS[way]))
        passed = passed and ok and all(whole for whole, _ in loops)
        figures += [said for _, said in loops if said not in figures]
    return Outcome(passed, "; ".join(figures) + ".")


def kind(table: str) -> str:
    """Return how a table runs on this machine."""
    from tinygrad_cnn.core import runtime

    if table in runtime.isa_available():
        return "native"
    return "emulated" if platform.machine() in ("x86_64", "AMD64") and table.startswith("avx") else "qemu"


def native(copy: Copy) -> str:
    """Build the core as users get it."""
    copy.build("")
    return ""


def emulated(copy: Copy) -> str:
    """Build it with every table compiled for the baseline CPU."""
    copy.build("-O1 -DTC_EMULATE")
    return ""


def qemu(copy: Copy) -> str:
    """Build it for 64-bit ARM, and get a Python to run it; return what this machine lacks for that."""
    if _arm.missing():
        return f"{', '.join(_arm.missing())} not installed"
    copy.build("", _arm.COMPILER)
    copy.interpreter = str(_arm.arm_python(copy.folder))
    copy.environment["PYTHONPATH"] = f"{copy.folder / 'package'}:{copy.folder / 'wheels'}"
    return ""


WAYS: dict[str, Callable[[Copy], str]] = {"native": native, "emulated": emulated, "qemu": qemu}
