"""Random numbers whose distribution depends on tensors, as a node of the graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.tensor import Tensor


class Drawn(Operation):
    """What `draw` makes of the inputs' arrays; the gradients are zero, as PyTorch has them."""

    moves_only = True  # what is drawn depends on the dtype

    def forward(self, *arrays: Any, draw: Callable[..., Any], grad_name: str) -> Any:
        """Draw."""
        self.grad_name = grad_name
        return draw(*arrays)

    def backward(self, grad: Tensor) -> Any:
        """Give zeros."""
        zeros = Tensor._zeros(grad._array.shape, grad._array.dtype)
        return tuple([zeros if needed else None for needed in self.needs_input_grad])
