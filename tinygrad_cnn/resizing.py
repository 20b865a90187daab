"""Giving a tensor another size or other memory: `resize_`, `resize_as_`, `set_`; methods of Tensor."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import core
from ._arguments import size_of
from .autograd.waiting import settle
from .dtypes import from_numpy_dtype
from .metadata import UntypedStorage, data_ptr
from .ops.strided import memory_of
from .tensor import Tensor

_C_NAMES = {"float16": "c10::Half", "bfloat16": "c10::BFloat16", "float32": "float", "float64": "double"}


def _rows(root: Any, dtype: Any) -> Any:
    """Return memory as one dimension of a dtype; NotImplementedError if it has gaps (an array made elsewhere)."""
    if not root.flags.forc:
        raise NotImplementedError("the memory of this tensor has gaps; clone() it first")
    return root.reshape(-1, order="A").view(dtype)


def resize_(self: Tensor, *sizes: Any, memory_format: Any = None) -> Tensor:
    """Give this tensor another size in its memory, row-major (`torch.Tensor.resize_`).

    What lies in memory shows; where that is too small, new memory takes its place, of whose new part the elements are
    undefined (other views keep the old memory). Raises RuntimeError if this tensor requires a gradient.
    """
    if self.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    shape = size_of("resize_", sizes)
    array = self._array
    if array.shape == shape:
        return self
    settle(array)
    memory, start = _rows(memory_of(array), array.dtype), 0
    if array.size:
        start = (data_ptr(self) - memory.__array_interface__["data"][0]) // array.itemsize
    end = start + math.prod(shape)
    if end > memory.size:
        larger = core.empty((end,), array.dtype)
        larger[: memory.size] = memory
        memory = larger
        self._version_counter, self._view_base, self._view_made = [self._version], None, None
    self._array = memory[start:end].reshape(shape)
    return self


def resize_as_(self: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """Resize this tensor to the size of another one (`torch.Tensor.resize_as_`); errors as `resize_`."""
    return resize_(self, tuple(the_template.shape))


def set_(self: Tensor, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None) -> Tensor:
    """Let this tensor look at the memory of another tensor or an UntypedStorage (`torch.Tensor.set_`).

    With sizes: at that part of it, strides and offset in elements, row-major by default. Without a source it becomes
    empty. Raises RuntimeError for another dtype, a part that is not in memory, a leaf that requires a gradient.
    """
    self._check_inplace()
    dtype = self._array.dtype
    if source is None:
        self._array, counter = core.empty((0,), dtype), None
    elif isinstance(source, Tensor):
        if source._array.dtype != dtype:
            names = [from_numpy_dtype(kind)._name for kind in (source._array.dtype, dtype)]
            other, own = (_C_NAMES.get(name, name) for name in names)
            raise RuntimeError(f"Could not set tensor of type {other} to a tensor of type {own}")
        counter = source._counter()
        memory = memory_of(source._array)
        self._array = source._array if size is None else _part(memory, dtype, storage_offset, size, stride)
    elif isinstance(source, UntypedStorage):
        counter = None
        shape = (source.nbytes() // dtype.itemsize - storage_offset,) if size is None else size
        self._array = _part(source._root, dtype, storage_offset, shape, stride)
    else:
        raise TypeError(f"set_(): argument 'source' (position 1) must be Tensor, not {type(source).__name__}")
    self._version_counter = counter
    self._view_base = self._view_made = None
    return self


def _part(root: Any, dtype: Any, offset: int, size: Any, stride: Any) -> Any:
    shape = size_of("set_", (size,))
    memory = _rows(root, dtype)
    steps = [math.prod(shape[d + 1 :]) for d in range(len(shape))] if stride is None else [int(step) for step in stride]
    extent = 0 if 0 in shape else 1 + sum((n - 1) * step for n, step in zip(shape, steps, strict=True))
    if offset < 0 or min(steps, default=0) < 0 or offset + extent > memory.size:
        raise RuntimeError(
            f"setStorage: sizes {list(shape)}, strides {steps}, storage offset {offset}, and itemsize {dtype.itemsize} "
            f"requiring a storage size of {(offset + extent) * dtype.itemsize} are out of bounds for storage of size "
            f"{memory.nbytes}"
        )
    return np.lib.stride_tricks.as_strided(memory[offset:], shape, [step * dtype.itemsize for step in steps])
