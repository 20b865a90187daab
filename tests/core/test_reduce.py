"""Reductions and argmax: every combination of dimensions, exact integers, accuracy of long sums, NaN, threads."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from tests.builds import failing_memory, needs_failing_memory
from tests.core.raw import Guarded, code, ffi, ptr
from tests.core.raw import i64 as sizes
from tinygrad_cnn._core import lib

REFERENCE = {"SUM": np.sum, "MEAN": np.mean, "PROD": np.prod, "AMAX": np.max, "AMIN": np.min}


def reduce(name, x, axes):
    """Call tc_reduce on a dense array; return the checked output."""
    shape = [size for axis, size in enumerate(x.shape) if axis not in axes]
    y = Guarded(shape, x.dtype)
    flags = ffi.new("uint8_t[]", [axis in axes for axis in range(x.ndim)])
    status = lib.tc_reduce(getattr(lib, f"TC_{name}"), code(x), x.ndim, sizes(x.shape), flags, ptr(x), ptr(y.array))
    assert status == lib.TC_OK
    return y.check()


def integers(name, shape, dtype, rng):
    """Return data whose reduction is exact: small integers, or powers of two for products."""
    if name == "PROD":
        return rng.choice(np.array([1, -1, 0.5, 2], dtype), shape, p=[0.49, 0.49, 0.01, 0.01])
    return rng.integers(-50, 50, shape).astype(dtype)


SHAPES = [
    (),
    (1,),
    (5,),
    (1, 1, 3),
    (7, 3),
    (3, 40),
    (40, 129),
    (2, 3, 4),
    (3, 5, 67),
    (4, 6, 5, 5),
    (2, 3, 2, 3, 2),
    (1, 17, 1, 65),
]


@pytest.mark.parametrize("name", REFERENCE)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_choice_of_dimensions(name, shape, isa, dtype, rng):
    x = integers(name, shape, dtype, rng)
    for count in range(len(shape) + 1):
        for axes in itertools.combinations(range(len(shape)), count):
            expected = REFERENCE[name](x.astype(np.float64), axis=axes).astype(dtype)
            np.testing.assert_array_equal(reduce(name, x, axes), expected, err_msg=str(axes))


@pytest.mark.parametrize("length", [*range(1, 70), 127, 128, 129, 255, 256, 257, 511, 513, 1023, 4097])
def test_lengths(length, isa, dtype, rng):
    for shape, axis in (((length,), 0), ((3, length), 1), ((length, 3), 0), ((length, 70), 0), ((2, length, 131), 1)):
        x = rng.integers(-9, 9, shape).astype(dtype)
        np.testing.assert_array_equal(reduce("SUM", x, (axis,)), x.sum(axis))
        np.testing.assert_array_equal(reduce("AMAX", x, (axis,)), x.max(axis))


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((300_001,), (0,)),
        ((3, 100_003), (1,)),
        ((70_001, 10), (0,)),
        ((5000, 200), (0,)),
        ((40_000, 7), (1,)),
        ((32, 20, 26, 26), (0, 2, 3)),
        ((2, 20_000, 3), (1,)),
        ((64, 4000, 2), (0, 2)),
    ],
    ids=str,
)
def test_large_and_threads(shape, axes, isa, dtype, rng):
    x = rng.normal(size=shape).astype(dtype)
    whole = np.round(x * 8)
    results = []
    for threads in (1, 2, 4):
        lib.tc_set_num_threads(threads)
        results.append([reduce(name, x, axes) for name in ("SUM", "MEAN", "AMIN")])
        np.testing.assert_array_equal(reduce("SUM", whole, axes), whole.sum(axes))
    for other in results[1:]:
        for one, many in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(one, many)
    np.testing.assert_array_equal(results[0][2], x.min(axes))
    count = x.size / results[0][0].size
    bound = np.abs(x).sum(axes, dtype=np.float64) * np.finfo(dtype).eps * (6 + np.log2(count) / 2)
    exact = x.sum(axes, dtype=np.longdouble)
    assert (np.abs(results[0][0] - exact) <= bound).all()
    assert (np.abs(results[0][1] - exact / count) <= bound / count).all()


@pytest.mark.parametrize("inner", [1, 3, 100])
def test_long_sums_stay_accurate(inner, isa, rng):
    """A million times 0.1: adding one by one would be off by 1e-3 of the sum, pairwise by a few ulp."""
    x = np.full((1_000_000 // inner, inner), 0.1, np.float32)
    exact = math.fsum(x[:, 0].tolist())
    assert (np.abs(reduce("SUM", x, (0,)) - exact) <= 16 * np.spacing(np.float32(exact))).all()


def test_empty(isa, dtype):
    x = np.empty((3, 0, 2), dtype)
    np.testing.assert_array_equal(reduce("SUM", x, (1,)), np.zeros((3, 2)))
    np.testing.assert_array_equal(reduce("PROD", x, (1,)), np.ones((3, 2)))
    assert np.isnan(reduce("MEAN", x, (1,))).all()
    np.testing.assert_array_equal(reduce("SUM", x, (0, 1, 2)), 0)
    assert reduce("SUM", x, (0,)).shape == (0, 2)


@pytest.mark.parametrize("shape", [(200,), (3, 65), (65, 3), (5, 9, 130)], ids=str)
def test_nan_and_infinity(shape, isa, dtype, rng):
    x = rng.normal(size=shape).astype(dtype)
    x[rng.random(shape) < 0.02] = np.nan
    x[rng.random(shape) < 0.02] = -np.inf
    for axis in range(len(shape)):
        for name in ("AMAX", "AMIN", "SUM"):
            np.testing.assert_array_equal(np.isnan(reduce(name, x, (axis,))), np.isnan(REFERENCE[name](x, axis=axis)))
        np.testing.assert_array_equal(reduce("AMAX", x, (axis,)), x.max(axis))
        np.testing.assert_array_equal(reduce("AMIN", x, (axis,)), x.min(axis))


@needs_failing_memory
def test_out_of_memory(dtype, rng):
    """Each allocation that a reduction makes may fail; the status says so and nothing leaks."""
    x = rng.normal(size=(200, 3, 100, 2, 9)).astype(dtype)
    flags, y = ffi.new("uint8_t[]", [1, 0, 1, 0, 1]), np.zeros((3, 2), dtype)
    for failing in range(1, 20):
        before = ffi.new("tc_alloc_stats *")
        after = ffi.new("tc_alloc_stats *")
        lib.tc_get_alloc_stats(before)
        with failing_memory(failing):
            status = lib.tc_reduce(lib.TC_SUM, code(x), 5, sizes(x.shape), flags, ptr(x), ptr(y))
        lib.tc_get_alloc_stats(after)
        assert after.in_use == before.in_use
        if status == lib.TC_OK:
            break
        assert status == lib.TC_ENOMEM
    assert 1 < failing < 19
    np.testing.assert_allclose(y, x.sum((0, 2, 4)), rtol=1e-3)


# ---- argmax, argmin ----


def argmax(smallest, x, axis, values=True, indices=True):
    """Call tc_argmax along an axis of a dense array; return values and indices."""
    outer, inner = math.prod(x.shape[:axis]), math.prod(x.shape[axis + 1 :])
    shape = x.shape[:axis] + x.shape[axis + 1 :]
    v, i = Guarded(shape, x.dtype), Guarded(shape, np.int64)
    pointers = ptr(v.array) if values else ffi.NULL, ffi.cast("int64_t *", ptr(i.array)) if indices else ffi.NULL
    lib.tc_argmax(smallest, code(x), outer, x.shape[axis], inner, ptr(x), *pointers)
    return v.check(), i.check()


@pytest.mark.parametrize(
    "shape", [(1,), (9,), (100,), (1000,), (3, 1), (1, 3), (7, 10), (10, 7), (5, 64, 3), (4, 9, 131)], ids=str
)
@pytest.mark.parametrize("smallest", [0, 1])
def test_argmax_first_of_equals(shape, smallest, isa, dtype, threads, rng):
    x = rng.integers(0, 6, shape).astype(dtype)
    reference = np.argmin if smallest else np.argmax
    for axis in range(len(shape)):
        expected = reference(x, axis)
        values, indices = argmax(smallest, x, axis)
        np.testing.assert_array_equal(indices, expected)
        np.testing.assert_array_equal(values, x.min(axis) if smallest else x.max(axis))
        np.testing.assert_array_equal(argmax(smallest, x, axis, values=False)[1], expected)
        np.testing.assert_array_equal(argmax(smallest, x, axis, indices=False)[0], values)


@pytest.mark.parametrize("smallest", [0, 1])
def test_argmax_first_nan_wins(smallest, isa, dtype, rng):
    x = rng.normal(size=(20, 50, 9)).astype(dtype)
    x[rng.random(x.shape) < 0.05] = np.nan
    x[rng.random(x.shape) < 0.05] = np.inf
    for axis in range(3):
        values, indices = argmax(smallest, x, axis)
        np.testing.assert_array_equal(indices, (np.argmin if smallest else np.argmax)(x, axis))
        np.testing.assert_array_equal(values, np.take_along_axis(x, np.expand_dims(indices, axis), axis).squeeze(axis))


def test_argmax_of_infinities(isa, dtype):
    x = np.full((3, 5), -np.inf, dtype)
    np.testing.assert_array_equal(argmax(0, x, 1)[1], 0)
    np.testing.assert_array_equal(argmax(0, x, 0)[1], 0)
