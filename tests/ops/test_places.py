"""Adding and reading at the numbers of elements: what NumPy does at index arrays, to the bit."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn
from tinygrad_cnn.ops import places
from tinygrad_cnn.ops.indexing import _add_at

ALL = slice(None)
SHAPE = (3, 4, 5)


def cases(rng):
    """Yield indices: of one array or more, before, between and behind slices, of several shapes."""

    def some(size, *shape):
        return rng.integers(-size, size, shape)

    yield (some(3, 6),)
    yield (some(3, 2, 7),)
    yield (some(3, 6), some(4, 6))
    yield (some(3, 6), some(4, 1), some(5, 2, 6))
    yield (ALL, some(4, 9))
    yield (ALL, ALL, some(5, 9))
    yield (ALL, some(4, 9), some(5, 9))
    yield (some(3, 6), ALL, some(5, 6))
    yield (some(3, 6), ALL)
    yield (some(3, 0),)
    yield (some(3),)
    yield (some(3), some(4), some(5))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint8])
def test_adding_at_an_index(dtype, rng):
    for index in cases(rng):
        x = rng.integers(0, 9, SHAPE).astype(dtype)
        target = x[index].shape
        for shape in {target, (1,) * len(target)}:
            y = rng.integers(0, 9, shape).astype(dtype)
            found, expected = x.copy(), x.copy()
            _add_at(found, index, y)
            np.add.at(expected, index, y)
            np.testing.assert_array_equal(found, expected)


def test_sums_have_the_order_of_the_index(rng):
    x, y, index = (
        np.zeros((5, 300), np.float32),
        rng.standard_normal((2000, 300)).astype(np.float32),
        rng.integers(0, 5, 2000),
    )
    expected = x.copy()
    np.add.at(expected, index, y)
    _add_at(x, (index,), y)
    np.testing.assert_array_equal(x, expected)
    np.testing.assert_array_equal(places.add_columns(np.ascontiguousarray(y.T), index, 5), expected.T)


def test_what_does_not_fit_is_left_to_numpy(rng):
    x = np.zeros(SHAPE)
    for index, y, error in (
        ((np.array([3]),), np.ones((1, 4, 5)), IndexError),
        ((np.array([-4]),), np.ones((1, 4, 5)), IndexError),
        ((np.array([0, 1]),), np.ones((4, 2, 5)), ValueError),
        ((np.array([0, 1]), np.array([0, 1, 2])), np.ones(5), IndexError),
    ):
        with pytest.raises(error):
            _add_at(x, index, y)
    assert not x.any()


@pytest.mark.parametrize("dim", [0, 1, 2])
def test_along(dim, rng):
    x = rng.standard_normal(SHAPE)
    for sizes in ((3, 4, 5), (2, 3, 1), (1, 1, 1), (3, 0, 5), (1, 4, 2)):
        shape = tuple(9 if d == dim and size else size for d, size in enumerate(sizes))
        index = rng.integers(0, SHAPE[dim], shape)
        grid = list(np.ogrid[tuple(slice(size) for size in shape)])
        grid[dim] = index
        np.testing.assert_array_equal(x.reshape(-1).take(places.along(index, dim, SHAPE)), x[tuple(grid)])


@pytest.mark.parity
@pytest.mark.parametrize("turned", [False, True], ids=["dense", "turned"])
@pytest.mark.parametrize("dim", [0, 1])
def test_gather_and_scatter(dim, turned, rng):
    torch, found = pytest.importorskip("torch"), []
    data, source, index = rng.standard_normal((6, 7)), rng.standard_normal((4, 5)), rng.integers(0, 6, (4, 5))
    unique = np.argsort(rng.random((6, 7)), dim)[:4, :5] if dim == 0 else np.argsort(rng.random((6, 7)), 1)[:4, :5]
    for package in (tinygrad_cnn, torch):
        x = package.tensor(data.T.copy()).t() if turned else package.tensor(data)
        x.requires_grad_()
        src, at, once = package.tensor(source, requires_grad=True), package.tensor(index), package.tensor(unique)
        results = x.gather(dim, at), x.scatter_add(dim, at, src), x.scatter(dim, once, src), x[at[:, 0]], x[:, at[0]]
        sum((y * y).sum() for y in results).backward()
        found.append([*(y.detach().numpy() for y in results), x.grad.numpy(), src.grad.numpy()])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
