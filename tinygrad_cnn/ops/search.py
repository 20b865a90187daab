"""Finding places in sorted numbers and counting by bins: searchsorted, bucketize, histograms, isin, unique runs."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.tensor import Tensor, wrap

from .base import FLOATS, check_tensor, scalar_name, wrap_dim
from .extremes import result_tuple
from .forms import public
from .halves import in_float32
from .promotion import NUMBERS, common_dtype

_Histogram, _HistogramDD = result_tuple("histogram", "hist bin_edges"), result_tuple("histogramdd", "hist bin_edges")


@public(method=False, out=True)
@in_float32
def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Return where numbers would be inserted into sorted rows so that these stay sorted (`torch.searchsorted`).

    `sorted_sequence` is (N,), or (..., N) with the leading dimensions of `input`; before equals, behind them with
    `right`. `sorter` sorts the rows.
    """
    rows = check_tensor(sorted_sequence, "searchsorted", "sorted_sequence")._array
    if side is not None and side not in ("left", "right"):
        raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError(
            "torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True"
        )
    number = not isinstance(input, Tensor)
    dtype = common_dtype(sorted_sequence, input)._numpy  # 2.5 lies between 2 and 3
    rows, values = rows.astype(dtype, copy=False), np.asarray(input if number else input._array, dtype)
    _check_rows(rows, values, number)
    if sorter is not None:
        if sorter._array.shape != rows.shape:
            raise RuntimeError(
                "torch.searchsorted(): boundary and sorter must have the same size, but got boundary tensor "
                f"{list(rows.shape)}and got sorter tensor {list(sorter._array.shape)}"
            )
        if sorter._array.dtype != np.int64:
            raise RuntimeError(
                f"torch.searchsorted(): sorter must be a tensor of long dtype but got dtype {scalar_name(sorter)}"
            )
        order = sorter._array
        if order.size and (order.min() < 0 or order.max() >= rows.shape[-1]):
            raise RuntimeError("torch.searchsorted(): sorter index out of range")
        rows = np.take_along_axis(rows, order, -1)
    where: Any = "right" if right or side == "right" else "left"
    kind = np.int32 if out_int32 else np.int64
    if rows.ndim <= 1:
        return wrap(np.asarray(np.searchsorted(rows.reshape(-1), values, where), kind))
    places = np.empty(values.shape, kind)
    for index in np.ndindex(*rows.shape[:-1]):
        places[index] = np.searchsorted(rows[index], values[index], where)
    return wrap(places)


def _check_rows(rows: Any, values: Any, number: bool) -> None:
    if number and rows.ndim > 1:
        raise RuntimeError(
            "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1, but we got "
            f"boundaries tensor dim({rows.ndim}) and input value's dim(0) numel(1)"
        )
    if rows.ndim > 1 and rows.shape[:-1] != values.shape[:-1]:
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries "
            f"tensor and input value tensor must match, but we got boundaries tensor {list(rows.shape)} and input "
            f"value tensor {list(values.shape)}"
        )


@public(method=False, out=True)
@in_float32
def bucketize(
    input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False, out: Tensor | None = None
) -> Tensor:
    """Return the index of the bucket, between sorted boundaries, of each number (`torch.bucketize`)."""
    if check_tensor(boundaries, "bucketize", "boundaries", 2)._array.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries._array.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


def _check_bins(bins: int, dim: int = 0) -> None:
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension {dim}")


def _limits(name: str, x: Any, low: Any, high: Any, margin: float) -> tuple[Any, Any]:
    """Return the limits of a histogram: those of the numbers if both are equal, apart by twice the margin at least."""
    if low == high and x.size:
        low, high = x.min(), x.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"{name}: range of [{low:g}, {high:g}] is not finite")
    if low == high:
        low, high = low - margin, high + margin
    if low > high:
        raise RuntimeError(f"{name}: max must be larger than min, but got min {low:g} max {high:g}")
    return low, high


@public(out=True)
@in_float32
def histc(input: Tensor, bins: int = 100, min: Any = 0, max: Any = 0, *, out: Tensor | None = None) -> Tensor:
    """Return how many elements lie in each of `bins` equal parts of [min, max] (`torch.histc`).

    Both 0: from the smallest to the largest element. Elements outside are not counted.
    """
    x = check_tensor(input, "histc")._array.reshape(-1)
    _check_bins(bins)
    core.check_size((bins,))
    low, high = _limits("torch.histc", x, min, max, 1)
    x = x[(x >= low) & (x <= high)]
    places = np.minimum(((x - low) * (bins / (high - low))).astype(np.int64), bins - 1)
    return wrap(np.bincount(places, minlength=bins).astype(input._array.dtype))


