"""Sums, means, products, and the extreme over several dimensions: floats in the core, integers and bool by NumPy."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from tinygrad_cnn import core, dtypes
from tinygrad_cnn.autograd.grad_mode import mode
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.casts import FLOATING, HALVES, halves
from tinygrad_cnn.core import reduce
from tinygrad_cnn.tensor import Tensor, wrap

from .base import FLOATS, as_array, check_tensor, scalar_name, wrap_dims, write_out
from .forms import public
from .promotion import cast
from .views import reshaped


@lru_cache(maxsize=4096)
def kept_shape(shape: tuple[int, ...], dims: tuple[int, ...]) -> tuple[int, ...]:
    """Return `shape` with the sizes of the reduced dimensions set to 1."""
    return tuple([1 if d in dims else size for d, size in enumerate(shape)])


def restored(tensor: Tensor, shape: tuple[int, ...], dims: tuple[int, ...]) -> Tensor:
    """Return the result of a reduction over `dims` of `shape` with these dimensions back, of size 1."""
    kept = kept_shape(shape, dims)
    return tensor if tensor._array.shape == kept else reshaped(tensor, kept)


def spread(tensor: Tensor, shape: tuple[int, ...], dims: tuple[int, ...]) -> Tensor:
    """Return the result of a reduction over `dims` of `shape` repeated to that shape, without memory of its own."""
    from .broadcasting import Expand

    return Expand.apply(tensor if tensor._array.ndim == 0 else restored(tensor, shape, dims), shape)


def count(shape: tuple[int, ...], dims: tuple[int, ...]) -> int:
    """Return how many elements are reduced to one."""
    return math.prod([shape[d] for d in dims])


# ---- operations ----

_apply: Any = Operation.apply.__func__  # type: ignore[attr-defined]


class Sum(Operation):
    """The sum over `dims`."""

    grad_name = "SumBackward0"

    @classmethod
    def apply(cls, x: Any, dims: tuple[int, ...], keepdim: bool) -> Any:
        """Reduce a Tensor, with a node only if that may need a gradient."""
        if (x._requires_grad or ((base := x._view_base) is not None and base._requires_grad)) and mode.enabled:
            return _apply(cls, x, dims=dims, keepdim=keepdim)
        if halves.seen and x._array.dtype in HALVES:
            return _apply(cls, x, dims=dims, keepdim=keepdim)
        return wrap(cls.compute(x._array, dims, keepdim))

    @classmethod
    def compute(cls, x: Any, dims: tuple[int, ...], keepdim: bool) -> Any:
        """Add up: pairwise, in an order that depends on the shape alone."""
        if x.dtype in FLOATS:
            return reduce(core.SUM, x, dims, keepdim)
        return as_array(np.sum(x, axis=dims, keepdims=keepdim, dtype=np.int64))

    def forward(self, x: Any, dims: tuple[int, ...], keepdim: bool) -> Any:
        """Reduce."""
        self.shape, self.dims = x.shape, dims
        if len(dims) != x.ndim:  # another operation in PyTorch
            self.grad_name = self.grad_name.replace("0", "1")
        return self.compute(x, dims, keepdim)

    def backward(self, grad: Tensor) -> Tensor:
        """Give every term the gradient of the sum."""
        return spread(grad, self.shape, self.dims)


class Mean(Sum):
    """The mean over `dims`."""

    grad_name = "MeanBackward0"

    @classmethod
    def compute(cls, x: Any, dims: tuple[int, ...], keepdim: bool) -> Any:
        """Average; NaN over nothing."""
        return reduce(core.MEAN, x, dims, keepdim)

    def backward(self, grad: Tensor) -> Tensor:
        """Give every term its share."""
        share = grad / max(count(self.shape, self.dims), 1)
        return spread(share, self.shape, self.dims)


class Extreme(Operation):
    """The largest (smallest) element over `dims`; the gradient is shared evenly by equals."""

    grad_name = "AmaxBackward0"

    def forward(self, x: Any, op: int, dims: tuple[int, ...], keepdim: bool, grad_name: str = "") -> Any:
        """Find it; NaN if there is one."""
        self.dims = dims
        self.grad_name = grad_name or ("AmaxBackward0" if op == core.AMAX else "AminBackward0")
        if x.dtype in FLOATS:
            y = reduce(op, x, dims, keepdim)
        else:
            y = as_array((np.max if op == core.AMAX else np.min)(x, axis=dims, keepdims=keepdim))
        self.save_for_backward(x, y)
        return y

    def backward(self, grad: Tensor) -> Tensor:
        """Share the gradient among all elements that equal the extreme; a NaN equals nothing, itself excepted."""
        x, y = self.saved_tensors
        shape, dims = x._array.shape, self.dims
        a, b = x._array, y._array.reshape(kept_shape(shape, dims))
        equal = core.compare(core.EQ, a, b) if a.dtype in FLOATS else a == b
        nan = b != b
        if nan.any():
            equal |= (a != a) & nan
        winners = wrap(equal.astype(grad._array.dtype))
        shared = restored(grad, shape, dims) / Sum.apply(winners, dims=dims, keepdim=True)
        return winners * shared


class Prod(Operation):
    """The product over one dimension, or over all."""

    grad_name = "ProdBackward0"

    def forward(self, x: Any, dims: tuple[int, ...], keepdim: bool) -> Any:
        """Multiply."""
        self.dims = dims
        if len(dims) != x.ndim:
            self.grad_name = "ProdBackward1"
        self.save_for_backward(x)
        if x.dtype in FLOATS:
            return reduce(core.PROD, x, dims, keepdim)
        return as_array(np.prod(x, axis=dims, keepdims=keepdim, dtype=np.int64))

    def backward(self, grad: Tensor) -> Tensor:
        """d(x1 x2 ...) = sum of (product of the others) dx_i; the others' product is made without dividing by x_i.

        It is the product of all before times the product of all after, so a zero among the factors does no harm, and
        the derivative of this derivative is right, too.
        """
        (x,) = self.saved_tensors
        shape, dims = x._array.shape, self.dims
        grad = restored(grad, shape, dims)
        if (x._array != 0).all():
            return grad * (Prod.apply(x, dims=dims, keepdim=True) / x)
        order = [d for d in range(len(shape)) if d not in dims] + list(dims)
        flat = x.permute(order).reshape([shape[d] for d in order[: len(shape) - len(dims)]] + [-1])
        others = exclusive_products(flat).reshape([shape[d] for d in order])
        return grad * others.permute([order.index(d) for d in range(len(shape))])


def exclusive_products(x: Tensor) -> Tensor:
    """Return, for each element of the last dimension, the product of the other ones.

    log2(n) doubling steps for the products before and after each place, all of multiplications, hence differentiable.
    """
    before, after = shifted(x, 1), shifted(x, -1)
    step = 1
    while step < x._array.shape[-1]:
        before = before * shifted(before, step)
        after = after * shifted(after, -step)
        step *= 2
    return before * after


def shifted(x: Tensor, by: int) -> Tensor:
    """Return x moved along its last dimension, with ones in the empty places."""
    from .joining import cat

    n = x._array.shape[-1]
    size = min(abs(by), n)
    ones = wrap(np.ones((*x._array.shape[:-1], size), x._array.dtype))
    return cat([ones, x.narrow(-1, 0, n - size)], -1) if by > 0 else cat([x.narrow(-1, size, n - size), ones], -1)


# ---- sums and means ----


def _input(input: Any, name: str, dtype: dtypes.dtype | None) -> Tensor:
    return check_tensor(input, name) if dtype is None else cast(check_tensor(input, name), dtype)


def finish(name: str, y: Tensor, out: Any, input: Any) -> Tensor:
    """Return y, or `out` with y in it."""
    return y if out is None else write_out(name, out, y, input)


@public()
def sum(
    input: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Return the sum over `dim`, an int, a tuple, or None for all (`torch.sum`); integers and bool give int64."""
    x = input if dtype is None and isinstance(input, Tensor) else _input(input, "sum", dtype)
    y = Sum.apply(x, dims=wrap_dims(dim, x._array.ndim), keepdim=keepdim)
    if dtype is not None and not dtype.is_floating_point:
        y = cast(y, dtype)
    return y if out is None else write_out("sum", out, y, input)


