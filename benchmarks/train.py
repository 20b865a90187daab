"""Training steps of whole networks: zero_grad, forward, loss, backward, SGD with momentum."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from . import nets
from .harness import Task
from .library import OURS, Library

BATCHES = (1, 8, 64, 256)


def setup(library: Library, threads: int, name: str, batch: int) -> Callable[[], Any]:
    """Return one training step of a network on a batch of its images."""
    return step(library, name, (batch, *nets.INPUTS[name]))


def step(library: Library, name: str, shape: tuple[int, ...]) -> Callable[[], Any]:
    """Return one training step on a batch of that shape."""
    torch = library.module
    net = library.place(nets.BUILDERS[name](torch).train())
    optimizer = torch.optim.SGD(net.parameters(), lr=0.001, momentum=0.9, **library.optimizer_options())
    x = library.place(torch.randn(*shape))
    target = torch.randint(0, 10, shape[:1])

    def run() -> None:
        optimizer.zero_grad()
        nets.loss(torch, name, net(x), target).backward()
        optimizer.step()

    return run


def tasks() -> list[Task]:
    """Return all networks at all batch sizes."""
    torch = importlib.import_module(OURS)
    return [
        Task("train", name, f"{name} batch {batch}", setup, (name, batch),
             batch * nets.arithmetic(torch, name)[1], images=batch)
        for name in nets.BUILDERS
        for batch in BATCHES
    ]  # fmt: skip
