"""Build the core under a sanitizer and run tests on it: address (and undefined behaviour), thread, leaks.

    python -m checks sanitizers address                   # the whole suite
    python -m checks sanitizers address -- tests/core     # a part: what follows -- is pytest's, options come first
    python -m checks sanitizers thread                    # several callers, forks, a pool that changes its size
    python -m checks sanitizers leaks --steps 1000        # training steps: nothing may be lost

The core is built in a scratch copy of the tree, with allocations that can be made to fail (core/core_testing.h). Each
run ends with a fault put into the copy on purpose, which has to be noticed: else the sanitizer would have seen nothing.
Where the compiler has no such sanitizer, the check says so and passes.
"""

from __future__ import annotations

import argparse
import re
import subprocess
from collections.abc import Callable

from ._built import Copy, copied
from ._sanitized import findings, prepared
from .outcome import Outcome

# These build other copies of the core and of the package, with compilers that the preloaded library would come between.
OTHER_BUILDS = ("tests/core/test_c_program.py", "tests/test_packaging.py", "tests/compat/test_install.py")
# Without those of the loader's workers: they start threads of Python's in a child of a process that has some, and to
# GCC's sanitizer these have the names of the parent's ("dup thread with used id").
THREAD_TESTS = ("tests/core/test_runtime.py", "tests/core/test_alloc.py", "tests/core/test_memory.py")

# Faults that have to be noticed: source, what stands there, what is put in its place.
SHORT_BUFFER = ("gemm_packed.c", "b_cols) * depth)", "b_cols) * depth - 1)")
NO_LOCK = ("alloc.c", "    lock();\n    *stats = cache.stats;\n    unlock();", "    *stats = cache.stats;")
LEAKS = (("norm.c", "    tc_free(t->first);\n", ""), ("alloc_system.c", "        free(block);\n", ""))


def options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this check."""
    parser.add_argument("sanitizer", choices=list(KINDS))
    parser.add_argument("pytest", nargs="*", help="arguments of pytest, after --")
    parser.add_argument("--compiler", default="gcc", choices=["gcc", "clang"])
    parser.add_argument("--isa", default="", help="address: this instruction set alone, not each in turn")
    parser.add_argument("--steps", type=int, default=1000, help="training steps of each net for leaks")
    parser.add_argument("--seconds", type=float, default=120, help="time of several callers at once for thread")
    parser.add_argument("--folder", help="keep the copy here, and use again what was built there before")


def run(args: argparse.Namespace) -> Outcome:
    """Build, run the tests, then the fault that must be noticed."""
    with copied(args.folder) as copy:
        return KINDS[args.sanitizer](args, copy)


def missing(args: argparse.Namespace) -> Outcome:
    """Return what is said where there is no such sanitizer."""
    figures = f"SKIPPED: {args.compiler} has no {args.sanitizer} sanitizer here (Debian: libgcc-12-dev has gcc's)."
    return Outcome(True, figures, args.sanitizer)


# ---- address ----


def tests(copy: Copy, arguments: list[str], record: list[str]) -> bool:
    """Run pytest in the copy, on two processes if it can; keep the numbers."""
    parallel = ["-n", "2"] if copy.python("-c", "import xdist", capture_output=True).returncode == 0 else []
    passed, numbers = copy.pytest(*parallel, *(f"--ignore={name}" for name in OTHER_BUILDS), *arguments)
    record.append(numbers)
    return passed


def address(args: argparse.Namespace, copy: Copy) -> Outcome:
    """AddressSanitizer and UndefinedBehaviorSanitizer under the suite."""
    if not prepared(copy, args.compiler, "address,undefined", only=args.isa):
        return missing(args)
    said: list[str] = []
    passed = tests(copy, args.pytest or ["tests"], said)
    found = findings(copy)
    with copy.fault(*SHORT_BUFFER):
        copy.python("-c", "import tinygrad_cnn as t; t.ones(600, 300) @ t.ones(300, 600)", capture_output=True)
    return outcome(args, passed, said, found, bool(findings(copy)), "a buffer too short by one element")


def outcome(
    args: argparse.Namespace, passed: bool, said: list[str], found: list[str], noticed: bool, fault: str
) -> Outcome:
    """Return the outcome of a sanitizer's run."""
    print(*found, sep="\n")
    count = f"{len(found)} findings of the sanitizer" if found else "no finding of the sanitizer"
    figures = [*said, count, f"put in on purpose, {fault} is {'noticed' if noticed else 'NOT noticed'}"]
    return Outcome(passed and not found and noticed, "; ".join(figures) + ".", args.sanitizer)


