"""New tensors. Here those from sizes (empty, zeros, ones, full); the ones from data come from `data.py`, the regular
ones from `sequences.py`, those with the shape of another tensor from `like.py`.
"""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from . import core, dtypes
from ._arguments import check_options, deliver, size_of, to_dtype, to_number
from .casts import HALVES, cast_array
from .data import as_tensor, asarray, from_dlpack, from_numpy, frombuffer, tensor
from .limits import finfo
from .sequences import arange, eye, linspace, logspace
from .tensor import Tensor, wrap

__all__ = [
    "arange",
    "as_tensor",
    "asarray",
    "empty",
    "empty_permuted",
    "empty_strided",
    "eye",
    "from_dlpack",
    "from_numpy",
    "frombuffer",
    "full",
    "linspace",
    "logspace",
    "ones",
    "scalar_tensor",
    "tensor",
    "zeros",
]

# How PyTorch names C++ types where a number does not fit into one.
_C_NAMES = {
    "float32": "float",
    "float64": "double",
    "float16": "c10::Half",
    "bfloat16": "c10::BFloat16",
    "int64": "int64_t",
    "int32": "int",
    "int16": "int16_t",
    "int8": "int8_t",
    "uint8": "uint8_t",
}


def check_fits(value: Any, dtype: dtypes.dtype) -> None:
    """Raise RuntimeError if PyTorch refuses to write the number `value` into a tensor of `dtype`."""
    if value in (0, 1) or dtype is dtypes.bool:
        return
    if dtype.is_floating_point:
        fits = not math.isfinite(value) or abs(value) <= finfo(dtype).max
    else:
        # Unsigned types take negative numbers, which wrap round, as C does.
        limits = np.iinfo(dtype._numpy)
        low = builtins.int(limits.min) if limits.min else -builtins.int(limits.max)
        fits = math.isfinite(value) and low <= math.trunc(value) <= builtins.int(limits.max)
    if not fits:
        raise RuntimeError(f"value cannot be converted to type {_C_NAMES[dtype._name]} without overflow")


def _fill(array: Any, value: Any, dtype: dtypes.dtype) -> None:
    if value not in (0, 1):
        check_fits(value, dtype)
    if array.dtype in HALVES:
        array[...] = cast_array(np.array(value, np.float64), array.dtype)
    elif dtype.is_floating_point:
        array.fill(value)
    elif dtype is dtypes.bool:
        array.fill(builtins.bool(value))
    else:
        number = math.trunc(value)
        array.fill(number % 256 if dtype is dtypes.uint8 else number)


# Of every such function: out, dtype, layout, device, pin_memory, requires_grad.
Options = tuple[Any, Any, Any, Any, Any, Any]


def _make(function: str, shape: tuple[int, ...], value: Any, options: Options) -> Tensor:
    """Make a tensor filled with `value` (None: not filled)."""
    out, dtype, layout, device, pin_memory, requires_grad = options
    found = to_dtype(function, dtype, out.dtype if isinstance(out, Tensor) else None)
    if layout is not None or device is not None or pin_memory or requires_grad:
        check_options(function, found, layout, device, pin_memory, requires_grad)
    if type(value) is builtins.int and value == 0:
        array = core.zeros(shape, found._numpy)
    else:
        array = core.empty(shape, found._numpy)
        if value is not None:
            _fill(array, value, found)
        elif out is not None and tuple(out.shape) == shape:
            return out
    if out is None and not requires_grad:
        return wrap(array)
    return deliver(function, array, out, requires_grad, dtype)


def _sizes(function: str, args: tuple[Any, ...], size: Any) -> tuple[int, ...]:
    if size is not None:
        if args:
            raise TypeError(f"{function}() got multiple values for argument 'size'")
        args = (size,)
    if not args:
        raise TypeError(f'{function}() missing 1 required positional arguments: "size"')
    return size_of(function, args)


