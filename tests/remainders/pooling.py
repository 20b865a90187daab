"""Pooling, its gradients and padding: every width of a row, kernels of every way of computing them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from tests.core.raw import code, i64, ptr
from tests.fuzz import windows
from tests.fuzz.pooling import adaptive_table, winners
from tinygrad_cnn._core import ffi, lib

from .case import Case, near, same, status
from .fence import Fence

WIDTHS = range(1, 66)
# kernel, stride, padding, dilation
WINDOWS = (
    ((2, 2), (2, 2), (0, 0), (1, 1)),
    ((3, 3), (2, 2), (1, 1), (1, 1)),
    ((3, 3), (1, 1), (1, 1), (1, 1)),
    ((2, 2), (1, 1), (0, 0), (1, 1)),
    ((1, 2), (1, 2), (0, 0), (1, 1)),
    ((3, 3), (3, 3), (0, 0), (1, 1)),
    ((5, 4), (2, 3), (2, 2), (1, 1)),
    ((1, 7), (1, 1), (0, 3), (1, 1)),
    ((2, 2), (3, 4), (0, 0), (1, 1)),
    ((2, 3), (1, 2), (0, 1), (2, 2)),
)


@lru_cache(maxsize=64)
def _windows(which: int, width: int):
    """Return image, output, the core's parameters and the table of places."""
    kernel, stride, pad, gap = WINDOWS[which]
    out = (2, width)
    sizes = tuple(
        max(1, (o - 1) * s + d * (k - 1) + 1 - 2 * q)
        for o, s, d, k, q in zip(out, stride, gap, kernel, pad, strict=True)
    )
    p = ffi.new("tc_pool2d_params *", (3, *sizes, *out, *kernel, *stride, *pad, *gap))
    return sizes, out, p, windows.table(sizes, out, kernel, stride, gap, pad)


