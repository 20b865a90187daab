"""Looking up the rows of a table, and adding to them."""

from __future__ import annotations

import numpy as np

from tinygrad_cnn.core import Array

__all__ = ["add_columns"]

_FEW = 256  # columns shorter than this cost less to number than a call each


def add_columns(parts: Array, index: Array, size: int) -> Array:
    """Return y (C, size), where y[:, j] is the sum of the columns parts (C, M)[:, m] whose index (M,) is j.

    Added in the order of m. One `np.bincount` a row (in float64) takes a tenth of `np.add.at`'s time on rows.
    """
    rows = len(parts)
    if len(index) < _FEW:
        y = np.zeros(rows * size, parts.dtype)
        np.add.at(y, (np.arange(rows)[:, None] * size + index).ravel(), parts.ravel())
        return y.reshape(rows, size)
    y = np.empty((rows, size), parts.dtype)
    for row in range(rows):
        y[row] = np.bincount(index, parts[row], size)
    return y
