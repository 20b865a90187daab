"""Pooling: every row of the rules, a naive reference, PyTorch, numerical gradients, errors."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import tinygrad_cnn as tg
from tests.nn.twin import check_twin
from tinygrad_cnn.autograd import gradcheck, gradgradcheck
from tinygrad_cnn.nn import functional as F

NAN, INF = math.nan, math.inf


def tensor(values, dtype=None):
    return tg.tensor(values, dtype=dtype or tg.float32).reshape(1, 1, *np.shape(values))


def naive_max_pool2d(x, kernel, stride, padding, dilation, out, smallest=False):
    """Value and flat index by the rule `v > best or v is NaN` over each window's valid cells, in row-major order."""
    planes, h, w = x.shape
    y = np.empty((planes, *out), x.dtype)
    where = np.empty((planes, *out), np.int64)
    for p, i, j in np.ndindex(y.shape):
        found = False
        for r, s in np.ndindex(*kernel):
            row = i * stride[0] - padding[0] + r * dilation[0]
            column = j * stride[1] - padding[1] + s * dilation[1]
            if 0 <= row < h and 0 <= column < w:
                v = x[p, row, column]
                better = not found or np.isnan(v) or (v < y[p, i, j] if smallest else v > y[p, i, j])
                if better:
                    found, y[p, i, j], where[p, i, j] = True, v, row * w + column
    return y, where


# ---------------------------------------------------------------- the rules, with numbers written out


def test_ceil_mode_overhang():
    x = tg.arange(16.0).reshape(1, 1, 4, 4) + 1
    assert F.max_pool2d(x, 3, 2, ceil_mode=True)[0, 0].tolist() == [[11, 12], [15, 16]]
    assert F.min_pool2d(x, 3, 2, ceil_mode=True)[0, 0].tolist() == [[1, 3], [9, 11]]


def test_ceil_mode_drops_a_window_that_starts_beyond_the_input():
    assert F.max_pool2d(tg.zeros(1, 1, 5, 5), 2, 4, 1, ceil_mode=True).shape[2:] == (2, 2)


def test_ceil_mode_with_a_kernel_larger_than_the_input():
    x = tg.arange(9.0).reshape(1, 1, 3, 3)
    assert F.max_pool2d(x, 5, ceil_mode=True).tolist() == [[[[8]]]]
    with pytest.raises(RuntimeError, match="Output size is too small"):
        F.max_pool2d(x, 5)


def test_stride_none_is_the_kernel_size():
    x = tg.arange(36.0).reshape(1, 1, 6, 6)
    assert (F.max_pool2d(x, (2, 3)) == F.max_pool2d(x, (2, 3), (2, 3))).all()


@pytest.mark.parametrize("dtype", [tg.float32, tg.float64, tg.int64, tg.int32, tg.uint8])
def test_padding_never_wins(dtype):
    signed = dtype is not tg.uint8
    x = (tg.full((1, 1, 3, 3), -5.0 if signed else 5.0)).to(dtype)
    assert (F.max_pool2d(x, 3, 1, 1) == x).all()
    assert (F.min_pool2d(-x if signed else x, 3, 1, 1) == (-x if signed else x)).all()
    assert F.max_pool2d(x, 3, 1, 1).dtype is dtype


def test_padding_limit_is_half_of_the_effective_kernel():
    x = tg.zeros(1, 1, 5, 5)
    F.max_pool2d(x, 2, 1, 1, 2)
    with pytest.raises(RuntimeError, match="got pad=2, kernel_size=2 and dilation=1"):
        F.max_pool2d(x, 2, 1, 2)


def test_indices_are_flat_in_the_unpadded_plane():
    x = tg.arange(18.0).reshape(1, 2, 3, 3)
    values, indices = F.max_pool2d(x, 3, 2, 1, return_indices=True)
    assert indices.dtype is tg.int64
    assert indices[0].tolist() == [[[4, 5], [7, 8]], [[4, 5], [7, 8]]]
    assert (values.flatten(2) == x.flatten(2).gather(2, indices.flatten(2))).all()


def test_first_of_equals_wins():
    for x in (tensor([[1.0, 1.0], [1.0, 1.0]]), tensor([[-0.0, 0.0], [0.0, -0.0]])):
        for pool in (F.max_pool2d, F.min_pool2d):
            x = x.detach().requires_grad_()
            y, indices = pool(x, 2, return_indices=True)
            assert indices.item() == 0
            y.sum().backward()
            assert x.grad.flatten().tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize("pool", [F.max_pool2d, F.min_pool2d])
