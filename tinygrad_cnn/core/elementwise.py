"""Elementwise functions, comparison, selection (core/elementwise.c): float32 and float64, any strides, broadcast."""

from __future__ import annotations

from typing import Any

import numpy as np

from .buffers import Array, _from_buffer, code, copy, empty, empty_like, ints, lib, pointer, pointer_any, remember

_BOOL = np.dtype(np.bool_)


class _Layout:
    """Where the elements of broadcast operands lie, as the core takes it: made once per combination of shapes."""

    __slots__ = ("dense", "ndim", "out_shape", "shape", "strides")

    def __init__(self, arrays: tuple[Array, ...]):
        broadcast = np.broadcast_arrays(*arrays)
        self.out_shape: tuple[int, ...] = broadcast[0].shape
        self.dense = all(array.shape == self.out_shape and array.flags.c_contiguous for array in arrays)
        if self.dense:
            count = int(np.prod(self.out_shape, dtype=np.int64))
            self.ndim, self.shape = 1, ints((count,))
            self.strides = [ints((1,)) for _ in arrays]
        else:
            self.ndim, self.shape = len(self.out_shape), ints(self.out_shape)
            self.strides = [
                ints([stride // array.itemsize for stride in view.strides])
                for array, view in zip(arrays, broadcast, strict=True)
            ]


_layouts: dict[Any, _Layout] = {}


def _layout(a: Array, b: Array) -> _Layout:
    # Strides in bytes mean nothing without the item size.
    key = (a.itemsize, a.shape, a.strides, b.shape, b.strides)
    return _layouts.get(key) or remember(_layouts, key, _Layout((a, b)))


def _layout_where(condition: Array, a: Array, b: Array) -> _Layout:
    key = (a.itemsize, condition.shape, condition.strides, a.shape, a.strides, b.shape, b.strides)
    return _layouts.get(key) or remember(_layouts, key, _Layout((condition, a, b)))


# Of small arrays the arithmetic costs less than what surrounds it, so the three most frequent functions hold what they
# call, and ask for a pointer to learn whether an array is dense: of one that is not, NumPy gives none (ValueError).
_tc_unary, _tc_binary, _tc_binary_scalar = lib.tc_unary, lib.tc_binary, lib.tc_binary_scalar
_ONE = ints((1,))
_counts: dict[int, Any] = {}  # by number of elements the `int64_t[1]` of operands that are dense and of one shape


def unary(op: int, x: Array, out: Array | None = None) -> Array:
    """Return op(x); `out` may be `x` itself, if it is dense."""
    try:
        px = _from_buffer(x)
    except ValueError:
        x = copy(x)
        px = _from_buffer(x)
    if out is None:
        out = empty_like(x)
    _tc_unary(op, code(x.dtype), x.size, px, _from_buffer(out))
    return out


def binary(op: int, a: Array, b: Array, out: Array | None = None) -> Array:
    """Return op(a, b), broadcast; `out` may be `a` (or `b`) if that one is dense and has the result's shape."""
    if a.shape == b.shape:
        try:
            pa, pb = _from_buffer(a), _from_buffer(b)
        except ValueError:
            return _binary_strided(op, a, b, out)
        if out is None:
            out = empty_like(a)
        count = _counts.get(a.size) or remember(_counts, a.size, ints((a.size,)))
        _tc_binary(op, code(a.dtype), 1, count, pa, _ONE, pb, _ONE, _from_buffer(out))
        return out
    return _binary_strided(op, a, b, out)


def _binary_strided(op: int, a: Array, b: Array, out: Array | None) -> Array:
    layout = _layout(a, b)
    if out is None:
        out = empty(layout.out_shape, a.dtype)
    sa, sb = layout.strides
    _tc_binary(op, code(a.dtype), layout.ndim, layout.shape, pointer_any(a), sa, pointer_any(b), sb, _from_buffer(out))
    return out


def add_scaled(a: Array, b: Array, alpha: float, out: Array | None = None) -> Array:
    """Return a + alpha * b, broadcast; `out` may be `a` if that one is dense and has the result's shape."""
    layout = _layout(a, b)
    if out is None:
        out = empty(layout.out_shape, a.dtype)
    sa, sb = layout.strides
    lib.tc_add_scaled(
        code(a.dtype), layout.ndim, layout.shape, pointer_any(a), sa, pointer_any(b), sb, alpha, _from_buffer(out)
    )
    return out


def binary_scalar(op: int, x: Array, scalar: float, scalar_first: bool = False, out: Array | None = None) -> Array:
    """Return op(x, scalar), or op(scalar, x)."""
    try:
        px = _from_buffer(x)
    except ValueError:
        x = copy(x)
        px = _from_buffer(x)
    if out is None:
        out = empty_like(x)
    _tc_binary_scalar(op, code(x.dtype), x.size, px, scalar, scalar_first, _from_buffer(out))
    return out


def compare(op: int, a: Array, b: Array) -> Array:
    """Return the bool array a op b, broadcast."""
    layout = _layout(a, b)
    out = empty(layout.out_shape, _BOOL)
    sa, sb = layout.strides
    lib.tc_compare(op, code(a.dtype), layout.ndim, layout.shape, pointer_any(a), sa, pointer_any(b), sb, pointer(out))
    return out


def where(condition: Array, a: Array, b: Array) -> Array:
    """Return a where the bool `condition` holds, else b; all broadcast, a and b of one dtype."""
    layout = _layout_where(condition, a, b)
    out = empty(layout.out_shape, a.dtype)
    sc, sa, sb = layout.strides
    lib.tc_where(
        code(a.dtype),
        layout.ndim,
        layout.shape,
        pointer_any(condition),
        sc,
        pointer_any(a),
        sa,
        pointer_any(b),
        sb,
        pointer(out),
    )
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
