"""Writing along one dimension where an index tensor of the input's rank says: scatter and its reductions."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.tensor import Tensor, wrap

from .base import check_tensor
from .forms import public
from .gather import AddAt, Pick, PutAlong, check_index
from .halves import in_float32
from .places import along, kept

# ---- operations ----


def _gathered(x: Tensor, index: Any, dim: int) -> Tensor:
    return Pick.apply(x, index=index, dim=dim)


def _added(index: Any, dim: int, y: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return zeros of `shape` with y added at the index."""
    return AddAt.apply(Tensor._zeros(shape, y._array.dtype), y, index=index, dim=dim, fresh=True)


class Multiplied(Operation):
    """x with y multiplied in along a dimension, at repeated places again and again."""

    grad_name = "ScatterReduceBackward0"

    def forward(self, x: Any, y: Any, index: Any, dim: int) -> Any:
        """Multiply."""
        if self.recording:
            self.index, self.dim = kept(index), dim
        result = core.copy(x)
        np.multiply.at(result.reshape(-1), along(index, dim, result.shape), y)
        self.save_for_backward(x, y, result)
        return result

    def backward(self, grad: Tensor) -> Any:
        """Each factor's gradient is the product of the others.

        That is the whole divided by the factor, but for a factor of 0: with 1 in its place the whole is the product of
        the others, unless another factor of the same place is 0 as well.
        """
        x, y, result = self.saved_tensors
        index, dim, shape = self.index, self.dim, self.saved_tensors[0]._array.shape
        by_x = by_y = None
        if self.needs_input_grad[0]:
            safe = x.masked_fill(x == 0, 1)
            by_x = grad * Multiplied.apply(safe, y, index=index, dim=dim) / safe
        if self.needs_input_grad[1]:
            zero = y == 0
            zeros = _gathered(_added(index, dim, zero.to(y.dtype), shape), index, dim)
            alone = zero & (zeros == 1)
            filled = Multiplied.apply(x, y.masked_fill(alone, 1), index=index, dim=dim)
            others = _gathered(grad * filled, index, dim)
            shared = _gathered(grad * result, index, dim) / y.masked_fill(zero, 1)
            by_y = others.where(alone, shared)
        return by_x, by_y


class Extreme(Operation):
    """The largest, or smallest, of x and of all y that an index sends to the same place."""

    grad_name = "ScatterReduceBackward0"

    def forward(self, x: Any, y: Any, index: Any, dim: int, smallest: bool) -> Any:
        """Compare; a NaN wins."""
        if self.recording:
            self.index, self.dim = kept(index), dim
        result = core.copy(x)
        (np.minimum if smallest else np.maximum).at(result.reshape(-1), along(index, dim, result.shape), y)
        self.save_for_backward(x, y, result)
        return result

    def backward(self, grad: Tensor) -> Any:
        """Divide each gradient evenly among the equals that won."""
        x, y, result = self.saved_tensors
        index, dim = self.index, self.dim
        x_won, y_won = (x == result).to(x.dtype), (y == _gathered(result, index, dim)).to(x.dtype)
        share = grad / (x_won + _added(index, dim, y_won, x._array.shape))
        by_y = _gathered(share, index, dim) * y_won if self.needs_input_grad[1] else None
        return share * x_won if self.needs_input_grad[0] else None, by_y


# ---- functions ----


def _arguments(name: str, input: Tensor, dim: int, index: Tensor, src: Any) -> tuple[Tensor, Any, int, Tensor]:
    """Return (input, index array, dim, source), 0-d ones with a dimension, the source cut to the index."""
    x = check_tensor(input, name)
    if isinstance(src, Tensor):
        array, dim = check_index(name, x, dim, index, src)
        if src._array.dtype != x._array.dtype:
            raise RuntimeError(f"{name}(): Expected self.dtype to be equal to src.dtype")
    else:
        array, dim = check_index(name, x, dim, index)
        src = wrap(np.full(array.shape, src, x._array.dtype))
    if x._array.ndim == 0 or array.ndim == 0:
        x, array, src, dim = x.reshape(-1), array.reshape(-1), src.reshape(-1), 0
    return x, array, dim, src


