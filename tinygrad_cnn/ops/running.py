"""Running sums, products and extremes along a dimension."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn import dtypes
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.casts import FLOATING, HALVES
from tinygrad_cnn.tensor import Tensor, wrap

from .base import as_array, check_tensor, scalar_name, wrap_dim, write_out
from .extremes import result_tuple
from .forms import public
from .gather import Pick
from .halves import in_float32
from .movement import flip
from .promotion import cast
from .transcendental import Exp

_CumMax, _CumMin = result_tuple("cummax", "values indices"), result_tuple("cummin", "values indices")


class CumSum(Operation):
    """Running sums along a dimension."""

    grad_name = "CumsumBackward0"

    def forward(self, x: Any, dim: int) -> Any:
        """Add up."""
        self.dim = dim
        return as_array(np.cumsum(x, axis=dim, dtype=x.dtype if x.dtype.kind == "f" else np.int64))

    def backward(self, grad: Tensor) -> Tensor:
        """Each term is in all sums from its own on: running sums from the end."""
        return flip(CumSum.apply(flip(grad, self.dim), dim=self.dim), self.dim)


def _running(name: str, input: Any, dim: Any, dtype: dtypes.dtype | None) -> tuple[Tensor, int]:
    x = check_tensor(input, name)
    if dtype is not None and dtype._numpy not in HALVES:  # into a half is rounded once, at the end
        x = cast(x, dtype)
    return x, wrap_dim(dim, x._array.ndim)


@public(inplace=True)
def cumsum(input: Tensor, dim: int, *, dtype: dtypes.dtype | None = None, out: Tensor | None = None) -> Tensor:
    """Return the running sums along `dim` (`torch.cumsum`); integers and bool give int64."""
    x, dim = _running("cumsum", input, dim, dtype)
    y = CumSum.apply(x.reshape(1), dim=0).reshape(()) if x._array.ndim == 0 else CumSum.apply(x, dim=dim)
    if dtype is not None:
        y = cast(y, dtype)
    return y if out is None else write_out("cumsum", out, y, input)


@public(inplace=True)
@in_float32
def cumprod(input: Tensor, dim: int, *, dtype: dtypes.dtype | None = None, out: Tensor | None = None) -> Tensor:
    """Return the running products along `dim` (`torch.cumprod`); integers and bool give int64."""
    from .reduce import shifted

    x, dim = _running("cumprod", input, dim, dtype)
    if x.requires_grad and x._array.ndim:
        # Doubling steps of differentiable products: zeros among the factors need no special case.
        y, step = x.movedim(dim, -1), 1
        while step < x._array.shape[dim]:
            y, step = y * shifted(y, step), 2 * step
        y = y.movedim(-1, dim)
    elif x._array.ndim == 0:
        y = x.clone() if x.is_floating_point() else cast(x, dtypes.int64)
    else:
        y = wrap(np.cumprod(x._array, axis=dim, dtype=x._array.dtype if x.is_floating_point() else np.int64))
    if dtype is not None:
        y = cast(y, dtype)
    return y if out is None else write_out("cumprod", out, y, input)


def _cum_extreme(kind: Any, name: str, ufunc: Any, input: Any, dim: Any) -> Any:
    x = check_tensor(input, name)._array
    dim = wrap_dim(dim, x.ndim)
    if x.ndim == 0:
        return kind(input.clone(), wrap(np.zeros((), np.int64)))
    values = ufunc.accumulate(x, axis=dim)
    same = (x == values) | ((x != x) & (values != values))
    places = np.arange(x.shape[dim]).reshape([-1 if d == dim else 1 for d in range(x.ndim)])
    indices = np.maximum.accumulate(np.where(same, places, 0), axis=dim).astype(np.int64)
    return kind(Pick.apply(input, index=indices, dim=dim, grad_name=f"{name.capitalize()}Backward0"), wrap(indices))


@public(out=True)
@in_float32
def cummax(input: Tensor, dim: int, *, out: Any = None) -> Any:
    """Return (values, indices) of the running maximum along `dim`; of equals the last one (`torch.cummax`)."""
    return _cum_extreme(_CumMax, "cummax", np.maximum, input, dim)


@public(out=True)
@in_float32
def cummin(input: Tensor, dim: int, *, out: Any = None) -> Any:
    """Return (values, indices) of the running minimum along `dim`; of equals the last one (`torch.cummin`)."""
    return _cum_extreme(_CumMin, "cummin", np.minimum, input, dim)


class LogCumSumExp(Operation):
    """log of the running sums of e^x, along a dimension, without overflow."""

    grad_name = "LogcumsumexpBackward0"

    def forward(self, x: Any, dim: int) -> Any:
        """Accumulate by log(e^a + e^b)."""
        self.dim = dim
        with np.errstate(all="ignore"):
            y = np.logaddexp.accumulate(x, axis=dim)
        self.save_for_backward(x, y)
        return y

    def backward(self, grad: Tensor) -> Tensor:
        """dx_i = sum over j >= i of g_j e^(x_i - y_j): no exponent is positive, as y_j is at least x_i."""
        x, y = self.saved_tensors
        x, y, g = [t.movedim(self.dim, -1) for t in (x, y, grad)]
        earlier = wrap(np.tri(x._array.shape[-1], k=-1, dtype=np.bool_))
        weights = Exp.apply((x.unsqueeze(-1) - y.unsqueeze(-2)).masked_fill(earlier, -np.inf))
        return (weights * g.unsqueeze(-2)).sum(-1).movedim(-1, self.dim)


@public(out=True)
def logcumsumexp(input: Tensor, dim: int, *, out: Tensor | None = None) -> Tensor:
    """Return the logarithms of the running sums of exponentials along `dim` (`torch.logcumsumexp`)."""
    x = check_tensor(input, "logcumsumexp")
    dim = wrap_dim(dim, x._array.ndim)
    if x._array.dtype not in FLOATING:
        raise NotImplementedError(f"\"logcumsumexp_out_cpu\" not implemented for '{scalar_name(x)}'")
    return x.clone() if x._array.ndim == 0 else LogCumSumExp.apply(x, dim=dim)
