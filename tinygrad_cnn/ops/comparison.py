"""Comparisons, logic, bits and selection by a condition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.casts import FLOATING, widened
from tinygrad_cnn.creation import check_fits
from tinygrad_cnn.tensor import Tensor, wrap

from .arithmetic import as_tensor, pair
from .base import FLOATS, as_array, broadcast_error, check_tensor, scalar_name, write_out
from .elementwise import constant
from .forms import public
from .halves import in_float32
from .promotion import BOOL, NUMBERS, cast, common_dtype, promoted, python_number

# ---- comparisons: no gradient, hence no Operation ----


def _compare(name: str, op: int, ufunc: Any, input: Any, other: Any, out: Any) -> Tensor:
    a: Any = check_tensor(input, name)._array
    if isinstance(other, Tensor):
        b = other._array
        if b.dtype is not a.dtype:
            first, second = promoted(input, other)
            a, b = first._array, second._array
    elif type(other) in (float, int) and a.dtype in FLOATS:
        b = np.array(other, a.dtype)
    else:
        first, second = pair(name, input, other)
        a, b = first._array, constant(second, first._array.dtype)
    a, b = widened(a), widened(b)
    try:
        y = wrap(core.compare(op, a, b) if a.dtype in FLOATS else as_array(ufunc(a, b)))
    except ValueError:
        raise broadcast_error(a, b) from None
    return y if out is None else write_out(name, out, y)


@public(inplace=True)
def eq(input: Tensor, other: Any, *, out: Tensor | None = None) -> Tensor:
    """Return where input == other, as bool (`torch.eq`)."""
    return _compare("eq", core.EQ, np.equal, input, other, out)


@public("not_equal", inplace=True)
def ne(input: Tensor, other: Any, *, out: Tensor | None = None) -> Tensor:
    """Return where input != other, as bool (`torch.ne`)."""
    return _compare("ne", core.NE, np.not_equal, input, other, out)


@public("less", inplace=True)
def lt(input: Tensor, other: Any, *, out: Tensor | None = None) -> Tensor:
    """Return where input < other, as bool (`torch.lt`)."""
    return _compare("lt", core.LT, np.less, input, other, out)


@public("less_equal", inplace=True)
def le(input: Tensor, other: Any, *, out: Tensor | None = None) -> Tensor:
    """Return where input <= other, as bool (`torch.le`)."""
    return _compare("le", core.LE, np.less_equal, input, other, out)


@public("greater", inplace=True)
def gt(input: Tensor, other: Any, *, out: Tensor | None = None) -> Tensor:
    """Return where input > other, as bool (`torch.gt`)."""
    return _compare("gt", core.GT, np.greater, input, other, out)


@public("greater_equal", inplace=True)
def ge(input: Tensor, other: Any, *, out: Tensor | None = None) -> Tensor:
    """Return where input >= other, as bool (`torch.ge`)."""
    return _compare("ge", core.GE, np.greater_equal, input, other, out)


@public()
@in_float32
def equal(input: Tensor, other: Tensor) -> bool:
    """Return whether both have the same shape and elements, of any two dtypes (`torch.equal`)."""
    a, b = check_tensor(input, "equal")._array, check_tensor(other, "equal", "other", 2)._array
    if a.dtype != b.dtype:
        return a.shape == b.shape and bool(eq(input, other)._array.all())
    return a.shape == b.shape and bool((a == b).all())


@public()
@in_float32
def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Return where |input - other| <= atol + rtol * |other| (`torch.isclose`)."""
    a, b = check_tensor(input, "isclose"), check_tensor(other, "isclose", "other", 2)
    if a.dtype is not b.dtype:
        raise RuntimeError(f"{scalar_name(a)} did not match {scalar_name(b)}")
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if tolerance < 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {tolerance:g}")
    try:
        return wrap(np.asarray(np.isclose(a._array, b._array, rtol, atol, equal_nan)))
    except ValueError:
        raise broadcast_error(a._array, b._array) from None


@public()
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Return whether all elements are close (`torch.allclose`)."""
    return bool(isclose(input, other, rtol, atol, equal_nan)._array.all())


# ---- logic and bits ----


def _logical(name: str, ufunc: Callable[..., Any], input: Any, other: Any, out: Any) -> Tensor:
    a, b = check_tensor(input, name)._array, check_tensor(other, name, "other", 2)._array
    try:
        y = wrap(as_array(ufunc(a, b)))
    except ValueError:
        raise broadcast_error(a, b) from None
    return y if out is None else write_out(name, out, y)


@public(inplace=True)
@in_float32
def logical_and(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return where both are not zero, as bool (`torch.logical_and`)."""
    return _logical("logical_and", np.logical_and, input, other, out)


