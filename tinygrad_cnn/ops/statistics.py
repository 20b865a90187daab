"""What a set of numbers is like: quantiles, modes, means without NaN."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn.casts import FLOATING
from tinygrad_cnn.tensor import Tensor, wrap

from .base import check_tensor, scalar_name, wrap_dim
from .extremes import result_tuple
from .forms import public
from .gather import Pick
from .halves import in_float32
from .reduce import nansum
from .sorting import MiddleOfAll

_Mode, _NanMedian = result_tuple("mode", "values indices"), result_tuple("nanmedian", "values indices")


@public(out=True)
def nanmean(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, out: Tensor | None = None
) -> Tensor:
    """Return the mean of what is not NaN (`torch.nanmean`)."""
    x = check_tensor(input, "nanmean") if dtype is None else input.to(dtype)
    if x._array.dtype not in FLOATING:
        raise RuntimeError(
            f"nanmean(): expected input to have floating point or complex dtype but got {scalar_name(x)}"
        )
    count = x.isnan().logical_not().sum(dim, keepdim) if dim is not None else x.isnan().logical_not().sum()
    total = nansum(x, dim, keepdim) if dim is not None else nansum(x)
    return total / count


@public()
@in_float32
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return the median of what is not NaN, the lower of two: of all, or (values, indices) along `dim`
    (`torch.nanmedian`)."""
    x = check_tensor(input, "nanmedian")
    if dim is None:
        if x._array.size == 0:
            lowest = np.nan if x._array.dtype.kind == "f" else np.iinfo(x._array.dtype).min
            return wrap(np.full((), lowest, x._array.dtype))
        if x._array.dtype.kind == "b":
            raise NotImplementedError("\"median_cpu\" not implemented for 'Bool'")
        place = int(nanmedian(x.detach().reshape(-1), 0)[1])
        return MiddleOfAll.apply(x, place=place, grad_name="NanmedianBackward0")
    dim = wrap_dim(dim, x._array.ndim)
    if x._array.ndim == 0:
        return _NanMedian(x.clone(), wrap(np.zeros((), np.int64)))
    if x._array.shape[dim] == 0:
        raise IndexError(f"median(): Expected reduction dim {dim} to have non-zero size.")
    if x._array.dtype.kind == "b":
        raise NotImplementedError("\"median_out\" not implemented for 'Bool'")
    order = np.argsort(x._array, axis=dim, kind="stable")
    nans = np.isnan(x._array).sum(dim, keepdims=True) if x._array.dtype.kind == "f" else 0
    middle = np.maximum(x._array.shape[dim] - nans - 1, 0) // 2
    middle = np.broadcast_to(middle, [1 if d == dim else n for d, n in enumerate(x._array.shape)])
    places = np.take_along_axis(order, middle, dim)
    values = Pick.apply(x, index=places, dim=dim, grad_name="NanmedianBackward1", keepdim=keepdim)
    return _NanMedian(values, wrap(places if keepdim else np.squeeze(places, dim)))


@public(out=True)
@in_float32
def mode(input: Tensor, dim: int = -1, keepdim: bool = False, *, out: Any = None) -> Any:
    """Return (values, indices) of what occurs most often along `dim`, the smallest of several, its last place
    (`torch.mode`)."""
    x = check_tensor(input, "mode")
    dim = wrap_dim(dim, x._array.ndim)
    if x._array.ndim == 0:
        return _Mode(x.clone(), wrap(np.zeros((), np.int64)))
    if x._array.shape[dim] == 0:
        raise IndexError(f"mode(): Expected reduction dim {dim} to have non-zero size.")
    ordered = np.moveaxis(x._array, dim, -1)
    order = np.argsort(ordered, axis=-1, kind="stable")
    values = np.take_along_axis(ordered, order, -1)
    # The length of the run of equals that ends at each place; the first longest one wins.
    fresh = np.ones(values.shape, np.bool_)
    fresh[..., 1:] = values[..., 1:] != values[..., :-1]
    numbers = np.arange(values.shape[-1])
    run = numbers - np.maximum.accumulate(np.where(fresh, numbers, 0), -1)
    ends = np.argmax(run, -1)[..., None]
    places = np.ascontiguousarray(np.moveaxis(np.take_along_axis(order, ends, -1), -1, dim))
    values_at = Pick.apply(x, index=places, dim=dim, grad_name="ModeBackward0", keepdim=keepdim)
    return _Mode(values_at, wrap(places if keepdim else np.squeeze(places, dim)))


