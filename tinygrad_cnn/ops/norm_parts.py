"""Normalisation of parts of a tensor, layers or groups, on the kernels of batch normalisation.

The parts are the channels of one image (1, parts, n); weight and bias, which go along another dimension, are a second
normalisation, of mean 0 and variance 1, whose gradient comes in one go as well.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from tinygrad_cnn.autograd.grad_mode import mode
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.core import Array
from tinygrad_cnn.core import norm as kernels
from tinygrad_cnn.tensor import wrap

from .norm import BatchNorm, BatchNormGrad

__all__ = ["PartNorm"]


@lru_cache(maxsize=64)
def _unit(channels: int, dtype: Any) -> tuple[Array, Array]:
    """Return means of 0 and variances of 1; nobody writes to them."""
    return np.zeros(channels, dtype), np.ones(channels, dtype)


class PartNorm(Operation):
    """y = (x - mean) / sqrt(var + eps) of each of `parts`, times weight, plus bias, both (C,) or None.

    x is cut in order into equal parts; in its shape `view` (rows, C, ...) weight and bias go along the second one.
    """

    def forward(
        self,
        x: Array,
        weight: Array | None,
        bias: Array | None,
        *,
        parts: int,
        view: tuple[int, ...],
        eps: float,
        grad_name: str,
    ) -> Array:
        """Normalise in two passes, which weigh as well where whole runs have one weight; else in three."""
        self.grad_name, self.view, self.eps, self.affine = grad_name, view, eps, weight is not None or bias is not None
        cut = x.reshape(1, parts, x.size // parts)
        mean, var = kernels.batch_norm_stats(cut, 0.0)
        even = None
        if self.affine and len(view) > 2:
            rows, channels = view[:2]
            each = rows * channels // parts
            weights = [None if array is None else np.tile(array, rows) for array in (weight, bias)]
            run = x.reshape(1, rows * channels, -1)
            y = kernels.batch_norm(run, mean.repeat(each), var.repeat(each), weights[0], weights[1], eps)
        else:
            even = y = kernels.batch_norm(cut, mean, var, None, None, eps)
        if self.affine and even is not None:
            y = kernels.batch_norm(even.reshape(view), *_unit(view[1], x.dtype), weight, bias, 0.0)
        self.save_for_backward(x, weight, mean, var, even if self.affine else None)
        return y.reshape(x.shape)

    def backward(self, grad: Any) -> Any:
        """Return the gradients by x, weight and bias, each only if needed."""
        x, weight, mean, var, even = self.saved_tensors
        needed = self.needs_input_grad[:3]
        shape, cut = x.shape, (1, mean.shape[0], -1)
        options: dict[str, Any] = {"training": True, "eps": self.eps}
        by_weight = by_bias = None
        if self.affine:
            if even is None or mode.enabled:  # gradients of gradients need it as a function of x
                even = BatchNorm.apply(x.reshape(cut), None, None, mean, var, **options)
            unit = [wrap(array) for array in _unit(self.view[1], grad._array.dtype)]
            even = even.reshape(self.view)
            found = iter(
                BatchNormGrad.apply(
                    grad.reshape(self.view), even, weight, *unit, training=False, eps=0.0, needed=needed
                )
            )
            grad, by_weight, by_bias = [next(found) if need else None for need in needed]
        if needed[0]:
            only_x = (True, False, False)
            (grad,) = BatchNormGrad.apply(grad.reshape(cut), x.reshape(cut), None, mean, var, needed=only_x, **options)
        return grad.reshape(shape) if needed[0] else None, by_weight, by_bias
