"""Reading and writing at places given by index arrays: index_select, index_put, masks, nonzero.

Index arithmetic is NumPy's; reading and adding are each other's gradients.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.tensor import Tensor, wrap

from .base import check_tensor, clone, scalar_name, write_out
from .broadcasting import broadcast_tensors
from .forms import public
from .halves import in_float32
from .places import add_rows, kept, rows_of

# ---- what an index array is ----

PART_OF_MASK = object()  # stands for the second and further dimensions of a mask


def index_array(item: Any) -> Any:
    """Return a sequence, array or tensor in an index as an array of integers or bool; IndexError for other dtypes."""
    if isinstance(item, Tensor):
        array = item._array
    else:
        parts = [x._array if isinstance(x, Tensor) else x for x in item] if isinstance(item, list) else item
        try:
            array = np.asarray(parts)
        except ValueError:
            raise ValueError("expected sequence of equal length in an index") from None
        if array.size == 0 and array.dtype.kind == "f":
            array = array.astype(np.int64)
    if array.dtype == np.uint8:
        warnings.warn(
            "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.",
            UserWarning,
            stacklevel=5,
        )
        return array != 0
    if array.dtype.kind not in "ib" or (array.dtype.kind == "i" and array.itemsize < 4 and isinstance(item, Tensor)):
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    return array


def check_mask(mask: Any, at: int, shape: tuple[int, ...], place: int) -> None:
    """Raise IndexError unless a mask fits the dimensions from `at` on."""
    for d, size in enumerate(mask.shape):
        if size != shape[at + d]:
            raise IndexError(
                f"The shape of the mask {list(mask.shape)} at index {d} does not match the shape of the indexed tensor "
                f"{list(shape)} at index {place + d}"
            )


def advanced_index(shape: tuple[int, ...], items: list[Any]) -> tuple[Any, ...]:
    """Return an index for NumPy from index arrays by dimension (None: all); masks become the places where they hold."""
    index: list[Any] = []
    for item in items:
        if item is PART_OF_MASK:
            continue
        if item is None:
            index.append(slice(None))
            continue
        array = index_array(item)
        if array.dtype.kind == "b":
            check_mask(array, len(index), shape, len(index))
            index += array.nonzero()
        else:
            index.append(array)
    return tuple(index)


def index_error(error: IndexError, index: tuple[Any, ...]) -> IndexError:
    """Return NumPy's complaint about index arrays in PyTorch's words."""
    if "broadcast" in str(error):
        shapes = ", ".join(str(list(item.shape)) for item in index if not isinstance(item, slice))
        return IndexError(f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}")
    return IndexError(str(error).replace("axis", "dimension"))


def shape_error(value: Any, place: Any) -> RuntimeError:
    """Return the error for a value that does not fit the place it is to be written to."""
    return RuntimeError(
        f"shape mismatch: value tensor of shape {list(value.shape)} cannot be broadcast to indexing result of shape "
        f"{list(place.shape)}"
    )


def _add_at(x: Any, index: tuple[Any, ...], y: Any) -> None:
    """Add y, broadcast, to the dense x at an index with index arrays in it."""
    rows = rows_of(index, x.shape) if x.size else None
    rest = x.shape[len(index) :]
    if rows is None or y.shape != rows.shape + rest:
        np.add.at(x, index, y)
        return
    length = math.prod(rest)
    add_rows(x.reshape(-1, length), rows.reshape(-1), y.reshape(-1, length))


# ---- operations ----


class TakeAt(Operation):
    """x[index] with index arrays in it: a copy."""

    grad_name = "IndexBackward0"
    serves_once = True

    def forward(self, x: Any, index: tuple[Any, ...], grad_name: str = "IndexBackward0") -> Any:
        """Read."""
        self.grad_name = grad_name
        if self.recording:
            self.shape, self.index = x.shape, kept(index)
        try:
            return np.asarray(x[index], order="C")
        except IndexError as error:
            raise index_error(error, index) from None

    def backward(self, grad: Tensor) -> Tensor:
        """Add each gradient where its element was read."""
        zeros = Tensor._zeros(self.shape, grad._array.dtype)
        return PutAt.apply(zeros, grad, index=self.index, accumulate=True, fresh=True)


class PutAt(Operation):
    """x with y, broadcast, written or added at an index with index arrays in it."""

    grad_name = "IndexPutBackward0"

    def forward(self, x: Any, y: Any, index: tuple[Any, ...], accumulate: bool, fresh: bool = False) -> Any:
        """Write or add."""
        if self.recording:
            self.index, self.accumulate = kept(index), accumulate
        result = x if fresh else core.copy(x)
        try:
            if accumulate:
                _add_at(result, index, y)
            else:
                result[index] = y
        except IndexError as error:
            raise index_error(error, index) from None
        except ValueError:
            raise shape_error(y, result[index]) from None
        return result

    def backward(self, grad: Tensor) -> Any:
        """Split the gradient: what was overwritten goes to y, the rest to x."""
        by_x = by_y = None
        if self.needs_input_grad[0]:
            zero = wrap(np.zeros((), grad._array.dtype))
            by_x = grad if self.accumulate else PutAt.apply(grad, zero, index=self.index, accumulate=False)
        if self.needs_input_grad[1]:
            by_y = TakeAt.apply(grad, index=self.index)
        return by_x, by_y


# ---- functions ----


@public(inplace=True, inplace_function=True)
def index_put(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """Return input with `values`, broadcast, at the places that a tuple of index tensors names (`torch.index_put`)."""
    x, v = check_tensor(input, "index_put"), check_tensor(values, "index_put", "values", 3)
    if v.dtype is not x.dtype:
        raise RuntimeError(
            "Index put requires the source and destination dtypes match, got "
            f"{scalar_name(x)} for the destination and {scalar_name(v)} for the source."
        )
    return PutAt.apply(x, v, index=advanced_index(x._array.shape, list(indices)), accumulate=accumulate)


@public()
def masked_select(input: Tensor, mask: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the elements where the bool `mask`, broadcast, holds, in one dimension (`torch.masked_select`)."""
    x, m = check_tensor(input, "masked_select"), check_tensor(mask, "masked_select", "mask", 2)
    if m._array.dtype.kind != "b":
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    x, m = broadcast_tensors(x, m)
    if m._array.ndim == 0:
        x, m = x.reshape(1), m.reshape(1)
    y = TakeAt.apply(x, index=m._array.nonzero(), grad_name="MaskedSelectBackward0")
    return y if out is None else write_out("masked_select", out, y, input)


