"""From a list of samples to a batch (`torch.utils.data.default_collate`), and from NumPy to Tensors."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from tinygrad_cnn import dtypes
from tinygrad_cnn.data import as_tensor, tensor
from tinygrad_cnn.ops.joining import stack
from tinygrad_cnn.tensor import Tensor

__all__ = ["collate", "default_collate", "default_collate_fn_map", "default_convert"]

CollateMap = dict[type | tuple[type, ...], Callable[..., Any]]

_REFUSED = "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"


def _is_text(array: Any) -> bool:
    """Tell whether a NumPy array holds strings, bytes or objects, which no Tensor can."""
    return array.dtype.kind in "SUO"


def _rebuild_mapping(like: Mapping[Any, Any], values: dict[Any, Any]) -> Any:
    """Return `values` in a mapping of the type of `like`; in a dict if the type cannot be made of them."""
    try:
        if isinstance(like, MutableMapping):
            # A copy keeps what the type has besides its items (a default factory, attributes).
            clone = copy.copy(like)
            clone.update(values)
            return clone
        return type(like)(values)  # type: ignore[call-arg]
    except TypeError:
        return values


def _rebuild_sequence(like: Sequence[Any], values: list[Any]) -> Any:
    """Return `values` in a sequence of the type of `like`; in a list if the type cannot be made of them."""
    try:
        if isinstance(like, MutableSequence):
            clone = copy.copy(like)
            for index, value in enumerate(values):
                clone[index] = value
            return clone
        return type(like)(values)  # type: ignore[call-arg]
    except TypeError:
        return values


def default_convert(data: Any) -> Any:
    """Turn NumPy arrays and scalars into Tensors, inside mappings and sequences too; leave the rest as it is.

    The loader's collate function where batching is off (`batch_size=None`).
    """
    if isinstance(data, Tensor):
        return data
    if isinstance(data, (np.ndarray, np.generic)):
        return data if isinstance(data, np.str_) or _is_text(data) else as_tensor(data)
    if isinstance(data, Mapping):
        return _rebuild_mapping(data, {key: default_convert(data[key]) for key in data})
    if _is_named(data):
        return type(data)(*(default_convert(item) for item in data))
    if isinstance(data, tuple):
        return [default_convert(item) for item in data]
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _rebuild_sequence(data, [default_convert(item) for item in data])
    return data


def _is_named(data: Any) -> bool:
    """Whether this is a named tuple; what max and sort return counts as a plain one, as in PyTorch."""
    return isinstance(data, tuple) and hasattr(data, "_fields") and type(data).__module__ != "torch.return_types"


def collate(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """Join samples of one structure: mappings by key, sequences by position, the rest by the map's functions.

    collate_fn_map: from a type (or tuple of types) of the elements to `function(batch, *, collate_fn_map)`; the exact
    type goes first, then the first entry that the element is an instance of.
    RuntimeError for sequences of unequal length, TypeError for elements that nothing is known about.
    """
    element = batch[0]
    kind = type(element)
    if collate_fn_map is not None:
        if kind in collate_fn_map:
            return collate_fn_map[kind](batch, collate_fn_map=collate_fn_map)
        for types, function in collate_fn_map.items():
            if isinstance(element, types):
                return function(batch, collate_fn_map=collate_fn_map)
    if isinstance(element, Mapping):
        joined = {key: collate([item[key] for item in batch], collate_fn_map=collate_fn_map) for key in element}
        return _rebuild_mapping(element, joined)
    if _is_named(element):
        columns = zip(*batch, strict=False)
        return kind(*(collate(column, collate_fn_map=collate_fn_map) for column in columns))
    if isinstance(element, Sequence):
        if any(len(item) != len(element) for item in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        values = [collate(column, collate_fn_map=collate_fn_map) for column in zip(*batch, strict=True)]
        return values if isinstance(element, tuple) else _rebuild_sequence(element, values)
    raise TypeError(_REFUSED.format(kind))


def collate_tensor_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Tensor:
    """Stack Tensors along a new first dimension."""
    return stack(list(batch), 0)


def collate_numpy_array_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """Turn arrays into Tensors and join these; TypeError for arrays of strings or objects."""
    if _is_text(batch[0]):
        raise TypeError(_REFUSED.format(batch[0].dtype))
    return collate([as_tensor(array) for array in batch], collate_fn_map=collate_fn_map)


def collate_numpy_scalar_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Tensor:
    """Turn NumPy scalars into a one-dimensional Tensor of their type."""
    return as_tensor(np.asarray(batch))


def collate_float_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Tensor:
    """Turn Python floats into a float64 Tensor."""
    return tensor(batch, dtype=dtypes.float64)


def collate_int_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Tensor:
    """Turn Python ints (or bools) into an int64 (bool) Tensor."""
    return tensor(batch)


def collate_str_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """Leave strings and bytes as they are."""
    return batch


default_collate_fn_map: CollateMap = {
    Tensor: collate_tensor_fn,
    np.ndarray: collate_numpy_array_fn,
    (np.bool_, np.number, np.object_): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}
"""How `default_collate` joins elements by type; new entries may be added."""


def default_collate(batch: Any) -> Any:
    """Join a list of samples into a batch with a new first dimension (`torch.utils.data.default_collate`).

    Tensors and arrays are stacked, floats become float64, ints int64; mappings, named tuples and sequences are joined
    element by element (tuples give lists); strings and bytes stay a list.
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)
