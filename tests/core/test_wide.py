"""Functions that the core computes in double for either dtype, where their formulas are at their limits."""

from __future__ import annotations

import numpy as np
import pytest

from tests.core.raw import code, i64, ptr
from tests.core.reference_elementwise import WIDE, ulp_error, unary
from tinygrad_cnn._core import lib


@pytest.mark.parametrize("name", ["SIN", "COS"])
def test_trigonometry_near_quarter_turns(name, isa, dtype):
    """Around multiples of pi / 2 the argument's reduction cancels most; up to where it ends, and beyond."""
    turns = np.arange(25000) * (np.pi / 2)
    x = turns.astype(dtype)
    x = np.concatenate([x, np.nextafter(x, dtype(0)), np.nextafter(x, dtype(np.inf)), -x])
    reference = {"SIN": np.sin, "COS": np.cos}[name](x.astype(WIDE[dtype]))
    assert ulp_error(unary(name, x), reference).max() <= 2


@pytest.mark.parametrize("name", ["FMOD", "REMAINDER"])
def test_remainders_of_every_magnitude(name, isa, dtype, rng):
    """Exact for quotients on both sides of what the fast way serves; multiples give a zero of a's sign (fmod)."""
    a = (rng.standard_normal(4003) * 2.0 ** rng.uniform(-30, 40, 4003)).astype(dtype)
    b = (rng.standard_normal(4003) * 2.0 ** rng.uniform(-3, 3, 4003)).astype(dtype)
    a[:500] = b[:500] * rng.integers(-9, 10, 500)
    y = np.empty_like(a)
    one = i64([1])
    lib.tc_binary(getattr(lib, f"TC_{name}"), code(a), 1, i64([a.size]), ptr(a), one, ptr(b), one, ptr(y))
    rest = np.fmod(a, b)
    if name == "REMAINDER":
        rest = np.where((rest != 0) & ((rest < 0) != (b < 0)), rest + b, rest)
    np.testing.assert_array_equal(y, rest)
    assert name == "REMAINDER" or (np.signbit(y) == np.signbit(a)).all()


def test_powers_of_every_sign(isa, dtype, rng):
    """Negative bases take whole exponents, odd ones keep the sign; NaN otherwise."""
    a = np.concatenate([rng.standard_normal(3001) * 3 + rng.choice([-0.01, 0.01], 3001), np.arange(-9, 10)]).astype(
        dtype
    )
    b = np.concatenate([rng.integers(-15, 16, 3001), np.arange(-9, 10)]).astype(dtype)
    b[::7] += dtype(0.5)
    y = np.empty_like(a)
    one = i64([1])
    lib.tc_binary(lib.TC_POW, code(a), 1, i64([a.size]), ptr(a), one, ptr(b), one, ptr(y))
    with np.errstate(all="ignore"):
        expected = np.power(a.astype(WIDE[dtype]), b.astype(WIDE[dtype]))
        error = ulp_error(y, expected)
    assert not np.isnan(error).any()
    assert error.max() <= 1
