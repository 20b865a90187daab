"""Changing the dtype of a module's parameters and buffers, and the questions about devices: there is the CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tinygrad_cnn import dtypes
from tinygrad_cnn.autograd.grad_mode import no_grad
from tinygrad_cnn.like import empty_like
from tinygrad_cnn.nn.modules._tree import ModuleTree
from tinygrad_cnn.nn.parameter import Parameter, is_lazy
from tinygrad_cnn.tensor import Tensor

if TYPE_CHECKING:
    from typing_extensions import Self


class Convert(ModuleTree):
    """The part of Module that converts all its tensors."""

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Replace the data of every parameter (and its gradient) and every buffer by `fn` of it; return self."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        with no_grad():
            for parameter in self._parameters.values():
                if parameter is None:
                    continue
                if is_lazy(parameter):
                    parameter.convert(fn)  # type: ignore[attr-defined]
                    continue
                parameter.data = fn(parameter.detach())
                if parameter.grad is not None:
                    requires_grad = parameter.grad.requires_grad
                    parameter.grad = fn(parameter.grad.detach()).requires_grad_(requires_grad)
            for name, buffer in self._buffers.items():
                if is_lazy(buffer):
                    buffer.convert(fn)  # type: ignore[union-attr]
                elif buffer is not None:
                    self._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Convert parameters and buffers in place: `to(dtype)`, `to(device, dtype)`, `to(other_tensor)`; return self.

        Takes what Tensor.to takes. Only floating-point tensors are converted; a dtype that is none raises TypeError, a
        device other than the CPU raises as PyTorch's CPU build does.
        """
        dtype = _dtype_argument(args, kwargs)
        if dtype is not None and not dtype.is_floating_point:
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )
        Parameter().detach().to(*args, **kwargs)  # complains of wrong arguments and devices
        return self._apply(
            lambda tensor: tensor.to(dtype) if dtype is not None and tensor.is_floating_point() else tensor
        )

    def type(self, dst_type: Any) -> Self:
        """Convert all parameters and buffers, of whatever dtype, to `dst_type`; return self."""
        return self._apply(lambda tensor: tensor.type(dst_type))

    def float(self) -> Self:
        """Convert floating-point parameters and buffers to float32; return self."""
        return self.to(dtypes.float32)

    def double(self) -> Self:
        """Convert floating-point parameters and buffers to float64; return self."""
        return self.to(dtypes.float64)

    def half(self) -> Self:
        """Convert floating-point parameters and buffers to float16; return self."""
        return self.to(dtypes.float16)

    def bfloat16(self) -> Self:
        """Convert floating-point parameters and buffers to bfloat16; return self."""
        return self.to(dtypes.bfloat16)

    def cpu(self) -> Self:
        """Return self: everything is on the CPU."""
        return self

    def cuda(self, device: Any = None) -> Self:
        """Raise as PyTorch's CPU build does."""
        raise AssertionError("Torch not compiled with CUDA enabled")

    def xpu(self, device: Any = None) -> Self:
        """Raise as PyTorch's CPU build does."""
        raise AssertionError("Torch not compiled with XPU enabled")

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Give all parameters and buffers new memory on the device (the CPU), values undefined; return self."""
        return self._apply(lambda tensor: empty_like(tensor, device=device), recurse)

    def share_memory(self) -> Self:
        """Call share_memory_ of all parameters and buffers; return self."""
        return self._apply(lambda tensor: tensor.share_memory_())

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: every operation is compiled already, and PyTorch's result would be the same."""


def _dtype_argument(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return the dtype among the arguments of `to`, or None."""
    for value in (*args, *kwargs.values()):
        if isinstance(value, dtypes.dtype):
            return value
        if isinstance(value, Tensor):
            return value.dtype
    return None
