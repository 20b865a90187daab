"""The gamma functions and their kin on arrays of float64, by series.

Sources: Abramowitz and Stegun, Handbook of Mathematical Functions, chapters 6, 7 and 9; the Hurwitz zeta function by
the Euler-Maclaurin formula.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np


def each(function: Callable[[float], float], x: Any) -> Any:
    """Return a function of Python's `math` applied to each element."""
    return np.fromiter(map(function, x.reshape(-1).tolist()), np.float64, x.size).reshape(x.shape)


def log_gamma(x: Any) -> Any:
    """Return log |Gamma(x)|; infinite at the poles 0, -1, -2, ...

    From 0 to 21/2 by its series about 2, with (zeta(k) - 1) (-t)^k / k: log Gamma(n + 2 + t) is that of 2 + t,
    and the logarithm of (2 + t) ... (n + 1 + t). No difference cancels about the zeros 1 and 2.
    """
    pole = (x <= 0) & (x == np.floor(x))
    near = (x > 0) & (x < 10.5)
    n = np.where(near, np.rint(x), 2.0) - 2
    t = np.where(near, x, 2.0) - (n + 2)  # exact
    product = np.ones(np.shape(x))
    for k in range(2, 10):
        product = np.where(k < n + 2, product * (k + t), product)
    series = t * horner(_log_gamma_coefficients(), t) + np.log(product) - np.where(n < 0, np.log1p(t), 0.0)
    series -= np.log(np.where(n < -1, t, 1.0))
    result = np.where(pole, np.inf, series)
    far = ~(pole | near)
    result[far] = each(math.lgamma, x[far])
    return result


def horner(coefficients: Any, t: Any) -> Any:
    """Return the polynomial of t with these coefficients, that of the power 0 first."""
    total = np.zeros(np.shape(t))
    for coefficient in reversed(coefficients):
        total = total * t + coefficient
    return total


@cache
def _log_gamma_coefficients() -> list[float]:
    k = np.arange(2.0, 33)
    return [1 - float(np.euler_gamma), *((-1) ** k * zeta(k, 2.0) / k).tolist()]


# Where digamma is 0 among the positive numbers: as a double, and what that lacks.
_ROOT, _REST = 1.4616321449683622, 9.549995429965697e-17


@cache
def _digamma_coefficients() -> list[float]:
    k = np.arange(2.0, 44)
    return ((-1) ** k * zeta(k, _ROOT)).tolist()


# Bernoulli numbers over factorials, B(2k) / (2k)!, of the Euler-Maclaurin formula.
_BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510]


def zeta(s: Any, q: Any) -> Any:
    """Return the Hurwitz zeta function, the sum over k >= 0 of (q + k)^-s, for s > 1; infinite at its poles in q."""
    s, q = np.broadcast_arrays(np.asarray(s, np.float64), np.asarray(q, np.float64))
    finite = q[np.isfinite(q)]
    first = int(max(12, 12 - finite.min())) if finite.size else 12
    total = sum(((q + k) ** -s for k in range(min(first, 10_000))), np.zeros(q.shape))
    far = q + first
    total = total + far ** (1 - s) / (s - 1) + far**-s / 2
    term = s * far ** (-s - 1)
    for k, bernoulli in enumerate(_BERNOULLI, 1):
        total = total + term * (bernoulli / math.factorial(2 * k))
        term = term * (s + 2 * k - 1) * (s + 2 * k) / (far * far)
    pole = (q <= 0) & (q == np.floor(q))
    unknown = (s < 1) | np.isnan(s) | ((q <= 0) & ~pole & (s != np.floor(s)))
    return np.where(unknown, np.nan, np.where(pole | (s == 1), np.inf, np.where(q == np.inf, 0.0, total)))


def digamma_of(x: Any) -> Any:
    """Return the logarithmic derivative of Gamma: reflected for x < 0, carried above 10, then by a series."""
    zero = np.where(x == 0, np.copysign(np.inf, -x), np.nan)
    pole = (x <= 0) & (x == np.floor(x))
    reflect = x < 0
    y = np.where(reflect, 1 - x, x)
    carried = np.zeros(x.shape)
    for _ in range(10):
        low = y < 10
        carried -= np.where(low, 1 / y, 0.0)
        y = np.where(low, y + 1, y)
    series, power = np.zeros(x.shape), 1 / (y * y)
    term = power
    for k, bernoulli in enumerate(_BERNOULLI, 1):
        series += bernoulli / (2 * k) * term
        term = term * power
    result = carried + np.log(y) - 0.5 / y - series
    # Of the distance to the nearest pole alone, which is exact: pi x itself would lose it.
    result = np.where(reflect, result - np.pi / np.tan(np.pi * (x - np.rint(x))), result)
    # About its zero by Taylor's series, sum of -(root - x)^k zeta(k + 1, root), and on both sides from there.
    lower, upper, near = x < 0.96, x > 1.96, (x > 0) & (x < 2.96)
    t = np.where(near, (np.where(lower, x + 1, np.where(upper, x - 1, x)) - _ROOT) - _REST, 0.0)
    series = t * horner(_digamma_coefficients(), t) + np.where(upper, 1 / (x - 1), np.where(lower, -1 / x, 0.0))
    result = np.where(near, series, result)
    return np.where(pole, zero, np.where(x == np.inf, np.inf, result))


