"""Operations that move elements: views, joining, indexing, padding. Each is the same function of an array of places.

The reference of such an operation, applied to the numbers of the elements instead of their values, says where each
element of the result comes from; that is its gradient.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_cnn as tc
from tinygrad_cnn.nn import functional as F

from . import windows
from .compare import Refused, agree, both
from .draw import Draw
from .values import DTYPES, Operand, operand, shape_of

# What a case does to a tensor, and the same for an array (of values or of places, whose fill is 0).
Way = tuple[Callable[[Any], Any], Callable[[np.ndarray], np.ndarray]]


def moves(draw: Draw, x: Operand, way: Way, name: str) -> None:
    """Compare the result, its dtype, and for floats the gradient."""
    ours, reference = way
    draw.note(name, x.values.shape)
    found = both(lambda: ours(x.tensor), lambda: reference(x.values))
    if found is None:
        return
    out, expected = found
    assert out.dtype is x.tensor.dtype, f"{name} gives {out.dtype} for {x.tensor.dtype}"
    agree(out, expected, 0.0, name)
    if x.tensor.requires_grad and out.requires_grad:
        g = operand(draw, out.shape, "f4")
        out.backward(g.tensor.to(out.dtype))
        places = reference(np.arange(1, x.values.size + 1).reshape(x.values.shape)).astype(np.int64)
        sums = np.bincount(places.ravel(), g.values.ravel(), x.values.size + 1)[1:]
        agree(x.tensor.grad, sums.reshape(x.values.shape), 0.0, f"gradient of {name}")


def _any(draw: Draw, least: int = 0, most: int = 4) -> Operand:
    dtype = draw.choose(("f4", "f4", "f8", "i8", "i4", "u1", "?", "f2", "b2", "i2"))
    grad = dtype in ("f4", "f8")
    return operand(draw, shape_of(draw, most, 5, least), dtype, "exact", grad=grad)


def _dim(draw: Draw, ndim: int) -> int:
    """Choose a dimension, from the end in one of two cases."""
    dim = draw.below(ndim)
    return dim - ndim if draw.flag() else dim


def views(draw: Draw) -> None:
    """Views by order, size and place, and what NumPy has as views but PyTorch as copies (flip, roll, rot90, tril)."""
    x = _any(draw, 1)
    shape, ndim = x.values.shape, x.values.ndim
    name = draw.choose(
        ("permute", "transpose", "movedim", "flip", "reshape", "squeeze", "unsqueeze", "expand", "narrow", "select",
         "diagonal", "flatten", "unfold", "rot90", "roll", "tril", "diag_embed")
    )  # fmt: skip
    a, b = _dim(draw, ndim), _dim(draw, ndim)
    if name == "permute":
        order = draw.permutation(ndim)
        way: Way = (lambda t: t.permute(order), lambda v: v.transpose(order))
    elif name == "transpose":
        way = (lambda t: t.transpose(a, b), lambda v: np.swapaxes(v, a, b))
    elif name == "movedim":
        way = (lambda t: t.movedim(a, b), lambda v: np.moveaxis(v, a, b))
    elif name == "flip":
        axes = tuple(draw.some(range(ndim)))
        way = (lambda t: t.flip(axes), lambda v: np.flip(v, axes))
    elif name == "reshape":
        sizes = list(draw.choose((shape[::-1], (x.values.size,), (*shape, 1), (x.values.size + 1,))))

        def reshaped(v: np.ndarray) -> np.ndarray:
            if math.prod(sizes) != v.size:
                raise Refused("there are not as many elements")
            return v.reshape(sizes)

        way = (lambda t: t.reshape(sizes), reshaped)
    elif name == "squeeze":
        way = (lambda t: t.squeeze(a), lambda v: v.squeeze(a) if v.shape[a] == 1 else v)
    elif name == "unsqueeze":
        way = (lambda t: t.unsqueeze(a), lambda v: np.expand_dims(v, a))
    elif name == "expand":
        sizes = [draw.integer(1, 4) if size == 1 else size for size in shape]
        if draw.flag(8):
            sizes[b] = 7

        def expanded(v: np.ndarray) -> np.ndarray:
            if any(old not in (1, new) for old, new in zip(shape, sizes, strict=True)):
                raise Refused("a size is not 1 and not that asked for")
            return np.broadcast_to(v, (2, *sizes))

        way = (lambda t: t.expand(2, *sizes), expanded)
    elif name == "narrow":
        start, length = draw.integer(0, 4), draw.integer(0, 4)

        def narrowed(v: np.ndarray) -> np.ndarray:
            if start + length > shape[a]:
                raise Refused("the part is longer than the dimension")
            return v.take(range(start, start + length), a)

        way = (lambda t: t.narrow(a, start, length), narrowed)
    elif name == "select":
        place = draw.integer(-5, 4)

        def selected(v: np.ndarray) -> np.ndarray:
            if not -shape[a] <= place < shape[a]:
                raise Refused("there is no such place")
            return v.take(place, a)

        way = (lambda t: t.select(a, place), selected)
    elif name == "diagonal":
        offset = draw.integer(-3, 3)

        def diagonal(v: np.ndarray) -> np.ndarray:
            if a % ndim == b % ndim:
                raise Refused("the dimensions are the same")
            return np.diagonal(v, offset, a, b)

        way = (lambda t: t.diagonal(offset, a, b), diagonal)
    elif name == "flatten":
        first, last = sorted((a % ndim, b % ndim))
        sizes = [*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]]
        way = (lambda t: t.flatten(first, last), lambda v: v.reshape(sizes))
    elif name == "unfold":
        size, step = draw.integer(0, 4), draw.integer(1, 3)

        def unfolded(v: np.ndarray) -> np.ndarray:
            if size > shape[a]:
                raise Refused("the window is longer than the dimension")
            parts = [np.moveaxis(v.take(range(at, at + size), a), a, -1) for at in range(0, shape[a] - size + 1, step)]
            return np.stack(parts, a % ndim)

        way = (lambda t: t.unfold(a, size, step), unfolded)
    elif name == "rot90":
        turns = draw.integer(-3, 3)

        def turned(v: np.ndarray) -> np.ndarray:
            if ndim < 2 or a % ndim == b % ndim:
                raise Refused("that is no plane")
            return np.rot90(v, turns, (a, b))

        way = (lambda t: t.rot90(turns, (a, b)), turned)
    elif name == "roll":
        by = draw.integer(-7, 7)
        way = (lambda t: t.roll(by, a), lambda v: np.roll(v, by, a))
    elif name == "tril":
        offset, lower = draw.integer(-3, 3), draw.flag()

        def triangle(v: np.ndarray) -> np.ndarray:
            if ndim < 2:
                raise Refused("there is no matrix")
            return (np.tril if lower else np.triu)(v, offset)

        way = (lambda t: t.tril(offset) if lower else t.triu(offset), triangle)
    else:
        offset = draw.integer(-2, 2)
        size = shape[-1] + abs(offset)

        def embedded(v: np.ndarray) -> np.ndarray:
            result = np.zeros((*shape[:-1], size, size), v.dtype)
            line = np.arange(shape[-1])
            result[..., line + max(-offset, 0), line + max(offset, 0)] = v
            return result

        way = (lambda t: t.diag_embed(offset), embedded)
    moves(draw, x, way, name)


def repeats(draw: Draw) -> None:
    """repeat, tile, repeat_interleave and the shuffles of pixels and channels."""
    name = draw.choose(("repeat", "tile", "repeat_interleave", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle"))
    if name in ("repeat", "tile", "repeat_interleave"):
        x = _any(draw, 1, 3)
        ndim = x.values.ndim
        times = draw.integers(ndim + draw.below(2), 0, 3)
        dim = _dim(draw, ndim)
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
    dim = _dim(draw, len(shape))
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
    x = _any(draw, 1)
    index = draw.note("index", _index(draw, x.values.shape))
    ours = tuple(tc.tensor(part) if isinstance(part, np.ndarray) else part for part in index)
    moves(draw, x, (lambda t: t[ours], lambda v: v[index]), "x[index]")
    changed, copy = x.values.copy(), x.tensor.detach().clone()
    changed[index] = 1
    copy[ours] = 1
    agree(copy, changed, 0.0, "x[index] = 1")


def gathering(draw: Draw) -> None:
    """gather, take_along_dim, index_select, take, masked_select and embedding."""
    x = _any(draw, 1, 3)
    shape, ndim = x.values.shape, x.values.ndim
    dim, name = _dim(draw, ndim), draw.choose(("gather", "index_select", "take", "masked_select", "embedding"))
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
    dim = _dim(draw, ndim)
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


PROPERTIES = (views, repeats, joining, padding, columns, strides, indexing, gathering, scattering)
