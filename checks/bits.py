"""Every kernel and three trainings give the same bits with any number of threads, wherever buffers lie, repeatedly.

Each case of `tests/bits` runs with random sizes: on one thread, then on 2, 3, 8 and 16 with its buffers elsewhere in
their cache lines, with the allocator's cache cold and warm. Then come whole trainings, with loaders' workers as well.
Besides, it measures how far the other instruction sets are from the generic one.
"""

from __future__ import annotations

import argparse
import itertools
import time
import warnings
from collections.abc import Iterator

import numpy as np

from tests.bits.calls import PLANS, differing, threads
from tests.bits.cases import CASES
from tests.bits.isas import BOUND, distance, isa, loss_distance
from tests.bits.networks import OPTIMIZERS, RUNS, Training
from tinygrad_cnn._core import lib
from tinygrad_cnn.core.runtime import isa_available

from .outcome import Outcome

THREADS = (1, 2, 3, 8, 16)
ISAS = isa_available()


def options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--minutes", type=float, default=30, help="how long kernels are tried (trainings come on top)")
    parser.add_argument("--seed", type=int, default=0, help="the first seed of sizes and values")
    parser.add_argument("--cases", default="", help="only kernels and trainings with this in their name")
    parser.add_argument("--repeats", type=int, default=2, help="times that each plan is run")
    parser.add_argument("--batches", type=int, default=8, help="steps of each training; 0 leaves them out")


class Findings:
    """What was run and what was found."""

    def __init__(self) -> None:
        self.runs = self.trainings = 0
        self.lines: list[str] = []
        self.farthest: dict[str, float] = {}

    def add(self, line: str) -> None:
        """Keep and print a finding."""
        self.lines.append(line)
        print(line, flush=True)


def kernels(args: argparse.Namespace, found: Findings) -> int:
    """Run cases until the time is over; return the number of seeds."""
    names, end = [name for name in CASES if args.cases in name], time.monotonic() + 60 * args.minutes
    for seed in itertools.count(args.seed) if names else ():
        for name, dtype, isa_name in itertools.product(names, (np.float32, np.float64), ISAS):
            repeat = f"python -m checks bits --seed {seed} --cases {name} --minutes 0 --batches 0"
            with isa(isa_name):
                wrong = differing(name, dtype, seed, args.repeats)
            found.runs += 1 + args.repeats * len(PLANS)
            if wrong:
                found.add(f"{name} {np.dtype(dtype)} {isa_name}: (threads, offset, cold) {wrong}; {repeat}")
            if isa_name != "generic":
                far = distance(name, dtype, isa_name, seed)
                found.farthest[name] = max(found.farthest.get(name, 0), far)
                if far > BOUND:
                    found.add(f"{name} {np.dtype(dtype)} {isa_name}: {far:.0f} eps from generic; {repeat}")
            if time.monotonic() > end and seed > args.seed:
                return seed - args.seed + 1
        print(f"seed {seed}: {found.runs} runs, {len(found.lines)} findings", flush=True)
        if time.monotonic() > end:
            return seed - args.seed + 1
    return 0


def trainings(args: argparse.Namespace, found: Findings) -> Iterator[float]:
    """Train each network with each optimizer in every way; yield how far apart instruction sets are."""
    ways = [*itertools.product(THREADS, (0,)), (2, 1), (3, 3), (2, 0)]
    for network, optimizer in itertools.product(RUNS, OPTIMIZERS):
        name = f"{network}-{optimizer}"
        if args.cases not in name:
            continue
        for isa_name in ISAS:
            digests = {}
            for count, workers in ways:
                if count % 2:
                    lib.tc_alloc_trim()
                with isa(isa_name), threads(count):
                    digests[count, workers] = (
                        Training(network, optimizer, args.seed).run(args.batches, workers).digest()
                    )
            found.trainings += len(ways)
            if len(set(digests.values())) > 1:
                repeat = f"python -m checks bits --seed {args.seed} --cases {name} --batches {args.batches}"
                found.add(f"{name} on {isa_name}: (threads, workers) {digests}; {repeat}")
            if isa_name != "generic":
                yield loss_distance(network, optimizer, isa_name, args.batches)
        print(f"{name}: {len(found.lines)} findings", flush=True)


def run(args: argparse.Namespace) -> Outcome:
    """Do both."""
    warnings.filterwarnings("ignore", "This DataLoader will create")  # more workers than CPUs
    found = Findings()
    seeds = kernels(args, found)
    losses = list(trainings(args, found)) if args.batches else []
    kinds = sum(args.cases in name for name in CASES)
    farthest = max(found.farthest, key=lambda name: found.farthest[name], default="")
    figures = (
        f"{found.runs} runs of {kinds} kernels (both dtypes; {', '.join(ISAS)}; {seeds} sets of sizes) and "
        f"{found.trainings} trainings on {', '.join(map(str, THREADS))} threads; other bits: {len(found.lines)}."
    )
    if farthest:
        figures += f"\nFrom generic to another instruction set: at most {found.farthest[farthest]:.0f} eps ({farthest})"
        figures += f", and {max(losses):.1g} of a loss in {args.batches} steps." if losses else "."
    return Outcome(not found.lines, "\n".join([figures, *found.lines[:20]]))
