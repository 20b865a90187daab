"""Filling memory with random numbers, in PyTorch's order and by its recipes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.casts import BF16, F16, F32, F64, FLOATING, HALVES, cast_array, widened
from tinygrad_cnn.core.buffers import knows
from tinygrad_cnn.core.random import GeneratorState
from tinygrad_cnn.dtypes import C_NAMES, from_numpy_dtype
from tinygrad_cnn.dtypes import scalar_name as _scalar_name
from tinygrad_cnn.limits import finfo

from .generator import Generator, default_generator

Array = core.Array
# Bits of precision: up to 2 to that power a float dtype represents all integers.
_DIGITS = {F32: 24, F64: 53, F16: 11, BF16: 8}


@contextmanager
def locked(generator: Generator | None) -> Iterator[GeneratorState]:
    """Give the state of a generator (None: the default one) to one thread."""
    found = default_generator if generator is None else generator
    if not isinstance(found, Generator):
        raise TypeError(f"argument 'generator' must be torch.Generator, not {type(found).__name__}")
    with found._lock:
        yield found._state


def _memory_order(array: Array) -> Array:
    """Return a view of the array with its dimensions in the order in which they lie in memory: PyTorch fills so."""
    order = sorted(range(array.ndim), key=lambda d: (-abs(array.strides[d]), d))
    return array.transpose(order)


def _fill(array: Array, fill: Callable[[Array], None], dtype: Any = None) -> None:
    """Call `fill` with dense memory of the array's shape, of its or another dtype, and bring the numbers to where they
    belong."""
    found = dtype or array.dtype
    ordered = array if array.flags.c_contiguous else _memory_order(array)
    if ordered.flags.c_contiguous and found == array.dtype:
        fill(ordered)
        return
    dense = core.empty(ordered.shape, found)
    fill(dense)
    core.copy_into(cast_array(dense, array.dtype), ordered)


def c_name(array: Array) -> str:
    """Return how PyTorch's messages name the C++ type of the elements."""
    return C_NAMES[from_numpy_dtype(array.dtype)]


def _check_float(array: Array, kernel: str) -> None:
    if array.dtype not in FLOATING:
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{_scalar_name(from_numpy_dtype(array.dtype))}'")


def _check_continuous(name: str, array: Array, kind: str) -> None:
    if array.dtype not in FLOATING:
        raise RuntimeError(
            f"{name} distribution is a continuous probability distribution. dtype must be a floating point but you "
            f"specified {kind}"
        )


def fill_uniform(array: Array, low: float, high: float, generator: Generator | None) -> None:
    """Fill a float array with numbers from [low, high)."""
    _check_float(array, "check_uniform_bounds")
    largest = finfo(from_numpy_dtype(array.dtype)).max
    for name, value in (("from", low), ("to", high)):
        if not -largest <= value <= largest:
            raise RuntimeError(f"{name} is out of bounds for {c_name(array)}")
    if low > high:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}")
    if high - low > largest:
        raise RuntimeError(
            f"uniform_ expects to-from <= std::numeric_limits<{c_name(array)}>::max(), but found "
            f"to={high:g} and from={low:g} which result in to-from to exceed the limit"
        )
    with locked(generator) as state:
        if array.dtype not in HALVES:
            _fill(array, lambda dense: state.uniform(dense, low, high))
            return
        highest = widened(cast_array(np.array(high, F32), array.dtype))

        def fill(dense: Array) -> None:
            state.uniform(dense, low, high)
            dense[widened(cast_array(dense, array.dtype)) >= highest] = low  # what rounding took out of the range

        _fill(array, fill, F32)


def fill_normal(array: Array, mean: float, std: float, generator: Generator | None) -> None:
    """Fill a float array with normal numbers; PyTorch's fast recipe is for dense arrays only."""
    if not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
    _check_float(array, "normal_kernel_cpu")
    with locked(generator) as state:
        if not array.flags.c_contiguous:
            _fill(array, lambda dense: state.normal_one_by_one(dense, mean, std), F64)
        elif array.dtype in HALVES:
            _fill(array, lambda dense: _normal_groups(state, dense.reshape(-1), mean, std), F32)
        else:
            state.normal(array, mean, std)


def _normal_groups(state: GeneratorState, flat: Array, mean: float, std: float) -> None:
    """Fill float32 memory with what halves get: as others, but an incomplete last group of 16 draws nothing for those
    that are overwritten."""
    whole = flat.size // 16 * 16
    state.normal(flat[:whole] if whole else flat, mean, std)
    if whole and whole < flat.size:
        state.normal(flat[-16:], mean, std)


