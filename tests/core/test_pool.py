"""Max and min pooling of the core against windows written out in Python; gather and scatter by index."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from tests.core.raw import Guarded, code, ptr
from tests.core.reference_pool import ADAPTIVE, DILATED, GEOMETRIES, Pool, adaptive, integers, max_pool, run_max
from tinygrad_cnn._core import lib


@cache
def expected_max(pool: Pool, dtype, smallest: bool):
    """Return the reference for `integers`, computed once for all instruction sets."""
    return max_pool(pool, integers(pool, dtype), smallest)


@pytest.mark.parametrize("smallest", [False, True], ids=["max", "min"])
@pytest.mark.parametrize("pool", GEOMETRIES + DILATED + ADAPTIVE, ids=str)
def test_max_pool(isa, dtype, threads, pool, smallest):
    x = integers(pool, dtype)
    y, indices = run_max(pool, x, smallest)
    expected, places = expected_max(pool, dtype, smallest)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(indices, places)
    np.testing.assert_array_equal(run_max(pool, x, smallest, with_indices=False)[0], expected)


@pytest.mark.parametrize("integer", [np.int64, np.int32, np.uint8])
@pytest.mark.parametrize("smallest", [False, True], ids=["max", "min"])
def test_max_pool_of_integers(integer, smallest, threads):
    for pool in [GEOMETRIES[1], GEOMETRIES[9], *DILATED, *ADAPTIVE[:4]]:
        y, indices = run_max(pool, integers(pool, integer), smallest)
        expected, places = expected_max(pool, integer, smallest)
        np.testing.assert_array_equal(y, expected)
        np.testing.assert_array_equal(indices, places)
    info = np.iinfo(integer)
    extremes = np.array([[[info.min, info.max, info.min], [info.max, info.min, info.min + 1]]], integer)
    y, indices = run_max(Pool(2, 3, (2, 3), (1, 1)), extremes, smallest)
    assert (y.item(), indices.item()) == ((info.min, 0) if smallest else (info.max, 1))


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("pad", [0, 1])
def test_every_width(isa, dtype, stride, pad):
    """Output widths around every vector length: the last vector overlaps the one before."""
    for width in range(3, 3 + 33 * stride):
        pool = Pool(3, width, (2, 3), (1, stride), (0, pad))
        y, indices = run_max(pool, integers(pool, dtype))
        expected, places = expected_max(pool, dtype, False)
        np.testing.assert_array_equal(y, expected)
        np.testing.assert_array_equal(indices, places)


NAN, INF = np.nan, np.inf
# Rows of values pooled as one window (as a plane of one row), the winner of max and its index, of min and its index.
CORNERS = [
    ([1, 5, 5, 2], (5, 1), (1, 0)),
    ([0.0, -0.0], (0.0, 0), (0.0, 0)),
    ([-0.0, 0.0], (-0.0, 0), (-0.0, 0)),
    ([1, NAN, 3], (NAN, 1), (NAN, 1)),
    ([NAN, 1, NAN, 3], (NAN, 2), (NAN, 2)),
    ([NAN, NAN, NAN], (NAN, 2), (NAN, 2)),
    ([NAN, INF, -INF], (NAN, 0), (NAN, 0)),
    ([-INF, -INF], (-INF, 0), (-INF, 0)),
    ([INF, INF, INF], (INF, 0), (INF, 0)),
    ([-INF, INF], (INF, 1), (-INF, 0)),
    ([-INF, NAN, -INF], (NAN, 1), (NAN, 1)),
]


@pytest.mark.parametrize("smallest", [False, True], ids=["max", "min"])
@pytest.mark.parametrize("values, largest, least", CORNERS)
def test_max_pool_corner_values(isa, dtype, values, largest, least, smallest):
    """The same window alone (scalar code) and 40 times side by side (vector code, with strides 1, 2 and 3)."""
    value, index = least if smallest else largest
    k = len(values)
    y, indices = run_max(Pool(1, k, (1, k), (1, 1)), np.array([[values]], dtype), smallest)
    assert y.tobytes() == np.array(value, dtype).tobytes() or (np.isnan(value) and np.isnan(y.item()))
    assert indices.item() == index
    for stride in (1, 2, 3):
        tall = np.repeat(np.array(values, dtype)[None, :, None], 40 * stride, axis=2)
        y, indices = run_max(Pool(k, 40 * stride, (k, 1), (1, stride)), tall, smallest)
        np.testing.assert_array_equal(y, np.full((1, 1, 40), value, dtype))
        np.testing.assert_array_equal(np.signbit(y), np.full((1, 1, 40), np.signbit(tall[0, index, 0])))
        np.testing.assert_array_equal(indices[0, 0], index * 40 * stride + np.arange(40) * stride)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_max_pool_nan_anywhere(isa, dtype, stride):
    """Sprinkled NaN and infinities: values and indices as in the definition."""
    pool = Pool(9, 60, (3, 3), (stride, stride), (1, 1))
    rng = np.random.default_rng(2)
    x = rng.choice(np.array([NAN, INF, -INF, -1, 0, 1], dtype), (2, 9, 60), p=[0.1, 0.1, 0.5, 0.1, 0.1, 0.1])
    for smallest in (False, True):
        y, indices = run_max(pool, x, smallest)
        expected, places = max_pool(pool, x, smallest)
        np.testing.assert_array_equal(y, expected)
        np.testing.assert_array_equal(indices, places)


@pytest.mark.parametrize("down", [1, 2, 3])
def test_windows_of_2x2(isa, dtype, down):
    """A kernel of their own gives the same bits, signs of zeros and NaN included, at every width around a vector's."""
    rng = np.random.default_rng(4)
    values = np.array([NAN, INF, -INF, -1, 0, -0.0, 1], dtype)
    for width in range(2, 70):
        pool = Pool(7, width, (2, 2), (down, 2), ceil=width % 3 == 0)
        x = rng.choice(values, (2, 7, width), p=[0.05, 0.05, 0.2, 0.2, 0.2, 0.2, 0.1])
        expected, places = max_pool(pool, x)
        y, indices = run_max(pool, x)
        np.testing.assert_array_equal(indices, places)
        for result in (y, run_max(pool, x, with_indices=False)[0]):
            np.testing.assert_array_equal(result, expected)
            np.testing.assert_array_equal(np.signbit(result[expected == 0]), np.signbit(expected[expected == 0]))


