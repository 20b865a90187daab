"""Circular and hyperbolic functions and their inverses, by NumPy; sine, cosine and tanh: `transcendental.py`."""

from __future__ import annotations

import math

import numpy as np

from tinygrad_cnn.tensor import Tensor

from .base import floating
from .elementwise import OfInput, OfOutput, in_double
from .forms import public
from .transcendental import Cos, Sin
from .unary import Step

# ---- operations ----


class Tan(OfOutput):
    """The tangent."""

    grad_name, ufunc = "TanBackward0", np.tan

    def pull(self, grad: Tensor, y: Tensor) -> Tensor:
        """d tan(x) = (1 + tan(x)^2) dx."""
        return grad * (y * y + 1)


class Asin(OfInput):
    """The angle in [-pi/2, pi/2] with a sine; NaN outside [-1, 1]."""

    grad_name, ufunc = "AsinBackward0", np.arcsin

    def slope(self, x: Tensor) -> Tensor:
        """Return 1 / sqrt(1 - x^2)."""
        return (1 - x * x).rsqrt()


class Acos(OfInput):
    """The angle in [0, pi] with a cosine; NaN outside [-1, 1]."""

    grad_name, ufunc = "AcosBackward0", np.arccos

    def slope(self, x: Tensor) -> Tensor:
        """Return -1 / sqrt(1 - x^2)."""
        return -(1 - x * x).rsqrt()


class Atan(OfInput):
    """The angle in (-pi/2, pi/2) with a tangent."""

    grad_name, ufunc = "AtanBackward0", np.arctan

    def slope(self, x: Tensor) -> Tensor:
        """Return 1 / (1 + x^2)."""
        return (x * x + 1).reciprocal()


class Sinh(OfInput):
    """The hyperbolic sine."""

    grad_name, ufunc = "SinhBackward0", np.sinh

    def slope(self, x: Tensor) -> Tensor:
        """Return cosh(x)."""
        return Cosh.apply(x)


class Cosh(OfInput):
    """The hyperbolic cosine."""

    grad_name, ufunc = "CoshBackward0", np.cosh

    def slope(self, x: Tensor) -> Tensor:
        """Return sinh(x)."""
        return Sinh.apply(x)


class Asinh(OfInput):
    """The inverse of sinh."""

    grad_name, ufunc = "AsinhBackward0", np.arcsinh

    def slope(self, x: Tensor) -> Tensor:
        """Return 1 / sqrt(x^2 + 1)."""
        return (x * x + 1).rsqrt()


class Acosh(OfInput):
    """The inverse of cosh on [1, inf); NaN below."""

    grad_name, ufunc = "AcoshBackward0", np.arccosh

    def slope(self, x: Tensor) -> Tensor:
        """Return 1 / sqrt(x^2 - 1)."""
        return (x * x - 1).rsqrt()


class Atanh(OfInput):
    """The inverse of tanh; infinite at -1 and 1, NaN beyond."""

    grad_name, ufunc = "AtanhBackward0", np.arctanh

    def slope(self, x: Tensor) -> Tensor:
        """Return 1 / (1 - x^2)."""
        return (1 - x * x).reciprocal()


class Sinc(OfInput):
    """sin(pi x) / (pi x), 1 at 0."""

    grad_name, ufunc = "SincBackward0", staticmethod(in_double(np.sinc))

    def slope(self, x: Tensor) -> Tensor:
        """Return (pi x cos(pi x) - sin(pi x)) / (pi x^2), 0 at 0."""
        angle = x * math.pi
        return ((angle * Cos.apply(angle) - Sin.apply(angle)) / (angle * x)).masked_fill(x == 0, 0)


class Angle(Step):
    """0 for positive numbers, pi for negative ones, NaN for NaN."""

    grad_name, ufunc = (
        "AngleBackward0",
        staticmethod(lambda x: np.where(np.isnan(x), x, np.pi * (x < 0)).astype(x.dtype)),
    )


# ---- functions ----


@public("arcsin", inplace=Asin, out=True)
def asin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return arc sines in [-pi/2, pi/2], NaN for numbers outside [-1, 1] (`torch.asin`)."""
    return Asin.apply(floating(input, "asin"))


@public("arccos", inplace=Acos, out=True)
def acos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return arc cosines in [0, pi], NaN for numbers outside [-1, 1] (`torch.acos`)."""
    return Acos.apply(floating(input, "acos"))


@public("arctan", inplace=Atan, out=True)
def atan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return arc tangents in (-pi/2, pi/2) (`torch.atan`)."""
    return Atan.apply(floating(input, "atan"))


@public(inplace=Tan, out=True)
def tan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return tangents (`torch.tan`)."""
    return Tan.apply(floating(input, "tan"))


@public(inplace=Sinh, out=True)
def sinh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return hyperbolic sines (`torch.sinh`)."""
    return Sinh.apply(floating(input, "sinh"))


@public(inplace=Cosh, out=True)
def cosh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return hyperbolic cosines (`torch.cosh`)."""
    return Cosh.apply(floating(input, "cosh"))


@public("arcsinh", inplace=Asinh, out=True)
def asinh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return inverse hyperbolic sines (`torch.asinh`)."""
    return Asinh.apply(floating(input, "asinh"))


@public("arccosh", inplace=Acosh, out=True)
def acosh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return inverse hyperbolic cosines, NaN for numbers below 1 (`torch.acosh`)."""
    return Acosh.apply(floating(input, "acosh"))


@public("arctanh", inplace=Atanh, out=True)
def atanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return inverse hyperbolic tangents, NaN for numbers outside [-1, 1] (`torch.atanh`)."""
    return Atanh.apply(floating(input, "atanh"))


@public(inplace=Sinc, out=True)
def sinc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return sin(pi x) / (pi x), 1 at 0 (`torch.sinc`)."""
    return Sinc.apply(floating(input, "sinc"))


@public(inplace=True, inplace_function=True, out=True)
def deg2rad(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return angles in degrees as radians (`torch.deg2rad`)."""
    return floating(input, "deg2rad") * (math.pi / 180)


@public(inplace=True, inplace_function=True, out=True)
def rad2deg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return angles in radians as degrees (`torch.rad2deg`)."""
    return floating(input, "rad2deg") * (180 / math.pi)


@public(out=True)
def angle(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the angles of real numbers in the complex plane: 0, pi for negative ones, NaN for NaN (`torch.angle`)."""
    return Angle.apply(floating(input, "angle"))
