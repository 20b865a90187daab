"""Decompositions of matrices that hold NaN and infinities: they end, with NaN or an error that says so.

NumPy's singular value decomposition does not end for some matrices with infinities.
"""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tg

FUNCTIONS = {
    "svd": lambda a: tg.linalg.svd(a).S,
    "svdvals": tg.linalg.svdvals,
    "pinv": tg.linalg.pinv,
    "nuclear norm": lambda a: tg.linalg.matrix_norm(a, "nuc"),
    "cond": tg.linalg.cond,
    "det": tg.linalg.det,
    "lstsq": lambda a: tg.linalg.lstsq(a, tg.ones(a.shape[0], 1, dtype=a.dtype)).solution,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_infinities_give_nan(name, dtype, rng):
    for _ in range(100):
        size = int(rng.integers(2, 8))
        array = rng.standard_normal((size, size)).astype(dtype)
        array[tuple(rng.integers(0, size, 2))] = np.inf * rng.choice((-1, 1))
        result = FUNCTIONS[name](tg.tensor(array))
        assert not result.isfinite().any()


@pytest.mark.parametrize("name", ["svd", "svdvals", "pinv", "nuclear norm", "cond"])
def test_nan_is_named(name):
    matrix = tg.eye(3)
    matrix[0, 1] = float("nan")
    with pytest.raises(tg.linalg.LinAlgError, match="non-finite values"):
        FUNCTIONS[name](matrix)


def test_others_of_a_batch_are_decomposed():
    batch = tg.eye(3).repeat(3, 1, 1)
    batch[1, 0, 1] = float("inf")
    values = tg.linalg.svdvals(batch)
    assert (values[[0, 2]] == 1).all() and values[1].isnan().all()
    batch[1, 0, 1] = float("nan")
    with pytest.raises(tg.linalg.LinAlgError, match=r"Batch element 1\)"):
        tg.linalg.svdvals(batch)


def test_symmetric_matrices_with_nan_end():
    matrix = tg.full((3, 3), float("nan"))
    try:
        assert tg.linalg.eigvalsh(matrix).isnan().any()
    except tg.linalg.LinAlgError as error:
        assert "eigh" in str(error)
