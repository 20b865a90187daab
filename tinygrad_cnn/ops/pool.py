"""Pooling of the last two dimensions: by the largest or smallest (which remember whom they took) and by the average.

Max pooling picks cells, so its gradient puts values back to those cells (PoolScatter), whose gradient picks them again
(PoolGather). Average pooling is linear: it and its gradient are each other's gradients.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn.autograd.deferred import Task, may_wait, put_off
from tinygrad_cnn.autograd.grad_mode import mode
from tinygrad_cnn.autograd.node import LEAF
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.core import RELU, Array, unary
from tinygrad_cnn.core import pool as kernels
from tinygrad_cnn.core.buffers import knows
from tinygrad_cnn.core.pool import POOL_MAX, POOL_MIN, PoolShape

__all__ = ["POOL_MAX", "POOL_MIN", "AdaptiveAvgPool2d", "AvgPool2d", "MaxPool2d", "PoolShape"]


class MaxPool2d(Operation):
    """y (..., OH, OW) of x (..., H, W), and with `return_indices` the int64 places of the winners in their planes."""

    grad_name = "MaxPool2DWithIndicesBackward0"
    not_differentiable = (1,)

    def forward(self, x: Array, *, shape: PoolShape, op: int, adaptive: bool, return_indices: bool) -> Any:
        """Find the winners; where they were is kept only if somebody will ask."""
        wide = x if knows(x.dtype) else x.astype(np.int32)  # small integers
        y, indices = kernels.max_pool2d(op, shape, wide, self.recording or return_indices, adaptive)
        if wide is not x:
            y = y.astype(x.dtype)
        self.save_for_backward(indices)
        self.shape, self.windows = shape, not adaptive
        if return_indices:
            return y, indices.astype(np.int64)  # type: ignore[union-attr]
        return y

    def backward(self, grad: Any, _: Any = None) -> Any:
        """Give each gradient to the winner of its window; put off if the node before this one can take that along."""
        (indices,) = self.saved_tensors
        before, index, _shape = self.edges[0]  # type: ignore[misc]
        if index != LEAF and before.takes_pool_gradient and not mode.enabled and may_wait((grad,)):
            return put_off(ScatterTask(self.shape, self.windows, indices._array, grad._array))
        return PoolScatter.apply(grad, indices, shape=self.shape, windows=self.windows)


class ScatterTask(Task):
    """The gradient of a max pooling, to be done."""

    __slots__ = ("pool", "windows")

    def __init__(self, pool: PoolShape, windows: bool, indices: Array, dy: Array):
        super().__init__(pool.x, dy.dtype, (indices, dy))
        self.pool, self.windows = pool, windows

    def run(self, relu: bool) -> Array:
        """Add each value to its cell."""
        indices, dy = self.sources
        dx = kernels.pool_scatter(self.pool, indices, dy, self.windows)
        return unary(RELU, dx, dx) if relu else dx

    def behind(self, relu: Array) -> Array:
        """Return the gradient of the ReLU before the pooling, whose output is given: one pass less."""
        indices, dy = self.sources
        return kernels.pool_scatter(self.pool, indices, dy, self.windows, relu)


class AdaptiveMaxPool2d(MaxPool2d):
    """The same over adaptive windows."""

    grad_name = "AdaptiveMaxPool2DBackward0"


class PoolScatter(Operation):
    """dx of dy: dx[p, indices[p, o]] += dy[p, o] in every plane p."""

    grad_name = "MaxPool2DWithIndicesBackwardBackward0"

    def forward(self, dy: Array, indices: Array, *, shape: PoolShape, windows: bool) -> Array:
        """Add each value to its cell."""
        self.shape, self.windows = shape, windows
        self.save_for_backward(indices)
        return kernels.pool_scatter(shape, indices, dy, windows)

    def backward(self, grad: Any) -> Any:
        """Pick the cells again."""
        (indices,) = self.saved_tensors
        return PoolGather.apply(grad, indices, shape=self.shape, windows=self.windows), None


class PoolGather(Operation):
    """y of x: y[p, o] = x[p, indices[p, o]] in every plane p."""

    def forward(self, x: Array, indices: Array, *, shape: PoolShape, windows: bool) -> Array:
        """Pick the cells."""
        self.save_for_backward(indices)
        self.shape, self.windows = shape, windows
        return kernels.pool_gather(indices, x)

    def backward(self, grad: Any) -> Any:
        """Put the gradients into the cells."""
        (indices,) = self.saved_tensors
        return PoolScatter.apply(grad, indices, shape=self.shape, windows=self.windows), None


class AvgPool2d(Operation):
    """y (..., OH, OW): the average of each window of x (..., H, W); `divisor_override` 0 is none."""

    grad_name = "AvgPool2DBackward0"
    serves_once = True

    def forward(self, x: Array, *, shape: PoolShape, count_include_pad: bool, divisor_override: int) -> Array:
        """Average."""
        self.params = {
            "shape": shape,
            "count_include_pad": count_include_pad,
            "divisor_override": divisor_override,
        }
        return kernels.avg_pool2d(shape, count_include_pad, divisor_override, x)

    def backward(self, grad: Any) -> Any:
        """Share each gradient among the cells of its window."""
        return AvgPool2dGrad.apply(grad, **self.params)


class AvgPool2dGrad(Operation):
    """dx of dy for AvgPool2d."""

    grad_name = "AvgPool2DBackwardBackward0"

    def forward(self, dy: Array, *, shape: PoolShape, count_include_pad: bool, divisor_override: int) -> Array:
        """Share."""
        self.params = {
            "shape": shape,
            "count_include_pad": count_include_pad,
            "divisor_override": divisor_override,
        }
        return kernels.avg_pool2d_grad(shape, count_include_pad, divisor_override, dy)

    def backward(self, grad: Any) -> Any:
        """Average."""
        return AvgPool2d.apply(grad, **self.params)


class AdaptiveAvgPool2d(Operation):
    """y (..., OH, OW): the average of each adaptive window of x (..., H, W)."""

    grad_name = "AdaptiveAvgPool2DBackward0"

    def forward(self, x: Array, *, shape: PoolShape) -> Array:
        """Average."""
        self.shape = shape
        return kernels.adaptive_avg_pool2d(shape, x)

    def backward(self, grad: Any) -> Any:
        """Share each gradient among the cells of its window."""
        return AdaptiveAvgPool2dGrad.apply(grad, shape=self.shape)


class AdaptiveAvgPool2dGrad(Operation):
    """dx of dy for AdaptiveAvgPool2d."""

    grad_name = "AdaptiveAvgPool2DBackwardBackward0"

    def forward(self, dy: Array, *, shape: PoolShape) -> Array:
        """Share."""
        self.shape = shape
        return kernels.adaptive_avg_pool2d_grad(shape, dy)

    def backward(self, grad: Any) -> Any:
        """Average."""
        return AdaptiveAvgPool2d.apply(grad, shape=self.shape)
