"""Extremes with their places: max, min, argmax; any and all. Norms: `vector_norm.py`."""

from __future__ import annotations

import functools
from collections import namedtuple
from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.tensor import Tensor, wrap

from .base import FLOATS, as_array, check_tensor, wrap_dim, wrap_dims, write_out
from .forms import public
from .gather import AddAt
from .halves import in_float32
from .places import kept
from .power import maximum, minimum
from .reduce import Extreme


@functools.cache
def result_tuple(name: str, fields: str) -> Any:
    """Return a named tuple class that prints as PyTorch's `torch.return_types.<name>`, and can be pickled."""
    base = namedtuple(name, fields)  # type: ignore[misc]

    def __repr__(self: Any) -> str:
        shown = ",\n".join(f"{field}={value!r}" for field, value in zip(self._fields, self, strict=True))
        return f"torch.return_types.{name}(\n{shown})"

    def __reduce__(self: Any) -> Any:
        return _result, (name, fields, *self)

    members = {"__repr__": __repr__, "__reduce__": __reduce__, "__slots__": (), "__module__": "torch.return_types"}
    return type(name, (base,), members)


def _result(name: str, fields: str, *values: Any) -> Any:
    """Unpickle one."""
    return result_tuple(name, fields)(*values)


_NO_DIM = (
    "{}(): Expected reduction dim to be specified for input.numel() == 0. "
    "Specify the reduction dim with the 'dim' argument."
)
_Max, _Min = result_tuple("max", "values indices"), result_tuple("min", "values indices")


def extreme_along(x: Any, dim: int, smallest: bool, values: bool) -> tuple[Any, Any]:
    """Return (values or None, indices) of the extremes along `dim`, without it; the first of equals, or of NaN."""
    if x.dtype in FLOATS:
        return core.argmax(x, dim, smallest, values)
    indices = np.asarray((np.argmin if smallest else np.argmax)(x, axis=dim), np.int64)
    found = np.asarray((np.min if smallest else np.max)(x, axis=dim)) if values else None
    return found, indices


class ExtremeAlong(Operation):
    """(values, indices) of the extremes along a dimension; the gradient goes to the one element that was picked."""

    not_differentiable = (1,)
    serves_once = True

    def forward(self, x: Any, dim: int, keepdim: bool, smallest: bool) -> Any:
        """Find them."""
        values, indices = extreme_along(x, dim, smallest, True)
        if self.recording:
            self.grad_name = "MinBackward0" if smallest else "MaxBackward0"
            self.shape, self.dim, self.index = x.shape, dim, kept(np.expand_dims(indices, dim))
        if keepdim:
            values, indices = np.expand_dims(values, dim), np.expand_dims(indices, dim)
        return values, indices

    def backward(self, grad: Tensor, _: None) -> Tensor:
        """Put each gradient where its element was found."""
        if grad._array.ndim != len(self.shape):
            grad = grad.unsqueeze(self.dim)
        zeros = Tensor._zeros(self.shape, grad._array.dtype)
        return AddAt.apply(zeros, grad, index=self.index, dim=self.dim, fresh=True)


def _check_nonempty(x: Any, name: str, dim: int) -> None:
    if x.ndim and x.shape[dim] == 0:
        raise IndexError(f"{name}(): Expected reduction dim {dim} to have non-zero size.")


def _along(name: str, x: Tensor, dim: Any, keepdim: bool, smallest: bool) -> tuple[Tensor, Tensor]:
    array = x._array
    dim = wrap_dim(dim, array.ndim)
    _check_nonempty(array, name, dim)
    if array.ndim == 0:
        return x.clone(), wrap(np.zeros((), np.int64))
    return ExtremeAlong.apply(x, dim=dim, keepdim=keepdim, smallest=smallest)


def _extreme(name: str, smallest: bool, input: Any, dim: Any, keepdim: bool, other: Any, out: Any) -> Any:
    """The three forms of max and min: of all, along a dimension, of two tensors."""
    x = check_tensor(input, name)
    if isinstance(dim, Tensor):
        dim, other = None, dim
    if other is not None:
        return (minimum if smallest else maximum)(x, other, out=out)
    if dim is not None:
        values, indices = _along(name, x, dim, keepdim, smallest)
        if out is not None:
            write_out(name, out[0], values, x)
            write_out(name, out[1], indices)
            values, indices = out
        return (_Min if smallest else _Max)(values, indices)
    if x._array.size == 0:
        raise RuntimeError(_NO_DIM.format(name))
    op, grad_name = (core.AMIN, "MinBackward1") if smallest else (core.AMAX, "MaxBackward1")
    y = Extreme.apply(x, op=op, dims=tuple(range(x._array.ndim)), keepdim=False, grad_name=grad_name)
    return y if out is None else write_out(name, out, y, x)


