"""Reductions and index of the extreme (core/reduce.c): float32 and float64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .buffers import Array, _from_buffer, check, code, contiguous, empty, ffi, ints, lib, pointer, remember

SUM, MEAN, PROD, AMAX, AMIN = lib.TC_SUM, lib.TC_MEAN, lib.TC_PROD, lib.TC_AMAX, lib.TC_AMIN
_I64 = np.dtype(np.int64)


_tc_reduce = lib.tc_reduce
_layouts: dict[Any, tuple[tuple[int, ...], Any, Any]] = {}


def _layout(shape: tuple[int, ...], dims: tuple[int, ...], keepdim: bool) -> tuple[tuple[int, ...], Any, Any]:
    """Return (shape of the result, sizes and mask of reduced dimensions as the core takes them)."""
    mask = [d in dims for d in range(len(shape))]
    if keepdim:
        out_shape = tuple([1 if mask[d] else size for d, size in enumerate(shape)])
    else:
        out_shape = tuple([size for d, size in enumerate(shape) if not mask[d]])
    found = out_shape, ints(shape), ffi.new("uint8_t[]", mask or (0,))
    return remember(_layouts, (shape, dims, keepdim), found)


def reduce(op: int, x: Array, dims: tuple[int, ...], keepdim: bool = False) -> Array:
    """Return the reduction of x over `dims` (non-negative, distinct)."""
    if not x.flags.c_contiguous:
        x = contiguous(x)
    shape, sizes, mask = _layouts.get((x.shape, dims, keepdim)) or _layout(x.shape, dims, keepdim)
    out = empty(shape, x.dtype)
    status = _tc_reduce(op, code(x.dtype), x.ndim, sizes, mask, _from_buffer(x), _from_buffer(out))
    if status:
        check(status)
    return out


def argmax(x: Array, dim: int, smallest: bool = False, values: bool = True) -> tuple[Array | None, Array]:
    """Return (values, indices) of the largest (smallest) along `dim`, which is dropped; the first of equals, or NaN."""
    x = contiguous(x)
    shape = x.shape[:dim] + x.shape[dim + 1 :]
    outer, inner = math.prod(x.shape[:dim]), math.prod(x.shape[dim + 1 :])
    out = empty(shape, x.dtype) if values else None
    indices = empty(shape, _I64)
    lib.tc_argmax(
        smallest,
        code(x.dtype),
        outer,
        x.shape[dim],
        inner,
        pointer(x),
        pointer(out),
        ffi.from_buffer("int64_t[]", indices),
    )
    return out, indices
