"""The functions of layers on NumPy's arrays: any strides give what dense memory gives, and nothing leaks."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest

from tests.builds import failing_memory, needs_failing_memory
from tinygrad_cnn._core import ffi, lib
from tinygrad_cnn.core import conv, loss, norm, pool, softmax
from tinygrad_cnn.core.runtime import memory_stats

FLOATS = (np.float32, np.float64)


def strided(x):
    """Return an array of the same elements, none of whose dimensions is dense."""
    wide = np.zeros([2 * size for size in x.shape], x.dtype)
    view = wide[(*[slice(None, None, 2)] * x.ndim, ...)]
    view[...] = x
    return view


def calls(rng, dtype):
    """Yield (function, arrays) for each function, all arrays dense."""

    def draw(*shape):
        return rng.standard_normal(shape).astype(dtype)

    shape = conv.ConvShape((2, 3, 7, 6), (4, 3, 3, 2), (2, 4, 5, 5), (1, 1), (0, 0), (1, 1), 1)
    x, weight, bias, dy = draw(2, 3, 7, 6), draw(4, 3, 3, 2), draw(4), draw(2, 4, 5, 5)
    yield lambda *a: conv.conv2d(shape, *a), (x, weight, bias)
    yield lambda *a: conv.conv2d(shape, *a, relu=True), (x, weight, bias)
    yield lambda *a: conv.conv2d_input_grad(shape, *a), (dy, weight)
    yield lambda *a: conv.conv2d_weight_grad(shape, *a, bias=True), (dy, x)

    windows = pool.PoolShape((2, 3, 7, 6), (2, 3, 3, 3), (2, 2), (2, 2))
    yield lambda x: pool.max_pool2d(pool.POOL_MAX, windows, x, True), (x,)
    _, places = pool.max_pool2d(pool.POOL_MAX, windows, x, True)
    yield pool.pool_gather, (places, x)
    for known in (False, True):
        yield lambda p, dy, known=known: pool.pool_scatter(windows, p, dy, known), (places, draw(2, 3, 3, 3))
        yield lambda p, dy, y, known=known: pool.pool_scatter(windows, p, dy, known, y), (places, draw(2, 3, 3, 3), x)

    mean, var = draw(3), draw(3) ** 2
    yield lambda x: norm.batch_norm_stats(x, 0.1), (x,)
    yield lambda *a: norm.batch_norm(*a, 1e-5), (x, mean, var, draw(3), draw(3))
    needed = (True, True, True)
    yield lambda *a: norm.batch_norm_grad(*a, True, 1e-5, needed), (draw(2, 3, 7, 6), x, mean, var, draw(3))
    yield lambda *a: norm.batch_norm_grad(*a, False, 1e-5, (False, True, False)), (x, x, mean, var, draw(3))

    for logarithm in (False, True):
        for dim in range(3):
            yield lambda x, log=logarithm, dim=dim: softmax.softmax(log, x, dim), (draw(3, 5, 4),)
            yield lambda *a, log=logarithm, dim=dim: softmax.softmax_grad(log, *a, dim), (draw(3, 5, 4), draw(3, 5, 4))

    logits, target, factors = draw(4, 5, 3), rng.integers(0, 5, (4, 3)), draw(5) ** 2
    for reduction in ("none", "sum", "mean"):
        yield lambda *a, r=reduction: loss.cross_entropy(*a, -100, 0.1, r), (logits, target, factors)
    _, lse, _ = loss.cross_entropy(logits, target, factors, -100, 0.1, "none")
    for grad in (draw(), draw(4, 3)):
        yield (
            lambda grad, logits, target, weight, lse: loss.cross_entropy_grad(
                grad, 0.5, logits, target, weight, lse, -100, 0.1
            ),
            (grad, logits, target, factors, lse),
        )


def listed(result):
    """Return the results of a call as a list."""
    return list(result) if isinstance(result, tuple) else [result]


@pytest.mark.parametrize("dtype", FLOATS)
def test_any_strides(dtype, isa, rng):
    for function, arrays in calls(rng, dtype):
        expected = listed(function(*arrays))
        for place in range(len(arrays)):
            given = [strided(a) if i == place else a for i, a in enumerate(arrays)]
            for found, wanted in zip(listed(function(*given)), expected, strict=True):
                np.testing.assert_array_equal(found, wanted)


def test_dense_copies_are_freed(rng):
    for function, arrays in calls(rng, np.float32):
        given = [strided(a) for a in arrays]
        function(*given)
        before = memory_stats()["in_use"]
        function(*given)
        assert memory_stats()["in_use"] == before


@needs_failing_memory
def test_no_memory_for_a_dense_copy(rng):
    for function, arrays in calls(rng, np.float32):
        given = [strided(a) for a in arrays]
        function(*given)
        before = memory_stats()["in_use"]
        for count in range(1, len(arrays) + 1):
            with failing_memory(count, all_later=True), suppress(MemoryError):
                function(*given)
        assert memory_stats()["in_use"] == before


def test_outputs_are_dense():
    x, y = np.zeros((2, 3), np.float32), np.zeros((2, 6), np.float32)[:, ::2]
    assert lib.tc_ndarray_softmax(0, 1, id(x), id(y)) == lib.TC_EINVAL
    assert lib.tc_ndarray_softmax(0, 1, id(x), id("y")) == lib.TC_EINVAL
    assert lib.tc_ndarray_conv2d(ffi.NULL, id(x), id(x), 0, id(y)) == lib.TC_EINVAL
