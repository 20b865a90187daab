"""Reading and writing whole parts along one dimension that a vector names: index_select, index_add and their kin."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn.tensor import Tensor, wrap

from .base import check_tensor, scalar_name
from .forms import public
from .gather import check_index
from .halves import in_float32
from .indexing import PutAt, TakeAt
from .promotion import cast
from .scatter import reduced


def _place(dim: int, index: Any) -> tuple[Any, ...]:
    return (slice(None),) * dim + (index.reshape(-1),)


@public(out=True)
def index_select(input: Tensor, dim: int, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the parts along `dim` that the vector `index` names (`torch.index_select`)."""
    x = check_tensor(input, "index_select")
    if check_tensor(index, "index_select", "index", 3)._array.ndim > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    try:
        array, dim = check_index("index_select", x, dim, index, same_rank=False)
    except RuntimeError as error:
        if "out of bounds" in str(error):
            raise IndexError("index out of range in self") from None
        raise
    if x._array.ndim == 0:
        return x.clone()
    return TakeAt.apply(x, index=_place(dim, array), grad_name="IndexSelectBackward0")


def _parts(name: str, input: Tensor, dim: int, index: Tensor, source: Tensor) -> tuple[Tensor, Any, int, Tensor]:
    """Return (input, index array, dim, source), 0-d ones with a dimension; RuntimeError if the source does not fit."""
    x = check_tensor(input, name)
    check_tensor(source, name, "source", 4)
    if check_tensor(index, name, "index", 3)._array.ndim > 1:
        raise IndexError(f"{name}_(): Index is supposed to be a vector, but got dim: {index._array.ndim}")
    array, dim = check_index(name, x, dim, index, same_rank=False)
    if source.dtype is not x.dtype:
        raise RuntimeError(
            f"{name}_(): self ({scalar_name(x)}) and source ({scalar_name(source)}) must have the same scalar type"
        )
    if x._array.ndim == 0 or source._array.ndim == 0:
        x, source, dim = x.reshape(-1), source.reshape(-1), 0
    array = array.reshape(-1)
    expected = list(x._array.shape)
    expected[dim] = array.size
    if list(source._array.shape) != expected:
        rest, other = [list(s[:dim] + s[dim + 1 :]) for s in (x._array.shape, source._array.shape)]
        if rest != other:
            raise RuntimeError(
                "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = "
                f"{list(x._array.shape)} source.shape = {list(source._array.shape)}"
            )
        count, given = source._array.shape[dim], f"{name}_(): Number of indices ({array.size})"
        if name == "index_copy":
            raise IndexError(f"{given} should be equal to source.size(dim) ({count})")
        raise RuntimeError(f"{given} should be equal to source.size(dim): ({count}), for dim: {dim}")
    return x, array, dim, source


@public(inplace=True, out=True)
def index_add(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1, out: Tensor | None = None
) -> Tensor:
    """Return input with the parts of `source` added along `dim` at the places `index` (`torch.index_add`)."""
    x, array, dim, source = _parts("index_add", input, dim, index, source)
    scaled = source if alpha == 1 else cast(source * alpha, x.dtype)
    return PutAt.apply(x, scaled, index=_place(dim, array), accumulate=True).reshape(input._array.shape)


@public(inplace=True, out=True)
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return input with the parts of `source` written along `dim` at the places `index` (`torch.index_copy`)."""
    x, array, dim, source = _parts("index_copy", input, dim, index, source)
    return PutAt.apply(x, source, index=_place(dim, array), accumulate=False).reshape(input._array.shape)


@public(inplace=True)
@in_float32
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """Return input with `value` in the parts along `dim` that `index` names (`torch.index_fill`)."""
    x = check_tensor(input, "index_fill")
    array, dim = check_index("index_fill", x, dim, index, same_rank=False)
    if isinstance(value, Tensor):
        if value._array.ndim:
            raise RuntimeError(
                "index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
                f"{value._array.ndim} dimension(s)."
            )
        fill = value
    else:
        fill = wrap(np.array(value, x._array.dtype))
    where = _place(dim, np.unique(array))  # each place once: the value's gradient is the sum over places
    y = PutAt.apply(x.reshape(-1) if x._array.ndim == 0 else x, cast(fill, x.dtype), index=where, accumulate=False)
    return y.reshape(x._array.shape)


@public(inplace=True, out=True)
@in_float32
def index_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:
    """Return input reduced ('prod', 'mean', 'amax', 'amin') with the parts of `source` at the places `index`
    (`torch.index_reduce`)."""
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    x, array, dim, source = _parts("index_reduce", input, dim, index, source)
    shape = [array.size if d == dim else 1 for d in range(x._array.ndim)]
    places = np.broadcast_to(array.reshape(shape), source._array.shape)
    return reduced(x, places, dim, source, reduce, include_self).reshape(input._array.shape)
