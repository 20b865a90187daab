"""Joining, splitting, and copies with elements in other places or repeated."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.dtypes import promote_types
from tinygrad_cnn.tensor import Tensor, wrap

from .base import check_tensor, clone, index_of, numpy_names, sizes_of, wrap_dim, wrap_dims, write_out
from .broadcasting import expand
from .promotion import cast
from .slices import narrow, select
from .views import reshape

# ---- joining ----


# Below this NumPy's one call is faster than one of the core for each part; above it the core's threads are.
_SMALL = 1 << 16


class Cat(Operation):
    """Arrays of one dtype joined along a dimension."""

    grad_name = "CatBackward0"

    def forward(self, *arrays: Any, dim: int) -> Any:
        """Copy each to its place."""
        self.dim, self.sizes = dim, [array.shape[dim] for array in arrays]
        shape = list(arrays[0].shape)
        shape[dim] = sum(self.sizes)
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


def _is_legacy_empty(tensor: Tensor) -> bool:
    return tensor._array.shape == (0,)


@numpy_names
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
    for i, tensor in enumerate(tensors):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(tensor).__name__}")
        if tensor._array.ndim == 0:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    tensors = _of_one_dtype(tensors)
    parts = [tensor for tensor in tensors if not _is_legacy_empty(tensor)] or [tensors[0]]
    first = parts[0]._array.shape
    dim = wrap_dim(dim, len(first))
    for i, tensor in enumerate(tensors):
        shape = tensor._array.shape
        if _is_legacy_empty(tensor):
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
    y = Cat.apply(*parts, dim=dim)
    return y if out is None else write_out("cat", out, y, *tensors)


concat = concatenate = cat


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


@numpy_names
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


def hstack(tensors: Any) -> Tensor:
    """Return the tensors joined along the second dimension, one-dimensional ones along the first (`torch.hstack`)."""
    parts = [reshape(tensor, 1) if tensor._array.ndim == 0 else tensor for tensor in tensors]
    return cat(parts, 0 if parts[0]._array.ndim == 1 else 1)


def vstack(tensors: Any) -> Tensor:
    """Return the tensors, at least two-dimensional, joined along the first dimension (`torch.vstack`)."""
    return cat([reshape(tensor, 1, -1) if tensor._array.ndim < 2 else tensor for tensor in tensors], 0)


# ---- splitting ----


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Return the views along `dim`, without it (`torch.unbind`)."""
    shape = check_tensor(input, "unbind")._array.shape
    if not shape:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    dim = wrap_dim(dim, len(shape))
    return tuple([select(input, dim, i) for i in range(shape[dim])])


