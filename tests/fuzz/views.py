"""Views by order, size and place, and what NumPy has as views but PyTorch as copies (flip, roll, rot90, tril)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .compare import Refused
from .draw import Draw
from .places import Way, anything, dimension, moves

Shape = tuple[int, ...]


def _order(draw: Draw, shape: Shape) -> Way:
    order = draw.permutation(len(shape))
    return lambda t: t.permute(order), lambda v: v.transpose(order)


def _transpose(draw: Draw, shape: Shape) -> Way:
    a, b = dimension(draw, len(shape)), dimension(draw, len(shape))
    return lambda t: t.transpose(a, b), lambda v: np.swapaxes(v, a, b)


def _movedim(draw: Draw, shape: Shape) -> Way:
    a, b = dimension(draw, len(shape)), dimension(draw, len(shape))
    return lambda t: t.movedim(a, b), lambda v: np.moveaxis(v, a, b)


def _flip(draw: Draw, shape: Shape) -> Way:
    axes = tuple(draw.some(range(len(shape))))
    return lambda t: t.flip(axes), lambda v: np.flip(v, axes)


def _reshape(draw: Draw, shape: Shape) -> Way:
    count = math.prod(shape)
    sizes = draw.choose((shape[::-1], (count,), (*shape, 1), (count + 1,)))

    def reshaped(v: np.ndarray) -> np.ndarray:
        if math.prod(sizes) != v.size:
            raise Refused("there are not as many elements")
        return v.reshape(sizes)

    return lambda t: t.reshape(sizes), reshaped


def _flatten(draw: Draw, shape: Shape) -> Way:
    first, last = sorted(draw.integers(2, 0, len(shape) - 1))
    sizes = (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :])
    return lambda t: t.flatten(first, last), lambda v: v.reshape(sizes)


def _squeeze(draw: Draw, shape: Shape) -> Way:
    dim = dimension(draw, len(shape))
    if draw.flag():
        return lambda t: t.unsqueeze(dim), lambda v: np.expand_dims(v, dim)
    return lambda t: t.squeeze(dim), lambda v: v.squeeze(dim) if v.shape[dim] == 1 else v


def _expand(draw: Draw, shape: Shape) -> Way:
    sizes = [draw.integer(1, 4) if size == 1 else size for size in shape]
    if draw.flag(8):
        sizes[draw.below(len(shape))] = 7

    def expanded(v: np.ndarray) -> np.ndarray:
        if any(old not in (1, new) for old, new in zip(shape, sizes, strict=True)):
            raise Refused("a size is not 1 and not that asked for")
        return np.broadcast_to(v, (2, *sizes))

    return lambda t: t.expand(2, *sizes), expanded


def _narrow(draw: Draw, shape: Shape) -> Way:
    dim, start, length = dimension(draw, len(shape)), draw.integer(0, 4), draw.integer(0, 4)

    def narrowed(v: np.ndarray) -> np.ndarray:
        if start + length > shape[dim]:
            raise Refused("the part is longer than the dimension")
        return v.take(range(start, start + length), dim)

    return lambda t: t.narrow(dim, start, length), narrowed


def _select(draw: Draw, shape: Shape) -> Way:
    dim, place = dimension(draw, len(shape)), draw.integer(-5, 4)

    def selected(v: np.ndarray) -> np.ndarray:
        if not -shape[dim] <= place < shape[dim]:
            raise Refused("there is no such place")
        return v.take(place, dim)

    return lambda t: t.select(dim, place), selected


def _diagonal(draw: Draw, shape: Shape) -> Way:
    offset, a, b = draw.integer(-3, 3), dimension(draw, len(shape)), dimension(draw, len(shape))

    def diagonal(v: np.ndarray) -> np.ndarray:
        if a % v.ndim == b % v.ndim:
            raise Refused("the dimensions are the same")
        return np.diagonal(v, offset, a, b)

    return lambda t: t.diagonal(offset, a, b), diagonal


def _diag_embed(draw: Draw, shape: Shape) -> Way:
    offset = draw.integer(-2, 2)
    size, line = shape[-1] + abs(offset), np.arange(shape[-1])

    def embedded(v: np.ndarray) -> np.ndarray:
        result = np.zeros((*shape[:-1], size, size), v.dtype)
        result[..., line + max(-offset, 0), line + max(offset, 0)] = v
        return result

    return lambda t: t.diag_embed(offset), embedded


def _unfold(draw: Draw, shape: Shape) -> Way:
    dim, size, step = dimension(draw, len(shape)), draw.integer(0, 4), draw.integer(1, 3)

    def unfolded(v: np.ndarray) -> np.ndarray:
        if size > shape[dim]:
            raise Refused("the window is longer than the dimension")
        starts = range(0, shape[dim] - size + 1, step)
        return np.stack([np.moveaxis(v.take(range(at, at + size), dim), dim, -1) for at in starts], dim % v.ndim)

    return lambda t: t.unfold(dim, size, step), unfolded


def _rot90(draw: Draw, shape: Shape) -> Way:
    turns, a, b = draw.integer(-3, 3), dimension(draw, len(shape)), dimension(draw, len(shape))

    def turned(v: np.ndarray) -> np.ndarray:
        if v.ndim < 2 or a % v.ndim == b % v.ndim:
            raise Refused("that is no plane")
        return np.rot90(v, turns, (a, b))

    return lambda t: t.rot90(turns, (a, b)), turned


def _roll(draw: Draw, shape: Shape) -> Way:
    by, dim = draw.integer(-7, 7), dimension(draw, len(shape))
    return lambda t: t.roll(by, dim), lambda v: np.roll(v, by, dim)


def _triangle(draw: Draw, shape: Shape) -> Way:
    offset, lower = draw.integer(-3, 3), draw.flag()

    def triangle(v: np.ndarray) -> np.ndarray:
        if v.ndim < 2:
            raise Refused("there is no matrix")
        return (np.tril if lower else np.triu)(v, offset)

    return lambda t: t.tril(offset) if lower else t.triu(offset), triangle


WAYS: tuple[Callable[[Draw, Shape], Way], ...] = (
    _order, _transpose, _movedim, _flip, _reshape, _flatten, _squeeze, _expand, _narrow, _select, _diagonal,
    _diag_embed, _unfold, _rot90, _roll, _triangle,
)  # fmt: skip


def views(draw: Draw) -> None:
    """One of these, of a tensor of any layout."""
    x = anything(draw, 1)
    way = draw.choose(WAYS)
    moves(draw, x, way(draw, x.values.shape), way.__name__.lstrip("_"))


PROPERTIES = (views,)
