"""Softmax and log-softmax (core/softmax.c): float32 and float64."""

from __future__ import annotations

import math
from functools import lru_cache

from .buffers import Array, check, code, contiguous, empty, lib, pointer


@lru_cache(maxsize=4096)
def _sizes(shape: tuple[int, ...], dim: int) -> tuple[int, int, int]:
    """The array as (outer, len, inner)."""
    return math.prod(shape[:dim]), shape[dim] if shape else 1, math.prod(shape[dim + 1 :])


def softmax(logarithm: bool, x: Array, dim: int) -> Array:
    """Return softmax, or its logarithm, of x along `dim` (not negative)."""
    x = contiguous(x)
    y = empty(x.shape, x.dtype)
    if y.size:
        check(lib.tc_softmax(logarithm, code(x.dtype), *_sizes(x.shape, dim), pointer(x), pointer(y)))
    return y


def softmax_grad(logarithm: bool, dy: Array, y: Array, dim: int) -> Array:
    """Return dx from dy and the output y."""
    dy, y = contiguous(dy), contiguous(y)
    dx = empty(y.shape, y.dtype)
    if dx.size:
        sizes = _sizes(y.shape, dim)
        check(lib.tc_softmax_grad(logarithm, code(y.dtype), *sizes, pointer(dy), pointer(y), pointer(dx)))
    return dx
