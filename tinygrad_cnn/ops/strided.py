"""Views by explicit sizes and strides, and windows along a dimension: as_strided, unfold."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.operation import Operation, ViewOperation
from tinygrad_cnn.tensor import Tensor, wrap

from .base import check_tensor, clone, index_of, sizes_of, wrap_dim
from .forms import public

_LARGEST_STRIDE = 2**62  # bytes


def memory_of(array: Any) -> Any:
    """Return the array whose memory `array` is a view of, itself if it is none."""
    while True:
        owner = array.base
        if not isinstance(owner, np.ndarray):
            owner = getattr(owner, "base", None)  # NumPy's as_strided puts an object between
        if not isinstance(owner, np.ndarray):
            return array
        array = owner


def _memory(array: Any) -> Any:
    """Return all the memory that an array is a view of, as one dimension of its dtype."""
    memory = memory_of(array)
    flat = memory.reshape(-1, order="A") if memory.flags.forc else np.ascontiguousarray(memory).reshape(-1)
    return flat.view(array.dtype)


def _offset(array: Any, memory: Any) -> int:
    start = array.__array_interface__["data"][0] - memory.__array_interface__["data"][0]
    return int(start // array.itemsize)


def _windows(memory: Any, size: tuple[int, ...], stride: tuple[int, ...], offset: int) -> Any:
    """Return the view of `memory` (one dimension) with these sizes and strides, in elements; RuntimeError beyond it."""
    if offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {offset}")
    last = offset + sum([(n - 1) * step for n, step in zip(size, stride, strict=True)])
    if 0 not in size and last >= memory.size:
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, and itemsize "
            f"{memory.itemsize} requiring a storage size of {(last + 1) * memory.itemsize} are out of bounds for "
            f"storage of size {memory.nbytes}"
        )
    core.check_size(size, memory.itemsize)
    # a stride that no element is reached by may be larger than NumPy can say
    steps = [min(step * memory.itemsize, _LARGEST_STRIDE) for step in stride]
    return np.lib.stride_tricks.as_strided(memory[offset:], size, steps)


class AsStrided(ViewOperation):
    """A view of the input's memory with any sizes, strides and offset, overlapping ones included."""

    grad_name = "AsStridedBackward0"

    @classmethod
    def view(cls, x: Any, size: tuple[int, ...], stride: tuple[int, ...], offset: int | None) -> Any:
        """Return the view."""
        memory = _memory(x)
        return _windows(memory, size, stride, _offset(x, memory) if offset is None else offset)

    def remember(self, x: Any, size: tuple[int, ...], stride: tuple[int, ...], offset: int | None) -> None:
        """Note where the input and the view lie in the memory, counted from the lower of both."""
        start = _offset(x, _memory(x))
        begin = start if offset is None else offset
        steps = tuple([step // x.itemsize for step in x.strides])
        lowest = min(start, begin)
        self.whole = (x.shape, steps, start - lowest)
        self.part = (size, stride, begin - lowest)

    def backward(self, grad: Tensor) -> Tensor:
        """Add up what went to each place of memory, and give each element of the input its place's sum."""
        return AcrossMemory.apply(grad, source=self.part, target=self.whole)


class AcrossMemory(Operation):
    """y[i] = the sum of all x[j] that share its place, the places of both given as (sizes, strides, offset).

    Elements of y that share a place share the sum, as in PyTorch: it is divided among them.
    """

    grad_name = "AsStridedBackwardBackward0"

    def forward(self, x: Any, source: Any, target: Any) -> Any:
        """Add into memory, read from memory."""
        self.params = {"source": source, "target": target}
        places, others = _places(*source), _places(*target)
        count = max([int(p.max()) + 1 for p in (places, others) if p.size] or [0])
        memory = np.bincount(places.reshape(-1), x.reshape(-1), count).astype(x.dtype)
        shared = np.maximum(np.bincount(others.reshape(-1), minlength=count), 1)
        return (memory / shared)[others].astype(x.dtype)

    def backward(self, grad: Tensor) -> Tensor:
        """The same the other way round, the division before the sum."""
        source, target = self.params["source"], self.params["target"]
        others = _places(*target)
        shared = np.bincount(others.reshape(-1))[others] if others.size else np.ones(others.shape)
        weighted = grad * wrap((1 / shared).astype(grad._array.dtype))
        return Gather.apply(weighted, source=target, target=source)


class Gather(Operation):
    """The transpose of what `AcrossMemory` adds up: sums by place, read at other places, nothing divided."""

    grad_name = "AsStridedBackward0"

    def forward(self, x: Any, source: Any, target: Any) -> Any:
        """Add into memory, read from memory."""
        self.params = {"source": target, "target": source}
        places, others = _places(*source), _places(*target)
        count = max([int(p.max()) + 1 for p in (places, others) if p.size] or [0])
        return np.bincount(places.reshape(-1), x.reshape(-1), count).astype(x.dtype)[others]

    def backward(self, grad: Tensor) -> Tensor:
        """Its own transpose is the same with the places swapped."""
        return Gather.apply(grad, **self.params)


def _places(size: tuple[int, ...], stride: tuple[int, ...], offset: int) -> Any:
    """Return the place in memory of each element."""
    places = np.full(size, offset, np.int64)
    for dim, (n, step) in enumerate(zip(size, stride, strict=True)):
        places += (np.arange(n) * step).reshape([-1 if d == dim else 1 for d in range(len(size))])
    return places


@public()
def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """Return a view of the tensor's memory with these sizes, strides and offset, in elements (`torch.as_strided`).

    Raises RuntimeError where that lies beyond the memory, or for negative strides.
    """
    check_tensor(input, "as_strided")
    sizes, strides = sizes_of((size,), "as_strided"), sizes_of((stride,), "as_strided")
    if len(sizes) != len(strides):
        raise RuntimeError("mismatch in length of strides and shape")
    if any(step < 0 for step in strides):
        raise RuntimeError(
            f"as_strided: Negative strides are not supported at the moment, got strides: {list(strides)}"
        )
    return AsStrided.apply(input, sizes, strides, None if storage_offset is None else index_of(storage_offset))


class Unfold(ViewOperation):
    """Windows of `size` elements every `step` along a dimension, as a new last dimension."""

    grad_name = "UnfoldBackward0"

    @classmethod
    def view(cls, x: Any, dim: int, size: int, step: int) -> Any:
        """Return the view."""
        if x.ndim == 0:
            return np.lib.stride_tricks.as_strided(x, (size,), (x.itemsize,))
        shape, strides = list(x.shape), list(x.strides)
        shape[dim] = (shape[dim] - size) // step + 1
        strides[dim] = min(strides[dim] * step, _LARGEST_STRIDE)
        return np.lib.stride_tricks.as_strided(x, (*shape, size), (*strides, x.strides[dim]))

    def remember(self, x: Any, dim: int, size: int, step: int) -> None:
        """Note how it was made."""
        self.params = {"shape": x.shape, "dim": dim, "size": size, "step": step}

    def backward(self, grad: Tensor) -> Tensor:
        """Add overlapping windows up."""
        return AddWindows.apply(grad, **self.params)


class AddWindows(Operation):
    """Zeros of `shape` with windows added where `Unfold` reads them."""

    grad_name = "UnfoldBackwardBackward0"

    def forward(self, y: Any, shape: tuple[int, ...], dim: int, size: int, step: int) -> Any:
        """Add the k-th elements of all windows at once: they do not overlap."""
        self.params = (dim, size, step)
        x = core.zeros(shape, y.dtype)
        at: list[Any] = [slice(None)] * len(shape)
        for k in range(size):
            if shape:
                at[dim] = slice(k, k + (y.shape[dim] - 1) * step + 1, step)
            x[tuple(at)] += y[..., k]
        return x

    def backward(self, grad: Tensor) -> Tensor:
        """Read the windows."""
        return Unfold.apply(grad, *self.params)


@public(function=False)
def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """Return a view of all windows of `size` elements, `step` apart, along a dimension (`Tensor.unfold`).

    The windows are a new last dimension. RuntimeError for a window larger than the dimension or a step below 1.
    """
    shape = input._array.shape
    dim = wrap_dim(dimension, len(shape))
    length = shape[dim] if shape else 1
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if size > length:
        raise RuntimeError(f"maximum size for tensor at dimension {dim} is {length} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    return Unfold.apply(input, dim, size, step)


@public(method=False, out=True)
def unfold_copy(input: Tensor, dimension: int, size: int, step: int, *, out: Tensor | None = None) -> Tensor:
    """Return a copy of `Tensor.unfold` (`torch.unfold_copy`)."""
    return clone(unfold(input, dimension, size, step))
