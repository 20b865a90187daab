"""`torch.distributed` in a build without it: it says so, and nothing else is here."""

from __future__ import annotations

from typing import Any

__all__ = ["is_available", "is_initialized", "is_torchelastic_launched"]


def is_available() -> bool:
    """Return False."""
    return False


def is_initialized() -> bool:
    """Return False."""
    return False


def is_torchelastic_launched() -> bool:
    """Return False."""
    return False


def __getattr__(name: str) -> Any:
    """Raise AttributeError, saying that training across processes is not here."""
    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}: this is a build without distributed training, "
        "`torch.distributed.is_available()` is False"
    )