def test_nan_wins_the_last_one(pool):
    y, indices = pool(tensor([[1.0, NAN], [NAN, 9.0]]), 2, return_indices=True)
    assert math.isnan(y.item()) and indices.item() == 2


def test_window_of_infinities():
    y, indices = F.max_pool2d(tensor([[-INF, -INF], [-INF, -INF]]), 2, 1, 1, return_indices=True)
    assert (y == -INF).all()
    assert indices[0, 0].tolist() == [[0, 0, 1], [0, 0, 1], [2, 2, 3]]
    assert F.min_pool2d(tensor([[INF, INF], [INF, INF]]), 2, return_indices=True)[1].item() == 0


def test_average_counts_padding_but_not_the_overhang():
    y = F.avg_pool2d(tg.ones(1, 1, 4, 4), 3, 2, 1, ceil_mode=True)[0, 0]
    expected = [[4 / 9, 6 / 9, 2 / 6], [6 / 9, 1.0, 3 / 6], [2 / 6, 3 / 6, 1 / 4]]
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-6)
    assert (F.avg_pool2d(tg.ones(1, 1, 4, 4), 3, 2, 1, True, False) == 1).all()


def test_divisor_override():
    x = tg.ones(1, 1, 4, 4)
    assert (F.avg_pool2d(x, 2, divisor_override=-2) == -2).all()
    assert (F.avg_pool2d(x, 2, divisor_override=1) == 4).all()
    with pytest.raises(RuntimeError, match="divisor must be not zero"):
        F.avg_pool2d(x, 2, divisor_override=0)


def test_average_of_integers_is_truncated():
    x = tg.tensor([[[[-1, -2], [-1, -3]]]])
    assert F.avg_pool2d(x, 2).tolist() == [[[[-1]]]]
    with pytest.raises(NotImplementedError, match="\"avg_pool2d\" not implemented for 'Int'"):
        F.avg_pool2d(x.int(), 2)


def test_batchless_and_empty_batch():
    x = tg.arange(32.0).reshape(2, 4, 4)
    for function in (
        lambda v: F.max_pool2d(v, 2),
        lambda v: F.avg_pool2d(v, 2),
        lambda v: F.adaptive_avg_pool2d(v, 3),
        lambda v: F.adaptive_max_pool2d(v, 3),
    ):
        assert (function(x) == function(x[None])[0]).all()
        assert function(x[None][:0]).shape[:2] == (0, 2)


def test_adaptive_windows_overlap():
    y = F.adaptive_avg_pool2d(tg.arange(25.0).reshape(1, 1, 5, 5), (1, 3))
    assert y.flatten().tolist() == [10.5, 12.0, 13.5]
    z = F.adaptive_max_pool2d(tg.arange(25.0).reshape(1, 1, 5, 5), (None, 1))
    assert z.flatten().tolist() == [4, 9, 14, 19, 24]
    assert tuple(F.adaptive_avg_pool2d(tg.zeros(1, 1, 2, 2), 5).shape) == (1, 1, 5, 5)
    for pool in (F.adaptive_avg_pool2d, F.adaptive_max_pool2d):
        x = tg.zeros(1, 1, 2, 2, requires_grad=True)
        y = pool(x, (0, 2))
        assert tuple(y.shape) == (1, 1, 0, 2)
        y.sum().backward()
        assert (x.grad == 0).all()


# ---------------------------------------------------------------- references

GRID = [
    (kernel, stride, padding, dilation, ceil)
    for kernel, stride, padding, dilation, ceil in itertools.product(
        [(2, 2), (3, 2), (1, 3)], [(1, 1), (2, 3)], [(0, 0), (1, 1)], [(1, 1), (2, 1)], [False, True]
    )
    if all(p <= ((k - 1) * d + 1) // 2 for p, k, d in zip(padding, kernel, dilation, strict=True))
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int32, np.uint8])
@pytest.mark.parametrize("smallest", [False, True])
def test_against_the_naive_reference(dtype, smallest, rng):
    for kernel, stride, padding, dilation, ceil in GRID:
        x = rng.integers(0, 5, (3, 7, 8)).astype(dtype)  # many ties
        if x.dtype.kind == "f":
            x[rng.random(x.shape) < 0.1] = NAN
        pool = F.min_pool2d if smallest else F.max_pool2d
        y, indices = pool(tg.from_numpy(x), kernel, stride, padding, dilation, ceil, True)
        expected, where = naive_max_pool2d(x, kernel, stride, padding, dilation, y.shape[1:], smallest)
        np.testing.assert_array_equal(y.numpy(), expected)
        np.testing.assert_array_equal(indices.numpy(), where)


