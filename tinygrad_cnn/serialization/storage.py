"""What the file format calls a storage: a flat piece of memory that one or several tensors look into."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_cnn import core, dtypes
from tinygrad_cnn.serialization.budget import brief
from tinygrad_cnn.tensor import Tensor, wrap

__all__ = ["DTYPE_NAMES", "OTHER_DTYPES", "Storage", "StorageType", "known_dtype", "rebuild", "storage_of"]

DTYPE_NAMES = {
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
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
"""The dtype of each of PyTorch's storage classes. Those that `tinygrad_cnn.dtypes` has can be read and written."""

OTHER_DTYPES = (
    *("uint16", "uint32", "uint64", "complex32"),
    *("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu", "float4_e2m1fn_x2"),
)
"""Dtypes without a storage class: their storages are bytes, and the tensor names the dtype."""


def known_dtype(name: str) -> dtypes.dtype:
    """Return the dtype of a name; NotImplementedError for one that tensors here cannot have."""
    found = getattr(dtypes, name, None)
    if isinstance(found, dtypes.dtype):
        return found
    supported = ", ".join(str(dtype).removeprefix("torch.") for dtype in dtypes.ALL)
    raise NotImplementedError(
        f"the file has a tensor of dtype {name}, which is not supported; supported are {supported}"
    )


class StorageType:
    """Stands for a class such as `torch.FloatStorage` while a file is read."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    @property
    def dtype(self) -> dtypes.dtype:
        """The dtype of the elements; NotImplementedError for one that tensors here cannot have."""
        return dtypes.uint8 if self.name == "UntypedStorage" else known_dtype(DTYPE_NAMES[self.name])


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

    def cuda(self, device: Any = None, non_blocking: bool = False) -> Storage:
        """Raise what PyTorch's CPU build raises."""
        raise AssertionError("Torch not compiled with CUDA enabled")

    def part(self, offset: int, count: int) -> Storage:
        """Return a storage on `count` elements from `offset` on; RuntimeError if they are not all there."""
        if not (type(offset) is type(count) is int and 0 <= offset <= offset + count <= len(self)):
            raise RuntimeError(
                f"corrupt file: {brief(count)} elements from {brief(offset)} on of a storage of {len(self)}"
            )
        return Storage(self._array[offset : offset + count], self.dtype)

    def as_type(self, dtype: dtypes.dtype) -> Storage:
        """Return a storage on the same memory whose elements are of another dtype; RuntimeError if they cannot be."""
        array = self._array
        # Kernels rely on aligned elements, and on bools that are 0 or 1.
        aligned = array.__array_interface__["data"][0] % dtype.itemsize == 0
        if array.nbytes % dtype.itemsize or not aligned or (dtype is dtypes.bool and self.dtype is not dtype):
            raise RuntimeError(f"corrupt file: {array.nbytes} bytes of {self.dtype} as elements of {dtype}")
        return Storage(array.view(dtype._numpy), dtype)


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
    if not (isinstance(size, (tuple, list)) and isinstance(stride, (tuple, list))):
        raise RuntimeError(f"corrupt file: a tensor of size {type(size).__name__} and stride {type(stride).__name__}")
    flat = storage._array
    size, stride = tuple(size), tuple(stride)
    _check_extent(flat.size, offset, size, stride)
    if 0 in size:
        return wrap(np.empty(size, flat.dtype))
    step = flat.itemsize
    strides = tuple(number * step for number in stride)
    return wrap(np.ndarray(size, flat.dtype, buffer=flat, offset=offset * step, strides=strides))
