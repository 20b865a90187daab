"""`torch.cpu`: the one device, by the functions that other devices have; it has no queues to wait for.

Its memory is told about as `torch.cuda` tells about a graphics processor's. What is counted is what the core's caching
allocator hands out: the tensors that the core makes, from 4 KiB on, and the room in which it computes. Smaller tensors,
those that NumPy makes (integers, indexing, sorting, ...) and foreign memory (`from_numpy`) are not.
"""

from __future__ import annotations

from typing import Any

from .core import runtime

__all__ = [
    "Event",
    "Stream",
    "StreamContext",
    "current_device",
    "current_stream",
    "device_count",
    "empty_cache",
    "is_available",
    "is_initialized",
    "max_memory_allocated",
    "memory_allocated",
    "memory_reserved",
    "memory_stats",
    "reset_peak_memory_stats",
    "set_device",
    "stream",
    "synchronize",
]


def is_available() -> bool:
    """Return True."""
    return True


def is_initialized() -> bool:
    """Return True."""
    return True


def device_count() -> int:
    """Return 1."""
    return 1


def current_device() -> str:
    """Return 'cpu'."""
    return "cpu"


def set_device(device: Any) -> None:
    """Do nothing."""


def synchronize(device: Any = None) -> None:
    """Do nothing: what is called is done when it returns."""


def memory_stats(device: Any = None) -> dict[str, int]:
    """Return the allocator's counters by the names of `torch.cuda.memory_stats` that have a meaning here."""
    stats = runtime.memory_stats()
    return {
        "allocated_bytes.all.current": stats["in_use"],
        "allocated_bytes.all.peak": stats["peak"],
        "reserved_bytes.all.current": stats["in_use"] + stats["cached"],
        "allocation.all.allocated": stats["requests"],
        "num_device_alloc": stats["requests"] - stats["hits"],
    }


def memory_allocated(device: Any = None) -> int:
    """Return the bytes in use now; a block may be up to a quarter longer than what lies in it."""
    return runtime.memory_stats()["in_use"]


def max_memory_allocated(device: Any = None) -> int:
    """Return the most bytes that were in use at once, since the start or `reset_peak_memory_stats`."""
    return runtime.memory_stats()["peak"]


def memory_reserved(device: Any = None) -> int:
    """Return the bytes in use and those that are kept for reuse."""
    stats = runtime.memory_stats()
    return stats["in_use"] + stats["cached"]


def reset_peak_memory_stats(device: Any = None) -> None:
    """Count the peak anew, from what is in use now."""
    runtime.reset_peak_memory()


def empty_cache() -> None:
    """Give the memory that is kept for reuse back to the system."""
    runtime.trim_memory()


class Stream:
    """A queue of work, of which the CPU has none: what is called is done when it returns."""

    def __init__(self, priority: int = -1) -> None:
        pass

    def wait_stream(self, stream: Any) -> None:
        """Do nothing."""

    def record_event(self) -> None:
        """Do nothing."""

    def wait_event(self, event: Any) -> None:
        """Do nothing."""


class Event:
    """A mark in a queue: always passed."""

    def __init__(self, enable_timing: bool = False) -> None:
        pass

    def query(self) -> bool:
        """Return True."""
        return True

    def record(self, stream: Any = None) -> None:
        """Do nothing."""

    def synchronize(self) -> None:
        """Do nothing."""

    def wait(self, stream: Any = None) -> None:
        """Do nothing."""


_stream = Stream()


def current_stream(device: Any = None) -> Stream:
    """Return the only stream."""
    return _stream


class StreamContext:
    """The context of a stream: nothing changes."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        pass


def stream(stream: Any) -> StreamContext:
    """Return the context of a stream."""
    return StreamContext(stream)
