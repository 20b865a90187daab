"""`torch.cuda` on a machine without CUDA: questions get their answers, everything else raises as PyTorch's CPU build
does."""

from __future__ import annotations

from typing import Any

__all__ = [
    "current_device",
    "device_count",
    "empty_cache",
    "is_available",
    "is_initialized",
    "manual_seed",
    "manual_seed_all",
    "synchronize",
]


def is_available() -> bool:
    """Return False."""
    return False


def is_initialized() -> bool:
    """Return False."""
    return False


def device_count() -> int:
    """Return 0."""
    return 0


def manual_seed(seed: int) -> None:
    """Do nothing, as PyTorch without CUDA; ValueError if `seed` is no int."""
    int(seed)


def manual_seed_all(seed: int) -> None:
    """Do nothing, as PyTorch without CUDA; ValueError if `seed` is no int."""
    int(seed)


def empty_cache() -> None:
    """Do nothing: there is no CUDA memory."""


def _absent() -> Any:
    raise AssertionError("Torch not compiled with CUDA enabled")


def current_device() -> int:
    """Raise AssertionError."""
    return int(_absent())


def synchronize(device: Any = None) -> None:
    """Raise AssertionError."""
    _absent()


def get_device_name(device: Any = None) -> str:
    """Raise AssertionError."""
    return str(_absent())
