"""Splitting, and copies with elements in other places or repeated."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.tensor import Tensor, wrap

from .base import check_tensor, clone, index_of, sizes_of, wrap_dim, wrap_dims
from .broadcasting import expand
from .forms import public
from .slices import narrow, select
from .views import reshape

# ---- splitting ----


@public()
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Return the views along `dim`, without it (`torch.unbind`)."""
    shape = check_tensor(input, "unbind")._array.shape
    if not shape:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    dim = wrap_dim(dim, len(shape))
    return tuple([select(input, dim, i) for i in range(shape[dim])])


@public()
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


@public()
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


@public()
def flip(input: Tensor, *dims: Any) -> Tensor:
    """Return a copy with the order reversed along `dims` (`torch.flip`)."""
    ndim = check_tensor(input, "flip")._array.ndim
    sizes = sizes_of(dims, "flip")
    return Rearranged.apply(input, kind="flip", params=wrap_dims(sizes, ndim) if sizes else ())


@public()
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


@public(function=False)
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


@public()
def tile(input: Tensor, *dims: Any) -> Tensor:
    """Return a copy repeated `dims` times, missing leading counts being 1 (`torch.tile`)."""
    times = sizes_of(dims, "tile")
    return repeat(input, (1,) * (check_tensor(input, "tile")._array.ndim - len(times)) + times)


@public()
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
