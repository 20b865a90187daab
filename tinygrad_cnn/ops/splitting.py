"""Splitting into views: unbind, split, chunk and their kin."""

from __future__ import annotations

import itertools
from typing import Any

from tinygrad_cnn import core
from tinygrad_cnn.tensor import Tensor

from .base import check_tensor, index_of, sizes_of, wrap_dim
from .forms import public
from .slices import narrow, select


@public()
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Return the views along `dim`, without it (`torch.unbind`)."""
    shape = check_tensor(input, "unbind")._array.shape
    if not shape:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    dim = wrap_dim(dim, len(shape))
    return tuple([select(input, dim, i) for i in range(shape[dim])])


@public()
def split(
    tensor: Tensor, split_size_or_sections: Any = None, dim: int = 0, *, split_size: Any = None
) -> tuple[Tensor, ...]:
    """Return views of one size along `dim`, the last possibly smaller, or of the sizes in a list (`torch.split`).

    `split_size` is the method's name for it.
    """
    if split_size_or_sections is None:
        split_size_or_sections = split_size
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


@public()
def split_with_sizes(input: Tensor, split_sizes: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Return views of the given sizes along `dim` (`torch.split_with_sizes`)."""
    return split(input, tuple(split_sizes), dim)


@public()
def unsafe_split(input: Tensor, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Return `split`, whose parts may here be changed in place as well (`torch.unsafe_split`)."""
    return split(input, split_size, dim)


@public()
def unsafe_split_with_sizes(input: Tensor, split_sizes: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Return `split_with_sizes` (`torch.unsafe_split_with_sizes`)."""
    return split_with_sizes(input, split_sizes, dim)


@public()
def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Return `chunk` (`torch.unsafe_chunk`)."""
    return chunk(input, chunks, dim)


@public()
def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Return views along `dim`: so many nearly equal ones, or cut at the given indices (`torch.tensor_split`).

    The number, or the indices, may be a tensor (0-d or 1-d, int64).
    """
    shape = check_tensor(input, "tensor_split")._array.shape
    if not shape:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    dim = wrap_dim(dim, len(shape))
    if isinstance(indices_or_sections, Tensor):
        array = indices_or_sections._array
        if array.dtype.kind != "i" or array.itemsize != 8:
            raise RuntimeError("tensor_split expected tensor_indices_or_sections to have dtype of long, but got "
                               f"{_type_name(indices_or_sections)}")  # fmt: skip
        if array.ndim > 1:
            raise RuntimeError(
                "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or one-dimensional tensor, "
                f"but got a tensor with {array.ndim} dims"
            )
        indices_or_sections = array.tolist()
    size = shape[dim]
    if isinstance(indices_or_sections, (tuple, list)):
        cuts = [0, *[slice(None, index_of(cut)).indices(size)[1] for cut in indices_or_sections], size]
    else:
        sections = index_of(indices_or_sections)
        if sections <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {sections}")
        core.check_size((sections,))
        cuts = [i * (size // sections) + min(i, size % sections) for i in range(sections + 1)]
    spans = itertools.pairwise(cuts)
    return tuple([narrow(input, dim, start, max(stop - start, 0)) for start, stop in spans])


def _type_name(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _split_along(name: str, input: Tensor, parts: Any, dim: int, least: int) -> tuple[Tensor, ...]:
    ndim = check_tensor(input, name)._array.ndim
    if ndim < least:
        raise RuntimeError(
            f"torch.{name} requires a tensor with at least {least} dimension, but got a tensor with {ndim} dimensions!"
        )
    size = input._array.shape[dim]
    if not isinstance(parts, (tuple, list)) and (index_of(parts) == 0 or size % index_of(parts)):
        raise RuntimeError(
            f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension {size} is not "
            f"divisible by the split_size {parts}!"
        )
    return tensor_split(input, parts, dim)


@public()
def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Return views along the second dimension, the first of a one-dimensional tensor (`torch.hsplit`)."""
    dim = 0 if check_tensor(input, "hsplit")._array.ndim == 1 else 1
    return _split_along("hsplit", input, indices_or_sections, dim, 1)


@public()
def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Return views along the first dimension of a tensor of two or more (`torch.vsplit`)."""
    return _split_along("vsplit", input, indices_or_sections, 0, 2)


@public()
def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Return views along the third dimension (`torch.dsplit`)."""
    return _split_along("dsplit", input, indices_or_sections, 2, 3)