@public(inplace=True)
@in_float32
def logical_or(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return where one is not zero, as bool (`torch.logical_or`)."""
    return _logical("logical_or", np.logical_or, input, other, out)


@public(inplace=True)
@in_float32
def logical_xor(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return where exactly one is not zero, as bool (`torch.logical_xor`)."""
    return _logical("logical_xor", np.logical_xor, input, other, out)


@public(inplace=True)
@in_float32
def logical_not(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return where the input is zero, as bool (`torch.logical_not`)."""
    y = wrap(as_array(np.logical_not(check_tensor(input, "logical_not")._array)))
    return y if out is None else write_out("logical_not", out, y)


def _bitwise(name: str, ufunc: Any, input: Any, other: Any, out: Any) -> Tensor:
    if not isinstance(input, Tensor) and isinstance(input, NUMBERS):
        input, other = other, input
    a, b = pair(name, input, other)
    if a._array.dtype in FLOATING:
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{scalar_name(a)}'")
    b = as_tensor(b, a)
    try:
        y = wrap(as_array(ufunc(a._array, b._array)))
    except ValueError:
        raise broadcast_error(a._array, b._array) from None
    return y if out is None else write_out(name, out, y)


@public(inplace=True)
def bitwise_and(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
    """Return input & other of integers or bools (`torch.bitwise_and`)."""
    return _bitwise("bitwise_and", np.bitwise_and, input, other, out)


@public(inplace=True)
def bitwise_or(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
    """Return input | other of integers or bools (`torch.bitwise_or`)."""
    return _bitwise("bitwise_or", np.bitwise_or, input, other, out)


@public(inplace=True)
def bitwise_xor(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
    """Return input ^ other of integers or bools (`torch.bitwise_xor`)."""
    return _bitwise("bitwise_xor", np.bitwise_xor, input, other, out)


@public(inplace=True)
def bitwise_not(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return ~input of integers or bools (`torch.bitwise_not`)."""
    if check_tensor(input, "bitwise_not")._array.dtype in FLOATING:
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    y = wrap(as_array(np.invert(input._array)))
    return y if out is None else write_out("bitwise_not", out, y)


# ---- selection ----


class Where(Operation):
    """a where the condition holds, else b."""

    grad_name = "WhereBackward0"

    def forward(self, condition: Any, a: Any, b: Any) -> Any:
        """Select, broadcast."""
        self.save_for_backward(condition)
        try:
            return core.where(condition, a, b)
        except ValueError:
            raise broadcast_error(condition, a, b) from None

    def backward(self, grad: Tensor) -> Any:
        """Split the gradient."""
        (condition,) = self.saved_tensors
        zero = wrap(np.zeros((), grad._array.dtype))
        _, a, b = self.needs_input_grad
        return (
            None,
            Where.apply(condition, grad, zero) if a else None,
            Where.apply(condition, zero, grad) if b else None,
        )


@public(method=False)
def where(condition: Tensor, input: Any = None, other: Any = None, *, out: Tensor | None = None) -> Any:
    """Return input where the condition holds, else other; each a tensor or a number (`torch.where`).

    With the condition alone: the tuple of index tensors of its nonzero elements.
    """
    if input is None and other is None:
        from .indexing import nonzero

        return nonzero(condition, as_tuple=True)
    mask = check_tensor(condition, "where", "condition")
    if mask._array.dtype.kind != "b":
        if mask._array.dtype.kind != "u":
            raise RuntimeError(
                f"where expected condition to be a boolean tensor, but got a tensor with dtype {scalar_name(mask)}"
            )
        mask = wrap(mask._array != 0)
    dtype = common_dtype(input, other)
    a, b = (cast(x, dtype) if isinstance(x, Tensor) else wrap(constant(x, dtype._numpy)) for x in (input, other))
    y = Where.apply(mask, a, b)
    return y if out is None else write_out("where", out, y, input, other)


class MaskedFill(Operation):
    """x with a number where the mask holds."""

    grad_name = "MaskedFillBackward0"

    def forward(self, x: Any, mask: Any, value: Any) -> Any:
        """Fill."""
        self.save_for_backward(mask)
        try:
            return core.where(mask, constant(value, x.dtype), x)
        except ValueError:
            raise broadcast_error(x, mask) from None

    def backward(self, grad: Tensor) -> Any:
        """Stop the gradient where the value was replaced."""
        (mask,) = self.saved_tensors
        return MaskedFill.apply(grad, mask, value=0) if self.needs_input_grad[0] else None, None


@public(inplace=True)
def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """Return input with `value`, a number or a 0-d tensor, where `mask` holds (`torch.masked_fill`)."""
    x = check_tensor(input, "masked_fill")
    if check_tensor(mask, "masked_fill", "mask", 2)._array.dtype != BOOL:
        raise RuntimeError(
            f"masked_fill_ only supports boolean masks, but got mask with dtype {scalar_name(mask).lower()}"
        )
    if isinstance(value, Tensor):
        if value._array.ndim:
            raise RuntimeError(
                "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with "
                f"{value._array.ndim} dimension(s)."
            )
        if value.requires_grad:
            return Where.apply(mask, cast(value, x.dtype), x)
        value = value.item()
    _check_fill(value, x)
    return MaskedFill.apply(x, mask, value=value)


def _check_fill(value: Any, x: Tensor) -> None:
    if not isinstance(value, NUMBERS):
        raise TypeError(
            f"masked_fill(): argument 'value' (position 3) must be Tensor or Number, not {type(value).__name__}"
        )
    check_fits(python_number(value), x.dtype)
