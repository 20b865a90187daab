"""`torch.backends.cudnn` without cuDNN: the switches can be set and read, and change nothing, as on a CPU with PyTorch.

Results on the CPU are the same bits in every run whatever they say.
"""

from __future__ import annotations

__all__ = ["allow_tf32", "benchmark", "deterministic", "enabled", "is_available", "version"]

enabled = True
benchmark = False
deterministic = False
allow_tf32 = True


def is_available() -> bool:
    """Return False."""
    return False


def version() -> int | None:
    """Return None: there is no cuDNN."""
    return None
