"""`torch.backends.cpu`: which instructions the kernels use."""

from __future__ import annotations

from tinygrad_cnn.core.runtime import isa

__all__ = ["get_cpu_capability"]


def get_cpu_capability() -> str:
    """Return "AVX512", "AVX2", "NEON" or "DEFAULT"."""
    name = isa().upper()
    return "DEFAULT" if name == "GENERIC" else name
