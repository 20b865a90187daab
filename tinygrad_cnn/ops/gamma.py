"""The error and gamma functions and their kin, computed in float64 by `series.py`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_cnn.casts import FLOATING, cast_array
from tinygrad_cnn.tensor import Tensor, wrap

from .base import check_tensor, floating, scalar_name
from .elementwise import OfInput, OfOutput, Unary, in_double
from .forms import public
from .pairs import NumpyBinary
from .promotion import promoted
from .series import bessel_i, each, erfinv_of, incomplete_gamma, log_gamma, polygamma_of
from .transcendental import Exp

# ---- operations ----


class Erfc(OfInput):
    """1 - erf(x), accurate where that is small."""

    grad_name, ufunc = "ErfcBackward0", staticmethod(in_double(lambda x: each(math.erfc, x)))

    def slope(self, x: Tensor) -> Tensor:
        """Return -2 / sqrt(pi) exp(-x^2)."""
        return Exp.apply(-(x * x)) * (-2 / math.sqrt(math.pi))


class Erfinv(OfOutput):
    """The inverse of erf."""

    grad_name, ufunc = "ErfinvBackward0", staticmethod(in_double(erfinv_of))

    def pull(self, grad: Tensor, y: Tensor) -> Tensor:
        """d erfinv(x) = sqrt(pi) / 2 exp(y^2) dx."""
        return grad * Exp.apply(y * y) * (math.sqrt(math.pi) / 2)


class Lgamma(OfInput):
    """log |Gamma(x)|."""

    grad_name, ufunc = "LgammaBackward0", staticmethod(in_double(log_gamma))

    def slope(self, x: Tensor) -> Tensor:
        """Return digamma(x)."""
        return Polygamma.apply(x, n=0)


class Polygamma(Unary):
    """The n-th derivative of digamma."""

    grad_name, saves_input = "PolygammaBackward0", True

    def forward(self, x: Any, out: Any = None, n: int = 0) -> Any:
        """Compute, and keep x."""
        self.save_for_backward(x)
        self.n = n
        return in_double(polygamma_of)(x, n, out=out)

    def backward(self, grad: Tensor) -> Tensor:
        """Each is the derivative of the one before."""
        (x,) = self.saved_tensors
        return grad * Polygamma.apply(x, n=self.n + 1)


class BesselI(Unary):
    """The modified Bessel function of the first kind, of order 0 or 1."""

    grad_name, saves_input = "I0Backward0", True

    def forward(self, x: Any, out: Any = None, order: int = 0) -> Any:
        """Compute, and keep x."""
        self.save_for_backward(x)
        self.order = order
        return in_double(bessel_i)(x, order, out=out)

    def backward(self, grad: Tensor) -> Tensor:
        """I0' = I1; I1' = I0 - I1 / x, 1/2 at 0."""
        (x,) = self.saved_tensors
        first = BesselI.apply(x, order=1)
        if self.order == 0:
            return grad * first
        ratio = (first / x.masked_fill(x == 0, 1)).masked_fill(x == 0, 0.5)
        return grad * (BesselI.apply(x, order=0) - ratio)


class LowerGamma(NumpyBinary):
    """P(a, x)."""

    grad_name, sign = "IgammaBackward0", 1

    @classmethod
    def values(cls, a: Any, x: Any) -> Any:
        """Return P(a, x)."""
        return incomplete_gamma(a, x)[0]

    def backward(self, grad: Tensor) -> Any:
        """dP/dx = x^(a - 1) exp(-x) / Gamma(a); the derivative by a has no closed form, PyTorch has none either."""
        a, x = self.saved_tensors
        if self.needs_input_grad[0]:
            raise NotImplementedError(
                f"the derivative for '{self.name().removesuffix('Backward0').lower()}: input' is not implemented."
            )
        return None, grad * Exp.apply((a - 1) * x.log() - x - a.lgamma()) * self.sign


class UpperGamma(LowerGamma):
    """Q(a, x) = 1 - P(a, x)."""

    grad_name, sign = "IgammacBackward0", -1

    @classmethod
    def values(cls, a: Any, x: Any) -> Any:
        """Return Q(a, x)."""
        return incomplete_gamma(a, x)[1]


# ---- functions ----


@public(inplace=Erfc, out=True)
def erfc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return 1 - erf(input), accurate for large numbers (`torch.erfc`)."""
    return Erfc.apply(floating(input, "erfc"))


@public(inplace=True, out=True)
def erfinv(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the inverse of the error function: infinite at -1 and 1, NaN beyond (`torch.erfinv`)."""
    return Erfinv.apply(floating(input, "erfinv"))


@public(inplace=True, out=True)
def lgamma(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the logarithm of |Gamma(input)| (`torch.lgamma`)."""
    return Lgamma.apply(floating(input, "lgamma"))


@public(inplace=True, out=True)
def digamma(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the logarithmic derivative of the gamma function (`torch.digamma`)."""
    return Polygamma.apply(floating(input, "digamma"), n=0)


@public(method=False, out=True)
def polygamma(n: int, input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the n-th derivative of digamma (`torch.polygamma`). RuntimeError for negative n."""
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    return Polygamma.apply(floating(input, "polygamma"), n=int(n))


@public(inplace=True, out=True)
def mvlgamma(input: Tensor, p: int, *, out: Tensor | None = None) -> Tensor:
    """Return the multivariate log-gamma function of dimension p (`torch.mvlgamma`).

    C + sum over j < p of lgamma(input - j / 2), C = p (p - 1) / 4 log(pi).
    """
    x = floating(input, "mvlgamma")
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    shifts = wrap(cast_array(np.arange(p, dtype=np.float64) * -0.5, x._array.dtype))
    return (x.unsqueeze(-1) + shifts).lgamma().sum(-1) + p * (p - 1) / 4 * math.log(math.pi)


@public(inplace=True, inplace_function=True, out=True)
def i0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the modified Bessel function of the first kind of order 0 (`torch.i0`)."""
    return BesselI.apply(floating(input, "i0"), order=0)


def _incomplete(operation: type[NumpyBinary], name: str, input: Tensor, other: Tensor) -> Tensor:
    a, b = promoted(check_tensor(input, name), check_tensor(other, name, "other", 2))
    if a._array.dtype not in FLOATING:
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{scalar_name(a)}'")
    return operation.apply(a, b)


@public(inplace=True, out=True)
def igamma(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the regularised lower incomplete gamma function P(input, other) (`torch.igamma`)."""
    return _incomplete(LowerGamma, "igamma", input, other)


@public(inplace=True, out=True)
def igammac(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the regularised upper incomplete gamma function Q(input, other) (`torch.igammac`)."""
    return _incomplete(UpperGamma, "igammac", input, other)
