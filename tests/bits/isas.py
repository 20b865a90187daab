"""How far two instruction sets are apart, in kernels and in training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from tinygrad_cnn.core import runtime

from .calls import run, threads
from .networks import Training

# Between two instruction sets, in multiples of eps times the scale of an output: its largest element or, as the terms
# of sums may cancel, the largest that the same call gives for inputs without signs. Indices, masks and random numbers
# are equal.
BOUND = 128
# Of a loss in the first four steps, relative: single steps are as near as kernels are, then training drives them apart.
LOSS_BOUND = 1e-4


@contextmanager
def isa(name: str) -> Iterator[None]:
    """Use an instruction set for a while."""
    before = runtime.isa()
    runtime.set_isa(name)
    try:
        yield
    finally:
        runtime.set_isa(before)


def largest(array: np.ndarray) -> float:
    """Return the largest finite absolute value."""
    return float(np.abs(array[np.isfinite(array)]).max(initial=0))


def apart(a: np.ndarray, b: np.ndarray, unsigned: np.ndarray) -> float:
    """Return the largest difference in multiples of eps times the scale; infinity for other kinds.

    `unsigned` is the result for inputs without signs.
    """
    if a.dtype.kind != "f" or a.size == 0:
        return 0.0 if np.array_equal(a, b) else np.inf
    finite = np.isfinite(a)
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True) or not np.isfinite(b[finite]).all():
        return np.inf
    difference = np.abs(a[finite] - b[finite]).max(initial=0)
    scale = max(largest(a), largest(unsigned))
    return float(difference / scale / np.finfo(a.dtype).eps) if difference else 0.0


def distance(name: str, dtype: type, other: str, seed: int) -> float:
    """Return how far a case's results on an instruction set are from the generic ones."""
    with threads(2):
        with isa("generic"):
            expected = run(name, dtype, seed)
            unsigned = run(name, dtype, seed, like=expected, unsigned=True)
        with isa(other):
            found = run(name, dtype, seed, like=expected)
    return max(apart(*results) for results in zip(expected.kept, found.kept, unsigned.kept, strict=True))


def loss_distance(network: str, optimizer: str, other: str, steps: int) -> float:
    """Return the largest relative difference of a loss in training."""
    losses = []
    for name in ("generic", other):
        with isa(name):
            losses.append(np.array(Training(network, optimizer).run(steps).losses))
    return float((np.abs(losses[0] - losses[1]) / losses[0]).max())
