"""Arrays from one dtype to another, and the two half-precision dtypes, in which numbers are kept but not computed.

float16 is NumPy's. NumPy has no bfloat16, the upper half of a float32: its arrays have a dtype of opaque pairs of
bytes, which NumPy moves, slices and joins but takes for no number: arithmetic on it raises. `Operation.apply` computes
with halves in float32 and rounds the result, as PyTorch's CPU kernels do; `halves.seen` spares programs without any
the question.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

F16, BF16 = np.dtype(np.float16), np.dtype([("bfloat16", "V2")])
F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
HALVES = frozenset((F16, BF16))
FLOATING = frozenset((F16, BF16, F32, F64))


class _Halves:
    """Whether this program has asked for a half-precision dtype yet."""

    __slots__ = ("seen",)

    def __init__(self) -> None:
        self.seen = False


halves = _Halves()


def widened(array: Any) -> Any:
    """Return an array of halves as float32, which holds them exactly; any other array as it is."""
    dtype = array.dtype
    if dtype == F16:
        return array.astype(F32, order="C")
    if dtype != BF16:
        return array
    bits = array.view(np.uint16).astype(np.uint32, order="C")
    bits <<= 16
    return bits.view(F32)


def _upper_half(array: Any) -> Any:
    """Return float32 numbers as bfloat16: to the nearest, to the even one of two.

    Just under half a unit of the last kept bit is added, a bit more where that bit is 1; the carry goes where it must,
    from the largest finite number to infinity. NaN, whose carry would make it another number, becomes the one NaN.
    """
    bits = np.ascontiguousarray(array).view(np.uint32).reshape(array.shape)
    upper = ((bits + (((bits >> 16) & 1) + np.uint32(0x7FFF))) >> 16).astype(np.uint16)
    return np.where(np.isnan(array), np.uint16(0x7FC0), upper).view(BF16)


def cast_array(array: Any, numpy_dtype: Any) -> Any:
    """Return `array` in another dtype, dense; a new array unless it has that dtype.

    Floats are cut off towards zero (what NaN and infinity become is undefined, as in PyTorch) and wrap round in small
    integers; beyond the range of a smaller float lies infinity. To and from a half goes through float32.
    """
    if array.dtype == numpy_dtype:
        return array
    if array.dtype in HALVES:
        array = widened(array)
    with np.errstate(invalid="ignore", over="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if numpy_dtype in HALVES:
            array = array.astype(F32, copy=False)
            return _upper_half(array) if numpy_dtype == BF16 else array.astype(F16, order="C")
        if array.dtype.kind == "f" and numpy_dtype.kind in "iu" and numpy_dtype.itemsize < 4:
            array = array.astype(np.int64)
        return array.astype(numpy_dtype, order="C", copy=False)
