"""Convolution and its two gradients: three bilinear operations whose gradients are each other.

With y = x * w, dx = T(dy, w) and dw = S(dy, x) for one ConvShape, the gradient of T by dy is a convolution again and by
w an S, and so on: the family is closed, so convolutions can be differentiated any number of times.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn.autograd.deferred import Deferrable, Task
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.core import FLOATS, Array
from tinygrad_cnn.core import conv as kernels
from tinygrad_cnn.core.conv import ConvShape
from tinygrad_cnn.core.norm import fold_batch_norm

from .reduce import Sum

__all__ = ["Conv2d", "Conv2dInputGrad", "Conv2dWeightGrad", "ConvShape"]


class ConvTask(Task):
    """A convolution to be done."""

    __slots__ = ("sizes",)

    def __init__(self, sizes: ConvShape, x: Array, weight: Array, bias: Array | None):
        super().__init__(sizes.y, x.dtype, (x, weight, bias))
        self.sizes = sizes

    def run(self, relu: bool) -> Array:
        """Convolve."""
        x, weight, bias = self.sources
        return kernels.conv2d(self.sizes, x, weight, bias, relu)

    def normalised(self, gamma: Array | None, beta: Array | None, mean: Array, var: Array, eps: float) -> ConvTask:
        """Return the convolution that gives this one's result batch-normalised by known statistics."""
        x, weight, bias = self.sources
        return ConvTask(self.sizes, x, *fold_batch_norm(weight, bias, mean, var, gamma, beta, eps))


class Conv2d(Deferrable):
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
        return (kernels.conv2d if x.dtype in FLOATS else _integer_conv2d)(shape, x, weight, bias)

    def backward(self, grad: Any) -> Any:
        """Return the gradients by x, weight and bias, each only if needed."""
        x, weight = self.saved_tensors
        to_x, to_weight, to_bias = self.edges
        dx = Conv2dInputGrad.apply(grad, weight, None, shape=self.shape) if to_x is not None else None
        if to_weight is not None and to_bias is not None:
            return dx, *Conv2dWeightGrad.apply(grad, x, shape=self.shape, bias=True)
        return (
            dx,
            Conv2dWeightGrad.apply(grad, x, shape=self.shape) if to_weight is not None else None,
            Sum.apply(grad, dims=(0, 2, 3), keepdim=False) if to_bias is not None else None,
        )


class Conv2dInputGrad(Operation):
    """dx of dy and weight: also the transposed convolution, which may have a bias (C,)."""

    grad_name = "ConvolutionBackward0"

    def forward(self, dy: Array, weight: Array, bias: Array | None, *, shape: ConvShape) -> Array:
        """Spread each dy over the window that it came from."""
        self.shape = shape
        self.save_for_backward(dy, weight)
        dx = kernels.conv2d_input_grad(shape, dy, weight)
        if bias is not None:
            dx += bias.reshape(-1, 1, 1)
        return dx

    def backward(self, grad: Any) -> Any:
        """Return the gradients by dy, weight and bias, each only if needed."""
        dy, weight = self.saved_tensors
        needs = self.needs_input_grad
        return (
            Conv2d.apply(grad, weight, None, shape=self.shape) if needs[0] else None,
            Conv2dWeightGrad.apply(dy, grad, shape=self.shape) if needs[1] else None,
            grad.sum((0, 2, 3)) if needs[2] else None,
        )


class Conv2dWeightGrad(Operation):
    """dweight of dy and x; with `bias`, dweight and the sum of dy for each filter, in one pass over dy."""

    grad_name = "ConvolutionBackward0"

    def forward(self, dy: Array, x: Array, *, shape: ConvShape, bias: bool = False) -> Array | tuple[Array, Array]:
        """Correlate dy with x."""
        self.shape = shape
        self.save_for_backward(dy, x)
        return kernels.conv2d_weight_grad(shape, dy, x, bias)

    def backward(self, grad: Any, bias_grad: Any = None) -> Any:
        """Return the gradients by dy and x, each only if needed; that of dweight or of the sum may be None: zero."""
        dy, x = self.saved_tensors
        needs = self.needs_input_grad
        if grad is None:
            return bias_grad.reshape(1, -1, 1, 1).expand(self.shape.y) if needs[0] else None, None
        return (
            Conv2d.apply(x, grad, bias_grad, shape=self.shape) if needs[0] else None,
            Conv2dInputGrad.apply(dy, grad, None, shape=self.shape) if needs[1] else None,
        )


def _integer_conv2d(shape: ConvShape, x: Array, weight: Array, bias: Array | None) -> Array:
    """Convolve integers, in NumPy: exact, wrapping as integers do; for small examples, the core computes floats."""
    n, c, h, w = shape.x
    k, _, r, s = shape.weight
    _, _, oh, ow = shape.y
    (sh, sw), (dh, dw), (top, left), groups = shape.stride, shape.dilation, shape.padding, shape.groups
    high, wide = (oh - 1) * sh + (r - 1) * dh + 1, (ow - 1) * sw + (s - 1) * dw + 1
    padded = np.zeros((n, c, max(high, h + top), max(wide, w + left)), x.dtype)
    padded[:, :, top : top + h, left : left + w] = x
    windows = np.lib.stride_tricks.sliding_window_view(padded, ((r - 1) * dh + 1, (s - 1) * dw + 1), (2, 3))
    windows = windows[:, :, ::sh, ::sw, ::dh, ::dw][:, :, :oh, :ow]
    windows = windows.reshape(n, groups, c // groups, oh, ow, r, s)
    kernel = weight.reshape(groups, k // groups, c // groups, r, s)
    y = np.einsum("ngchwrs,gkcrs->ngkhw", windows, kernel).reshape(shape.y)
    return y if bias is None else y + bias.reshape(-1, 1, 1)
