"""Norms and distances, and log-sum-exp."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_cnn import dtypes
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.casts import FLOATING
from tinygrad_cnn.tensor import Tensor

from .base import check_tensor, scalar_name, wrap_dim, wrap_dims, write_out
from .extremes import amax, amin
from .forms import public
from .halves import in_float32
from .promotion import cast
from .reduce import sum


@public()
def norm(
    input: Tensor,
    p: Any = "fro",
    dim: Any = None,
    keepdim: bool = False,
    out: Tensor | None = None,
    dtype: dtypes.dtype | None = None,
) -> Tensor:
    """Return the p-norm over `dim`, by default all dimensions (`torch.norm`): p is a number, 'fro' (2) or 'nuc'.

    Where the norm is 0 its gradient is 0.
    """
    x = check_tensor(input, "norm")
    if dtype is not None:
        x = cast(x, dtype)
    if x._array.dtype not in FLOATING:
        raise RuntimeError(
            f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {scalar_name(x)}"
        )
    if p == "nuc":
        from tinygrad_cnn.linalg import matrix_norm

        y = matrix_norm(x, "nuc", (-2, -1) if dim is None else dim, keepdim)
        return y if out is None else write_out("norm", out, y, input)
    if isinstance(p, str) and p != "fro":
        raise RuntimeError(f"unsupported norm: {p}")
    y = vector_norm(x, 2.0 if p in ("fro", None) else float(p), dim, keepdim)
    return y if out is None else write_out("norm", out, y, input)


class IsNonzero(Operation):
    """1 where x is not 0; what norm(p=0) counts, without a gradient, as in PyTorch."""

    grad_name = "LinalgVectorNormBackward0"

    def forward(self, x: Any) -> Any:
        """Compare."""
        return np.asarray(x != 0).astype(x.dtype)

    def backward(self, grad: Tensor) -> None:
        """Return none."""


def vector_norm(x: Tensor, p: float, dim: Any, keepdim: bool) -> Tensor:
    """Return the norm of vectors, made of differentiable parts; at 0 the gradient is 0."""
    if p == 0:
        return sum(IsNonzero.apply(x), dim, keepdim)
    if p == 1:
        return sum(x.abs(), dim, keepdim)
    if math.isinf(p):
        return (amax if p > 0 else amin)(x.abs(), () if dim is None else dim, keepdim)
    if p == 2:
        total = sum(x * x, dim, keepdim)
        zero = total == 0
        # sqrt has no derivative at 0: where the sum is 0 the root of 1 is taken and its result replaced.
        return total.masked_fill(zero, 1).sqrt().masked_fill(zero, 0)
    size = x.abs()
    zero = size == 0
    powers = size.masked_fill(zero, 1) ** p  # likewise for |x| ** p with p < 1
    total = sum(powers.masked_fill(zero, 0 if p > 0 else math.inf), dim, keepdim)
    zero = total == 0
    return (total.masked_fill(zero, 1) ** (1 / p)).masked_fill(zero, 0)


@public()
def logsumexp(input: Tensor, dim: Any, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Return log(sum(exp(input))) over `dim`, the maximum taken out first (`torch.logsumexp`)."""
    x = check_tensor(input, "logsumexp")
    x = x if x._array.dtype in FLOATING else cast(x, dtypes.get_default_dtype())
    dims = wrap_dims(dim, x._array.ndim)
    if x._array.size:
        top = amax(x.detach(), dims, keepdim=True)
        top = top.masked_fill(top.isinf(), 0)
        total = sum((x - top).exp(), dims, keepdim=True).log() + top
        y = total if keepdim else total.reshape([n for d, n in enumerate(x._array.shape) if d not in dims])
    else:
        y = sum(x.exp(), dims, keepdim).log()
    return y if out is None else write_out("logsumexp", out, y, input)


@public()
@in_float32
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """Return the p-norm of input - other (`torch.dist`)."""
    return norm(input - other, p)


@public(inplace=True, out=True)
@in_float32
def renorm(input: Tensor, p: float, dim: int, maxnorm: float, *, out: Tensor | None = None) -> Tensor:
    """Return the input with each part along `dim` scaled down to the p-norm `maxnorm` if it is longer
    (`torch.renorm`)."""
    x = check_tensor(input, "renorm")
    if p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm:g}")
    if x._array.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {x._array.ndim} dimensions")
    dim = wrap_dim(dim, x._array.ndim)
    length = vector_norm(x, float(p), [d for d in range(x._array.ndim) if d != dim], True)
    scale = (maxnorm / (length + 1e-7)).masked_fill((length > maxnorm).logical_not(), 1)
    return x * scale
