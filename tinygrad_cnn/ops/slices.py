"""Views of parts: integers and slices, diagonals; and what changing a view in place does to the graph of its base."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.node import Node, connect
from tinygrad_cnn.autograd.operation import Operation, ViewOperation
from tinygrad_cnn.tensor import Tensor

from .base import check_tensor, clone, index_of, wrap_dim
from .forms import public


class BasicIndex(ViewOperation):
    """x[index] with integers, slices, None and an ellipsis only."""

    grad_name = "SliceBackward0"

    @classmethod
    def view(cls, x: Any, index: tuple[Any, ...], grad_name: str = "") -> Any:
        """Return the view; the index ends with an ellipsis if it has none, so that it is an array even if 0-d."""
        return x[index]

    def remember(self, x: Any, index: tuple[Any, ...], grad_name: str = "SliceBackward0") -> None:
        """Note where the part lies."""
        self.shape, self.index = x.shape, index
        self.grad_name = grad_name

    def backward(self, grad: Tensor) -> Tensor:
        """Put the gradient into zeros."""
        return PutBasic.apply(grad, shape=self.shape, index=self.index)


class PutBasic(Operation):
    """Zeros of `shape` with y at the index: what BasicIndex's gradient is."""

    grad_name = "SliceBackwardBackward0"

    def forward(self, y: Any, shape: tuple[int, ...], index: tuple[Any, ...]) -> Any:
        """Write y into zeros."""
        self.index = index
        x = core.zeros(shape, y.dtype)
        x[index] = y
        return x

    def backward(self, grad: Tensor) -> Tensor:
        """Read what was written."""
        return BasicIndex.apply(grad, self.index)


def _at(ndim: int, dim: int, what: Any) -> tuple[Any, ...]:
    return (slice(None),) * dim + (what, Ellipsis)


@public()
def select(input: Tensor, dim: int, index: Any) -> Tensor:
    """Return the part with `index` along `dim`, a view without that dimension (`torch.select`)."""
    shape = check_tensor(input, "select")._array.shape
    if not shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim, index = wrap_dim(dim, len(shape)), index_of(index)
    if not -shape[dim] <= index < shape[dim]:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(shape)} at dimension {dim}")
    return BasicIndex.apply(input, _at(len(shape), dim, index), "SelectBackward0")


@public()
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """Return the view of `length` elements from `start` along `dim` (`torch.narrow`)."""
    shape = check_tensor(input, "narrow")._array.shape
    if not shape:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if isinstance(start, Tensor) and (start._array.ndim or start._array.dtype.kind not in "iu"):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    dim, start, length = wrap_dim(dim, len(shape)), index_of(start), index_of(length)
    size = shape[dim]
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if not -size <= start <= size:
        raise IndexError(f"start out of range (expected to be in range of [{-size}, {size}], but got {start})")
    start = start + size if start < 0 else start
    if start + length > size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return BasicIndex.apply(input, _at(len(shape), dim, slice(start, start + length)))


def _diagonal(x: Any, offset: int, dim1: int, dim2: int) -> Any:
    """Return NumPy's view, whose offset must fit in 32 bits: all that lie beyond the matrix are empty."""
    return np.diagonal(x, max(-x.shape[dim1], min(offset, x.shape[dim2])), dim1, dim2)


class Diagonal(ViewOperation):
    """A diagonal of two dimensions, last in the result."""

    grad_name = "DiagonalBackward0"

    @classmethod
    def view(cls, x: Any, offset: int, dim1: int, dim2: int) -> Any:
        """Return the view."""
        view = _diagonal(x, offset, dim1, dim2)
        view.setflags(write=x.flags.writeable)
        return view

    def remember(self, x: Any, offset: int, dim1: int, dim2: int) -> None:
        """Note where the diagonal lies."""
        self.shape, self.params = x.shape, {"offset": offset, "dim1": dim1, "dim2": dim2}

    def backward(self, grad: Tensor) -> Tensor:
        """Put the gradient on the diagonal of zeros."""
        return PutDiagonal.apply(grad, shape=self.shape, **self.params)


class PutDiagonal(Operation):
    """Zeros of `shape` with y on a diagonal."""

    grad_name = "DiagonalBackwardBackward0"

    def forward(self, y: Any, shape: tuple[int, ...], **params: int) -> Any:
        """Write y into zeros."""
        self.params = {name: params[name] for name in ("offset", "dim1", "dim2")}
        x = core.zeros(shape, y.dtype)
        view = _diagonal(x, params["offset"], params["dim1"], params["dim2"])
        view.setflags(write=True)
        view[...] = y
        return x

    def backward(self, grad: Tensor) -> Tensor:
        """Read the diagonal."""
        return Diagonal.apply(grad, *self.params.values())


@public()
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """Return a view of a diagonal of two dimensions, as the last dimension (`torch.diagonal`)."""
    ndim = check_tensor(input, "diagonal")._array.ndim
    first, second = wrap_dim(dim1, ndim), wrap_dim(dim2, ndim)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return Diagonal.apply(input, offset, first, second)


# ---- in-place changes of views ----


class ScatterView(Operation):
    """The base after one of its views was changed in place: PyTorch's CopySlices.

    `chain` says how the view is made from the base. The gradient of the new value is that view of the gradient, that of
    the old base is the gradient with zeros there.
    """

    grad_name = "CopySlices"
    chain: tuple[Any, ...] = ()

    def _view(self, tensor: Tensor) -> Tensor:
        for operation, params in self.chain:
            tensor = operation.apply(tensor, *params)
        return tensor

    def backward(self, grad: Tensor) -> Any:
        """Cut the gradient in two."""
        of_base = of_changed = None
        if self.needs_input_grad[0]:
            of_base = clone(grad)
            self._view(of_base).zero_()
        if self.needs_input_grad[1]:
            of_changed = clone(self._view(clone(grad)))
        return of_base, of_changed


def scatter_into_base(base: Tensor, view: Tensor, changed: Tensor) -> Node:
    """Return the node behind `base` once `view`, made from it, has become `changed`."""
    chain = []
    tensor = view
    while tensor is not base:
        operation, tensor, params = tensor._view_made
        chain.append((operation, params))
    node = ScatterView()
    node.chain = tuple(reversed(chain))
    connect(node, (base._alias(), changed))
    return node
