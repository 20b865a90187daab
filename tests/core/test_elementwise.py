"""Elementwise kernels: values and accuracy against wider arithmetic, broadcasting, strides, edges, threads."""

from __future__ import annotations

import numpy as np
import pytest

from tests.core.raw import Guarded, code, i64, ptr, strides
from tests.core.reference_elementwise import BINARY, COMPARE, UNARY, WIDE, ulp_error, unary
from tinygrad_cnn._core import lib


def samples(rng, dtype, count=20000):
    """Return numbers of every magnitude, dense ranges where functions bend, and every special value."""
    info = np.finfo(dtype)
    exponent = rng.uniform(np.log2(float(info.tiny)), np.log2(float(info.max)), count)
    anywhere = rng.choice([-1, 1], count) * 2.0**exponent
    near = [rng.uniform(-limit, limit, count) for limit in (1e-3, 1, 10, 110, 750)]
    around_one = 1 + rng.normal(size=count) * 2.0 ** rng.uniform(-20, -1, count)
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, info.max, -info.max, info.tiny]
    special += [88.72283, 88.72284, -87.33654, -87.33655]  # where f32 exp meets its ends, then f64
    special += [709.782712893384, 709.7827128933841, -708.3964185322641, 2.0**23]
    return np.concatenate([anywhere, *near, around_one, special]).astype(dtype)


@pytest.mark.parametrize("name", UNARY)
def test_unary_accuracy(name, isa, dtype, rng):
    reference, allowed = UNARY[name]
    x = samples(rng, dtype)
    if name in ("SIN", "COS"):
        x = x[~(np.abs(x) > 1e5)]  # a long double loses the phase of larger arguments
    with np.errstate(all="ignore"):
        expected = reference(x.astype(WIDE[dtype]))
    y = unary(name, x)
    if allowed == 0:
        np.testing.assert_array_equal(y, expected.astype(dtype))
        return
    tiny = np.finfo(dtype).tiny
    flushed = (np.abs(expected) < tiny) & (np.abs(y) <= tiny)
    with np.errstate(over="ignore"):
        error = np.where(flushed, 0, ulp_error(y, expected))
    worst = int(np.nanargmax(error))
    assert not np.isnan(error).any(), f"{name}({x[np.isnan(error)][:4]}) = {y[np.isnan(error)][:4]}"
    assert error[worst] <= allowed, (
        f"{name}({x[worst]!r}) = {y[worst]!r}: {error[worst]:.2f} ulp, not {expected[worst]!r}"
    )


@pytest.mark.parametrize(
    "name", ["ABS", "SQRT", "FLOOR", "CEIL", "ROUND", "TRUNC", "EXPM1", "LOG1P", "SIN", "TANH", "ERF", "RSQRT"]
)
def test_unary_sign_of_zero(name, isa, dtype):
    x = np.array([0.0, -0.0, -0.3, 0.3], dtype)
    with np.errstate(all="ignore"):
        expected = UNARY[name][0](x.astype(np.float64))
    np.testing.assert_array_equal(np.signbit(unary(name, x))[:2], np.signbit(expected)[:2])
    if name in ("CEIL", "ROUND", "TRUNC"):
        np.testing.assert_array_equal(np.signbit(unary(name, x)), np.signbit(expected))


@pytest.mark.parametrize("name", ["LOG", "SQRT", "RELU", "SIGMOID", "EXP", "SIGN", "TANH"])
def test_unary_special_values(name, isa, dtype):
    x = np.array([np.inf, -np.inf, np.nan, -1.0, 0.0], dtype)
    expected = {
        "LOG": [np.inf, np.nan, np.nan, np.nan, -np.inf],
        "SQRT": [np.inf, np.nan, np.nan, np.nan, 0],
        "RELU": [np.inf, 0, np.nan, 0, 0],
        "SIGMOID": [1, 0, np.nan, None, 0.5],
        "EXP": [np.inf, 0, np.nan, None, 1],
        "SIGN": [1, -1, 0, -1, 0],
        "TANH": [1, -1, np.nan, None, 0],
    }[name]
    for got, want in zip(unary(name, x), expected, strict=True):
        assert want is None or got == want or (np.isnan(got) and np.isnan(want))


