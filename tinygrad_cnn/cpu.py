"""`torch.cpu`: the one device, by the functions that other devices have; it has no queues to wait for."""

from __future__ import annotations

from typing import Any

__all__ = [
    "Event",
    "Stream",
    "StreamContext",
    "current_device",
    "current_stream",
    "device_count",
    "is_available",
    "is_initialized",
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