def _values(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    rng = np.random.default_rng(len(shape) + shape[-1])
    return rng.integers(0 if np.dtype(dtype).kind == "u" else -9, 10, shape).astype(dtype)


def _largest(which: int, width: int, smallest: bool, element: str | None, fence: Fence, dtype: np.dtype) -> None:
    """Compare values, indices and, of floats, the three functions of the indices."""
    sizes, out, p, places = _windows(which, width)
    dtype = np.dtype(element or dtype)
    x = _values((3, *sizes), dtype)
    seen = windows.look(x.reshape(3, -1).astype(np.float64), places, np.nan)
    best = winners(seen, places, smallest)
    where = np.where(best < 0, -1, places[np.arange(len(places)), best])
    value = np.take_along_axis(seen, np.maximum(best, 0)[..., None], -1)[..., 0]
    x_, y_, i_ = fence.put(x), fence.out((3, *out), dtype), fence.out((3, *out), np.int32)
    op = lib.TC_POOL_MIN if smallest else lib.TC_POOL_MAX
    lib.tc_max_pool2d(op, code(dtype), p, ptr(x_), ptr(y_), ffi.cast("int32_t *", ptr(i_)))
    same(y_.reshape(3, -1)[best >= 0], value[best >= 0], "values")
    same(i_.reshape(3, -1), where, "indices")
    alone = fence.out((3, *out), dtype)
    lib.tc_max_pool2d(op, code(dtype), p, ptr(x_), ptr(alone), ffi.NULL)
    same(alone, y_, "values without indices")
    if element is None:
        _by_index(p, sizes, out, i_, fence, dtype)


def _by_index(
    p, sizes: tuple[int, ...], out: tuple[int, ...], indices: np.ndarray, fence: Fence, dtype: np.dtype
) -> None:
    """Compare gather, scatter, and the gradient of pooling after a ReLU."""
    pixels, outputs = sizes[0] * sizes[1], out[0] * out[1]
    pointer = ffi.cast("int32_t *", ptr(indices))
    flat, known = indices.reshape(3, -1), indices.reshape(3, -1) >= 0
    source = fence.put(_values((3, pixels), dtype))
    gathered = fence.out((3, outputs), dtype)
    lib.tc_pool_gather(code(dtype), 3, pixels, outputs, pointer, ptr(source), ptr(gathered))
    same(gathered, np.where(known, np.take_along_axis(source, np.maximum(flat, 0), 1), 0), "gather")
    dy = fence.put(_values((3, outputs), dtype))
    sums = np.zeros((3, pixels))
    np.add.at(sums, (np.arange(3)[:, None], np.maximum(flat, 0)), np.where(known, dy, 0))
    for relu in (None, source):
        expected = sums if relu is None else np.where(relu > 0, sums, 0)
        for gradient in (False, True):
            dx = fence.out((3, pixels), dtype)
            if gradient:
                lib.tc_max_pool2d_grad(code(dtype), p, pointer, ptr(dy), ptr(relu), ptr(dx))
            else:
                lib.tc_pool_scatter(code(dtype), 3, pixels, outputs, pointer, ptr(dy), ptr(relu), ptr(dx))
            same(dx, expected, "gradient" if gradient else "scatter")


def _mean(which: int, width: int, divisor: int, fence: Fence, dtype: np.dtype) -> None:
    """Compare means and their gradient; divisor 0 is that of the window, -1 with its padding."""
    sizes, out, p, places = _windows(which, width)
    kernel, stride, pad, gap = WINDOWS[which]
    count = (places >= 0).sum(-1)
    if divisor < 0:
        padded = tuple(size + 2 * q for size, q in zip(sizes, pad, strict=True))
        count = (windows.table(padded, out, kernel, stride, gap, (0, 0)) >= 0).sum(-1)
    if divisor > 0:
        count = np.full(len(places), divisor)
    x, dy = fence.put(_values((3, *sizes), dtype)), fence.put(_values((3, *out), dtype))
    y, dx = fence.out((3, *out), dtype), fence.out((3, *sizes), dtype)
    _compare_means(x, dy, y, dx, places, count, lambda: (
        lib.tc_avg_pool2d(code(dtype), p, divisor < 0, max(divisor, 0), ptr(x), ptr(y)),
        lib.tc_avg_pool2d_grad(code(dtype), p, divisor < 0, max(divisor, 0), ptr(dy), ptr(dx)),
    ))  # fmt: skip


def _compare_means(x, dy, y, dx, places: np.ndarray, count: np.ndarray, call) -> None:
    call()
    eps = float(np.finfo(x.dtype).eps)
    wide = x.reshape(3, -1).astype(np.float64)
    expected = windows.look(wide, places).sum(-1) / count
    near(y.reshape(3, -1), expected, 2 * eps * abs(expected), "mean")
    share = np.broadcast_to((dy.reshape(3, -1) / count.astype(np.float64))[..., None], (3, *places.shape))
    bound = 8 * eps * windows.spread(abs(share), places, wide.shape[1])
    near(dx.reshape(3, -1), windows.spread(share, places, wide.shape[1]), bound, "gradient of mean")


def _adaptive(sizes: tuple[int, int], out: tuple[int, int], fence: Fence, dtype: np.dtype) -> None:
    """Compare both poolings over adaptive windows."""
    p = ffi.new("tc_pool2d_params *", (3, *sizes, *out))
    places = adaptive_table(sizes, out)
    x, dy = fence.put(_values((3, *sizes), dtype)), fence.put(_values((3, *out), dtype))
    y, dx = fence.out((3, *out), dtype), fence.out((3, *sizes), dtype)
    _compare_means(x, dy, y, dx, places, (places >= 0).sum(-1), lambda: (
        lib.tc_adaptive_avg_pool2d(code(dtype), p, ptr(x), ptr(y)),
        lib.tc_adaptive_avg_pool2d_grad(code(dtype), p, ptr(dy), ptr(dx)),
    ))  # fmt: skip
    most, where = fence.out((3, *out), dtype), fence.out((3, *out), np.int32)
    lib.tc_adaptive_max_pool2d(lib.TC_POOL_MAX, code(dtype), p, ptr(x), ptr(most), ffi.cast("int32_t *", ptr(where)))
    best = winners(windows.look(x.reshape(3, -1).astype(np.float64), places, np.nan), places, False)
    same(where.reshape(3, -1), places[np.arange(len(places)), best], "adaptive indices")
    same(most.reshape(3, -1), np.take_along_axis(x.reshape(3, -1), where.reshape(3, -1), 1), "adaptive values")


def _pad(width: int, low: int, high: int, mode: str, element: str | None, fence: Fence, dtype: np.dtype) -> None:
    """Compare padding and its gradient."""
    dtype = np.dtype(element or dtype)
    x = fence.put(_values((2, 3, width), dtype))
    rows, cols = ([*range(-1, 4)], np.arange(-low, width + high))
    rows = [row if 0 <= row < 3 else -1 for row in rows]
    if mode == "constant":
        cols = np.where((cols >= 0) & (cols < width), cols, -1)
    else:
        cols = np.clip(cols, 0, width - 1) if mode == "replicate" else cols % width
    y = fence.out((2, len(rows), len(cols)), dtype)
    lib.tc_pad2d(code(dtype), 2, 3, width, len(rows), len(cols), i64(rows), i64(cols), 3.0, ptr(x), ptr(y))
    inside = (np.array(rows)[:, None] >= 0) & (cols >= 0)
    same(y, np.where(inside, x[:, rows][:, :, cols], 3).astype(dtype), "pad")
    if element is None:
        dy, dx = fence.put(_values(y.shape, dtype)), fence.out(x.shape, dtype)
        status(
            lib.tc_pad2d_grad(code(dtype), 2, 3, width, len(rows), len(cols), i64(rows), i64(cols), ptr(dy), ptr(dx))
        )
        sums = np.zeros((2, 4, width + 1))
        np.add.at(sums, np.ix_(np.arange(2), np.array(rows), cols), dy)
        same(dx, sums[:, :3, :width], "gradient of pad")


def cases() -> Iterator[Case]:
    """Yield every pooling and padding."""
    for which, width in itertools.product(range(len(WINDOWS)), WIDTHS):
        for smallest in (False, True):
            yield Case(_largest, which, width, smallest, None)
        yield Case(_largest, which, width, False, ("i8", "i4", "u1")[width % 3])
        if WINDOWS[which][3] == (1, 1):
            for divisor in (0, -1, 3):
                yield Case(_mean, which, width, divisor)
    for size, out in itertools.product(WIDTHS, (1, 2, 3, 5, 7, 16, 33)):
        yield Case(_adaptive, (3, size), (2, out))
        if out < 4:
            yield Case(_adaptive, (size, 5), (out, 1))
    for width, (low, high), mode in itertools.product(
        WIDTHS, ((0, 0), (1, 1), (2, 0), (0, 3), (5, 9)), ("constant", "replicate", "circular")
    ):
        yield Case(_pad, width, low, high, mode, None)
        yield Case(_pad, width, low, high, mode, ("i8", "i4", "u1", "?")[width % 4])
