"""Picking, writing and adding along one dimension, by index tensors: gather, scatter and their kin.

Index arithmetic is NumPy's. Reading at an index and adding at it are each other's gradients, which closes the family.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.grad_mode import mode
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.tensor import Tensor, wrap

from .base import check_tensor, wrap_dim, write_out
from .forms import public
from .slices import PutBasic


def _along(index: Any, dim: int) -> tuple[Any, ...]:
    """Return the index that takes the element index[i, j, ...] of `dim` at each place (i, j, ...)."""
    grid = list(np.ogrid[tuple([slice(size) for size in index.shape])]) if index.ndim else []
    grid[dim : dim + 1] = [index]
    return tuple(grid)


class Pick(Operation):
    """y[i, j, k] = x[i, index[i, j, k], k] for dim = 1, and so on: PyTorch's gather. `index` is an array.

    Without `keepdim` the dimension, of size 1 in `index`, is dropped: what max, sort and their kin pick.
    """

    grad_name = "GatherBackward0"
    serves_once = True

    def forward(self, x: Any, index: Any, dim: int, grad_name: str = "GatherBackward0", keepdim: bool = True) -> Any:
        """Read."""
        self.grad_name = grad_name
        self.shape, self.index, self.dim = x.shape, index, dim
        y = x[_along(index, dim)]
        return y if keepdim else y.reshape(y.shape[:dim] + y.shape[dim + 1 :])

    def backward(self, grad: Tensor) -> Tensor:
        """Add each gradient where its element was read."""
        if grad._array.ndim != self.index.ndim:
            grad = grad.unsqueeze(self.dim)
        return AddAt.apply(
            Tensor._zeros(self.shape, grad._array.dtype), grad, index=self.index, dim=self.dim, fresh=True
        )


class AddAt(Operation):
    """x with y added along a dimension, repeated places adding up: scatter_add."""

    grad_name = "ScatterAddBackward0"

    def forward(self, x: Any, y: Any, index: Any, dim: int, fresh: bool = False) -> Any:
        """Add; `fresh`: x is nobody else's and may be changed."""
        self.index, self.dim, self.y_shape = index, dim, y.shape
        result = x if fresh else core.copy(x)
        y = y if y.shape == index.shape else y[tuple([slice(size) for size in index.shape])]
        places = _along(index, dim)
        if index.ndim and index.shape[dim] == 1:  # no place can occur twice
            result[places] += y
        else:
            np.add.at(result, places, y)
        return result

    def backward(self, grad: Tensor) -> Any:
        """Pass on to x; read for y."""
        by_y = None
        if self.needs_input_grad[1]:
            by_y = _padded(Pick.apply(grad, index=self.index, dim=self.dim), self.y_shape)
        return grad if self.needs_input_grad[0] else None, by_y


def _padded(y: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return y in the front corner of zeros of `shape`."""
    if y._array.shape == shape:
        return y
    return PutBasic.apply(y, shape=shape, index=tuple([slice(size) for size in y._array.shape]))


class PutAlong(Operation):
    """x with y written along a dimension; of repeated places the last one stays: scatter."""

    grad_name = "ScatterBackward0"

    def forward(self, x: Any, y: Any, index: Any, dim: int) -> Any:
        """Write."""
        self.index, self.dim, self.y_shape = index, dim, y.shape
        result = core.copy(x)
        result[_along(index, dim)] = y[tuple([slice(size) for size in index.shape])]
        return result

    def backward(self, grad: Tensor) -> Any:
        """Zeros for x where it was overwritten, the rest for y."""
        by_x = by_y = None
        if self.needs_input_grad[0]:
            zeros = Tensor._zeros(self.index.shape, grad._array.dtype)
            by_x = PutAlong.apply(grad, zeros, index=self.index, dim=self.dim)
        if self.needs_input_grad[1]:
            by_y = _padded(Pick.apply(grad, index=self.index, dim=self.dim), self.y_shape)
        return by_x, by_y


def check_index(name: str, input: Tensor, dim: int, index: Any, same_rank: bool = True) -> tuple[Any, int]:
    """Return (index array, dim); index must be int64 (or int32), of the input's rank, and within bounds."""
    x, array = input._array, check_tensor(index, name, "index", 3)._array
    dim = wrap_dim(dim, x.ndim)
    if array.dtype.kind != "i":
        expected = "int32/int64" if name == "gather" else "int64"
        raise RuntimeError(f"{name}(): Expected dtype {expected} for index")
    if same_rank and array.ndim != x.ndim and not (x.ndim == 0 or array.ndim == 0):
        raise RuntimeError(f"Index tensor must have the same number of dimensions as {_target(name)} tensor")
    size = x.shape[dim] if x.ndim else 1
    if array.size:
        low, high = int(array.min()), int(array.max())
        if low < 0 or high >= size:
            wrong = low if low < 0 else high
            kind = IndexError if name == "index_fill" or (name == "index_add" and x.ndim < 2) else RuntimeError
            raise kind(f"index {wrong} is out of bounds for dimension {dim} with size {size}")
    return array, dim


def _target(name: str) -> str:
    return "input" if name == "gather" else "self"


def _check_sizes(name: str, index: Any, dim: int, x: Any, src: Any = None) -> None:
    for d in range(index.ndim):
        beyond_x = d != dim and x.ndim and index.shape[d] > x.shape[d]
        beyond_src = src is not None and src.ndim and index.shape[d] > src.shape[d]
        if index.size and (beyond_x or beyond_src):
            if name == "gather":
                raise RuntimeError(
                    f"Size does not match at dimension {d} expected index {list(index.shape)} to be no larger than "
                    f"self {list(x.shape)} apart from dimension {dim}"
                )
            also = f" and to be no larger size than src {list(src.shape)}" if src is not None else ""
            raise RuntimeError(
                f"Expected index {list(index.shape)} to be no larger than self {list(x.shape)} apart from dimension "
                f"{dim}{also}"
            )


@public()
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False, out: Tensor | None = None) -> Tensor:
    """Return the elements that `index`, of the input's rank, names along `dim` (`torch.gather`).

    Raises RuntimeError for an index out of range, of another rank, or not int64. `sparse_grad` is not implemented.
    """
    if sparse_grad:
        raise NotImplementedError("gather: sparse_grad=True needs sparse tensors, which do not exist here")
    x = check_tensor(input, "gather")
    array, dim = check_index("gather", x, dim, index)
    _check_sizes("gather", array, dim, x._array)
    if x._array.ndim == 0 or array.ndim == 0:
        y = Pick.apply(x.reshape(-1), index=array.reshape(-1), dim=0).reshape(array.shape)
    else:
        y = Pick.apply(x, index=array, dim=dim)
    return y if out is None else write_out("gather", out, y, input)


