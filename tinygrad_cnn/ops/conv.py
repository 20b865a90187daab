"""Convolution and its two gradients: three bilinear operations whose gradients are each other.

Sizes are written for planes, x (N, C, H, W); lines (N, C, L) and volumes (N, C, D, H, W) go the same ways.
With y = x * w, dx = T(dy, w) and dw = S(dy, x) for one ConvShape, the gradient of T by dy is a convolution again and by
w an S, and so on: the family is closed, so convolutions can be differentiated any number of times.
"""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.autograd.deferred import Deferrable, Task
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.core import Array
from tinygrad_cnn.core.conv import ConvShape
from tinygrad_cnn.core.norm import fold_batch_norm

from . import conv_kernels as kernels
from .reduce import Sum

__all__ = ["ConvShape", "Convolution", "ConvolutionInputGrad", "ConvolutionWeightGrad"]

_BUT_CHANNELS = {3: (0, 2), 4: (0, 2, 3), 5: (0, 2, 3, 4)}


class ConvTask(Task):
    """A convolution to be done."""

    __slots__ = ("sizes",)

    def __init__(self, sizes: ConvShape, x: Array, weight: Array, bias: Array | None):
        super().__init__(sizes.y, x.dtype, (x, weight, bias))
        self.sizes = sizes

    def run(self, relu: bool) -> Array:
        """Convolve."""
        x, weight, bias = self.sources
        return kernels.convolve(self.sizes, x, weight, bias, relu)

    def normalised(self, gamma: Array | None, beta: Array | None, mean: Array, var: Array, eps: float) -> ConvTask:
        """Return the convolution that gives this one's result batch-normalised by known statistics."""
        x, weight, bias = self.sources
        return ConvTask(self.sizes, x, *fold_batch_norm(weight, bias, mean, var, gamma, beta, eps))


class Convolution(Deferrable):
    """y (N, K, OH, OW) of x (N, C, H, W), weight (K, C / groups, R, S) and bias (K,) or None."""

    grad_name = "ConvolutionBackward0"

    def prepare(self, x: Array, weight: Array, bias: Array | None, *, shape: ConvShape) -> ConvTask:
        """Convolve floats."""
        self.shape = shape
        self.save_for_backward(x, weight)
        return ConvTask(shape, x, weight, bias)

    def forward(self, x: Array, weight: Array, bias: Array | None, *, shape: ConvShape) -> Array:
        """Convolve."""
        self.shape = shape
        self.save_for_backward(x, weight)
        return kernels.convolve(shape, x, weight, bias)

    def backward(self, grad: Any) -> Any:
        """Return the gradients by x, weight and bias, each only if needed."""
        x, weight = self.saved_tensors
        to_x, to_weight, to_bias = self.edges
        dx = ConvolutionInputGrad.apply(grad, weight, None, shape=self.shape) if to_x is not None else None
        if to_weight is not None and to_bias is not None:
            return dx, *ConvolutionWeightGrad.apply(grad, x, shape=self.shape, bias=True)
        return (
            dx,
            ConvolutionWeightGrad.apply(grad, x, shape=self.shape) if to_weight is not None else None,
            Sum.apply(grad, dims=_BUT_CHANNELS[grad.ndim], keepdim=False) if to_bias is not None else None,
        )


class ConvolutionInputGrad(Operation):
    """dx of dy and weight: also the transposed convolution, which may have a bias (C,)."""

    grad_name = "ConvolutionBackward0"

    def forward(self, dy: Array, weight: Array, bias: Array | None, *, shape: ConvShape) -> Array:
        """Spread each dy over the window that it came from."""
        self.shape = shape
        self.save_for_backward(dy, weight)
        dx = kernels.input_gradient(shape, dy, weight)
        if bias is not None:
            dx += bias.reshape(-1, *[1] * (dx.ndim - 2))
        return dx

    def backward(self, grad: Any) -> Any:
        """Return the gradients by dy, weight and bias, each only if needed."""
        dy, weight = self.saved_tensors
        needs = self.needs_input_grad
        return (
            Convolution.apply(grad, weight, None, shape=self.shape) if needs[0] else None,
            ConvolutionWeightGrad.apply(dy, grad, shape=self.shape) if needs[1] else None,
            grad.sum(_BUT_CHANNELS[grad.ndim]) if needs[2] else None,
        )


class ConvolutionWeightGrad(Operation):
    """dweight of dy and x; with `bias`, dweight and the sum of dy for each filter, in one pass over dy."""

    grad_name = "ConvolutionBackward0"

    def forward(self, dy: Array, x: Array, *, shape: ConvShape, bias: bool = False) -> Array | tuple[Array, Array]:
        """Correlate dy with x."""
        self.shape = shape
        self.save_for_backward(dy, x)
        return kernels.weight_gradient(shape, dy, x, bias)

    def backward(self, grad: Any, bias_grad: Any = None) -> Any:
        """Return the gradients by dy and x, each only if needed; that of dweight or of the sum may be None: zero."""
        dy, x = self.saved_tensors
        needs = self.needs_input_grad
        if grad is None:
            if not needs[0]:
                return None, None
            return bias_grad.reshape(-1, *[1] * (len(self.shape.y) - 2)).expand(self.shape.y), None
        return (
            Convolution.apply(x, grad, bias_grad, shape=self.shape) if needs[0] else None,
            ConvolutionInputGrad.apply(dy, grad, None, shape=self.shape) if needs[1] else None,
        )