def empty(
    *args: Any,
    size: Any = None,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Return an uninitialised tensor of the given sizes (`torch.empty`); memory is row-major whatever `memory_format`.

    Raises TypeError for sizes that are no ints, RuntimeError for negative or overflowing ones, MemoryError.
    """
    options = (out, dtype, layout, device, pin_memory, requires_grad)
    return _make("empty", _sizes("empty", args, size), None, options)


def zeros(
    *args: Any,
    size: Any = None,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return a tensor of zeros of the given sizes (`torch.zeros`); errors as `empty`."""
    options = (out, dtype, layout, device, pin_memory, requires_grad)
    return _make("zeros", _sizes("zeros", args, size), 0, options)


def ones(
    *args: Any,
    size: Any = None,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return a tensor of ones of the given sizes (`torch.ones`); errors as `empty`."""
    options = (out, dtype, layout, device, pin_memory, requires_grad)
    return _make("ones", _sizes("ones", args, size), 1, options)


def full(
    size: Any,
    fill_value: Any,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return a tensor of `size` filled with a number (`torch.full`); the dtype follows the number unless given.

    Raises RuntimeError if the number does not fit the dtype.
    """
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"full(): argument 'size' (position 1) must be tuple of ints, not {type(size).__name__}")
    value = to_number("full", fill_value, 2)
    if dtype is None and out is None:
        if isinstance(fill_value, Tensor):
            dtype = fill_value.dtype
        elif isinstance(value, builtins.bool):
            dtype = dtypes.bool
        elif isinstance(value, builtins.int):
            dtype = dtypes.int64
    options = (out, dtype, layout, device, pin_memory, requires_grad)
    return _make("full", size_of("full", (size,)), value, options)


def scalar_tensor(
    s: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return a 0-d tensor of the default dtype, or `dtype`, with the value `s` (`torch.scalar_tensor`)."""
    options = (None, dtype, layout, device, pin_memory, requires_grad)
    return _make("scalar_tensor", (), to_number("scalar_tensor", s, 1, "s"), options)


def empty_permuted(
    size: Any,
    physical_layout: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Return an uninitialised dense tensor whose dimensions lie in memory in the given order, outermost first
    (`torch.empty_permuted`). Raises RuntimeError for what is not an order of all dimensions."""
    shape, order = size_of("empty_permuted", (size,)), tuple(physical_layout)
    if len(shape) != len(order):
        raise RuntimeError(
            "Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) = "
            f"{len(shape)} is not equal to len(physical_layout) = {len(order)}"
        )
    for k, d in enumerate(order):
        if not 0 <= d < len(shape):
            raise RuntimeError(
                f"Dimension out of range (expected to be between 0 and {len(shape) - 1}, but got {d} at index {k}).  "
                "NB: negative dims not currently supported; file an issue if you want it."
            )
    if len(set(order)) != len(order):
        raise RuntimeError("Duplicate dim not allowed")
    found = to_dtype("empty_permuted", dtype)
    check_options("empty_permuted", found, layout, device, pin_memory, requires_grad)
    dense = core.empty(tuple([shape[d] for d in order]), found._numpy)
    return deliver("empty_permuted", dense.transpose(np.argsort(order)), None, requires_grad)


def empty_strided(
    size: Any,
    stride: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Return an uninitialised tensor of the given sizes and strides, in elements (`torch.empty_strided`)."""
    shape, steps = size_of("empty_strided", (size,)), size_of("empty_strided", (stride,))
    if len(shape) != len(steps):
        raise RuntimeError(f"mismatch in length of strides and shape: {len(shape)} sizes and {len(steps)} strides")
    found = to_dtype("empty_strided", dtype)
    check_options("empty_strided", found, layout, device, pin_memory, requires_grad)
    extent = 0 if 0 in shape else 1 + sum((n - 1) * step for n, step in zip(shape, steps, strict=True))
    memory = core.empty((extent,), found._numpy)
    array = np.lib.stride_tricks.as_strided(memory, shape, [step * found.itemsize for step in steps])
    return deliver("empty_strided", array, None, requires_grad)