@public(out=True)
def take(input: Tensor, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the elements that `index` names in the flattened input, in the shape of `index` (`torch.take`)."""
    flat = check_tensor(input, "take").reshape(-1)
    places = check_tensor(index, "take", "index", 2)._array
    if places.size and (places.min() < -flat._array.size or places.max() >= flat._array.size):
        raise IndexError("out of range: tried to access index " + str(int(places.max())))
    return TakeAt.apply(flat, index=(places,), grad_name="TakeBackward0")


@public()
@in_float32
def nonzero(input: Tensor, *, out: Tensor | None = None, as_tuple: bool = False) -> Any:
    """Return the places of the nonzero elements: an (n, ndim) tensor, or a tuple of vectors (`torch.nonzero`)."""
    x = check_tensor(input, "nonzero")._array
    if as_tuple:
        places = (x.reshape(1) if x.ndim == 0 else x).nonzero()
        return tuple([wrap(np.ascontiguousarray(place, np.int64)) for place in places])
    y = wrap(np.zeros((int(x != 0), 0), np.int64) if x.ndim == 0 else np.ascontiguousarray(np.argwhere(x), np.int64))
    return y if out is None else write_out("nonzero", out, y)


@public()
def argwhere(input: Tensor) -> Tensor:
    """Return the indices of the elements that are not zero, a row each (`torch.argwhere`)."""
    return nonzero(input)


@public(inplace=True)
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """Return input with the elements of `source`, in order, where `mask` holds (`torch.masked_scatter`)."""
    if mask._array.dtype.kind != "b":
        raise RuntimeError(f"masked_scatter_ only supports boolean masks, but got mask with dtype {scalar_name(mask)}")
    x, m = broadcast_tensors(input, mask)
    places = m._array.nonzero()
    count = int(m._array.sum())
    if source._array.size < count:
        raise RuntimeError(f"Number of elements of source < number of ones in mask: {source._array.size} < {count}")
    return PutAt.apply(clone(x), source.reshape(-1).narrow(0, 0, count), index=places, accumulate=False)


@public(inplace=True)
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """Return input with `source` written, or added, where `index` points into the flattened input (`torch.put`)."""
    x = check_tensor(input, "put")
    if source.dtype is not x.dtype:
        raise RuntimeError("put_(): self and source expected to have the same dtype, but got self.dtype = "
                           f"{scalar_name(x)} and source.dtype = {scalar_name(source)}")  # fmt: skip
    places = index._array.reshape(-1)
    if places.size != source._array.size:
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got source.numel() = "
            f"{source._array.size}, index.numel() = {places.size}"
        )
    size = x._array.size
    wrong = places[(places < -size) | (places >= size)]
    if wrong.size:
        raise IndexError(f"out of range: tried to access index {wrong[0]} on a tensor of {size} elements.")
    y = PutAt.apply(x.reshape(-1), source.reshape(-1), index=(places,), accumulate=accumulate)
    return y.reshape(x._array.shape)


@public()
def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1, out: Tensor | None = None) -> Tensor:
    """Return the first `size` places of nonzero elements, rows of `fill_value` if there are fewer
    (`torch.nonzero_static`)."""
    if size < 0:
        raise RuntimeError("nonzero_static: 'size' must be an non-negative integer")
    found = nonzero(input)._array[:size]
    rows = np.full((size, found.shape[1]), fill_value, np.int64)
    rows[: found.shape[0]] = found
    return wrap(rows) if out is None else write_out("nonzero_static", out, wrap(rows))


@public(method=False)
def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """Return the coordinates, a tensor a dimension, of places in a flattened tensor of `shape`
    (`torch.unravel_index`)."""
    places = check_tensor(indices, "unravel_index", "indices")._array
    if places.dtype.kind not in "iu":
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    if not isinstance(shape, (int, Sequence)):
        raise TypeError(f"expected 'shape' to be int or sequence of ints, but got {type(shape)}")
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    for size in sizes:
        if not isinstance(size, int):
            raise TypeError(f"expected 'shape' sequence to only contain ints, but got {type(size)}")
    if any(size < 0 for size in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {tuple(sizes)}")
    coordinates, places = [], places.astype(np.int64)
    for size in sizes[::-1]:
        coordinates.append(places % max(size, 1))
        places = places // max(size, 1)
    return tuple([wrap(np.asarray(part)) for part in coordinates[::-1]])
