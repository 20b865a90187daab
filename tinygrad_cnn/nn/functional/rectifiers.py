"""Activations with a kink: linear above some bound, something else below.

Each is written in differentiable operations, in branches whose derivative at the kink is PyTorch's. The branch that is
not chosen is kept finite, for 0 times infinity would make a gradient NaN; what is NaN is computed with, and stays so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.creation import empty
from tinygrad_cnn.dtypes import bool as bool_
from tinygrad_cnn.dtypes import float32, float64, uint8
from tinygrad_cnn.like import full_like, ones_like
from tinygrad_cnn.limits import finfo
from tinygrad_cnn.nn.functional._arguments import check_tensor, not_implemented_for, scalar_name
from tinygrad_cnn.ops.comparison import where
from tinygrad_cnn.ops.forms import with_out
from tinygrad_cnn.ops.pieces import HardTanh, LeakyRelu
from tinygrad_cnn.tensor import Tensor

__all__ = [
    "celu", "celu_", "elu", "elu_", "hardshrink", "hardtanh", "hardtanh_", "leaky_relu", "leaky_relu_", "prelu",
    "relu6", "rrelu", "rrelu_", "selu", "selu_", "softshrink", "threshold", "threshold_",
]  # fmt: skip

# Klambauer and others, Self-Normalizing Neural Networks (2017): the fixed point of mean 0 and variance 1.
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def check_floating(input: Tensor, function: str, kernel: str) -> Tensor:
    """Return a floating-point Tensor; TypeError for what is none, NotImplementedError for another dtype."""
    if not check_tensor(input, function).is_floating_point():
        raise not_implemented_for(kernel, input)
    return input


def apply_in_place(inplace: bool, function: Callable[[Tensor], Tensor], input: Tensor) -> Tensor:
    """Return function(input), with `inplace` written over the input, as in-place operations do."""
    return input.copy_(function(input.clone())) if inplace else function(input)


def apply_operation(inplace: bool, operation: type[Operation], input: Tensor, **params: Any) -> Tensor:
    """Return the operation's result, with `inplace` written over the input."""
    return input._inplace(operation, **params) if inplace else operation.apply(input, **params)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """Return input where it is above the threshold, else `value` (`F.threshold`)."""
    check_tensor(input, "threshold")
    return apply_in_place(inplace, lambda x: where(x <= threshold, full_like(x, value), x), input)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Return input where it is positive, else negative_slope * input (`F.leaky_relu`)."""
    check_floating(input, "leaky_relu", "leaky_relu_cpu")
    if negative_slope >= finfo(float32).tiny:  # what is smaller is a zero to the core, which would lose NaN
        return apply_operation(inplace, LeakyRelu, input, slope=float(negative_slope))
    return apply_in_place(inplace, lambda x: where(x > 0, x, x * negative_slope), input)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """Return input where it is positive, else weight * input (`F.prelu`; He and others, 2015).

    weight: one number, or (C,) for an input (N, C, ...). RuntimeError for other shapes and for dtypes that differ.
    """
    check_tensor(input, "prelu")
    check_tensor(weight, "prelu", "weight", 2)
    if input.dtype != weight.dtype:
        names = f"{scalar_name(input.dtype)} and {scalar_name(weight.dtype)}"
        raise RuntimeError(f"prelu: Type promoting not supported. Got {names}")
    if weight.ndim > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.ndim}")
    if weight.numel() != 1:
        if input.ndim == 0:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = input.shape[1] if input.ndim >= 2 else 1
        if channels != weight.numel():
            raise RuntimeError(
                f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {weight.numel()} and "
                f"channel size = {channels}."
            )
        weight = weight.reshape(-1, *[1] * (input.ndim - 2))
    elif weight.ndim == 1 and input.ndim == 0:
        weight = weight.reshape(())
    above = input > 0
    return where(above, input, weight * input.masked_fill(above, 0))


def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """Return input where it is positive, else slope * input (`F.rrelu`; Xu and others, 2015).

    The slope is (lower + upper) / 2, while training a random number in [lower, upper) for each element. RuntimeError if
    lower is above upper.
    """
    check_floating(input, "rrelu", "rrelu_with_noise_out_cpu" if training else "leaky_relu_cpu")
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    slopes = ones_like(input)
    below = input.detach() <= 0
    # One draw for each element that is not positive, in order, as PyTorch takes them from its generator.
    slopes[below] = empty(int(below.sum().item()), dtype=float64).uniform_(lower, upper).to(input.dtype)
    return apply_in_place(inplace, lambda x: x * slopes, input)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Return input where it is positive, else alpha * (exp(input) - 1) (`F.elu`; Clevert and others, 2015)."""
    check_floating(input, "elu", "elu_cpu")

    def compute(x: Tensor) -> Tensor:
        above = x > 0
        return where(above, x, x.masked_fill(above, 0).expm1() * alpha)

    return apply_in_place(inplace, compute, input)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return scale * elu(input, alpha) with the two constants that keep mean 0 and variance 1 (`F.selu`)."""
    check_floating(input, "selu", "elu_cpu")
    return apply_in_place(inplace, lambda x: elu(x, SELU_ALPHA) * SELU_SCALE, input)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Return input where it is positive, else alpha * (exp(input / alpha) - 1) (`F.celu`; Barron, 2017)."""
    check_floating(input, "celu", "elu_cpu")
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")

    def compute(x: Tensor) -> Tensor:
        above = x > 0
        return where(above, x, (x.masked_fill(above, 0) / alpha).expm1() * alpha)

    return apply_in_place(inplace, compute, input)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """Return input limited to [min_val, max_val]; no gradient from either bound on (`F.hardtanh`)."""
    check_tensor(input, "hardtanh")
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    if input.dtype == bool_:
        raise RuntimeError("Bool inputs not supported for hardtanh")
    if input.dtype == uint8 and min_val < 0:
        raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")

    if input.is_floating_point():
        return apply_operation(inplace, HardTanh, input, low=float(min_val), high=float(max_val))
    # An integer tensor stays one, limited by whole numbers.
    return apply_in_place(inplace, lambda x: x.clamp(int(min_val), int(max_val)), input)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """Return input limited to [0, 6] (`F.relu6`)."""
    return hardtanh(input, 0.0, 6.0, inplace)


