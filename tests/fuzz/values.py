"""Operands of the fuzz tests: values of every kind in memory of every layout."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

import tinygrad_cnn as tc

from .draw import Draw

DTYPES = {
    "f4": tc.float32,
    "f8": tc.float64,
    "f2": tc.float16,
    "b2": tc.bfloat16,
    "i8": tc.int64,
    "i4": tc.int32,
    "i2": tc.int16,
    "i1": tc.int8,
    "u1": tc.uint8,
    "?": tc.bool,
}
FLOATS = ("f4", "f4", "f4", "f8")
HALVES = ("f2", "b2")
INTEGERS = ("i8", "i4", "i2", "i1", "u1")
# What is sprinkled among normal numbers. Denormals of float64 are 0 in float32; sums of huge numbers overflow on the
# way, or not, as the order has it.
INFINITE = (math.nan, math.inf, -math.inf, -0.0, 0.0, 1.0)
DENORMAL = (1e-40, -1e-45, 1e-310, 1e-38, 2.0**-149)
HUGE = (3e38, -3e38, 1.7e308, -1e30, 65504.0)
AMONG = {"infinite": INFINITE, "special": INFINITE + DENORMAL, "extreme": INFINITE + DENORMAL + HUGE}


class Operand(NamedTuple):
    """A tensor and its values as float64 (integers as int64, bool as bool)."""

    values: np.ndarray
    tensor: tc.Tensor

    @property
    def largest(self) -> float:
        """Return the largest finite magnitude."""
        finite = np.abs(self.values[np.isfinite(self.values)])
        return float(finite.max()) if finite.size else 0.0


def to_bfloat16(array: np.ndarray) -> np.ndarray:
    """Round float32 values to bfloat16, to even, and return them as float32."""
    bits = array.astype(np.float32).view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000
    return np.where(np.isnan(array), np.float32(np.nan), rounded.astype(np.uint32).view(np.float32))


def elements(draw: Draw, shape: Sequence[int], dtype: str, kind: str) -> np.ndarray:
    """Return an array: "exact" small integers, "normal" numbers, or these with some of AMONG[kind]."""
    rng = draw.rng()
    if dtype == "?":
        return rng.random(shape) < 0.5
    if dtype in INTEGERS:
        return rng.integers(0 if dtype == "u1" else -4, 5, shape).astype(dtype)
    if kind == "exact":
        array = rng.integers(-4, 5, shape).astype(np.float64)
    else:
        array = rng.standard_normal(shape)
        if kind in AMONG and array.size:
            among = np.array(AMONG[kind])
            places = rng.integers(0, array.size, 1 + array.size // 4)
            array.reshape(-1)[places] = among[rng.integers(0, len(among), len(places))]
    with np.errstate(over="ignore", under="ignore"):
        return to_bfloat16(array.astype(np.float32)) if dtype == "b2" else array.astype(dtype)


def wide(array: np.ndarray) -> np.ndarray:
    """Return values as the references take them."""
    if array.dtype == bool:
        return array
    return array.astype(np.float64 if array.dtype.kind == "f" else np.int64)


def operand(
    draw: Draw, shape: Sequence[int], dtype: str = "f4", kind: str = "exact", dense: bool = False, grad: bool = False
) -> Operand:
    """Return an operand of a shape whose memory is dense, or a permuted, stepped, expanded or offset view of more."""
    shape = tuple(shape)
    if dense or draw.below(3) < 2:
        array = elements(draw, shape, dtype, kind)
        tensor = tc.tensor(array, dtype=DTYPES[dtype])
    else:
        array, tensor = _view(draw, shape, dtype, kind)
    if grad:
        tensor = tensor.detach().requires_grad_()
    return Operand(wide(array), tensor)


def _view(draw: Draw, shape: tuple[int, ...], dtype: str, kind: str) -> tuple[np.ndarray, tc.Tensor]:
    """Return an array and a tensor of equal values that are views of larger ones."""
    way = draw.below(4)
    if way == 3 and dtype != "b2":  # memory of NumPy's, shared
        array = elements(draw, (*shape, 2), dtype, kind)[..., 1]
        return array, tc.from_numpy(array)
    if way == 2 and 0 not in shape:  # overlapping windows of one line
        strides = [draw.integer(0, 3) for _ in shape]
        offset = draw.integer(0, 3)
        length = offset + sum((size - 1) * step for size, step in zip(shape, strides, strict=True)) + 1
        line = elements(draw, (length,), dtype, kind)
        places = offset + sum(
            (
                np.arange(size).reshape([-1 if axis == other else 1 for other in range(len(shape))]) * step
                for axis, (size, step) in enumerate(zip(shape, strides, strict=True))
            ),
            np.zeros(shape, int),
        )
        return line[places], tc.tensor(line, dtype=DTYPES[dtype]).as_strided(shape, strides, offset)
    order = draw.permutation(len(shape))
    steps = draw.integers(len(shape), 1, 3)
    kept = [size == 1 or not draw.flag(5) for size in shape]
    sizes = [(size if keep else 1) * step for size, step, keep in zip(shape, steps, kept, strict=True)]
    base = elements(draw, [sizes[axis] for axis in order], dtype, kind)
    inverse = [order.index(axis) for axis in range(len(shape))]
    cut = tuple(slice(step - 1, None, step) for step in steps)
    tensor = tc.tensor(base, dtype=DTYPES[dtype]).permute(inverse)[cut].expand(shape)
    return np.broadcast_to(base.transpose(inverse)[cut], shape), tensor


def kind_of(draw: Draw) -> str:
    """Choose what the elements of a case are."""
    return draw.choose(("exact", "normal", "exact", "normal", "special"))


def shape_of(draw: Draw, most: int = 4, high: int = 5, least: int = 0) -> tuple[int, ...]:
    """Choose a shape, now and then with an empty dimension."""
    rank = draw.integer(least, most)
    return tuple([draw.integer(1, high) if draw.below(12) < 11 else 0 for _ in range(rank)])
