"""From indices to a batch: how the loader reads its data set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.grad_mode import is_grad_enabled
from tinygrad_cnn.tensor import Tensor, wrap
from tinygrad_cnn.utils.data._utils import collate
from tinygrad_cnn.utils.data.dataset import IterableDataset, Subset, TensorDataset

__all__ = ["Fetch", "fetcher"]

Fetch = Callable[[Any], Any]
_standard_tensor_collate = collate.collate_tensor_fn


def fetcher(dataset: Any, batched: bool, collate_fn: Callable[[Any], Any], drop_last: bool) -> Fetch:
    """Return the function from what the sampler yields (an index, a list of them) to what the loader yields."""
    if isinstance(dataset, IterableDataset):
        return _from_iterable(dataset, batched, collate_fn, drop_last)
    if not batched:
        return lambda index: collate_fn(dataset[index])

    def fetch(indices: Any) -> Any:
        batch = _gather(dataset, indices) if collate_fn is collate.default_collate else None
        return collate_fn(_samples(dataset, indices)) if batch is None else batch

    return fetch


def _samples(dataset: Any, indices: Any) -> Any:
    several = getattr(dataset, "__getitems__", None)
    return several(indices) if several else [dataset[index] for index in indices]


def _from_iterable(dataset: Any, batched: bool, collate_fn: Callable[[Any], Any], drop_last: bool) -> Fetch:
    samples = iter(dataset)
    if not batched:
        return lambda _: collate_fn(next(samples))
    ended = False

    def fetch(places: Any) -> Any:
        nonlocal ended
        if ended:
            raise StopIteration
        batch = []
        for _ in places:
            try:
                batch.append(next(samples))
            except StopIteration:
                ended = True
                break
        if not batch or (drop_last and len(batch) < len(places)):
            raise StopIteration
        return collate_fn(batch)

    return fetch


def _gather(dataset: Any, indices: Any) -> list[Tensor] | None:
    """Return what `default_collate` would make of the samples of a TensorDataset (or a Subset of one), by indexing each
    tensor once instead of stacking hundreds of slices; None where the two could differ in any way.

    They do not for exactly these classes, tensors whose graph is not recorded, and valid integer indices; for other
    indices the slow way raises the error that belongs to them.
    """
    while type(dataset) is Subset:
        try:
            indices = [dataset.indices[index] for index in indices]
        except (IndexError, TypeError):
            return None
        dataset = dataset.dataset
    if type(dataset) is not TensorDataset:
        return None
    if collate.default_collate_fn_map.get(Tensor) is not _standard_tensor_collate:
        return None
    tensors = dataset.tensors
    if any(type(tensor) is not Tensor or (tensor.requires_grad and is_grad_enabled()) for tensor in tensors):
        return None
    if not all(type(index) is int for index in indices):
        return None
    rows = np.array(indices, np.int64)
    count = len(dataset)
    if rows.size == 0 or rows.min() < -count or rows.max() >= count:
        return None
    return [wrap(_take(tensor._array, rows)) for tensor in tensors]


def _take(array: core.Array, rows: core.Array) -> core.Array:
    if not array.flags.c_contiguous:
        return np.ascontiguousarray(array[rows])  # `take` would first copy the whole array
    out = core.empty((rows.size, *array.shape[1:]), array.dtype)
    # mode: with "raise" NumPy writes to a temporary and copies. The rows have been checked; "wrap" serves negatives.
    return np.take(array, rows, axis=0, out=out, mode="wrap")
