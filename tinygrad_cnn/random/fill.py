"""Filling memory with random numbers, in PyTorch's order and by its recipes; the in-place methods of Tensor."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn._memory import check_writable
from tinygrad_cnn.autograd.grad_mode import mode
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.autograd.waiting import settle
from tinygrad_cnn.core.random import GeneratorState
from tinygrad_cnn.dtypes import from_numpy_dtype
from tinygrad_cnn.dtypes import scalar_name as _scalar_name
from tinygrad_cnn.tensor import Tensor

from .generator import Generator, default_generator

Array = core.Array
_C_NAMES = {"uint8": "unsigned char", "int32": "int", "int64": "long", "float32": "float", "float64": "double"}
# The largest integer of a run of integers that a float dtype represents all.
_EXACT = {np.dtype(np.float32): 2**24, np.dtype(np.float64): 2**53}


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


def _fill(array: Array, fill: Callable[[Array], None]) -> None:
    """Call `fill` with dense memory of the array's shape, and bring the numbers to where they belong."""
    if array.flags.c_contiguous:
        fill(array)
        return
    ordered = _memory_order(array)
    if ordered.flags.c_contiguous:
        fill(ordered)
        return
    dense = core.empty(ordered.shape, array.dtype)
    fill(dense)
    core.copy_into(dense, ordered)


def _check_float(array: Array, kernel: str) -> None:
    if array.dtype not in core.FLOATS:
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{_scalar_name(from_numpy_dtype(array.dtype))}'")


def fill_uniform(array: Array, low: float, high: float, generator: Generator | None) -> None:
    """Fill a float array with numbers from [low, high)."""
    _check_float(array, "check_uniform_bounds")
    largest = float(np.finfo(array.dtype).max)
    for name, value in (("from", low), ("to", high)):
        if not -largest <= value <= largest:
            raise RuntimeError(f"{name} is out of bounds for {_C_NAMES[str(array.dtype)]}")
    if low > high:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}")
    if high - low > largest:
        raise RuntimeError(
            f"uniform_ expects to-from <= std::numeric_limits<{_C_NAMES[str(array.dtype)]}>::max(), but found "
            f"to={high:g} and from={low:g} which result in to-from to exceed the limit"
        )
    with locked(generator) as state:
        _fill(array, lambda dense: state.uniform(dense, low, high))


def fill_normal(array: Array, mean: float, std: float, generator: Generator | None) -> None:
    """Fill a float array with normal numbers; PyTorch's fast recipe is for dense arrays only."""
    if not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
    _check_float(array, "normal_kernel_cpu")
    with locked(generator) as state:
        if array.flags.c_contiguous:
            state.normal(array, mean, std)
        else:
            _fill(array, lambda dense: state.normal_one_by_one(dense, mean, std))


def fill_integers(array: Array, low: int, high: int, generator: Generator | None) -> None:
    """Fill an array of any dtype with integers from [low, high)."""
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    first, last = _range_of(array.dtype)
    for name, value in (("from", low), ("to - 1", high - 1)):
        if not first <= value <= last:
            kind = "bool" if array.dtype.kind == "b" else _C_NAMES[str(array.dtype)]
            raise RuntimeError(f"{name} is out of bounds for {kind}")

    def fill(dense: Array) -> None:
        dense[...] = state.integers(dense.size, low, high - low).reshape(dense.shape)

    with locked(generator) as state:
        _fill(array, fill)


def _range_of(numpy_dtype: Any) -> tuple[Any, Any]:
    """Return the least and the greatest integer of a dtype."""
    if numpy_dtype.kind == "b":
        return 0, 1
    if numpy_dtype.kind == "f":
        largest = int(np.finfo(numpy_dtype).max)
        return -largest, largest
    limits = np.iinfo(numpy_dtype)
    return int(limits.min), int(limits.max)


def _fill_all_integers(array: Array, generator: Generator | None) -> None:
    """Fill with non-negative integers as `random_()` without bounds: all of the dtype, or all that a float counts up
    to."""
    greatest = _EXACT.get(array.dtype) or _range_of(array.dtype)[1]

    def fill(dense: Array) -> None:
        if array.dtype == np.int32:  # a range for which `random_(from, to)` would draw 64 bits each
            dense[...] = np.array([state.random32() >> 0 & greatest for _ in range(dense.size)]).reshape(dense.shape)
        else:
            dense[...] = state.integers(dense.size, 0, greatest + 1).reshape(dense.shape)

    with locked(generator) as state:
        _fill(array, fill)


def fill_bernoulli(array: Array, p: float, generator: Generator | None) -> None:
    """Fill an array of any dtype with 1, with probability p, and 0."""
    if not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
    with locked(generator) as state:
        _fill(array, lambda dense: state.bernoulli(dense, p))


