"""Batch normalisation of the core against float64 formulas and PyTorch."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.builds import failing_memory, needs_failing_memory
from tests.core.raw import Guarded, code, ptr
from tinygrad_cnn._core import lib

SHAPES = [
    (1, 1, 1),
    (4, 3, 1),
    (700, 70, 1),
    (5, 66, 4),
    (3, 5, 49),
    (2, 3, 64),
    (40, 2, 900),
    (2, 2, 5000),
    (3, 130, 17),
    (2, 40, 1000),
]
EPS = 1e-5


def stats(x: np.ndarray, running=(None, None), momentum=0.1):
    """Call the core: mean and biased variance of each channel."""
    mean, var = Guarded((x.shape[1],), x.dtype, x.itemsize), Guarded((x.shape[1],), x.dtype, x.itemsize)
    status = lib.tc_batch_norm_stats(code(x), *x.shape, momentum, ptr(x), ptr(running[0]), ptr(running[1]),
                                     ptr(mean.array), ptr(var.array))  # fmt: skip
    assert status == lib.TC_OK
    return mean.check(), var.check()


def apply(x, mean, var, weight=None, bias=None, relu=False):
    """Call the core's normalisation."""
    y = Guarded(x.shape, x.dtype, x.itemsize)
    status = lib.tc_batch_norm(relu, code(x), *x.shape, EPS, ptr(x), ptr(mean), ptr(var), ptr(weight), ptr(bias),
                               ptr(y.array))  # fmt: skip
    assert status == lib.TC_OK
    return y.check()


def grad(training, dy, x, mean, var, weight=None, wanted=(True, True, True), bias=None, relu=False):
    """Call the core's gradients by x, weight and bias; None for those not wanted."""
    shapes = (x.shape, (x.shape[1],), (x.shape[1],))
    out = [Guarded(shape, x.dtype, x.itemsize) if want else None for shape, want in zip(shapes, wanted, strict=True)]
    status = lib.tc_batch_norm_grad(training, relu, code(x), *x.shape, EPS, ptr(dy), ptr(x), ptr(mean), ptr(var),
                                    ptr(weight), ptr(bias),
                                    *(ptr(part.array if part else None) for part in out))  # fmt: skip
    assert status == lib.TC_OK
    return [part.check() if part else None for part in out]


def wide(values):
    """Return one value a channel in float64, ready to broadcast over (n, c, inner)."""
    return np.asarray(values, np.float64)[None, :, None]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_stats(isa, dtype, threads, shape, rng):
    x = (rng.standard_normal(shape) * 3 + 5 * rng.standard_normal((1, shape[1], 1))).astype(dtype)
    mean, var = stats(x)
    eps = np.finfo(dtype).eps
    exact = x.astype(np.longdouble)  # NumPy's own sums in float64 would be the less accurate ones
    np.testing.assert_allclose(mean, exact.mean((0, 2)).astype(dtype), rtol=2 * eps, atol=4 * eps)
    np.testing.assert_allclose(var, exact.var((0, 2)).astype(dtype), rtol=20 * eps, atol=eps**2)


@pytest.mark.parametrize("value", [0.0, 3.25, -0.1, 1e5, 7e-7])
def test_constant_channels(isa, dtype, threads, value):
    """Equal elements have that mean and no variance, however their sum was rounded."""
    for shape in SHAPES:
        mean, var = stats(np.full(shape, value, dtype))
        np.testing.assert_allclose(mean, np.full(shape[1], value, dtype), rtol=2 * np.finfo(dtype).eps)
        np.testing.assert_allclose(var, 0, atol=(4 * value * np.finfo(dtype).eps) ** 2)
        assert (var >= 0).all()


@pytest.mark.parametrize("shape", [(700, 3, 1), (30, 2, 90), (2, 2, 5000)])
def test_variance_beside_a_large_mean(isa, shape, rng):
    """A mean of 4096 deviations: E[x^2] - E[x]^2 in float would have no digit left."""
    x = (4096 + rng.standard_normal(shape)).astype(np.float32)
    exact = x.astype(np.float64)
    mean, var = stats(x)
    np.testing.assert_allclose(mean, exact.mean((0, 2)), rtol=1e-7)
    np.testing.assert_allclose(var, exact.var((0, 2)), rtol=1e-5)
    expected = (exact - exact.mean((0, 2), keepdims=True)) / np.sqrt(exact.var((0, 2), keepdims=True) + EPS)
    np.testing.assert_allclose(apply(x, mean, var), expected, atol=5e-4)


