"""Pooling of volumes (..., D, H, W) by that of planes: first each depth's plane, then over the depths.

That is exact. A window is a product of intervals, so its sum is the sum of its planes' sums, and its number of cells
the product of three. The largest of the planes' largest is the window's largest; as both steps take the first of
equals and the last NaN, and cells are ordered by depth first, it is also the same cell. For the second step the
planes are (D, OH OW) with windows one cell wide.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from tinygrad_cnn.core import Array
from tinygrad_cnn.tensor import Tensor, wrap

from .pool import AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, MaxPool2d, PoolShape

__all__ = ["adaptive_avg_pool3d", "avg_pool3d", "max_pool3d"]


@lru_cache(maxsize=1024)
def _steps(shape: PoolShape) -> tuple[PoolShape, PoolShape]:
    """Return the sizes of the pooling of planes, and of that over depths."""
    *lead, depth, h, w = shape.x
    out, oh, ow = shape.y[-3:]
    planes = PoolShape((*lead, depth, h, w), (*lead, depth, oh, ow), *[numbers[1:] for numbers in shape[2:]])
    (k, *_), (stride, *_), (pad, *_), (dilation, *_) = shape[2:]
    cells = oh * ow
    over = PoolShape((*lead, depth, cells), (*lead, out, cells), (k, 1), (stride, 1), (pad, 0), (dilation, 1))
    return planes, over


def max_pool3d(input: Tensor, shape: PoolShape, op: int, adaptive: bool, return_indices: bool) -> Any:
    """Return the largest (smallest) of each window, and with `return_indices` its int64 place in its volume."""
    planes, over = _steps(shape)
    operation = AdaptiveMaxPool2d if adaptive else MaxPool2d
    options: dict[str, Any] = {"op": op, "adaptive": adaptive, "return_indices": return_indices}
    first = operation.apply(input, shape=planes, **options)
    if not return_indices:
        return operation.apply(first.reshape(over.x), shape=over, **options).reshape(shape.y)
    values, places = operation.apply(first[0].reshape(over.x), shape=over, **options)
    cells = shape.x[-2] * shape.x[-1]
    return values.reshape(shape.y), wrap(_join(first[1]._array, places._array, cells).reshape(shape.y))


def _join(inside: Array, places: Array, cells: int) -> Array:
    """Return places in volumes for those `inside` planes of `cells` cells, and those among (depth, plane); -1 stays."""
    size = places.shape[-1]
    lead = places.shape[:-2]
    rows, planes = (array.reshape(*lead, math.prod(array.shape[len(lead) :])) for array in (places, inside))
    picked = np.take_along_axis(planes, np.maximum(rows, 0), -1)
    joined = rows // max(size, 1) * cells + picked
    joined[(rows < 0) | (picked < 0)] = -1
    return joined


def avg_pool3d(input: Tensor, shape: PoolShape, count_include_pad: bool, divisor_override: int) -> Tensor:
    """Return the average of each window; `divisor_override` 0 is none. Integers are summed, then divided."""
    planes, over = _steps(shape)
    whole = input.is_floating_point()
    first = 1 if divisor_override or not whole else 0
    second = divisor_override if divisor_override or whole else 1
    sums = AvgPool2d.apply(input, shape=planes, count_include_pad=count_include_pad, divisor_override=first)
    result = AvgPool2d.apply(
        sums.reshape(over.x), shape=over, count_include_pad=count_include_pad, divisor_override=second
    ).reshape(shape.y)
    if whole or divisor_override:
        return result
    counts = _cells(shape, count_include_pad)
    return wrap(np.sign(result._array) * (np.abs(result._array) // counts))


def _cells(shape: PoolShape, count_include_pad: bool) -> Array:
    """Return the number of cells by which the sum of each window is divided, (OD, OH, OW)."""
    counts = []
    for size, out, kernel, stride, pad in zip(shape.x[-3:], shape.y[-3:], *shape[2:5], strict=True):
        begin = np.arange(out) * stride - pad
        end = np.minimum(begin + kernel, size + pad)
        counts.append(end - begin if count_include_pad else np.minimum(end, size) - np.maximum(begin, 0))
    return counts[0][:, None, None] * counts[1][:, None] * counts[2]


def adaptive_avg_pool3d(input: Tensor, shape: PoolShape) -> Tensor:
    """Return the average of each adaptive window."""
    planes, over = _steps(shape)
    first = AdaptiveAvgPool2d.apply(input, shape=planes)
    return AdaptiveAvgPool2d.apply(first.reshape(over.x), shape=over).reshape(shape.y)