def fill_integers(array: Array, low: int, high: int, generator: Generator | None) -> None:
    """Fill an array of any dtype with integers from [low, high)."""
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    first, last = range_of(array.dtype)
    for name, value in (("from", low), ("to - 1", high - 1)):
        if not first <= value <= last:
            raise RuntimeError(f"{name} is out of bounds for {c_name(array)}")

    def fill(dense: Array) -> None:
        dense[...] = state.integers(dense.size, low, high - low).reshape(dense.shape)

    with locked(generator) as state:
        _fill(array, fill, np.dtype(np.int64))


def range_of(numpy_dtype: Any) -> tuple[Any, Any]:
    """Return the least and the greatest integer of a dtype."""
    if numpy_dtype.kind == "b":
        return 0, 1
    if numpy_dtype in FLOATING:
        largest = int(finfo(from_numpy_dtype(numpy_dtype)).max)
        return -largest, largest
    limits = np.iinfo(numpy_dtype)
    return int(limits.min), int(limits.max)


def greatest_integer(numpy_dtype: Any) -> int:
    """Return up to where `random_` goes by itself: all of the dtype, or all that a float counts up to."""
    return 1 << _DIGITS[numpy_dtype] if numpy_dtype in FLOATING else range_of(numpy_dtype)[1]


def fill_all_integers(array: Array, generator: Generator | None) -> None:
    """Fill with non-negative integers as `random_()` without bounds."""
    greatest = greatest_integer(array.dtype)

    def fill(dense: Array) -> None:
        if array.dtype == np.int32:  # a range for which `random_(from, to)` would draw 64 bits each
            dense[...] = np.array([state.random32() >> 0 & greatest for _ in range(dense.size)]).reshape(dense.shape)
        else:
            dense[...] = state.integers(dense.size, 0, greatest + 1).reshape(dense.shape)

    with locked(generator) as state:
        _fill(array, fill, np.dtype(np.int64) if array.dtype in HALVES else None)


def fill_bernoulli(array: Array, p: float, generator: Generator | None) -> None:
    """Fill an array of any dtype with 1, with probability p, and 0."""
    if not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
    with locked(generator) as state:
        _fill(array, lambda dense: state.bernoulli(dense, p), None if knows(array.dtype) else np.dtype(np.uint8))


def fill_exponential(array: Array, rate: float, generator: Generator | None) -> None:
    """Fill a float array with numbers of density rate * exp(-rate * x), computed in double from uniform ones."""
    if not rate > 0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={rate:g}")
    _check_continuous("Exponential", array, _scalar_name(from_numpy_dtype(array.dtype)))
    _transform(array, lambda unit: np.log1p(-unit) * (-1.0 / rate), generator)


def fill_cauchy(array: Array, median: float, sigma: float, generator: Generator | None) -> None:
    """Fill a float array with Cauchy distributed numbers: the tangent of a uniform angle."""
    if not sigma > 0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}")
    _check_continuous("Cauchy", array, c_name(array))
    margin = np.finfo(np.float64).eps  # of the poles

    def cauchy(unit: Array) -> Array:
        return median + sigma * np.tan(math.pi * (np.clip(unit, margin, 1 - margin) - 0.5))

    _transform(array, cauchy, generator)


def fill_geometric(array: Array, p: float, generator: Generator | None) -> None:
    """Fill an array with how many trials of probability p it takes until one succeeds."""
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p:g}")
    if array.dtype.kind == "b":
        raise NotImplementedError("\"geometric_cpu\" not implemented for 'Bool'")
    _transform(array, lambda unit: np.ceil(np.log(unit) / math.log1p(-p)), generator)


def fill_log_normal(array: Array, mean: float, std: float, generator: Generator | None) -> None:
    """Fill a float array with the exponentials of normal numbers."""
    if not std > 0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std:g}")
    _check_float(array, "log_normal_cpu")

    def fill(dense: Array) -> None:
        state.normal_one_by_one(dense, mean, std)
        np.exp(dense, out=dense)

    with locked(generator) as state, np.errstate(over="ignore"):
        _fill(array, fill, F64)


def _transform(array: Array, function: Callable[[Array], Array], generator: Generator | None) -> None:
    """Fill an array with a function, computed in double, of numbers uniform in [0, 1)."""

    def fill(dense: Array) -> None:
        state.uniform(dense, 0.0, 1.0)
        dense[...] = function(dense)

    with locked(generator) as state, np.errstate(divide="ignore"):
        _fill(array, fill, F64)


def draw_bernoulli(chances: Array, generator: Generator | None) -> Array:
    """Return, for each probability, whether a uniform number of its dtype (float32 for a half) lies below it."""
    _check_float(chances, "bernoulli_tensor_cpu_p_")
    chances = widened(chances)
    if not ((chances >= 0) & (chances <= 1)).all():
        raise RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true, but got false.")
    unit = core.empty(chances.shape, chances.dtype)
    fill_uniform(unit, 0.0, 1.0, generator)
    return np.asarray(unit < chances)
