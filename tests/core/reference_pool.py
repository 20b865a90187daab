"""Pooling written as its definition: one window at a time, in plain Python, and the calls of the core to compare."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from tests.core.raw import Guarded, code, ptr
from tinygrad_cnn._core import ffi, lib


@dataclass(frozen=True)
class Pool:
    """The geometry of one pooling; `ceil` is PyTorch's ceil_mode."""

    h: int
    w: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    ceil: bool = False

    def size(self, axis: int) -> int:
        """Return the output's rows (axis 0) or columns (1), dropping a window that would start beyond the padding."""
        length = (self.h, self.w)[axis] + 2 * self.pad[axis] - self.dilation[axis] * (self.kernel[axis] - 1) - 1
        size = (-(-length // self.stride[axis]) if self.ceil else length // self.stride[axis]) + 1
        if self.ceil and (size - 1) * self.stride[axis] >= (self.h, self.w)[axis] + self.pad[axis]:
            size -= 1
        return size

    def cells(self, axis: int, out: int) -> list[int]:
        """Return the rows (columns) of the image that window `out` covers."""
        first = out * self.stride[axis] - self.pad[axis]
        taps = [first + k * self.dilation[axis] for k in range(self.kernel[axis])]
        return [at for at in taps if 0 <= at < (self.h, self.w)[axis]]

    def padded_cells(self, axis: int, out: int) -> int:
        """Return how many cells the window covers when the padding counts (but nothing beyond it)."""
        first = out * self.stride[axis] - self.pad[axis]
        return sum(first + k < (self.h, self.w)[axis] + self.pad[axis] for k in range(self.kernel[axis]))

    def params(self, planes: int):
        """Return the core's parameter structure."""
        return ffi.new("tc_pool2d_params *", (planes, self.h, self.w, self.size(0), self.size(1), *self.kernel,
                                              *self.stride, *self.pad, *self.dilation))  # fmt: skip


@dataclass(frozen=True)
class Adaptive(Pool):
    """Adaptive pooling to `out` cells."""

    out: tuple[int, int] = (1, 1)

    def size(self, axis: int) -> int:
        """Return the output's rows or columns."""
        return self.out[axis]

    def cells(self, axis: int, out: int) -> list[int]:
        """Return the rows (columns) from floor(i * in / out) to ceil((i + 1) * in / out)."""
        length = (self.h, self.w)[axis]
        return list(range(out * length // self.out[axis], -(-(out + 1) * length // self.out[axis])))


def adaptive(h: int, w: int, oh: int, ow: int) -> Adaptive:
    """Return the geometry of adaptive pooling of (h, w) to (oh, ow)."""
    return Adaptive(h, w, (0, 0), (0, 0), out=(oh, ow))


def max_pool(pool: Pool, x: np.ndarray, smallest: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return maxima (minima) and their flat indices: a larger value wins, and every NaN does.

    A window without cells has the dtype's lowest (highest) value and index -1.
    """
    limits = np.iinfo(x.dtype) if x.dtype.kind in "iu" else None
    lowest, highest = (limits.min, limits.max) if limits else (-np.inf, np.inf)
    y = np.empty((x.shape[0], pool.size(0), pool.size(1)), x.dtype)
    indices = np.empty(y.shape, np.int32)
    for plane, i, j in np.ndindex(*y.shape):
        places = [(r, c) for r in pool.cells(0, i) for c in pool.cells(1, j)]
        if not places:
            y[plane, i, j], indices[plane, i, j] = highest if smallest else lowest, -1
            continue
        best = places[0]
        for place in places[1:]:
            value, champion = x[plane][place], x[plane][best]
            if (value < champion if smallest else value > champion) or value != value:
                best = place
        y[plane, i, j] = x[plane][best]
        indices[plane, i, j] = best[0] * pool.w + best[1]
    return y, indices


def divisor(pool: Pool, i: int, j: int, include_pad: bool, override: int) -> int:
    """Return what the sum of window (i, j) is divided by."""
    if override:
        return override
    if include_pad:
        return pool.padded_cells(0, i) * pool.padded_cells(1, j)
    return len(pool.cells(0, i)) * len(pool.cells(1, j))


def avg_pool(pool: Pool, x: np.ndarray, include_pad: bool = False, override: int = 0) -> np.ndarray:
    """Return means in float64, or for integers quotients truncated toward zero."""
    y = np.empty((x.shape[0], pool.size(0), pool.size(1)), np.int64 if x.dtype.kind == "i" else np.float64)
    for plane, i, j in np.ndindex(*y.shape):
        total = sum(x[plane, r, c].item() for r in pool.cells(0, i) for c in pool.cells(1, j))
        by = divisor(pool, i, j, include_pad, override)
        if x.dtype.kind == "i":
            y[plane, i, j] = abs(total) // abs(by) * (1 if (total < 0) == (by < 0) else -1)
        else:
            y[plane, i, j] = total / by
    return y


def avg_pool_grad(pool: Pool, dy: np.ndarray, include_pad: bool = False, override: int = 0) -> np.ndarray:
    """Return the gradient: every cell of a window gets dy / divisor."""
    dx = np.zeros((dy.shape[0], pool.h, pool.w))
    for plane, i, j in np.ndindex(*dy.shape):
        rows, columns = pool.cells(0, i), pool.cells(1, j)
        if rows and columns:
            share = float(dy[plane, i, j]) / divisor(pool, i, j, include_pad, override)
            dx[plane][np.ix_(rows, columns)] += share
    return dx


# ---- geometries that the tests share ----

PLANES = 3
GEOMETRIES = [
    Pool(24, 24, (2, 2), (2, 2)),
    Pool(13, 29, (3, 3), (2, 2), (1, 1)),
    Pool(9, 40, (3, 3), (1, 1), (1, 1)),
    Pool(8, 31, (2, 3), (1, 2), (1, 0)),
    Pool(10, 37, (3, 2), (3, 3), (0, 1)),
    Pool(7, 7, (7, 7), (1, 1)),
    Pool(1, 1, (1, 1), (1, 1)),
    Pool(5, 70, (1, 5), (1, 4), (0, 2)),
    Pool(4, 4, (3, 3), (2, 2), ceil=True),
    Pool(4, 4, (3, 3), (2, 2), (1, 1), ceil=True),
    Pool(5, 5, (2, 2), (4, 4), (1, 1), ceil=True),
    Pool(3, 33, (5, 5), (2, 2), (2, 2), ceil=True),
    Pool(2, 2, (3, 3), (3, 3), ceil=True),
    Pool(6, 35, (2, 2), (5, 2)),
]
DILATED = [
    Pool(12, 41, (3, 3), (1, 1), (2, 2), (2, 3)),
    Pool(11, 38, (2, 2), (2, 2), (1, 1), (2, 2)),
    Pool(9, 9, (2, 2), (3, 3), (1, 1), (4, 4)),
    Pool(5, 6, (3, 2), (1, 1), (2, 3), (2, 6)),
    Pool(1, 40, (2, 2), (1, 1), (1, 1), (2, 2)),  # no window has a cell
    Pool(2, 3, (2, 2), (1, 1), (1, 1), (3, 4)),
]
ADAPTIVE = [
    adaptive(5, 5, 3, 3),
    adaptive(7, 9, 1, 1),
    adaptive(3, 4, 7, 5),
    adaptive(12, 40, 6, 20),
    adaptive(6, 70, 4, 1),
    adaptive(4, 50, 1, 50),
    adaptive(3, 90, 2, 80),
]


@cache
def integers(pool: Pool, dtype, planes: int = PLANES) -> np.ndarray:
    """Return images of few different integers (many ties), exact in every dtype."""
    low = 0 if np.dtype(dtype).kind == "u" else -9
    return np.random.default_rng(1).integers(low, 10, (planes, pool.h, pool.w)).astype(dtype)


# ---- calls of the core ----


def run_max(pool: Pool, x: np.ndarray, smallest: bool = False, with_indices: bool = True):
    """Call the core; outputs lie unaligned between guard bytes."""
    shape = (x.shape[0], pool.size(0), pool.size(1))
    y, indices = Guarded(shape, x.dtype, x.dtype.itemsize), Guarded(shape, np.int32, 4)
    function = lib.tc_max_pool2d if type(pool) is Pool else lib.tc_adaptive_max_pool2d
    function(lib.TC_POOL_MIN if smallest else lib.TC_POOL_MAX, code(x), pool.params(x.shape[0]), ptr(x), ptr(y.array),
             ptr(indices.array) if with_indices else ptr(None))  # fmt: skip
    return y.check(), indices.check()


def run_avg(pool: Pool, x: np.ndarray, include_pad=False, override=0):
    """Call the core's average pooling."""
    y = Guarded((x.shape[0], pool.size(0), pool.size(1)), x.dtype, x.dtype.itemsize)
    if type(pool) is Pool:
        lib.tc_avg_pool2d(code(x), pool.params(x.shape[0]), include_pad, override, ptr(x), ptr(y.array))
    else:
        lib.tc_adaptive_avg_pool2d(code(x), pool.params(x.shape[0]), ptr(x), ptr(y.array))
    return y.check()


def run_avg_grad(pool: Pool, dy: np.ndarray, include_pad=False, override=0):
    """Call the core's gradient of average pooling."""
    dx = Guarded((dy.shape[0], pool.h, pool.w), dy.dtype, dy.dtype.itemsize)
    if type(pool) is Pool:
        lib.tc_avg_pool2d_grad(code(dy), pool.params(dy.shape[0]), include_pad, override, ptr(dy), ptr(dx.array))
    else:
        lib.tc_adaptive_avg_pool2d_grad(code(dy), pool.params(dy.shape[0]), ptr(dy), ptr(dx.array))
    return dx.check()