@pytest.mark.parametrize("smallest", [False, True], ids=["max", "min"])
def test_padding_never_wins(isa, dtype, smallest):
    """A window at the border sees only cells of the image, even where all of them are the padding's value."""
    pool = Pool(4, 36, (3, 3), (1, 1), (1, 1))
    x = np.full((1, 4, 36), np.inf if smallest else -np.inf, dtype)
    y, indices = run_max(pool, x, smallest)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(indices, max_pool(pool, x, smallest)[1])
    assert indices.min() == 0


def test_ceil_mode_examples(isa, dtype):
    x = np.arange(1, 17, dtype=dtype).reshape(1, 4, 4)
    y, _ = run_max(GEOMETRIES[8], x)
    np.testing.assert_array_equal(y[0], [[11, 12], [15, 16]])
    assert (GEOMETRIES[10].size(0), GEOMETRIES[10].size(1)) == (2, 2)


def test_nothing_to_do(isa, dtype):
    assert run_max(GEOMETRIES[0], np.empty((0, 24, 24), dtype))[0].size == 0
    assert run_max(adaptive(5, 5, 0, 3), np.ones((2, 5, 5), dtype))[0].size == 0


@pytest.mark.parametrize("element", [np.float32, np.float64, np.int64, np.int32, np.uint8])
def test_gather_and_scatter(threads, element, rng):
    planes, inside, outside = 7, 30, 12
    indices = rng.integers(-1, inside, (planes, outside)).astype(np.int32)  # -1: no cell
    x, dy = rng.integers(0, 50, (planes, inside)).astype(element), rng.integers(0, 9, (planes, outside)).astype(element)
    y, dx = Guarded(dy.shape, element), Guarded(x.shape, element)
    lib.tc_pool_gather(code(x), planes, inside, outside, ptr(indices), ptr(x), ptr(y.array))
    taken = np.take_along_axis(x, np.maximum(indices, 0).astype(np.int64), 1)
    np.testing.assert_array_equal(y.check(), np.where(indices >= 0, taken, 0))
    lib.tc_pool_scatter(code(x), planes, inside, outside, ptr(indices), ptr(dy), ptr(None), ptr(dx.array))
    expected = np.zeros_like(x)
    for plane, o in np.ndindex(planes, outside):
        if indices[plane, o] >= 0:
            expected[plane, indices[plane, o]] += dy[plane, o]
    np.testing.assert_array_equal(dx.check(), expected)


def test_scatter_behind_a_relu(threads, dtype, rng):
    """What lands on a cell that the ReLU before has cut off is dropped, whatever it is; a NaN lets it pass."""
    planes, inside, outside = 9, 40, 33
    indices = rng.integers(-1, inside, (planes, outside)).astype(np.int32)
    relu = np.maximum(rng.integers(-9, 9, (planes, inside)), 0).astype(dtype)
    relu[:, 5] = np.nan
    dy = rng.integers(-9, 9, (planes, outside)).astype(dtype)
    dy[relu[np.arange(planes)[:, None], np.maximum(indices, 0)] == 0] = np.inf
    dx = Guarded(relu.shape, dtype)
    lib.tc_pool_scatter(code(dy), planes, inside, outside, ptr(indices), ptr(dy), ptr(relu), ptr(dx.array))
    expected = np.zeros_like(relu)
    for plane, o in np.ndindex(planes, outside):
        if indices[plane, o] >= 0 and not relu[plane, indices[plane, o]] <= 0:
            expected[plane, indices[plane, o]] += dy[plane, o]
    np.testing.assert_array_equal(dx.check(), expected)


