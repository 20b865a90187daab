"""Elementwise functions, comparison, selection (core/elementwise.c): float32 and float64, any strides, broadcast.

The core reads shapes and strides from the arrays themselves (core/ndarray.c).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .buffers import SMALL, Array, check, code, contiguous, empty, empty_like, knows, lib, pointer

_BOOL = np.dtype(np.bool_)

_shape = lru_cache(maxsize=4096)(np.broadcast_shapes)

# Of small arrays the arithmetic costs less than what surrounds it. To find a function in `lib` is part of that, and to
# call `empty_like`, which is written out here.
_unary, _binary, _binary_scalar = lib.tc_ndarray_unary, lib.tc_ndarray_binary, lib.tc_ndarray_binary_scalar
_small = np.empty


def unary(op: int, x: Array, out: Array | None = None) -> Array:
    """Return op(x); `out` may be `x` itself, if it is dense."""
    if out is None:
        out = _small(x.shape, x.dtype) if x.nbytes < SMALL else empty(x.shape, x.dtype)
    status = _unary(op, id(x), id(out))
    if status:
        check(status)
    return out


def binary(op: int, a: Array, b: Array, out: Array | None = None) -> Array:
    """Return op(a, b), broadcast; `out` may be `a` (or `b`) if that one is dense and has the result's shape.

    ValueError if the shapes do not go together.
    """
    if out is None:
        out = _small(a.shape, a.dtype) if a.nbytes < SMALL else empty(a.shape, a.dtype)
    if _binary(op, id(a), id(b), id(out)):  # mostly it has the shape of `a`, else the core refuses
        out = empty(_shape(a.shape, b.shape), a.dtype)
        check(_binary(op, id(a), id(b), id(out)))
    return out


def add_scaled(a: Array, b: Array, alpha: float, out: Array | None = None) -> Array:
    """Return a + alpha * b, broadcast; `out` may be `a` if that one is dense and has the result's shape."""
    if out is None:
        out = empty(_shape(a.shape, b.shape), a.dtype)
    check(lib.tc_ndarray_add_scaled(id(a), id(b), alpha, id(out)))
    return out


def bend(g: Array, x: Array, pieces: tuple[float, float, float, float, float], out: Array | None = None) -> Array:
    """Return g, broadcast to x, times the slope at x of a function of straight pieces; `out` may be `x` if it is dense.

    pieces: low, high, and the slopes where x <= low (and where x is NaN), between, and where x >= high.
    """
    if out is None:
        out = empty_like(x)
    if lib.tc_ndarray_bend(id(g), id(x), *pieces, id(out)):
        g, x = contiguous(np.broadcast_to(g, x.shape)), contiguous(x)
        check(lib.tc_ndarray_bend(id(g), id(x), *pieces, id(out)))
    return out


def binary_scalar(op: int, x: Array, scalar: float, scalar_first: bool = False, out: Array | None = None) -> Array:
    """Return op(x, scalar), or op(scalar, x)."""
    if out is None:
        out = _small(x.shape, x.dtype) if x.nbytes < SMALL else empty(x.shape, x.dtype)
    status = _binary_scalar(op, id(x), scalar, scalar_first, id(out))
    if status:
        check(status)
    return out


def compare(op: int, a: Array, b: Array) -> Array:
    """Return the bool array a op b, broadcast."""
    out = empty(_shape(a.shape, b.shape), _BOOL)
    check(lib.tc_ndarray_compare(op, id(a), id(b), id(out)))
    return out


def where(condition: Array, a: Array, b: Array) -> Array:
    """Return a where the bool `condition` holds, else b; all broadcast, a and b of one dtype."""
    out = empty(_shape(condition.shape, a.shape, b.shape), a.dtype)
    status = lib.tc_ndarray_where(id(condition), id(a), id(b), id(out))
    if status and not knows(a.dtype):
        return np.where(condition, a, b)
    check(status)
    return out


def fill(out: Array, value: float) -> None:
    """Write `value` into every element of a dense float array."""
    lib.tc_fill(code(out.dtype), out.size, value, pointer(out))


NEG, ABS, SIGN, SQRT, RSQRT = lib.TC_NEG, lib.TC_ABS, lib.TC_SIGN, lib.TC_SQRT, lib.TC_RSQRT
RECIPROCAL, SQUARE, FLOOR, CEIL = lib.TC_RECIPROCAL, lib.TC_SQUARE, lib.TC_FLOOR, lib.TC_CEIL
ROUND, TRUNC, EXP, EXPM1, LOG, LOG1P = lib.TC_ROUND, lib.TC_TRUNC, lib.TC_EXP, lib.TC_EXPM1, lib.TC_LOG, lib.TC_LOG1P
SIN, COS, TANH, SIGMOID, ERF, RELU = lib.TC_SIN, lib.TC_COS, lib.TC_TANH, lib.TC_SIGMOID, lib.TC_ERF, lib.TC_RELU
ADD, SUB, MUL, DIV, MAXIMUM, MINIMUM = lib.TC_ADD, lib.TC_SUB, lib.TC_MUL, lib.TC_DIV, lib.TC_MAXIMUM, lib.TC_MINIMUM
POW, FMOD, REMAINDER, ATAN2, RELU_GRAD = lib.TC_POW, lib.TC_FMOD, lib.TC_REMAINDER, lib.TC_ATAN2, lib.TC_RELU_GRAD
ADD_RELU = lib.TC_ADD_RELU
EQ, NE, LT, LE, GT, GE = lib.TC_EQ, lib.TC_NE, lib.TC_LT, lib.TC_LE, lib.TC_GT, lib.TC_GE
