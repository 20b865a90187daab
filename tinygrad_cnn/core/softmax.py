"""Softmax and log-softmax (core/softmax.c): float32 and float64."""

from __future__ import annotations

from .buffers import Array, check, empty_like, lib


def softmax(logarithm: bool, x: Array, dim: int) -> Array:
    """Return softmax, or its logarithm, of x along `dim` (not negative)."""
    y = empty_like(x)
    if y.size:
        check(lib.tc_ndarray_softmax(logarithm, dim, id(x), id(y)))
    return y


def softmax_grad(logarithm: bool, dy: Array, y: Array, dim: int) -> Array:
    """Return dx from dy and the output y."""
    dx = empty_like(y)
    if dx.size:
        check(lib.tc_ndarray_softmax_grad(logarithm, dim, id(dy), id(y), id(dx)))
    return dx