@public()
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """Return the elements at `indices` along `dim`, other dimensions broadcast; flattened without `dim`."""
    if dim is None:
        return gather(input.reshape(-1), 0, indices.reshape(-1))
    dim = wrap_dim(dim, input._array.ndim)
    shape, places = list(input._array.shape), list(indices._array.shape)
    joint = list(np.broadcast_shapes(shape[:dim] + [1] + shape[dim + 1 :], places[:dim] + [1] + places[dim + 1 :]))
    return gather(
        input.expand(*joint[:dim], shape[dim], *joint[dim + 1 :]),
        dim,
        indices.expand(*joint[:dim], places[dim], *joint[dim + 1 :]),
    )


def _scatter_arguments(name: str, input: Tensor, dim: int, index: Tensor, src: Any) -> tuple[Tensor, Any, int, Tensor]:
    x = check_tensor(input, name)
    array, dim = check_index(name, x, dim, index)
    if isinstance(src, Tensor):
        if src._array.dtype != x._array.dtype:
            raise RuntimeError(f"{name}(): Expected self.dtype to be equal to src.dtype")
        _check_sizes(name, array, dim, x._array, src._array)
    else:
        src = wrap(np.full(array.shape, src, x._array.dtype))
        _check_sizes(name, array, dim, x._array)
    return x, array, dim, src


@public(inplace=True)
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """Return input with `src`, a tensor or a number, written along `dim` where `index` says (`torch.scatter`).

    `reduce` 'add' or 'multiply' combines instead. Raises RuntimeError for an index out of range or sizes that do not
    fit.
    """
    src = value if src is None else src
    if src is None:
        raise TypeError("scatter() received an invalid combination of arguments: src or value is missing")
    x, array, dim, src = _scatter_arguments("scatter", input, dim, index, src)
    if reduce == "add":
        return AddAt.apply(x, src, index=array, dim=dim)
    if reduce == "multiply":
        result = x._array.copy()
        if mode.enabled and (x.requires_grad or src.requires_grad):
            raise NotImplementedError("scatter: the derivative of reduce='multiply' is not implemented")
        np.multiply.at(result, _along(array, dim), src._array[tuple([slice(size) for size in array.shape])])
        return wrap(result)
    if reduce is not None:
        raise RuntimeError("reduce argument must be either add or multiply.")
    if x._array.ndim == 0:
        return PutAlong.apply(x.reshape(1), src.reshape(-1), index=array.reshape(-1), dim=0).reshape(())
    return PutAlong.apply(x, src, index=array, dim=dim)


@public(inplace=True)
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """Return input with `src` added along `dim` where `index` says, repeated places adding up (`torch.scatter_add`)."""
    check_tensor(src, "scatter_add", "src", 4)
    x, array, dim, src = _scatter_arguments("scatter_add", input, dim, index, src)
    return AddAt.apply(x, src, index=array, dim=dim)