@pytest.mark.parity
@pytest.mark.parametrize("what", ["max", "avg", "avg_no_pad", "avg_divisor"])
def test_sizes_values_and_gradients_as_torch(what, rng):
    torch = pytest.importorskip("torch")
    for kernel, stride, padding, dilation, ceil in GRID:
        if what != "max" and dilation != (1, 1):
            continue
        array = rng.standard_normal((2, 3, 7, 8))
        results = []
        for library in (tg, torch):
            f = library.nn.functional
            x = library.tensor(array.tolist(), dtype=library.float64, requires_grad=True)
            if what == "max":
                y = f.max_pool2d(x, kernel, stride, padding, dilation, ceil)
            else:
                divisor = 5 if what == "avg_divisor" else None
                y = f.avg_pool2d(x, kernel, stride, padding, ceil, what != "avg_no_pad", divisor)
            (y * y).sum().backward()
            results.append((y.detach().numpy(), x.grad.numpy()))
        for ours, theirs in zip(*results, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parity
@pytest.mark.parametrize("size", [1, 3, (2, None), (None, 5), (9, 11), (7, 8)])
def test_adaptive_as_torch(size, rng):
    torch = pytest.importorskip("torch")
    array = rng.standard_normal((2, 3, 7, 8))
    results = []
    for library in (tg, torch):
        f = library.nn.functional
        x = library.tensor(array.tolist(), dtype=library.float64, requires_grad=True)
        average = f.adaptive_avg_pool2d(x, size)
        largest, indices = f.adaptive_max_pool2d(x, size, return_indices=True)
        ((average * average).sum() + (largest * largest).sum()).backward()
        results.append([t.detach().numpy() for t in (average, largest, indices, x.grad)])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


FUNCTIONS = {
    "max": lambda x: F.max_pool2d(x, 3, 2, 1),
    "max_overlap_dilated": lambda x: F.max_pool2d(x, 2, 1, 1, 2, True),
    "min": lambda x: F.min_pool2d(x, (2, 3), 1),
    "avg": lambda x: F.avg_pool2d(x, 3, 2, 1, True),
    "avg_no_pad": lambda x: F.avg_pool2d(x, 3, 2, 1, True, False),
    "avg_divisor": lambda x: F.avg_pool2d(x, 2, divisor_override=3),
    "adaptive_avg": lambda x: F.adaptive_avg_pool2d(x, (3, 7)),
    "adaptive_max": lambda x: F.adaptive_max_pool2d(x, (3, 7)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_numerically(name, rng):
    values = rng.permutation(60).reshape(2, 1, 5, 6) / 7.0  # apart from each other, so that the winner is stable
    x = tg.tensor(values.tolist(), dtype=tg.float64, requires_grad=True)
    assert gradcheck(FUNCTIONS[name], [x])
    assert gradgradcheck(lambda v: FUNCTIONS[name](v) ** 2, [x])


def test_indices_need_no_gradient():
    y, indices = F.max_pool2d(tg.ones(1, 1, 2, 2, requires_grad=True), 2, return_indices=True)
    assert y.requires_grad and not indices.requires_grad
    assert type(y.grad_fn).__name__ != "" and y.grad_fn.name() == "MaxPool2DWithIndicesBackward0"


def test_views_are_pooled_as_they_read(rng):
    x = tg.from_numpy(rng.standard_normal((2, 6, 6, 3))).permute(0, 3, 1, 2)[:, :, ::2]
    for function in (lambda v: F.max_pool2d(v, 2, 1), lambda v: F.avg_pool2d(v, 2, 1)):
        assert (function(x) == function(x.contiguous())).all()


# ---------------------------------------------------------------- errors


def case(function, shape=(2, 4, 6, 6), dtype="float32", args=(2,), **options):
    def code(torch):
        x = torch.zeros(shape, dtype=getattr(torch, dtype))
        result = getattr(torch.nn.functional, function)(x, *args, **options)
        return [tuple(t.shape) for t in (result if isinstance(result, tuple) else (result,))]

    return code


ERRORS = {}
for _name in ("max_pool2d", "avg_pool2d"):
    ERRORS |= {
        f"{_name}-{what}": made
        for what, made in {
            "small": case(_name, args=(7,)),
            "ceil": case(_name, args=(7,), ceil_mode=True),
            "one_tuple": case(_name, args=((2,),)),
            "list": case(_name, args=([2],)),
            "three": case(_name, args=((2, 2, 2),)),
            "float": case(_name, args=(2.5,)),
            "bool_kernel": case(_name, args=(True,)),
            "none": case(_name, args=(None,)),
            "string": case(_name, args=("a",)),
            "stride_string": case(_name, args=(2, "a")),
            "stride_zero": case(_name, args=(2, 0)),
            "stride_negative": case(_name, args=(2, -1)),
            "stride_empty": case(_name, args=(2, [])),
            "kernel_zero": case(_name, args=(0,)),
            "kernel_negative": case(_name, args=(-1,)),
            "kernel_large": case(_name, args=(2**40,), ceil_mode=True),
            "stride_three": case(_name, args=(2, (1, 2, 3))),
            "padding_three": case(_name, args=(2, 1, (1, 2, 3))),
            "padding_large": case(_name, args=(2, 1, 2)),
            "padding_negative": case(_name, args=(2, 1, -1)),
            "rank_2": case(_name, shape=(6, 6)),
            "rank_5": case(_name, shape=(1, 2, 3, 4, 5)),
            "no_batch": case(_name, shape=(0, 4, 6, 6)),
            "no_channels": case(_name, shape=(2, 0, 6, 6)),
            "no_rows": case(_name, shape=(2, 4, 0, 6)),
            "no_rows_batchless": case(_name, shape=(4, 0, 6)),
            "bool": case(_name, dtype="bool"),
            "int": case(_name, dtype="int32"),
            "long": case(_name, dtype="int64"),
            "byte": case(_name, dtype="uint8"),
        }.items()
    }
ERRORS |= {
    "dilation_zero": case("max_pool2d", args=(2, 1, 0, 0)),
    "dilation_negative": case("max_pool2d", args=(2, 1, 0, -1)),
    "dilation_three": case("max_pool2d", args=(2, 1, 0, (1, 2, 3))),
    "dilated_padding": case("max_pool2d", args=(2, 1, 2, 2)),
    "return_indices": case("max_pool2d", return_indices=True),
    "with_indices": case("max_pool2d_with_indices"),
    "order_of_arguments": case("max_pool2d", args=(2, None, 0, 1, False, True)),
    "divisor_zero": case("avg_pool2d", divisor_override=0),
}
for _name in ("adaptive_avg_pool2d", "adaptive_max_pool2d"):
    ERRORS |= {
        f"{_name}-{what}": made
        for what, made in {
            "none": case(_name, args=(None,)),
            "one_tuple": case(_name, args=((3,),)),
            "three": case(_name, args=((1, 2, 3),)),
            "zero": case(_name, args=(0,)),
            "negative": case(_name, args=(-1,)),
            "no_batch": case(_name, shape=(0, 4, 6, 6)),
            "no_channels": case(_name, shape=(2, 0, 6, 6)),
            "no_channels_batchless": case(_name, shape=(0, 6, 6)),
            "no_rows": case(_name, shape=(2, 4, 0, 6)),
            "rank_2": case(_name, shape=(6, 6)),
            "rank_5": case(_name, shape=(1, 2, 3, 4, 5)),
            "int": case(_name, dtype="int32"),
            "bool": case(_name, dtype="bool"),
            "string": case(_name, args=("a",)),
            "float": case(_name, args=(2.5,)),
            "list": case(_name, args=([3, 2],)),
        }.items()
    }


@pytest.mark.parity
@pytest.mark.parametrize("name", ERRORS)
def test_errors_as_torch(name):
    pytest.importorskip("torch")
    check_twin(ERRORS[name])


def test_min_pool_errors_name_it():
    with pytest.raises(RuntimeError, match="min_pool2d: kernel_size must either be a single int"):
        F.min_pool2d(tg.zeros(1, 1, 4, 4), (1, 2, 3))
    with pytest.raises(NotImplementedError, match="\"min_pool2d\" not implemented for 'Bool'"):
        F.min_pool2d(tg.zeros(1, 1, 4, 4, dtype=tg.bool), 2)


def test_ceil_mode_must_be_a_bool():
    with pytest.raises(TypeError, match=r"argument 'ceil_mode' .*must be bool, not int"):
        F.max_pool2d(tg.zeros(1, 1, 4, 4), 2, ceil_mode=1)
    with pytest.raises(TypeError, match=r"argument 'divisor_override' .*must be int, not float"):
        F.avg_pool2d(tg.zeros(1, 1, 4, 4), 2, divisor_override=1.5)
