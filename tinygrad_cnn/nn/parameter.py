"""Parameter and Buffer: tensors that a Module registers when they are assigned to it; those without a shape yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_cnn import core
from tinygrad_cnn.creation import empty
from tinygrad_cnn.interop import user_attributes
from tinygrad_cnn.tensor import Tensor

__all__ = [
    "Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "UninitializedTensorMixin", "is_lazy",
]  # fmt: skip


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
        return _rebuild_parameter, (self.data, self.requires_grad), user_attributes(self) or None


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


# ---------------------------------------------------------------- without a shape yet, for lazy modules

_PRIVATE = "_uninitialized"  # an empty tensor that stands for dtype and device


class UninitializedTensorMixin:
    """A tensor without memory: its dtype is known, its shape is not. `materialize` gives it one."""

    cls_to_become: type[Any]

    @property
    def _array(self) -> Any:
        raise ValueError(
            "Attempted to use an uninitialized parameter in an operation. This error happens when you are using a "
            f"`LazyModule` or explicitly manipulating `torch.nn.parameter.{type(self).__name__}` objects. When using "
            "LazyModules Call `forward` with a dummy batch to initialize the parameters before calling torch functions"
        )

    @property
    def shape(self) -> Any:
        """Raise RuntimeError: it has none."""
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in "
            "`load_state_dict` when trying to load an uninitialized parameter into an initialized one. Call `forward` "
            "to initialize the parameters before accessing their attributes."
        )

    @property
    def data(self) -> Tensor:
        """An empty tensor of the dtype."""
        return self.__dict__[_PRIVATE]

    @property
    def dtype(self) -> Any:
        """The dtype that it will have."""
        return self.data.dtype

    @property
    def device(self) -> Any:
        """The device that it will be on."""
        return self.data.device

    def is_floating_point(self) -> bool:
        """Return whether the dtype is one of floating-point numbers."""
        return self.data.is_floating_point()

    def convert(self, fn: Callable[[Tensor], Tensor]) -> None:
        """Take the dtype over that `fn` gives a tensor: what Module.to and its like do."""
        self.__dict__[_PRIVATE] = fn(self.data)

    def copy_(self, src: Any, non_blocking: bool = False) -> Any:
        """Return self: there is nothing to copy between two that have no memory. ValueError for other sources."""
        return self if is_lazy(src) else self._array

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Become an ordinary Parameter or Tensor with memory of this shape, its values undefined."""
        data = empty(shape, device=device or self.device, dtype=dtype or self.dtype)
        del self.__dict__[_PRIVATE]
        self.__class__ = self.cls_to_become
        self._array = data._array  # type: ignore[misc]

    def share_memory_(self) -> Any:
        """Raise RuntimeError: it has none."""
        raise RuntimeError(
            "Can't share memory on an uninitialized parameter or buffer. Call `forward` to initialize the parameters "
            "before calling `module.share_memory()`."
        )

    def __repr__(self, *args: Any, **kwargs: Any) -> str:
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (self.requires_grad, self.device, self.dtype)  # type: ignore[attr-defined]

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            kind, arguments = self.__reduce_ex__(2)
            memo[id(self)] = kind(*arguments)
        return memo[id(self)]


def is_lazy(param: Any) -> bool:
    """Return whether a parameter or buffer has no memory yet."""
    return isinstance(param, UninitializedTensorMixin)


def _make(cls: type[Any], requires_grad: bool, device: Any, dtype: Any) -> Any:
    made = object.__new__(cls)
    made.__dict__[_PRIVATE] = empty(0, device=device, dtype=dtype)
    made._requires_grad = requires_grad
    return made


class UninitializedParameter(UninitializedTensorMixin, Parameter):  # type: ignore[misc, override]
    """A Parameter whose shape is not known yet (`torch.nn.parameter.UninitializedParameter`)."""

    cls_to_become = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Any:
        """Note the dtype."""
        return _make(cls, requires_grad, device, dtype)

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        pass  # made by __new__


class UninitializedBuffer(UninitializedTensorMixin, Buffer):  # type: ignore[misc, override]
    """A buffer whose shape is not known yet (`torch.nn.parameter.UninitializedBuffer`)."""

    cls_to_become = Tensor
    persistent: bool

    def __new__(
        cls, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True
    ) -> Any:
        """Note the dtype."""
        made = _make(cls, requires_grad, device, dtype)
        made.persistent = persistent
        return made

    def __init__(
        self, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True
    ) -> None:
        pass  # made by __new__