def test_not_finite(isa, dtype):
    x = np.ones((3, 4, 40), dtype)
    x[1, 1, 39], x[2, 2, 0] = np.nan, np.inf
    mean, var = stats(x)
    np.testing.assert_array_equal(mean, [1, np.nan, np.inf, 1])
    np.testing.assert_array_equal(var, [0, np.nan, np.nan, 0])


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_normalisation_and_gradients(isa, dtype, threads, shape, training, affine, rng):
    x, dy = (rng.standard_normal(shape).astype(dtype) * 2 + 1 for _ in range(2))
    weight, bias = (rng.standard_normal(shape[1]).astype(dtype) if affine else None for _ in range(2))
    mean, var = (
        stats(x) if training else (rng.standard_normal(shape[1]).astype(dtype), rng.random(shape[1]).astype(dtype))
    )
    w, b = wide(weight if affine else np.ones(shape[1])), wide(bias if affine else np.zeros(shape[1]))
    r = 1 / np.sqrt(wide(var) + EPS)
    normal = (x.astype(np.float64) - wide(mean)) * r
    count = shape[0] * shape[2]
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(apply(x, mean, var, weight, bias), normal * w + b, rtol=20 * eps, atol=20 * eps)

    dbias, dweight = dy.astype(np.float64).sum((0, 2)), (dy * normal).sum((0, 2))
    dx = w * r * (dy - (wide(dbias) + normal * wide(dweight)) / count * training)
    got = grad(training, dy, x, mean, var, weight)
    size = np.abs(w * r).max()
    np.testing.assert_allclose(got[0], dx, rtol=50 * eps, atol=100 * eps * size)
    np.testing.assert_allclose(
        got[1], dweight, rtol=20 * eps, atol=20 * eps * (1 + np.abs(dy * normal).sum((0, 2)).max())
    )
    np.testing.assert_allclose(got[2], dbias, rtol=20 * eps, atol=20 * eps * (1 + np.abs(dy).sum((0, 2)).max()))
    for wanted in itertools.product([False, True], repeat=3):
        for part, whole in zip(grad(training, dy, x, mean, var, weight, wanted), got, strict=True):
            assert part is None or part.tobytes() == whole.tobytes()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_running_statistics(isa, dtype, threads, shape, rng):
    """They move as documented, and nothing else changes."""
    x = rng.standard_normal(shape).astype(dtype) * 3 + 1
    mean, var = stats(x)
    count = shape[0] * shape[2]
    running = [Guarded(shape[1:2], dtype, x.itemsize) for _ in range(2)]
    for part, value in zip(running, (0.5, 2.0), strict=True):
        part.array.fill(value)
    both = stats(x, [part.array if count > 1 else None for part in running], 0.25)
    assert [part.tobytes() for part in both] == [mean.tobytes(), var.tobytes()]
    if count > 1:
        eps = np.finfo(dtype).eps
        batch_mean, unbiased = mean.astype(np.float64), var.astype(np.float64) * count / (count - 1)
        np.testing.assert_allclose(running[0].check(), 0.75 * 0.5 + 0.25 * batch_mean, rtol=4 * eps, atol=eps)
        np.testing.assert_allclose(running[1].check(), 0.75 * 2 + 0.25 * unbiased, rtol=4 * eps)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_with_relu(isa, dtype, threads, shape, training, affine, rng):
    """Bit for bit ReLU after normalisation, and the gradients of the dy that its own gradient lets pass."""
    x, dy = (rng.standard_normal(shape).astype(dtype) for _ in range(2))
    weight, bias = (rng.standard_normal(shape[1]).astype(dtype) if affine else None for _ in range(2))
    mean, var = (
        stats(x) if training else (rng.standard_normal(shape[1]).astype(dtype), rng.random(shape[1]).astype(dtype))
    )
    y = apply(x, mean, var, weight, bias)
    assert apply(x, mean, var, weight, bias, True).tobytes() == np.where(y <= 0, dtype(0), y).tobytes()
    whole = grad(training, np.where(y <= 0, dtype(0), dy), x, mean, var, weight)
    for wanted in itertools.product([False, True], repeat=3):
        got = grad(training, dy, x, mean, var, weight, wanted, bias, True)
        for part, expected in zip(got, whole, strict=True):
            assert part is None or part.tobytes() == expected.tobytes()


