"""Order: sort, topk and their kin; NumPy's sorting, gradients through the indices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.tensor import Tensor, wrap

from .base import check_tensor, scalar_name, wrap_dim
from .extremes import result_tuple
from .forms import public
from .gather import Pick
from .halves import in_float32

_Sort, _TopK = result_tuple("sort", "values indices"), result_tuple("topk", "values indices")
_Median, _KthValue = result_tuple("median", "values indices"), result_tuple("kthvalue", "values indices")


def _order(x: Any, dim: int, descending: bool) -> Any:
    """Return the indices that sort along `dim`, equals in their order; NaN counts as the largest."""
    if not descending:
        return np.argsort(x, axis=dim, kind="stable")
    # Equals keep their order if the reversed array is sorted upwards and the result reversed.
    places = np.argsort(np.flip(x, dim), axis=dim, kind="stable")
    return np.ascontiguousarray(np.flip(x.shape[dim] - 1 - places, dim))


def _first(x: Any, k: int, dim: int, largest: bool) -> Any:
    """Return the indices of the k that come first if sorted along `dim`; of few among many only those are sorted."""
    size = x.shape[dim]
    if not 0 < 4 * k < size or (x.dtype.kind == "f" and np.isnan(x).any()):
        return np.ascontiguousarray(_order(x, dim, largest)[(slice(None),) * dim + (slice(k),)])
    rows = np.moveaxis(x, dim, -1)
    place = size - k if largest else k - 1
    last = np.partition(rows, place, -1)[..., place, None]
    chosen = rows > last if largest else rows < last
    equal = rows == last  # the first of them fill up the k
    chosen |= equal & (np.cumsum(equal, -1) <= k - chosen.sum(-1, keepdims=True))
    some = np.nonzero(chosen)[-1].reshape(*rows.shape[:-1], k)
    order = _order(np.take_along_axis(rows, some, -1), rows.ndim - 1, largest)
    return np.ascontiguousarray(np.moveaxis(np.take_along_axis(some, order, -1), -1, dim))


def _picked(input: Tensor, places: Any, dim: int, name: str, keepdim: bool = True) -> Tensor:
    return Pick.apply(input, index=places, dim=dim, grad_name=name, keepdim=keepdim)


@public(out=True)
@in_float32
def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False, *, out: Any = None) -> Any:
    """Return (values, indices) sorted along `dim` (`torch.sort`); equals always keep their order here."""
    x = check_tensor(input, "sort")._array
    dim = wrap_dim(dim, x.ndim)
    if x.ndim == 0:
        return _Sort(input.clone(), wrap(np.zeros((), np.int64)))
    places = _order(x, dim, descending)
    return _Sort(_picked(input, places, dim, "SortBackward0"), wrap(places))


@public()
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """Return the indices that sort along `dim` (`torch.argsort`)."""
    return sort(input.detach(), dim, descending, stable)[1]


@public(out=True)
def msort(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the values sorted along the first dimension (`torch.msort`)."""
    return sort(input, 0)[0]


@public(out=True)
@in_float32
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, *, out: Any = None) -> Any:
    """Return (values, indices) of the k largest (smallest) along `dim`, always in order here (`torch.topk`)."""
    x = check_tensor(input, "topk")._array
    if x.dtype.kind == "b":
        raise RuntimeError("topk does not support bool dtypes on CPU")
    dim = wrap_dim(dim, x.ndim)
    if not 0 <= k <= (x.shape[dim] if x.ndim else 1):
        raise RuntimeError("selected index k out of range")
    if x.ndim == 0:
        return _TopK(input.clone(), wrap(np.zeros((), np.int64)))
    places = _first(x, k, dim, largest)
    return _TopK(_picked(input, places, dim, "TopkBackward0"), wrap(places))


@public(out=True)
@in_float32
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False, *, out: Any = None) -> Any:
    """Return (values, indices) of the k-th smallest, counted from 1, along `dim` (`torch.kthvalue`)."""
    x = check_tensor(input, "kthvalue")._array
    dim = wrap_dim(dim, x.ndim)
    if not 1 <= k <= (x.shape[dim] if x.ndim else 1):
        raise RuntimeError("kthvalue(): selected number k out of range for dimension " + str(dim))
    if x.ndim == 0:
        return _KthValue(input.clone(), wrap(np.zeros((), np.int64)))
    places = _ranked(x, k - 1, dim)
    values = _picked(input, places, dim, "KthvalueBackward0", keepdim)
    return _KthValue(values, wrap(places if keepdim else np.squeeze(places, dim)))


