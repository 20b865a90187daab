"""In-place forms: `x.f_(...)` writes f(x, ...) into the memory of x.

Here are those that are more than their function on a copy: the frequent ones, which hand their operation to
`Tensor._inplace` and so let the core write straight into x; fills; views. The others are made by `forms.public`.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_cnn._memory import unrepeated
from tinygrad_cnn.autograd.deferred import Deferred, take_relu_inplace
from tinygrad_cnn.autograd.waiting import settle
from tinygrad_cnn.casts import FLOATING
from tinygrad_cnn.creation import check_fits
from tinygrad_cnn.tensor import Tensor, wrap

from . import arithmetic, division, order, power, unary, views
from .arithmetic import Add, AddScalar, Mul, MulScalar, Sub, SubScalar
from .base import CopyInto, check_tensor, clone, inplace, old_order
from .conversion import copy_
from .division import Div, DivScalar
from .elementwise import constant
from .forms import public
from .power import Clamp
from .promotion import is_number, python_number
from .strided import as_strided

_NUMBERS = (builtins.float, builtins.int)


@public(function=False)
def add_(input: Tensor, other: Any, *old: Any, alpha: Any = 1) -> Tensor:
    """Add alpha * other to input, in place; also as add_(alpha, other), which is deprecated."""
    if old:
        other, alpha = old_order("add_", other, old)
    if input._array.dtype in FLOATING:
        if isinstance(other, Tensor):
            if other._array.dtype is input._array.dtype and type(alpha) in _NUMBERS:
                return input._inplace(Add, other, alpha=alpha)
        elif type(other) in _NUMBERS and alpha == 1:
            return input._inplace(AddScalar, value=other)
    return _add(input, other, alpha=alpha)


@public("subtract_", function=False)
def sub_(input: Tensor, other: Any, *old: Any, alpha: Any = 1) -> Tensor:
    """Subtract alpha * other from input, in place; also as sub_(alpha, other), which is deprecated."""
    if old:
        other, alpha = old_order("sub_", other, old)
    if input._array.dtype in FLOATING:
        if isinstance(other, Tensor):
            if other._array.dtype is input._array.dtype and type(alpha) in _NUMBERS:
                return input._inplace(Sub, other, alpha=alpha)
        elif type(other) in _NUMBERS and alpha == 1:
            return input._inplace(SubScalar, value=other)
    return _sub(input, other, alpha=alpha)


@public("multiply_", function=False)
def mul_(input: Tensor, other: Any) -> Tensor:
    """Multiply input by other, in place."""
    if input._array.dtype in FLOATING:
        if isinstance(other, Tensor):
            if other._array.dtype is input._array.dtype:
                return input._inplace(Mul, other)
        elif type(other) in _NUMBERS:
            return input._inplace(MulScalar, value=other)
    return _mul(input, other)


@public("divide_", "true_divide_", function=False)
def div_(input: Tensor, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """Divide input by other, in place; RuntimeError for an integer input unless the result is rounded."""
    if rounding_mode is None and input._array.dtype in FLOATING:
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


@public("clip_")
def clamp_(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Limit the elements to [min, max], in place."""
    limits = [limit for limit in (min, max) if limit is not None]
    if limits and input._array.dtype in FLOATING and builtins.all(type(limit) in _NUMBERS for limit in limits):
        return input._inplace(Clamp, low=min, high=max)
    return _clamp(input, min, max)


_clamp = inplace(power.clamp)


@public()
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
        array = unrepeated(array)
    settle(array)
    array.fill(number)
    input._bump()
    return input


@public()
def zero_(input: Tensor) -> Tensor:
    """Set all elements to 0, in place (`Tensor.zero_`)."""
    return fill_(input, 0)


@public(method=False)
def fill(input: Tensor, value: Any) -> Tensor:
    """Return a copy of the tensor with all elements set to `value`, a number or a 0-d tensor (`torch.fill`)."""
    return fill_(clone(check_tensor(input, "fill")), value)


@public(function=False)
def fill_diagonal_(input: Tensor, fill_value: Any, wrap: builtins.bool = False) -> Tensor:
    """Set the main diagonal, of all dimensions, to a number, in place (`Tensor.fill_diagonal_`)."""
    shape = input._array.shape
    if len(shape) < 2:
        raise RuntimeError("dimensions must larger than 1")
    if len(shape) > 2 and len(set(shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    return input.masked_fill_(_diagonal(shape, wrap), fill_value)


def _diagonal(shape: tuple[int, ...], repeated: builtins.bool) -> Tensor:
    """Return where the diagonal is; repeated: it begins again below the square part of a tall matrix."""
    mask = np.zeros(shape, np.bool_)
    np.fill_diagonal(mask, True, repeated)
    return wrap(mask)


_relu = inplace(unary.relu)


@public()
def relu_(input: Tensor) -> Tensor:
    """In-place form of `relu`."""
    if type(input) is Deferred:
        return take_relu_inplace(input, unary.Relu)
    return input._inplace(unary.Relu) if input._array.dtype in FLOATING else _relu(input)


def _reshaping(function: Callable[..., Tensor], *aliases: str) -> Callable[..., Tensor]:
    """Return the in-place form of a view: the tensor itself gets the other shape or order, on its memory."""

    def changed(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if input.requires_grad:
            raise NotImplementedError(f"{function.__name__}_ of a tensor that requires grad is not implemented")
        before = input._alias_detached()
        if input._view_base is not None:  # from now on it is another view of that base
            before._view_base, before._view_made, before._epoch = input._view_base, input._view_made, input._epoch
        view = function(before, *args, **kwargs)
        input._array = view._array
        if input._view_base is not None and view is not before:
            input._view_made = view._view_made
        input._bump()
        return input

    changed.__name__, changed.__module__ = f"{function.__name__}_", __name__
    changed.__doc__ = f"In-place form of `{function.__name__}`, for a tensor outside the graph."
    return public(*aliases, function=False)(changed)


squeeze_, unsqueeze_ = _reshaping(views.squeeze), _reshaping(views.unsqueeze)
t_, transpose_ = _reshaping(order.t), _reshaping(order.transpose, "swapaxes_", "swapdims_")
as_strided_ = _reshaping(as_strided)
