"""Poolings by places that are found or given: fractional max pooling, and its like's inverse, max unpooling."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.casts import widened
from tinygrad_cnn.core import Array
from tinygrad_cnn.tensor import Tensor, wrap

from .pool import PoolGather, PoolShape

__all__ = ["MaxUnpool", "fractional_max_pool"]

_I32 = np.dtype(np.int32)


def _starts(samples: Array, size: int, out: int, kernel: int) -> Array:
    """Return where the `out` windows of one dimension start (..., out), for a sample u in [0, 1) of each row.

    Graham, Fractional Max-Pooling: floor(a (j + u)) - floor(a u) with a = (size - kernel) / (out - 1), in the dtype of
    the input as PyTorch does; the last window ends where the input does.
    """
    starts = np.zeros((*samples.shape, out), np.int64)
    if out > 1:
        u = samples[..., None]
        alpha = u.dtype.type(size - kernel) / u.dtype.type(out - 1)
        steps = np.arange(out, dtype=u.dtype)
        starts[...] = ((steps + u) * alpha).astype(np.int64) - (u * alpha).astype(np.int64)
    starts[..., -1:] = size - kernel
    return starts


def fractional_max_pool(input: Tensor, kernel: tuple[int, ...], out: tuple[int, ...], samples: Array) -> Any:
    """Return (values, int64 places) of the largest in windows that start at random; x (N, C, H, W) or (N, C, D, H, W).

    samples (N, C, dimensions), in the order of the dimensions.
    """
    x, samples = widened(input._array), widened(samples)
    count = len(kernel)
    sizes = x.shape[2:]
    places: Any = np.zeros((*x.shape[:2], *[1] * count), np.int64)
    for dim in range(count):
        starts = _starts(samples[..., dim], sizes[dim], out[dim], kernel[dim])
        steps = starts.reshape(*x.shape[:2], *[out[dim] if d == dim else 1 for d in range(count)])
        places = places + steps * math.prod(sizes[dim + 1 :])
    rows = math.prod(x.shape[:2])
    best = _largest(x.reshape(rows, math.prod(sizes)), places.reshape(rows, math.prod(out)), kernel, sizes)
    shape = PoolShape((rows, math.prod(sizes[:-1]), sizes[-1]), (rows, 1, math.prod(out)))
    flat = wrap(best.astype(_I32).reshape(shape.y))
    values = PoolGather.apply(input.reshape(shape.x), flat, shape=shape, windows=False)
    return values.reshape(*x.shape[:2], *out), wrap(best.reshape(*x.shape[:2], *out))


def _largest(x: Array, starts: Array, kernel: tuple[int, ...], sizes: tuple[int, ...]) -> Array:
    """Return where in each row of x the largest value of each window is: the first of equals, the last NaN."""
    flat = x.reshape(-1)
    row = np.arange(len(x))[:, None] * x.shape[1]
    place = starts + row
    value = flat.take(place)
    for cell in list(np.ndindex(*kernel))[1:]:
        here = starts + (row + int(np.ravel_multi_index(cell, sizes)))
        candidate = flat.take(here)
        better = (candidate > value) | (candidate != candidate)
        np.copyto(value, candidate, where=better)
        np.copyto(place, here, where=better)
    return place - row


class MaxUnpool(Operation):
    """y (..., cells of `shape`) of x and int64 places in rows of y: zeros but for y[p, places[p, o]] = x[p, o].

    Of places that repeat the last one stays; each passes its gradient on, as in PyTorch.
    """

    grad_name = "MaxUnpool2DBackward0"

    def forward(self, x: Array, places: Array, *, shape: PoolShape) -> Array:
        """Write."""
        self.shape = shape
        self.grad_name = f"MaxUnpool{len(shape.kernel)}DBackward0"
        self.save_for_backward(places)
        y = core.zeros(shape.x, x.dtype)
        rows = math.prod(shape.x[: -len(shape.kernel)])
        if x.size:
            np.put_along_axis(y.reshape(rows, -1), places.reshape(rows, -1), x.reshape(rows, -1), 1)
        return y

    def backward(self, grad: Tensor) -> Any:
        """Read."""
        (places,) = self.saved_tensors
        lead = self.shape.x[: -len(self.shape.kernel)]
        rows, cells = math.prod(lead), math.prod(self.shape.x[len(lead) :])
        flat = PoolShape((rows, 1, cells), (rows, 1, math.prod(self.shape.y[len(lead) :])))
        where = wrap(places._array.astype(_I32).reshape(flat.y))
        read = PoolGather.apply(grad.reshape(flat.x), where, shape=flat, windows=False)
        return read.reshape(self.shape.y), None
