"""Roots, powers of e, logarithms, trigonometry, sigmoids: of floats, which integers become first."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.casts import FLOATING
from tinygrad_cnn.tensor import Tensor

from .base import floating, write_out
from .comparison import where
from .elementwise import OfInput, OfOutput, Unary, in_double
from .forms import public

# ---- operations ----


class Sqrt(OfOutput):
    """The square root."""

    grad_name, op = "SqrtBackward0", core.SQRT

    def pull(self, grad: Tensor, y: Tensor) -> Tensor:
        """d sqrt(x) = dx / (2 sqrt(x))."""
        return grad / (y * 2)


class Rsqrt(OfOutput):
    """1 / sqrt(x)."""

    grad_name, op = "RsqrtBackward0", core.RSQRT

    def pull(self, grad: Tensor, y: Tensor) -> Tensor:
        """d x^(-1/2) = -1/2 x^(-3/2) dx."""
        return grad * -0.5 * (y * y * y)


class Reciprocal(OfOutput):
    """1 / x."""

    grad_name, op = "ReciprocalBackward0", core.RECIPROCAL

    def pull(self, grad: Tensor, y: Tensor) -> Tensor:
        """d(1/x) = -dx / x^2."""
        return -grad * (y * y)


class Exp(OfOutput):
    """The exponential function."""

    grad_name, op = "ExpBackward0", core.EXP

    def pull(self, grad: Tensor, y: Tensor) -> Tensor:
        """d exp(x) = exp(x) dx."""
        return grad * y


class Exp2(OfOutput):
    """2 to the power of x."""

    grad_name, ufunc = "Exp2Backward0", np.exp2

    def pull(self, grad: Tensor, y: Tensor) -> Tensor:
        """d 2^x = 2^x log(2) dx."""
        return grad * y * math.log(2)


def _log_odds(x: Any) -> Any:
    """log(x / (1 - x)); about 1/2, where it is 0, of the quotient less 1, whose numerator is exact."""
    near = np.abs(x - 0.5) < 0.25
    middle = np.where(near, x, 0.5)
    return np.where(near, np.log1p((2 * middle - 1) / (1 - middle)), np.log(x) - np.log1p(-x))


class Logit(OfInput):
    """log(x / (1 - x)), the inverse of the sigmoid function; NaN outside [0, 1]."""

    grad_name = "LogitBackward0"
    ufunc: ClassVar[Any] = staticmethod(in_double(_log_odds))

    def slope(self, x: Tensor) -> Tensor:
        """Return 1 / (x (1 - x)), NaN outside [0, 1]."""
        return (x * (1 - x)).reciprocal().masked_fill((x < 0) | (x > 1), math.nan)


class Expm1(OfOutput):
    """exp(x) - 1, accurate near 0."""

    grad_name, op = "Expm1Backward0", core.EXPM1

    def pull(self, grad: Tensor, y: Tensor) -> Tensor:
        """d(exp(x) - 1) = exp(x) dx."""
        return grad * (y + 1)


class Tanh(OfOutput):
    """The hyperbolic tangent."""

    grad_name, op = "TanhBackward0", core.TANH

    def pull(self, grad: Tensor, y: Tensor) -> Tensor:
        """d tanh(x) = (1 - tanh(x)^2) dx."""
        return grad * (1 - y * y)


class Sigmoid(OfOutput):
    """1 / (1 + exp(-x))."""

    grad_name, op = "SigmoidBackward0", core.SIGMOID

    def pull(self, grad: Tensor, y: Tensor) -> Tensor:
        """d s = s (1 - s) dx."""
        return grad * ((1 - y) * y)


class Log(OfInput):
    """The natural logarithm."""

    grad_name, op = "LogBackward0", core.LOG
    base = 1.0  # the natural logarithm of the base

    def backward(self, grad: Tensor) -> Tensor:
        """d log_b(x) = dx / (x ln b)."""
        (x,) = self.saved_tensors
        return grad / (x if self.base == 1.0 else x * self.base)


class Log2(Log):
    """The logarithm to base 2 (NumPy's: exact for powers of 2, and off the training path)."""

    grad_name, op, ufunc, base = "Log2Backward0", None, np.log2, math.log(2)


class Log10(Log):
    """The logarithm to base 10 (NumPy's, likewise)."""

    grad_name, op, ufunc, base = "Log10Backward0", None, np.log10, math.log(10)


class Log1p(OfInput):
    """log(1 + x), accurate near 0."""

    grad_name, op = "Log1PBackward0", core.LOG1P

    def slope(self, x: Tensor) -> Tensor:
        """Return 1 / (1 + x)."""
        return Reciprocal.apply(x + 1)


class Sin(OfInput):
    """The sine."""

    grad_name, op = "SinBackward0", core.SIN

    def slope(self, x: Tensor) -> Tensor:
        """Return cos(x)."""
        return Cos.apply(x)


class Cos(OfInput):
    """The cosine."""

    grad_name, op = "CosBackward0", core.COS

    def slope(self, x: Tensor) -> Tensor:
        """Return -sin(x)."""
        return -Sin.apply(x)


class Erf(OfInput):
    """The error function."""

    grad_name, op = "ErfBackward0", core.ERF

    def slope(self, x: Tensor) -> Tensor:
        """Return 2 / sqrt(pi) exp(-x^2)."""
        return Exp.apply(-(x * x)) * (2 / math.sqrt(math.pi))


# ---- functions ----


def _apply(operation: type[Unary], name: str, input: Any, out: Any) -> Tensor:
    plain = type(input) is Tensor and input._array.dtype in FLOATING  # the most frequent, spared two calls
    y = operation.apply(input if plain else floating(input, name))
    return y if out is None else write_out(name, out, y, input)


@public(inplace=Sqrt)
def sqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the square roots, NaN for negative numbers (`torch.sqrt`)."""
    return _apply(Sqrt, "sqrt", input, out)


@public(inplace=Rsqrt)
def rsqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return 1 / sqrt(input) (`torch.rsqrt`)."""
    return _apply(Rsqrt, "rsqrt", input, out)


@public(inplace=Reciprocal)
def reciprocal(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return 1 / input (`torch.reciprocal`)."""
    return _apply(Reciprocal, "reciprocal", input, out)


@public(inplace=Exp)
def exp(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return e ** input (`torch.exp`)."""
    return _apply(Exp, "exp", input, out)


@public(inplace=Expm1)
def expm1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return e ** input - 1, accurate near 0 (`torch.expm1`)."""
    return _apply(Expm1, "expm1", input, out)


@public(inplace=Log)
def log(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return natural logarithms (`torch.log`)."""
    return _apply(Log, "log", input, out)


@public(inplace=Log2)
def log2(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return logarithms to base 2 (`torch.log2`)."""
    return _apply(Log2, "log2", input, out)


@public(inplace=Log10)
def log10(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return logarithms to base 10 (`torch.log10`)."""
    return _apply(Log10, "log10", input, out)


@public(inplace=Log1p)
def log1p(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return log(1 + input), accurate near 0 (`torch.log1p`)."""
    return _apply(Log1p, "log1p", input, out)


@public(inplace=Sin)
def sin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return sines (`torch.sin`)."""
    return _apply(Sin, "sin", input, out)


@public(inplace=Cos)
def cos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return cosines (`torch.cos`)."""
    return _apply(Cos, "cos", input, out)


@public(inplace=Tanh)
def tanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return hyperbolic tangents (`torch.tanh`)."""
    return _apply(Tanh, "tanh", input, out)


@public(inplace=Sigmoid)
def sigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return 1 / (1 + exp(-input)) (`torch.sigmoid`)."""
    return _apply(Sigmoid, "sigmoid", input, out)


@public(inplace=Erf)
def erf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the error function (`torch.erf`)."""
    return _apply(Erf, "erf", input, out)


@public(inplace=True, inplace_function=True, out=True)
def exp2(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return 2 ** input (`torch.exp2`)."""
    return Exp2.apply(floating(input, "exp2"))


@public(inplace=True, inplace_function=True, out=True)
def logit(input: Tensor, eps: float | None = None, *, out: Tensor | None = None) -> Tensor:
    """Return log(input / (1 - input)), the input limited to [eps, 1 - eps] if `eps` is given (`torch.logit`)."""
    x = floating(input, "logit")
    if eps is not None and eps >= 0:
        inside = ((x < eps) | (x > 1 - eps)).logical_not()  # NaN counts as inside, and keeps its gradient
        x = where(inside, x, x.detach().clamp(eps, 1 - eps))
    return Logit.apply(x)
