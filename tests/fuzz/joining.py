"""Repeating, shuffling, joining and splitting, and views by explicit strides."""

from __future__ import annotations

import numpy as np

import tinygrad_cnn as tc
from tinygrad_cnn.nn import functional as F

from .compare import Refused, agree
from .draw import Draw
from .places import Way, anything, dimension, moves
from .values import operand, shape_of


def repeats(draw: Draw) -> None:
    """repeat, tile, repeat_interleave and the shuffles of pixels and channels."""
    name = draw.choose(("repeat", "tile", "repeat_interleave", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle"))
    if name in ("repeat", "tile", "repeat_interleave"):
        x = anything(draw, 1, 3)
        ndim = x.values.ndim
        times = draw.integers(ndim + draw.below(2), 0, 3)
        dim = dimension(draw, ndim)
        each = list(draw.integers(x.values.shape[dim], 0, 3))
        ways: dict[str, Way] = {
            "repeat": (lambda t: t.repeat(times), lambda v: np.tile(v, times)),
            "tile": (lambda t: t.tile(times[-ndim:]), lambda v: np.tile(v, times[-ndim:])),
            "repeat_interleave": (
                lambda t: t.repeat_interleave(tc.tensor(each, dtype=tc.int64), dim),
                lambda v: np.repeat(v, each, dim),
            ),
        }
        moves(draw, x, ways[name], name)
        return
    n, c, r, h, w = draw.integer(1, 2), draw.integer(1, 3), draw.integer(1, 3), draw.integer(1, 4), draw.integer(1, 4)
    if name == "pixel_shuffle":
        x = operand(draw, (n, c * r * r, h, w), "f4", grad=True)
        way: Way = (
            lambda t: F.pixel_shuffle(t, r),
            lambda v: v.reshape(n, c, r, r, h, w).transpose(0, 1, 4, 2, 5, 3).reshape(n, c, h * r, w * r),
        )
    elif name == "pixel_unshuffle":
        x = operand(draw, (n, c, h * r, w * r), "f4", grad=True)
        way = (
            lambda t: F.pixel_unshuffle(t, r),
            lambda v: v.reshape(n, c, h, r, w, r).transpose(0, 1, 3, 5, 2, 4).reshape(n, c * r * r, h, w),
        )
    else:
        x = operand(draw, (n, c * r, h, w), "f4", grad=True)
        way = (
            lambda t: F.channel_shuffle(t, r),
            lambda v: v.reshape(n, r, c, h, w).swapaxes(1, 2).reshape(n, c * r, h, w),
        )
    moves(draw, x, way, name)


def joining(draw: Draw) -> None:
    """cat and stack of up to four tensors, and their parts again by split, chunk and tensor_split."""
    shape = list(shape_of(draw, 3, 4, 1))
    dim = dimension(draw, len(shape))
    dtype, stacked = draw.choose(("f4", "f8", "i8", "u1", "?")), draw.flag(3)
    parts = []
    for _ in range(draw.integer(1, 4)):
        sizes = list(shape)
        if not stacked:
            sizes[dim] = draw.integer(0, 4)
        parts.append(operand(draw, sizes, dtype, grad=dtype in ("f4", "f8")))
    call, reference = (tc.stack, np.stack) if stacked else (tc.cat, np.concatenate)
    out, expected = call([part.tensor for part in parts], dim), reference([part.values for part in parts], dim)
    agree(out, expected, 0.0, "stack" if stacked else "cat")
    if out.requires_grad:
        g = operand(draw, out.shape, dtype)
        out.backward(g.tensor)
        first = 0
        for part in parts:
            last = first + (1 if stacked else part.values.shape[dim])
            share = g.values.take(range(first, last), dim)
            agree(part.tensor.grad, share.reshape(part.values.shape), 0.0, "gradient of a part")
            first = last
    length = expected.shape[dim]
    size = draw.integer(1, 5)
    starts = range(0, max(length, 1), size)
    for piece, start in zip(out.split(size, dim), starts, strict=True):
        agree(piece, expected.take(range(start, min(start + size, length)), dim), 0.0, "split")
    for piece, piece_expected in zip(out.tensor_split(size, dim), np.array_split(expected, size, dim), strict=True):
        agree(piece, piece_expected, 0.0, "tensor_split")


def strides(draw: Draw) -> None:
    """as_strided with any sizes, strides and offset, and writing through it."""
    x = operand(draw, (draw.integer(1, 20),), draw.choose(("f4", "f8", "i8")), dense=True)
    shape = shape_of(draw, 3, 4)
    steps, offset = (
        draw.integers(len(shape), -1 if draw.flag(16) else 0, 5),
        draw.integer(-1 if draw.flag(16) else 0, 4),
    )
    draw.note("as_strided", (x.values.shape, shape, steps, offset))

    def viewed(v: np.ndarray) -> np.ndarray:
        last = offset + sum((size - 1) * step for size, step in zip(shape, steps, strict=True))
        if min(steps, default=0) < 0 or offset < 0 or (0 not in shape and last >= v.size):
            raise Refused("that is not all in the memory")
        where = np.full(shape, offset)
        for axis, step in enumerate(steps):
            where += (np.arange(shape[axis]) * step).reshape([-1 if k == axis else 1 for k in range(len(shape))])
        return v[where]

    moves(draw, x, (lambda t: t.as_strided(shape, steps, offset), viewed), "as_strided")


PROPERTIES = (repeats, joining, strides)
