"""Joining tensors: cat, stack and their kin."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.dtypes import promote_types
from tinygrad_cnn.tensor import Tensor

from .base import check_tensor, wrap_dim, write_out
from .forms import public
from .promotion import cast
from .slices import narrow, select
from .views import reshape

# Below this NumPy's one call is faster than one of the core for each part; above it the core's threads are.
_SMALL = 1 << 16


class Cat(Operation):
    """Arrays of one dtype joined along a dimension."""

    grad_name = "CatBackward0"

    def forward(self, *arrays: Any, dim: int) -> Any:
        """Copy each to its place."""
        self.dim, self.sizes = dim, [array.shape[dim] for array in arrays]
        total = sum(self.sizes)
        if arrays[0].nbytes * total < core.SMALL * self.sizes[0]:  # so small that it lies in NumPy's memory anyway
            return np.concatenate(arrays, dim)
        shape = list(arrays[0].shape)
        shape[dim] = total
        out = core.empty(tuple(shape), arrays[0].dtype)
        if out.nbytes < _SMALL:
            return np.concatenate(arrays, dim, out)
        at: list[Any] = [slice(None)] * out.ndim
        start = 0
        for array, size in zip(arrays, self.sizes, strict=True):
            at[dim] = slice(start, start + size)
            core.copy_into(array, out[tuple(at)])
            start += size
        return out

    def backward(self, grad: Tensor) -> Any:
        """Give each its part."""
        grads, start = [], 0
        for size, needed in zip(self.sizes, self.needs_input_grad, strict=True):
            grads.append(narrow(grad, self.dim, start, size) if needed else None)
            start += size
        return tuple(grads)


def _of_one_dtype(tensors: list[Tensor]) -> list[Tensor]:
    """Return the tensors in their common dtype."""
    kind = tensors[0]._array.dtype
    for tensor in tensors:
        if tensor._array.dtype is not kind:
            break
    else:
        return tensors
    dtype = tensors[0].dtype
    for tensor in tensors:
        dtype = promote_types(dtype, tensor.dtype)
    return [cast(tensor, dtype) for tensor in tensors]


@public("concat", "concatenate", method=False)
def cat(tensors: Any, dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Return the tensors joined along `dim` (`torch.cat`); they agree in all other sizes, dtypes are promoted.

    An empty one-dimensional tensor goes with any shape, as in PyTorch. Raises ValueError for an empty list,
    RuntimeError where sizes differ.
    """
    if isinstance(tensors, Tensor):
        raise TypeError("cat(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor")
    tensors = list(tensors)
    if not tensors:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    kind = shape = None
    alike = True
    for i, tensor in enumerate(tensors):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(tensor).__name__}")
        array = tensor._array
        if kind is None:
            kind, shape = array.dtype, array.shape
        elif array.dtype is not kind or array.shape != shape:
            alike = False
        if not array.ndim:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    if alike:
        y = Cat.apply(*tensors, dim=wrap_dim(dim, len(shape or ())))
    else:
        parts, dim = _joinable(_of_one_dtype(tensors), dim)
        y = Cat.apply(*parts, dim=dim)
    return y if out is None else write_out("cat", out, y, *tensors)


def _joinable(tensors: list[Tensor], dim: int) -> tuple[list[Tensor], int]:
    """Return what is joined of tensors of different shapes, the empty ones of one dimension only if they want a
    gradient (in a shape that fits); and `dim` counted from the front. RuntimeError if they do not fit.
    """
    shapes = [tensor._array.shape for tensor in tensors]
    first = next(shape for shape in shapes if shape != (0,))
    dim = wrap_dim(dim, len(first))
    nothing = (*first[:dim], 0, *first[dim + 1 :])
    parts = [
        tensor if shape != (0,) else reshape(tensor, nothing)
        for tensor, shape in zip(tensors, shapes, strict=True)
        if shape != (0,) or tensor.requires_grad
    ]
    for i, shape in enumerate(shapes):
        if shape == (0,):
            continue
        if len(shape) != len(first):
            raise RuntimeError(f"Tensors must have same number of dimensions: got {len(first)} and {len(shape)}")
        if shape == first:
            continue
        for d, (size, expected) in enumerate(zip(shape, first, strict=True)):
            if d != dim and size != expected:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {expected} but got size "
                    f"{size} for tensor number {i} in the list."
                )
    return parts, dim


