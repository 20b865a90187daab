"""Dropout and multiplication by its mask (core/random.c): float32 and float64."""

from __future__ import annotations

import numpy as np

from .buffers import Array, code, contiguous, empty, ffi, lib, pointer

_U8 = np.dtype(np.uint8)


def dropout(x: Array, p: float, key: int) -> tuple[Array, Array]:
    """Return (x * mask / (1 - p), mask): mask (uint8) is 1 with probability 1 - p, made from the 64-bit `key` alone."""
    x = contiguous(x)
    y, mask = empty(x.shape, x.dtype), empty(x.shape, _U8)
    if x.size:
        lib.tc_dropout(code(x.dtype), x.size, p, key, pointer(x), pointer(y), ffi.from_buffer("uint8_t[]", mask))
    return y, mask


def mask_scale(x: Array, mask: Array, scale: float) -> Array:
    """Return x * mask * scale."""
    x, mask = contiguous(x), contiguous(mask)
    y = empty(x.shape, x.dtype)
    if x.size:
        lib.tc_mask_scale(code(x.dtype), x.size, scale, ffi.from_buffer("uint8_t[]", mask), pointer(x), pointer(y))
    return y
