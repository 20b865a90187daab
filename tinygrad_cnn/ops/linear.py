"""The fully connected layer as one operation: the bias is added as the product is stored."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.core import FLOATS, Array

from .matmul import Mm

__all__ = ["Linear", "LinearGrad"]


class Linear(Operation):
    """y (N, out) = x (N, in) @ weight (out, in).T + bias (out,); bias may be None. NumPy multiplies integers."""

    grad_name = "AddmmBackward0"

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes of bias, x and weight: PyTorch's order, as its tutorial walks the graph."""
        x, weight, bias = super().next_functions
        return (x, weight) if self.grad_name == "MmBackward0" else (bias, x, weight)

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
        needed = to_x is not None, to_weight is not None, to_bias is not None
        found = LinearGrad.apply(grad, x, weight, needed=needed)
        if len(found) == 3:
            return found
        given = iter(found)
        return tuple([next(given) if need else None for need in needed])


class LinearGrad(Operation):
    """Those `needed` of dx = dy @ weight, dweight = dy.T @ x and dbias = the sum of dy's rows."""

    grad_name = "AddmmBackwardBackward0"

    def forward(self, dy: Array, x: Array, weight: Array, *, needed: tuple[bool, bool, bool]) -> tuple[Array, ...]:
        """Multiply and add."""
        self.needed = needed
        self.save_for_backward(dy, x, weight)
        grads = []
        if needed[0]:
            grads.append(core.gemm(dy, weight))
        if needed[1]:
            grads.append(core.gemm(dy.T, x))
        if needed[2]:
            grads.append(core.reduce(core.SUM, dy, (0,)))
        return tuple(grads)

    def backward(self, *grads: Any) -> Any:
        """Return the gradients by dy, x and weight: each result is linear in two of them."""
        dy, x, weight = self.saved_tensors
        given = iter(grads)
        by_dx, by_dweight, by_dbias = [next(given) if need else None for need in self.needed]
        to_dy = []
        if by_dx is not None:
            to_dy.append(Mm.apply(by_dx, weight, tb=True))
        if by_dweight is not None:
            to_dy.append(Mm.apply(x, by_dweight, tb=True))
        if by_dbias is not None:
            to_dy.append(by_dbias.expand_as(dy))
        return (
            sum(to_dy[1:], to_dy[0]),
            None if by_dweight is None else Mm.apply(dy, by_dweight),
            None if by_dx is None else Mm.apply(dy, by_dx, ta=True),
        )