def test_relu_of_what_is_not_finite(isa, dtype):
    """NaN stays and lets its gradient pass, as PyTorch's ReLU; without ReLU nothing is cut, not even -inf."""
    x = np.array([-np.inf, -1, 0, 1, np.inf, np.nan], dtype).reshape(1, 1, 6).repeat(7, 2)
    zero, one = np.zeros(1, dtype), np.ones(1, dtype)
    y = apply(x, zero, one, relu=True)
    np.testing.assert_array_equal(np.isnan(y), np.isnan(x))
    np.testing.assert_array_equal(y <= 0, x <= 0)
    dy = np.ones_like(x)
    scale = grad(False, dy, np.ones_like(x), zero, one, wanted=(True, False, False))[0]
    np.testing.assert_array_equal(grad(False, dy, x, zero, one, None, (False, False, True), None, True)[2], [21])
    masked = grad(False, dy, np.where(np.isfinite(x), x, -1), zero, one, None, (True, False, False), None, True)[0]
    np.testing.assert_array_equal(masked, np.where(x == 1, scale, 0))


@needs_failing_memory
def test_no_memory(dtype):
    """A failed allocation is reported, leaves no block behind, and the same call works right after."""
    x = np.ones((4, 3, 5), dtype)
    mean, var = stats(x)
    out = np.empty(3, dtype)
    sizes, line = (code(x), *x.shape), ptr(out)
    calls = [
        lambda: lib.tc_batch_norm_stats(*sizes, 0.1, ptr(x), ptr(None), ptr(None), line, line),
        lambda: lib.tc_batch_norm_grad(
            1, 0, *sizes, EPS, ptr(x), ptr(x), ptr(mean), ptr(var), ptr(None), ptr(None), ptr(x), line, line
        ),
        lambda: lib.tc_batch_norm(0, *sizes, EPS, ptr(x), ptr(mean), ptr(var), ptr(None), ptr(None), ptr(x)),
    ]
    for call in calls:
        with failing_memory(1):
            assert call() == lib.TC_ENOMEM
    np.testing.assert_array_equal(stats(x)[0], mean)


@pytest.mark.parametrize("given", [(True, True), (True, False), (False, True), (False, False)], ids=str)
def test_folding_into_a_convolution(dtype, given, rng):
    """Filters with 7 weights each, normalised: y * scale + (bias - mean) * scale + beta."""
    filters, depth = 5, 7
    weight = rng.standard_normal((filters, depth)).astype(dtype)
    mean, var, bias, gamma, beta = rng.random((5, filters)).astype(dtype)
    bias, gamma, beta = bias if given[0] else None, *((gamma, beta) if given[1] else (None, None))
    folded, shift = Guarded(weight.shape, dtype), Guarded((filters,), dtype)
    lib.tc_fold_batch_norm(code(weight), filters, depth, EPS, ptr(weight), ptr(bias), ptr(mean), ptr(var), ptr(gamma),
                           ptr(beta), ptr(folded.array), ptr(shift.array))  # fmt: skip
    zero, one = np.zeros(filters), np.ones(filters)
    scale = (one if gamma is None else gamma.astype(np.float64)) / np.sqrt(var.astype(np.float64) + EPS)
    expected = ((zero if bias is None else bias) - mean.astype(np.float64)) * scale + (zero if beta is None else beta)
    eps = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(folded.check(), weight * scale[:, None], rtol=eps)
    np.testing.assert_allclose(shift.check(), expected, rtol=eps, atol=eps)


@pytest.mark.parity
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", SHAPES[1:], ids=str)
def test_batch_norm_as_pytorch(isa, shape, training, rng):
    torch = pytest.importorskip("torch")
    x, dy = (torch.from_numpy(rng.standard_normal(shape)) for _ in range(2))
    weight, bias, mean, var = (torch.from_numpy(rng.random(shape[1])) for _ in range(4))
    inputs = [part.requires_grad_() for part in (x, weight, bias)]
    expected = torch.nn.functional.batch_norm(x, mean, var, weight, bias, training, 0.1, EPS)
    gradients = torch.autograd.grad(expected, inputs, dy)
    x, weight, bias, mean, var = (part.detach().numpy() for part in (x, weight, bias, mean, var))
    if training:
        mean, var = stats(x)
    np.testing.assert_allclose(apply(x, mean, var, weight, bias), expected.detach().numpy(), atol=1e-10)
    for ours, theirs in zip(grad(training, dy.numpy(), x, mean, var, weight), gradients, strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-9, atol=1e-9)


def test_threads_do_not_change_a_bit(isa, dtype, rng):
    results, before = [], lib.tc_get_num_threads()
    inputs = [
        tuple(rng.standard_normal(shape).astype(dtype) for _ in range(2)) for shape in ((3000, 70, 1), (40, 9, 700))
    ]
    for count in (1, 2, 5):
        lib.tc_set_num_threads(count)
        run = []
        for x, dy in inputs:
            mean, var = stats(x)
            run += [*stats(x), apply(x, mean, var), *grad(True, dy, x, mean, var)]
        results.append([part.tobytes() for part in run])
    lib.tc_set_num_threads(before)
    assert results[0] == results[1] == results[2]
