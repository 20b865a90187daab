"""Resampling, axis by axis: y[i] = sum over j of W[i, j] x[j], where W is a band matrix that follows from the sizes.

The gradient is the product by W transposed, so one operation, and its mirror image, are the whole family. Nearest
neighbours are a lookup by index maps, which the kernels of padding do.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.core import FLOATS, Array
from tinygrad_cnn.core import pool as kernels

from .resample_weights import fixed_point, taps

__all__ = ["Axis", "Nearest", "Resample", "axis", "resample_bytes"]

_ROWS = 32  # of a block: wide enough for the kernel of products, narrow enough to leave most zeros of the band out
Block = tuple[slice, slice, Array]


class Axis:
    """The matrix W of one axis and its transpose, as dense blocks of rows with the columns that are not all zero.

    index and weights (out, K): the taps of each row. absent: those that a filter of varying length does not have.
    """

    def __init__(self, index: Array, weights: Array, size: int, absent: Array) -> None:
        self.index, self.weights, self.absent = index, weights, absent
        self.shape = shape = len(index), size
        rows, k = np.nonzero(weights)
        columns, values = index[rows, k], weights[rows, k]
        self.blocks = _blocks(rows, columns, values, shape)
        self.transposed = _blocks(columns, rows, values, shape[::-1])


def _blocks(rows: Array, columns: Array, values: Array, shape: tuple[int, int]) -> list[Block]:
    """Return (rows, columns, block) for each run of rows; equal places add up."""
    blocks = []
    for start in range(0, shape[0], _ROWS):
        stop = min(start + _ROWS, shape[0])
        chosen = (rows >= start) & (rows < stop)
        places = columns[chosen]
        low, high = (int(places.min()), int(places.max()) + 1) if places.size else (0, 1)
        block = np.zeros((stop - start, high - low), values.dtype)
        np.add.at(block, (rows[chosen] - start, places - low), values[chosen])
        blocks.append((slice(start, stop), slice(low, high), block))
    return blocks


@lru_cache(maxsize=32)
def axis(kind: str, size: int, out: int, align: bool, scale: float | None, antialias: bool, dtype: Any) -> Axis | None:
    """Return the matrix of an axis, None where it is the identity; arguments as `resample_weights.taps`'."""
    index, weights = taps(kind, size, out, align, scale, antialias, dtype.type)
    rows, k = np.nonzero(weights)
    if len(rows) == size == out and (rows == index[rows, k]).all() and (weights[rows, k] == 1).all():
        return None
    return Axis(index, weights, size, (weights == 0) & antialias)


def _along(x: Array, matrix: Axis, dim: int, transposed: bool) -> Array:
    """Return the product along one dimension."""
    size = matrix.shape[1 if transposed else 0]
    y = core.empty((*x.shape[:dim], size, *x.shape[dim + 1 :]), x.dtype)
    if not y.size:
        return y
    blocks = matrix.transposed if transposed else matrix.blocks
    if dim == x.ndim - 1:
        rows, into = x.reshape(-1, x.shape[-1]), y.reshape(-1, size)
        for to, source, block in blocks:
            core.gemm(rows[:, source], block.T, out=into[:, to])
        return y
    before, after = math.prod(x.shape[:dim]), math.prod(x.shape[dim + 1 :])
    planes, slices = x.reshape(before, x.shape[dim], after), y.reshape(before, size, after)
    for to, source, block in blocks:
        core.gemm(np.broadcast_to(block, (before, *block.shape)), planes[:, source], out=slices[:, to])
    return y


def _tap_by_tap(x: Array, matrix: Axis, dim: int, transposed: bool) -> Array:
    """Return the same product where x is not finite: blocks have zeros beside the taps, and 0 times infinity is NaN."""
    rows = np.moveaxis(x, dim, -1)
    y = np.zeros((*rows.shape[:-1], matrix.shape[1 if transposed else 0]), x.dtype)
    with np.errstate(all="ignore"):
        for index, weight, absent in zip(matrix.index.T, matrix.weights.T, matrix.absent.T, strict=True):
            terms = np.where(absent, 0, (rows if transposed else rows[..., index]) * weight)
            if transposed:
                np.add.at(y.T, index, terms.T)
            else:
                y += terms
    return np.ascontiguousarray(np.moveaxis(y, -1, dim))


