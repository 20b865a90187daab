"""Average pooling of the core and its gradient against windows written out in Python."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from tests.core.reference_pool import (
    ADAPTIVE,
    GEOMETRIES,
    PLANES,
    Pool,
    adaptive,
    avg_pool,
    avg_pool_grad,
    integers,
    run_avg,
    run_avg_grad,
)
from tinygrad_cnn._core import lib


@cache
def avg_pool_cached(pool: Pool, include_pad: bool, override: int) -> np.ndarray:
    """Return the reference for `integers` in float64."""
    return avg_pool(pool, integers(pool, np.float64), include_pad, override)


@pytest.mark.parametrize("include_pad, override", [(True, 0), (False, 0), (True, 3), (False, -2)])
@pytest.mark.parametrize("pool", GEOMETRIES, ids=str)
def test_avg_pool(isa, dtype, threads, pool, include_pad, override):
    expected = avg_pool_cached(pool, include_pad, override)
    y = run_avg(pool, integers(pool, dtype), include_pad, override)
    np.testing.assert_allclose(y, expected, rtol=2 * np.finfo(dtype).eps, atol=0)


@pytest.mark.parametrize("down", [1, 2, 3])
def test_windows_of_2x2(isa, dtype, down):
    """A kernel of their own, at every width around a vector's; sums of small integers are exact."""
    for width in range(2, 70):
        pool = Pool(7, width, (2, 2), (down, 2), ceil=width % 3 == 0)
        x = integers(pool, dtype)
        for override in (0, 8):
            np.testing.assert_array_equal(run_avg(pool, x, False, override), avg_pool(pool, x, False, override))


@cache
def avg_grad_cached(pool: Pool, include_pad: bool, override: int):
    """Return a gradient and what it becomes, in float64."""
    dy = np.random.default_rng(3).integers(-9, 10, (PLANES, pool.size(0), pool.size(1))).astype(np.float64)
    return dy, avg_pool_grad(pool, dy, include_pad, override)


@pytest.mark.parametrize("include_pad, override", [(True, 0), (False, 0), (False, -2)])
@pytest.mark.parametrize("pool", [*GEOMETRIES, Pool(2, 600, (2, 7), (1, 3), (1, 3))], ids=str)
def test_avg_pool_grad(isa, dtype, threads, pool, include_pad, override):
    dy, expected = avg_grad_cached(pool, include_pad, override)
    dx = run_avg_grad(pool, dy.astype(dtype), include_pad, override)
    cells = pool.kernel[0] * pool.kernel[1]
    np.testing.assert_allclose(dx, expected, rtol=0, atol=9 * (cells + 2) * np.finfo(dtype).eps)


# Windows, or steps between them, that the core's buffer of 2048 elements does not hold.
WIDE = [
    Pool(3, 2300, (2, 1100), (1, 300), (1, 550)),
    Pool(4, 2600, (3, 1024), (2, 301), (0, 512), ceil=True),
    Pool(2, 4700, (2, 3), (1, 2200)),
]


@pytest.mark.parametrize("include_pad, override", [(True, 0), (False, 0), (True, 3)])
@pytest.mark.parametrize("pool", WIDE, ids=str)
def test_windows_wider_than_the_buffer(isa, dtype, pool, include_pad, override):
    eps = np.finfo(dtype).eps
    y = run_avg(pool, integers(pool, dtype), include_pad, override)
    np.testing.assert_allclose(y, avg_pool_cached(pool, include_pad, override), rtol=2 * eps, atol=0)
    dy, expected = avg_grad_cached(pool, include_pad, override)
    dx = run_avg_grad(pool, dy.astype(dtype), include_pad, override)
    windows = pool.kernel[1] // pool.stride[1] + 1
    np.testing.assert_allclose(dx, expected, rtol=0, atol=9 * 2 * windows * windows * eps)


@pytest.mark.parametrize("pool", ADAPTIVE, ids=str)
def test_adaptive_avg_pool(isa, dtype, threads, pool):
    eps = np.finfo(dtype).eps
    y = run_avg(pool, integers(pool, dtype))
    np.testing.assert_allclose(y, avg_pool_cached(pool, False, 0), rtol=2 * eps, atol=0)
    dy, expected = avg_grad_cached(pool, False, 0)
    np.testing.assert_allclose(run_avg_grad(pool, dy.astype(dtype)), expected, rtol=0, atol=200 * eps)


@pytest.mark.parametrize("include_pad, override", [(True, 0), (False, 0), (False, -2), (False, 7), (True, -1)])
def test_avg_pool_of_int64(threads, include_pad, override):
    for pool in GEOMETRIES[:12]:
        x = integers(pool, np.int64) * 12345678901
        y = run_avg(pool, x, include_pad, override)
        np.testing.assert_array_equal(y, avg_pool(pool, x, include_pad, override))


