"""How far two instruction sets are apart, in kernels and in training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from tinygrad_cnn.core import runtime

from .calls import run, threads
from .networks import Training

# Between two instruction sets, in multiples of eps times the largest element of an output; sums whose terms cancel are
# the farthest apart. Indices, masks and random numbers are equal.
BOUND = 256
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


def apart(a: np.ndarray, b: np.ndarray) -> float:
    """Return the largest difference in multiples of eps times the largest element; infinity for other kinds."""
    if a.dtype.kind != "f" or a.size == 0:
        return 0.0 if np.array_equal(a, b) else np.inf
    finite = np.isfinite(a)
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True) or not np.isfinite(b[finite]).all():
        return np.inf
    largest = np.abs(a[finite]).max(initial=0)
    difference = np.abs(a[finite] - b[finite]).max(initial=0)
    return float(difference / largest / np.finfo(a.dtype).eps) if difference else 0.0


def distance(name: str, dtype: type, other: str, seed: int) -> float:
    """Return how far a case's results on an instruction set are from the generic ones."""
    with threads(2):
        with isa("generic"):
            expected = run(name, dtype, seed)
        with isa(other):
            found = run(name, dtype, seed, like=expected)
    return max(apart(a, b) for a, b in zip(expected.kept, found.kept, strict=True))


def loss_distance(network: str, optimizer: str, other: str, steps: int) -> float:
    """Return the largest relative difference of a loss in training."""
    losses = []
    for name in ("generic", other):
        with isa(name):
            losses.append(np.array(Training(network, optimizer).run(steps).losses))
    return float((np.abs(losses[0] - losses[1]) / losses[0]).max())