def _cut(src: Tensor, index: Any) -> Tensor:
    """Return the part of the source that the index covers."""
    if src._array.shape == index.shape:
        return src
    return src[tuple([slice(size) for size in index.shape])]


@public(inplace=True, out=True)
@in_float32
def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Any = None,
    *,
    value: Any = None,
    reduce: str | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Return input with `src`, a tensor or a number, written along `dim` where `index` says (`torch.scatter`).

    `reduce` 'add' or 'multiply' combines instead. Raises RuntimeError for an index out of range or sizes that do not
    fit.
    """
    src = value if src is None else src
    if src is None:
        raise TypeError("scatter() received an invalid combination of arguments: src or value is missing")
    if reduce not in (None, "add", "multiply"):
        raise RuntimeError("reduce argument must be either add or multiply.")
    x, array, dim, src = _arguments("scatter", input, dim, index, src)
    if reduce == "add":
        y = AddAt.apply(x, src, index=array, dim=dim)
    elif reduce == "multiply":
        y = Multiplied.apply(x, _cut(src, array), index=array, dim=dim)
    else:
        y = PutAlong.apply(x, src, index=array, dim=dim)
    return y.reshape(input._array.shape)


@public(inplace=True, out=True)
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return input with `src` added along `dim` where `index` says, repeated places adding up (`torch.scatter_add`)."""
    check_tensor(src, "scatter_add", "src", 4)
    x, array, dim, src = _arguments("scatter_add", input, dim, index, src)
    return AddAt.apply(x, src, index=array, dim=dim).reshape(input._array.shape)


@public(inplace=True, out=True)
@in_float32
def scatter_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:
    """Return input reduced with `src` along `dim` where `index` says (`torch.scatter_reduce`).

    `reduce` is 'sum', 'prod', 'mean', 'amax' ('max') or 'amin' ('min'); without `include_self` the input's own elements
    there do not take part.
    """
    check_tensor(src, "scatter_reduce", "src", 4)
    reduce = {"max": "amax", "min": "amin"}.get(reduce, reduce)
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    x, array, dim, src = _arguments("scatter", input, dim, index, src)
    if array.size == 0:
        return x.clone().reshape(input._array.shape)
    return reduced(x, array, dim, _cut(src, array), reduce, include_self).reshape(input._array.shape)


def _neutral(reduce: str, numpy_dtype: Any) -> Any:
    """Return the number that does not change a reduction."""
    if reduce in ("sum", "mean", "prod"):
        return int(reduce == "prod")
    if numpy_dtype.kind == "f":
        return -np.inf if reduce == "amax" else np.inf
    if numpy_dtype.kind == "b":
        return reduce == "amin"
    limits = np.iinfo(numpy_dtype)
    return limits.min if reduce == "amax" else limits.max


def reduced(x: Tensor, index: Any, dim: int, src: Tensor, reduce: str, include_self: bool) -> Tensor:
    """Return x reduced with `src`, of the shape of `index`, along `dim`."""
    if not include_self:
        neutral = wrap(np.full(index.shape, _neutral(reduce, x._array.dtype), x._array.dtype))
        x = PutAlong.apply(x, neutral, index=index, dim=dim)
    if reduce == "prod":
        return Multiplied.apply(x, src, index=index, dim=dim)
    if reduce in ("amax", "amin"):
        return Extreme.apply(x, src, index=index, dim=dim, smallest=reduce == "amin")
    total = AddAt.apply(x, src, index=index, dim=dim)
    if reduce == "sum":
        return total
    count = np.full(x._array.shape, 1, x._array.dtype if x._array.dtype.kind == "f" else np.int64)
    flat, places = count.reshape(-1), along(index, dim, count.shape).reshape(-1)
    if not include_self:
        flat[places] = 0
    np.add.at(flat, places, 1)
    number = wrap(np.maximum(count, 1))
    return total / number if x._array.dtype.kind == "f" else (total // number).to(x.dtype)