@with_out
def hardshrink(input: Tensor, lambd: float = 0.5, *, out: Tensor | None = None) -> Tensor:
    """Return input, but 0 in [-lambd, lambd] (`F.hardshrink`)."""
    check_floating(input, "hardshrink", "hardshrink_cpu")
    return where((input < -lambd) | (input > lambd), input, input * 0)


@with_out
def softshrink(input: Tensor, lambd: float = 0.5, *, out: Tensor | None = None) -> Tensor:
    """Return input moved towards 0 by lambd, 0 in [-lambd, lambd] (`F.softshrink`). RuntimeError if it is negative."""
    check_floating(input, "softshrink", "softshrink_check")
    if lambd < 0:
        largest = f"{finfo(input.dtype).max:g}"
        name = scalar_name(input.dtype)
        raise RuntimeError(f"lambda must be in range [0, {largest}] for input dtype {name}, but found {lambd:g}")
    return where(input > lambd, input - lambd, where(input < -lambd, input + lambd, input * 0))


def threshold_(input: Tensor, threshold_: float, value: float) -> Tensor:
    """Call threshold in place (`F.threshold_`)."""
    return threshold(input, threshold_, value, inplace=True)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """Call leaky_relu in place (`F.leaky_relu_`)."""
    return leaky_relu(input, negative_slope, inplace=True)


def rrelu_(input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False) -> Tensor:
    """Call rrelu in place (`F.rrelu_`)."""
    return rrelu(input, lower, upper, training, inplace=True)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """Call elu in place (`F.elu_`)."""
    return elu(input, alpha, inplace=True)


def selu_(input: Tensor) -> Tensor:
    """Call selu in place (`F.selu_`)."""
    return selu(input, inplace=True)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """Call celu in place (`F.celu_`)."""
    return celu(input, alpha, inplace=True)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """Call hardtanh in place (`F.hardtanh_`)."""
    return hardtanh(input, min_val, max_val, inplace=True)
