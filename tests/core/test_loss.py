"""Cross-entropy and negative log-likelihood of the core against float64 formulas and PyTorch."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.core.raw import Guarded, code, ptr
from tinygrad_cnn._core import ffi, lib

SHAPES = [
    (1, 1, 1),
    (5, 10, 1),
    (64, 10, 1),
    (523, 10, 1),
    (9, 33, 1),
    (3, 1000, 1),
    (2, 21, 70),
    (2, 3, 17),
    (4, 2, 2),
    (1, 4100, 3),  # more classes than the buffer for positions side by side has room for
    (0, 3, 1),
    (2, 3, 0),
]
CASES = list(itertools.product([False, True], [-100, 1], [0.0, 0.1, 1.0]))  # weight, ignore_index, label_smoothing


def params(shape, ignore: int, smoothing: float, reduction: int = lib.TC_LOSS_NONE):
    """Return the core's parameter structure."""
    return ffi.new("tc_cross_entropy_params *", (*shape, ignore, smoothing, reduction))


def cross_entropy(x, target, weight, ignore=-100, smoothing=0.0):
    """Call the core: losses, log-sum-exp, total weight."""
    n, _, inner = x.shape
    losses, lse = Guarded((n, inner), x.dtype, x.itemsize), Guarded((n, inner), x.dtype, x.itemsize)
    total = ffi.new("double *")
    status = lib.tc_cross_entropy(code(x), params(x.shape, ignore, smoothing), ptr(x), ptr(target), ptr(weight),
                                  ptr(losses.array), ptr(lse.array), total)  # fmt: skip
    assert status == lib.TC_OK
    return losses.check(), lse.check(), total[0]


def cross_entropy_grad(g, x, target, weight, lse, ignore=-100, smoothing=0.0, scale=1.0):
    """Call the core's gradient; g has one element, or one a position."""
    dx = Guarded(x.shape, x.dtype, x.itemsize)
    lib.tc_cross_entropy_grad(code(x), params(x.shape, ignore, smoothing), ptr(g), g.ndim > 0, scale, ptr(x),
                              ptr(target), ptr(weight), ptr(lse), ptr(dx.array))  # fmt: skip
    return dx.check()


def reference(x, target, weight, ignore, smoothing, g):
    """Return losses, total weight and the gradient for g (n, inner), position by position in float64."""
    n, classes, inner = x.shape
    x = x.astype(np.float64)
    weight = np.ones(classes) if weight is None else weight.astype(np.float64)
    losses, dx, total = np.zeros((n, inner)), np.zeros(x.shape), 0.0
    for i, j in np.ndindex(n, inner):
        t = target[i, j]
        if t == ignore:
            continue
        row = x[i, :, j] - x[i, :, j].max()
        logp = row - np.log(np.exp(row).sum())
        share = smoothing / classes * weight  # what each class counts for in the loss
        share[t] += (1 - smoothing) * weight[t]
        losses[i, j] = -(share * logp).sum()
        dx[i, :, j] = g[i, j] * (np.exp(logp) * share.sum() - share)
        total += weight[t]
    return losses, total, dx


def make(rng, shape, dtype, weighted):
    """Return logits, targets, weights and an incoming gradient."""
    n, classes, inner = shape
    x = (4 * rng.standard_normal(shape)).astype(dtype)
    target = rng.integers(0, classes, (n, inner))
    return (
        x,
        target,
        rng.random(classes).astype(dtype) if weighted else None,
        rng.standard_normal((n, inner)).astype(dtype),
    )


