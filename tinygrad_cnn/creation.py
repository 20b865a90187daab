"""New tensors. Here those from sizes (empty, zeros, ones, full, and with the shape of another tensor); the ones from
data come from `data.py`, the regular ones from `sequences.py`.
"""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from . import core, dtypes
from ._arguments import check_options, deliver, size_of, to_dtype, to_number
from .data import as_tensor, asarray, from_dlpack, from_numpy, frombuffer, tensor
from .sequences import arange, eye, linspace, logspace
from .tensor import Tensor

__all__ = [
    "arange",
    "as_tensor",
    "asarray",
    "empty",
    "empty_like",
    "empty_strided",
    "eye",
    "from_dlpack",
    "from_numpy",
    "frombuffer",
    "full",
    "full_like",
    "linspace",
    "logspace",
    "ones",
    "ones_like",
    "scalar_tensor",
    "tensor",
    "zeros",
    "zeros_like",
]

# How PyTorch names C++ types where a number does not fit into one.
_C_NAMES = {"float32": "float", "float64": "double", "int64": "int64_t", "int32": "int", "uint8": "uint8_t"}


def check_fits(value: Any, dtype: dtypes.dtype) -> None:
    """Raise RuntimeError if PyTorch refuses to write the number `value` into a tensor of `dtype`."""
    if value in (0, 1) or dtype is dtypes.bool:
        return
    if dtype.is_floating_point:
        fits = not math.isfinite(value) or abs(value) <= builtins.float(np.finfo(dtype._numpy).max)
    else:
        # Unsigned types take negative numbers, which wrap round, as C does.
        limits = np.iinfo(dtype._numpy)
        low = builtins.int(limits.min) if limits.min else -builtins.int(limits.max)
        fits = math.isfinite(value) and low <= math.trunc(value) <= builtins.int(limits.max)
    if not fits:
        raise RuntimeError(f"value cannot be converted to type {_C_NAMES[dtype._name]} without overflow")


def _fill(array: Any, value: Any, dtype: dtypes.dtype) -> None:
    check_fits(value, dtype)
    if dtype.is_floating_point:
        array.fill(value)
    elif dtype is dtypes.bool:
        array.fill(builtins.bool(value))
    else:
        number = math.trunc(value)
        array.fill(number % 256 if dtype is dtypes.uint8 else number)


def _make(function: str, shape: tuple[int, ...], value: Any, options: dict[str, Any]) -> Tensor:
    """Make a tensor filled with `value` (None: not filled); the options are those of every such function."""
    out, dtype, requires_grad = options["out"], options["dtype"], options["requires_grad"]
    found = to_dtype(function, dtype, out.dtype if isinstance(out, Tensor) else None)
    check_options(function, found, options["layout"], options["device"], options["pin_memory"], requires_grad)
    array = core.empty(shape, found._numpy)
    if value is not None:
        _fill(array, value, found)
    elif out is not None and tuple(out.shape) == shape:
        return out
    return deliver(function, array, out, requires_grad, dtype)


def _options(
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> dict[str, Any]:
    return {
        "out": out,
        "dtype": dtype,
        "layout": layout,
        "device": device,
        "pin_memory": pin_memory,
        "requires_grad": requires_grad,
    }


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
    options = _options(out, dtype, layout, device, pin_memory, requires_grad)
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
    options = _options(out, dtype, layout, device, pin_memory, requires_grad)
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
    options = _options(out, dtype, layout, device, pin_memory, requires_grad)
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
    options = _options(out, dtype, layout, device, pin_memory, requires_grad)
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
    options = _options(None, dtype, layout, device, pin_memory, requires_grad)
    return _make("scalar_tensor", (), to_number("scalar_tensor", s, 1, "s"), options)


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


def _permuted_like(shape: tuple[int, ...], strides: tuple[int, ...], numpy_dtype: Any) -> Any:
    """Return an uninitialised array whose dimensions lie in memory in the order of `strides`."""
    order = sorted(range(len(shape)), key=lambda d: (-abs(strides[d]), d))
    dense = core.empty(tuple([shape[d] for d in order]), numpy_dtype)
    inverse = [0] * len(order)
    for position, d in enumerate(order):
        inverse[d] = position
    return dense.transpose(inverse)


def like_array(input: Tensor, numpy_dtype: Any) -> Any:
    """Return an uninitialised array of the shape of `input`, and of its order in memory if that is a dense one."""
    array = input._array
    if array.flags.c_contiguous or 0 in array.strides:
        return core.empty(array.shape, numpy_dtype)
    return _permuted_like(array.shape, array.strides, numpy_dtype)


def _like(function: str, input: Any, value: Any, options: dict[str, Any]) -> Tensor:
    if not isinstance(input, Tensor):
        raise TypeError(f"{function}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    dtype = to_dtype(function, options["dtype"], input.dtype)
    requires_grad = options["requires_grad"]
    check_options(function, dtype, options["layout"], options["device"], options["pin_memory"], requires_grad)
    array = like_array(input, dtype._numpy)
    if value is not None:
        _fill(array, value, dtype)
    return deliver(function, array, None, requires_grad)


def empty_like(
    input: Tensor,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Return an uninitialised tensor with the shape and dtype of `input` (`torch.empty_like`)."""
    return _like("empty_like", input, None, _options(None, dtype, layout, device, pin_memory, requires_grad))


def zeros_like(
    input: Tensor,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Return zeros with the shape and dtype of `input` (`torch.zeros_like`)."""
    return _like("zeros_like", input, 0, _options(None, dtype, layout, device, pin_memory, requires_grad))


def ones_like(
    input: Tensor,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Return ones with the shape and dtype of `input` (`torch.ones_like`)."""
    return _like("ones_like", input, 1, _options(None, dtype, layout, device, pin_memory, requires_grad))


def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Return a tensor with the shape and dtype of `input` filled with a number (`torch.full_like`)."""
    value = to_number("full_like", fill_value, 2)
    return _like("full_like", input, value, _options(None, dtype, layout, device, pin_memory, requires_grad))
