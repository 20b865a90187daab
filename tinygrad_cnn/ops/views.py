"""Views of all elements: other shapes and orders of the same memory."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.operation import ViewOperation
from tinygrad_cnn.dtypes import dtype as DType
from tinygrad_cnn.dtypes import scalar_name as _scalar_name
from tinygrad_cnn.tensor import Tensor, wrap

from .base import check_tensor, clone, scalar_name, sizes_of, wrap_dim
from .forms import public

# ---- shape ----


@lru_cache(maxsize=4096)
def inferred(shape: tuple[int, ...], count: int) -> tuple[int, ...]:
    """Return `shape` with -1 replaced by what makes `count` elements; RuntimeError if that is impossible."""
    if prod(shape) == count and min(shape, default=0) >= 0:
        return shape
    known, unknown = 1, -1
    for i, size in enumerate(shape):
        if size >= 0:
            known *= size
        elif size == -1:
            if unknown >= 0:
                raise RuntimeError("only one dimension can be inferred")
            unknown = i
        else:
            raise RuntimeError(f"invalid shape dimension {size} at index {i} of shape {list(shape)}")
    if unknown >= 0 and known and count % known == 0:
        return (*shape[:unknown], count // known, *shape[unknown + 1 :])
    if unknown >= 0 and known == 0 and count == 0:
        raise RuntimeError(
            f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified dimension size -1 "
            "can be any value and is ambiguous"
        )
    raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {count}")


def view_strides(array: Any, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the strides (in bytes) with which `shape` is a view of `array`, or None if only a copy has it.

    Old dimensions are joined to the longest blocks that are dense in themselves; each new dimension must divide one.
    """
    if array.size == 0 or array.flags.c_contiguous:
        return np.empty(shape, np.uint8).strides if array.size == 0 else _dense_strides(shape, array.itemsize)
    old = [(size, stride) for size, stride in zip(array.shape, array.strides, strict=True) if size != 1]
    blocks: list[list[int]] = []  # [elements, stride of the last dimension, stride that continues the block]
    for size, stride in old:
        if blocks and blocks[-1][1] == stride * size:
            blocks[-1][0] *= size
            blocks[-1][1] = stride
        else:
            blocks.append([size, stride])
    strides = [array.itemsize] * len(shape)
    last = len(blocks) - 1
    remaining = blocks[last][0] if blocks else 1
    step = blocks[last][1] if blocks else array.itemsize
    for d in range(len(shape) - 1, -1, -1):
        size = shape[d]
        if size == 1:
            strides[d] = step
            continue
        if remaining == 1:
            last -= 1
            remaining, step = blocks[last]
        if remaining % size:
            return None
        strides[d] = step
        remaining //= size
        step *= size
    return tuple(strides)


