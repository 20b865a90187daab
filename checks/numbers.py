"""Compare numbers at the extremes with PyTorch and mpmath: NaN, infinities, units of the last place, denormals.

    python -m checks numbers                        # all parts, some minutes
    python -m checks numbers --parts accuracy --exhaustive    # each of the 2^32 numbers of float32: half an hour
    python -m checks numbers --parts propagation --only interpolate --samples 50

Parts: `mode` (the caller's floating-point mode around every function of the core), `denormals` (what they cost),
`accuracy` (functions of one number), `propagation` (PyTorch's own list of operations with NaN and infinities planted).
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from ._away import away
from .outcome import Outcome

PARTS = ("mode", "denormals", "accuracy", "propagation")
SLOWER = 1.2  # times as long as with ordinary numbers


def options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument(
        "--only", nargs="*", default=[], help="functions or operations whose names contain one of these"
    )
    parser.add_argument("--points", type=int, default=1 << 22, help="numbers of float32 for each function")
    parser.add_argument("--exhaustive", action="store_true", help="all 2^32, for the core's own functions")
    parser.add_argument("--doubles", type=int, default=2000, help="numbers of float64, which mpmath looks at")
    parser.add_argument("--samples", type=int, default=6, help="inputs of each operation and dtype")


def run(args: argparse.Namespace) -> Outcome:
    """Run the parts that are asked for."""
    parts: dict[str, Callable[[argparse.Namespace], Outcome]] = {
        "mode": mode, "denormals": denormals, "accuracy": accuracy, "propagation": propagation
    }  # fmt: skip
    outcomes = [parts[name](args) for name in args.parts]
    return Outcome(all(outcome.passed for outcome in outcomes), "\n".join(outcome.figures for outcome in outcomes))


def helper(name: str) -> Any:
    """Return a module of the tests, which need what this package does without: PyTorch, mpmath."""
    return importlib.import_module(f"tests.numbers.{name}")


def mode(args: argparse.Namespace) -> Outcome:
    """Call every function in three modes, in processes of their own."""
    digests: set[str] = set()
    changed: dict[str, object] = {}
    called = 0
    for words in ((), ("rounding",), ("trapping",)):
        command = [sys.executable, "-m", "tests.numbers.every_function", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=True, **away())
        found = json.loads(done.stdout.splitlines()[-1])
        digests.add(found["digest"])
        changed |= found["changed"]
        called = max(called, len(found["called"]))
    for name, bits in changed.items():
        print(f"{name} leaves the mode {bits}: python -m tests.numbers.every_function rounding")
    if len(digests) > 1:
        print("results depend on the mode: python -m tests.numbers.every_function -v (rounding, trapping) says where")
    text = f"{called} functions called while rounding down and while trapping: {len(changed)} left another mode, "
    return Outcome(not changed and len(digests) == 1, f"{text}results {'the same' if len(digests) == 1 else 'differ'}.")


def denormals(args: argparse.Namespace) -> Outcome:
    """Time a training step and the families of kernels."""
    found = helper("denormals").ratios()
    for name, times in found.items():
        print(f"{name:24} {times:.2f} times as long with 1e-39")
    step, slowest = found["training step"], max(found, key=lambda name: found[name])
    text = f"With weights, inputs and gradients of 1e-39 a training step takes {step:.2f} times as long, "
    return Outcome(found[slowest] <= SLOWER, f"{text}the slowest kernel ({slowest}) {found[slowest]:.2f} times.")


def accuracy(args: argparse.Namespace) -> Outcome:
    """Measure errors of functions of one number, and PyTorch's."""
    import torch

    measure = helper("accuracy")
    lines, bad = ["", "| function | float32 | PyTorch's | float64 | PyTorch's |", "|---|---|---|---|---|"], []
    for name, bound in (measure.KERNELS | measure.COMPOSED).items():
        if args.only and not any(part in name for part in args.only):
            continue
        count = measure.EVERY if args.exhaustive and name in measure.KERNELS else args.points
        ours, theirs = measure.worst(name, count), measure.worst(name, count, torch)
        double, other = measure.worst_double(name, args.doubles), measure.worst_double(name, args.doubles, torch)
        figures = [f"{error:.3g}" for error, _ in (ours, theirs, double, other)]
        lines.append(f"| {name} | {' | '.join(figures)} |")
        print(f"{lines[-1]} of {count}; worst at {ours[0]:.3g}: {ours[1]:.9g}, {double[1]:.17g}", flush=True)
        if ours[0] > bound or double[0] > measure.DOUBLE.get(name, bound):
            bad.append(name)
            print(f"{name}: more than {bound}; python -m checks numbers --parts accuracy --only {name}")
    count = "all 2^32" if args.exhaustive else f"{args.points:,}"
    lines.insert(
        0, f"Largest errors in units of the last place, of {count} numbers of float32 and {args.doubles} of float64:"
    )
    return Outcome(not bad, "\n".join(lines) + "\n")


def propagation(args: argparse.Namespace) -> Outcome:
    """Plant NaN and infinities in the inputs of PyTorch's own tests."""
    count, findings, known = helper("walk").walk_all(args.only, args.samples)
    for title, kind, what, text in findings:
        print(f"{title}, {kind}: {what} -> {text}\n    python -m checks numbers --parts propagation --only {title}")
    text = (
        f"{count:,} inputs of PyTorch's own tests with NaN and infinities planted, in four dtypes and with gradients: "
    )
    return Outcome(not findings, f"{text}{len(findings)} unexpected differences ({known:,} of kinds that are listed).")
