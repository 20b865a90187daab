"""Memory formats of convolutions' weights (`torch.nn.utils.memory_format`): memory is always row-major here."""

from __future__ import annotations

from typing import Any, TypeVar

M = TypeVar("M")

__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]


def convert_conv2d_weight_memory_format(module: M, memory_format: Any) -> M:
    """Return the module as it is."""
    return module


def convert_conv3d_weight_memory_format(module: M, memory_format: Any) -> M:
    """Return the module as it is."""
    return module
