"""Interleaved measurements of the same workload in several libraries, each in a process of its own.

Libraries whose threads spin after a parallel region would slow down a neighbour in the same process, so each has a
process, and only one works at a time. The rounds alternate between them, so that a change of the machine's speed meets
all alike; medians over the rounds are compared.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from typing import Any

OURS = "tinygrad_cnn"

# A workload: makes its operands with a library (the module) and returns what is timed, and its multiply-adds times two.
Workload = Callable[..., tuple[Callable[[], Any], float]]


@dataclass
class Result:
    """Median seconds of one call a library, over the rounds."""

    name: str
    threads: int
    flops: float
    seconds: dict[str, float] = field(default_factory=dict)

    def ratio(self, peer: str) -> float:
        """Return the speed of ours relative to a peer: above 1, ours is faster."""
        return self.seconds[peer] / self.seconds[OURS]


def _time(run: Callable[[], Any], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        run()
    return (time.perf_counter() - start) / calls


def _serve(
    pipe: Connection, library: str, threads: int, workload: Workload, args: tuple[Any, ...], budget: float
) -> None:
    """Set up once, then answer each request with the seconds of one call."""
    module = importlib.import_module(library)
    module.set_num_threads(threads)
    module.manual_seed(0)
    run, flops = workload(module, *args)
    run()
    calls = max(1, int(budget / max(_time(run, 2), 1e-9)))
    pipe.send(flops)
    while pipe.recv():
        run()  # wakes the threads
        pipe.send(_time(run, calls))


def measure(name: str, libraries: Iterable[str], threads: int, workload: Workload, args: tuple[Any, ...],
            rounds: int = 9, budget: float = 0.05) -> Result:  # fmt: skip
    """Time `workload(module, *args)` in each library, `rounds` times in turn, about `budget` seconds each time."""
    context = multiprocessing.get_context("spawn")
    workers = {}
    result = Result(name, threads, 0.0)
    for library in libraries:
        here, there = context.Pipe()
        process = context.Process(target=_serve, args=(there, library, threads, workload, args, budget), daemon=True)
        process.start()
        there.close()
        workers[library] = (process, here)
        result.flops = here.recv()
    times: dict[str, list[float]] = {library: [] for library in workers}
    for _ in range(rounds):
        for library, (_, pipe) in workers.items():
            pipe.send(True)
            times[library].append(pipe.recv())
    for library, (process, pipe) in workers.items():
        pipe.send(False)
        process.join()
        result.seconds[library] = statistics.median(times[library])
    return result


def report(result: Result) -> str:
    """Return one line: time and GFLOP/s of each library, and how much faster ours is."""
    cells = [f"{result.name:<24} {result.threads} threads"]
    for library, seconds in result.seconds.items():
        cells.append(f"{library} {seconds * 1e6:10.1f} us {result.flops / seconds / 1e9:7.1f} GFLOP/s")
    cells += [f"{result.ratio(peer):5.2f}x {peer}" for peer in result.seconds if peer != OURS]
    return "  ".join(cells)


def run_all(tasks: Iterable[tuple[str, Workload, tuple[Any, ...]]], against: list[str], threads: list[int], rounds: int,
            json_path: str | None) -> list[Result]:  # fmt: skip
    """Measure all tasks at all numbers of threads, print each line as it is known, and write JSON if asked."""
    results = []
    for name, workload, args in tasks:
        for count in threads:
            results.append(measure(name, [OURS, *against], count, workload, args, rounds))
            print(report(results[-1]), flush=True)
    if json_path:
        with open(json_path, "w", encoding="utf-8") as file:
            json.dump([asdict(result) for result in results], file, indent=1)
            file.write("\n")
    return results
