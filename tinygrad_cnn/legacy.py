"""Types as scripts from before PyTorch 0.4 write them: `Tensor(...)`, `FloatTensor(...)`,
`tensor.type('torch.LongTensor')`."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import core, dtypes
from ._arguments import size_of
from ._sequence import from_sequence
from .data import from_array
from .dtypes import SCALAR_NAMES
from .tensor import Tensor, wrap

__all__ = [
    *("BFloat16Tensor", "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor"),
    *("IntTensor", "LongTensor", "ShortTensor"),
]


def _construct(dtype: dtypes.dtype, name: str, args: tuple[Any, ...], device: Any, tensors: bool) -> Tensor:
    """Return `Type()`, `Type(2, 3)` (uninitialised), `Type(data)` or `Type(tensor)`."""
    dtypes.check_device(device)
    if not args:
        return wrap(core.empty((0,), dtype._numpy))
    first = args[0]
    integer = isinstance(first, (int, np.integer)) and not isinstance(first, bool)
    if len(args) > 1 or isinstance(first, dtypes.Size) or integer:
        sizes = size_of(name, args)
        return wrap(core.empty(sizes, dtype._numpy))
    if isinstance(first, Tensor):
        if first.dtype is not dtype and not tensors:
            raise TypeError(f"expected a tensor of dtype {dtype} (got {first.dtype})")
        return first._alias_detached()
    if isinstance(first, np.ndarray):
        return wrap(from_array(name, first, dtype, True))
    if isinstance(first, str):
        raise TypeError(f"new(): invalid data type '{type(first).__name__}'")
    if not hasattr(first, "__len__"):
        raise TypeError(f"new(): data must be a sequence (got {type(first).__name__})")
    return wrap(from_sequence(name, first, dtype))


def new_tensor(args: tuple[Any, ...], device: Any) -> Tensor:
    """Return what `Tensor(*args)` is: of the default dtype, except that a tensor keeps its own."""
    return _construct(dtypes.get_default_dtype(), "new", args, device, True)


class tensortype(type):
    """The metaclass of the classes below: instances are Tensors of their dtype."""

    dtype: dtypes.dtype

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype

    def __repr__(cls) -> str:
        return f"<class 'torch.{cls.__name__}'>"


class _LegacyType:
    """A dtype by PyTorch's old name; calling it makes a tensor of that dtype from sizes or data."""

    is_cuda = False

    def __new__(cls, *args: Any, device: Any = None) -> Any:
        """Make the tensor."""
        return _construct(cls.dtype, "new", args, device, False)  # type: ignore[attr-defined]


class FloatTensor(_LegacyType, metaclass=tensortype):
    """float32."""

    dtype = dtypes.float32


class DoubleTensor(_LegacyType, metaclass=tensortype):
    """float64."""

    dtype = dtypes.float64


class HalfTensor(_LegacyType, metaclass=tensortype):
    """float16."""

    dtype = dtypes.float16


class BFloat16Tensor(_LegacyType, metaclass=tensortype):
    """bfloat16."""

    dtype = dtypes.bfloat16


class LongTensor(_LegacyType, metaclass=tensortype):
    """int64."""

    dtype = dtypes.int64


class IntTensor(_LegacyType, metaclass=tensortype):
    """int32."""

    dtype = dtypes.int32


class ShortTensor(_LegacyType, metaclass=tensortype):
    """int16."""

    dtype = dtypes.int16


class CharTensor(_LegacyType, metaclass=tensortype):
    """int8."""

    dtype = dtypes.int8


class ByteTensor(_LegacyType, metaclass=tensortype):
    """uint8."""

    dtype = dtypes.uint8


class BoolTensor(_LegacyType, metaclass=tensortype):
    """bool."""

    dtype = dtypes.bool


_BY_NAME = {f"torch.{name}Tensor": dtype for dtype, name in SCALAR_NAMES.items()}


def legacy_type(tensor: Tensor, dtype: Any) -> Any:
    """Return what `tensor.type(dtype)` is: the name 'torch.FloatTensor' without `dtype`, else the converted tensor."""
    if dtype is None:
        return f"torch.{SCALAR_NAMES[tensor.dtype]}Tensor"
    if isinstance(dtype, dtypes.dtype):
        return tensor.to(dtype)
    if isinstance(dtype, tensortype):
        return tensor.to(dtype.dtype)
    if dtype is Tensor or dtype == "torch.Tensor":
        return tensor.to(dtypes.get_default_dtype())
    name = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", repr(dtype))
    if name.startswith("torch.cuda."):
        raise TypeError(f"type {name} not available. Torch not compiled with CUDA enabled.")
    if name not in _BY_NAME:
        raise ValueError(f"invalid type: '{name}'")
    return tensor.to(_BY_NAME[name])


def set_default_tensor_type(t: Any) -> None:
    """Set the default dtype by the name of a type or a type (`torch.set_default_tensor_type`)."""
    dtype = t.dtype if isinstance(t, tensortype) else _BY_NAME.get(t)
    if dtype is None:
        raise TypeError(f"invalid type object: {t!r}")
    if not dtype.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    dtypes.set_default_dtype(dtype)
