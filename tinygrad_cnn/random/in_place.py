"""The methods that fill a tensor with random numbers in place."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn._memory import check_writable
from tinygrad_cnn.autograd.grad_mode import mode
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.autograd.waiting import settle
from tinygrad_cnn.casts import cast_array
from tinygrad_cnn.tensor import Tensor

from . import fill as fills
from .generator import Generator

Array = core.Array
Fill = Callable[[Array], None]


class Redrawn(Operation):
    """The graph's view of an in-place random fill: the old values no longer matter, their gradient is zero."""

    moves_only = True  # the numbers drawn depend on the dtype

    def forward(self, x: Array, fill: Fill, grad_name: str) -> Array:
        """Return memory like that of x, filled."""
        self.grad_name = grad_name
        drawn = x.copy(order="K")
        fill(drawn)
        return drawn

    def backward(self, grad: Tensor) -> Tensor:
        """Give zeros."""
        return Tensor._zeros(grad._array.shape, grad._array.dtype)


def _redraw(tensor: Tensor, name: str, fill: Fill) -> Tensor:
    """Fill a tensor, in the graph as well: there the operation is called `name`."""
    if mode.enabled and tensor.requires_grad:
        return tensor._inplace(Redrawn, fill=fill, grad_name=name)
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
    return _redraw(self, "UniformBackward0", lambda array: fills.fill_uniform(array, low, high, generator))


def normal_(self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill this float tensor with normal numbers (`torch.Tensor.normal_`); RuntimeError if std < 0."""
    return _redraw(self, "NormalBackward0", lambda array: fills.fill_normal(array, float(mean), float(std), generator))


def random_(self: Tensor, *args: Any, to: Any = None, generator: Generator | None = None) -> Tensor:
    """Fill this tensor with integers: `random_(to)` from [0, to), `random_(from, to)` from [from, to), `random_()` from
    all non-negative ones of the dtype (`torch.Tensor.random_`). `to` may be None: as far as the dtype goes.

    Raises RuntimeError for an empty range, or one that the dtype cannot hold.
    """
    if to is not None:
        args = (*args, to)
    if len(args) > 2:
        raise TypeError(f"random_() takes from 0 to 2 positional arguments but {len(args)} were given")
    if not args:
        return _redraw(self, "RandomBackward0", lambda array: fills.fill_all_integers(array, generator))
    low, high = (0, args[0]) if len(args) == 1 else args
    if high is None:
        high = fills.greatest_integer(self._array.dtype) + 1
    first, last = math.trunc(low), math.trunc(high)
    return _redraw(self, "RandomBackward0", lambda array: fills.fill_integers(array, first, last, generator))


def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fill this tensor with 1, with probability p (a number, or a tensor broadcast to this one), and 0.

    Raises RuntimeError for a probability outside [0, 1] (`torch.Tensor.bernoulli_`).
    """
    if not isinstance(p, Tensor):
        return _redraw(self, "BernoulliBackward2", lambda array: fills.fill_bernoulli(array, float(p), generator))
    chances = np.broadcast_to(p._array, self._array.shape)

    def fill(array: Array) -> None:
        array[...] = cast_array(fills.draw_bernoulli(chances, generator), array.dtype)

    return _redraw(self, "BernoulliBackward2", fill)


def exponential_(self: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill this float tensor with exponentially distributed numbers (`torch.Tensor.exponential_`).

    Raises RuntimeError if lambd <= 0.
    """
    return _redraw(self, "ExponentialBackward0", lambda array: fills.fill_exponential(array, float(lambd), generator))


def cauchy_(self: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill this float tensor with Cauchy distributed numbers (`torch.Tensor.cauchy_`); RuntimeError if sigma <= 0."""
    low, wide = float(median), float(sigma)
    return _redraw(self, "CauchyBackward0", lambda array: fills.fill_cauchy(array, low, wide, generator))


def geometric_(self: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """Fill this tensor with how many trials of probability p it takes until one succeeds (`torch.Tensor.geometric_`).

    Raises RuntimeError for p outside (0, 1), NotImplementedError for a bool tensor.
    """
    return _redraw(self, "GeometricBackward0", lambda array: fills.fill_geometric(array, float(p), generator))


def log_normal_(self: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None) -> Tensor:
    """Fill this float tensor with exponentials of normal numbers (`torch.Tensor.log_normal_`).

    Raises RuntimeError if std <= 0.
    """
    middle, wide = float(mean), float(std)
    return _redraw(self, "LogNormalBackward0", lambda array: fills.fill_log_normal(array, middle, wide, generator))