@public(out=True)
def nansum(
    input: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Return the sum, NaN counted as 0 (`torch.nansum`)."""
    return sum(input.masked_fill(input.isnan(), 0), dim, keepdim, dtype=dtype)


def _mean_input(input: Any, name: str, dtype: dtypes.dtype | None) -> Tensor:
    x = _input(input, name, dtype)
    if x._array.dtype not in FLOATING:
        which = "Optional" if dtype is not None else "Input"
        raise RuntimeError(
            f"{name}(): could not infer output dtype. {which} dtype must be either a floating point or complex dtype. "
            f"Got: {scalar_name(x)}"
        )
    return x


@public()
def mean(
    input: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Return the mean over `dim` (`torch.mean`), NaN over nothing. RuntimeError for integers without `dtype`."""
    x = _mean_input(input, "mean", dtype)
    y = Mean.apply(x, dims=wrap_dims(dim, x._array.ndim), keepdim=keepdim)
    return finish("mean", y, out, input)


@public()
def prod(
    input: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Return the product over `dim`, one dimension or None for all (`torch.prod`); integers give int64."""
    x = _input(input, "prod", dtype)
    if isinstance(dim, (tuple, list)):
        raise TypeError("prod(): argument 'dim' (position 2) must be int, not " + type(dim).__name__)
    y = Prod.apply(x, dims=wrap_dims(dim, x._array.ndim), keepdim=keepdim)
    if dtype is not None and not dtype.is_floating_point:
        y = cast(y, dtype)
    return finish("prod", y, out, input)
