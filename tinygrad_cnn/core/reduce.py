"""Reductions and index of the extreme (core/reduce.c): float32 and float64."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from .buffers import Array, check, code, contiguous, empty, ffi, lib, pointer

SUM, MEAN, PROD, AMAX, AMIN = lib.TC_SUM, lib.TC_MEAN, lib.TC_PROD, lib.TC_AMAX, lib.TC_AMIN
_I64 = np.dtype(np.int64)


_reduce = lib.tc_ndarray_reduce


@lru_cache(maxsize=4096)
def _layout(shape: tuple[int, ...], dims: tuple[int, ...], keepdim: bool) -> tuple[tuple[int, ...], int]:
    """Return (shape of the result, reduced dimensions as bits)."""
    kept = [1 if d in dims else size for d, size in enumerate(shape) if keepdim or d not in dims]
    return tuple(kept), sum([1 << d for d in dims])


def reduce(op: int, x: Array, dims: tuple[int, ...], keepdim: bool = False) -> Array:
    """Return the reduction of x over `dims` (non-negative, distinct)."""
    shape, bits = _layout(x.shape, dims, keepdim)
    out = empty(shape, x.dtype)
    status = _reduce(op, bits, id(x), id(out))
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
