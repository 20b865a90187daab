"""Variance and standard deviation, in two passes: the mean first, then the squared deviations from it."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.casts import FLOATING
from tinygrad_cnn.tensor import Tensor

from .base import check_tensor, wrap_dims
from .forms import public
from .reduce import count, finish, mean, restored


class Var(Operation):
    """The variance over `dims`, the sum of squared deviations divided by count - correction; in two passes."""

    grad_name = "VarBackward0"

    def forward(self, x: Any, dims: tuple[int, ...], correction: float, keepdim: bool) -> Any:
        """Return the variance."""
        self.dims, self.correction = dims, correction
        self.save_for_backward(x)
        return variance(x, dims, correction, keepdim)

    def backward(self, grad: Tensor) -> Tensor:
        """d var = 2 (x - mean) / (count - correction) dx."""
        (x,) = self.saved_tensors
        return variance_gradient(grad, x, self.dims, self.correction)


def variance(x: Any, dims: tuple[int, ...], correction: float, keepdim: bool, root: bool = False) -> Any:
    """Return the variance of an array, or its root; computed in float64 where float32 does not hold the squares."""
    deviation = core.binary(core.SUB, x, core.reduce(core.MEAN, x, dims, True))
    squares = core.unary(core.SQUARE, deviation, deviation)
    total = core.reduce(core.SUM, squares, dims, keepdim)
    y = core.binary_scalar(core.DIV, total, max(count(x.shape, dims) - correction, 0), out=total)
    y = core.unary(core.SQRT, y, y) if root else y
    if x.dtype == np.float32 and not np.isfinite(y).all():
        with np.errstate(over="ignore"):
            y[...] = variance(x.astype(np.float64), dims, correction, keepdim, root)
    return y


def variance_gradient(grad: Tensor, x: Tensor, dims: tuple[int, ...], correction: float) -> Tensor:
    """Return the gradient of a variance."""
    shape = x._array.shape
    n = count(shape, dims) - correction
    factor = 2 / n if n > 0 else math.nan
    deviation = x - (mean(x, dims, keepdim=True) if dims else x)
    return restored(grad, shape, dims) * factor * deviation


class Std(Operation):
    """The standard deviation over `dims`; where it is 0 the gradient is 0, as PyTorch has it."""

    grad_name = "StdBackward0"

    def forward(self, x: Any, dims: tuple[int, ...], correction: float, keepdim: bool) -> Any:
        """Return the square root of the variance."""
        self.dims, self.correction = dims, correction
        y = variance(x, dims, correction, keepdim, root=True)
        self.save_for_backward(x, y)
        return y

    def backward(self, grad: Tensor) -> Tensor:
        """d sqrt(v) = dv / (2 sqrt(v))."""
        x, y = self.saved_tensors
        return variance_gradient((grad / (y * 2)).masked_fill(y == 0, 0), x, self.dims, self.correction)


def _spread(
    name: str, input: Any, dim: Any, unbiased: Any, correction: Any, keepdim: bool
) -> tuple[Tensor, dict[str, Any]]:
    """Sort out var's two signatures: (dim=None, unbiased=True) and (unbiased), both with correction=1."""
    x = check_tensor(input, "var")
    if isinstance(dim, bool):  # var(input, unbiased)
        dim, unbiased = None, dim
    if unbiased is not None and correction is not None:
        raise TypeError(
            "var() received an invalid combination of arguments: unbiased and correction exclude each other"
        )
    if x._array.dtype not in FLOATING:
        raise RuntimeError("std and var only support floating point and complex dtypes")
    if correction is None:
        correction = 1 if unbiased is None or unbiased else 0
    dims = wrap_dims(dim, x._array.ndim)
    if count(x._array.shape, dims) <= correction:
        warnings.warn(
            f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor "
            "(input numel divided by output numel).",
            stacklevel=4,
        )
    return x, {"dims": dims, "correction": correction, "keepdim": keepdim}


@public()
def var(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Return the variance over `dim`, divided by count - correction, 1 unless said otherwise (`torch.var`)."""
    x, params = _spread("var", input, dim, unbiased, correction, keepdim)
    return finish("var", Var.apply(x, **params), out, input)


@public()
def std(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Return the standard deviation over `dim`, the square root of `var` (`torch.std`)."""
    x, params = _spread("std", input, dim, unbiased, correction, keepdim)
    return finish("std", Std.apply(x, **params), out, input)


@public(method=False)
def var_mean(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """Return (variance, mean) (`torch.var_mean`)."""
    dim, unbiased = (None, dim) if isinstance(dim, bool) else (dim, unbiased)
    return var(input, dim, unbiased, keepdim, correction=correction), mean(input, dim, keepdim)


@public(method=False)
def std_mean(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """Return (standard deviation, mean) (`torch.std_mean`)."""
    dim, unbiased = (None, dim) if isinstance(dim, bool) else (dim, unbiased)
    return std(input, dim, unbiased, keepdim, correction=correction), mean(input, dim, keepdim)