@pytest.mark.parametrize("weighted, ignore, smoothing", CASES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_cross_entropy(isa, dtype, threads, shape, weighted, ignore, smoothing, rng):
    x, target, weight, g = make(rng, shape, dtype, weighted)
    target[::3, ::2] = ignore
    losses, lse, total = cross_entropy(x, target, weight, ignore, smoothing)
    expected, weights, dx = reference(x, target, weight, ignore, smoothing, g)
    tolerance = 40 * np.finfo(dtype).eps
    np.testing.assert_allclose(losses, expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(total, weights, rtol=1e-12)
    np.testing.assert_allclose(
        cross_entropy_grad(g, x, target, weight, lse, ignore, smoothing), dx, rtol=tolerance, atol=tolerance
    )
    one = np.array(0.25, dtype)
    np.testing.assert_allclose(cross_entropy_grad(one, x, target, weight, lse, ignore, smoothing),
                               reference(x, target, weight, ignore, smoothing, np.full(g.shape, 0.25))[2],
                               rtol=tolerance, atol=tolerance)  # fmt: skip


@pytest.mark.parametrize("reduction", ["SUM", "MEAN"])
@pytest.mark.parametrize("shape", [*SHAPES, (70000, 2, 1)], ids=str)
def test_reductions(isa, dtype, threads, shape, reduction, rng):
    """One value, the sum or weighted mean of the losses; the gradient of one value is scaled, that of each is not."""
    x, target, weight, g = make(rng, shape, dtype, True)
    losses, lse, total = cross_entropy(x, target, weight)
    setting = params(shape, -100, 0.0, getattr(lib, f"TC_LOSS_{reduction}"))
    result, again, sum_of_weights = Guarded((1,), dtype), Guarded(lse.shape, dtype), ffi.new("double *")
    args = (code(x), setting, ptr(x), ptr(target), ptr(weight), ptr(result.array))
    assert lib.tc_cross_entropy(*args, ptr(again.array), sum_of_weights) == lib.TC_OK
    with np.errstate(invalid="ignore"):
        expected = losses.sum(dtype=np.float64) / (1 if reduction == "SUM" else np.float64(total))
    np.testing.assert_allclose(result.check(), expected, rtol=40 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(again.check(), lse)
    assert sum_of_weights[0] == total
    assert lib.tc_nll_loss(*args, sum_of_weights) == lib.TC_OK
    picked = np.take_along_axis(x.astype(np.float64), target[:, None], 1)[:, 0] if x.size else np.zeros(target.shape)
    with np.errstate(invalid="ignore"):
        expected = -(weight[target] * picked).sum() / (1 if reduction == "SUM" else np.float64(total))
    np.testing.assert_allclose(result.check(), expected, rtol=2e-4 if dtype == np.float32 else 1e-12, atol=1e-6)
    if x.size:
        plain = cross_entropy_grad(np.array(0.5, dtype), x, target, weight, lse)
        scaled = cross_entropy_grad(np.array(2, dtype), x, target, weight, lse, scale=0.25)
        np.testing.assert_array_equal(scaled, plain)
        each = cross_entropy_grad(g, x, target, weight, lse)
        np.testing.assert_array_equal(cross_entropy_grad(g, x, target, weight, lse, scale=7.0), each)


@pytest.mark.parametrize("reduction", [lib.TC_LOSS_NONE, lib.TC_LOSS_MEAN])
@pytest.mark.parametrize("inner", [1, 5])
@pytest.mark.parametrize("label", [3, -1, -100, 2**40])
def test_a_bad_label_writes_nothing(dtype, inner, label, reduction):
    x, target = np.zeros((4, 3, inner), dtype), np.zeros((4, inner), np.int64)
    target[-1, -1] = label
    out, total = np.full((4, inner), 7, dtype), ffi.new("double *")
    args = (code(x), params(x.shape, -7, 0.0, reduction), ptr(x), ptr(target), ptr(None), ptr(out))
    assert lib.tc_cross_entropy(*args, ptr(out), total) == lib.TC_EINDEX
    assert lib.tc_nll_loss(*args, total) == lib.TC_EINDEX
    assert (out == 7).all()


@pytest.mark.parametrize("inner", [1, 30])
def test_large_logits_lose_no_digits(isa, dtype, inner, rng):
    """An offset of all logits changes neither losses nor gradients, although log-sum-exp is rounded at its size."""
    x = rng.integers(-8, 9, (6, 10, inner)).astype(dtype)
    target = rng.integers(0, 10, (6, inner))
    one = np.array(1, dtype)
    results = []
    for offset in (0, 2**16):
        losses, lse, _ = cross_entropy(x + dtype(offset), target, None)
        results.append((losses, cross_entropy_grad(one, x + dtype(offset), target, None, lse)))
    for plain, shifted in zip(*results, strict=True):
        np.testing.assert_allclose(shifted, plain, rtol=20 * np.finfo(dtype).eps, atol=20 * np.finfo(dtype).eps)


@pytest.mark.parametrize("inner", [1, 20])
def test_special_logits(isa, dtype, inner):
    rows = np.array([[0, -np.inf, 0], [-np.inf, 0, -np.inf], [3, 3, 3], [np.nan, 0, 0], [-np.inf] * 3], dtype)
    x = np.repeat(rows[:, :, None], inner, 2)
    target = np.repeat(np.array([0, 0, 2, 1, 1])[:, None], inner, 1)
    losses, lse, total = cross_entropy(x, target, None)
    np.testing.assert_allclose(losses[:, 0], [np.log(2), np.inf, np.log(3), np.nan, np.nan], rtol=1e-6)
    assert (losses == losses[:, :1])[:3].all() and total == 5 * inner
    dx = cross_entropy_grad(np.array(1, dtype), x, target, None, lse)
    np.testing.assert_allclose(dx[:3, :, -1], [[-0.5, 0, 0.5], [-1, 1, 0], [1 / 3, 1 / 3, -2 / 3]], atol=1e-6)


@pytest.mark.parametrize("inner", [1, 3])
def test_no_classes_where_all_is_ignored(isa, dtype, inner):
    x, target = np.empty((2, 0, inner), dtype), np.full((2, inner), -100)
    losses, lse, total = cross_entropy(x, target, None)
    assert (losses == 0).all() and total == 0
    cross_entropy_grad(np.ones((), dtype), x, target, None, lse)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_nll_loss(isa, dtype, threads, shape, weighted, rng):
    x, target, weight, g = make(rng, shape, dtype, weighted)
    target[::3, ::2] = -5
    n, _, inner = shape
    losses, dx, total = Guarded((n, inner), dtype), Guarded(shape, dtype), ffi.new("double *")
    setting = params(shape, -5, 0.5)  # the smoothing is not used
    assert lib.tc_nll_loss(code(x), setting, ptr(x), ptr(target), ptr(weight), ptr(losses.array), total) == lib.TC_OK
    lib.tc_nll_loss_grad(code(x), setting, ptr(g), 1, 1.0, ptr(target), ptr(weight), ptr(dx.array))
    expected, slope, sum_of_weights = np.zeros((n, inner), dtype), np.zeros(shape, dtype), 0.0
    for i, j in np.ndindex(n, inner):
        if (t := target[i, j]) != -5:
            w = dtype(1) if weight is None else weight[t]
            expected[i, j], slope[i, t, j] = -w * x[i, t, j], -w * g[i, j]
            sum_of_weights += float(w)
    np.testing.assert_array_equal(losses.check(), expected)
    np.testing.assert_array_equal(dx.check(), slope)
    np.testing.assert_allclose(total[0], sum_of_weights, rtol=1e-12)
    lib.tc_nll_loss_grad(code(x), setting, ptr(np.array(-1, dtype)), 0, 2.0, ptr(target), ptr(weight), ptr(dx.array))
    np.testing.assert_allclose(dx.check().sum(), 2 * sum_of_weights, rtol=1e-5)


@pytest.mark.parity
@pytest.mark.parametrize("weighted, ignore, smoothing", CASES)
@pytest.mark.parametrize("shape", SHAPES[:7], ids=str)
def test_cross_entropy_as_pytorch(dtype, shape, weighted, ignore, smoothing, rng):
    torch = pytest.importorskip("torch")
    x, target, weight, _ = make(rng, shape, dtype, weighted)
    if shape[0] > 1:
        target[::3, ::2] = ignore
    tolerance = 50 * np.finfo(dtype).eps
    tx = torch.from_numpy(x).requires_grad_()
    for reduction in ("none", "sum", "mean"):
        expected = torch.nn.functional.cross_entropy(
            tx, torch.from_numpy(target), None if weight is None else torch.from_numpy(weight), ignore_index=ignore,
            label_smoothing=smoothing, reduction=reduction,
        )  # fmt: skip
        losses, lse, total = cross_entropy(x, target, weight, ignore, smoothing)
        with np.errstate(invalid="ignore"):
            result = {"none": losses, "sum": losses.sum(), "mean": np.divide(losses.sum(), total)}[reduction]
        np.testing.assert_allclose(result, expected.detach().numpy(), rtol=tolerance, atol=tolerance)
        if not np.isfinite(result).all():
            continue
        (dx,) = torch.autograd.grad(expected.sum(), tx)
        g = np.array(1 / total if reduction == "mean" else 1, dtype)
        ours = cross_entropy_grad(g, x, target, weight, lse, ignore, smoothing)
        np.testing.assert_allclose(ours, dx.numpy(), rtol=tolerance, atol=tolerance)


def test_threads_do_not_change_a_bit(isa, dtype, rng):
    results, before = [], lib.tc_get_num_threads()
    inputs = [make(rng, shape, dtype, True) for shape in ((20000, 10, 1), (3, 9, 5000))]
    for count in (1, 2, 5):
        lib.tc_set_num_threads(count)
        run = []
        for x, target, weight, g in inputs:
            losses, lse, total = cross_entropy(x, target, weight, 2, 0.1)
            run += [
                losses.tobytes(),
                lse.tobytes(),
                total,
                cross_entropy_grad(g, x, target, weight, lse, 2, 0.1).tobytes(),
            ]
        results.append(run)
    lib.tc_set_num_threads(before)
    assert results[0] == results[1] == results[2]