@public()
def max(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Tensor | None = None, out: Any = None) -> Any:
    """Return the maximum of all elements; (values, indices) along `dim`; or the larger of two tensors (`torch.max`).

    Of equals the first gives index and gradient along a dimension; all of them share it in the form without one.
    """
    return _extreme("max", False, input, dim, keepdim, other, out)


@public()
def min(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Tensor | None = None, out: Any = None) -> Any:
    """Return the minimum of all elements.

    (values, indices) along `dim`; or the smaller of two tensors (`torch.min`).
    """
    return _extreme("min", True, input, dim, keepdim, other, out)


def _amax(name: str, op: int, input: Any, dim: Any, keepdim: bool, out: Any) -> Tensor:
    x = check_tensor(input, name)
    dims = wrap_dims(dim, x._array.ndim)
    if dim == () and x._array.size == 0:
        raise RuntimeError(_NO_DIM.format(name))
    for d in dims:
        _check_nonempty(x._array, name, d)
    y = Extreme.apply(x, op=op, dims=dims, keepdim=keepdim)
    return y if out is None else write_out(name, out, y, x)


@public()
def amax(input: Tensor, dim: Any = (), keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Return the maximum over one or several dimensions; equals share the gradient evenly (`torch.amax`)."""
    return _amax("amax", core.AMAX, input, dim, keepdim, out)


@public()
def amin(input: Tensor, dim: Any = (), keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Return the minimum over one or several dimensions; equals share the gradient evenly (`torch.amin`)."""
    return _amax("amin", core.AMIN, input, dim, keepdim, out)


@public(out=True)
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False, out: Any = None) -> Any:
    """Return (min, max) of all elements or along `dim` (`torch.aminmax`)."""
    if dim is None and check_tensor(input, "aminmax")._array.size == 0:
        raise RuntimeError(
            "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity."
        )
    return _AminMax(amin(input, () if dim is None else dim, keepdim), amax(input, () if dim is None else dim, keepdim))


_AminMax = result_tuple("aminmax", "min max")


def _argmax(name: str, smallest: bool, input: Any, dim: Any, keepdim: bool, out: Any) -> Tensor:
    x = check_tensor(input, name)._array
    if x.dtype.kind == "b":
        raise RuntimeError(f"{name}(): does not support bool input")
    if dim is None:
        if x.size == 0:
            raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
        flat = core.contiguous(x).reshape(-1)
        y = extreme_along(flat, 0, smallest, False)[1].reshape((1,) * x.ndim if keepdim else ())
    else:
        dim = wrap_dim(dim, x.ndim)
        _check_nonempty(x, name, dim)
        y = np.zeros((), np.int64) if x.ndim == 0 else extreme_along(x, dim, smallest, False)[1]
        if keepdim and x.ndim:
            y = np.expand_dims(y, dim)
    return wrap(y) if out is None else write_out(name, out, wrap(y))


@public()
@in_float32
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Return the index of the maximum, in the flattened input or along `dim`; the first of equals (`torch.argmax`)."""
    return _argmax("argmax", False, input, dim, keepdim, out)


@public()
@in_float32
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Return the index of the minimum, in the flattened input or along `dim`; the first of equals (`torch.argmin`)."""
    return _argmax("argmin", True, input, dim, keepdim, out)


# ---- any, all, count ----


def _any_all(name: str, ufunc: Any, input: Any, dim: Any, keepdim: bool, out: Any) -> Tensor:
    x = check_tensor(input, name)._array
    y = as_array(ufunc(x, axis=wrap_dims(dim, x.ndim), keepdims=keepdim))
    tensor = wrap(y.astype(np.uint8) if x.dtype == np.uint8 else y)  # of bytes the result is bytes, as in PyTorch
    return tensor if out is None else write_out(name, out, tensor)


@public()
@in_float32
def any(input: Tensor, dim: Any = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Return whether any element, over `dim`, is not zero (`torch.any`)."""
    return _any_all("any", np.any, input, dim, keepdim, out)


@public()
@in_float32
def all(input: Tensor, dim: Any = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Return whether all elements, over `dim`, are not zero (`torch.all`)."""
    return _any_all("all", np.all, input, dim, keepdim, out)


@public()
@in_float32
def count_nonzero(input: Tensor, dim: Any = None) -> Tensor:
    """Return the number of elements, over `dim`, that are not zero (`torch.count_nonzero`)."""
    x = check_tensor(input, "count_nonzero")._array
    return wrap(as_array(np.count_nonzero(x, axis=wrap_dims(dim, x.ndim))).astype(np.int64))


# ---- norms ----
