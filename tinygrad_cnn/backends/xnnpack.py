"""`torch.backends.xnnpack`: XNNPACK is not used here."""

from __future__ import annotations

__all__ = ["enabled"]

enabled = False
