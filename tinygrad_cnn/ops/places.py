"""Where index arrays point, as numbers of elements in dense memory, and adding up there.

NumPy reads, writes and above all adds (`np.add.at`) several times as fast at one array of such numbers as at a grid of
index arrays. Elements are taken in the same order, so that sums and what overwrites what are the same.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_cnn.core import Array

__all__ = ["add_columns", "add_rows", "along", "kept", "rows_of"]

# Numbers that are made at a time: 2 MiB of them, whatever is added up.
_BLOCK = 1 << 18


def kept(index: Any) -> Any:
    """Return a copy of an index array, or of those in a tuple, for backward: the tensor may be changed before that.

    PyTorch refuses such a backward; here the gradient is that of the index as it was.
    """
    if isinstance(index, tuple):
        return tuple([part if isinstance(part, slice) else part.copy() for part in index])
    return index.copy()


def along(index: Array, dim: int, shape: tuple[int, ...]) -> Array:
    """Return the number of the element index[i, j, ...] of `dim` at each place (i, j, ...), in an array of `shape`."""
    others: Any = 0
    for d, size in enumerate(index.shape):
        if d != dim and size != 1:
            step = math.prod(shape[d + 1 :])
            others = others + (np.arange(size) * step).reshape(-1, *[1] * (index.ndim - d - 1))
    step = math.prod(shape[dim + 1 :])
    return index + others if step == 1 else index * step + others


def rows_of(index: tuple[Any, ...], shape: tuple[int, ...]) -> Array | None:
    """Return the rows that an index of slices without bounds, then index arrays, takes: in the shape of what it takes.

    A row is what the dimensions hold that the index leaves out. None for another index, and for one that does not fit,
    of which NumPy can say why.
    """
    before = 0
    while before < len(index) and isinstance(index[before], slice):
        before += 1
    arrays, sizes = index[before:], shape[before : len(index)]
    if not arrays or any(isinstance(array, slice) for array in arrays):
        return None
    try:
        positive = tuple([np.where(a < 0, a + size, a) for a, size in zip(arrays, sizes, strict=True)])
        chosen = np.asarray(np.ravel_multi_index(positive, sizes))
    except ValueError:
        return None
    planes = np.arange(math.prod(shape[:before])) * math.prod(sizes)
    return np.asarray(planes.reshape((*shape[:before], *[1] * chosen.ndim)) + chosen)


def add_rows(y: Array, rows: Array, parts: Array) -> None:
    """Add the rows of parts (M, D) to the dense y (V, D), each to the one that rows (M,) says, in the order of M."""
    flat, length = y.reshape(-1), y.shape[1]
    if length == 1:
        np.add.at(flat, rows, parts.reshape(-1))
        return
    columns, together = np.arange(length), max(1, _BLOCK // max(1, length))
    for start in range(0, len(rows), together):
        places = rows[start : start + together, None] * length + columns
        np.add.at(flat, places.reshape(-1), parts[start : start + together].reshape(-1))


def add_columns(parts: Array, index: Array, size: int) -> Array:
    """Return y (C, size), where y[:, j] is the sum of the columns parts (C, M)[:, m] whose index (M,) is j.

    Added in the order of m.
    """
    y = np.zeros((len(parts), size), parts.dtype)
    together = max(1, _BLOCK // max(1, len(index)))
    for start in range(0, len(parts), together):
        some = y[start : start + together]
        places = np.arange(len(some))[:, None] * size + index
        np.add.at(some.reshape(-1), places.reshape(-1), parts[start : start + together].reshape(-1))
    return y