def fill_exponential(array: Array, rate: float, generator: Generator | None) -> None:
    """Fill a float array with numbers of density rate * exp(-rate * x), computed in double from uniform ones."""
    if not rate > 0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={rate:g}")
    _check_float(array, "exponential")

    def fill(dense: Array) -> None:
        unit = np.empty(dense.shape)
        state.uniform(unit, 0.0, 1.0)
        dense[...] = np.log1p(-unit) * (-1.0 / rate)

    with locked(generator) as state:
        _fill(array, fill)


class _Redrawn(Operation):
    """The graph's view of an in-place random fill: the old values no longer matter, their gradient is zero."""

    def forward(self, x: Array, fill: Callable[[Array], None]) -> Array:
        """Return memory like that of x, filled."""
        drawn = x.copy(order="K")
        fill(drawn)
        return drawn

    def backward(self, grad: Tensor) -> Tensor:
        """Give zeros."""
        return Tensor._zeros(grad._array.shape, grad._array.dtype)


class UniformRedrawn(_Redrawn):
    """After `uniform_`."""

    grad_name = "UniformBackward0"


class NormalRedrawn(_Redrawn):
    """After `normal_`."""

    grad_name = "NormalBackward0"


class RandomRedrawn(_Redrawn):
    """After `random_`."""

    grad_name = "RandomBackward0"


class BernoulliRedrawn(_Redrawn):
    """After `bernoulli_`."""

    grad_name = "BernoulliBackward2"


class ExponentialRedrawn(_Redrawn):
    """After `exponential_`."""

    grad_name = "ExponentialBackward0"


def _redraw(tensor: Tensor, operation: type[Operation], fill: Callable[[Array], None]) -> Tensor:
    if mode.enabled and tensor.requires_grad:
        return tensor._inplace(operation, fill=fill)
    check_writable(tensor._array)
    settle(tensor._array)
    fill(tensor._array)
    tensor._bump()
    return tensor


def uniform_(self: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill this float tensor with numbers uniform in [from, to) (`torch.Tensor.uniform_`).

    Raises RuntimeError if from > to, NotImplementedError for another dtype.
    """
    low, high = float(from_), float(to)
    return _redraw(self, UniformRedrawn, lambda array: fill_uniform(array, low, high, generator))


def normal_(self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill this float tensor with normal numbers (`torch.Tensor.normal_`); RuntimeError if std < 0."""
    return _redraw(self, NormalRedrawn, lambda array: fill_normal(array, float(mean), float(std), generator))


def random_(self: Tensor, *args: Any, generator: Generator | None = None) -> Tensor:
    """Fill this tensor with integers: `random_(to)` from [0, to), `random_(from, to)` from [from, to), `random_()` from
    all non-negative ones of the dtype (`torch.Tensor.random_`). `to` may be None: as far as the dtype goes.

    Raises RuntimeError for an empty range, or one that the dtype cannot hold.
    """
    if len(args) > 2:
        raise TypeError(f"random_() takes from 0 to 2 positional arguments but {len(args)} were given")
    if not args:
        return _redraw(self, RandomRedrawn, lambda array: _fill_all_integers(array, generator))
    low, high = (0, args[0]) if len(args) == 1 else args
    if high is None:
        high = (_EXACT.get(self._array.dtype) or _range_of(self._array.dtype)[1]) + 1
    first, last = math.trunc(low), math.trunc(high)
    return _redraw(self, RandomRedrawn, lambda array: fill_integers(array, first, last, generator))


def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fill this tensor with 1, with probability p (a number, or a tensor broadcast to this one), and 0.

    Raises RuntimeError for a probability outside [0, 1] (`torch.Tensor.bernoulli_`).
    """
    if not isinstance(p, Tensor):
        return _redraw(self, BernoulliRedrawn, lambda array: fill_bernoulli(array, float(p), generator))
    chances = np.broadcast_to(p._array, self._array.shape)

    def fill(array: Array) -> None:
        array[...] = draw_bernoulli(chances, generator)

    return _redraw(self, BernoulliRedrawn, fill)


def draw_bernoulli(chances: Array, generator: Generator | None) -> Array:
    """Return, for each probability, whether a uniform number of its dtype lies below it."""
    _check_float(chances, "bernoulli_tensor_cpu_p_")
    if not ((chances >= 0) & (chances <= 1)).all():
        raise RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true, but got false.")
    unit = core.empty(chances.shape, chances.dtype)
    fill_uniform(unit, 0.0, 1.0, generator)
    return np.asarray(unit < chances)


def exponential_(self: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill this float tensor with exponentially distributed numbers (`torch.Tensor.exponential_`).

    Raises RuntimeError if lambd <= 0.
    """
    return _redraw(self, ExponentialRedrawn, lambda array: fill_exponential(array, float(lambd), generator))
