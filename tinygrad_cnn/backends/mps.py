"""`torch.backends.mps` without Apple's graphics processors: questions get their answers."""

from __future__ import annotations

from tinygrad_cnn._absent import refusing

__all__ = ["is_available", "is_built", "is_macos13_or_newer", "is_macos_or_newer"]  # noqa: F822

_NAMES = "is_macos13_or_newer is_macos_or_newer get_name get_core_count"
globals().update(refusing(__name__, RuntimeError, "Cannot execute isOnMacOSorNewer() without MPS backend.", _NAMES))


def is_available() -> bool:
    """Return False."""
    return False


def is_built() -> bool:
    """Return False."""
    return False
