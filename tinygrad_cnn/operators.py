"""The operators of Tensor, and the few methods that differ from the function of their name.

The other methods are described beside their operations (`ops.forms.public`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .ops import arithmetic, brackets, broadcasting, comparison, division, gamma, inplace, order, pairs, power, unary
from .ops import matmul as products
from .ops.base import FLOATS, assign
from .ops.forms import METHODS
from .ops.promotion import OPERANDS
from .tensor import Tensor, wrap


def _operator(function: Callable[..., Any]) -> Any:
    """Return a function of two operands as an operator: for what is no operand the other side is asked."""

    def operator(self: Tensor, other: Any) -> Any:
        return function(self, other) if isinstance(other, OPERANDS) else NotImplemented

    return operator


def _arithmetic(function: Callable[..., Any], same: Callable[..., Any]) -> Any:
    """Return a function as an operator that has a shorter way, `same`, for two tensors of the same float dtype."""

    def operator(self: Tensor, other: Any) -> Any:
        if type(other) is Tensor:
            dtype = self._array.dtype
            if dtype is other._array.dtype and dtype in FLOATS:
                return same(self, other)
        return function(self, other) if isinstance(other, OPERANDS) else NotImplemented

    return operator


def _reflected(function: Callable[..., Any]) -> Any:
    """Return the operator for a tensor on the right-hand side of a number."""

    def operator(self: Tensor, other: Any) -> Any:
        return function(other, self) if isinstance(other, OPERANDS) else NotImplemented

    return operator


def _matmul(self: Tensor, other: Any) -> Any:
    return products.matmul(self, other) if isinstance(other, Tensor) else NotImplemented


def _identity(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    return self


def _transposed(self: Tensor) -> Tensor:
    return order.permute(self, tuple(range(self._array.ndim))[::-1])


def _hermitian(self: Tensor) -> Tensor:
    if self._array.ndim not in (0, 2):
        raise RuntimeError(f"tensor.H is only supported on matrices (2-D tensors). Got {self._array.ndim}-D tensor.")
    return order.t(self)


def _matrix_transposed(self: Tensor) -> Tensor:
    if self._array.ndim < 2:
        raise RuntimeError("tensor.mT is only supported on matrices or batches of matrices. Got "
                           f"{self._array.ndim}-D tensor.")  # fmt: skip
    return order.transpose(self, -2, -1)


def _where(self: Tensor, condition: Tensor, other: Any) -> Tensor:
    """Return self where the condition holds, else other."""
    return comparison.where(condition, self, other)


def _polygamma(self: Tensor, n: int) -> Tensor:
    """Return the n-th derivative of digamma."""
    return gamma.polygamma(n, self)


def _polygamma_(self: Tensor, n: int) -> Tensor:
    """Replace the elements by the n-th derivative of digamma."""
    return assign(self, gamma.polygamma(n, self))


def _hardshrink(self: Tensor, lambd: float = 0.5) -> Tensor:
    """Return the elements, 0 where they are within [-lambd, lambd]."""
    from .nn.functional import hardshrink

    return hardshrink(self, lambd)


def _prelu(self: Tensor, weight: Tensor) -> Tensor:
    """Return the elements, negative ones times `weight`."""
    from .nn.functional import prelu

    return prelu(self, weight)


def _apply_(self: Tensor, callable: Callable[[Any], Any]) -> Tensor:
    """Replace each element by what a Python function makes of it; slow, as in PyTorch."""
    return _map2_(self, callable)


def _map_(self: Tensor, other: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
    """Replace each element by what a Python function makes of it and of the other tensor's."""
    return _map2_(self, callable, other)


def _map2_(self: Tensor, function: Callable[..., Any], *others: Tensor) -> Tensor:
    if self.requires_grad:
        raise RuntimeError("Can't call map_() on Variable that requires grad. Use var.detach().map_() instead.")
    operands = [list(x.expand(self._array.shape).reshape(-1).tolist()) for x in (self, *others)]
    values = [function(*items) for items in zip(*operands, strict=True)]
    return self.copy_(wrap(np.array(values, self._array.dtype).reshape(self._array.shape)))


class Operators:
    """Names of Tensor and what they are."""

    # operators
    __add__ = __radd__ = _arithmetic(arithmetic.add, arithmetic.Add.apply)
    __sub__, __rsub__ = _arithmetic(arithmetic.sub, arithmetic.Sub.apply), _operator(arithmetic.rsub)
    __mul__ = __rmul__ = _arithmetic(arithmetic.mul, arithmetic.Mul.apply)
    __truediv__, __rtruediv__ = _arithmetic(division.div, division.Div.apply), _operator(division.rdiv)
    __rdiv__ = __rtruediv__
    __floordiv__, __rfloordiv__ = _operator(division.floor_divide), _reflected(division.floor_divide)
    __mod__, __rmod__ = _operator(division.remainder), _reflected(division.remainder)
    __pow__, __rpow__ = _operator(power.pow), _reflected(power.pow)
    __matmul__, __rmatmul__ = _matmul, _reflected(products.matmul)
    __and__ = __rand__ = _operator(comparison.bitwise_and)
    __or__ = __ror__ = _operator(comparison.bitwise_or)
    __xor__ = __rxor__ = _operator(comparison.bitwise_xor)
    __lshift__, __rlshift__ = _operator(pairs.bitwise_left_shift), _reflected(pairs.bitwise_left_shift)
    __rshift__, __rrshift__ = _operator(pairs.bitwise_right_shift), _reflected(pairs.bitwise_right_shift)
    __ilshift__ = _operator(METHODS["bitwise_left_shift_"])
    __irshift__ = _operator(METHODS["bitwise_right_shift_"])
    __eq__, __ne__ = _operator(comparison.eq), _operator(comparison.ne)
    __lt__, __le__ = _operator(comparison.lt), _operator(comparison.le)
    __gt__, __ge__ = _operator(comparison.gt), _operator(comparison.ge)
    __neg__, __pos__, __abs__ = unary.neg, unary.positive, unary.abs
    __invert__ = comparison.bitwise_not
    __iadd__, __isub__ = _operator(inplace.add_), _operator(inplace.sub_)
    __imul__, __itruediv__ = _operator(inplace.mul_), _operator(inplace.div_)
    __ifloordiv__, __imod__ = _operator(METHODS["floor_divide_"]), _operator(METHODS["remainder_"])
    __ipow__, __iand__ = _operator(METHODS["pow_"]), _operator(METHODS["bitwise_and_"])
    __ior__, __ixor__ = _operator(METHODS["bitwise_or_"]), _operator(METHODS["bitwise_xor_"])
    __getitem__, __setitem__ = brackets.getitem, brackets.setitem

    where = _where
    polygamma, polygamma_ = _polygamma, _polygamma_
    T = property(_transposed, doc="The dimensions in reverse order.")
    mT = mH = property(_matrix_transposed, doc="The last two dimensions swapped.")
    H = property(_hermitian, doc="The transpose of a matrix.")
    cpu = _identity
    hardshrink, prelu, apply_, map_ = _hardshrink, _prelu, _apply_, _map_
    _unbroadcast = broadcasting.unbroadcast
