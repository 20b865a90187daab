"""Reading and writing by index: brackets, gather, take, masks, scatter, index_* and embedding."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_cnn as tc
from tinygrad_cnn.nn import functional as F

from .compare import Refused, agree
from .draw import Draw
from .places import anything, dimension, moves
from .values import DTYPES, operand, shape_of


def _index(draw: Draw, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Choose an index of NumPy's: integers, slices, None, and one array or mask."""
    place, kind = draw.below(len(shape)), draw.choose(("", "array", "mask"))
    index: list[Any] = []
    for axis, size in enumerate(shape):
        way = draw.choose(("slice", "slice", "integer", "new", "all"))
        if axis == place and kind == "array" and size:
            index.append(np.array(draw.integers(draw.integer(1, 5), -size, size - 1)))
        elif axis == place and kind == "mask":
            index.append(np.array([draw.flag() for _ in range(size)], bool))
        elif way == "integer" and not kind and size:
            index.append(draw.integer(-size, size - 1))
        elif way == "slice":
            low, high = (None if draw.flag(4) else draw.integer(-size - 2, size + 2) for _ in "ab")
            index.append(slice(low, high, draw.integer(1, 3)))
        else:
            index.extend([None, slice(None)] if way == "new" else [slice(None)])
    return (*index[:-1], Ellipsis) if isinstance(index[-1], slice) and draw.flag(3) else tuple(index)


def indexing(draw: Draw) -> None:
    """x[index] and x[index] = y."""
    x = anything(draw, 1)
    index = draw.note("index", _index(draw, x.values.shape))
    ours = tuple(tc.tensor(part) if isinstance(part, np.ndarray) else part for part in index)
    moves(draw, x, (lambda t: t[ours], lambda v: v[index]), "x[index]")
    changed, copy = x.values.copy(), x.tensor.detach().clone()
    changed[index] = 1
    copy[ours] = 1
    agree(copy, changed, 0.0, "x[index] = 1")


def gathering(draw: Draw) -> None:
    """gather, take_along_dim, index_select, take, masked_select and embedding."""
    x = anything(draw, 1, 3)
    shape, ndim = x.values.shape, x.values.ndim
    dim, name = dimension(draw, ndim), draw.choose(("gather", "index_select", "take", "masked_select", "embedding"))
    length = shape[dim]
    bad = draw.flag(16)
    if name == "gather":
        sizes = tuple(size if axis == dim % ndim else draw.integer(0, size) for axis, size in enumerate(shape))
        index = draw.rng().integers(0, max(length, 1), sizes)
        if bad and index.size:
            index.flat[-1] = length

        def gathered(v: np.ndarray) -> np.ndarray:
            if index.size and index.max() >= length:
                raise Refused("an index is too large")
            if not index.size:
                return np.zeros(sizes, v.dtype)
            part = v[tuple(slice(None) if a == dim % ndim else slice(size) for a, size in enumerate(sizes))]
            return np.take_along_axis(part, index, dim)

        moves(draw, x, (lambda t: t.gather(dim, tc.tensor(index)), gathered), name)
    elif name == "index_select":
        index = np.array(draw.integers(draw.integer(0, 5), 0, max(length - 1, 0) + bad), np.int64)

        def selected(v: np.ndarray) -> np.ndarray:
            if index.size and index.max() >= length:
                raise Refused("an index is too large")
            return v.take(index, dim) if index.size or length else v

        moves(draw, x, (lambda t: t.index_select(dim, tc.tensor(index)), selected), name)
    elif name == "take":
        count = x.values.size
        index = draw.rng().integers(-count, max(count, 1), (2, draw.integer(0, 4)))

        def taken(v: np.ndarray) -> np.ndarray:
            if index.size and not count:
                raise Refused("there is nothing to take")
            return v.reshape(-1)[index] if index.size else np.zeros(index.shape, v.dtype)

        moves(draw, x, (lambda t: t.take(tc.tensor(index)), taken), name)
    elif name == "masked_select":
        mask = draw.rng().random(shape) < 0.5
        moves(draw, x, (lambda t: t.masked_select(tc.tensor(mask)), lambda v: v[mask]), name)
    else:
        weight = operand(draw, (draw.integer(1, 6), draw.integer(1, 5)), "f4", grad=True)
        index = draw.rng().integers(0, len(weight.values) + bad, shape)

        def embedded(v: np.ndarray) -> np.ndarray:
            if index.size and index.max() >= len(v):
                raise Refused("an index is too large")
            return v[index]

        moves(draw, weight, (lambda t: F.embedding(tc.tensor(index), t), embedded), name)


def scattering(draw: Draw) -> None:
    """scatter, scatter_add, index_add, index_copy, index_fill, masked_fill, masked_scatter and index_put."""
    dtype = draw.choose(("f4", "f8", "i8"))
    x = operand(draw, shape_of(draw, 3, 5, 1), dtype)
    shape, ndim = x.values.shape, x.values.ndim
    dim = dimension(draw, ndim)
    name = draw.choose(
        ("scatter", "scatter_add", "index_add", "index_copy", "index_fill", "masked_fill", "masked_scatter")
    )
    draw.note(name, (shape, dim))
    expected, rng = x.values.copy(), draw.rng()
    number = 3 if dtype == "i8" else 2.5
    if name.startswith("masked"):
        mask = rng.random(shape) < 0.5
        if name == "masked_fill":
            expected[mask] = number
            out = x.tensor.masked_fill(tc.tensor(mask), number)
        else:
            source = operand(draw, shape, dtype)
            expected[mask] = source.values.reshape(-1)[: int(mask.sum())]
            out = x.tensor.masked_scatter(tc.tensor(mask), source.tensor)
    elif name.startswith("scatter"):
        index = (
            rng.integers(0, max(shape[dim], 1), shape) if name == "scatter_add" else np.argsort(rng.random(shape), dim)
        )
        source = operand(draw, shape, dtype)
        where: list[Any] = list(np.indices(shape))
        where[dim] = index
        if name == "scatter":
            expected[tuple(where)] = source.values
        else:
            np.add.at(expected, tuple(where), source.values)
        out = getattr(x.tensor, name)(dim, tc.tensor(index), source.tensor)
    else:
        count = draw.integer(0, shape[dim])
        index = (
            rng.permutation(shape[dim])[:count] if name != "index_add" else rng.integers(0, max(shape[dim], 1), count)
        )
        at: Any = (*[slice(None)] * (dim % ndim), index)
        if name == "index_fill":
            expected[at] = number
            out = x.tensor.index_fill(dim, tc.tensor(index, dtype=tc.int64), number)
        else:
            sizes = [count if axis == dim % ndim else size for axis, size in enumerate(shape)]
            source = operand(draw, sizes, dtype)
            if name == "index_copy":
                expected[at] = source.values
            else:
                np.add.at(expected, at, source.values)
            out = getattr(x.tensor, name)(dim, tc.tensor(index, dtype=tc.int64), source.tensor)
    assert out.dtype is DTYPES[dtype]
    agree(out, expected, 0.0, name)


PROPERTIES = (indexing, gathering, scattering)
