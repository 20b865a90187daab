"""Views with the dimensions in another order."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from tinygrad_cnn.autograd.operation import ViewOperation
from tinygrad_cnn.tensor import Tensor

from .base import check_tensor, sizes_of, wrap_dim
from .forms import public


class Permute(ViewOperation):
    """The dimensions in another order."""

    grad_name = "PermuteBackward0"

    @classmethod
    def view(cls, x: Any, dims: tuple[int, ...], grad_name: str = "") -> Any:
        """Return the view."""
        return x.transpose(dims)

    def remember(self, x: Any, dims: tuple[int, ...], grad_name: str = "PermuteBackward0") -> None:
        """Note the order."""
        self.dims = dims
        self.grad_name = grad_name

    def backward(self, grad: Tensor) -> Tensor:
        """Undo the order."""
        return Permute.apply(grad, _inverse(self.dims))


@lru_cache(maxsize=4096)
def _inverse(dims: tuple[int, ...]) -> tuple[int, ...]:
    return tuple([dims.index(d) for d in range(len(dims))])


@public()
def permute(input: Tensor, *order: Any, dims: Any = None) -> Tensor:
    """Return a view with the dimensions in an order, given as `dims` or one by one (`torch.permute`).

    RuntimeError for a wrong number.
    """
    ndim = check_tensor(input, "permute")._array.ndim
    order = sizes_of(order if dims is None else (dims,), "permute")
    if len(order) != ndim:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {ndim} is not equal to len(dims) = {len(order)}"
        )
    order = tuple([wrap_dim(d, ndim) for d in order])
    if len(set(order)) != ndim:
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return Permute.apply(input, order)


@public("swapdims")
def transpose(input: Tensor, dim0: int, dim1: int, *, grad_name: str = "TransposeBackward0") -> Tensor:
    """Return a view with two dimensions swapped (`torch.transpose`)."""
    ndim = check_tensor(input, "transpose")._array.ndim
    return Permute.apply(input, _swapped(ndim, wrap_dim(dim0, ndim), wrap_dim(dim1, ndim)), grad_name)


@public()
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """Return a view with two dimensions swapped, by NumPy's names (`torch.swapaxes`)."""
    return transpose(input, axis0, axis1)


@lru_cache(maxsize=4096)
def _swapped(ndim: int, dim0: int, dim1: int) -> tuple[int, ...]:
    order = list(range(ndim))
    if ndim:
        order[dim0], order[dim1] = dim1, dim0
    return tuple(order)


@public()
def t(input: Tensor) -> Tensor:
    """Return the transpose of a tensor of at most two dimensions (`torch.t`)."""
    ndim = check_tensor(input, "t")._array.ndim
    if ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {ndim}D")
    return Permute.apply(input, (1, 0) if ndim == 2 else tuple(range(ndim)), "TBackward0")


def _list(dims: Any) -> Any:
    return list(dims) if isinstance(dims, (tuple, list)) else dims


@public("moveaxis")
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Return a view with dimensions moved to other places, the others in their order (`torch.movedim`)."""
    ndim = check_tensor(input, "movedim")._array.ndim
    if isinstance(source, (tuple, list)) != isinstance(destination, (tuple, list)):
        raise TypeError(
            "movedim() received an invalid combination of arguments - got "
            f"({type(source).__name__}, {type(destination).__name__}), but expected two ints or two tuples of ints"
        )
    sources = [wrap_dim(d, ndim) for d in (source if isinstance(source, (tuple, list)) else (source,))]
    targets = [wrap_dim(d, ndim) for d in (destination if isinstance(destination, (tuple, list)) else (destination,))]
    if len(sources) != len(targets):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({_list(source)} dims) should contain the same "
            f"number of dims as destination ({_list(destination)} dims)"
        )
    for name, dims, given in (("source", sources, source), ("destination", targets, destination)):
        if len(set(dims)) != len(dims):
            raise RuntimeError(f"movedim: repeated dim in `{name}` ({_list(given)})")
    rest = iter([d for d in range(ndim) if d not in sources])
    order = [sources[targets.index(d)] if d in targets else next(rest) for d in range(ndim)]
    return Permute.apply(input, tuple(order))
