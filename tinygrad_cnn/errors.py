"""Exceptions of devices (`torch.OutOfMemoryError`, ...), which scripts catch. On a CPU nothing raises them: where there
is no memory, MemoryError."""

from __future__ import annotations

__all__ = ["AcceleratorError", "OutOfMemoryError"]


class OutOfMemoryError(RuntimeError):
    """A device's memory is full."""


class AcceleratorError(RuntimeError):
    """A device reports an error."""


for _kind in (OutOfMemoryError, AcceleratorError):
    _kind.__module__ = "torch"
