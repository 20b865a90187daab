"""What the tests run of the C core: lines and branches, by gcov.

The core is built in a copy of the sources, not optimised, with every table of x86-64 lowered to the baseline
(-DTC_EMULATE), so that any machine runs those of AVX2 and AVX-512, too. What other systems and processors compile
(`#if defined(_WIN32)`, NEON's table) is not part of the build and does not count.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

from . import _gcov
from ._scratch import build, copy_sources, environment, pytest_command
from .outcome import Outcome

LINES, BRANCHES = 95.0, 90.0
# Functions that kernels inline stay functions: each has its branches once, not once a call.
FLAGS = "--coverage -O0 -DTC_TESTING -DTC_EMULATE -DTC_INLINE=static"
TESTS = ["tests/core", "tests/fuzz", "tests/remainders", "tests/optim/test_rules.py"]
# It compiles the core itself, with flags of its own.
OWN_BUILD = "tests/core/test_c_program.py::test_core_as_a_c_library"
# Not shipped: what lets allocations fail when a test says so.
AIDS = {"alloc_testing.c"}


def options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the part `core`."""
    parser.add_argument("--tests", nargs="*", default=TESTS, help="files or folders of tests: those that call kernels")
    parser.add_argument("--workers", type=int, default=2, help="processes that run tests at once")


def run(args: argparse.Namespace) -> Outcome:
    """Run the tests on a measured core, print what did not run, and return the shares."""
    with tempfile.TemporaryDirectory() as scratch:
        tree = copy_sources(Path(scratch))
        build(tree, FLAGS)
        # Where tests compile files of the core, these are measured, too: below the folder that is read.
        more = [f"--deselect={OWN_BUILD}", f"--basetemp={tree / 'build' / 'tests'}"]
        more += ["-n", str(args.workers)] if args.workers > 1 else []
        measured = environment(tree) | {"TINYGRAD_CNN_CFLAGS": "--coverage"}
        status = subprocess.run(pytest_command(args.tests, *more), cwd=tree, env=measured).returncode
        files = _gcov.read(tree / "build", tree / "core")
        files = {name: lines for name, lines in files.items() if name not in AIDS}
        for name, lines in files.items():
            print_file(name, lines, (tree / "core" / name).read_text(encoding="utf-8").splitlines())
    return outcome(files, status, args.tests)


def print_file(name: str, lines: _gcov.Lines, text: list[str]) -> None:
    """Print the shares of a file, and its lines that did not run or not both ways."""
    covered, taken = _gcov.Shares().add(lines).percent()
    print(f"{covered:6.1f} % of lines, {taken:6.1f} % of branches  core/{name}")
    for number, line in sorted(lines.items()):
        missed = [str(i) for i, count in enumerate(line.arcs) if count == 0]
        if line.count == 0:
            print(f"    {number:4}: never   {text[number - 1].strip()}")
        elif missed:
            print(f"    {number:4}: arcs {','.join(missed)} of {len(line.arcs)}   {text[number - 1].strip()}")


def outcome(files: dict[str, _gcov.Lines], status: int, tests: list[str]) -> Outcome:
    """Return the shares of all files together."""
    shares = _gcov.Shares()
    for lines in files.values():
        shares.add(lines)
    covered, taken = shares.percent()
    figures = (
        f"{len(files)} files: {covered:.1f} % of {shares.lines:,} lines, {taken:.1f} % of {shares.arcs:,} branches "
        f"of the C core, by gcov."
    )
    if status:
        figures += f" pytest ended with status {status} on the measured core."
    return Outcome(covered >= LINES and taken >= BRANCHES and status == 0, figures, "core")
