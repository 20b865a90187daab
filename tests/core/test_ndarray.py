"""The core's functions on NumPy's arrays: they find data, shape, strides and dtype, and refuse what does not fit."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.core.raw import Guarded
from tinygrad_cnn._core import ffi, lib

FLOATS = (np.float32, np.float64)
ELEMENTS = (*FLOATS, np.int64, np.int32, np.uint8, np.bool_)


def views(x):
    """Return the elements of a (4, 6) array in several orders and places of memory."""
    wide = np.zeros((8, 12), x.dtype)
    wide[::2, 1::2] = x
    turned = x.T.copy().T
    backwards = x[::-1, ::-1].copy()[::-1, ::-1]
    return [x, turned, wide[::2, 1::2], backwards]


def integers(rng, shape, dtype):
    """Return small integers: sums and products of a few are exact."""
    return rng.integers(-8, 9, shape).astype(dtype)


@pytest.mark.parametrize("dtype", FLOATS)
def test_binary_of_any_strides(dtype, threads, rng):
    a, b = integers(rng, (4, 6), dtype), integers(rng, (4, 6), dtype)
    for left, right in itertools.product(views(a), views(b)):
        out = Guarded((4, 6), dtype)
        assert lib.tc_ndarray_binary(lib.TC_SUB, id(left), id(right), id(out.array)) == lib.TC_OK
        np.testing.assert_array_equal(out.check(), a - b)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    "shapes", [((), ()), ((3,), ()), ((), (2, 3)), ((2, 3), (3,)), ((5, 1, 3), (4, 1)), ((0, 3), (1, 3))], ids=str
)
def test_broadcast(dtype, shapes, rng):
    a, b = integers(rng, shapes[0], dtype), integers(rng, shapes[1], dtype)
    out = Guarded(np.broadcast_shapes(*shapes), dtype)
    assert lib.tc_ndarray_binary(lib.TC_MUL, id(a), id(b), id(out.array)) == lib.TC_OK
    np.testing.assert_array_equal(out.check(), a * b)
    assert lib.tc_ndarray_add_scaled(id(a), id(b), 2.0, id(out.array)) == lib.TC_OK
    np.testing.assert_array_equal(out.check(), a + 2 * b)
    less = Guarded(out.array.shape, np.bool_)
    assert lib.tc_ndarray_compare(lib.TC_LT, id(a), id(b), id(less.array)) == lib.TC_OK
    np.testing.assert_array_equal(less.check(), a < b)
    assert lib.tc_ndarray_where(id(less.array), id(a), id(b), id(out.array)) == lib.TC_OK
    np.testing.assert_array_equal(out.check(), np.minimum(a, b))


@pytest.mark.parametrize("dtype", FLOATS)
def test_bend_takes_dense_arrays_of_one_shape(dtype, rng):
    g, x, out = integers(rng, (4, 6), dtype), integers(rng, (4, 6), dtype), Guarded((4, 6), dtype)
    pieces = (-1.0, 2.0, 0.0, 3.0, 5.0)
    assert lib.tc_ndarray_bend(id(g), id(x), *pieces, id(out.array)) == lib.TC_OK
    np.testing.assert_array_equal(out.check(), np.where(x >= 2, 5 * g, np.where(x > -1, 3 * g, 0)))
    turned, row = integers(rng, (6, 4), dtype).T, integers(rng, (6,), dtype)
    for one, other in ((turned, x), (g, turned), (row, x), (g, row)):
        assert lib.tc_ndarray_bend(id(one), id(other), *pieces, id(out.array)) == lib.TC_EINVAL


@pytest.mark.parametrize("dtype", FLOATS)
def test_one_operand_of_any_strides(dtype, rng):
    x = integers(rng, (4, 6), dtype)
    for view in views(x):
        out = Guarded((4, 6), dtype)
        assert lib.tc_ndarray_unary(lib.TC_SQUARE, id(view), id(out.array)) == lib.TC_OK
        np.testing.assert_array_equal(out.check(), x * x)
        for first, expected in ((0, x - 3), (1, 3 - x)):
            assert lib.tc_ndarray_binary_scalar(lib.TC_SUB, id(view), 3.0, first, id(out.array)) == lib.TC_OK
            np.testing.assert_array_equal(out.check(), expected)
    assert lib.tc_ndarray_unary(lib.TC_NEG, id(x), id(x)) == lib.TC_OK  # in place
    np.testing.assert_array_equal(x, -views(-x)[0])


@pytest.mark.parametrize("element", ELEMENTS)
def test_copy_between_any_strides(element, rng):
    x = rng.integers(0, 2, (4, 6)).astype(element)
    for source, place in itertools.product(views(x), range(4)):
        target = views(np.zeros((4, 6), element))[place]
        assert lib.tc_ndarray_copy(id(source), id(target)) == lib.TC_OK
        np.testing.assert_array_equal(target, x)


@pytest.mark.parametrize("dtype", FLOATS)
def test_reduce(dtype, rng):
    x = integers(rng, (2, 3, 4), dtype)
    for count in range(4):
        for dims in itertools.combinations(range(3), count):
            out = Guarded(x.sum(dims).shape, dtype)
            bits = sum(1 << d for d in dims)
            assert lib.tc_ndarray_reduce(lib.TC_SUM, bits, id(x), id(out.array)) == lib.TC_OK
            np.testing.assert_array_equal(out.check(), x.sum(dims))
            turned = x.transpose(2, 0, 1)
            out = Guarded(turned.sum(dims).shape, dtype)
            assert lib.tc_ndarray_reduce(lib.TC_SUM, bits, id(turned), id(out.array)) == lib.TC_OK
            np.testing.assert_array_equal(out.check(), turned.sum(dims))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("batch", [(), (1,), (3,)], ids=str)
def test_gemm(dtype, batch, rng):
    a, b = integers(rng, (*batch, 4, 5), dtype), integers(rng, (*batch, 5, 6), dtype)
    bias = integers(rng, (6,), dtype)
    lefts = [a, a.swapaxes(-1, -2).copy().swapaxes(-1, -2)]
    rights = [b, b.swapaxes(-1, -2).copy().swapaxes(-1, -2), np.broadcast_to(b[:1], b.shape)]
    for left, right in itertools.product(lefts, rights):
        out = Guarded((*batch, 4, 6), dtype)
        assert lib.tc_ndarray_gemm(id(left), id(right), 0, id(out.array)) == lib.TC_OK
        np.testing.assert_array_equal(out.check(), np.matmul(left.astype(np.float64), right))
        assert lib.tc_ndarray_gemm(id(left), id(right), id(bias), id(out.array)) == lib.TC_OK
        np.testing.assert_array_equal(out.check(), np.matmul(left.astype(np.float64), right) + bias)


def test_a_dtype_is_told_by_its_number(rng):
    tagged = np.dtype(np.float32, metadata={"unit": "m"})  # equal to float32, and another object
    x, out = np.ones(3, tagged), np.empty(3, np.float32)
    assert lib.tc_ndarray_unary(lib.TC_NEG, id(x), id(out)) == lib.TC_OK
    assert (out == -1).all()
    for number in ("q", "l"):
        x, out = np.arange(3, dtype=number), np.zeros(3, np.int64)
        assert lib.tc_ndarray_copy(id(x), id(out)) == lib.TC_OK
        assert (out == x).all()


def test_refuses_what_it_does_not_know():
    x, out = np.ones((2, 3), np.float32), np.empty((2, 3), np.float32)
    others = [
        3.5,
        [1.0],
        np.float32(1),
        np.ones((2, 3), np.complex64),
        np.ones((2, 3), np.float16),
        np.ones((2, 3), "O"),
    ]
    for other in others:
        assert lib.tc_ndarray_unary(lib.TC_NEG, id(x), id(other)) == lib.TC_EINVAL
    for other in (3.5, np.float32(1), np.ones(2, np.float32), np.ones((2, 2, 3), np.float32)):
        assert lib.tc_ndarray_binary(lib.TC_ADD, id(x), id(other), id(out)) == lib.TC_EINVAL


@pytest.mark.parametrize(
    "call",
    [
        lambda x: lib.tc_ndarray_copy(x, x),
        lambda x: lib.tc_ndarray_unary(lib.TC_NEG, x, x),
        lambda x: lib.tc_ndarray_binary(lib.TC_ADD, x, x, x),
        lambda x: lib.tc_ndarray_binary_scalar(lib.TC_ADD, x, 1.0, 0, x),
        lambda x: lib.tc_ndarray_add_scaled(x, x, 1.0, x),
        lambda x: lib.tc_ndarray_bend(x, x, 0.0, 1.0, 0.0, 1.0, 1.0, x),
        lambda x: lib.tc_ndarray_compare(lib.TC_LT, x, x, x),
        lambda x: lib.tc_ndarray_where(x, x, x, x),
        lambda x: lib.tc_ndarray_reduce(lib.TC_SUM, 1, x, x),
        lambda x: lib.tc_ndarray_gemm(x, x, 0, x),
    ],
)
def test_every_function_refuses_other_objects(call):
    for other in (3.5, [1.0], np.ones((2, 2), "O")):
        assert call(id(other)) == lib.TC_EINVAL


@pytest.mark.parametrize("shape", [(4,), (3, 3)], ids=str)
def test_refuses_shapes_that_do_not_broadcast(shape):
    x, y, out = np.ones((2, 3), np.float32), np.ones(shape, np.float32), np.full((2, 3), 7, np.float32)
    less = np.ones((2, 3), np.bool_)
    assert lib.tc_ndarray_copy(id(y), id(out)) == lib.TC_EINVAL
    assert lib.tc_ndarray_unary(lib.TC_NEG, id(y), id(out)) == lib.TC_EINVAL
    assert lib.tc_ndarray_binary_scalar(lib.TC_ADD, id(y), 1.0, 0, id(out)) == lib.TC_EINVAL
    assert lib.tc_ndarray_add_scaled(id(x), id(y), 1.0, id(out)) == lib.TC_EINVAL
    assert lib.tc_ndarray_compare(lib.TC_LT, id(x), id(y), id(less)) == lib.TC_EINVAL
    assert lib.tc_ndarray_where(id(less), id(x), id(y), id(out)) == lib.TC_EINVAL
    assert (out == 7).all() and less.all()


def test_learns_no_other_layout():
    probe, head = np.empty((2, 3)), object.__basicsize__
    address = probe.ctypes.data
    for data, rows, status in ((address + 8, 2, lib.TC_EINVAL), (address, 3, lib.TC_EINVAL), (address, 2, lib.TC_OK)):
        assert lib.tc_ndarray_learn(head, id(probe), ffi.cast("void *", data), rows, 3) == status
