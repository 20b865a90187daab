"""Repetition without memory, and its inverse: expand, broadcast_to, meshgrid, and the sum that undoes a broadcast."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.operation import ViewOperation
from tinygrad_cnn.dtypes import Size
from tinygrad_cnn.tensor import Tensor

from .base import broadcast_error, check_tensor, sizes_of
from .forms import public
from .reduce import Sum
from .views import View, reshape


class Expand(ViewOperation):
    """Dimensions of size 1, and new leading ones, repeated without a copy; read only."""

    grad_name = "ExpandBackward0"

    @classmethod
    def view(cls, x: Any, shape: tuple[int, ...]) -> Any:
        """Return the view."""
        try:
            if x.size == 0 or not x.flags.c_contiguous:
                return np.broadcast_to(x, shape)
            view = np.ndarray(shape, x.dtype, x, 0, _strides(x.shape, shape, x.strides))  # at a tenth of its cost
            view.setflags(False)  # at a third of the cost of `flags.writeable`
            return view
        except ValueError:
            raise core.too_large(shape) from None

    def remember(self, x: Any, shape: tuple[int, ...]) -> None:
        """Note nothing: the engine knows the input's shape."""

    def backward(self, grad: Tensor) -> Tensor:
        """Hand it to the engine, which adds up what was repeated."""
        return grad


@lru_cache(maxsize=4096)
def _strides(own: tuple[int, ...], shape: tuple[int, ...], strides: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides with which an array of the shape `own` is repeated to `shape`."""
    lead = len(shape) - len(own)
    return (0,) * lead + tuple([0 if a != b else s for a, b, s in zip(own, shape[lead:], strides, strict=True)])


@public(function=False)
def expand(input: Tensor, *sizes: Any, size: Any = None, implicit: bool = False) -> Tensor:
    """Return a view repeated to `sizes`, -1 for a size that stays (`Tensor.expand`).

    RuntimeError where it does not fit.
    """
    shape, target = input._array.shape, sizes_of(sizes if size is None else (size,), "expand")
    lead = len(target) - len(shape)
    if lead < 0:
        raise RuntimeError(
            f"expand({input.type()}{{{list(shape)}}}, size={list(target)}): the number of sizes provided "
            f"({len(target)}) must be greater or equal to the number of dimensions in the tensor ({len(shape)})"
        )
    result = list(target)
    for d, size in enumerate(target):
        own = shape[d - lead] if d >= lead else 1
        if size == -1:
            if d < lead:
                raise RuntimeError(
                    f"The expanded size of the tensor ({size}) isn't allowed in a leading, non-existing dimension {d}"
                )
            result[d] = own
        elif size != own and own != 1:
            raise RuntimeError(
                f"The expanded size of the tensor ({size}) must match the existing size ({own}) at non-singleton "
                f"dimension {d}.  Target sizes: {list(target)}.  Tensor sizes: {list(shape)}"
            )
        elif size < 0:
            raise RuntimeError(f"The expanded size of the tensor ({size}) isn't allowed: sizes are not negative")
    return Expand.apply(input, tuple(result))


@public(function=False)
def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """Return `input.expand(other.shape)` (`Tensor.expand_as`)."""
    return expand(input, other._array.shape)


@public()
def broadcast_to(input: Tensor, size: Any) -> Tensor:
    """Return `input.expand(size)` (`torch.broadcast_to`)."""
    return expand(input, size)


@public(method=False)
def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """Return the tensors expanded to their common shape (`torch.broadcast_tensors`)."""
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    arrays = [check_tensor(tensor, "broadcast_tensors")._array for tensor in tensors]
    try:
        shape = np.broadcast_shapes(*[array.shape for array in arrays])
    except ValueError:
        raise broadcast_error(*arrays) from None
    return tuple([expand(tensor, shape) for tensor in tensors])


@public(method=False)
def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Return the coordinates of a grid, one tensor for each given vector (`torch.meshgrid`); indexing 'ij' or 'xy'."""
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    for tensor in tensors:
        if check_tensor(tensor, "meshgrid").ndim > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {tensor}")
    swap = indexing == "xy" and len(tensors) > 1
    vectors = [reshape(tensor, -1) for tensor in tensors]
    if swap:
        vectors[0], vectors[1] = vectors[1], vectors[0]
    shape = [vector._array.size for vector in vectors]
    grids = []
    for d, vector in enumerate(vectors):
        grids.append(expand(reshape(vector, [-1 if i == d else 1 for i in range(len(shape))]), shape))
    if swap:
        grids[0], grids[1] = grids[1], grids[0]
    return tuple(grids)


@public(function=False)
def sum_to_size(input: Tensor, *size: Any) -> Tensor:
    """Return the sum over the dimensions that `size` lacks or has as 1 (`Tensor.sum_to_size`)."""
    target = sizes_of(size, "sum_to_size")
    if not target:
        return input.sum()
    return unbroadcast(input, target)


def unbroadcast(input: Tensor, target: tuple[int, ...]) -> Tensor:
    """Return `input` summed to the shape that was broadcast to its own; itself if they are equal."""
    shape = input._array.shape
    if shape == target:
        return input
    y = Sum.apply(input, dims=_repeated(shape, target), keepdim=True)
    return View.apply(y, target) if len(shape) != len(target) else y


@lru_cache(maxsize=4096)
def _repeated(shape: tuple[int, ...], target: tuple[int, ...]) -> tuple[int, ...]:
    """Return the dimensions of `shape` that `target` lacks or has as 1; RuntimeError if it is not expandable."""
    lead = len(shape) - len(target)
    fits = lead >= 0 and all(t in (1, s) for s, t in zip(shape[lead:], target, strict=True))
    if not fits:
        raise RuntimeError(f"size {{{list(target)}}} is not expandable to size {{{list(shape)}}}.")
    return tuple([d for d in range(len(shape)) if d < lead or (target[d - lead] == 1 and shape[d] != 1)])


@public(method=False)
def broadcast_shapes(*shapes: Any) -> Size:
    """Return the shape in which shapes (sequences, or ints for one dimension) meet (`torch.broadcast_shapes`).

    Raises RuntimeError if they do not, ValueError for a negative size.
    """
    sizes = [(shape,) if isinstance(shape, int) else tuple(shape) for shape in shapes]
    joint = [1] * max(map(len, sizes), default=0)
    for index, shape in enumerate(sizes):
        for d in range(-1, -1 - len(shape), -1):
            if shape[d] < 0 and joint[d] in (1, shape[d]):
                raise ValueError(
                    f"Attempting to broadcast a dimension with negative length! Argument {index} has {shape}"
                )
            if shape[d] not in (1, joint[d]) and joint[d] != 1:
                raise RuntimeError(
                    f"Attempting to broadcast a dimension of length {shape[d]} at {d}! Mismatching argument at index "
                    f"{index} had {shape}; but expected shape should be broadcastable to {joint}"
                )
            joint[d] = shape[d] if joint[d] == 1 else joint[d]
    return Size(joint)
