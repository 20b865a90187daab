"""Triangles and diagonals of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.tensor import Tensor

from .base import check_tensor, clone, write_out
from .forms import public
from .slices import PutDiagonal
from .slices import diagonal as diagonal_of


class Triangle(Operation):
    """The lower or upper triangle of matrices, zeros elsewhere."""

    def forward(self, x: Any, diagonal: int, lower: bool) -> Any:
        """Multiply by a mask."""
        self.params = {"diagonal": diagonal, "lower": lower}
        self.grad_name = "TrilBackward0" if lower else "TriuBackward0"
        rows, columns = x.shape[-2:]
        return (np.tril if lower else np.triu)(x, max(-rows, min(diagonal, columns)))

    def backward(self, grad: Tensor) -> Tensor:
        """Mask the gradient, too."""
        return Triangle.apply(grad, **self.params)


def _triangle(name: str, input: Any, diagonal: int, lower: bool, out: Any) -> Tensor:
    if check_tensor(input, name)._array.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")
    y = Triangle.apply(input, diagonal=diagonal, lower=lower)
    return y if out is None else write_out(name, out, y, input)


@public(inplace=True)
def tril(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Return matrices with zeros above the given diagonal (`torch.tril`)."""
    return _triangle("tril", input, diagonal, True, out)


@public(inplace=True)
def triu(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Return matrices with zeros below the given diagonal (`torch.triu`)."""
    return _triangle("triu", input, diagonal, False, out)


@public()
def diag(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Return the diagonal of a matrix as a copy, or the matrix with a vector as its diagonal (`torch.diag`)."""
    ndim = check_tensor(input, "diag")._array.ndim
    if ndim not in (1, 2):
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {ndim}D")
    if ndim == 2:
        y = clone(diagonal_of(input, diagonal))
    else:
        n = input._array.shape[0] + abs(diagonal)
        y = PutDiagonal.apply(input, shape=(n, n), offset=diagonal, dim1=0, dim2=1)
    return y if out is None else write_out("diag", out, y, input)
