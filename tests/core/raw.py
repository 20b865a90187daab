"""Calls of the compiled core with NumPy arrays, past the Python layers, for tests of kernels alone."""

from __future__ import annotations

import numpy as np

from tinygrad_cnn._core import ffi, lib

CODES = {
    np.dtype(np.float32): lib.TC_F32,
    np.dtype(np.float64): lib.TC_F64,
    np.dtype(np.int64): lib.TC_I64,
    np.dtype(np.int32): lib.TC_I32,
    np.dtype(np.uint8): lib.TC_U8,
    np.dtype(np.bool_): lib.TC_BOOL,
}
GUARD = 64  # bytes before and after a guarded buffer


def code(array_or_dtype) -> int:
    """Return the core's dtype code of an array or a dtype."""
    return CODES[np.dtype(getattr(array_or_dtype, "dtype", array_or_dtype))]


def ptr(array: np.ndarray | None):
    """Return a `void *` to the first element of an array of any strides (NULL for None)."""
    if array is None:
        return ffi.NULL
    return ffi.cast("void *", array.__array_interface__["data"][0])


def i64(values):
    """Return an `int64_t[]` of the values."""
    return ffi.new("int64_t[]", [int(value) for value in values])


def strides(array: np.ndarray):
    """Return the strides of an array in elements as `int64_t[]`."""
    return i64(stride // array.itemsize for stride in array.strides)


class Guarded:
    """An output buffer with a pattern on both sides: `array` is written by the kernel, `check()` sees that no more was.

    `offset` bytes shift the buffer off its alignment. The array starts as NaN (0x5a bytes for integers).
    """

    def __init__(self, shape, dtype, offset: int = 0):
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        self.bytes = np.full(size + 2 * GUARD + offset, 0x5A, np.uint8)
        self.first = GUARD + offset
        self.last = self.first + size
        self.array = self.bytes[self.first : self.last].view(dtype).reshape(shape)
        if np.dtype(dtype).kind == "f":
            self.array.fill(np.nan)

    def check(self) -> np.ndarray:
        """Assert that nothing outside the array was written; return the array."""
        assert (self.bytes[: self.first] == 0x5A).all(), "written before the buffer"
        assert (self.bytes[self.last :] == 0x5A).all(), "written after the buffer"
        return self.array