def _dense_strides(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    strides, step = [itemsize] * len(shape), itemsize
    for d in range(len(shape) - 1, -1, -1):
        strides[d] = step
        step *= shape[d]
    return tuple(strides)


class View(ViewOperation):
    """The same elements in another shape. Where memory does not allow a view, `reshape` copies first, `view` raises."""

    grad_name = "ViewBackward0"

    @classmethod
    def view(cls, x: Any, shape: tuple[int, ...], grad_name: str = "") -> Any:
        """Return x in `shape`, on its memory."""
        if x.flags.c_contiguous:
            try:
                return x.reshape(shape)
            except ValueError:
                raise core.too_large(shape) from None
        strides = view_strides(x, shape)
        if strides is None:
            raise RuntimeError(
                "view size is not compatible with input tensor's size and stride (at least one dimension spans across "
                "two contiguous subspaces). Use .reshape(...) instead."
            )
        return np.lib.stride_tricks.as_strided(x, shape, strides)

    def remember(self, x: Any, shape: tuple[int, ...], grad_name: str = "ViewBackward0") -> None:
        """Note the shape before."""
        self.shape = x.shape
        self.grad_name = grad_name

    def backward(self, grad: Tensor) -> Tensor:
        """Shape the gradient back."""
        return reshaped(grad, self.shape)


@public()
def reshape(input: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """Return the elements in another shape, -1 for a size to infer.

    A view where possible, else a copy (`torch.reshape`).
    """
    if not isinstance(input, Tensor):
        check_tensor(input, "reshape")
    sizes = sizes if shape is None else (shape,)
    return reshaped(input, inferred(sizes_of(sizes, "reshape"), input._array.size))


def reshaped(input: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Return the elements in another shape of as many: a view where possible, else a copy."""
    array = input._array
    if array.flags.c_contiguous or view_strides(array, sizes) is not None:
        return View.apply(input, sizes)
    return View.apply(clone(input), sizes, "UnsafeViewBackward0")


@public(function=False)
def view(input: Tensor, *sizes: Any, size: Any = None, dtype: Any = None) -> Tensor:
    """Return a view of the memory in another shape, or as another dtype (`Tensor.view`).

    Raises RuntimeError if the element counts differ or the strides do not allow a view.
    """
    if size is not None or dtype is not None:
        sizes = (size if dtype is None else dtype,)
    if len(sizes) == 1 and isinstance(sizes[0], DType):
        return _view_dtype(input, sizes[0])
    return View.apply(input, inferred(sizes_of(sizes, "view"), input._array.size))


def _view_dtype(input: Tensor, dtype: DType) -> Tensor:
    """Return the memory read as another dtype, outside the graph."""
    array, size = input._array, dtype._numpy.itemsize
    if size != array.itemsize:
        what = f"to view {scalar_name(input)} as {_scalar_name(dtype)} (different element sizes)"
        ratio = size // array.itemsize
        if array.ndim == 0:
            raise RuntimeError(f"self.dim() cannot be 0 {what}")
        if ratio and array.shape[-1] % ratio:
            raise RuntimeError(f"self.size(-1) must be divisible by {ratio} {what}, but got {array.shape[-1]}")
        if array.strides[-1] != array.itemsize:
            raise RuntimeError(f"self.stride(-1) must be 1 {what}, but got {array.strides[-1] // array.itemsize}")
    result = wrap(array.view(dtype._numpy))
    result._version_counter = input._counter()
    return result


@public(function=False)
def view_as(input: Tensor, other: Tensor) -> Tensor:
    """Return `input.view(other.shape)` (`Tensor.view_as`)."""
    return view(input, other._array.shape)


@public(function=False)
def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """Return `input.reshape(other.shape)` (`Tensor.reshape_as`)."""
    return reshape(input, other._array.shape)


@public()
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Return the dimensions from start_dim to end_dim as one (`torch.flatten`); RuntimeError if start is after end."""
    shape = check_tensor(input, "flatten")._array.shape
    start, end = wrap_dim(start_dim, len(shape)), wrap_dim(end_dim, len(shape))
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if not shape:
        return reshape(input, 1)
    if start == end:
        return input
    return reshaped(input, (*shape[:start], prod(shape[start : end + 1]), *shape[end + 1 :]))


@public()
def unflatten(input: Tensor, dim: int, sizes: Any) -> Tensor:
    """Return one dimension split into several (`torch.unflatten`)."""
    shape = check_tensor(input, "unflatten")._array.shape
    dim = wrap_dim(dim, len(shape))
    if not sizes:
        raise RuntimeError("unflatten: sizes must be non-empty")
    try:
        inner = inferred(sizes_of((sizes,), "unflatten"), shape[dim])
    except RuntimeError:
        raise RuntimeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} ({shape[dim]}) in the "
            "input tensor"
        ) from None
    return view(input, (*shape[:dim], *inner, *shape[dim + 1 :]))


@public()
def ravel(input: Tensor) -> Tensor:
    """Return the elements in one dimension (`torch.ravel`)."""
    return reshape(input, -1)


@public()
def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """Return a view without the dimensions of size 1: all of them, or those of `dim` that are (`torch.squeeze`)."""
    shape = check_tensor(input, "squeeze")._array.shape
    if dim is None:
        return View.apply(input, tuple([size for size in shape if size != 1]), "SqueezeBackward0")
    several = isinstance(dim, (tuple, list))
    dims = {wrap_dim(d, len(shape)) for d in (dim if several else (dim,))}
    kept = tuple([size for d, size in enumerate(shape) if size != 1 or d not in dims])
    return View.apply(input, kept, "SqueezeBackward2" if several else "SqueezeBackward1")


@public()
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """Return a view with a new dimension of size 1 at `dim` (`torch.unsqueeze`)."""
    shape = check_tensor(input, "unsqueeze")._array.shape
    dim = wrap_dim(dim, len(shape) + 1)
    return View.apply(input, (*shape[:dim], 1, *shape[dim:]), "UnsqueezeBackward0")
