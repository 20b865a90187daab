"""Conversions of dtype and layout, and copies into a tensor."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from tinygrad_cnn import dtypes
from tinygrad_cnn._arguments import to_dtype
from tinygrad_cnn.dtypes import dtype as DType
from tinygrad_cnn.dtypes import from_numpy_dtype
from tinygrad_cnn.tensor import Tensor, wrap

from .base import CopyInto, check_tensor, clone
from .forms import public
from .promotion import cast, is_number, python_number


@public(function=False)
def contiguous(input: Tensor, memory_format: Any = None) -> Tensor:
    """Return the tensor if its memory is dense and row-major, else a dense copy (`Tensor.contiguous`)."""
    return input if input._array.flags.c_contiguous else clone(input)


@public(function=False)
def copy_(input: Tensor, src: Any, non_blocking: builtins.bool = False) -> Tensor:
    """Write `src`, broadcast and converted to this dtype, into `input` and return it (`Tensor.copy_`).

    `src` may be a number.
    """
    if is_number(src):
        src = wrap(np.asarray(python_number(src)))
    if not isinstance(src, Tensor):
        check_tensor(src, "copy_", "other", 1)
    if src is input:
        return input
    if np.may_share_memory(src._array, input._array):
        src = clone(src)
    return input._inplace(CopyInto, cast(src, from_numpy_dtype(input._array.dtype)))


@public(function=False)
def to(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Return the tensor in another dtype, `to(dtype)`, `to(device)`, `to(device, dtype)` or `to(other)` (`Tensor.to`).

    The result is the tensor itself if nothing changes and `copy` is not asked for. The only device is the CPU.
    """
    dtype, copy, device = parse_to(*args, **kwargs)
    dtypes.check_device(device)
    if dtype is None or dtype is input.dtype:
        return clone(input) if copy else input
    return cast(input, dtype)


def parse_to(*args: Any, **kwargs: Any) -> tuple[DType | None, builtins.bool, Any]:
    """Return (dtype, copy, device) from the arguments of `to`; TypeError for what it does not take."""
    values = dict(kwargs)
    places = list(args)
    if places and isinstance(places[0], Tensor):
        values["dtype"] = places.pop(0).dtype
    elif places and isinstance(places[0], (DType, type)):
        values["dtype"] = places.pop(0)
    elif places:
        values["device"] = places.pop(0)
        if places and (places[0] is None or isinstance(places[0], DType)):
            values["dtype"] = places.pop(0)
    for name in ("non_blocking", "copy"):
        if places:
            values[name] = places.pop(0)
    if isinstance(values.get("dtype"), type):  # Python's float, int and bool
        values["dtype"] = to_dtype("to", values["dtype"])
    unknown = set(values) - {"dtype", "device", "non_blocking", "copy", "memory_format"}
    dtype, device = values.get("dtype"), values.get("device")
    known_device = device is None or isinstance(device, (str, dtypes.device, builtins.int))
    if places or unknown or not (dtype is None or isinstance(dtype, DType)) or not known_device:
        shown = ", ".join(type(value).__name__ for value in args) + "".join(f", {name}=" for name in kwargs)
        raise TypeError(f"to() received an invalid combination of arguments - got ({shown})")
    return dtype, builtins.bool(values.get("copy", False)), device


@public(function=False)
def type_as(input: Tensor, other: Tensor) -> Tensor:
    """Return the tensor in the dtype of `other` (`Tensor.type_as`)."""
    return cast(input, other.dtype)


@public(function=False)
def float(input: Tensor, memory_format: Any = None) -> Tensor:
    """Return the tensor as float32 (`Tensor.float`)."""
    return cast(input, dtypes.float32)


@public(function=False)
def double(input: Tensor, memory_format: Any = None) -> Tensor:
    """Return the tensor as float64 (`Tensor.double`)."""
    return cast(input, dtypes.float64)


@public(function=False)
def long(input: Tensor, memory_format: Any = None) -> Tensor:
    """Return the tensor as int64, cut off towards zero (`Tensor.long`)."""
    return cast(input, dtypes.int64)


@public(function=False)
def int(input: Tensor, memory_format: Any = None) -> Tensor:
    """Return the tensor as int32, cut off towards zero (`Tensor.int`)."""
    return cast(input, dtypes.int32)


@public(function=False)
def byte(input: Tensor, memory_format: Any = None) -> Tensor:
    """Return the tensor as uint8 (`Tensor.byte`)."""
    return cast(input, dtypes.uint8)


@public(function=False)
def bool(input: Tensor, memory_format: Any = None) -> Tensor:
    """Return where the tensor is not zero, as bool (`Tensor.bool`)."""
    return cast(input, dtypes.bool)


@public(function=False)
def half(input: Tensor, memory_format: Any = None) -> Tensor:
    """Return the tensor as float16 (`Tensor.half`)."""
    return cast(input, dtypes.float16)


@public(function=False)
def bfloat16(input: Tensor, memory_format: Any = None) -> Tensor:
    """Return the tensor as bfloat16 (`Tensor.bfloat16`)."""
    return cast(input, dtypes.bfloat16)


@public(function=False)
def short(input: Tensor, memory_format: Any = None) -> Tensor:
    """Return the tensor as int16, cut off towards zero (`Tensor.short`)."""
    return cast(input, dtypes.int16)


@public(function=False)
def char(input: Tensor, memory_format: Any = None) -> Tensor:
    """Return the tensor as int8, cut off towards zero (`Tensor.char`)."""
    return cast(input, dtypes.int8)