@public(out=True)
def histogram(
    input: Tensor,
    bins: Any,
    *,
    range: Any = None,
    weight: Tensor | None = None,
    density: bool = False,
    out: Any = None,
) -> Any:
    """Return (hist, bin_edges): elements counted, or weighed, between edges (`torch.histogram`).

    `bins` is a number of equal parts of `range` (default: all elements), or the edges; `density` divides by the total
    and by the widths.
    """
    x = check_tensor(input, "histogram")._array
    if x.dtype not in FLOATS:
        raise NotImplementedError(f"\"histogramdd\" not implemented for '{scalar_name(input)}'")
    weights = None if weight is None else weight._array.reshape(-1)
    edges = bins._array if isinstance(bins, Tensor) else _even_edges(x, int(bins), range)
    counts, _ = np.histogram(x.reshape(-1), edges, weights=weights, density=density)
    return _Histogram(wrap(counts.astype(x.dtype)), wrap(np.ascontiguousarray(edges)))


def _even_edges(x: Any, bins: int, limits: Any, dim: int = 0) -> Any:
    """Return the edges of so many equal parts of the limits, or of what the numbers span."""
    _check_bins(bins, dim)
    if limits is None:
        limits = (x.min(), x.max()) if x.size else (0, 1)
    low, high = _limits(f"torch.histogramdd: dimension {dim}'s", np.empty(0), limits[0], limits[1], 0.5)
    return np.linspace(low, high, bins + 1, dtype=x.dtype)


@public(method=False)
def histogramdd(
    input: Tensor, bins: Any, range: Any = None, weight: Tensor | None = None, density: bool = False
) -> Any:
    """Return (hist, bin_edges) of points in the last dimension of the input (`torch.histogramdd`)."""
    x = check_tensor(input, "histogramdd")._array
    count = x.shape[-1]
    points = x.reshape(-1, count)
    bins = [bins] * count if isinstance(bins, int) else list(bins)
    if len(bins) != count:
        raise RuntimeError(
            f"histogramdd: The size of bins must be equal to the innermost dimension of the input. Got {len(bins)} and "
            f"{count}"
        )
    pairs = [None] * count if range is None else list(zip(range[::2], range[1::2], strict=True))
    edges = [
        edge._array if isinstance(edge, Tensor) else _even_edges(points[:, d], edge, pairs[d], d)
        for d, edge in enumerate(bins)
    ]
    weights = None if weight is None else weight._array.reshape(-1)
    counts, _ = np.histogramdd(points, edges, weights=weights, density=density)
    return _HistogramDD(wrap(counts.astype(x.dtype)), tuple([wrap(np.ascontiguousarray(edge)) for edge in edges]))


@public(method=False, out=True)
@in_float32
def isin(
    elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False, out: Tensor | None = None
) -> Tensor:
    """Return which elements occur among the test elements (`torch.isin`); one of the two may be a number."""
    if isinstance(elements, NUMBERS) and isinstance(test_elements, NUMBERS):
        raise TypeError("isin() received an invalid combination of arguments")
    dtype = common_dtype(elements, test_elements)._numpy
    tested, known = [
        x._array.astype(dtype) if isinstance(x, Tensor) else np.array(x, dtype) for x in (elements, test_elements)
    ]
    found: Any = np.isin(tested, known, invert=invert)
    return wrap(np.asarray(found))


@public()
@in_float32
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """Return the first of each run of equals, flattened or along `dim` (`torch.unique_consecutive`).

    With `return_inverse` the run of each element, with `return_counts` the length of each run, too.
    """
    x = check_tensor(input, "unique_consecutive")._array
    axis = 0 if dim is None else wrap_dim(dim, x.ndim)
    rows = x.reshape(-1) if dim is None else np.moveaxis(x, axis, 0) if x.ndim else x.reshape(1)
    size = rows.shape[0]
    fresh = np.ones(size, np.bool_)
    if size > 1:
        differ = rows[1:] != rows[:-1]
        fresh[1:] = differ.reshape(size - 1, -1).any(1)
    starts = np.flatnonzero(fresh)
    values = np.ascontiguousarray(np.moveaxis(rows[starts], 0, axis) if dim is not None and x.ndim else rows[starts])
    results = [wrap(values.reshape(()) if dim is not None and not x.ndim else values)]
    if return_inverse:
        inverse = np.cumsum(fresh) - 1
        results.append(wrap(inverse.reshape(x.shape) if dim is None else inverse))
    if return_counts:
        results.append(wrap(np.diff(np.append(starts, size))))
    return results[0] if len(results) == 1 else tuple(results)