class Stack(Cat):
    """Arrays of one shape and dtype side by side along a new dimension."""

    grad_name = "StackBackward0"

    def forward(self, *arrays: Any, dim: int) -> Any:
        """Join them with a dimension of size 1 more."""
        new = (slice(None),) * dim + (None,)
        return super().forward(*[array[new] for array in arrays], dim=dim)

    def backward(self, grad: Tensor) -> Any:
        """Give each its part."""
        return tuple([select(grad, self.dim, i) if needed else None for i, needed in enumerate(self.needs_input_grad)])


@public(method=False)
def stack(tensors: Any, dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Return the tensors, all of one shape, joined along a new dimension `dim` (`torch.stack`)."""
    tensors = list(tensors)
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    for i, tensor in enumerate(tensors):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(tensor).__name__}")
    shape = tensors[0]._array.shape
    dim = wrap_dim(dim, len(shape) + 1)
    for i, tensor in enumerate(tensors):
        if tensor._array.shape != shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and "
                f"{list(tensor._array.shape)} at entry {i}"
            )
    y = Stack.apply(*_of_one_dtype(tensors), dim=dim)
    return y if out is None else write_out("stack", out, y, *tensors)


def _some(name: str, tensors: Any) -> list[Tensor]:
    parts = list(tensors)
    if not parts:
        raise RuntimeError(f"{name} expects a non-empty TensorList")
    return parts


@public(method=False, out=True)
def hstack(tensors: Any, *, out: Tensor | None = None) -> Tensor:
    """Return the tensors joined along the second dimension, one-dimensional ones along the first (`torch.hstack`)."""
    parts = [reshape(tensor, 1) if tensor._array.ndim == 0 else tensor for tensor in _some("hstack", tensors)]
    return cat(parts, 0 if parts[0]._array.ndim == 1 else 1)


@public("row_stack", method=False, out=True)
def vstack(tensors: Any, *, out: Tensor | None = None) -> Tensor:
    """Return the tensors, at least two-dimensional, joined along the first dimension (`torch.vstack`)."""
    return cat([reshape(tensor, 1, -1) if tensor._array.ndim < 2 else tensor for tensor in _some("vstack", tensors)], 0)


@public(method=False, out=True)
def dstack(tensors: Any, *, out: Tensor | None = None) -> Tensor:
    """Return the tensors, at least three-dimensional, joined along the third dimension (`torch.dstack`)."""
    return cat(atleast_3d(_some("dstack", tensors)), 2)


@public(method=False, out=True)
def column_stack(tensors: Any, *, out: Tensor | None = None) -> Tensor:
    """Return the tensors side by side, numbers and vectors as columns (`torch.column_stack`)."""
    columns = [reshape(x, (x._array.size, 1)) if x._array.ndim < 2 else x for x in _some("column_stack", tensors)]
    return hstack(columns)


def _at_least(least: int, tensors: tuple[Any, ...], shape: Any) -> Any:
    """Return each tensor in the shape that `shape` gives for it: one for one, a tuple for several or a list."""
    if len(tensors) == 1 and isinstance(tensors[0], Tensor):
        return reshape(tensors[0], shape(tensors[0]._array.shape))
    several = tensors[0] if len(tensors) == 1 else tensors
    if not isinstance(several, (tuple, list)):
        raise TypeError(f"atleast_{least}d(): expected tensors, or one list of them, but got {type(several).__name__}")
    return tuple([reshape(tensor, shape(check_tensor(tensor, f"atleast_{least}d")._array.shape)) for tensor in several])


@public(method=False)
def atleast_1d(*tensors: Any) -> Any:
    """Return tensors with at least one dimension (`torch.atleast_1d`)."""
    return _at_least(1, tensors, lambda shape: shape or (1,))


@public(method=False)
def atleast_2d(*tensors: Any) -> Any:
    """Return tensors with at least two dimensions: vectors are rows (`torch.atleast_2d`)."""
    return _at_least(2, tensors, lambda shape: shape if len(shape) > 1 else (1, *(shape or (1,))))


@public(method=False)
def atleast_3d(*tensors: Any) -> Any:
    """Return tensors with at least three dimensions, the third last: (n,) is (1, n, 1) (`torch.atleast_3d`)."""
    return _at_least(3, tensors, lambda shape: shape if len(shape) > 2 else (*((1,) * (2 - len(shape)) + shape), 1))
