"""How far results are from the true values, in units of the last place: functions of one number.

float32 is compared with PyTorch's float64, on as many of the 2^32 numbers as are wanted; float64 with mpmath on some.
A result below the smallest normal number counts as zero in the kernels, so there half of that number is the unit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

import tinygrad_cnn as tc

EVERY = 2**32
BLOCK = 2**22

# Units that results may be off: of the core's kernels, which core.h promises; and of what is composed of them.
KERNELS = {
    "exp": 2.0,
    "expm1": 2.0,
    "log": 2.0,
    "log1p": 2.0,
    "sin": 2.0,
    "cos": 2.0,
    "tanh": 2.0,
    "sigmoid": 2.5,
    "erf": 2.0,
    "sqrt": 0.5,
    "rsqrt": 1.5,
    "reciprocal": 0.5,
}
COMPOSED = {
    "exp2": 2.0,
    "log2": 2.0,
    "log10": 2.0,
    "tan": 2.0,
    "asin": 2.0,
    "acos": 2.0,
    "atan": 2.0,
    "sinh": 2.0,
    "cosh": 2.0,
    "asinh": 2.0,
    "acosh": 2.0,
    "atanh": 2.0,
    "erfc": 2.0,
    "lgamma": 2.0,
    "digamma": 2.0,
    "logit": 2.0,
    "softplus": 4.0,
    "logsigmoid": 4.0,
}
# Of float64 where that is more.
DOUBLE = {"lgamma": 8.0, "digamma": 8.0}


def function(package: Any, name: str) -> Callable[[Any], Any]:
    """Return a function of either package."""
    if name in ("softplus", "logsigmoid"):
        found = getattr(package.nn.functional, name)
        return (lambda x: found(x, 1.0, 80.0)) if name == "softplus" else found
    return getattr(package, name)


def blocks(count: int) -> Iterator[np.ndarray]:
    """Yield `count` float32 numbers, evenly over their bits, so that each power of two has as many; all for 2^32."""
    step = EVERY // count
    for first in range(0, count, BLOCK):
        bits = np.arange(first, min(first + BLOCK, count), dtype=np.uint64) * step + (step // 2 if step > 1 else 0)
        yield bits.astype(np.uint32).view(np.float32)


def errors(got: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return how many units of the last place results are off; infinity where one is NaN, or infinite, alone.

    true: in more digits. Where it is between the largest number and infinity, either is right.
    """
    info = np.finfo(got.dtype)
    with np.errstate(all="ignore"):
        nearest = true.astype(got.dtype)
        unit = np.spacing(np.maximum(np.abs(nearest), info.tiny)).astype(true.dtype)
        off = np.abs(got.astype(true.dtype) - true) / unit
        small = np.abs(true) < info.tiny
        off = np.where(small & (np.abs(got) <= info.tiny), 0.0, off)
    same = (got == nearest) | (np.isnan(got) & np.isnan(nearest))
    border = np.isinf(nearest) & (np.abs(got) == info.max)
    return np.where(same | border, 0.0, np.where(np.isnan(off), math.inf, off))


def worst(name: str, count: int, package: Any = tc) -> tuple[float, float]:
    """Return the largest error of a function of float32 among `count` numbers, and for which number.

    Denormal operands count as zeros in the kernels, and are left out.
    """
    largest, where = 0.0, math.nan
    compute, reference = function(package, name), function(torch, name)
    for x in blocks(count):
        x = x[~((np.abs(x) < np.finfo(np.float32).tiny) & (x != 0))]
        with np.errstate(invalid="ignore"):  # signalling NaN
            wide = x.astype(np.float64)
        true = reference(torch.from_numpy(wide)).numpy()
        off = errors(compute(package.from_numpy(x.copy())).numpy(), true)
        at = int(off.argmax())
        if off[at] > largest:
            largest, where = float(off[at]), float(x[at])
    return largest, where


def worst_double(name: str, count: int, package: Any = tc) -> tuple[float, float]:
    """Return the largest error of a function of float64 among `count` numbers, by mpmath, and for which number."""
    import mpmath

    mpmath.mp.dps = 40
    true = {
        "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
        "rsqrt": lambda x: 1 / mpmath.sqrt(x),
        "reciprocal": lambda x: 1 / x,
        "exp2": lambda x: mpmath.power(2, x),
        "log2": lambda x: mpmath.log(x, 2),
        "lgamma": lambda x: mpmath.log(abs(mpmath.gamma(x))),
        "softplus": lambda x: x if x > 80 else mpmath.log1p(mpmath.exp(x)),
        "logsigmoid": lambda x: -mpmath.log1p(mpmath.exp(-x)),
        "logit": lambda x: mpmath.log(x) - mpmath.log1p(-x),
    }.get(name) or getattr(mpmath, name)
    rng = np.random.default_rng(0)
    domain = {"log": (0, None), "log2": (0, None), "log10": (0, None), "sqrt": (0, None), "rsqrt": (0, None)}.get(name)
    x = np.concatenate([np.exp2(rng.uniform(-60, 9, count)), rng.uniform(0, 1, count)]) * rng.choice([-1, 1], 2 * count)
    if domain or name in ("lgamma", "digamma"):
        x = np.abs(x)
    x = x[x > -1] if name == "log1p" else x
    x = x[np.abs(x) < 1] if name in ("asin", "acos", "atanh") else x
    x = np.abs(x) + 1 if name == "acosh" else x
    x = np.abs(x[np.abs(x) < 1]) if name == "logit" else x
    got = function(package, name)(package.from_numpy(x.copy())).numpy()
    largest, where = 0.0, math.nan
    for value, result in zip(x.tolist(), got.tolist(), strict=True):
        exact = true(mpmath.mpf(value))
        unit = float(np.spacing(max(abs(float(exact)), np.finfo(np.float64).tiny)))
        off = 0.0 if float(exact) == result else float(abs(exact - mpmath.mpf(result)) / unit)
        if off > largest:
            largest, where = off, value
    return largest, where
