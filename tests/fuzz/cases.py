"""What the fuzz tests draw their cases with, and how they compare.

Integer data must agree exactly (every partial sum is exact in float32); real data within `4 eps sqrt(k)` times the sum
of the magnitudes of the k terms, the usual bound of a summation in any order. Hypothesis runs the same examples every
time.
"""

from __future__ import annotations

import math

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

import tinygrad_cnn as torch

EPS = float(np.finfo(np.float32).eps)


def examples(count):
    """Return the settings of one fuzz test: reproducible, without a time limit for a single example."""
    quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    return settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=quiet,
        print_blob=False,
    )


def values(data, *shapes):
    """Draw arrays of small integers or of normal numbers; return (exact, arrays)."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32), label="seed"))
    exact = data.draw(st.booleans(), label="exact")
    if exact:
        return exact, [rng.integers(-4, 5, shape).astype(np.float32) for shape in shapes]
    return exact, [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


def agree(actual, expected, magnitude, terms, exact):
    """Assert equal shapes and values, exactly or within the bound of a float32 sum of `terms` terms."""
    actual = actual.detach().numpy() if isinstance(actual, torch.Tensor) else actual
    assert actual.shape == expected.shape
    bound = 0.0 if exact else 4 * EPS * math.sqrt(max(terms, 1)) * magnitude
    worst = np.abs(actual.astype(np.float64) - expected) - bound
    assert worst.size == 0 or worst.max() <= 0, f"{worst.max()} above the bound"


def leaf(array):
    """Return a tensor with the values of `array` that requires a gradient."""
    return torch.tensor(array, requires_grad=True)


def strided(data, shape, dtype=np.float32, integer=True):
    """Return an array of `shape` and a tensor with the same values whose strides are arbitrary.

    The tensor is a permuted, stepped, expanded view of a larger one.
    """
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32), label="seed"))
    order = data.draw(st.permutations(range(len(shape))), label="order")
    steps = [data.draw(st.integers(1, 3), label="step") for _ in shape]
    spread = [size == 1 or data.draw(st.integers(0, 4), label="expand") > 0 for size in shape]
    sizes = [(size if keep else 1) * step for size, step, keep in zip(shape, steps, spread, strict=True)]
    base = rng.integers(-4, 5, [sizes[axis] for axis in order]).astype(dtype)
    if not integer:
        base = rng.standard_normal(base.shape).astype(dtype)
    cut = tuple(slice(None, None, step) for step in steps)
    inverse = [order.index(axis) for axis in range(len(shape))]
    array = np.broadcast_to(base.transpose(inverse)[cut], shape)
    return array, torch.tensor(base).permute(inverse)[cut].expand(shape)


def shapes(high=4, least=0, most=4):
    """Draw a shape of some dimensions, now and then with an empty one."""
    return st.lists(st.integers(0, high) | st.integers(1, high), min_size=least, max_size=most)
