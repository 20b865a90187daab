"""Looking up rows of a table, and adding rows up: each other's gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.core import Array

__all__ = ["AddRows", "TakeRows", "add_columns"]

_FEW = 256  # columns shorter than this cost less to number than a call each


def add_columns(parts: Array, index: Array, size: int) -> Array:
    """Return y (C, size), where y[:, j] is the sum of the columns parts (C, M)[:, m] whose index (M,) is j.

    Added in the order of m. One `np.bincount` a row (in float64) takes a tenth of `np.add.at`'s time on rows.
    """
    rows = len(parts)
    if len(index) < _FEW:
        y = np.zeros(rows * size, parts.dtype)
        np.add.at(y, (np.arange(rows)[:, None] * size + index).ravel(), parts.ravel())
        return y.reshape(rows, size)
    y = np.empty((rows, size), parts.dtype)
    for row in range(rows):
        y[row] = np.bincount(index, parts[row], size)
    return y


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
        self.params = {"index": index, "factor": grad_factor, "size": len(x), "grad_name": grad_name}
        y = x.take(index, 0)
        return y if factor is None else y * factor

    def backward(self, grad: Any) -> Any:
        """Add up where it came from."""
        return AddRows.apply(grad, **self.params)


class AddRows(Operation):
    """x (size, D), where x[j] is the sum of y * factor (..., D) over the places whose index (...) is j."""

    def forward(self, y: Array, *, index: Array, factor: Array | None, size: int, grad_name: str) -> Array:
        """Add up; a table with more rows than are looked up is mostly zeros."""
        self.grad_name = grad_name
        self.params = {"index": index, "factor": factor, "grad_factor": factor, "grad_name": grad_name}
        parts = (y if factor is None else y * factor).reshape(index.size, y.shape[-1])
        places = index.reshape(-1)
        if size <= 2 * len(places):
            return np.ascontiguousarray(add_columns(np.ascontiguousarray(parts.T), places, size).T)
        x = np.zeros((size, y.shape[-1]), y.dtype)
        used, places = np.unique(places, return_inverse=True)
        x[used] = add_columns(np.ascontiguousarray(parts.T), places.reshape(-1), len(used)).T
        return x

    def backward(self, grad: Any) -> Any:
        """Look up."""
        return TakeRows.apply(grad, **self.params)
