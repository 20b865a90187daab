"""The fully connected layer as one operation: the bias is added as the product is stored."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.core import FLOATS, Array

from .matmul import Mm
from .reduce import Sum

__all__ = ["Linear"]


class Linear(Operation):
    """y (N, out) = x (N, in) @ weight (out, in).T + bias (out,); bias may be None. NumPy multiplies integers."""

    grad_name = "AddmmBackward0"

    def forward(self, x: Array, weight: Array, bias: Array | None) -> Array:
        """Multiply; the transposed weight is only read with other strides."""
        self.save_for_backward(x, weight)
        if bias is None:  # another operation in PyTorch
            self.grad_name = "MmBackward0"
        if x.dtype in FLOATS:
            return core.gemm(x, weight.T, None if bias is None else core.contiguous(bias))
        return np.matmul(x, weight.T) + (0 if bias is None else bias)

    def backward(self, grad: Any) -> Any:
        """Return the gradients by x, weight and bias, each only if needed."""
        x, weight = self.saved_tensors
        to_x, to_weight, to_bias = self.edges
        return (
            Mm.apply(grad, weight) if to_x is not None else None,
            Mm.apply(grad, x, ta=True) if to_weight is not None else None,
            Sum.apply(grad, dims=(0,), keepdim=False) if to_bias is not None else None,
        )
