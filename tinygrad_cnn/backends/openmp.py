"""`torch.backends.openmp`: OpenMP is not used here: the core has a pool of threads of its own."""

from __future__ import annotations

__all__ = ["is_available"]


def is_available() -> bool:
    """Return False."""
    return False
