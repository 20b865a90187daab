"""Picking, writing and adding along one dimension, by index tensors: gather; its functions that write: `scatter.py`.

Index arithmetic is NumPy's. Reading at an index and adding at it are each other's gradients, which closes the family.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.tensor import Tensor, wrap

from .base import check_tensor, scalar_name, wrap_dim, write_out
from .forms import public
from .places import along, kept
from .slices import PutBasic


def _grid(index: Any, dim: int) -> tuple[Any, ...]:
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
        if self.recording:
            self.shape, self.index, self.dim = x.shape, kept(index), dim
        y = np.asarray(x.reshape(-1).take(along(index, dim, x.shape))) if x.flags.c_contiguous else x[_grid(index, dim)]
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
        if self.recording:
            self.index, self.dim, self.y_shape = kept(index), dim, y.shape
        result = x if fresh else core.copy(x)
        y = y if y.shape == index.shape else y[tuple([slice(size) for size in index.shape])]
        np.add.at(result.reshape(-1), along(index, dim, result.shape).reshape(-1), y.reshape(-1))
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
        if self.recording:
            self.index, self.dim, self.y_shape = kept(index), dim, y.shape
        result = core.copy(x)
        result.reshape(-1)[along(index, dim, result.shape)] = y[tuple([slice(size) for size in index.shape])]
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


def check_index(name: str, input: Tensor, dim: int, index: Any, src: Any = None, same_rank: bool = True) -> Any:
    """Return (index array, dim); index must be int64 (or int32), fit the input (and `src`), and lie within bounds."""
    x, array = input._array, check_tensor(index, name, "index", 3)._array
    dim = wrap_dim(dim, x.ndim)
    if array.dtype.kind != "i":
        if array.size:
            expected = "int32/int64" if name == "gather" else "int64"
            raise RuntimeError(f"{name}(): Expected dtype {expected} for index")
        array = array.astype(np.int64)
    if same_rank:
        if array.ndim != x.ndim and x.ndim and array.ndim and array.size:
            raise RuntimeError(f"Index tensor must have the same number of dimensions as {_target(name)} tensor")
        if src is not None and array.ndim != src._array.ndim and not (src._array.ndim == 0 or array.ndim == 0):
            raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
        _check_sizes(name, array, dim, x, None if src is None else src._array)
    size = x.shape[dim] if x.ndim else 1
    if array.size:
        low, high = int(array.min()), int(array.max())
        if name == "index_fill" and -size <= low < 0:  # the only one of these functions that counts from the end, too
            array, low = np.where(array < 0, array + size, array), 0
        if low < 0 or high >= size:
            wrong = low if low < 0 else high
            by_vector = name in ("index_fill", "index_copy") or (name == "index_add" and x.ndim < 2)
            kind = IndexError if by_vector else RuntimeError
            raise kind(f"index {wrong} is out of bounds for dimension {dim} with size {size}")
    return array, dim


def _target(name: str) -> str:
    return "input" if name == "gather" else "self"


def _check_sizes(name: str, index: Any, dim: int, x: Any, src: Any = None) -> None:
    if index.size == 0:
        return
    for d in range(index.ndim):
        beyond_x = d != dim and x.ndim and index.shape[d] > x.shape[d]
        beyond_src = src is not None and src.ndim and index.shape[d] > src.shape[d]
        if beyond_x or beyond_src:
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
    if x._array.ndim == 0 or array.ndim == 0:
        y = Pick.apply(x.reshape(-1), index=array.reshape(-1), dim=0).reshape(array.shape)
    elif array.ndim != x._array.ndim:  # allowed of an empty index
        y = wrap(core.empty(array.shape, x._array.dtype))
        y = y + x.sum() * 0 if x.requires_grad else y
    else:
        y = Pick.apply(x, index=array, dim=dim)
    return y if out is None else write_out("gather", out, y, input)


@public(out=True)
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """Return the elements at `indices` along `dim`, other dimensions broadcast; flattened without `dim`."""
    if dim is None:
        return take_along_dim(input.reshape(-1), indices.reshape(-1), 0)
    dim = wrap_dim(dim, input._array.ndim)
    if input._array.ndim != indices._array.ndim:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, but got "
            f"{input._array.ndim} dimensions for input, and {indices._array.ndim} dimensions for indices"
        )
    if indices._array.dtype != np.int64:
        raise RuntimeError(f"torch.take_along_dim(): dtype of indices should be Long but got {scalar_name(indices)}")
    indices = wrap(np.where(indices._array < 0, indices._array + input._array.shape[dim], indices._array))
    shape, places = list(input._array.shape), list(indices._array.shape)
    joint = list(np.broadcast_shapes(shape[:dim] + [1] + shape[dim + 1 :], places[:dim] + [1] + places[dim + 1 :]))
    return gather(
        input.expand(*joint[:dim], shape[dim], *joint[dim + 1 :]),
        dim,
        indices.expand(*joint[:dim], places[dim], *joint[dim + 1 :]),
    )
