"""Smooth activations, and the piecewise ones that stand in for them: written in differentiable operations."""

from __future__ import annotations

import math
from typing import Any

from tinygrad_cnn.nn.functional._arguments import check_tensor
from tinygrad_cnn.nn.functional.activation import _implicit_dim, softmax
from tinygrad_cnn.nn.functional.rectifiers import apply_in_place, apply_operation, check_floating
from tinygrad_cnn.ops.comparison import where
from tinygrad_cnn.ops.forms import with_out
from tinygrad_cnn.ops.halves import in_float32
from tinygrad_cnn.ops.pieces import Gelu, HardSigmoid, HardSwish
from tinygrad_cnn.tensor import Tensor

__all__ = [
    "gelu", "glu", "hardsigmoid", "hardswish", "logsigmoid", "mish", "silu", "softmin", "softplus", "softsign",
    "tanhshrink",
]  # fmt: skip

# Beyond this log(1 + exp(x)) is x in float64, and exp(x) is finite in float32.
LINEAR = 80.0


@with_out
@in_float32
def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0, *, out: Tensor | None = None) -> Tensor:
    """Return log(1 + exp(beta * input)) / beta, or input where beta * input is above the threshold (`F.softplus`)."""
    check_floating(input, "softplus", "softplus_cpu")
    scaled = input * beta
    above = scaled > threshold
    return where(above, input, scaled.masked_fill(above, 0).exp().log1p() / beta)


@with_out
def logsigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return log(sigmoid(input)) = -log(1 + exp(-input)) (`F.logsigmoid`)."""
    check_floating(input, "log_sigmoid", "log_sigmoid_cpu")
    return -softplus(-input, 1.0, LINEAR)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return input * sigmoid(input), also called swish (`F.silu`; Elfwing and others, 2017)."""
    check_floating(input, "silu", "silu_cpu")
    return apply_in_place(inplace, lambda x: x * x.sigmoid(), input)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """Return input * tanh(softplus(input)) (`F.mish`; Misra, 2019)."""
    check_floating(input, "mish", "mish_cpu")
    return apply_in_place(inplace, lambda x: x * softplus(x, 1.0, LINEAR).tanh(), input)


@with_out
def gelu(input: Tensor, approximate: str = "none", *, out: Tensor | None = None) -> Tensor:
    """Return input times the normal distribution's probability of less (`F.gelu`; Hendrycks and Gimpel, 2016).

    approximate="tanh": by a hyperbolic tangent in place of the error function. RuntimeError for another word.
    """
    check_floating(input, "gelu", "GeluKernelImpl")
    if approximate == "none":
        return Gelu.apply(input)
    if approximate == "tanh":
        inner = (input + input * input * input * 0.044715) * math.sqrt(2 / math.pi)
        return input * 0.5 * (inner.tanh() + 1)
    raise RuntimeError("approximate argument must be either none or tanh.")


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """Return the first half along `dim` times the sigmoid of the second (`F.glu`; Dauphin and others, 2016).

    RuntimeError for 0 dimensions and for an odd size.
    """
    check_floating(input, "glu", "glu_cpu")
    if input.ndim == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    size = input.size(dim)
    if size % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim % input.ndim} is size {size}")
    first, second = input.chunk(2, dim) if size else (input, input)
    return first * second.sigmoid()


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """Return (input + 3) / 6 limited to [0, 1] (`F.hardsigmoid`)."""
    check_floating(input, "hardsigmoid", "hardsigmoid_cpu")
    return apply_operation(inplace, HardSigmoid, input)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """Return input * (input + 3) / 6 between -3 and 3, 0 below, input above (`F.hardswish`; Howard et al., 2019)."""
    check_floating(input, "hardswish", "hardswish_cpu")
    return apply_in_place(inplace, HardSwish.apply, input)


def softsign(input: Tensor) -> Tensor:
    """Return input / (1 + |input|) (`F.softsign`)."""
    return check_tensor(input, "softsign") / (input.abs() + 1)


def tanhshrink(input: Tensor) -> Tensor:
    """Return input - tanh(input) (`F.tanhshrink`)."""
    return check_tensor(input, "tanhshrink") - input.tanh()


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Return softmax(-input) along `dim` (`F.softmin`). As softmax."""
    check_tensor(input, "softmin")
    if dim is None:
        dim = _implicit_dim("softmin", input.ndim, _stacklevel)
    return softmax(-input, dim, dtype=dtype)
