"""Nested sequences of numbers to arrays, with PyTorch's dtypes and errors."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from . import core, dtypes
from .casts import cast_array
from .tensor import Tensor

_NUMBERS = frozenset((builtins.int, builtins.float, builtins.bool))


def _is_sequence(value: Any) -> builtins.bool:
    kind = type(value)
    if kind is list or kind is tuple:
        return True
    if isinstance(value, (str, bytes, dict, set, frozenset, Tensor, np.generic)):
        return isinstance(value, bytes)
    return hasattr(kind, "__len__") and hasattr(kind, "__getitem__")


def _shape_of(function: str, data: Any) -> tuple[int, ...]:
    """Return the lengths along the first items, which all others must match."""
    sizes = []
    while _is_sequence(data):
        sizes.append(len(data))
        if not len(data) or isinstance(data, bytes):
            break
        data = data[0]
    if isinstance(data, Tensor) and data.numel() != 1:
        sizes += data.shape
    if isinstance(data, str) and sizes:
        raise ValueError(f"too many dimensions '{type(data).__name__}'")
    return tuple(sizes)


class _Scan:
    """One walk through nested sequences: checks the shape and finds the dtypes of all numbers."""

    def __init__(self, shape: tuple[int, ...]):
        self.shape = shape
        self.dtype: dtypes.dtype | None = None
        self.plain = True  # nothing but Python numbers in lists and tuples

    def see(self, dtype: dtypes.dtype) -> None:
        """Take the dtype of one number into the result."""
        self.dtype = dtype if self.dtype is None else dtypes.promote_types(self.dtype, dtype)

    def walk(self, data: Any, depth: int) -> None:
        """Look at a sequence of the level `depth`."""
        if isinstance(data, np.ndarray):
            if data.shape != self.shape[depth:]:
                self.mismatch(data, depth)
            self.plain = False
            self.see(dtypes.from_numpy_dtype(data.dtype))
            return
        if isinstance(data, Tensor):
            raise ValueError("only one element tensors can be converted to Python scalars")
        if not _is_sequence(data):
            got = type(data).__name__
            raise TypeError(f"not a sequence, of length {self.shape[depth]} at dim {depth}, but {got}")
        if len(data) != self.shape[depth]:
            self.mismatch(data, depth)
        if depth + 1 < len(self.shape):
            for item in data:
                self.walk(item, depth + 1)
            return
        kinds = set(map(type, data))
        if kinds <= _NUMBERS:
            for kind in kinds:
                self.see(_dtype_of(kind()))
            return
        self.plain = False
        for item in data:
            if _is_sequence(item):
                raise TypeError(f"'{type(item).__name__}' object cannot be interpreted as an integer")
            self.see(_dtype_of(item))

    def mismatch(self, data: Any, depth: int) -> None:
        """Raise PyTorch's error for a sequence whose length differs from that of the first one."""
        if isinstance(data, np.ndarray) and not data.ndim:
            raise TypeError(f"not a sequence, of length {self.shape[depth]} at dim {depth}, but a 0-d array")
        raise ValueError(f"expected sequence of length {self.shape[depth]} at dim {depth} (got {len(data)})")


def _dtype_of(value: Any) -> dtypes.dtype:
    """Return the dtype of one number; TypeError or RuntimeError, as PyTorch's, for what is none."""
    if isinstance(value, Tensor):
        if value.numel() != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return value.dtype
    if isinstance(value, (np.generic, np.ndarray)):
        return dtypes.from_numpy_dtype(value.dtype)
    if isinstance(value, builtins.bool):
        return dtypes.bool
    if isinstance(value, builtins.int):
        return dtypes.int64
    if isinstance(value, builtins.float):
        return dtypes.get_default_dtype()
    if isinstance(value, builtins.complex):
        raise NotImplementedError("complex tensors are not implemented")
    if isinstance(value, str):
        raise TypeError(f"new(): invalid data type '{type(value).__name__}'")
    raise RuntimeError(f"Could not infer dtype of {type(value).__name__}")


def _plain(data: Any) -> Any:
    """Return nested data with tensors and NumPy scalars replaced by Python numbers."""
    if isinstance(data, Tensor):
        return data.item()
    if isinstance(data, np.generic):
        return data.item()
    if isinstance(data, np.ndarray):
        return data.tolist()
    if isinstance(data, bytes):
        return data
    return [_plain(item) for item in data] if _is_sequence(data) else data


def _int_array(data: Any, numpy_dtype: Any) -> Any:
    try:
        return np.array(data, np.int64)
    except OverflowError:
        if numpy_dtype.kind == "f":
            return np.array(data, np.float64)
        raise ValueError("Overflow when unpacking long long") from None


def _convert(array: Any, dtype: dtypes.dtype) -> Any:
    """Return numbers in `dtype`; RuntimeError where an integer dtype cannot hold one (unsigned ones wrap negatives)."""
    if dtype._numpy.kind in "iu" and array.dtype != dtype._numpy and array.dtype.kind != "b" and array.size:
        limits = np.iinfo(dtype._numpy)
        low = limits.min if limits.min else -limits.max
        if array.dtype.kind == "f":
            finite = bool_all(np.isfinite(array))
            fits = finite and bool_all(np.trunc(array) >= low) and bool_all(array < limits.max + 1.0)
            array = np.trunc(array) if fits else array
        else:
            fits = bool_all(array >= low) and bool_all(array <= limits.max)
        if not fits:
            raise RuntimeError(f"value cannot be converted to type {dtype._name} without overflow")
        if dtype is dtypes.uint8:
            array = array.astype(np.int64)
    return cast_array(array, dtype._numpy)


def bool_all(values: Any) -> builtins.bool:
    """Return whether all values are true, as a Python bool."""
    return builtins.bool(np.all(values))


def from_sequence(function: str, data: Any, dtype: dtypes.dtype | None) -> Any:
    """Return a new array of Python data, in `dtype` or the one that the data suggests."""
    shape = _shape_of(function, data)
    if not shape:
        inferred = _dtype_of(data)
        plain = True
        data = _plain(data)
    else:
        scan = _Scan(shape)
        scan.walk(data, 0)
        inferred = scan.dtype or dtypes.get_default_dtype()
        plain = scan.plain
        if 0 in shape:
            return core.empty(shape, (dtype or inferred)._numpy)
    wanted = dtype or inferred
    if not plain or (shape and type(data) not in (list, tuple)):
        data = _plain(data) if not isinstance(data, bytes) else list(data)
    if inferred is dtypes.bool:
        natural = np.array(data, np.bool_)
    elif inferred.is_floating_point:
        natural = np.array(data, np.float64)
    else:
        natural = _int_array(data, wanted._numpy)
    out = core.empty(shape, wanted._numpy)
    out[...] = _convert(natural, wanted)
    return out
