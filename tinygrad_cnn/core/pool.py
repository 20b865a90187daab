"""Pooling and padding of planes (core/pool.c): the last two dimensions of an array, whatever is before them."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from .buffers import NULL, Array, address, check, code, contiguous, empty, ffi, lib, pointer

POOL_MAX, POOL_MIN = lib.TC_POOL_MAX, lib.TC_POOL_MIN
I32 = np.dtype(np.int32)


class _Sizes(NamedTuple):
    x: tuple[int, ...]
    y: tuple[int, ...]
    kernel: tuple[int, ...] = (1, 1)
    stride: tuple[int, ...] = (1, 1)
    padding: tuple[int, ...] = (0, 0)
    dilation: tuple[int, ...] = (1, 1)


class PoolShape(_Sizes):
    """All sizes of one pooling: x (..., H, W) to y (..., OH, OW); for adaptive windows the rest stays as it is here."""

    @cached_property
    def params(self) -> Any:
        """The C struct."""
        planes = math.prod(self.x[:-2])
        return ffi.new(
            "tc_pool2d_params *",
            (planes, *self.x[-2:], *self.y[-2:], *self.kernel, *self.stride, *self.padding, *self.dilation),
        )


def max_pool2d(
    op: int, shape: PoolShape, x: Array, indices: bool, adaptive: bool = False
) -> tuple[Array, Array | None]:
    """Return (values, int32 indices within each plane, or None) of the largest (POOL_MIN: smallest) of each window."""
    y = empty(shape.y, x.dtype)
    where = empty(shape.y, I32) if indices else None
    if y.size:
        check(lib.tc_ndarray_max_pool2d(op, adaptive, shape.params, id(x), id(y), address(where)))
    return y, where


def pool_gather(indices: Array, x: Array) -> Array:
    """Return y (shape of `indices`) with y[p, o] = x[p, indices[p, o]], p over all planes."""
    y = empty(indices.shape, x.dtype)
    if y.size:
        check(lib.tc_ndarray_pool_gather(id(indices), id(x), id(y)))
    return y


def pool_scatter(
    shape: PoolShape, indices: Array, dy: Array, windows: bool = False, relu: Array | None = None
) -> Array:
    """Return dx of shape.x with dx[p, indices[p, o]] += dy[p, o].

    With `windows` the indices are those of `max_pool2d` for the shape, not adaptive; that may be sooner done. `relu`, a
    float array of shape.x, is the output of a ReLU before the pooling, whose gradient is taken along.
    """
    dx = empty(shape.x, dy.dtype)
    if not dy.size:
        dx.fill(0)
    elif dx.size:
        params = shape.params if windows else NULL
        check(lib.tc_ndarray_pool_scatter(params, id(indices), id(dy), address(relu), id(dx)))
    return dx


def avg_pool2d(shape: PoolShape, count_include_pad: bool, divisor_override: int, x: Array) -> Array:
    """Return the average of each window; `divisor_override` 0 is none."""
    x = contiguous(x)
    y = empty(shape.y, x.dtype)
    if y.size:
        lib.tc_avg_pool2d(code(x.dtype), shape.params, count_include_pad, divisor_override, pointer(x), pointer(y))
    return y


def avg_pool2d_grad(shape: PoolShape, count_include_pad: bool, divisor_override: int, dy: Array) -> Array:
    """Return dx of avg_pool2d."""
    dy = contiguous(dy)
    dx = empty(shape.x, dy.dtype)
    if dx.size:
        lib.tc_avg_pool2d_grad(
            code(dy.dtype), shape.params, count_include_pad, divisor_override, pointer(dy), pointer(dx)
        )
    return dx


def adaptive_avg_pool2d(shape: PoolShape, x: Array) -> Array:
    """Return the average of each adaptive window."""
    x = contiguous(x)
    y = empty(shape.y, x.dtype)
    if y.size:
        lib.tc_adaptive_avg_pool2d(code(x.dtype), shape.params, pointer(x), pointer(y))
    return y


def adaptive_avg_pool2d_grad(shape: PoolShape, dy: Array) -> Array:
    """Return dx of adaptive_avg_pool2d."""
    dy = contiguous(dy)
    dx = empty(shape.x, dy.dtype)
    if not dy.size:
        dx.fill(0)
    elif dx.size:
        lib.tc_adaptive_avg_pool2d_grad(code(dy.dtype), shape.params, pointer(dy), pointer(dx))
    return dx


def pad2d(x: Array, rows: Array, columns: Array, value: float) -> Array:
    """Return y[..., i, j] = x[..., rows[i], columns[j]], or `value` where one of the two int64 maps says -1."""
    x = contiguous(x)
    y = empty((*x.shape[:-2], len(rows), len(columns)), x.dtype)
    if y.size:
        lib.tc_pad2d(code(x.dtype), *_pad_sizes(x.shape, rows, columns), value, pointer(x), pointer(y))
    return y


def pad2d_grad(x_shape: tuple[int, ...], rows: Array, columns: Array, dy: Array) -> Array:
    """Return dx of pad2d."""
    dy = contiguous(dy)
    dx = empty(x_shape, dy.dtype)
    if not dy.size:
        dx.fill(0)
    elif dx.size:
        check(lib.tc_pad2d_grad(code(dy.dtype), *_pad_sizes(x_shape, rows, columns), pointer(dy), pointer(dx)))
    return dx


def _pad_sizes(x_shape: tuple[int, ...], rows: Array, columns: Array) -> tuple[Any, ...]:
    maps = (ffi.from_buffer("int64_t[]", rows), ffi.from_buffer("int64_t[]", columns))
    return math.prod(x_shape[:-2]), x_shape[-2], x_shape[-1], len(rows), len(columns), *maps
