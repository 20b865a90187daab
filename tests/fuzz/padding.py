"""Padding of every mode, and windows as columns (unfold, fold)."""

from __future__ import annotations

import math

import numpy as np

from tinygrad_cnn.nn import functional as F

from . import windows
from .compare import agree
from .draw import Draw
from .places import moves
from .values import operand

PADS = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def padding(draw: Draw) -> None:
    """pad of every mode, of one to three dimensions, negative amounts included where they mean something."""
    mode = draw.choose(tuple(PADS))
    dims = draw.integer(1, 3)
    shape = (*draw.integers(2, 1, 3), *draw.integers(dims, 1, 6))
    x = operand(draw, shape, draw.choose(("f4", "f4", "f8")), grad=True)
    high = {"constant": 5, "replicate": 5, "reflect": -1, "circular": 0}[mode]
    amounts = [
        draw.integers(2, -1 if mode == "constant" and size > 2 else 0, high if high > 0 else size + high)
        for size in shape[2:]
    ]

    def padded(v: np.ndarray) -> np.ndarray:
        around = [(max(low, 0), max(top, 0)) for low, top in amounts]
        wide = np.pad(v, [(0, 0), (0, 0), *around], PADS[mode])  # type: ignore[call-overload]
        sides = [(0, 0), (0, 0), *amounts]
        return wide[tuple([slice(max(-low, 0), wide.shape[i] - max(-top, 0)) for i, (low, top) in enumerate(sides)])]

    flat = [amount for pair in reversed(amounts) for amount in pair]
    moves(draw, x, (lambda t: F.pad(t, flat, mode), padded), f"pad {mode} {flat}")


def columns(draw: Draw) -> None:
    """F.unfold, and F.fold, which adds up what unfold takes apart."""
    kernel, stride, pad, gap = (
        draw.integers(2, 1, 3),
        draw.integers(2, 1, 3),
        draw.integers(2, 0, 2),
        draw.integers(2, 1, 2),
    )
    sizes = tuple(max(1, d * (k - 1) + 1 - 2 * p) + draw.below(5) for k, p, d in zip(kernel, pad, gap, strict=True))
    counts = tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1 for n, p, d, k, s in zip(sizes, pad, gap, kernel, stride, strict=True)
    )
    n, c = draw.integer(1, 2), draw.integer(1, 3)
    places = windows.table(sizes, counts, kernel, stride, gap, pad)
    x = operand(draw, (n, c, *sizes), draw.choose(("f4", "f8")), grad=True)

    def taken(v: np.ndarray) -> np.ndarray:
        seen = windows.look(v.reshape(n, c, -1), places)
        return seen.swapaxes(2, 3).reshape(n, c * math.prod(kernel), math.prod(counts))

    moves(draw, x, (lambda t: F.unfold(t, kernel, gap, pad, stride), taken), "unfold")
    y = operand(draw, (n, c * math.prod(kernel), math.prod(counts)), "f4", grad=True)
    out = F.fold(y.tensor, sizes, kernel, gap, pad, stride)
    seen = y.values.reshape(n, c, math.prod(kernel), math.prod(counts)).swapaxes(2, 3)
    agree(out, windows.spread(seen, places, math.prod(sizes)).reshape(n, c, *sizes), 0.0, "fold")
    g = operand(draw, out.shape, "f4")
    out.backward(g.tensor)
    agree(y.tensor.grad, taken(g.values), 0.0, "gradient of fold")


PROPERTIES = (padding, columns)
