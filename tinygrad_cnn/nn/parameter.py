"""Parameter and Buffer: tensors that a Module registers when they are assigned to it."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn import core
from tinygrad_cnn.tensor import Tensor

__all__ = ["Buffer", "Parameter"]


def typename(value: Any) -> str:
    """Return the name of a value's type as PyTorch's messages give it: 'torch.FloatTensor', 'list', 'package.Class'."""
    if isinstance(value, Tensor):
        return value.type()
    kind = value if isinstance(value, type) else type(value)
    if kind.__module__ in ("builtins", "__builtin__"):
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def _share(cls: type[Any], data: Any) -> Any:
    """Return a new leaf of class `cls` on the memory (and with the version counter) of `data`."""
    if not isinstance(data, Tensor):
        raise AttributeError(f"'{type(data).__name__}' object has no attribute 'detach'")
    result = object.__new__(cls)
    result._array = data._array
    result._version_counter = data._counter()
    return result


def _empty() -> Tensor:
    result = object.__new__(Tensor)
    result._array = core.empty((0,))
    return result


class Parameter(Tensor):
    """A leaf tensor that requires a gradient (unless told otherwise) and that a Module registers as its parameter.

    It shares the memory of `data`. Raises RuntimeError if it shall require a gradient and is not floating-point.
    """

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Parameter:
        """Make a parameter on the memory of `data` (nothing: an empty one)."""
        parameter = _share(cls, _empty() if data is None else data)
        if requires_grad:
            if not parameter.is_floating_point():
                raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
            parameter._requires_grad = True
        return parameter

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True):
        pass  # made by __new__

    def __repr__(self, *args: Any, **kwargs: Any) -> str:
        return f"Parameter containing:\n{super().__repr__()}"

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        if id(self) not in memo:
            memo[id(self)] = type(self)(_copy(self), self.requires_grad)
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _rebuild_parameter, (self.data, self.requires_grad)


class Buffer(Tensor):
    """A tensor that a Module registers as its buffer when it is assigned; `persistent`: part of the state_dict.

    It shares the memory of `data`.
    """

    persistent: bool

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Buffer:
        """Make a buffer on the memory of `data` (nothing: an empty one)."""
        buffer = _share(cls, _empty() if data is None else data)
        buffer._requires_grad = data is not None and data.requires_grad
        buffer.persistent = persistent
        return buffer

    def __init__(self, data: Tensor | None = None, *, persistent: bool = True):
        pass  # made by __new__

    def __deepcopy__(self, memo: dict[int, Any]) -> Buffer:
        if id(self) not in memo:
            memo[id(self)] = type(self)(_copy(self), persistent=self.persistent)
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _rebuild_buffer, (self.data, self.persistent)


def _copy(tensor: Tensor) -> Tensor:
    result = object.__new__(Tensor)
    result._array = core.copy(tensor._array)
    return result


def _rebuild_parameter(data: Tensor, requires_grad: bool) -> Parameter:
    """Unpickle a Parameter."""
    return Parameter(data, requires_grad)


def _rebuild_buffer(data: Tensor, persistent: bool) -> Buffer:
    """Unpickle a Buffer."""
    return Buffer(data, persistent=persistent)
