"""In-place forms: `x.f_(...)` writes f(x, ...) into the memory of x.

The frequent ones hand their operation to `Tensor._inplace`, which lets the core write straight into x where it can.
The others are made from the function (`base.inplace`).
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_cnn.autograd.deferred import Deferred, take_relu_inplace
from tinygrad_cnn.autograd.waiting import settle
from tinygrad_cnn.creation import check_fits
from tinygrad_cnn.tensor import Tensor, wrap

from . import (
    arithmetic,
    combinations,
    comparison,
    division,
    gather,
    indexing,
    matmul,
    order,
    power,
    sorting,
    transcendental,
    triangular,
    unary,
    views,
)
from .arithmetic import Add, AddScalar, Mul, MulScalar, Sub, SubScalar
from .base import FLOATS, CopyInto, inplace
from .conversion import copy_
from .division import Div, DivScalar
from .elementwise import Unary, constant
from .power import Clamp
from .promotion import is_number, python_number

_NUMBERS = (builtins.float, builtins.int)


def add_(input: Tensor, other: Any, *, alpha: Any = 1) -> Tensor:
    """Add alpha * other to input, in place."""
    if input._array.dtype in FLOATS:
        if isinstance(other, Tensor):
            if other._array.dtype is input._array.dtype and type(alpha) in _NUMBERS:
                return input._inplace(Add, other, alpha=alpha)
        elif type(other) in _NUMBERS and alpha == 1:
            return input._inplace(AddScalar, value=other)
    return _add(input, other, alpha=alpha)


def sub_(input: Tensor, other: Any, *, alpha: Any = 1) -> Tensor:
    """Subtract alpha * other from input, in place."""
    if input._array.dtype in FLOATS:
        if isinstance(other, Tensor):
            if other._array.dtype is input._array.dtype and type(alpha) in _NUMBERS:
                return input._inplace(Sub, other, alpha=alpha)
        elif type(other) in _NUMBERS and alpha == 1:
            return input._inplace(SubScalar, value=other)
    return _sub(input, other, alpha=alpha)


def mul_(input: Tensor, other: Any) -> Tensor:
    """Multiply input by other, in place."""
    if input._array.dtype in FLOATS:
        if isinstance(other, Tensor):
            if other._array.dtype is input._array.dtype:
                return input._inplace(Mul, other)
        elif type(other) in _NUMBERS:
            return input._inplace(MulScalar, value=other)
    return _mul(input, other)


def div_(input: Tensor, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """Divide input by other, in place; RuntimeError for an integer input unless the result is rounded."""
    if rounding_mode is None and input._array.dtype in FLOATS:
        if isinstance(other, Tensor):
            if other._array.dtype is input._array.dtype:
                return input._inplace(Div, other)
        elif type(other) in _NUMBERS:
            return input._inplace(DivScalar, value=other)
    return _div(input, other, rounding_mode=rounding_mode)


_add, _sub, _mul, _div = (
    inplace(arithmetic.add),
    inplace(arithmetic.sub),
    inplace(arithmetic.mul),
    inplace(division.div),
)


def clamp_(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Limit the elements to [min, max], in place."""
    limits = [limit for limit in (min, max) if limit is not None]
    if limits and input._array.dtype in FLOATS and builtins.all(type(limit) in _NUMBERS for limit in limits):
        return input._inplace(Clamp, low=min, high=max)
    return _clamp(input, min, max)


_clamp = inplace(power.clamp)


def fill_(input: Tensor, value: Any) -> Tensor:
    """Set all elements to `value`, a number or a 0-d tensor, in place (`Tensor.fill_`)."""
    if isinstance(value, Tensor):
        if value._array.ndim:
            raise RuntimeError(
                f"fill_ only supports 0-dimension value tensor but got tensor with {value._array.ndim} dimensions."
            )
        return copy_(input, value)
    if not is_number(value):
        raise TypeError(f"fill_(): argument 'value' (position 1) must be Number, not {type(value).__name__}")
    array = input._array
    check_fits(python_number(value), input.dtype)
    number = constant(python_number(value), array.dtype)
    if input.requires_grad:
        return input._inplace(CopyInto, wrap(number))
    if not array.flags.writeable:
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation."
        )
    settle(array)
    array.fill(number)
    input._bump()
    return input


def zero_(input: Tensor) -> Tensor:
    """Set all elements to 0, in place (`Tensor.zero_`)."""
    return fill_(input, 0)


