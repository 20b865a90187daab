"""Tensors from data: Python numbers and nested sequences, NumPy arrays, buffers, other tensors."""

from __future__ import annotations

import builtins
import warnings
from typing import Any

import numpy as np

from . import core, dtypes
from ._arguments import check_options, to_dtype
from ._sequence import from_sequence
from .casts import cast_array
from .tensor import Tensor, wrap

__all__ = ["as_tensor", "asarray", "from_dlpack", "from_numpy", "frombuffer", "tensor"]


def from_array(function: str, array: Any, dtype: dtypes.dtype | None, copy: builtins.bool) -> Any:
    """Return an array that a tensor can have: `array` itself unless dtype or `copy` ask for another one."""
    if not array.dtype.isnative:
        raise ValueError(
            "given numpy array has byte order different from the native byte order. Conversion between byte orders is "
            "currently not supported."
        )
    known = array.dtype.kind in "fiub"
    if not known or dtype is None:
        found = dtypes.from_numpy_dtype(array.dtype)
        dtype = dtype or found
    check_strides(array)
    if array.dtype == dtype._numpy and not copy:
        return array if type(array) is np.ndarray else array.view(np.ndarray)  # a memory map, a matrix
    out = core.empty(array.shape, dtype._numpy)
    if array.dtype == dtype._numpy:
        core.copy_into(array, out)
    else:
        out[...] = cast_array(array, dtype._numpy)
    return out


def check_strides(array: Any) -> None:
    """Raise ValueError for strides that tensors cannot have."""
    if any(stride < 0 for stride in array.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not "
            "currently supported. (You can probably work around this by making a copy of your array  with "
            "array.copy().) "
        )
    if any(stride % array.itemsize for stride in array.strides):
        raise ValueError(
            "given numpy array strides not a multiple of the element byte size. Copy the numpy array to reallocate the "
            "memory."
        )


def _tensor(function: str, data: Any, dtype: Any, copy: builtins.bool) -> Tensor:
    found = None if dtype is None else to_dtype(function, dtype)
    if isinstance(data, Tensor):
        return wrap(from_array(function, data._array, found, True))
    if isinstance(data, np.ndarray):
        return (wrap if copy else _shared)(from_array(function, data, found, copy))
    return wrap(from_sequence(function, data, found))


def tensor(
    data: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: builtins.bool = False,
    pin_memory: builtins.bool = False,
) -> Tensor:
    """Return a tensor with a copy of `data`: numbers, nested sequences of them, a NumPy array (`torch.tensor`).

    Without `dtype`, floats make the default dtype, ints int64, bools bool; NumPy arrays and scalars keep theirs. Raises
    ValueError for ragged sequences, TypeError or RuntimeError for what are no numbers or do not fit the dtype.
    """
    if isinstance(data, Tensor):
        warnings.warn(
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
            "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).",
            UserWarning,
            stacklevel=2,
        )
    result = _tensor("tensor", data, dtype, True)
    check_options("tensor", result.dtype, None, device, pin_memory, requires_grad)
    if requires_grad:
        result._requires_grad = True
    return result


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """Return `data` as a tensor, copied only if it must be (`torch.as_tensor`): a tensor keeps its graph, a NumPy array
    its memory. Errors as `tensor`.
    """
    dtypes.check_device(device)
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(to_dtype("as_tensor", dtype))
    if isinstance(data, np.ndarray):
        _warn_read_only(data)
    return _tensor("as_tensor", data, dtype, False)


def asarray(
    obj: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    copy: builtins.bool | None = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """Return `obj` as a tensor (`torch.asarray`): copied if `copy`, never if `copy=False` (ValueError if it must
    be)."""
    dtypes.check_device(device)
    if isinstance(obj, Tensor):
        found = to_dtype("asarray", dtype, obj.dtype)
        if copy is False and found is not obj.dtype:
            raise ValueError(f"can't alias tensor with dtype '{obj.dtype}' into dtype '{found}'.")
        result = obj.to(found, copy=builtins.bool(copy))
        if not requires_grad and result.requires_grad and result is not obj:
            result = result.detach()
    else:
        shared = isinstance(obj, np.ndarray)
        if copy is False and not shared:
            raise ValueError("can't alias arbitrary sequence into a tensor.")
        result = _tensor("asarray", obj, dtype, builtins.bool(copy))
        if copy is False and result._array is not obj:
            raise ValueError(f"can't alias tensor with dtype '{obj.dtype}' into dtype '{result.dtype}'.")
    if requires_grad:
        result = result.detach()
        result.requires_grad = True
    return result


_warned_read_only: list[builtins.bool] = []


def _warn_read_only(array: Any) -> None:
    if not array.flags.writeable and not _warned_read_only:
        _warned_read_only.append(True)
        warnings.warn(
            "The given NumPy array is not writable, and PyTorch does not support non-writable tensors. This means "
            "writing to this tensor will result in undefined behavior. You may want to copy the array to protect its "
            "data or make it writable before converting it to a tensor. This type of warning will be suppressed for "
            "the rest of this program.",
            UserWarning,
            stacklevel=3,
        )


def _shared(array: Any) -> Tensor:
    """Return a tensor on memory that belongs to somebody else."""
    tensor = wrap(array)
    tensor._expose()
    return tensor


def from_numpy(ndarray: Any) -> Tensor:
    """Return a tensor on the memory of a NumPy array (`torch.from_numpy`).

    Raises TypeError for another type or dtype, ValueError for negative strides. Unlike in PyTorch, writing to the
    tensor of a read-only array raises ValueError.
    """
    if not isinstance(ndarray, np.ndarray):
        name = type(ndarray).__name__
        module = type(ndarray).__module__
        raise TypeError(f"expected np.ndarray (got {name if module == 'builtins' else module + '.' + name})")
    _warn_read_only(ndarray)
    return _shared(from_array("from_numpy", ndarray, None, False))


def frombuffer(
    buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: builtins.bool = False
) -> Tensor:
    """Return a one-dimensional tensor on the memory of an object with the buffer protocol (`torch.frombuffer`).

    Raises ValueError if `offset` and `count` do not lie in the buffer.
    """
    found = to_dtype("frombuffer", dtype)
    memory = memoryview(buffer)
    nbytes = memory.nbytes
    if nbytes == 0 or count == 0:
        raise ValueError(f"both buffer length ({nbytes}) and count ({count}) must not be 0")
    if not 0 <= offset < nbytes:
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length ({nbytes} bytes) minus 1"
        )
    if count < 0 and (nbytes - offset) % found.itemsize:
        raise ValueError(
            f"buffer length ({nbytes - offset} bytes) after offset ({offset} bytes) must be a multiple of element size "
            f"({found.itemsize})"
        )
    if count > 0 and offset + count * found.itemsize > nbytes:
        raise ValueError(
            f"requested buffer length ({count} * {found.itemsize} bytes) after offset ({offset} bytes) must not be "
            f"greater than actual buffer length ({nbytes} bytes)"
        )
    array = np.frombuffer(memory, found._numpy, count, offset)
    _warn_read_only(array)
    result = _shared(array)
    if requires_grad:
        result.requires_grad = True
    return result


def from_dlpack(ext_tensor: Any) -> Tensor:
    """Return a tensor on the memory of an object with `__dlpack__` (`torch.from_dlpack`), by NumPy's import."""
    if isinstance(ext_tensor, Tensor):
        return ext_tensor.detach()
    return _shared(from_array("from_dlpack", np.from_dlpack(ext_tensor), None, False))
