"""`torch.multiprocessing`: Python's `multiprocessing`, and `spawn`.

Tensors go between processes as copies, not as shared memory.
"""

from __future__ import annotations

from multiprocessing import *  # noqa: F403
from multiprocessing import context, get_all_start_methods, get_context, get_start_method, set_start_method
from typing import Any

from tinygrad_cnn.multiprocessing.spawn import (
    ProcessContext,
    ProcessException,
    ProcessExitedException,
    ProcessRaisedException,
    SpawnContext,
    spawn,
    start_processes,
)

__all__ = [
    "ProcessContext",
    "ProcessException",
    "ProcessExitedException",
    "ProcessRaisedException",
    "SpawnContext",
    "context",
    "get_all_sharing_strategies",
    "get_all_start_methods",
    "get_context",
    "get_sharing_strategy",
    "get_start_method",
    "set_sharing_strategy",
    "set_start_method",
    "spawn",
    "start_processes",
]

_STRATEGIES = {"file_descriptor", "file_system"}
_strategy = "file_descriptor"


def get_all_sharing_strategies() -> set[str]:
    """Return PyTorch's names of ways to share memory."""
    return set(_STRATEGIES)


def set_sharing_strategy(new_strategy: str) -> None:
    """Keep the name: tensors are copied, so there is nothing to run out of. AssertionError for an unknown one."""
    global _strategy
    assert new_strategy in _STRATEGIES
    _strategy = new_strategy


def get_sharing_strategy() -> str:
    """Return what was set."""
    return _strategy


def __getattr__(name: str) -> Any:
    """Look up what Python's module has besides."""
    import multiprocessing

    return getattr(multiprocessing, name)