_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile(
    name: str, input: Tensor, q: Any, dim: int | None, keepdim: bool, interpolation: str, ignore_nan: bool
) -> Tensor:
    x = check_tensor(input, name)
    if x._array.dtype not in FLOATING:
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    if not isinstance(q, Tensor):
        if not 0 <= q <= 1:
            raise RuntimeError(f"quantile() q must be in the range [0, 1] but got {q}")
        q = wrap(np.array(q, x._array.dtype))
    if q._array.ndim > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
    if q._array.dtype != x._array.dtype:
        raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
    if x._array.size == 0:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if not ((q._array >= 0) & (q._array <= 1)).all():
        raise RuntimeError(f"{name}() q values must be in the range [0, 1]")
    if interpolation not in _INTERPOLATIONS:
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}"
        )
    whole = x._array.ndim
    axis = 0 if dim is None else wrap_dim(dim, whole)
    rows = x.reshape(-1) if dim is None else (x.reshape(1) if whole == 0 else x.movedim(axis, -1))
    ordered = rows.sort(-1)[0]
    size = rows._array.shape[-1]
    nan = np.isnan(rows._array)
    counts = (size - nan.sum(-1)) if ignore_nan else np.full(rows._array.shape[:-1], size)
    last = wrap(np.asarray(np.maximum(counts - 1, 0)).astype(x._array.dtype))
    ranks = q.reshape((-1, *[1] * last._array.ndim)) * last if q._array.ndim else q * last
    if not ignore_nan:  # a NaN is sorted last, and is the quantile of what contains it
        ranks = ranks.masked_fill(wrap(np.asarray(nan.any(-1))), size - 1)
    values = _at_ranks(ordered, ranks, q, interpolation)
    if dim is None:
        return values.reshape((*q._array.shape, *[1] * whole)) if keepdim else values
    return values.unsqueeze(axis + q._array.ndim) if keepdim and whole else values


def _at_ranks(ordered: Tensor, ranks: Tensor, q: Tensor, interpolation: str) -> Tensor:
    """Return the elements at real ranks, of shape (*q, *rows), along the last dimension of sorted rows."""
    exact = {"lower": np.floor, "higher": np.ceil, "nearest": np.rint}.get(interpolation)
    places = ranks._array if exact is None else exact(ranks._array)
    low, high = [np.asarray(rounded(places)).astype(np.int64) for rounded in (np.floor, np.ceil)]
    base = ordered.unsqueeze(0).expand(ranks._array.shape[0], *ordered._array.shape) if q._array.ndim else ordered

    def pick(index: Any) -> Tensor:
        return Pick.apply(base, index=np.asarray(index)[..., None], dim=base._array.ndim - 1).squeeze(-1)

    below = pick(low)
    if exact is not None:
        return below
    return below.lerp(pick(high), ranks - wrap(low.astype(places.dtype)) if interpolation == "linear" else 0.5)


@public(out=True)
@in_float32
def quantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """Return the q-quantiles, q in [0, 1] a number or vector, along `dim` or of all elements (`torch.quantile`)."""
    return _quantile("quantile", input, q, dim, keepdim, interpolation, False)


@public(out=True)
@in_float32
def nanquantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """Return the q-quantiles of what is not NaN (`torch.nanquantile`)."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, True)