def fill_diagonal_(input: Tensor, fill_value: Any, wrap: builtins.bool = False) -> Tensor:
    """Set the main diagonal, of all dimensions, to a number, in place (`Tensor.fill_diagonal_`)."""
    shape = input._array.shape
    if len(shape) < 2:
        raise RuntimeError("dimensions must larger than 1")
    if len(shape) > 2 and len(set(shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    if input.requires_grad:
        raise NotImplementedError("fill_diagonal_ of a tensor that requires grad is not implemented")
    settle(input._array)
    np.fill_diagonal(input._array, fill_value, wrap)
    input._bump()
    return input


def _unary(operation: type[Unary], function: Callable[..., Any]) -> Callable[[Tensor], Tensor]:
    """Return the in-place form of an operation of floats."""
    general = inplace(function)

    def changed(input: Tensor) -> Tensor:
        return input._inplace(operation) if input._array.dtype in FLOATS else general(input)

    changed.__name__, changed.__doc__ = f"{function.__name__}_", f"In-place form of `{function.__name__}`."
    return changed


neg_ = negative_ = _unary(unary.Neg, unary.neg)
abs_ = absolute_ = _unary(unary.Abs, unary.abs)
sign_, floor_, ceil_ = _unary(unary.Sign, unary.sign), _unary(unary.Floor, unary.floor), _unary(unary.Ceil, unary.ceil)
trunc_, sqrt_ = _unary(unary.Trunc, unary.trunc), _unary(transcendental.Sqrt, transcendental.sqrt)
rsqrt_, reciprocal_ = (
    _unary(transcendental.Rsqrt, transcendental.rsqrt),
    _unary(transcendental.Reciprocal, transcendental.reciprocal),
)
square_, exp_, expm1_ = (
    _unary(unary.Square, unary.square),
    _unary(transcendental.Exp, transcendental.exp),
    _unary(transcendental.Expm1, transcendental.expm1),
)
log_, log2_, log10_ = (
    _unary(transcendental.Log, transcendental.log),
    _unary(transcendental.Log2, transcendental.log2),
    _unary(transcendental.Log10, transcendental.log10),
)
log1p_, sin_, cos_ = (
    _unary(transcendental.Log1p, transcendental.log1p),
    _unary(transcendental.Sin, transcendental.sin),
    _unary(transcendental.Cos, transcendental.cos),
)
tanh_, sigmoid_ = (
    _unary(transcendental.Tanh, transcendental.tanh),
    _unary(transcendental.Sigmoid, transcendental.sigmoid),
)
erf_, _relu_ = _unary(transcendental.Erf, transcendental.erf), _unary(unary.Relu, unary.relu)


def relu_(input: Tensor) -> Tensor:
    """In-place form of `relu`."""
    return take_relu_inplace(input, unary.Relu) if type(input) is Deferred else _relu_(input)


round_, frac_ = inplace(unary.round), inplace(unary.frac)

pow_, fmod_, remainder_ = inplace(power.pow), inplace(division.fmod), inplace(division.remainder)
floor_divide_, atan2_ = inplace(division.floor_divide), inplace(arithmetic.atan2)
lerp_, addcmul_, addcdiv_ = inplace(combinations.lerp), inplace(combinations.addcmul), inplace(combinations.addcdiv)
clamp_min_, clamp_max_ = inplace(power.clamp_min), inplace(power.clamp_max)
multiply_, divide_, subtract_, true_divide_, clip_ = mul_, div_, sub_, div_, clamp_
eq_, ne_, lt_ = inplace(comparison.eq), inplace(comparison.ne), inplace(comparison.lt)
le_, gt_, ge_ = inplace(comparison.le), inplace(comparison.gt), inplace(comparison.ge)
logical_and_, logical_or_ = inplace(comparison.logical_and), inplace(comparison.logical_or)
logical_xor_, logical_not_ = inplace(comparison.logical_xor), inplace(comparison.logical_not)
bitwise_and_, bitwise_or_ = inplace(comparison.bitwise_and), inplace(comparison.bitwise_or)
bitwise_xor_, bitwise_not_ = inplace(comparison.bitwise_xor), inplace(comparison.bitwise_not)
masked_fill_, tril_, triu_ = inplace(comparison.masked_fill), inplace(triangular.tril), inplace(triangular.triu)
cumsum_, cumprod_ = inplace(sorting.cumsum), inplace(sorting.cumprod)
scatter_, scatter_add_ = inplace(gather.scatter), inplace(gather.scatter_add)
index_add_, index_fill_ = inplace(indexing.index_add), inplace(indexing.index_fill)
index_put_, masked_scatter_ = inplace(indexing.index_put), inplace(indexing.masked_scatter)
addmm_, baddbmm_ = inplace(matmul.addmm), inplace(matmul.baddbmm)


def _reshaping(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return the in-place form of a view: the tensor itself gets the other shape or order, on its memory."""

    def changed(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if input.requires_grad or input._view_base is not None:
            raise NotImplementedError(
                f"{function.__name__}_ of a view, or of a tensor that requires grad, is not implemented"
            )
        input._array = function(input.detach(), *args, **kwargs)._array
        input._bump()
        return input

    changed.__name__ = f"{function.__name__}_"
    changed.__doc__ = f"In-place form of `{function.__name__}`, for a tensor outside the graph that is no view."
    return changed


squeeze_, unsqueeze_ = _reshaping(views.squeeze), _reshaping(views.unsqueeze)
t_, transpose_ = _reshaping(order.t), _reshaping(order.transpose)

__all__ = [name for name in globals() if name.endswith("_") and not name.startswith("_")]