class Resample(Operation):
    """y = x times the matrices `axes` (None: the identity) along its last dimensions; or times their transposes."""

    def forward(self, x: Array, *, axes: tuple[Axis | None, ...], grad_name: str, transposed: bool = False) -> Array:
        """Multiply, first along the axis that shrinks most."""
        self.grad_name, self.params = grad_name, {"axes": axes, "grad_name": grad_name, "transposed": not transposed}
        steps = [(matrix, x.ndim - len(axes) + k) for k, matrix in enumerate(axes) if matrix is not None]
        product = _along if math.isfinite(core.reduce(core.SUM, x, tuple(range(x.ndim)), False)) else _tap_by_tap
        growth = [matrix.shape[0] / matrix.shape[1] for matrix, _ in steps]
        for k in sorted(range(len(steps)), key=growth.__getitem__, reverse=transposed):
            x = product(x, *steps[k], transposed)
        return x if steps else core.copy(x)

    def backward(self, grad: Any) -> Any:
        """Multiply by the transposes."""
        return Resample.apply(grad, **self.params)


class Nearest(Operation):
    """y[..., i, j] = x[..., maps[0][i], maps[1][j]], for one to three maps of the last dimensions."""

    def forward(self, x: Array, *, maps: tuple[Array, ...], grad_name: str) -> Array:
        """Look up."""
        self.grad_name, self.maps, self.x_shape = grad_name, maps, x.shape
        if x.dtype not in FLOATS:
            for dim, index in enumerate(maps, x.ndim - len(maps)):
                x = x.take(index, dim)
            return x
        for shape, rows, columns in _planes(x.shape, maps):
            x = kernels.pad2d(x.reshape(shape), rows, columns, 0.0)
        return x.reshape(*self.x_shape[: -len(maps)], *map(len, maps))

    def backward(self, grad: Any) -> Any:
        """Add up where it came from."""
        return NearestGrad.apply(grad, maps=self.maps, grad_name=self.grad_name, x_shape=self.x_shape)


class NearestGrad(Operation):
    """dx of dy for Nearest."""

    def forward(self, dy: Array, *, maps: tuple[Array, ...], grad_name: str, x_shape: tuple[int, ...]) -> Array:
        """Add up."""
        self.params = {"maps": maps, "grad_name": grad_name}
        for shape, rows, columns in reversed(_planes(x_shape, maps)):
            dy = kernels.pad2d_grad(shape, rows, columns, dy)
        return dy.reshape(x_shape)

    def backward(self, grad: Any) -> Any:
        """Look up."""
        return Nearest.apply(grad, **self.params)


def _planes(shape: tuple[int, ...], maps: tuple[Array, ...]) -> list[tuple[tuple[int, ...], Array, Array]]:
    """Return the steps (shape of the input, map of its rows, map of its columns) of a lookup in planes."""
    if len(maps) == 1:
        return [(shape, np.arange(shape[-2]), maps[0])]
    steps = [(shape, maps[-2], maps[-1])]
    if len(maps) == 3:
        columns = len(maps[1]) * len(maps[2])
        steps.append(((math.prod(shape[:-3]), shape[-3], columns), maps[0], np.arange(columns)))
    return steps


def resample_bytes(x: Array, axes: tuple[tuple[Any, ...], ...]) -> Array:
    """Return x (uint8) resampled along its last dimensions, columns first, each time rounded to bytes (as Pillow).

    axes: the arguments of `fixed_point` for each.
    """
    given = x
    for k in range(len(axes) - 1, -1, -1):
        _, size, out = axes[k][:3]
        if size == out:
            continue
        index, weights, bits = fixed_point(*axes[k])
        dim = x.ndim - len(axes) + k
        shape = (-1,) + (1,) * (x.ndim - dim - 1)
        total: Any = np.int32((1 << bits) >> 1)
        for places, weight in zip(index.T, weights.T, strict=True):
            total = total + x.take(places, dim) * weight.reshape(shape)
        x = np.clip(total >> bits, 0, 255).astype(np.uint8)
    return x.copy() if x is given else x
