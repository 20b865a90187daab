"""The square brackets: x[index] and x[index] = value, with PyTorch's rules of what an index is."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.grad_mode import mode
from tinygrad_cnn.autograd.waiting import settle
from tinygrad_cnn.creation import check_fits
from tinygrad_cnn.tensor import Tensor, wrap

from .broadcasting import expand
from .conversion import copy_
from .elementwise import constant
from .indexing import PART_OF_MASK, PutAt, TakeAt, advanced_index, check_mask, index_array, index_error, shape_error
from .promotion import cast, is_number, python_number
from .slices import BasicIndex

_SEQUENCE_WARNING = (
    "Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed in pytorch 2.9; use "
    "x[tuple(seq)] instead of x[seq]. In pytorch 2.9 this will be interpreted as tensor index, x[torch.tensor(seq)], "
    "which will result either in an error or a different result"
)


def _as_tuple(index: Any) -> tuple[Any, ...]:
    """Return an index as a tuple; a list with anything but numbers in it counts as one, as it does in PyTorch."""
    if type(index) is tuple:
        return index
    if isinstance(index, list) and len(index) < 32:
        for item in index:
            if item is None or item is Ellipsis or isinstance(item, (slice, list, tuple, range, Tensor, np.ndarray)):
                if not isinstance(item, (slice, type(None), type(Ellipsis))):
                    warnings.warn(_SEQUENCE_WARNING, UserWarning, stacklevel=4)
                return tuple(index)
    return (index,)


def _kind_error(item: Any) -> Exception:
    if isinstance(item, (str, bytes)):
        return TypeError(f"new(): invalid data type {type(item).__name__!r}")
    return IndexError(
        "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got "
        f"{type(item).__name__})"
    )


def _slice(item: slice) -> slice:
    """Return a slice with ints for what can stand for them; ValueError for a step below 1, TypeError for no int."""
    try:
        start, stop, step = [None if x is None else x.__index__() for x in (item.start, item.stop, item.step)]
    except (AttributeError, TypeError):
        raise TypeError("slice indices must be integers or None or have an __index__ method") from None
    if step == 0:
        raise ValueError("slice step cannot be zero")
    if step is not None and step < 0:
        raise ValueError("step must be greater than zero")
    return slice(start, stop, step)


def _consumed(item: Any) -> int:
    """Return how many dimensions an item of an index stands for."""
    if item is None or item is Ellipsis or isinstance(item, (bool, np.bool_)):
        return 0
    array = item._array if isinstance(item, Tensor) else item
    if isinstance(array, np.ndarray) and array.dtype.char in "?B":  # a mask, of bool or uint8
        return array.ndim
    return 1


def _check_count(items: tuple[Any, ...], consumed: int, ndim: int) -> None:
    if consumed <= ndim:
        return
    if ndim == 0 and not any(isinstance(item, (Tensor, list, tuple)) for item in items):
        raise IndexError(
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a "
            "0-dim tensor to a number"
        )
    raise IndexError(f"too many indices for tensor of dimension {ndim}")


def _entries(item: Any, at: int, shape: tuple[int, ...], place: int) -> tuple[list[Any], list[Any]]:
    """Return what an item at dimension `at` adds to the basic index, and to the advanced one that follows it."""
    if item is None:
        return [None], [None]
    if isinstance(item, slice):
        return [_slice(item)], [None]
    if isinstance(item, (bool, np.bool_)):
        return [None], [np.array([item], np.bool_)]
    if isinstance(item, (Tensor, np.ndarray, list, tuple)):
        array = index_array(item)
        if array.dtype.kind == "b":
            if array.ndim == 0:
                return [None], [array.reshape(1)]
            check_mask(array, at, shape, place)
            return [_ALL] * array.ndim, [array] + [PART_OF_MASK] * (array.ndim - 1)
        if array.ndim:
            return [_ALL], [array]
        item = int(array)
    try:
        number = item.__index__()
    except (AttributeError, TypeError):
        if hasattr(item, "__getitem__") and not isinstance(item, (str, bytes, dict)):  # a range, or any other sequence
            return _entries(list(item), at, shape, place)
        raise _kind_error(item) from None
    if not -shape[at] <= number < shape[at]:
        raise IndexError(f"index {number} is out of bounds for dimension {at} with size {shape[at]}")
    return [number], []


_ALL = slice(None)
_I64 = np.dtype(np.int64)


def parse(index: Any, shape: tuple[int, ...]) -> tuple[tuple[Any, ...], list[Any] | None]:
    """Return (basic, advanced): an index of integers, slices, None and `...`, and index arrays for what that one gives.

    As in PyTorch the basic part is applied first, so that an integer never counts as an index array. `advanced` has an
    entry for each dimension up to the last array, None where all is taken; it is None if there are no arrays.
    """
    items = _as_tuple(index)
    consumed = sum([_consumed(item) for item in items])
    _check_count(items, consumed, len(shape))
    basic: list[Any] = []
    advanced: list[Any] = []
    at, skip = 0, len(shape) - consumed
    for item in items:
        if item is Ellipsis:  # a second one stands for nothing
            more, places = [_ALL] * skip, [None] * skip
            at, skip = at + skip, 0
        else:
            more, places = _entries(item, at, shape, len(advanced))
            at += _consumed(item)
        basic += more
        advanced += places
    return (*basic, Ellipsis), (advanced if any(item is not None for item in advanced) else None)


def _grad_name(basic: tuple[Any, ...]) -> str:
    """Return PyTorch's name of the last view that such an index is made of there."""
    name = "AliasBackward0"
    for item in basic:
        if item is None:
            name = "UnsqueezeBackward0"
        elif isinstance(item, slice):
            if item != slice(None):
                name = "SliceBackward0"
        elif item is not Ellipsis:
            name = "SelectBackward0"
    return name


