"""Tests for NaN, infinities and signs, and their replacement; what complex numbers would need, for real ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn import dtypes
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.casts import FLOATING, widened
from tinygrad_cnn.limits import finfo
from tinygrad_cnn.tensor import Tensor, wrap

from .base import FLOATS, check_tensor, clone
from .extremes import result_tuple
from .forms import public
from .halves import in_float32


@public()
@in_float32
def isnan(input: Tensor) -> Tensor:
    """Return where elements are NaN (`torch.isnan`)."""
    return _predicate(np.isnan, check_tensor(input, "isnan"), False)


@public()
@in_float32
def isinf(input: Tensor) -> Tensor:
    """Return where elements are infinite (`torch.isinf`)."""
    return _predicate(np.isinf, check_tensor(input, "isinf"), False)


@public()
@in_float32
def isfinite(input: Tensor) -> Tensor:
    """Return where elements are neither NaN nor infinite (`torch.isfinite`)."""
    return _predicate(np.isfinite, check_tensor(input, "isfinite"), True)


def _predicate(ufunc: Any, input: Tensor, of_integers: bool) -> Tensor:
    array = input._array
    if array.dtype in FLOATS:
        return wrap(np.asarray(ufunc(array)))
    return wrap(np.full(array.shape, of_integers, dtypes.bool._numpy))


@public(out=True)
@in_float32
def isposinf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return where elements are positive infinity (`torch.isposinf`)."""
    return _predicate(np.isposinf, check_tensor(input, "isposinf"), False)


@public(out=True)
@in_float32
def isneginf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return where elements are negative infinity (`torch.isneginf`)."""
    return _predicate(np.isneginf, check_tensor(input, "isneginf"), False)


@public()
def isreal(input: Tensor) -> Tensor:
    """Return True for every element: there are no complex numbers here (`torch.isreal`)."""
    return wrap(np.ones(check_tensor(input, "isreal")._array.shape, np.bool_))


@public(out=True)
@in_float32
def signbit(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return where the sign is set, of -0.0 too (`torch.signbit`)."""
    array = check_tensor(input, "signbit")._array
    return wrap(np.asarray(np.signbit(array) if array.dtype.kind == "f" else array < 0))


@public(inplace=True, inplace_function=True, out=True)
def conj_physical(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the input itself, which is real (`torch.conj_physical`)."""
    return check_tensor(input, "conj_physical")


@public("resolve_conj", "resolve_neg")
def conj(input: Tensor) -> Tensor:
    """Return the input itself, which is real (`torch.conj`)."""
    return check_tensor(input, "conj")


@public(inplace=True, inplace_function=True, out=True)
def nan_to_num(
    input: Tensor,
    nan: float | None = None,
    posinf: float | None = None,
    neginf: float | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Return input with NaN replaced by `nan` (0) and infinities by `posinf`, `neginf` (the dtype's largest numbers).

    `torch.nan_to_num`; the gradient is 0 where something was replaced.
    """
    array = widened(check_tensor(input, "nan_to_num")._array)
    if array.dtype not in FLOATS:
        return clone(input)
    limits = finfo(input.dtype)
    y = input.masked_fill(wrap(np.asarray(np.isnan(array))), 0.0 if nan is None else nan)
    y = y.masked_fill(wrap(np.asarray(np.isposinf(array))), float(limits.max) if posinf is None else posinf)
    return y.masked_fill(wrap(np.asarray(np.isneginf(array))), float(limits.min) if neginf is None else neginf)


_Frexp = result_tuple("frexp", "mantissa exponent")


class Frexp(Operation):
    """x = mantissa * 2^exponent with 0.5 <= |mantissa| < 1."""

    grad_name = "FrexpBackward0"
    not_differentiable = (1,)

    def forward(self, x: Any) -> Any:
        """Take apart."""
        mantissa, exponent = np.frexp(x)
        self.exponent = np.asarray(exponent, np.int32)
        return np.asarray(mantissa, x.dtype), self.exponent

    def backward(self, grad: Tensor, *rest: Any) -> Tensor:
        """The mantissa is x divided by a constant."""
        return grad * wrap(np.asarray(np.ldexp(np.ones((), grad._array.dtype), -self.exponent)))


@public(out=True)
@in_float32
def frexp(input: Tensor, *, out: Any = None) -> Any:
    """Return (mantissa, exponent), input = mantissa * 2 ** exponent and 0.5 <= |mantissa| < 1 (`torch.frexp`)."""
    if check_tensor(input, "frexp")._array.dtype not in FLOATING:
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    return _Frexp(*Frexp.apply(input))


@public(method=False)
def real(input: Tensor) -> Tensor:
    """Return the input itself, which is real (`torch.real`)."""
    return check_tensor(input, "real")
