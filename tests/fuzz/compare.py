"""How far a result may be from the float64 reference, and the comparison.

The bound of a sum. Let u = eps / 2 be the unit of rounding, and the sum have k terms, each a product of two numbers. A
term is rounded once as a product and then takes part in at most k - 1 additions, in whatever order these are done (one
after the other, pairwise, in vectors, in blocks); each multiplies it by some 1 + d, |d| <= u. So each term counts
(1 + u)^k times at most, and the error is at most gamma(k) = k u / (1 - k u) times the sum of the terms' magnitudes.
Every further rounding (a bias, a division by the count, the last rounding to the dtype) counts as one more term.

Denormals are flushed: every operand, product and sum may lose `tiny`, the smallest normal number, times what it is
multiplied by. Small integers have no rounding at all and must agree to the bit: bound 0.

In float64 the reference rounds as well, which doubles the bound. Half precisions are computed in float32 from exact
inputs and rounded once more at the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_cnn as tc

EPS = {"f4": 2.0**-23, "f8": 2.0**-52, "f2": 2.0**-10, "b2": 2.0**-7}
TINY = {"f4": 2.0**-126, "f8": 2.0**-1022, "f2": 2.0**-14, "b2": 2.0**-126}
MOST = {"f4": 3.4028235677973366e38, "f8": 1.7976931348623157e308, "f2": 65520.0, "b2": 3.3961775292304601e38}


def gamma(roundings: int, dtype: str) -> float:
    """Return the largest relative error of so many roundings one after the other."""
    unit = (EPS["f4"] if dtype in ("f2", "b2") else EPS[dtype]) / 2
    error = roundings * unit / (1 - roundings * unit)
    return 2 * error if dtype == "f8" else error


def sum_bound(dtype: str, terms: int, magnitude: Any, factor: float = 1.0) -> Any:
    """Return the bound of sums of `terms` products whose magnitudes add up to `magnitude`.

    `factor` is the largest magnitude that an operand is multiplied by.
    """
    terms = terms + 2
    tiny = TINY["f4"] if dtype in ("f2", "b2") else TINY[dtype]
    with np.errstate(invalid="ignore", over="ignore"):
        bound = gamma(terms, dtype) * magnitude + 2 * terms * tiny * max(1.0, factor)
        return bound + EPS[dtype] / 2 * (magnitude + bound) + TINY[dtype] if dtype in ("f2", "b2") else bound


def plain(x: Any) -> np.ndarray:
    """Return a tensor's values as an array, halves as float32."""
    if not isinstance(x, tc.Tensor):
        return np.asarray(x)
    x = x.detach()
    return (x.float() if x.dtype in (tc.float16, tc.bfloat16) else x).numpy()


def agree(actual: Any, expected: np.ndarray, bound: Any = 0.0, what: str = "result", most: float = MOST["f4"]) -> None:
    """Assert equal shapes, and values within the bound; NaN agrees with NaN alone, infinity with itself.

    Where the true value, or its bound, is beyond `most`, infinity is right, too.
    """
    got = plain(actual)
    assert got.shape == expected.shape, f"{what}: shape {got.shape}, not {expected.shape}"
    same = got == expected
    if same.all():
        return
    with np.errstate(invalid="ignore", over="ignore"):
        distance = np.abs(got.astype(np.float64) - expected)
        same |= distance <= bound
        same |= np.isnan(got.astype(np.float64)) & np.isnan(np.asarray(expected, np.float64))
        if not same.all() and np.any(bound):
            beyond = np.abs(expected) + np.where(np.isnan(bound), np.inf, bound) >= most
            same |= beyond & np.isinf(got) & np.isfinite(expected)
    if not same.all():
        places = np.argwhere(~same)
        first = tuple(places[0])
        limit = np.broadcast_to(bound, got.shape)[first]
        raise AssertionError(
            f"{what}: {len(places)} of {got.size} elements differ; at {first}: {got[first]!r}, "
            f"expected {expected[first]!r}, bound {limit:.3g}"
        )


class Refused(Exception):
    """A reference's word for arguments that are wrong."""


RAISED = (RuntimeError, ValueError, IndexError, TypeError)


def both(ours: Any, reference: Any) -> tuple[Any, Any] | None:
    """Return what the package and the reference give, or None where both refuse the arguments.

    Raises:
        AssertionError: only one of them does, or the package raises another kind of error.
    """
    try:
        expected = reference()
    except Refused as refused:
        try:
            result = ours()
        except RAISED:
            return None
        raise AssertionError(f"gave {result!r}, but {refused}") from None
    return ours(), expected