def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Return views of one size along `dim`, the last possibly smaller, or of the sizes in a list (`torch.split`)."""
    shape = check_tensor(tensor, "split")._array.shape
    if not shape:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    dim = wrap_dim(dim, len(shape))
    size = shape[dim]
    if isinstance(split_size_or_sections, (tuple, list)):
        sizes = sizes_of((split_size_or_sections,), "split")
        if sum(sizes) != size or any(part < 0 for part in sizes):
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {size} (input tensor's size at dimension "
                f"{dim}), but got split_sizes={list(sizes)}"
            )
    else:
        step = index_of(split_size_or_sections)
        if step < 0:
            raise RuntimeError(f"split expects split_size be non-negative, but got split_size={step}")
        if step == 0 and size:
            raise RuntimeError(
                "split_size can only be 0 if dimension size is 0, but got dimension size of " + str(size)
            )
        sizes = tuple([min(step, size - start) for start in range(0, size, step)]) if size else (0,)
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    return tuple([narrow(tensor, dim, start, part) for start, part in zip(starts, sizes, strict=True)])


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Return at most `chunks` views of equal size along `dim`, the last possibly smaller (`torch.chunk`)."""
    shape = check_tensor(input, "chunk")._array.shape
    if not shape:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    size = shape[wrap_dim(dim, len(shape))]
    if size == 0:
        return split(input, [0] * chunks, dim)
    return split(input, -(-size // chunks), dim)


# ---- rearranging ----


class Rearranged(Operation):
    """A copy with elements in other places, by a NumPy function; `inverse` brings them back."""

    grad_name = "FlipBackward0"

    def forward(self, x: Any, kind: str, params: tuple[Any, ...]) -> Any:
        """Rearrange."""
        self.kind, self.params = kind, params
        self.grad_name = f"{kind.capitalize()}Backward0"
        return core.copy(np.flip(x, params)) if kind == "flip" else np.roll(x, *params)

    def backward(self, grad: Tensor) -> Tensor:
        """Rearrange back: a flip undoes itself, a roll is undone by the opposite one."""
        params = self.params
        if self.kind == "roll":
            params = (tuple([-shift for shift in params[0]]), params[1])
        return Rearranged.apply(grad, kind=self.kind, params=params)


def flip(input: Tensor, *dims: Any) -> Tensor:
    """Return a copy with the order reversed along `dims` (`torch.flip`)."""
    ndim = check_tensor(input, "flip")._array.ndim
    sizes = sizes_of(dims, "flip")
    return Rearranged.apply(input, kind="flip", params=wrap_dims(sizes, ndim) if sizes else ())


def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """Return a copy with elements moved by `shifts` along `dims`, cyclically; flattened without dims (`torch.roll`)."""
    ndim = check_tensor(input, "roll")._array.ndim
    by = tuple(shifts) if isinstance(shifts, (tuple, list)) else (shifts,)
    if dims is None or dims == ():
        if len(by) != 1:
            raise RuntimeError(f"shifts and dimensions must align. shifts: {len(by)}, dims:0")
        flat = Rearranged.apply(reshape(input, -1), kind="roll", params=(by, (0,)))
        return reshape(flat, input._array.shape)
    axes = tuple([wrap_dim(d, ndim) for d in (dims if isinstance(dims, (tuple, list)) else (dims,))])
    if len(axes) != len(by):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(by)}, dims:{len(axes)}")
    return Rearranged.apply(input, kind="roll", params=(by, axes))


def repeat(input: Tensor, *repeats: Any) -> Tensor:
    """Return a copy repeated along each dimension, new leading ones included (`Tensor.repeat`)."""
    shape, times = input._array.shape, sizes_of(repeats, "repeat")
    lead = len(times) - len(shape)
    if lead < 0:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    if any(n < 0 for n in times):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(times)}: {list(times)}")
    shape = (1,) * lead + shape
    # (a, b) repeated (m, n) times is (1, a, 1, b) expanded to (m, a, n, b) and flattened.
    between = [size for pair in zip((1,) * len(times), shape, strict=True) for size in pair]
    wide = [size for pair in zip(times, shape, strict=True) for size in pair]
    final = [n * size for n, size in zip(times, shape, strict=True)]
    return reshape(clone(expand(reshape(input, between), wide)), final)


def tile(input: Tensor, *dims: Any) -> Tensor:
    """Return a copy repeated `dims` times, missing leading counts being 1 (`torch.tile`)."""
    times = sizes_of(dims, "tile")
    return repeat(input, (1,) * (check_tensor(input, "tile")._array.ndim - len(times)) + times)


def repeat_interleave(input: Tensor, repeats: Any, dim: int | None = None, *, output_size: int | None = None) -> Tensor:
    """Return each element, or each part along `dim`, repeated in place (`torch.repeat_interleave`)."""
    from .indexing import index_select

    x = reshape(input, -1) if dim is None else input
    dim = wrap_dim(0 if dim is None else dim, x._array.ndim)
    times = repeats._array if isinstance(repeats, Tensor) else np.asarray(repeats)
    if (times < 0).any():
        raise RuntimeError("repeats can not be negative")
    if times.ndim and times.size not in (1, x._array.shape[dim]):
        raise RuntimeError(
            "repeats must have the same size as input along dim, but got repeats.size(0) = "
            f"{times.size} and input.size({dim}) = {x._array.shape[dim]}"
        )
    places = np.repeat(np.arange(x._array.shape[dim]), times)
    return index_select(x, dim, wrap(places.astype(np.int64)))
