"""`torch.backends.mkldnn`: oneDNN is not used here; its switches can be set and read, and change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tinygrad_cnn.backends._verbose import verbose

__all__ = ["allow_tf32", "deterministic", "enabled", "flags", "is_available", "set_flags", "verbose"]

VERBOSE_OFF, VERBOSE_ON, VERBOSE_ON_CREATION = 0, 1, 2

enabled = True
deterministic = False
allow_tf32 = False
fp32_precision = "none"
_SWITCHES = ("enabled", "deterministic", "allow_tf32", "fp32_precision")


def is_available() -> bool:
    """Return False."""
    return False


def is_acl_available() -> bool:
    """Return False."""
    return False


def set_flags(
    _enabled: bool | None = None,
    _deterministic: bool | None = None,
    _allow_tf32: bool | None = None,
    _fp32_precision: str | None = None,
) -> tuple[Any, ...]:
    """Set the switches that are given; return all as they were before."""
    before = tuple(globals()[name] for name in _SWITCHES)
    values = (_enabled, _deterministic, _allow_tf32, _fp32_precision)
    globals().update({name: value for name, value in zip(_SWITCHES, values, strict=True) if value is not None})
    return before


@contextmanager
def flags(
    enabled: bool = False, deterministic: bool = False, allow_tf32: bool = True, fp32_precision: str = "none"
) -> Iterator[None]:
    """Set the switches inside a `with` block."""
    before = set_flags(enabled, deterministic, allow_tf32, fp32_precision)
    try:
        yield
    finally:
        globals().update(zip(_SWITCHES, before, strict=True))