def _ranked(x: Any, rank: int, dim: int) -> Any:
    """Return the index of the element that sorting along `dim`, which stays with size 1, would put at a rank."""
    if x.dtype.kind == "f" and np.isnan(x).any():
        return np.take(_order(x, dim, False), [rank], axis=dim)
    value = np.take(np.partition(x, rank, dim), [rank], axis=dim)
    equals_before = rank - np.count_nonzero(x < value, axis=dim, keepdims=True)
    place = np.cumsum(x == value, axis=dim) == equals_before + 1
    return np.expand_dims(np.argmax(place, axis=dim), dim)


@public(out=True)
@in_float32
def median(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None) -> Any:
    """Return the median, the lower of two middle elements: of all, or (values, indices) along `dim` (`torch.median`).

    A NaN is the median of whatever contains it. NotImplementedError for bool.
    """
    x = check_tensor(input, "median")
    if dim is None:
        return _median_of_all(x)
    dim = wrap_dim(dim, x._array.ndim)
    if x._array.ndim and x._array.shape[dim] == 0:
        raise IndexError(f"median(): Expected reduction dim {dim} to have non-zero size.")
    if x._array.dtype.kind == "b":
        raise NotImplementedError("\"median_out\" not implemented for 'Bool'")
    if x._array.ndim == 0:
        return _Median(x.clone(), wrap(np.zeros((), np.int64)))
    places = _median_places(x._array, dim)
    values = _picked(x, places, dim, "MedianBackward1", keepdim)
    return _Median(values, wrap(places if keepdim else np.squeeze(places, dim)))


def _median_of_all(x: Tensor) -> Tensor:
    array = x._array
    if array.size == 0:
        if x.is_floating_point():
            return x.sum() * math.nan
        nothing = True if array.dtype.kind == "b" else np.iinfo(array.dtype).min
        return wrap(np.full((), nothing, array.dtype))
    if array.dtype.kind == "b":
        raise NotImplementedError("\"median_cpu\" not implemented for 'Bool'")
    return MiddleOfAll.apply(x, place=int(_median_places(array.reshape(-1), 0)[0]), grad_name="MedianBackward0")


class MiddleOfAll(Operation):
    """The element at `place` of the flattened input: a median, of which those equal to it share the gradient evenly."""

    serves_once = True

    def forward(self, x: Any, place: int, grad_name: str) -> Any:
        """Read."""
        y = x.reshape(-1)[place]
        if self.recording:
            self.grad_name = grad_name
            equals = np.asarray(np.isnan(x) if np.isnan(y) else x == y)
            self.share = np.asarray(equals.astype(x.dtype) / np.count_nonzero(equals), x.dtype)
        return np.asarray(y)

    def backward(self, grad: Tensor) -> Tensor:
        """Divide."""
        return grad * wrap(self.share)


def _median_places(x: Any, dim: int) -> Any:
    """Return the index of the median along `dim`, which stays with size 1; the first NaN if there is one."""
    places = _ranked(x, (x.shape[dim] - 1) // 2, dim)
    missing = np.isnan(x) if x.dtype.kind == "f" else np.zeros((), np.bool_)
    if missing.any():
        first = np.expand_dims(np.argmax(missing, axis=dim), dim)
        places = np.where(missing.any(axis=dim, keepdims=True), first, places)
    return places


@public()
@in_float32
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """Return the distinct elements in order, with inverse indices and counts if asked for (`torch.unique`).

    A NaN is like no other.
    """
    x = check_tensor(input, "unique")._array
    axis = None if dim is None else wrap_dim(dim, x.ndim)
    values, inverse, counts = np.unique(
        x, return_inverse=True, return_counts=True, axis=axis, equal_nan=axis is not None
    )
    results = [wrap(values)]
    if return_inverse:
        results.append(wrap(inverse.reshape(x.shape if dim is None else -1).astype(np.int64)))
    if return_counts:
        results.append(wrap(counts.astype(np.int64)))
    return results[0] if len(results) == 1 else tuple(results)


@public()
@in_float32
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """Return how often each non-negative integer occurs, or the sums of its weights (`torch.bincount`)."""
    x = check_tensor(input, "bincount")._array
    if x.dtype.kind not in "iu":
        raise NotImplementedError(f"\"bincount_cpu\" not implemented for '{scalar_name(input)}'")
    if x.ndim != 1 or (x.size and x.min() < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    largest = int(x.max()) if x.size else -1
    if largest >= 2**63 - 1:
        raise RuntimeError(f"maximum value of input overflowed, it should be < {2**63 - 1} but got {largest}")
    core.check_size((max(largest + 1, minlength),))
    if weights is None:
        return wrap(np.bincount(x, minlength=minlength).astype(np.int64))
    if weights._array.shape != x.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    counts = np.bincount(x, weights._array, minlength)
    return wrap(counts.astype(np.float32 if weights._array.dtype == np.float32 else np.float64))