def test_avg_pool_of_int64_at_its_limits():
    """The one quotient that overflows wraps, as negation does, and does not trap."""
    x = np.full((1, 1, 1), np.iinfo(np.int64).min)
    assert run_avg(Pool(1, 1, (1, 1), (1, 1)), x, False, -1).item() == x.item()


def test_infinite_and_nan_averages(isa, dtype):
    x = np.array([[[np.inf, 1, -np.inf, np.inf, np.nan, 0]]], dtype)
    y = run_avg(Pool(1, 6, (1, 2), (1, 2)), x)
    np.testing.assert_array_equal(y[0, 0], [np.inf, np.nan, np.nan])


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("pad", [0, 1])
def test_every_width(isa, dtype, stride, pad):
    """Output widths around every vector length; halves of small integers are exact."""
    for width in range(3, 3 + 33 * stride):
        pool = Pool(3, width, (2, 3), (1, stride), (0, pad))
        np.testing.assert_array_equal(run_avg(pool, integers(pool, dtype), True, 2), avg_pool_cached(pool, True, 2))


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_an_image_does_not_depend_on_its_place(isa, dtype, stride, rng):
    """The last image of few columns and wide windows has no memory behind it for vectors to read, but rounds alike."""
    image = rng.standard_normal((1, 3, 40)).astype(dtype)
    y = run_avg(Pool(3, 40, (2, 34), (1, stride)), image.repeat(3, 0))
    assert y[0].tobytes() == y[1].tobytes() == y[2].tobytes()


def test_ceil_mode_example(isa, dtype):
    """Windows count the padding but not what ceil_mode lets hang over."""
    y = run_avg(GEOMETRIES[9], np.ones((1, 4, 4), dtype), True)
    np.testing.assert_allclose(y[0], np.array([[4, 6, 3], [6, 9, 4.5], [3, 4.5, 2.25]]) / 9, rtol=1e-6)


def test_nothing_to_do(isa, dtype):
    assert run_avg(GEOMETRIES[0], np.empty((0, 24, 24), dtype)).size == 0
    assert run_avg_grad(GEOMETRIES[0], np.empty((0, 12, 12), dtype)).size == 0
    empty = adaptive(5, 5, 0, 3)
    assert run_avg(empty, np.ones((2, 5, 5), dtype)).size == 0
    np.testing.assert_array_equal(run_avg_grad(empty, np.ones((2, 0, 3), dtype)), np.zeros((2, 5, 5)))


def test_threads_do_not_change_a_bit(isa, dtype, rng):
    pool = Pool(50, 63, (3, 3), (2, 2), (1, 1))
    x = rng.standard_normal((40, 50, 63)).astype(dtype)
    dy = rng.standard_normal((40, pool.size(0), pool.size(1))).astype(dtype)
    results, before = [], lib.tc_get_num_threads()
    for count in (1, 2, 5):
        lib.tc_set_num_threads(count)
        results.append([part.tobytes() for part in (run_avg(pool, x, True), run_avg_grad(pool, dy))])
    lib.tc_set_num_threads(before)
    assert results[0] == results[1] == results[2]


@pytest.mark.parity
@pytest.mark.parametrize("include_pad", [True, False])
@pytest.mark.parametrize("override", [None, -3])
@pytest.mark.parametrize("pool", GEOMETRIES, ids=str)
def test_avg_pool_as_pytorch(isa, pool, include_pad, override, rng):
    torch = pytest.importorskip("torch")
    x = torch.from_numpy(rng.standard_normal((4, pool.h, pool.w))).requires_grad_()
    expected = torch.nn.functional.avg_pool2d(x, pool.kernel, pool.stride, pool.pad, pool.ceil, include_pad, override)
    y = run_avg(pool, x.detach().numpy(), include_pad, override or 0)
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-12, atol=1e-14)
    dy = torch.from_numpy(rng.standard_normal(expected.shape))
    (dx,) = torch.autograd.grad(expected, x, dy)
    np.testing.assert_allclose(run_avg_grad(pool, dy.numpy(), include_pad, override or 0), dx.numpy(), atol=1e-12)


@pytest.mark.parity
@pytest.mark.parametrize("pool", ADAPTIVE, ids=str)
def test_adaptive_avg_pool_as_pytorch(isa, pool, rng):
    torch = pytest.importorskip("torch")
    x = torch.from_numpy(rng.standard_normal((4, pool.h, pool.w))).requires_grad_()
    expected = torch.nn.functional.adaptive_avg_pool2d(x, pool.out)
    np.testing.assert_allclose(run_avg(pool, x.detach().numpy()), expected.detach().numpy(), atol=1e-14)
    dy = torch.from_numpy(rng.standard_normal(expected.shape))
    (dx,) = torch.autograd.grad(expected, x, dy)
    np.testing.assert_allclose(run_avg_grad(pool, dy.numpy()), dx.numpy(), atol=1e-12)
