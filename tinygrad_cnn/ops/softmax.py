"""Softmax and log-softmax, with fused gradients that are operations of their own and differentiable again."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.casts import FLOATING
from tinygrad_cnn.core import Array
from tinygrad_cnn.core import softmax as kernels
from tinygrad_cnn.dtypes import scalar_name as _scalar_name

from .forms import public

__all__ = ["LogSoftmax", "Softmax", "log_softmax", "softmax"]


class Softmax(Operation):
    """y = exp(x) / sum(exp(x)) along `dim` (not negative)."""

    def forward(self, x: Array, *, dim: int) -> Array:
        """Compute it, the largest subtracted first."""
        self.dim = dim
        y = kernels.softmax(False, x, dim)
        self.save_for_backward(y)
        return y

    def backward(self, grad: Any) -> Any:
        """Return dx."""
        (y,) = self.saved_tensors
        return SoftmaxGrad.apply(grad, y, dim=self.dim)


class SoftmaxGrad(Operation):
    """dx = y * (dy - sum(dy * y)) of dy and the output y."""

    grad_name = "SoftmaxBackwardDataBackward0"

    def forward(self, dy: Array, y: Array, *, dim: int) -> Array:
        """Compute it in one pass."""
        self.dim = dim
        self.save_for_backward(dy, y)
        return kernels.softmax_grad(False, dy, y, dim)

    def backward(self, grad: Any) -> Any:
        """The map dy -> dx is symmetric, so its gradient is itself; the one by y follows by the product rule."""
        dy, y = self.saved_tensors
        by_dy = SoftmaxGrad.apply(grad, y, dim=self.dim) if self.needs_input_grad[0] else None
        if not self.needs_input_grad[1]:
            return by_dy, None
        inner = (dy * y).sum(self.dim, True)
        outer = (grad * y).sum(self.dim, True)
        return by_dy, grad * (dy - inner) - dy * outer


class LogSoftmax(Operation):
    """y = x - log(sum(exp(x))) along `dim` (not negative)."""

    def forward(self, x: Array, *, dim: int) -> Array:
        """Compute it, the largest subtracted first."""
        self.dim = dim
        y = kernels.softmax(True, x, dim)
        self.save_for_backward(y)
        return y

    def backward(self, grad: Any) -> Any:
        """Return dx."""
        (y,) = self.saved_tensors
        return LogSoftmaxGrad.apply(grad, y, dim=self.dim)


class LogSoftmaxGrad(Operation):
    """dx = dy - exp(y) * sum(dy) of dy and the output y."""

    grad_name = "LogSoftmaxBackwardDataBackward0"

    def forward(self, dy: Array, y: Array, *, dim: int) -> Array:
        """Compute it in one pass."""
        self.dim = dim
        self.save_for_backward(dy, y)
        return kernels.softmax_grad(True, dy, y, dim)

    def backward(self, grad: Any) -> Any:
        """With p = exp(y): by dy it is grad - sum(grad * p), by y it is -grad * p * sum(dy)."""
        dy, y = self.saved_tensors
        weighted = grad * y.exp()
        by_dy = grad - weighted.sum(self.dim, True) if self.needs_input_grad[0] else None
        by_y = -weighted * dy.sum(self.dim, True) if self.needs_input_grad[1] else None
        return by_dy, by_y


def _prepare(input: Any, dim: int, dtype: Any, name: str) -> tuple[Any, int]:
    """Convert the dtype and check the dimension."""
    if dtype is not None:
        input = input.to(dtype)
    if isinstance(dim, bool) or not isinstance(dim, int):
        raise TypeError(f"{name}(): argument 'dim' (position 2) must be int, not {type(dim).__name__}")
    array = input._array
    rank = array.ndim or 1
    if not -rank <= dim < rank:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], but got {dim})")
    dim %= rank
    if array.dtype not in FLOATING:
        kernel = f"{name}_lastdim_kernel_impl" if dim == rank - 1 else f"{name}_kernel_impl"
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{_scalar_name(input.dtype)}'")
    return input, dim


@public(out=True)
def softmax(input: Any, dim: int, dtype: Any = None, *, out: Any = None) -> Any:
    """Return softmax of `input` along `dim`, in `dtype` if given (`torch.softmax`).

    Raises IndexError for a dimension out of range, NotImplementedError for an integer tensor.
    """
    input, dim = _prepare(input, dim, dtype, "softmax")
    return Softmax.apply(input, dim=dim)


@public(out=True)
def log_softmax(input: Any, dim: int, dtype: Any = None, *, out: Any = None) -> Any:
    """Return the logarithm of softmax along `dim` (`torch.log_softmax`): exact where the softmax underflows."""
    input, dim = _prepare(input, dim, dtype, "log_softmax")
    return LogSoftmax.apply(input, dim=dim)