def _simple(items: tuple[Any, ...], shape: tuple[int, ...]) -> tuple[tuple[Any, ...], str] | None:
    """Return what `parse` and `_grad_name` would for the most frequent indices, at a fifth of their cost: ints, slices
    without a step and None. None for any other, and for one that does not fit.
    """
    at, name = 0, "AliasBackward0"
    for item in items:
        if type(item) is slice:
            start, stop = item.start, item.stop
            if start is not None or stop is not None:
                name = "SliceBackward0"
            if item.step is not None or type(start) not in _BOUNDS or type(stop) not in _BOUNDS:
                return None
        elif type(item) is int:
            if at >= len(shape) or not -shape[at] <= item < shape[at]:
                return None
            name = "SelectBackward0"
        elif item is None:
            name = "UnsqueezeBackward0"
            continue
        else:
            return None
        at += 1
    return None if at > len(shape) else ((*items, Ellipsis), name)


_BOUNDS = (int, type(None))


def getitem(input: Tensor, index: Any) -> Tensor:
    """Return input[index]: a view for integers, slices, None and `...`; a copy where tensors or lists take part."""
    array = input._array
    simple = _simple(index if type(index) is tuple else (index,), array.shape)
    if simple is not None:
        return BasicIndex.apply(input, *simple)
    if isinstance(index, Tensor) and index._array.ndim and array.ndim and index._array.dtype == _I64:
        return TakeAt.apply(input, index=(index._array,))
    basic, advanced = parse(index, array.shape)
    if advanced is None:
        return BasicIndex.apply(input, basic, _grad_name(basic))
    if any(item is None or isinstance(item, int) or item != _ALL for item in basic[:-1]):
        input = BasicIndex.apply(input, basic)
    return TakeAt.apply(input, index=advanced_index(input._array.shape, advanced))


def setitem(input: Tensor, index: Any, value: Any) -> None:
    """Set input[index] to a number or a tensor, broadcast and converted to the input's dtype.

    Raises RuntimeError where shapes do not fit, or for an in-place change that autograd does not allow.
    """
    basic, advanced = parse(index, input._array.shape)
    if not isinstance(value, Tensor):
        value = _value(value, input)
    value = cast(value, input.dtype)
    recorded = mode.enabled and (input.requires_grad or value.requires_grad)
    if advanced is None:
        target = BasicIndex.apply(input, basic)
        surplus = value._array.ndim - target._array.ndim
        if surplus > 0 and value._array.shape[:surplus] == (1,) * surplus:
            value = value.reshape(value._array.shape[surplus:])
        if value._array.ndim and value._array.shape != target._array.shape:
            value = expand(value, target._array.shape)
        copy_(target, value)
        return
    target = BasicIndex.apply(input, basic)
    if recorded:
        target._inplace(PutAt, value, index=advanced_index(target._array.shape, advanced), accumulate=False)
        return
    input._check_inplace()
    settle(target._array)
    _write_at(target._array, advanced, value._array)
    input._bump()


def _write_at(array: Any, advanced: list[Any], value: Any) -> None:
    """Write into an array at index arrays by dimension."""
    mask = advanced[0]
    if value.ndim == 0 and mask is not None and mask.dtype.kind == "b" and mask.shape == array.shape:
        core.copy_into(core.where(mask, value, array), array)  # one number needs no list of places
        return
    where = advanced_index(array.shape, advanced)
    try:
        array[where] = value
    except IndexError as error:
        raise index_error(error, where) from None
    except ValueError:
        raise shape_error(value, array[where]) from None


def _value(value: Any, like: Tensor) -> Tensor:
    """Return what is assigned to an index as a tensor."""
    if is_number(value):
        number = python_number(value)
        check_fits(number, like.dtype)
        return wrap(constant(number, like._array.dtype))
    if isinstance(value, (list, tuple, np.ndarray)):
        return wrap(np.asarray(value))
    raise TypeError(f"can't assign a {type(value).__name__} to a {like.type()}")
