"""One call of a kernel at one size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_cnn._core import lib

from .fence import Fence


class Case:
    """A function of (*arguments, fence, dtype) that calls a kernel and compares."""

    def __init__(self, function: Callable[..., None], *arguments: Any):
        self._function = function
        self._arguments = arguments

    def __str__(self) -> str:
        return f"{self._function.__name__.lstrip('_')}{self._arguments}"

    def run(self, fence: Fence, at_end: bool, dtype: np.dtype) -> None:
        """Run it with operands against one of the two pages."""
        fence.begin(at_end)
        self._function(*self._arguments, fence, dtype)
        fence.check()


def status(code: int) -> None:
    """Assert that a call of the core succeeded."""
    assert code == lib.TC_OK, f"status {code}"


def same(actual: np.ndarray, expected: Any, what: str = "result") -> None:
    """Assert equality to the bit, but for the sign of 0 and of NaN."""
    if not np.array_equal(actual, expected, equal_nan=actual.dtype.kind == "f"):
        places = np.argwhere(~((actual == expected) | ((actual != actual) & (expected != expected))))
        raise AssertionError(
            f"{what}: {len(places)} of {actual.size} elements differ, the first at {places[0].tolist()}"
        )


def near(actual: np.ndarray, expected: Any, bound: Any, what: str = "result") -> None:
    """Assert that values are as near as `bound` says."""
    with np.errstate(invalid="ignore"):
        wrong = ~(np.abs(actual.astype(np.float64) - expected) <= bound) & ~(
            (actual != actual) & (expected != expected)
        )
    wrong &= actual != expected
    assert not wrong.any(), f"{what}: {wrong.sum()} of {actual.size} elements are too far, e.g. {actual[wrong][0]}"