# ---- thread ----


def thread(args: argparse.Namespace, copy: Copy) -> Outcome:
    """ThreadSanitizer under the tests of threads, then under several callers at once for `--seconds`.

    Python itself is not instrumented: the races that can be found are those of the core, which is what is wanted, and
    the locks that Python takes are seen.
    """
    # A child of fork may compute; ours does so on threads of its own.
    if not prepared(copy, args.compiler, "thread", "die_after_fork=0"):
        return missing(args)
    said: list[str] = []
    passed = tests(copy, args.pytest or list(THREAD_TESTS), said)
    passed &= callers(copy, args.seconds, said)
    found = findings(copy)
    with copy.fault(*NO_LOCK):
        callers(copy, 5, [])
    return outcome(args, passed, said, found, bool(findings(copy)), "reading counters without their lock")


def callers(copy: Copy, seconds: float, said: list[str]) -> bool:
    """Run the program with several callers; keep its last line."""
    done = copy.python("-m", "checks._callers", str(seconds), stdout=subprocess.PIPE)
    said.append(done.stdout.strip().rpartition("\n")[2])
    print(done.stdout)
    return done.returncode == 0


# ---- leaks ----


def leaks(args: argparse.Namespace, copy: Copy) -> Outcome:
    """Training steps, with every counter of memory and LeakSanitizer looking on."""
    if not prepared(copy, args.compiler, "address,undefined"):
        return missing(args)
    copy.environment["ASAN_OPTIONS"] += "detect_leaks=1:leak_check_at_exit=0"
    copy.environment["PYTHONMALLOC"] = "malloc"
    said: list[str] = []
    passed = training(copy, args.steps, said)
    found = lost_blocks(findings(copy))
    noticed = []
    for fault in LEAKS:
        with copy.fault(*fault):
            counted, lost = not training(copy, 20, []), lost_blocks(findings(copy))
            noticed.append(counted or bool(lost))
    return outcome(args, passed, said, found, all(noticed), "a block that is not freed")


def training(copy: Copy, steps: int, said: list[str]) -> bool:
    """Run the program that trains and counts; keep its last line."""
    done = copy.python("-m", "checks._leaks", str(steps), stdout=subprocess.PIPE)
    said.append(done.stdout.strip().rpartition("\n")[2])
    print(done.stdout)
    return done.returncode == 0


def lost_blocks(texts: list[str]) -> list[str]:
    """Return what is in reports but for blocks that CPython and NumPy keep: a leak is ours if the core allocated it."""
    found = []
    for text in texts:
        for part in re.split(r"\n\s*\n", text):
            theirs = re.match(r"(Direct|Indirect) leak of ", part) and not re.search(r"\bcore/\w+\.c:|/_core\.", part)
            summary = re.fullmatch(
                r"[\s=]*(==\d+==ERROR: LeakSanitizer: detected memory leaks|SUMMARY: .* leaked in .*)?\s*", part
            )
            if not theirs and not summary:
                found.append(part)
    return found


KINDS: dict[str, Callable[[argparse.Namespace, Copy], Outcome]] = {
    "address": address, "thread": thread, "leaks": leaks,
}  # fmt: skip
