"""`torch.backends.opt_einsum`: the package opt_einsum is not used here."""

from __future__ import annotations

__all__ = ["is_available"]


def is_available() -> bool:
    """Return False."""
    return False
