"""From which places, with which weights, resampling makes each place of an axis: one function a filter.

Indices and weights are computed in the tensor's own precision, as PyTorch does: at a boundary between two places the
rounding decides. A `scale` that the user gave is not recomputed from the sizes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from tinygrad_cnn.core import Array

__all__ = ["fixed_point", "nearest", "taps"]


def _step(size: int, out: int, scale: float | None, dtype: Any, align: bool = False) -> Any:
    """Return how far apart in the input neighbours of the output are."""
    if align:
        return dtype(size - 1) / dtype(out - 1) if out > 1 else dtype(0)
    return dtype(1.0 / scale) if scale is not None and scale > 0 else dtype(size) / dtype(out)


@lru_cache(maxsize=256)
def nearest(size: int, out: int, exact: bool, scale: float | None, plane: bool = False) -> Array:
    """Return int64 (out,): the place that each place of the output copies.

    `exact` takes the one whose centre is nearest; otherwise the one that the left edge falls on, as OpenCV does.
    plane: for images PyTorch takes no account of `scale` where the size stays or doubles.
    """
    if plane and not exact and out in (size, 2 * size):
        scale = None
    places = np.arange(out, dtype=np.float32)
    found = np.floor((places + np.float32(0.5) if exact else places) * _step(size, out, scale, np.float32))
    index = np.minimum(found.astype(np.int64), size - 1)
    index.setflags(write=False)
    return index


def _centres(size: int, out: int, align: bool, scale: float | None, dtype: Any) -> Array:
    """Return where the output's places lie in the input, whose places lie at 0, 1, ..."""
    places, step = np.arange(out, dtype=dtype), _step(size, out, scale, dtype, align)
    return places * step if align else (places + dtype(0.5)) * step - dtype(0.5)


def _split(centres: Array, size: int) -> tuple[Array, Array]:
    """Return the place at or before each centre and the distance from it, in [0, 1]."""
    first = np.minimum(np.floor(centres).astype(np.int64), size - 1)
    return first, np.clip(centres - first.astype(centres.dtype), 0, 1)


def _linear(size: int, out: int, align: bool, scale: float | None, dtype: Any) -> tuple[Array, Array]:
    if size == out:
        first, t = np.arange(out), np.zeros(out, dtype)
    else:
        first, t = _split(np.maximum(_centres(size, out, align, scale, dtype), 0), size)
    return np.stack([first, np.minimum(first + 1, size - 1)], 1), np.stack([1 - t, t], 1)


def _cubic(size: int, out: int, align: bool, scale: float | None, dtype: Any) -> tuple[Array, Array]:
    first, t = _split(_centres(size, out, align, scale, dtype), size)
    index = np.clip(first[:, None] + np.arange(-1, 3), 0, size - 1)
    distance = np.abs(t[:, None] - np.arange(-1, 3).astype(dtype))
    return index, _cubic_filter(distance, -0.75)


def _cubic_filter(x: Array, a: float) -> Array:
    """Keys's cubic convolution (1981) at distances x >= 0."""
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1, near, np.where(x < 2, far, 0)).astype(x.dtype)


def _lanczos_filter(x: Array) -> Array:
    return np.where(x < 3, np.sinc(x) * np.sinc(x / 3), 0).astype(x.dtype)


# The filters of antialiasing, functions of the distance, and the distance from which on they are 0.
_SMOOTH: dict[str, tuple[Callable[[Array], Array], int]] = {
    "linear": (lambda x: np.maximum(1 - x, 0), 1),
    "cubic": (lambda x: _cubic_filter(x, -0.5), 2),
    "lanczos": (_lanczos_filter, 3),
}


def _antialias(kind: str, size: int, out: int, align: bool, scale: float | None, dtype: Any) -> tuple[Array, Array]:
    """Stretch the filter by the step where that is above 1, so that every place of the input counts (as Pillow)."""
    function, radius = _SMOOTH[kind]
    step = _step(size, out, scale, dtype, align)
    width = max(step, dtype(1))
    half = dtype(0.5)
    centres = step * (np.arange(out, dtype=dtype) + half)
    first = np.maximum((centres - radius * width + half).astype(np.int64), 0)
    count = np.minimum((centres + radius * width + half).astype(np.int64), size) - first
    index = first[:, None] + np.arange(max(int(count.max()), 1))
    distance = np.abs((index.astype(dtype) - centres[:, None] + half) * (dtype(1) / width))
    weights = np.where(np.arange(index.shape[1]) < count[:, None], function(distance), 0).astype(dtype)
    total = weights.sum(1, keepdims=True)
    return np.minimum(index, size - 1), weights / np.where(total == 0, 1, total)


def taps(
    kind: str, size: int, out: int, align: bool, scale: float | None, antialias: bool, dtype: Any
) -> tuple[Array, Array]:
    """Return (index, weights), both (out, K): output i is the sum over k of weights[i, k] * input[index[i, k]]."""
    if antialias:
        return _antialias(kind, size, out, align, scale, dtype)
    return (_linear if kind == "linear" else _cubic)(size, out, align, scale, dtype)


def _merged(index: Array, weights: Array) -> tuple[Array, Array]:
    """Add up the weights of equal places, which the border makes, so that they are rounded together."""
    first = index.min(1, keepdims=True)
    shape = (len(index), int((index - first).max()) + 1)
    merged = np.zeros(shape, weights.dtype)
    np.add.at(merged, (np.arange(len(index))[:, None], index - first), weights)
    return np.minimum(first + np.arange(shape[1]), index.max()), merged


@lru_cache(maxsize=256)
def fixed_point(
    kind: str, size: int, out: int, align: bool, scale: float | None, antialias: bool
) -> tuple[Array, Array, int]:
    """Return (index, weights, bits) for bytes: integer weights of 16 bits, to be divided by 2^bits.

    The bits are as many as keep the largest weight within 16, and at most 22 (as Pillow).
    """
    index, weights = _merged(*taps(kind, size, out, align, scale, antialias, np.float64))
    bits = 0
    while bits < 22 and int(0.5 + weights.max() * (1 << (bits + 1))) < 1 << 15:
        bits += 1
    scaled = weights * (1 << bits)
    return index, np.trunc(scaled + np.copysign(0.5, scaled)).astype(np.int32), bits
