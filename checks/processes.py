"""Forks, pools of processes, interrupts in training, threads that train at once and exits amid kernels, many times.

Interrupts come at random moments of a step. After each, all weights together, and all moments of the optimizer
together, must be those before the step or those after it; and the step, done again from there, must give its bits.
"""

from __future__ import annotations

import argparse
import copy
import multiprocessing
import random
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import tinygrad_cnn as tg
from tests.bits.calls import threads
from tests.bits.networks import OPTIMIZERS, RUNS, Training, dataset
from tests.processes import (
    busy_threads,
    child,
    ended_well,
    exit_code,
    family,
    in_thread,
    job,
    train_alone,
    train_at_once,
)

from ._away import away
from .outcome import Outcome

THREADS = (1, 2, 3, 8)
STEPS = 3


def options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--forks", type=int, default=100, help="forks from each kind of thread, for each thread number")
    parser.add_argument("--interrupts", type=int, default=50, help="interrupts of each training")
    parser.add_argument("--rounds", type=int, default=8, help="times that eight models are trained at once")
    parser.add_argument("--exits", type=int, default=20, help="programs that end amid kernels")
    parser.add_argument("--seed", type=int, default=0, help="of the moments of interrupts")


class Found:
    """Findings, each with the command that repeats it."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def expect(self, right: bool, what: str, repeat: str) -> None:
        """Keep and print a finding unless all is right."""
        if not right:
            self.lines.append(f"{what}; python -m checks processes {repeat}")
            print(self.lines[-1], flush=True)


def forks(args: argparse.Namespace, found: Found) -> str:
    """Fork while other threads compute and draw, from the main thread and from another one."""
    expected, shared = job(), tg.Generator()
    callers: dict[str, Callable[..., Any]] = {"main": lambda work: work(), "other": in_thread}
    only = f"--forks {args.forks} --interrupts 0 --rounds 0 --exits 0"
    for count in THREADS:
        for name, caller in callers.items():
            with threads(count), busy_threads(2, shared):
                for _ in range(args.forks):
                    well = caller(lambda: ended_well(child(partial(family, expected, shared))))
                    found.expect(
                        bool(well) and job() == expected, f"fork from the {name} thread, {count} threads", only
                    )
        print(f"forks on {count} threads: {len(found.lines)} findings", flush=True)
    for method in multiprocessing.get_all_start_methods() if args.forks else ():
        with multiprocessing.get_context(method).Pool(3) as pool:
            found.expect(not any(pool.map(exit_code, [expected] * args.forks)), f"pool by {method}", only)
    return f"{2 * len(THREADS) * args.forks} forks with a grandchild each, and {args.forks} jobs of each kind of pool"


class Interrupted:
    """A training whose steps are known, to interrupt."""

    def __init__(self, network: str, optimizer: str):
        self.training = Training(network, optimizer)
        data, size = dataset(network, STEPS), RUNS[network][0]
        self.batches = [data[first : first + size] for first in range(0, len(data), size)]
        self.saved = [self.save()]
        started = time.perf_counter()
        for batch in self.batches:
            self.training.step(*batch)
            self.saved.append(self.save())
        self.seconds = (time.perf_counter() - started) / STEPS
        self.late: list[float] = []

    def save(self) -> Any:
        """Return copies of model, optimizer and generator."""
        model, optimizer = self.training.model.state_dict(), self.training.optimizer.state_dict()
        return copy.deepcopy(model), copy.deepcopy(optimizer), tg.get_rng_state()

    def restore(self, step: int) -> None:
        """Go back to a step."""
        model, optimizer, generator = copy.deepcopy(self.saved[step])
        self.training.model.load_state_dict(model)
        self.training.optimizer.load_state_dict(optimizer)
        tg.set_rng_state(generator)

    def kinds(self, saved: Any) -> dict[str, bytes]:
        """Return the bits of what one call of the core changes together: weights; each moment of the optimizer."""
        names = [name for name, _ in self.training.model.named_parameters()]
        bits = {"weights": b"".join(saved[0][name].numpy().tobytes() for name in names)}
        for state in saved[1]["state"].values():
            for name, value in state.items():
                if isinstance(value, tg.Tensor) and name != "step":  # counted by Python, before the call
                    bits[name] = bits.get(name, b"") + value.numpy().tobytes()
        return bits

    def interrupt(self, step: int, after: float) -> tuple[bool, bool]:
        """Interrupt a step; return whether it was before its end, and whether all is whole and can be done again."""
        self.restore(step)
        due = time.perf_counter() + after

        def handler(number: int, frame: Any) -> None:
            self.late.append(time.perf_counter() - due)
            raise KeyboardInterrupt

        kept = signal.signal(signal.SIGALRM, handler)
        interrupted = False
        try:
            signal.setitimer(signal.ITIMER_REAL, after)
            self.training.step(*self.batches[step])
            signal.setitimer(signal.ITIMER_REAL, 0)
        except KeyboardInterrupt:
            signal.setitimer(signal.ITIMER_REAL, 0)
            interrupted = True
        signal.signal(signal.SIGALRM, kept)
        now, before, behind = map(self.kinds, (self.save(), self.saved[step], self.saved[step + 1]))
        whole = all(bits in (before.get(name, bits), behind[name]) for name, bits in now.items())
        self.restore(step)
        self.training.step(*self.batches[step])
        again = self.save()
        same = self.kinds(again) == behind and (again[2] == self.saved[step + 1][2]).all().item()
        return interrupted, bool(whole and same)


def interrupts(args: argparse.Namespace, found: Found) -> str:
    """Interrupt trainings at random moments."""
    rng, late, times = random.Random(args.seed), [], 0
    for network in RUNS if args.interrupts else ():
        for optimizer in OPTIMIZERS:
            with threads(rng.choice(THREADS)):
                training = Interrupted(network, optimizer)
                for _ in range(args.interrupts):
                    step, after = rng.randrange(STEPS), max(1e-5, rng.uniform(0, 1.2 * training.seconds))
                    interrupted, right = training.interrupt(step, after)
                    times += interrupted
                    repeat = f"--interrupts {args.interrupts} --seed {args.seed} --forks 0 --rounds 0 --exits 0"
                    found.expect(right, f"{network} with {optimizer}: step {step} after {after * 1000:.2f} ms", repeat)
            late += training.late
        print(f"interrupts of {network}: {len(found.lines)} findings", flush=True)
    if not late:
        return "no interrupts"
    took = f"{1000 * statistics.median(late):.1f} ms after the signal in the median, {1000 * max(late):.0f} ms at most"
    return f"{times} interrupts amid steps, whose handler ran {took}"


def together(args: argparse.Namespace, found: Found) -> str:
    """Train eight models in eight threads at once, and compare with each alone."""
    names = list(RUNS)
    networks = [names[number % len(names)] if number % len(names) != 1 else "lenet5" for number in range(8)]
    alone = train_alone(networks, STEPS) if args.rounds else []
    for number in range(args.rounds):
        with threads(THREADS[number % len(THREADS)]):
            right = train_at_once(networks, STEPS) == alone
        found.expect(right, f"round {number} of 8 models at once", f"--rounds {args.rounds} --forks 0 --interrupts 0")
    return f"{args.rounds} times 8 models at once"


EXIT = """
import threading, time
from tests.processes import job
import tinygrad_cnn as tg
tg.set_num_threads({threads})
def work():
    while True:
        job()
for _ in range(4):
    threading.Thread(target=work, daemon=True).start()
time.sleep({pause})
"""


def exits(args: argparse.Namespace, found: Found) -> str:
    """Start programs that end while four threads are in kernels."""
    rng = random.Random(args.seed)
    for _ in range(args.exits):
        script = EXIT.format(threads=rng.choice(THREADS), pause=rng.uniform(0, 0.2))
        try:
            command = [sys.executable, "-c", script]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, **away())
            seen = f"{done.returncode} {done.stderr[-300:]}".strip()
        except subprocess.TimeoutExpired:
            seen = "hung"
        repeat = f"--exits {args.exits} --seed {args.seed} --forks 0 --interrupts 0 --rounds 0"
        found.expect(seen == "0", f"exit amid kernels: {seen}", repeat)
    return f"{args.exits} exits amid kernels"


def run(args: argparse.Namespace) -> Outcome:
    """Do all of it."""
    found = Found()
    figures = [part(args, found) for part in (forks, interrupts, together, exits)]
    summary = "; ".join(figures) + f": {len(found.lines)} findings."
    return Outcome(not found.lines, "\n".join([summary, *found.lines[:20]]))