@pytest.mark.parametrize("size", [*range(20), 31, 32, 33, 63, 64, 65, 1000])
def test_unary_sizes_do_not_matter(size, isa, dtype, rng):
    x = rng.normal(size=size).astype(dtype)
    padded = np.concatenate([x, np.ones(64, dtype)])
    for name in ("EXP", "TANH", "RELU", "SQRT"):
        np.testing.assert_array_equal(unary(name, x), unary(name, padded)[:size])
        shifted = Guarded(x.shape, dtype, offset=x.itemsize)
        shifted.array[:] = x  # in place, unaligned
        lib.tc_unary(getattr(lib, f"TC_{name}"), code(x), size, ptr(shifted.array), ptr(shifted.array))
        np.testing.assert_array_equal(shifted.check(), unary(name, x))


def test_unary_threads(isa, dtype, rng):
    x = rng.normal(size=100_003).astype(dtype)
    lib.tc_set_num_threads(1)
    one = {name: unary(name, x) for name in ("NEG", "EXP", "SIGMOID")}
    lib.tc_set_num_threads(4)
    for name, y in one.items():
        np.testing.assert_array_equal(unary(name, x), y)


# ---- binary ----


EXACT = {"ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "FMOD", "RELU_GRAD", "ADD_RELU"}


def binary(name, a, b, y=None):
    """Call tc_binary (or tc_compare) on the broadcast of two arrays of any strides; return the output."""
    a, b = np.broadcast_arrays(a, b)
    compare = name in COMPARE
    out = Guarded(a.shape, np.bool_ if compare else a.dtype) if y is None else None
    call = lib.tc_compare if compare else lib.tc_binary
    target = out.array if out else y
    call(getattr(lib, f"TC_{name}"), code(a), a.ndim, i64(a.shape), ptr(a), strides(a), ptr(b), strides(b), ptr(target))
    return out.check() if out else y


@pytest.mark.parametrize("name", BINARY)
def test_binary_values(name, isa, dtype, rng):
    special = np.array([0.0, -0.0, 1, -1, 2.5, -2.5, 3, np.inf, -np.inf, np.nan, 1e-3, 1e6], dtype)
    a, b = [grid.ravel() for grid in np.meshgrid(special, special)]
    a = np.concatenate([a, rng.normal(size=500).astype(dtype) * 10])
    b = np.concatenate([b, rng.normal(size=500).astype(dtype) * 3])
    with np.errstate(all="ignore"):
        if name in EXACT:
            np.testing.assert_array_equal(binary(name, a, b), BINARY[name](a, b))
            return
        expected = BINARY[name](a.astype(np.float64), b.astype(np.float64)).astype(dtype)
    atol = 1e-5 if name == "REMAINDER" else 0
    np.testing.assert_allclose(binary(name, a, b), expected, rtol=4 * np.finfo(dtype).eps, atol=atol)


@pytest.mark.parametrize("name", COMPARE)
def test_compare_values(name, isa, dtype, rng):
    special = np.array([0.0, -0.0, 1, -1, np.inf, -np.inf, np.nan], dtype)
    a, b = [grid.ravel() for grid in np.meshgrid(special, special)]
    for size in range(a.size):
        np.testing.assert_array_equal(binary(name, a[:size], b[:size]), COMPARE[name](a[:size], b[:size]))
    a, b = rng.integers(0, 4, (2, 3, 300)).astype(dtype)
    np.testing.assert_array_equal(binary(name, a, b[:1]), COMPARE[name](a, b[:1]))


SHAPES = [
    ((), ()),
    ((1,), (1,)),
    ((0, 3), (1, 3)),
    ((7,), (7,)),
    ((7,), (1,)),
    ((1,), (7,)),
    ((5, 1), (1, 6)),
    ((2, 3, 4), (3, 1)),
    ((2, 3, 4, 5), (1, 3, 1, 1)),
    ((300,), (4, 300)),
    ((4, 1), (4, 300)),
    ((3, 5, 130), (1, 5, 1)),
    ((1000, 10), (10,)),
    ((1000, 10), (1000, 1)),
    ((64, 3, 33), (64, 1, 33)),
    ((14000, 10), (14000, 1)),
    ((3, 7000, 7), (7000, 1)),
    ((2, 1, 2, 1, 2, 1, 2), (1, 3, 1, 3, 1, 3, 1)),
]


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_binary_broadcast(shapes, isa, dtype, threads, rng):
    a, b = [rng.integers(-9, 9, shape).astype(dtype) for shape in shapes]
    for name in ("ADD", "SUB", "MUL", "LT"):
        reference = BINARY.get(name) or COMPARE[name]
        np.testing.assert_array_equal(binary(name, a, b), reference(a, b))
        np.testing.assert_array_equal(binary(name, b, a), reference(b, a))


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_add_scaled(shapes, isa, dtype, threads, rng):
    a, b = np.broadcast_arrays(*[rng.integers(-9, 9, shape).astype(dtype) for shape in shapes])
    expected = a - 3 * b
    y = Guarded(a.shape, dtype)
    lib.tc_add_scaled(code(a), a.ndim, i64(a.shape), ptr(a), strides(a), ptr(b), strides(b), -3.0, ptr(y.array))
    np.testing.assert_array_equal(y.check(), expected)
    y.array[...] = a  # in place
    lib.tc_add_scaled(
        code(a), a.ndim, i64(a.shape), ptr(y.array), strides(y.array), ptr(b), strides(b), -3.0, ptr(y.array)
    )
    np.testing.assert_array_equal(y.check(), expected)


def slopes(x, low, high, below, between, above):
    return np.select([x >= high, x > low], [above, between], below)


@pytest.mark.parametrize("n", [0, 1, 3, 8, 31, 1000, 70_001])
def test_bend(n, isa, dtype, threads, rng):
    g, x = rng.integers(-9, 9, (2, n)).astype(dtype)
    special = np.array([np.nan, np.inf, -np.inf, -2, 3], dtype)[:n]
    x[: special.size] = special
    for pieces in ((-2.0, 3.0, 2.0, 1.0, -4.0), (-2.0, 3.0, 0.0, 1.0, 0.0), (0.0, np.inf, 0.25, 1.0, 1.0)):
        expected = g * slopes(x, *pieces).astype(dtype)
        y = Guarded((n,), dtype)
        lib.tc_bend(code(g), n, ptr(g), ptr(x), *pieces, ptr(y.array))
        np.testing.assert_array_equal(y.check(), expected)
        for start in (g, x):
            y.array[...] = start  # in place
            lib.tc_bend(code(g), n, ptr(y.array if start is g else g), ptr(y.array if start is x else x), *pieces,
                        ptr(y.array))  # fmt: skip
            np.testing.assert_array_equal(y.check(), expected)


def test_a_slope_of_zero_gives_zero(isa, dtype):
    g, x, y = np.array([np.nan, np.inf, -np.inf, 2], dtype), np.zeros(4, dtype), np.ones(4, dtype)
    lib.tc_bend(code(g), 4, ptr(g), ptr(x), 0.0, 1.0, 0.0, 1.0, 1.0, ptr(y))
    np.testing.assert_array_equal(y, 0)


def views(x):
    """Return arrays of the same values as x in several layouts."""
    doubled = np.zeros([2 * size for size in x.shape], x.dtype)
    doubled[tuple(slice(None, None, 2) for _ in x.shape)] = x
    backwards = np.ascontiguousarray(x[::-1, ..., ::-1])
    return [x, np.asfortranarray(x), doubled[tuple(slice(None, None, 2) for _ in x.shape)], backwards[::-1, ..., ::-1]]


@pytest.mark.parametrize("shape", [(3, 5), (40, 600), (7, 11, 13), (2, 3, 4, 5)], ids=str)
def test_binary_strides(shape, isa, dtype, rng):
    a, b = rng.integers(-9, 9, (2, *shape)).astype(dtype)
    for left in views(a):
        for right in views(b):
            np.testing.assert_array_equal(binary("SUB", left, right), a - b)


def test_binary_in_place(isa, dtype, rng):
    a, b = rng.integers(-9, 9, (2, 5, 77)).astype(dtype)
    row = b[:1]
    for left, right, target in ((a.copy(), b, 0), (b, a.copy(), 1), (a.copy(), row, 0), (row, a.copy(), 1)):
        expected = left - right
        np.testing.assert_array_equal(binary("SUB", left, right, y=(left, right)[target]), expected)


@pytest.mark.parametrize("first", [0, 1])
def test_binary_scalar(first, isa, dtype, threads, rng):
    for size in (0, 1, 15, 64, 100, 70_000):
        x = rng.normal(size=size).astype(dtype)
        for name in ("SUB", "DIV", "POW"):
            y = Guarded(x.shape, dtype)
            lib.tc_binary_scalar(getattr(lib, f"TC_{name}"), code(x), size, ptr(x), 0.1, first, ptr(y.array))
            s = np.full_like(x, 0.1)
            np.testing.assert_array_equal(y.check(), binary(name, s, x) if first else binary(name, x, s))


def test_sums_do_not_depend_on_threads(isa, dtype, rng):
    a, b = rng.normal(size=(300, 1)).astype(dtype), rng.normal(size=(1, 777)).astype(dtype)
    lib.tc_set_num_threads(1)
    one = binary("ADD", a, b)
    lib.tc_set_num_threads(4)
    np.testing.assert_array_equal(binary("ADD", a, b), one)
    np.testing.assert_array_equal(one, a + b)


# ---- where, fill ----


@pytest.mark.parametrize("element", [np.float32, np.float64, np.int64, np.int32, np.uint8, np.bool_])
@pytest.mark.parametrize(
    "shapes", [((5,),) * 3, ((3, 1), (1, 200), ()), ((1, 7), (5, 7), (5, 1)), ((2, 3, 4), (4,), (3, 1))], ids=str
)
def test_where(element, shapes, threads, rng):
    cond = rng.integers(0, 2, shapes[0]).astype(np.bool_)
    a, b = [rng.integers(0, 100, shape).astype(element) for shape in shapes[1:]]
    expected = np.where(cond, a, b)
    cond, a, b = np.broadcast_arrays(cond, a, b)
    y = Guarded(a.shape, element)
    lib.tc_where(
        code(a), a.ndim, i64(a.shape), ptr(cond), strides(cond), ptr(a), strides(a), ptr(b), strides(b), ptr(y.array)
    )
    np.testing.assert_array_equal(y.check(), expected)


@pytest.mark.parametrize("element", [np.float32, np.float64, np.uint8])
def test_where_strides(element, rng):
    """Rows longer than the buffer into which operands of one, four and eight bytes are gathered."""
    shape = (3, 1100)
    cond = rng.integers(0, 2, shape).astype(np.bool_)
    a, b = rng.integers(0, 100, (2, *shape)).astype(element)
    for mask, left, right in zip(views(cond), views(a), reversed(views(b)), strict=True):
        y = Guarded(shape, element)
        lib.tc_where(code(a), 2, i64(shape), ptr(mask), strides(mask), ptr(left), strides(left), ptr(right),
                     strides(right), ptr(y.array))  # fmt: skip
        np.testing.assert_array_equal(y.check(), np.where(cond, a, b))


def test_where_keeps_nan(dtype):
    """Both sides are moved, not computed with: a NaN or an infinity of the side not taken leaves no trace."""
    cond, a, b = np.array([1, 0], np.bool_), np.array([1, np.nan], dtype), np.array([np.inf, 2], dtype)
    y = Guarded((2,), dtype)
    lib.tc_where(code(a), 1, i64([2]), ptr(cond), i64([1]), ptr(a), i64([1]), ptr(b), i64([1]), ptr(y.array))
    np.testing.assert_array_equal(y.check(), [1, 2])


def test_fill(dtype, threads):
    for size in (0, 1, 17, 100_001):
        y = Guarded((size,), dtype)
        lib.tc_fill(code(y.array), size, 0.1, ptr(y.array))
        assert (y.check() == dtype(0.1)).all()
