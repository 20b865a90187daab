"""Counts at random: `torch.poisson` and `torch.binomial`, one number after the other."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.casts import FLOATING, cast_array, widened
from tinygrad_cnn.core import FLOATS
from tinygrad_cnn.dtypes import scalar_name
from tinygrad_cnn.tensor import Tensor

from .drawn import Drawn
from .fill import locked
from .generator import Generator

__all__ = ["binomial", "poisson"]

Uniform = Callable[[], float]


def _each(function: Callable[..., float], generator: Generator | None, *arrays: Any) -> Any:
    """Return function(uniform, *elements) for all elements; `uniform()` gives the next double in [0, 1)."""
    unit = np.empty(1)
    with locked(generator) as state:

        def uniform() -> float:
            state.uniform(unit, 0.0, 1.0)
            return float(unit[0])

        rows = zip(*(widened(array).ravel().tolist() for array in arrays), strict=True)
        drawn = [function(uniform, *row) for row in rows]
    return cast_array(np.array(drawn, np.float64).reshape(arrays[0].shape), arrays[0].dtype)


def _poisson(uniform: Uniform, rate: float) -> float:
    """Return a number of the Poisson distribution: W. Hoermann's transformed rejection (PTRS, 1993), for small rates
    Knuth's count of uniform factors until their product is below exp(-rate)."""
    if not rate >= 0:
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    if rate == 0:
        return 0.0
    if rate < 10:
        count, product = -1, 1.0
        while count < 0 or product > math.exp(-rate):
            product *= uniform()
            count += 1
        return float(count)
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha, quick = 1.1239 + 1.1328 / (b - 3.4), 0.9277 - 3.6224 / (b - 2)
    while True:
        u, v = uniform() - 0.5, uniform()
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + rate + 0.43)
        if us >= 0.07 and v <= quick:
            return float(k)
        if k < 0 or (us < 0.013 and v > us):
            continue
        height = _log(v) + math.log(inverse_alpha) - math.log(a / (us * us) + b)
        if height <= k * math.log(rate) - rate - math.lgamma(k + 1):
            return float(k)


def _log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf


def _binomial(uniform: Uniform, count: float, p: float) -> float:
    """Return how many of `count` trials of probability p succeed."""
    if math.isnan(count) or math.isnan(p):
        return math.nan
    if count <= 0 or p <= 0:
        return 0.0
    if p >= 1:
        return count
    few = min(p, 1 - p)
    draw = _binomial_rejected if count * few >= 10 else _binomial_waited
    successes = draw(uniform, count, few)
    return successes if p <= 0.5 else count - successes


def _binomial_waited(uniform: Uniform, count: float, p: float) -> float:
    """Add up geometric waiting times until there is no trial left."""
    trials, successes = 0.0, 0
    while True:
        trials += math.ceil(_log(uniform()) / math.log1p(-p))
        if trials > count:
            return float(successes)
        successes += 1


# log(k!) - ((k + 1/2) log(k + 1) - (k + 1) + log(2 pi) / 2), for small k.
_TAILS = (
    *(0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211),
    *(0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273, 0.00833056343336287),
)


def _tail(k: float) -> float:
    """Return what Stirling's approximation of log(k!) leaves."""
    if k <= 9:
        return _TAILS[int(k)]
    square = (k + 1) * (k + 1)
    return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1)


def _binomial_rejected(uniform: Uniform, count: float, p: float) -> float:
    """W. Hoermann's transformed rejection with squeeze (BTRS, 1993); count * p must be 10 or more."""
    spread = math.sqrt(count * p * (1 - p))
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * p
    quick, odds, alpha = 0.92 - 4.2 / b, p / (1 - p), (2.83 + 5.1 / b) * spread
    mode = math.floor((count + 1) * p)
    while True:
        u, v = uniform() - 0.5, uniform()
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + count * p + 0.5)
        if us >= 0.07 and v <= quick and 0 <= k <= count:
            return float(k)
        if k < 0 or k > count:
            continue
        height = _log(v * alpha / (a / (us * us) + b))
        bound = (
            (mode + 0.5) * math.log((mode + 1) / (odds * (count - mode + 1)))
            + (count + 1) * math.log((count - mode + 1) / (count - k + 1))
            + (k + 0.5) * math.log(odds * (count - k + 1) / (k + 1))
        )
        if height <= bound + _tail(mode) + _tail(count - mode) - _tail(k) - _tail(count - k):
            return float(k)


def _check_float(name: str, tensor: Any, argument: str, position: int, dtypes_taken: Any) -> None:
    if not isinstance(tensor, Tensor):
        raise TypeError(
            f"{name}(): argument '{argument}' (position {position}) must be Tensor, not {type(tensor).__name__}"
        )
    if tensor._array.dtype not in dtypes_taken:
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{scalar_name(tensor.dtype)}'")


def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Return a number of the Poisson distribution for each rate in `input` (`torch.poisson`).

    Raises RuntimeError for a negative rate, NotImplementedError for an integer tensor. The gradient is zero.
    """
    _check_float("poisson", input, "input", 1, FLOATING)
    draw = lambda rates: _each(_poisson, generator, rates)  # noqa: E731
    return Drawn.apply(input, draw=draw, grad_name="PoissonBackward0")


class Binomial(Operation):
    """Successes; without a derivative, as in PyTorch."""

    moves_only = True  # what is drawn depends on the dtype

    def forward(self, count: Any, prob: Any, generator: Generator | None) -> Any:
        """Draw."""
        return _each(_binomial, generator, *np.broadcast_arrays(count, prob))


def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """Return how many of `count` trials of probability `prob` succeed, broadcast (`torch.binomial`).

    Raises NotImplementedError for all but float32 and float64, RuntimeError for two dtypes.
    """
    _check_float("binomial", count, "count", 1, FLOATS)
    _check_float("binomial", prob, "prob", 2, FLOATS)
    if count._array.dtype != prob._array.dtype:
        raise RuntimeError(f"Found dtype {scalar_name(prob.dtype)} but expected {scalar_name(count.dtype)}")
    return Binomial.apply(count, prob, generator=generator)
