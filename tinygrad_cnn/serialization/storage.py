"""What the file format calls a storage: a flat piece of memory that one or several tensors look into."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_cnn import core, dtypes
from tinygrad_cnn.tensor import Tensor, wrap

__all__ = ["STORAGE_DTYPES", "UNSUPPORTED_STORAGES", "Storage", "StorageType", "rebuild", "storage_of"]

STORAGE_DTYPES = {
    "FloatStorage": dtypes.float32,
    "DoubleStorage": dtypes.float64,
    "LongStorage": dtypes.int64,
    "IntStorage": dtypes.int32,
    "ByteStorage": dtypes.uint8,
    "BoolStorage": dtypes.bool,
    "UntypedStorage": dtypes.uint8,
}
UNSUPPORTED_STORAGES = {
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "CharStorage": "int8",
    "ShortStorage": "int16",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
    "QInt8Storage": "qint8",
    "QInt32Storage": "qint32",
    "QUInt8Storage": "quint8",
    "QUInt4x2Storage": "quint4x2",
    "QUInt2x4Storage": "quint2x4",
}


class StorageType:
    """Stands for a class such as `torch.FloatStorage` while a file is read."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def dtype(self) -> dtypes.dtype:
        """The dtype of the elements; NotImplementedError for one that tensors here cannot have."""
        if self.name in UNSUPPORTED_STORAGES:
            raise NotImplementedError(
                f"the file has a tensor of dtype {UNSUPPORTED_STORAGES[self.name]} (torch.{self.name}), which is not "
                "supported; supported are float32, float64, int64, int32, uint8 and bool"
            )
        return STORAGE_DTYPES[self.name]


class Storage:
    """A flat array read from a file; what a `map_location` function is given and returns."""

    def __init__(self, array: core.Array, dtype: dtypes.dtype) -> None:
        self._array = array
        self.dtype = dtype
        self.device = dtypes.CPU

    def __len__(self) -> int:
        return int(self._array.size)

    def nbytes(self) -> int:
        """Return the number of bytes."""
        return int(self._array.nbytes)

    def cpu(self) -> Storage:
        """Return the storage itself: all memory is the CPU's."""
        return self


def storage_of(array: core.Array) -> tuple[core.Array, int]:
    """Return the array that owns the memory `array` looks into, and the address of its first byte.

    The owner is the last NumPy array in the chain of bases; below it there is only memory.
    """
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    return owner, int(owner.__array_interface__["data"][0])


def _check_extent(count: int, offset: int, size: Sequence[int], stride: Sequence[int]) -> None:
    """Refuse a view that reaches outside of its storage, however large the numbers in the file are."""
    numbers = (offset, *size, *stride)
    if not all(type(number) is int for number in numbers):
        raise RuntimeError("corrupt file: a tensor's offset, size or stride is not an integer")
    if len(size) != len(stride) or len(size) > 64 or min(numbers, default=0) < 0:
        raise RuntimeError(f"corrupt file: tensor of size {list(size)}, stride {list(stride)} and offset {offset}")
    if 0 in size:
        return
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if last >= count or math.prod(size) >= 2**62:
        raise RuntimeError(
            f"corrupt file: setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset} are out of "
            f"bounds for storage of {count} elements"
        )


def rebuild(storage: Any, offset: int, size: Sequence[int], stride: Sequence[int]) -> Tensor:
    """Return a Tensor that looks into `storage`; RuntimeError if it would look outside."""
    if not isinstance(storage, Storage):
        raise RuntimeError(f"corrupt file: a tensor is made of {type(storage).__name__} instead of a storage")
    flat = storage._array
    size, stride = tuple(size), tuple(stride)
    _check_extent(flat.size, offset, size, stride)
    if 0 in size:
        return wrap(np.empty(size, flat.dtype))
    step = flat.itemsize
    strides = tuple(number * step for number in stride)
    return wrap(np.ndarray(size, flat.dtype, buffer=flat, offset=offset * step, strides=strides))
