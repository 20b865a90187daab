"""Arguments that all functions making tensors share: sizes, dtype, layout, device, pin_memory, requires_grad, out."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from . import core, dtypes
from ._memory import check_writable
from .autograd.waiting import settle
from .casts import cast_array
from .dtypes import scalar_name as _scalar_name
from .tensor import Tensor, wrap

__all__ = ["check_options", "deliver", "size_of", "to_dtype", "to_number"]


class layout:
    """The layout of a tensor's memory; there is one, `strided` (`torch.layout`)."""

    def __init__(self, name: str):
        self._name = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> str:
        return self._name


class memory_format:
    """An order of dimensions in memory (`torch.memory_format`). Tensors made here are row-major
    (`contiguous_format`)."""

    def __init__(self, name: str):
        self._name = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> str:
        return self._name


strided = layout("strided")
contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")

_PYTHON_TYPES = {builtins.float: dtypes.float64, builtins.int: dtypes.int64, builtins.bool: dtypes.bool}


def to_dtype(function: str, dtype: Any, default: dtypes.dtype | None = None) -> dtypes.dtype:
    """Return the dtype that an argument names (None: `default`, else the default dtype); TypeError for what is none."""
    if dtype is None:
        return dtypes.get_default_dtype() if default is None else default
    if isinstance(dtype, dtypes.dtype):
        return dtype
    found = _PYTHON_TYPES.get(dtype) if isinstance(dtype, type) else None
    if found is None:
        raise TypeError(f"{function}(): argument 'dtype' must be torch.dtype, not {type(dtype).__name__}")
    return found


def size_of(function: str, size: tuple[Any, ...]) -> tuple[int, ...]:
    """Return the ints of `f(2, 3)` or `f((2, 3))`.

    Raises TypeError for what is no int, RuntimeError for a negative size.
    """
    for item in size:
        if type(item) is not builtins.int or item < 0:
            break
    else:  # by far the most frequent case
        if len(size) <= core.MOST_DIMENSIONS:
            return size
    single = len(size) == 1
    items = tuple(size[0]) if single and isinstance(size[0], (tuple, list)) else size
    sizes: list[builtins.int] = []
    for position, item in enumerate(items):
        if type(item) is builtins.int:
            sizes.append(item)
            continue
        whole = hasattr(item, "__index__") and not isinstance(item, builtins.bool)
        if not whole or (isinstance(item, Tensor) and item.ndim):
            if single and items is size:
                raise TypeError(
                    f"{function}(): argument 'size' (position 1) must be tuple of ints, not {type(item).__name__}"
                )
            raise TypeError(
                f"{function}(): argument 'size' failed to unpack the object at pos {position + 1} with error "
                f'"type must be tuple of ints,but got {type(item).__name__}"'
            )
        sizes.append(item.__index__())
    if sizes and min(sizes) < 0:
        if function == "zeros":
            raise RuntimeError("zeros: Dimension size must be non-negative.")
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(sizes)}: {sizes}")
    if len(sizes) > 64:
        raise RuntimeError(f"{function}(): a tensor has at most 64 dimensions, but got {len(sizes)}")
    return tuple(sizes)


def check_options(
    function: str, dtype: dtypes.dtype, layout_: Any, device: Any, pin_memory: Any, requires_grad: Any
) -> None:
    """Check the options for which there is one answer on a CPU; each raises what PyTorch's CPU build raises."""
    dtypes.check_device(device)
    if layout_ is not None and layout_ is not strided:
        kind = type(layout_).__name__
        raise TypeError(f"{function}(): argument 'layout' must be torch.layout (torch.strided, here), not {kind}")
    if pin_memory:
        raise RuntimeError(
            "pin_memory=True requires a CUDA or other accelerator backend; no pinned memory allocator is available on "
            "this system."
        )
    if requires_grad and not dtype.is_floating_point:
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")


def deliver(function: str, array: Any, out: Any, requires_grad: bool, dtype: Any = None) -> Tensor:
    """Return a Tensor on a new array, or write the array into `out`, resized if need be, and return that."""
    if out is None:
        result = wrap(array)
        if requires_grad:
            result._requires_grad = True
        return result
    if not isinstance(out, Tensor):
        raise TypeError(f"{function}(): argument 'out' must be Tensor, not {type(out).__name__}")
    if dtype is not None and out.dtype is not to_dtype(function, dtype):
        raise RuntimeError(
            f"dtype {_scalar_name(to_dtype(function, dtype))} does not match dtype of out parameter "
            f"({_scalar_name(out.dtype)})"
        )
    out._check_inplace()
    check_writable(out._array)
    settle(out._array)
    if out._array.shape != array.shape:
        out._array = core.empty(array.shape, out._array.dtype)
    if out._array.dtype == array.dtype:
        core.copy_into(array, out._array)
    else:
        out._array[...] = cast_array(array, out._array.dtype)
    out._bump()
    if requires_grad:
        out.requires_grad = True
    return out


def to_number(function: str, value: Any, position: int, argument: str = "fill_value") -> Any:
    """Return a Python number from a number, a NumPy scalar or a 0-d tensor; TypeError for anything else."""
    if isinstance(value, (builtins.float, builtins.int)):
        return value.item() if isinstance(value, np.generic) else value
    if isinstance(value, Tensor) and value.ndim == 0:
        return value.item()
    if isinstance(value, np.generic) and value.dtype.kind in "fiub":
        return value.item()
    raise TypeError(
        f"{function}(): argument '{argument}' (position {position}) must be Number, not {type(value).__name__}"
    )
