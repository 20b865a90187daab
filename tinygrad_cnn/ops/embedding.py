"""Looking up rows of a table, and adding rows up: each other's gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.core import Array

from .places import add_rows, kept

__all__ = ["AddRows", "TakeRows"]


class TakeRows(Operation):
    """y = x[index] * factor, for x (V, D), index (...) and factor (..., 1) or None for 1.

    In the gradient by x the rows count `grad_factor` times: how an embedding leaves out its padding. The gradient of
    that has the same factors again.
    """

    def forward(
        self, x: Array, *, index: Array, factor: Array | None, grad_factor: Array | None, grad_name: str
    ) -> Array:
        """Look up."""
        self.grad_name = grad_name
        if self.recording:
            index = kept(index)
        self.params = {"index": index, "factor": grad_factor, "size": len(x), "grad_name": grad_name}
        y = x.take(index, 0)
        return y if factor is None else y * factor

    def backward(self, grad: Any) -> Any:
        """Add up where it came from."""
        return AddRows.apply(grad, **self.params)


class AddRows(Operation):
    """x (size, D), where x[j] is the sum of y * factor (..., D) over the places whose index (...) is j."""

    def forward(self, y: Array, *, index: Array, factor: Array | None, size: int, grad_name: str) -> Array:
        """Add up."""
        self.grad_name = grad_name
        if self.recording:
            index = kept(index)
        self.params = {"index": index, "factor": factor, "grad_factor": factor, "grad_name": grad_name}
        parts = (y if factor is None else y * factor).reshape(index.size, y.shape[-1])
        x = np.zeros((size, y.shape[-1]), y.dtype)
        add_rows(x, index.reshape(-1), parts)
        return x

    def backward(self, grad: Any) -> Any:
        """Look up."""
        return TakeRows.apply(grad, **self.params)
