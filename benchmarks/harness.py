"""Interleaved measurements of the same workload in several libraries, each in processes of its own.

Libraries whose threads spin after a parallel region would slow down a neighbour in the same process, so each has a
process, and only one works at a time: the others are stopped, for some spin on for tens of milliseconds. The rounds
alternate between them, so that a change of the machine's speed meets all alike; medians over the rounds are
compared.
"""

from __future__ import annotations

import contextlib
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Pipe
from typing import Any

from .library import OURS, Library


@dataclass(frozen=True)
class Task:
    """What is measured: `setup(library, threads, *args)` returns the function that is timed.

    The function's arithmetic, least memory traffic, images and pixels are of one call; 0 where the number says nothing.
    Tasks of one group share a geometric mean, or a line of a picture.
    """

    family: str
    group: str
    name: str
    setup: Callable[..., Callable[[], Any]]
    args: tuple[Any, ...]
    flops: float = 0.0
    bytes: float = 0.0
    images: int = 0
    pixels: int = 0
    dtype: str = "float32"


@dataclass
class Result:
    """The seconds of one call, in each round, of each library, or what went wrong there.

    Disturbed is the part of the rounds in which a thread waited for a processor, because other programs had it.
    """

    task: Task
    threads: int
    rounds: dict[str, list[float]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    disturbed: float = 0.0

    def seconds(self, library: str) -> float | None:
        """Return the median over the rounds, None where there is none."""
        return statistics.median(self.rounds[library]) if self.rounds.get(library) else None

    def ratio(self, peer: str) -> float | None:
        """Return the speed of ours relative to a peer: above 1, ours is faster."""
        ours, theirs = self.seconds(OURS), self.seconds(peer)
        return theirs / ours if ours and theirs else None


@dataclass(frozen=True)
class Plan:
    """How long to measure: rounds, seconds of a round, and seconds after which three rounds are enough."""

    rounds: int = 5
    seconds: float = 0.02
    cap: float = 4.0


# A round is quiet if its threads waited for a processor less than this share of its time.
QUIET = 0.01
# Rounds that were not are repeated, until there are so many times the rounds that were asked for.
PATIENCE = 3


class Failure(Exception):
    """A library could not do a task."""


def command(module: str, *args: object) -> list[str]:
    """Return the command that runs main() of one of our modules in a process that finds packages as this one does."""
    code = f"import sys; sys.path[:] = eval(sys.argv.pop(1)); from {__package__}.{module} import main; main()"
    return [sys.executable, "-c", code, repr(sys.path), *map(str, args)]


class Worker:
    """The process of one library, stopped while it has nothing to do; worker.py says what goes through the pipe."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.pipe, there = Pipe()
        # A group of its own: signals reach the processes that it forks, too, and no other.
        self.process = subprocess.Popen(
            command("worker", there.fileno()),
            pass_fds=[there.fileno()],
            env={**os.environ, **library.environment},
            preexec_fn=os.setpgrp,
        )
        there.close()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def _ask(self, message: object) -> Any:
        self._signal(signal.SIGCONT)
        try:
            return self._answer(message)
        finally:
            self._signal(signal.SIGSTOP)

    def _answer(self, message: object) -> Any:
        try:
            self.pipe.send(message)
            kind, value = self.pipe.recv()
            if kind == "failed":
                self.pipe.recv()
        except (EOFError, OSError) as error:
            raise Failure(f"{self.library.package} could not be imported") from error
        if kind == "failed":
            raise Failure(value)
        if kind == "done":
            raise Failure("its process died")
        return value

    def prepare(self, task: Task, threads: int, seconds: float) -> None:
        """Set the task up and call it some times."""
        self._ask((self.library, threads, task.setup, task.args, seconds))

    def time(self) -> tuple[float, float]:
        """Return the seconds of one call, measured over a round, and the share of it in which a thread had to wait."""
        seconds, waited = self._ask(True)
        return seconds, waited

    def finish(self) -> None:
        """End the task."""
        self._signal(signal.SIGCONT)
        self.pipe.send(False)
        self.pipe.recv()

    def close(self) -> None:
        """End the process."""
        self._signal(signal.SIGCONT)
        self.pipe.close()
        self.process.wait()


@contextlib.contextmanager
def workers(libraries: list[Library]) -> Iterator[list[Worker]]:
    """Start a process for each library, and end them."""
    started: list[Worker] = []
    try:
        for library in libraries:
            started.append(Worker(library))
        yield started
    finally:
        for worker in started:
            worker.close()


def measure(task: Task, threads: int, libraries: list[Worker], plan: Plan) -> Result:
    """Time a task in each library, round after round in turn; rounds that other programs disturbed are repeated.

    Those that count are the quietest, chosen by how long threads had to wait and never by how long the round took.
    """
    result = Result(task, threads)
    able: dict[str, Worker] = {}
    for worker in libraries:
        with _reported(result, worker.library.name):
            worker.prepare(task, threads, plan.seconds)
            able[worker.library.name] = worker
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in able}
    start = time.perf_counter()
    for turn in range(PATIENCE * plan.rounds):
        missing = [name for name in able if _quiet(found[name]) < plan.rounds]
        if not missing or (turn >= min(3, plan.rounds) and time.perf_counter() - start > plan.cap):
            break
        for name, worker in list(able.items()):
            with _reported(result, name, able):
                found[name].append(worker.time())
    for worker in able.values():
        worker.finish()
    for name in able:
        tried = found[name]
        kept = sorted(tried, key=lambda one: max(one[1], QUIET))[: plan.rounds]
        result.rounds[name] = [seconds for seconds, _ in kept]
        result.disturbed = max(result.disturbed, 1 - _quiet(kept) / len(kept))
    return result


@contextlib.contextmanager
def _reported(result: Result, name: str, able: dict[str, Worker] | None = None) -> Iterator[None]:
    """Note a failure in the result; the library is able no more."""
    try:
        yield
    except Failure as failure:
        result.errors[name] = str(failure)
        if able is not None:
            del able[name]


def _quiet(tried: list[tuple[float, float]]) -> int:
    return sum(waited <= QUIET for _, waited in tried)
