"""What a thread has put off, and when it has to be done (`autograd.deferred` says what is put off, and why)."""

from __future__ import annotations

import threading
import weakref
from typing import Any

import numpy as np


class _Calls(threading.local):
    """Whether a thread is in a call of a module, and which tensors it has put off meanwhile."""

    depth = 0

    def __init__(self) -> None:
        self.waiting: list[weakref.ref[Any]] = []


calls = _Calls()


def settle(array: Any) -> None:
    """Compute what this thread has put off and is made of the memory of `array`, which is about to change."""
    for reference in calls.waiting:
        tensor = reference()
        if tensor is None or "_task" not in tensor.__dict__:
            continue
        sources = tensor._task.sources
        if any(source is not None and np.may_share_memory(source, array) for source in sources):
            _ = tensor._array


def settle_all() -> None:
    """Compute everything that this thread has put off and somebody still holds."""
    waiting, calls.waiting = calls.waiting, []
    for reference in waiting:
        tensor = reference()
        if tensor is not None:
            _ = tensor._array
