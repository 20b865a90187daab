"""`torch.backends.mkl`: Intel's library is not used here."""

from __future__ import annotations

from tinygrad_cnn.backends._verbose import verbose

__all__ = ["VERBOSE_OFF", "VERBOSE_ON", "is_available", "verbose"]

VERBOSE_OFF, VERBOSE_ON = 0, 1


def is_available() -> bool:
    """Return False."""
    return False
