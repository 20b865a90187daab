"""Train without memory: every allocation of the core fails in turn, and address spaces too small for the run.

    python -m checks memory                        # everything
    python -m checks memory --nets residual        # the allocations of one net; --limits none leaves the others out
    python -m checks memory --limits residual:512:8 --step 1
    python -m checks memory --stride 0             # without the allocations of Python itself

The first part runs on a test build of the core (core/core_testing.h), under AddressSanitizer where there is one: each
time MemoryError, every tensor as before or as after the operation, nothing lost, and the next step as if nothing had
been. In the second, allocations of Python itself fail, where CPython has its `_testcapi`. In the third, a training gets
every limit (`ulimit -v`) from the size of the imported library to what it needs, in steps of some MiB, each in a
process of its own: it ends with MemoryError or well, never otherwise.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
from collections import Counter
from typing import Any

from . import ROOT
from ._built import Copy, copied
from ._sanitized import prepared
from .outcome import Outcome

MIB = 2**20
# Net, images in a batch, threads. What is asked for grows from a few MiB to some hundred; each thread needs a stack.
LIMITED = (
    "plain:16:1", "plain:256:4", "residual:8:16", "residual:64:1", "residual:512:8", "separable:256:3", "upward:128:2",
    "plain64:128:1",
)  # fmt: skip


def options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this check."""
    parser.add_argument("--nets", default="all", help="whose allocations fail, joined by commas, or none")
    parser.add_argument("--limits", default=",".join(LIMITED), help="NET:BATCH:THREADS, joined by commas, or none")
    parser.add_argument("--step", type=int, default=8, help="MiB from limit to limit")
    parser.add_argument("--stride", type=int, default=3, help="which of Python's own allocations fail: every n-th")
    parser.add_argument("--compiler", default="gcc", choices=["gcc", "clang"])
    parser.add_argument("--folder", help="keep the test build here, and use again what was built there before")


def run(args: argparse.Namespace) -> Outcome:
    """Run the parts."""
    passed, figures = True, []
    if args.nets != "none":
        nets = args.nets.split(",") if args.nets != "all" else []
        with copied(args.folder) as copy:
            passed, said = allocations(copy, args.compiler, nets)
        figures.append(said)
        if args.stride and importlib.util.find_spec("_testcapi"):
            passed &= objects(args.stride, nets, figures)
    if args.limits != "none":
        findings = limits(args.limits.split(","), args.step, figures)
        print(*findings, sep="\n")
        passed = passed and not findings
    return Outcome(passed, "; ".join(figures) + ".")


def allocations(copy: Copy, compiler: str, nets: list[str]) -> tuple[bool, str]:
    """Run the first part; return whether nothing was found, and its figures."""
    if not prepared(copy, compiler, "address,undefined"):
        copy.build("-O1 -DTC_TESTING")
    done = copy.python("-m", "checks._allocations", *nets, stdout=subprocess.PIPE)
    print(done.stdout)
    return done.returncode == 0, done.stdout.strip().rpartition("\n")[2]


def objects(stride: int, nets: list[str], figures: list[str]) -> bool:
    """Run the third part, on the core that is installed; return whether nothing was found."""
    done = program("checks._objects", str(stride), *nets, stdout=subprocess.PIPE)
    print(done.stdout)
    figures.append(done.stdout.strip().rpartition("\n")[2])
    return done.returncode == 0


def limits(runs: list[str], step: int, figures: list[str]) -> list[str]:
    """Run every training of the second part with every limit; return the findings."""
    findings, ends = [], Counter[str]()
    for name in runs:
        imported, peak, _ = limited(name)
        for limit in range(imported, peak + 2 * step * MIB, step * MIB):
            try:
                ends[limited(name, limit)[2]] += 1
            except RuntimeError as error:
                findings.append(f"{name} with {limit} bytes: {error}")
        print(f"{name}: limits from {imported // MIB} to {peak // MIB} MiB, so far {dict(ends)}", flush=True)
    figures.append(
        f"{sum(ends.values()) + len(findings)} address spaces from that of the import to that of the run: "
        f"{ends['done']} trainings done, {ends['MemoryError']} ended with MemoryError, {len(findings)} otherwise"
    )
    return findings


def program(module: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a module of the checks in a process of its own, on the package that is installed, else on the tree's."""
    start = f"import runpy, sys; sys.path.append({str(ROOT)!r}); runpy.run_module({module!r}, run_name='__main__')"
    command = [sys.executable, "-X", "faulthandler", "-c", start, *arguments]
    return subprocess.run(command, cwd=ROOT / "core", text=True, **options)


def limited(name: str, limit: int | None = None) -> tuple[int, int, str]:
    """Train in a process of its own; return its address space after the import, the largest, and how it ended.

    Raises RuntimeError for any other end.
    """
    arguments = ["checks._limits", *name.split(":"), *([str(limit)] if limit else [])]
    done = program(*arguments, capture_output=True)
    if done.returncode != 0 or done.stderr:
        message = f"status {done.returncode}, {done.stderr.strip()[-1000:]}"
        raise RuntimeError(f"{message}\n  again: python -m {' '.join(arguments)}")
    imported, peak, end = done.stdout.split()
    return int(imported), int(peak), end
