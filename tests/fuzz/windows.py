"""Windows over images of any number of dimensions, as a table of places: what the references of layers are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def table(
    sizes: Sequence[int],
    outputs: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    before: Sequence[int],
) -> np.ndarray:
    """Return (outputs, taps): the flat place in the image that each tap of each window meets, or -1 outside of it."""
    places, inside = np.zeros((1, 1), np.int64), np.ones((1, 1), bool)
    for size, out, taps, step, gap, pad in zip(sizes, outputs, kernel, stride, dilation, before, strict=True):
        along = np.arange(out)[:, None] * step - pad + np.arange(taps) * gap
        fits = (along >= 0) & (along < size)
        shape = (len(places) * out, places.shape[1] * taps)
        places = (places[:, None, :, None] * size + along[None, :, None, :]).reshape(shape)
        inside = (inside[:, None, :, None] & fits[None, :, None, :]).reshape(shape)
    return np.where(inside, places, -1)


def look(images: np.ndarray, places: np.ndarray, outside: float = 0.0) -> np.ndarray:
    """Return (..., outputs, taps) of flat images (..., pixels)."""
    around = np.full((*images.shape[:-1], 1), outside)
    return np.concatenate([images, around], -1)[..., places]


def spread(windows: np.ndarray, places: np.ndarray, pixels: int) -> np.ndarray:
    """Return (..., pixels): the sums of what windows (..., outputs, taps) hold for each place, `look` backwards."""
    lead = math.prod(windows.shape[:-2])
    where = np.arange(lead)[:, None] * (pixels + 1) + np.where(places < 0, pixels, places).reshape(1, -1)
    with np.errstate(invalid="ignore"):
        sums = np.bincount(where.ravel(), windows.ravel(), lead * (pixels + 1))
    return sums.reshape(*windows.shape[:-2], pixels + 1)[..., :pixels]


def flat(images: np.ndarray, dimensions: int) -> np.ndarray:
    """Return images (..., *sizes) as (..., pixels)."""
    cut = images.ndim - dimensions
    return images.reshape(*images.shape[:cut], math.prod(images.shape[cut:]))
