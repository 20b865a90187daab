"""Scaling: with threads, with the batch, with the number of pixels; and small work, which threads must not slow down.

Training steps of each network at several batch sizes, and of ResNet-20 (which takes any size) on larger images, with
each number of threads. From the times on 1 and on p threads, T1 and Tp, follows what Karp and Flatt call the
experimentally determined serial fraction, e = (1/S - 1/p) / (1 - 1/p) with S = T1/Tp: the part of the step that behaves
as if it were serial, whatever the cause (Python between the operations, operations too small to be split, the end of
each parallel region, shared memory bandwidth). Amdahl's law with this e gives the speed-up on more cores,
S(n) = 1 / (e + (1 - e) / n). It is a projection: it takes e to be the same on more cores, though bandwidth and
synchronisation get scarcer there (it is too good), and though e shrinks with larger batches (it is too bad).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from . import nets, small, train
from .harness import Result, Task
from .library import OURS, Library
from .report import table

BATCHES = (8, 16, 32, 64, 128)
SIDES = (16, 24, 32, 48, 64)
CORES = (4, 8, 16)


def setup(library: Library, threads: int, side: int) -> Callable[[], Any]:
    """Return a training step of ResNet-20 on 8 images of side x side pixels."""
    return train.step(library, "resnet20", (8, 3, side, side))


def tasks() -> list[Task]:
    """Return the training steps by batch, and by pixels, and small work."""
    made = [
        Task(
            "scaling",
            f"{name} by batch",
            f"{name} batch {batch}",
            train.setup,
            (name, batch),
            images=batch,
            pixels=batch * math.prod(nets.INPUTS[name][1:]),
        )
        for name in nets.BUILDERS
        for batch in BATCHES
    ]
    return (
        made
        + [
            Task(
                "scaling",
                "resnet20 by pixels",
                f"resnet20 batch 8, {side}x{side}",
                setup,
                (side,),
                images=8,
                pixels=8 * side * side,
            )
            for side in SIDES
        ]
        + small.tasks()
    )


def serial_fraction(one: float, many: float, threads: int) -> float:
    """Return Karp and Flatt's e from the times on one thread and on several."""
    return (many / one - 1 / threads) / (1 - 1 / threads)


def amdahl(serial: float, cores: int) -> float:
    """Return the speed-up on that many cores."""
    return 1 / (serial + (1 - serial) / cores)


def tables(results: list[Result]) -> list[str]:
    """Return a table of speed-ups of ours, from one thread to the most, and the projection; and that of small work."""
    steps = [result for result in results if result.task.group != small.GROUP]
    rest = [result for result in results if result.task.group == small.GROUP]
    return [*(_speedups(steps) if steps else []), *(small.tables(rest) if rest else [])]


def _speedups(results: list[Result]) -> list[str]:
    times = {(result.task.name, result.threads): result.seconds(OURS) for result in results}
    threads = max(result.threads for result in results)
    rows = [["workload", f"speed-up on {threads}", "serial fraction", *(f"projected {cores}" for cores in CORES)]]
    for name in dict.fromkeys(result.task.name for result in results):
        one, many = times.get((name, 1)), times.get((name, threads))
        if one and many and threads > 1:
            serial = max(0.0, serial_fraction(one, many, threads))
            rows.append([name, f"{one / many:.2f}x", f"{serial:.3f}", *(f"{amdahl(serial, n):.1f}x" for n in CORES)])
    return ["", *table(rows)] if len(rows) > 1 else []
