"""Windows of a plane as columns (im2col), and columns added up into a plane (col2im): each other's gradients."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.core import FLOATS, Array

__all__ = ["Columns", "Planes", "Windows"]

Pair = tuple[int, int]


class Windows(NamedTuple):
    """Where the windows of a plane lie; pairs are of rows and columns."""

    size: Pair
    kernel: Pair
    dilation: Pair
    padding: Pair
    stride: Pair

    @property
    def counts(self) -> Pair:
        """How many windows there are, from top to bottom and from left to right; below 1 if the plane is too small."""
        high, wide = [
            (n + 2 * pad - dilation * (k - 1) - 1) // stride + 1
            for n, k, dilation, pad, stride in zip(*self, strict=True)
        ]
        return high, wide

    def places(self, i: int, j: int) -> tuple[slice, slice]:
        """Return where in the padded plane element (i, j) of all windows lies."""
        first, second = [
            slice(at * dilation, at * dilation + (count - 1) * stride + 1, stride)
            for at, dilation, count, stride in zip((i, j), self.dilation, self.counts, self.stride, strict=True)
        ]
        return first, second


class Columns(Operation):
    """y (N, C * KH * KW, windows) of x (N, C, H, W)."""

    grad_name = "Im2ColBackward0"

    def forward(self, x: Array, *, windows: Windows) -> Array:
        """Copy each window into a column."""
        self.windows = windows
        (high, wide), (rows, columns) = windows.counts, windows.kernel
        (top, left), (down, across), (dy, dx) = windows.padding, windows.stride, windows.dilation
        sizes = [n + 2 * pad for n, pad in zip(x.shape[2:], windows.padding, strict=True)]
        core.check_size((*x.shape[:2], *sizes))
        if top or left:
            x = np.pad(x, ((0, 0), (0, 0), (top, top), (left, left)))
        batch, channels = x.shape[:2]
        a, b, c, d = x.strides
        view = np.lib.stride_tricks.as_strided(
            x,
            (batch, channels, rows, columns, high, wide),
            (a, b, c * dy, d * dx, c * down, d * across),
            writeable=False,
        )
        y = core.copy(view) if x.dtype in FLOATS else np.ascontiguousarray(view)
        return y.reshape(batch, channels * rows * columns, high * wide)

    def backward(self, grad: Any) -> Any:
        """Add up where it came from."""
        return Planes.apply(grad, windows=self.windows)


class Planes(Operation):
    """x (N, C, H, W) of y (N, C * KH * KW, windows): what lies in several windows adds up."""

    grad_name = "Col2ImBackward0"

    def forward(self, y: Array, *, windows: Windows) -> Array:
        """Add each element of the windows in turn, all windows at once."""
        self.windows = windows
        (high, wide), (rows, columns) = windows.counts, windows.kernel
        (height, width), (top, left) = windows.size, windows.padding
        batch, channels = len(y), y.shape[1] // (rows * columns)
        parts = y.reshape(batch, channels, rows, columns, high, wide)
        x = np.zeros((batch, channels, height + 2 * top, width + 2 * left), y.dtype)
        for i in range(rows):
            for j in range(columns):
                down, across = windows.places(i, j)
                x[:, :, down, across] += parts[:, :, i, j]
        return np.ascontiguousarray(x[:, :, top : top + height, left : left + width])

    def backward(self, grad: Any) -> Any:
        """Copy the windows."""
        return Columns.apply(grad, windows=self.windows)
