"""Pooling of lines and volumes, by random windows and back: naive loops, PyTorch, ties, NaN, edge sizes, errors."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import tinygrad_cnn as tg
from tests.nn.twin import check_twin
from tinygrad_cnn import nn
from tinygrad_cnn.autograd import gradcheck, gradgradcheck
from tinygrad_cnn.nn import functional as F

NAN, INF = math.nan, math.inf


def naive_max_pool3d(x, shape, kernel, stride, padding, dilation, smallest=False):
    """Value and flat index by the rule `v > best or v is NaN` over each window's valid cells, in row-major order."""
    y, where = np.empty((len(x), *shape), x.dtype), np.empty((len(x), *shape), np.int64)
    for p, *place in np.ndindex(y.shape):
        best = None
        for cell in np.ndindex(*kernel):
            at = tuple(i * s - q + r * d for i, s, q, r, d in zip(place, stride, padding, cell, dilation, strict=True))
            if all(0 <= i < size for i, size in zip(at, x.shape[1:], strict=True)):
                v = x[(p, *at)]
                if best is None or np.isnan(v) or (v < best if smallest else v > best):
                    best, where[(p, *place)] = v, np.ravel_multi_index(at, x.shape[1:])
        y[(p, *place)] = best
    return y, where


@pytest.mark.parametrize("smallest", [False, True])
def test_volumes_against_the_naive_reference(smallest):
    """Few different values, so that most windows have ties, and some NaN."""
    pool = F.min_pool3d if smallest else F.max_pool3d
    for seed in range(10):
        rng = np.random.default_rng(seed)
        kernel, stride, dilation = [tuple(int(n) for n in rng.integers(1, high, 3)) for high in (4, 4, 3)]
        padding = tuple(int(rng.integers(0, k // 2 + 1)) for k in kernel)
        x = np.round(rng.standard_normal((2, 7, 6, 8)) * 1.5).astype(np.float32)
        x[rng.random(x.shape) < 0.05] = NAN
        y, where = pool(tg.from_numpy(x), kernel, stride, padding, dilation, bool(seed % 2), return_indices=True)
        expected, places = naive_max_pool3d(x, y.shape[1:], kernel, stride, padding, dilation, smallest)
        np.testing.assert_array_equal(y.numpy(), expected)
        np.testing.assert_array_equal(where.numpy(), places)
        np.testing.assert_array_equal(pool(tg.from_numpy(x), kernel, stride, padding, dilation, bool(seed % 2)), y)


def test_ties_and_nan_of_lines():
    x = tg.tensor([[1.0, 3, 3, NAN, 0, NAN, 2, -INF]])
    y, where = F.max_pool1d(x, 4, 4, return_indices=True)
    assert math.isnan(y[0, 0].item()) and where.tolist() == [[3, 5]]
    assert F.max_pool1d(x[:, :3], 3, return_indices=True)[1].item() == 1
    assert F.min_pool1d(x[:, :3], 2, 1).tolist() == [[1, 3]]
    assert F.max_pool1d(x[:, -1:], 1, return_indices=True)[1].item() == 0


def test_min_is_max_of_the_negative(rng):
    for dim in (1, 2, 3):
        x = tg.from_numpy(rng.standard_normal((2, 3, *(7, 6, 5)[:dim])))
        smallest, largest = getattr(F, f"min_pool{dim}d"), getattr(F, f"max_pool{dim}d")
        for args in ((2,), (3, 2, 1), (2, 1, 0, 2)):
            assert (smallest(x, *args) == -largest(-x, *args)).all()
            assert (
                getattr(F, f"min_pool{dim}d_with_indices")(x, *args)[1] == largest(-x, *args, return_indices=True)[1]
            ).all()
        assert repr(getattr(nn, f"MinPool{dim}d")(2)).startswith(f"MinPool{dim}d(kernel_size=2, stride=2, padding=0")


GRID = list(itertools.product([(2,), (3, 2, 1), ((3, 2, 2), (2, 1, 3), (1, 1, 0))], [False, True], [False, True]))


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float64", "int64"])
def test_average_of_volumes_as_torch(dtype):
    pytest.importorskip("torch")
    for args, ceil_mode, include in GRID:
        for divisor in (None, 3, -2):
            options = {"ceil_mode": ceil_mode, "count_include_pad": include, "divisor_override": divisor}
            check_twin(
                lambda t, a=args, o=options: t.nn.functional.avg_pool3d(
                    (t.arange(420).reshape(1, 2, 5, 6, 7) * 7 % 31 - 12).to(getattr(t, dtype)), *a, **o
                ),
                1e-12,
                1e-12,
            )


DIFFERENTIABLE = {
    "max1": lambda x: F.max_pool1d(x.reshape(2, 2, -1), 3, 2, 1),
    "max3": lambda x: F.max_pool3d(x, 2, 1, 1, (1, 2, 1), True),
    "max3_indices": lambda x: F.max_pool3d(x, (1, 2, 2), return_indices=True)[0],
    "min3": lambda x: F.min_pool3d(x, 2),
    "avg1": lambda x: F.avg_pool1d(x.reshape(2, 2, -1), 3, 2, 1, True, False),
    "avg3": lambda x: F.avg_pool3d(x, 3, 2, 1, True, False),
    "avg3_divisor": lambda x: F.avg_pool3d(x, 2, 1, divisor_override=-3),
    "adaptive_avg3": lambda x: F.adaptive_avg_pool3d(x, (2, 3, 5)),
    "adaptive_max3": lambda x: F.adaptive_max_pool3d(x, (2, 3, 5)),
    "adaptive_max1": lambda x: F.adaptive_max_pool1d(x.reshape(4, -1), 5),
    "lp1": lambda x: F.lp_pool1d(x.reshape(2, 2, -1).abs() + 0.5, 3, 2),
    "lp3": lambda x: F.lp_pool3d(x, 2, 2, ceil_mode=True),
    "lp3_inf": lambda x: F.lp_pool3d(x, INF, 2),
    "fractional2": lambda x: F.fractional_max_pool2d(x[:, 0], 2, 2, None, False, tg.full((2, 3, 2), 0.3).double()),
    "fractional3": lambda x: F.fractional_max_pool3d(
        x, (1, 2, 2), (2, 2, 2), _random_samples=tg.full((2, 2, 3), 0.6).double()
    ),
    "unpool3": lambda x: F.max_unpool3d(*F.max_pool3d(x, 2, return_indices=True), 2, output_size=x.shape),
    "unpool_repeated": lambda x: F.max_unpool2d(x[0, 0], tg.tensor([[[0, 0, 1, 5]] * 4] * 3), 2),
}


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients_numerically(name, rng):
    size = (2, 2, 3, 4, 4)
    x = tg.tensor(rng.permutation(math.prod(size)).reshape(size) / 7.0 - 4.95).requires_grad_()  # no ties
    if name != "unpool_repeated":
        assert gradcheck(DIFFERENTIABLE[name], [x])
        assert gradgradcheck(DIFFERENTIABLE[name], [x])
    else:  # of repeated places one value stays, but as in PyTorch each passes its gradient on
        DIFFERENTIABLE[name](x).sum().backward()
        assert (x.grad[0, 0] == 1).all()


def test_unpooling_puts_values_back(rng):
    x = tg.from_numpy(rng.standard_normal((2, 3, 5, 6, 7)))
    y, where = F.max_pool3d(x, 2, return_indices=True)
    back = nn.MaxUnpool3d(2)(y, where, x.shape)
    assert back.shape == x.shape and (back != 0).sum() == y.numel()
    assert ((back == x) | (back == 0)).all()
    assert F.max_unpool1d(tg.tensor([[1.0, 2, 3]]), tg.tensor([[1, 1, 4]]), 2).tolist() == [[0, 2, 0, 0, 3, 0]]


@pytest.mark.parity
def test_fractional_pooling_draws_as_torch():
    torch = pytest.importorskip("torch")
    for dim, batch in itertools.product((2, 3), (True, False)):
        x = np.random.default_rng(3).standard_normal((2, 3, 9, 8, 10)[: dim + 2]).astype(np.float32)
        results = []
        for t in (tg, torch):
            t.manual_seed(5)
            pool = getattr(t.nn, f"FractionalMaxPool{dim}d")(2, output_ratio=0.6, return_indices=True)
            results.append(pool(t.from_numpy(x if batch else x[0])))
        for ours, theirs in zip(*results, strict=True):
            np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_empty_batches_and_single_cells():
    for name, *args in (("max_pool3d", 2), ("avg_pool3d", 2), ("adaptive_avg_pool3d", 2), ("adaptive_max_pool3d", 2)):
        x = tg.zeros(0, 2, 4, 4, 4, requires_grad=True)
        y = getattr(F, name)(x, *args)
        assert tuple(y.shape) == (0, 2, 2, 2, 2)
        y.sum().backward()
        assert x.grad.shape == x.shape
        if "max" in name:
            assert [tuple(z.shape) for z in getattr(F, name)(x, *args, return_indices=True)] == [(0, 2, 2, 2, 2)] * 2
        assert tuple(getattr(F, name)(tg.ones(1, 1, 2, 2), 1).flatten().tolist()) in ((1.0,) * 4, (1.0,))
    assert tuple(F.adaptive_max_pool3d(tg.zeros(1, 2, 3, 3, 3), (0, 2, 1)).shape) == (1, 2, 0, 2, 1)
    assert math.isnan(F.adaptive_avg_pool3d(tg.zeros(1, 1, 0, 2, 2), 1).item())  # a mean of nothing, as in PyTorch


def test_views_are_pooled_as_they_read(rng):
    x = tg.from_numpy(rng.standard_normal((2, 5, 6, 4, 3))).permute(0, 4, 2, 1, 3)[:, :, ::2]
    for function in (F.max_pool3d, F.avg_pool3d, F.adaptive_avg_pool3d):
        np.testing.assert_array_equal(function(x, 2).numpy(), function(x.contiguous(), 2).numpy())


# ---------------------------------------------------------------- errors

SIZES = (6, 7, 8)
POOLS = [f"{kind}_pool{dim}d" for kind in ("max", "avg", "adaptive_max", "adaptive_avg") for dim in (1, 2, 3)]
POOL_ERRORS = {
    "rank_low": lambda t, f, x: f(x[0, 0], 2),
    "rank_high": lambda t, f, x: f(x[None], 2),
    "rank_0": lambda t, f, x: f(t.zeros(()), 2),
    "size_count": lambda t, f, x: f(x, (2,) * x.ndim),
    "no_size": lambda t, f, x: f(x, ()),
    "size_0": lambda t, f, x: f(x, 0),
    "size_negative": lambda t, f, x: f(x, -1),
    "size_float": lambda t, f, x: f(x, 1.5),
    "too_large": lambda t, f, x: f(x, 9),
    "no_channels": lambda t, f, x: f(x[:, :0], 2),
    "no_cells": lambda t, f, x: f(x[..., :0], 2),
    "no_cells_unbatched": lambda t, f, x: f(x[0, ..., :0], 2),
    "no_batch": lambda t, f, x: f(x[:0], 2),
    "int": lambda t, f, x: f(x.int(), 2),
    "bool": lambda t, f, x: f(x.bool(), 2),
    "one_of_ints": lambda t, f, x: f(x.long(), 1),
}
WINDOW_ERRORS = {
    "stride_0": lambda t, f, x: f(x, 2, 0),
    "stride_negative": lambda t, f, x: f(x, 2, -1),
    "stride_count": lambda t, f, x: f(x, 2, (1,) * x.ndim),
    "padding_negative": lambda t, f, x: f(x, 2, 1, -1),
    "padding_large": lambda t, f, x: f(x, 2, 1, 2),
    "padding_count": lambda t, f, x: f(x, 2, 1, (1,) * x.ndim),
    "too_large_ceil": lambda t, f, x: f(x, 9, ceil_mode=True),
    "thin": lambda t, f, x: f(x[..., :1], 2),
}
DILATION_ERRORS = {
    "dilation_0": lambda t, f, x: f(x, 2, dilation=0),
    "dilation_count": lambda t, f, x: f(x, 2, dilation=(1,) * x.ndim),
    "dilation_large": lambda t, f, x: f(x, 3, dilation=5),
    "indices": lambda t, f, x: f(x, 2, 1, 2, return_indices=True),
}


def shapes_of(result):
    """Of results the sizes: the values are compared elsewhere."""
    return [tuple(part.shape) for part in result] if isinstance(result, tuple) else tuple(result.shape)


@pytest.mark.parity
@pytest.mark.parametrize("name", POOLS)
def test_errors_as_torch(name):
    pytest.importorskip("torch")
    errors = dict(POOL_ERRORS)
    if "adaptive" not in name:
        errors |= WINDOW_ERRORS | (DILATION_ERRORS if name.startswith("max") else {})
    else:
        errors |= {
            "none": lambda t, f, x: f(x, None),
            "nones": lambda t, f, x: f(x, (None,) * (x.ndim - 2)),
            "low_tuple": lambda t, f, x: f(x[0, 0], (2,) * (x.ndim - 2)),
        }
    dim = int(name[-2])
    for call in errors.values():
        check_twin(lambda t, call=call: shapes_of(call(t, getattr(t.nn.functional, name), t.zeros(2, 3, *SIZES[:dim]))))


FRACTIONAL_ERRORS = {
    "no_size": lambda t, f, x: f(x, 2),
    "large": lambda t, f, x: f(x, 2, 6),
    "counts": lambda t, f, x: f(x, 2, (2,) * x.ndim),
    "kernel_counts": lambda t, f, x: f(x, (2,) * x.ndim, 2),
    "one": lambda t, f, x: f(x, 2, [2]),
    "negative": lambda t, f, x: f(x, 2, -1),
    "none": lambda t, f, x: f(x, 2, 0),
    "rank": lambda t, f, x: f(x[None], 2, 2),
    "low": lambda t, f, x: f(x[0, 0], 2, 2),
    "cells": lambda t, f, x: f(x[..., :0], 2, 2),
    "samples": lambda t, f, x: f(x, 2, 2, _random_samples=t.zeros(1, 3, x.ndim - 2)),
    "samples_channels": lambda t, f, x: f(x, 2, 2, _random_samples=t.zeros(2, 2, x.ndim - 2)),
    "samples_count": lambda t, f, x: f(x, 2, 2, _random_samples=t.zeros(2, 3, x.ndim)),
    "samples_rank": lambda t, f, x: f(x, 2, 2, _random_samples=t.zeros(3, 2)),
    "samples_dtype": lambda t, f, x: f(x, 2, 2, _random_samples=t.zeros(2, 3, x.ndim - 2).double()),
    "int": lambda t, f, x: f(x.long(), 2, 2, _random_samples=t.zeros(2, 3, x.ndim - 2).long()),
}


@pytest.mark.parity
@pytest.mark.parametrize("dim", [2, 3])
def test_fractional_errors_as_torch(dim):
    pytest.importorskip("torch")
    for call in FRACTIONAL_ERRORS.values():
        check_twin(
            lambda t, call=call: shapes_of(
                call(t, getattr(t.nn.functional, f"fractional_max_pool{dim}d"), t.zeros(2, 3, *SIZES[:dim]))
            )
        )
    for arguments in ((2,), (2, 3, 0.5), (2, None, 1.5), (0, 2)):
        check_twin(lambda t, a=arguments: getattr(t.nn, f"FractionalMaxPool{dim}d")(*a))


UNPOOL_ERRORS = {
    "index": lambda t, f, y, i: f(y, i * 0 + 1000, 2),
    "int32": lambda t, f, y, i: f(y, i.int(), 2),
    "shape": lambda t, f, y, i: f(y, i[:1], 2),
    "rank": lambda t, f, y, i: f(y[0, 0], i[0, 0], 2),
    "size": lambda t, f, y, i: f(y, i, 2, output_size=(9,) * (y.ndim - 2)),
    "size_count": lambda t, f, y, i: f(y, i, 2, output_size=[4] * (y.ndim - 1)),
    "size_negative": lambda t, f, y, i: f(y, i, 1, 1, 5),
    "full": lambda t, f, y, i: f(y, i, 2, output_size=(2, 3, *[5] * (y.ndim - 2))),
    "cells": lambda t, f, y, i: f(y[..., :0], i[..., :0], 2),
    "batch": lambda t, f, y, i: f(y[:0], i[:0], 2),
    "long": lambda t, f, y, i: f(y.long(), i, 2),
    "kernel_count": lambda t, f, y, i: f(y, i, (2,) * y.ndim),
}


@pytest.mark.parity
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_unpooling_errors_as_torch(dim):
    pytest.importorskip("torch")
    for call in UNPOOL_ERRORS.values():
        check_twin(
            lambda t, call=call: shapes_of(
                call(
                    t,
                    getattr(t.nn.functional, f"max_unpool{dim}d"),
                    t.ones(2, 3, *[2] * dim),
                    t.zeros(2, 3, *[2] * dim, dtype=t.int64),
                )
            )
        )
    check_twin(lambda t: getattr(t.nn, f"MaxUnpool{dim}d")(3, stride=2, padding=1))
