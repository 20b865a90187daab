"""Padding of the last two dimensions by index maps, which serve every mode: constant, reflect, replicate, circular.

A negative amount crops. Row i of the result is row rows[i] of the input, or the constant where rows[i] is -1.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.core import FLOATS, Array
from tinygrad_cnn.core import pool as kernels

__all__ = ["Pad2d", "index_map"]


@lru_cache(maxsize=1024)
def index_map(mode: str, size: int, before: int, after: int) -> Array:
    """Return the int64 map of one dimension: for each place of the result the place in the input, -1 for the constant.

    The caller has checked that the amounts fit the mode (reflect less than size, circular at most size).
    """
    places = np.arange(-before, size + after, dtype=np.int64)
    if mode == "constant":
        places[(places < 0) | (places >= size)] = -1
    elif mode == "reflect":  # the edge itself is not repeated
        places = np.abs(places)
        places = size - 1 - np.abs(size - 1 - places)
    elif mode == "replicate":
        places = places.clip(0, size - 1)
    else:  # circular: what is left after cropping repeats
        first, last = max(-before, 0), size - max(-after, 0)
        places = first + (places - first) % max(last - first, 1)
    places.setflags(write=False)
    return places


class Pad2d(Operation):
    """y[..., i, j] = x[..., rows[i], columns[j]], or `value` where a map says -1."""

    def forward(self, x: Array, *, rows: Array, columns: Array, value: float, mode: str) -> Array:
        """Look up each element."""
        self.grad_name = _GRAD_NAMES[mode]
        self.serves_once = mode in ("reflect", "replicate")
        self.params = {"rows": rows, "columns": columns, "mode": mode}
        self.x_shape = x.shape
        if x.dtype not in FLOATS:
            y = np.full((*x.shape[:-2], len(rows), len(columns)), value, x.dtype)
            inner_rows, inner_columns = np.flatnonzero(rows >= 0)[:, None], np.flatnonzero(columns >= 0)
            y[..., inner_rows, inner_columns] = x[..., rows[inner_rows], columns[inner_columns]]
            return y
        return kernels.pad2d(x, rows, columns, value)

    def backward(self, grad: Any) -> Any:
        """Add the gradients up where they came from."""
        return Pad2dGrad.apply(grad, x_shape=self.x_shape, **self.params)


class Pad2dGrad(Operation):
    """dx of dy for Pad2d."""

    def forward(self, dy: Array, *, x_shape: tuple[int, ...], rows: Array, columns: Array, mode: str) -> Array:
        """Add up."""
        self.params = {"rows": rows, "columns": columns, "mode": mode}
        return kernels.pad2d_grad(x_shape, rows, columns, dy)

    def backward(self, grad: Any) -> Any:
        """Look up; the constant has no gradient."""
        return Pad2d.apply(grad, value=0.0, **self.params)


_GRAD_NAMES = {
    "constant": "ConstantPadNdBackward0",
    "reflect": "ReflectionPad2DBackward0",
    "replicate": "ReplicationPad2DBackward0",
    "circular": "CopySlices",
}
