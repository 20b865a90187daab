"""The methods and operators of Tensor that are functions of `tinygrad_cnn.ops`: one list, for Python and for mypy.

`install` puts them into Tensor when the package is imported; for a type checker Tensor inherits from `Methods`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .members import Members
from .ops import (
    arithmetic,
    brackets,
    broadcasting,
    combinations,
    comparison,
    conversion,
    division,
    extremes,
    indexing,
    inplace,
    movement,
    order,
    power,
    reduce,
    slices,
    sorting,
    spread,
    transcendental,
    triangular,
    unary,
    views,
)
from .ops import gather as gathering
from .ops import matmul as products
from .ops import softmax as softmaxes
from .ops.base import FLOATS, clone
from .ops.promotion import OPERANDS
from .tensor import Tensor


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


def _matrix_transposed(self: Tensor) -> Tensor:
    if self._array.ndim < 2:
        raise RuntimeError("tensor.mT is only supported on matrices or batches of matrices. Got "
                           f"{self._array.ndim}-D tensor.")  # fmt: skip
    return order.transpose(self, -2, -1)


class Methods:
    """Names of Tensor and what they are."""

    # operators
    __add__ = __radd__ = _arithmetic(arithmetic.add, arithmetic.add_same)
    __sub__, __rsub__ = _arithmetic(arithmetic.sub, arithmetic.Sub.apply), _operator(arithmetic.rsub)
    __mul__ = __rmul__ = _arithmetic(arithmetic.mul, arithmetic.Mul.apply)
    __truediv__, __rtruediv__ = _arithmetic(division.div, division.Div.apply), _operator(division.rdiv)
    __floordiv__, __rfloordiv__ = _operator(division.floor_divide), _reflected(division.floor_divide)
    __mod__, __rmod__ = _operator(division.remainder), _reflected(division.remainder)
    __pow__, __rpow__ = _operator(power.pow), _reflected(power.pow)
    __matmul__ = _matmul
    __and__ = __rand__ = _operator(comparison.bitwise_and)
    __or__ = __ror__ = _operator(comparison.bitwise_or)
    __xor__ = __rxor__ = _operator(comparison.bitwise_xor)
    __eq__, __ne__ = _operator(comparison.eq), _operator(comparison.ne)
    __lt__, __le__ = _operator(comparison.lt), _operator(comparison.le)
    __gt__, __ge__ = _operator(comparison.gt), _operator(comparison.ge)
    __neg__, __pos__, __abs__ = unary.neg, unary.positive, unary.abs
    __invert__ = comparison.bitwise_not
    __iadd__, __isub__ = _operator(inplace.add_), _operator(inplace.sub_)
    __imul__, __itruediv__ = _operator(inplace.mul_), _operator(inplace.div_)
    __ifloordiv__, __imod__ = _operator(inplace.floor_divide_), _operator(inplace.remainder_)
    __ipow__, __iand__ = _operator(inplace.pow_), _operator(inplace.bitwise_and_)
    __ior__, __ixor__ = _operator(inplace.bitwise_or_), _operator(inplace.bitwise_xor_)
    __getitem__, __setitem__ = brackets.getitem, brackets.setitem

    # one operand
    neg = negative = unary.neg
    positive = unary.positive
    abs = absolute = unary.abs
    sign, sgn, floor, ceil, round, frac = unary.sign, unary.sign, unary.floor, unary.ceil, unary.round, unary.frac
    trunc = fix = unary.trunc
    square, sqrt, rsqrt, reciprocal = unary.square, transcendental.sqrt, transcendental.rsqrt, transcendental.reciprocal
    exp, expm1, log, log2, log10, log1p = (
        transcendental.exp,
        transcendental.expm1,
        transcendental.log,
        transcendental.log2,
        transcendental.log10,
        transcendental.log1p,
    )
    sin, cos, tanh, sigmoid, erf, relu = (
        transcendental.sin,
        transcendental.cos,
        transcendental.tanh,
        transcendental.sigmoid,
        transcendental.erf,
        unary.relu,
    )
    isnan, isinf, isfinite = unary.isnan, unary.isinf, unary.isfinite

    # two operands
    add, sub, mul, div = arithmetic.add, arithmetic.sub, arithmetic.mul, division.div
    subtract, multiply, divide, true_divide = arithmetic.sub, arithmetic.mul, division.div, division.div
    floor_divide, fmod, remainder = division.floor_divide, division.fmod, division.remainder
    atan2 = arctan2 = arithmetic.atan2
    lerp, addcmul, addcdiv = combinations.lerp, combinations.addcmul, combinations.addcdiv
    pow, maximum, minimum = power.pow, power.maximum, power.minimum
    clamp = clip = power.clamp
    clamp_min, clamp_max = power.clamp_min, power.clamp_max
    eq, ne, lt, le, gt, ge = comparison.eq, comparison.ne, comparison.lt, comparison.le, comparison.gt, comparison.ge
    not_equal, less, less_equal = comparison.ne, comparison.lt, comparison.le
    greater, greater_equal = comparison.gt, comparison.ge
    equal, isclose, allclose = comparison.equal, comparison.isclose, comparison.allclose
    logical_and, logical_or = comparison.logical_and, comparison.logical_or
    logical_xor, logical_not = comparison.logical_xor, comparison.logical_not
    bitwise_and, bitwise_or = comparison.bitwise_and, comparison.bitwise_or
    bitwise_xor, bitwise_not = comparison.bitwise_xor, comparison.bitwise_not
    masked_fill = comparison.masked_fill

    def where(self, condition: Tensor, other: Any) -> Tensor:
        """Return self where the condition holds, else other."""
        return comparison.where(condition, self, other)

    # reductions
    sum, nansum, mean, prod = reduce.sum, reduce.nansum, reduce.mean, reduce.prod
    var, std = spread.var, spread.std
    max, min, amax, amin, aminmax = extremes.max, extremes.min, extremes.amax, extremes.amin, extremes.aminmax
    argmax, argmin, any, all = extremes.argmax, extremes.argmin, extremes.any, extremes.all
    count_nonzero, norm, logsumexp, dist = extremes.count_nonzero, extremes.norm, extremes.logsumexp, extremes.dist
    sort, argsort, msort, topk = sorting.sort, sorting.argsort, sorting.msort, sorting.topk
    kthvalue, median, unique, bincount = sorting.kthvalue, sorting.median, sorting.unique, sorting.bincount
    cumsum, cumprod, cummax, cummin = sorting.cumsum, sorting.cumprod, sorting.cummax, sorting.cummin

    softmax, log_softmax = softmaxes.softmax, softmaxes.log_softmax

    # views
    view, view_as, reshape, reshape_as = views.view, views.view_as, views.reshape, views.reshape_as
    flatten, unflatten, ravel = views.flatten, views.unflatten, views.ravel
    squeeze, unsqueeze = views.squeeze, views.unsqueeze
    permute, t = order.permute, order.t
    transpose = swapaxes = swapdims = order.transpose
    movedim = moveaxis = order.movedim
    expand, expand_as, broadcast_to = broadcasting.expand, broadcasting.expand_as, broadcasting.broadcast_to
    select, narrow, diagonal = slices.select, slices.narrow, slices.diagonal
    T = property(_transposed, doc="The dimensions in reverse order.")
    mT = property(_matrix_transposed, doc="The last two dimensions swapped.")

    # rearranging and copying
    unbind, split, chunk = movement.unbind, movement.split, movement.chunk
    flip, roll, repeat, tile = movement.flip, movement.roll, movement.repeat, movement.tile
    repeat_interleave, tril, triu, diag = movement.repeat_interleave, triangular.tril, triangular.triu, triangular.diag
    sum_to_size, _unbroadcast = broadcasting.sum_to_size, broadcasting.unbroadcast
    clone, contiguous, copy_ = clone, conversion.contiguous, conversion.copy_
    to, type_as = conversion.to, conversion.type_as
    float, double, long, int = conversion.float, conversion.double, conversion.long, conversion.int
    byte, bool = conversion.byte, conversion.bool
    cpu = _identity

    # indexing
    gather, scatter, scatter_add = gathering.gather, gathering.scatter, gathering.scatter_add
    take_along_dim, index_select, take = gathering.take_along_dim, indexing.index_select, indexing.take
    index_add, index_fill, index_put = indexing.index_add, indexing.index_fill, indexing.index_put
    masked_select, masked_scatter = indexing.masked_select, indexing.masked_scatter
    nonzero, argwhere = indexing.nonzero, indexing.nonzero

    # products
    matmul, mm, bmm, mv = products.matmul, products.mm, products.bmm, products.mv
    dot, inner, outer, ger = products.dot, products.inner, products.outer, products.outer
    addmm, baddbmm = products.addmm, products.baddbmm


def install() -> None:
    """Put the methods, and the in-place forms, into Tensor."""
    for name, value in (*vars(Methods).items(), *vars(Members).items()):
        if name not in ("__module__", "__dict__", "__weakref__", "__doc__", "__qualname__", "__firstlineno__"):
            setattr(Tensor, name, value)
