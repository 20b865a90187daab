"""Dropout: multiplication by a random mask, whose gradient is multiplication by the same mask."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.core import Array
from tinygrad_cnn.core import dropout as kernels

__all__ = ["Dropout"]


class Dropout(Operation):
    """y = x * mask / (1 - p); the mask follows from the 64-bit `key`, whatever the number of threads."""

    grad_name = "MulBackward0"

    def forward(self, x: Array, *, p: float, key: int) -> Array:
        """Draw the mask and multiply."""
        y, mask = kernels.dropout(x, p, key)
        self.scale = 1.0 / (1.0 - p)
        self.save_for_backward(mask)
        return y

    def backward(self, grad: Any) -> Any:
        """Multiply by the mask."""
        (mask,) = self.saved_tensors
        return MaskScale.apply(grad, mask, scale=self.scale)


class MaskScale(Operation):
    """y = x * mask * scale."""

    grad_name = "MulBackward0"

    def forward(self, x: Array, mask: Array, *, scale: float) -> Array:
        """Multiply."""
        self.scale = scale
        self.save_for_backward(mask)
        return kernels.mask_scale(x, mask, scale)

    def backward(self, grad: Any) -> Any:
        """Multiply by the mask."""
        (mask,) = self.saved_tensors
        return MaskScale.apply(grad, mask, scale=self.scale), None