PAIRS = [
    Pool(24, 24, (2, 2), (2, 2)),
    Pool(28, 15, (2, 2), (2, 2)),
    Pool(7, 13, (2, 2), (2, 2), ceil=True),
    Pool(6, 35, (2, 2), (5, 2)),
    Pool(5, 40, (1, 2), (1, 2)),
    Pool(9, 34, (3, 2), (3, 2), (1, 0)),
    Pool(4, 3, (2, 2), (2, 2)),
    Pool(3, 2, (2, 2), (2, 2)),
    Pool(6, 33, (2, 2), (2, 2), ceil=True),
    Pool(4, 300, (2, 2), (2, 2)),
    Pool(9, 70, (2, 2), (4, 2)),  # rows between windows
]


@pytest.mark.parametrize("pool", [*PAIRS, *GEOMETRIES, *DILATED], ids=str)
def test_gradient(isa, dtype, threads, pool, rng):
    """The gradient by windows is the scatter's, bit for bit, also behind a ReLU and with many ties."""
    x = np.maximum(integers(pool, dtype), 0)
    _, indices = run_max(pool, x)
    dy = rng.integers(-9, 10, indices.shape).astype(dtype)
    dy[dy == 3] = -0.0
    planes, inside, outside = x.shape[0], pool.h * pool.w, indices[0].size
    for relu in (None, x):
        expected, dx = Guarded(x.shape, dtype, x.itemsize), Guarded(x.shape, dtype, x.itemsize)
        args = (ptr(indices), ptr(dy), ptr(relu))
        lib.tc_pool_scatter(code(dy), planes, inside, outside, *args, ptr(expected.array))
        lib.tc_max_pool2d_grad(code(dy), pool.params(planes), *args, ptr(dx.array))
        np.testing.assert_array_equal(dx.check(), expected.check())
        np.testing.assert_array_equal(np.signbit(dx.array), np.signbit(expected.array))


def test_gradients_that_the_relu_keeps(isa, dtype):
    """A NaN in the ReLU's output lets the gradient pass, 0 does not, whatever the gradient is."""
    pool = Pool(2, 40, (2, 2), (2, 2))
    x = np.zeros((1, 2, 40), dtype)
    x[0, 0, ::4], x[0, 1, 3::8] = np.nan, 5
    _, indices = run_max(pool, x)
    dy, dx = np.full(indices.shape, np.inf, dtype), Guarded(x.shape, dtype)
    lib.tc_max_pool2d_grad(code(dy), pool.params(1), ptr(indices), ptr(dy), ptr(x), ptr(dx.array))
    np.testing.assert_array_equal(dx.check(), np.where(x == 0, 0, np.inf))


def test_threads_do_not_change_a_bit(isa, dtype, rng):
    pool = Pool(50, 63, (3, 3), (2, 2), (1, 1))
    x = rng.standard_normal((40, 50, 63)).astype(dtype)
    results, before = [], lib.tc_get_num_threads()
    for count in (1, 2, 5):
        lib.tc_set_num_threads(count)
        results.append([part.tobytes() for part in run_max(pool, x)])
    lib.tc_set_num_threads(before)
    assert results[0] == results[1] == results[2]


@pytest.mark.parity
@pytest.mark.parametrize("pool", GEOMETRIES + DILATED, ids=str)
def test_max_pool_as_pytorch(isa, pool, rng):
    torch = pytest.importorskip("torch")
    if any(2 * p > k for p, k in zip(pool.pad, pool.kernel, strict=True)):
        pytest.skip("PyTorch limits the padding where it returns indices")
    x = rng.choice(np.array([np.nan, -np.inf, np.inf, *range(-9, 10)], np.float32), (4, pool.h, pool.w))
    expected, places = torch.nn.functional.max_pool2d(
        torch.from_numpy(x), pool.kernel, pool.stride, pool.pad, pool.dilation, pool.ceil, return_indices=True
    )
    y, indices = run_max(pool, x)
    np.testing.assert_array_equal(y, expected.numpy())
    inside = indices >= 0  # PyTorch gives windows without cells an index outside the image
    np.testing.assert_array_equal(indices[inside], places.numpy()[inside])


@pytest.mark.parity
@pytest.mark.parametrize("pool", ADAPTIVE, ids=str)
def test_adaptive_max_pool_as_pytorch(isa, pool, rng):
    torch = pytest.importorskip("torch")
    x = rng.choice(np.array([np.nan, -np.inf, *range(-9, 10)]), (4, pool.h, pool.w))
    expected, places = torch.nn.functional.adaptive_max_pool2d(torch.from_numpy(x), pool.out, return_indices=True)
    y, indices = run_max(pool, x)
    np.testing.assert_array_equal(y, expected.numpy())
    np.testing.assert_array_equal(indices, places.numpy())
