"""All parameters as one vector, and back (`torch.nn.utils.convert_parameters`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tinygrad_cnn.nn.parameter import typename
from tinygrad_cnn.ops.joining import cat
from tinygrad_cnn.tensor import Tensor

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Return the elements of all parameters in a row; gradients flow back to them."""
    return cat([param.view(-1) for param in parameters])


def vector_to_parameters(vec: Any, parameters: Iterable[Tensor]) -> None:
    """Let each parameter's data be its part of the vector: views, nothing is copied. TypeError unless vec is a
    Tensor, RuntimeError if it is too short."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {typename(vec)}")
    start = 0
    for param in parameters:
        end = start + param.numel()
        param.data = vec[start:end].view_as(param).data
        start = end
