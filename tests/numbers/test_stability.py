"""Hard cases of what loses digits, or overflows, when it is computed as it is written: against mpmath.

Errors are counted in units of the last place of float32 and float64; bounds follow from how the functions are computed.
"""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tc

mpmath = pytest.importorskip("mpmath")
mp = mpmath.mp
functional = tc.nn.functional

ROWS = {
    "large": [1000.0, 1000.5, 999.0],
    "small": [-1000.0, -1001.0, -1000.25],
    "at the border of exp": [88.7, 88.7, 88.72],
    "one far above": [0.0, 200.0, -3.0],
    "one far below": [0.0, 0.5, -90.0],
    "nearly equal": [1e-7, -1e-7, 0.0],
    "one alone": [3.0, -np.inf, -np.inf],
    "huge": [1e38, -1e38, 5e37],
}
OFFSETS = {"none": 0.0, "1e3": 1e3, "1e5": 1e5, "-1e6": -1e6}
SPREAD = np.array([0.5, -1.25, 2.0, 0.75, -3.5, 1.0, 0.25, -0.5] * 5)


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    mp.dps = 60
    return np.dtype(request.param)


def exact(values):
    """Return the numbers of an array as mpmath has them."""
    return [mpmath.mpf(float(value)) for value in np.ravel(values)]


def off(got, true):
    """Return the largest error in units of the last place; those below the smallest normal number count as zero."""
    info = np.finfo(got.dtype)
    worst = 0.0
    for value, wanted in zip(np.ravel(got), true, strict=True):
        if mpmath.isinf(wanted):
            assert value == float(wanted)
            continue
        assert np.isfinite(value), (value, wanted)
        unit = float(np.spacing(np.maximum(np.abs(got.dtype.type(wanted)), info.tiny)))
        if abs(wanted) >= info.tiny:
            worst = max(worst, float(abs(mpmath.mpf(float(value)) - wanted) / unit))
        else:
            assert abs(value) <= info.tiny
    return worst


def total_of_exps(row):
    """Return log(sum(exp)) of a row."""
    top = max(row)
    return top + mpmath.log(mpmath.fsum(mpmath.exp(x - top) for x in row))


@pytest.mark.parametrize("name", ROWS)
def test_softmax_and_its_logarithm(name, dtype):
    x = np.array([ROWS[name]], dtype)
    row = exact(x)
    log_sum = total_of_exps(row)
    tensor = tc.from_numpy(x)
    assert off(tensor.logsumexp(1).numpy(), [log_sum]) <= 2
    assert off(tensor.softmax(1).numpy(), [mpmath.exp(v - log_sum) for v in row]) <= 4
    # The difference of the largest number and the logarithm is added to others: its own unit is the measure.
    got, wanted = tensor.log_softmax(1).numpy(), [v - log_sum for v in row]
    scale = max(1.0, *(float(abs(v)) for v in wanted if not mpmath.isinf(v)))
    for value, true in zip(got[0].tolist(), wanted, strict=True):
        assert value == float(true) or abs(value - float(true)) <= 2 * np.finfo(dtype).eps * scale
    loss = functional.cross_entropy(tensor, tc.tensor([0])).item()
    assert abs(loss + float(wanted[0])) <= 2 * np.finfo(dtype).eps * scale


@pytest.mark.parametrize("target", [0.0, 0.3, 1.0])
def test_binary_cross_entropy_with_logits(target, dtype):
    x = np.array([0.0, 1e-8, -1e-8, 3.0, -3.0, 20.0, -20.0, 90.0, -90.0, 1e4, -1e4, 1e30, -1e30], dtype)
    given = np.full_like(x, target)
    got = functional.binary_cross_entropy_with_logits(tc.from_numpy(x), tc.from_numpy(given), reduction="none").numpy()
    wanted = [
        max(v, 0) - v * t + mpmath.log1p(mpmath.exp(-abs(v))) for v, t in zip(exact(x), exact(given), strict=True)
    ]
    assert off(got, wanted) <= 4


