"""Copies where the function of almost the same name gives a view (`*_copy`), and copies with a view replaced
(`*_scatter`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_cnn.tensor import Tensor

from . import broadcasting, order, slices, splitting, views
from .base import check_tensor, clone, sizes_of, wrap_dim, write_out
from .forms import public
from .strided import as_strided


def _copy_of(view: Callable[..., Any], name: str, method: bool = False) -> Callable[..., Any]:
    """Return, and offer, the form of a view function that copies."""

    def copied(input: Tensor, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        result = view(check_tensor(input, name), *args, **kwargs)
        if not isinstance(result, tuple):
            result = clone(result)
            return result if out is None else write_out(name, out, result, input)
        if out is None:
            return tuple([clone(part) for part in result])
        for target, part in zip(out, result, strict=True):
            write_out(name, target, part, input)
        return None

    copied.__name__ = copied.__qualname__ = name
    copied.__module__, copied.__doc__ = __name__, f"Return a copy of what `{view.__name__}` views (`torch.{name}`)."
    return public(method=method)(copied)


def _aliased(input: Tensor) -> Tensor:
    """Return the tensor."""
    return input


alias_copy = _copy_of(_aliased, "alias_copy")
as_strided_copy = _copy_of(as_strided, "as_strided_copy")
diagonal_copy = _copy_of(slices.diagonal, "diagonal_copy")
detach_copy = _copy_of(Tensor.detach, "detach_copy")
expand_copy = _copy_of(broadcasting.expand, "expand_copy")
narrow_copy = _copy_of(slices.narrow, "narrow_copy", method=True)
permute_copy = _copy_of(order.permute, "permute_copy")
select_copy = _copy_of(slices.select, "select_copy")
split_copy = _copy_of(splitting.split, "split_copy")
split_with_sizes_copy = _copy_of(splitting.split_with_sizes, "split_with_sizes_copy")
squeeze_copy = _copy_of(views.squeeze, "squeeze_copy")
t_copy = _copy_of(order.t, "t_copy")
transpose_copy = _copy_of(order.transpose, "transpose_copy")
unbind_copy = _copy_of(splitting.unbind, "unbind_copy")
unsqueeze_copy = _copy_of(views.unsqueeze, "unsqueeze_copy")
view_copy = _copy_of(views.view, "view_copy")


def _sliced(input: Tensor, dim: int, start: int | None, end: int | None, step: int) -> Tensor:
    """Return the view input[start:end:step] along `dim`."""
    ndim = check_tensor(input, "slice")._array.ndim
    dim = wrap_dim(dim, ndim)
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    return slices.BasicIndex.apply(input, ((slice(None),) * dim + (slice(start, end, step), Ellipsis)))


@public(method=False)
def slice_copy(input: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Tensor:
    """Return a copy of input[start:end:step] along `dim` (`torch.slice_copy`)."""
    return clone(_sliced(input, dim, start, end, step))


def _with_view(name: str, input: Tensor, src: Tensor, view: Callable[[Tensor], Tensor]) -> Tensor:
    """Return a copy of the input in which a view of it is `src`."""
    result = clone(check_tensor(input, name))
    part = view(result)
    if part._array.shape != check_tensor(src, name, "src", 2)._array.shape:
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. src size = "
            f"{list(src._array.shape)}, slice size = {list(part._array.shape)}"
        )
    part.copy_(src)
    return result


@public()
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """Return a copy with `src` at `index` along `dim` (`torch.select_scatter`)."""
    return _with_view("select_scatter", input, src, lambda x: slices.select(x, dim, index))


@public(out=True)
def slice_scatter(
    input: Tensor,
    src: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Return a copy with `src` as [start:end:step] along `dim` (`torch.slice_scatter`)."""
    return _with_view("slice_scatter", input, src, lambda x: _sliced(x, dim, start, end, step))


@public()
def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """Return a copy with `src` on a diagonal (`torch.diagonal_scatter`)."""
    return _with_view("diagonal_scatter", input, src, lambda x: slices.diagonal(x, offset, dim1, dim2))


@public()
def as_strided_scatter(input: Tensor, src: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """Return a copy with `src` at a strided view of it (`torch.as_strided_scatter`)."""
    sizes = sizes_of((size,), "as_strided_scatter")
    return _with_view("as_strided_scatter", input, src, lambda x: as_strided(x, sizes, stride, storage_offset))