def polygamma_of(x: Any, n: int) -> Any:
    """Return the n-th derivative of digamma: (-1)^(n+1) n! zeta(n + 1, x). The first has no limit at -infinity."""
    if n == 0:
        return digamma_of(x)
    y = (-1) ** (n + 1) * math.factorial(n) * zeta(n + 1, x)
    return np.where(x == -np.inf, np.nan, y) if n == 1 else y


def erfinv_of(y: Any) -> Any:
    """Return the inverse of erf: Winitzki's approximation, then Halley's steps on erfc, accurate near +-1 too."""
    a = 0.147
    log = np.log1p(-y * y)
    half = 2 / (np.pi * a) + log / 2
    x = np.abs(np.sign(y) * np.sqrt(np.sqrt(half * half - log / a) - half))
    left = 1 - np.abs(y)
    for _ in range(3):
        finite = np.where(np.isfinite(x), x, 0.0)
        error = each(math.erfc, finite) - left
        step = -error / (2 / math.sqrt(math.pi) * np.exp(-finite * finite))
        x = x - step / (1 + x * step)
    x = np.copysign(np.where(np.abs(y) == 1, np.inf, x), y)
    return np.where(np.abs(y) > 1, np.nan, x)


def bessel_i(x: Any, order: int, scaled: bool = False) -> Any:
    """Return the modified Bessel function of the first kind of order 0 or 1, times exp(-|x|) if `scaled`.

    Up to 30 by Bessel's integral, the mean of exp(x cos t) cos(n t) over a circle, which the trapezoidal rule gives to
    the last digit as the integrand is periodic; beyond, by the asymptotic series.
    """
    size = np.abs(x)
    near = np.minimum(size, 30.0)
    points = (np.arange(64) + 0.5) * (np.pi / 64)
    total = sum((np.exp(near * (math.cos(t) - 1)) * math.cos(order * t) for t in points), np.zeros(x.shape)) / 64
    far = np.maximum(size, 30.0)
    series, term = np.ones(x.shape), np.ones(x.shape)
    for k in range(1, 25):
        term = term * -(4 * order * order - (2 * k - 1) ** 2) / (8 * k * far)
        series = series + term
    value = np.where(size <= 30, total, series / np.sqrt(2 * np.pi * far))
    value = value if scaled else value * np.exp(size)
    return np.where(x < 0, -value, value) if order else value


def incomplete_gamma(a: Any, x: Any) -> tuple[Any, Any]:
    """Return the regularised lower and upper incomplete gamma functions P(a, x) and Q(a, x).

    A power series below x = a + 1, the continued fraction (Lentz) above; each is accurate where it is used.
    """
    a, x = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(x, np.float64))
    scale = np.exp(a * np.log(x) - x - log_gamma(np.where(a > 0, a, 1.0)))
    term = np.where(a > 0, 1 / np.where(a > 0, a, 1.0), 0.0)
    low = term.copy()
    b = x + 1 - a
    c, d = np.full(x.shape, 1e300), 1 / np.where(b == 0, 1e-300, b)
    high = d.copy()
    for k in range(1, 400):
        term = term * x / (a + k)
        low = low + np.where(np.isfinite(term), term, 0.0)
        b = b + 2
        an = -k * (k - a)
        d, c = an * d + b, b + an / c
        d = 1 / np.where(np.abs(d) < 1e-300, 1e-300, d)
        c = np.where(np.abs(c) < 1e-300, 1e-300, c)
        high = high * (d * c)
    series = x < a + 1
    p, q = low * scale, high * scale
    p, q = np.where(series, p, 1 - q), np.where(series, 1 - p, q)
    p = np.where(x == 0, np.where(a > 0, 0.0, np.nan), np.where(a == 0, 1.0, np.where(x == np.inf, 1.0, p)))
    p = np.where((a == np.inf) & (x < np.inf), 0.0, p)
    bad = (a < 0) | (x < 0) | np.isnan(a) | np.isnan(x) | ((a == np.inf) & (x == np.inf)) | ((a == 0) & (x == 0))
    q = np.where(np.isin(p, (0.0, 1.0)), 1 - p, q)
    return np.where(bad, np.nan, p), np.where(bad, np.nan, q)