@pytest.mark.parametrize("name", OFFSETS)
def test_variance_far_from_zero(name, dtype):
    x = (SPREAD + OFFSETS[name]).astype(dtype)
    numbers = exact(x)
    mean = mpmath.fsum(numbers) / len(x)
    variance = mpmath.fsum((v - mean) ** 2 for v in numbers) / len(x)
    tensor = tc.from_numpy(x)
    eps = float(np.finfo(dtype).eps)
    lost = (eps * abs(OFFSETS[name])) ** 2 / float(variance)  # of a rounded mean, squared
    assert abs(tensor.var(correction=0).item() / float(variance) - 1) <= 8 * eps + lost
    assert abs(tensor.std(correction=0).item() / float(mpmath.sqrt(variance)) - 1) <= 8 * eps + lost
    rounding = eps * (abs(OFFSETS[name]) / float(mpmath.sqrt(variance)) + 8)
    wanted = np.array([float((v - mean) / mpmath.sqrt(variance)) for v in numbers])
    for normalised in (
        functional.batch_norm(tensor.reshape(-1, 1), None, None, training=True, eps=0.0),
        functional.layer_norm(tensor, (len(x),), eps=0.0),
        functional.group_norm(tensor.reshape(1, 1, -1), 1, eps=0.0),
    ):
        np.testing.assert_allclose(normalised.numpy().ravel(), wanted, 0, rounding)


def test_variance_of_a_constant_is_zero(dtype):
    for value in (0.1, 1e10, -3.3, 1e-20):
        x = tc.from_numpy(np.full(1000, value, dtype))
        assert x.var().item() <= (value * np.finfo(dtype).eps) ** 2
        y = functional.batch_norm(x.reshape(-1, 1), None, None, training=True)
        assert y.abs().max().item() <= abs(value) * np.finfo(dtype).eps / 1e-5**0.5


def test_variance_of_numbers_whose_squares_overflow():
    x = tc.tensor([1e25, 2e25, 1e25, 3e25])
    assert x.std().item() == pytest.approx(9.574271e24, rel=1e-6)
    assert tc.tensor([1e30, -1e30]).var().item() == np.inf
    assert tc.tensor([3e38, 3e38, 3e38]).std().item() == 0


def test_sums_of_ill_conditioned_numbers(dtype):
    rng = np.random.default_rng(0)
    x = (rng.standard_normal(100_000) * np.exp2(rng.uniform(0, 30, 100_000))).astype(dtype)
    x = np.concatenate([x, -x[::-1] * dtype.type(1 + 1e-3)])
    true = float(mpmath.fsum(exact(x)))
    bound = float(np.abs(x).astype(np.float64).sum()) * float(np.finfo(dtype).eps)
    tensor = tc.from_numpy(x)
    assert abs(tensor.sum().item() - true) <= 2 * bound
    assert abs(tensor.mean().item() - true / len(x)) <= 2 * bound / len(x)


def test_hypotenuses_and_gelu_keep_their_ends(dtype):
    big = float(np.finfo(dtype).max) / 2
    assert tc.hypot(tc.tensor(big, dtype=tc.float64), tc.tensor(big, dtype=tc.float64)).item() == pytest.approx(
        big * 2**0.5
    )
    x = tc.from_numpy(np.array([-1e4, -40.0, 40.0, 1e4], dtype))
    assert functional.gelu(x).tolist() == [0, 0, 40, 1e4]
    assert functional.silu(x).tolist()[2:] == [40, 1e4]
    assert functional.mish(x).tolist()[2:] == [40, 1e4]
    assert functional.softplus(x).tolist()[2:] == [40, 1e4]
    np.testing.assert_allclose(functional.logsigmoid(x).numpy()[:2], [-1e4, -40])


ZEROS = {
    "lgamma": (lambda x: mpmath.log(abs(mpmath.gamma(x))), [1.0, 2.0], 8),
    "digamma": (lambda x: mpmath.digamma(x), [1.4616321449683622], 8),
    "logit": (lambda x: mpmath.log(x) - mpmath.log1p(-x), [0.5], 4),
}


@pytest.mark.parametrize("name", ZEROS)
def test_functions_keep_their_digits_about_their_zeros(name, dtype):
    true, zeros, bound = ZEROS[name]
    away = 2.0 ** np.arange(-24 if dtype == np.float32 else -50, -2)
    x = np.concatenate([zero + sign * away for zero in zeros for sign in (-1, 1)] + [[1e-3, 0.25, 0.75]]).astype(dtype)
    assert off(getattr(tc, name)(tc.tensor(x)).numpy(), [true(value) for value in exact(x)]) <= bound
