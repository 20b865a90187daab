"""Functions of integers and bits, matrices made of others, counting, searching and statistics, each beside NumPy's."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_cnn as tc

from .compare import EPS, agree
from .draw import Draw
from .values import operand, shape_of

BITS: dict[str, Callable[..., Any]] = {
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
    "bitwise_and": np.bitwise_and,
    "bitwise_or": np.bitwise_or,
    "bitwise_xor": np.bitwise_xor,
    "gcd": np.gcd,
    "lcm": np.lcm,
    "floor_divide": lambda a, b: np.floor_divide(a, np.where(b == 0, 1, b)),
    "remainder": lambda a, b: np.remainder(a, np.where(b == 0, 1, b)),
    "fmax": np.fmax,
    "fmin": np.fmin,
    "le": np.less_equal,
    "gt": np.greater,
}


def integers(draw: Draw) -> None:
    """Functions of two integers or bits, broadcast, in every integer dtype."""
    name = draw.note("function", draw.choose(tuple(BITS)))
    dtype = draw.choose(
        ("i8", "i4", "i2", "u1") if name not in ("logical_and", "bitwise_and", "bitwise_xor") else ("i8", "?")
    )
    shape = shape_of(draw, 3, 6)
    a, b = operand(draw, shape, dtype), operand(draw, [1 if draw.flag(4) else size for size in shape], dtype)
    second = tc.where(b.tensor == 0, 1, b.tensor) if name in ("floor_divide", "remainder") else b.tensor
    out = getattr(tc, name)(a.tensor, second)
    agree(out, BITS[name](a.values, b.values), 0.0, name)


STACKS: dict[str, Callable[..., Any]] = {
    "hstack": np.hstack,
    "vstack": np.vstack,
    "dstack": np.dstack,
    "column_stack": np.column_stack,
}


def arrangements(draw: Draw) -> None:
    """Matrices and lists made of others: stacks, block_diag, kron, cross, outer grids, triangles' indices, powers."""
    name = draw.note(
        "function",
        draw.choose((*STACKS, "block_diag", "kron", "cross", "meshgrid", "cartesian_prod", "tril_indices", "vander",
                     "atleast", "chunk", "trace", "diag", "unravel_index", "nonzero")),
    )  # fmt: skip
    dtype = draw.choose(("f4", "f8", "i8"))
    make = lambda *shape: operand(draw, shape, dtype)  # noqa: E731
    n, m, k = draw.integers(3, 0, 4)
    if name in STACKS:
        shape = shape_of(draw, 3, 4, 1)
        x, y = make(*shape), make(*shape)
        out, expected = getattr(tc, name)([x.tensor, y.tensor]), STACKS[name]([x.values, y.values])
    elif name == "block_diag":
        x, y = make(n, m), make(m, k)
        out, expected = tc.block_diag(x.tensor, y.tensor), np.zeros((n + m, m + k))
        expected[:n, :m], expected[n:, m:] = x.values, y.values
    elif name == "kron":
        x, y = make(n, m), make(*([k] if draw.flag() else [k, 2]))
        out, expected = tc.kron(x.tensor, y.tensor), np.kron(x.values, y.values)
    elif name == "cross":
        x, y = make(n, 3), make(n, 3)
        out, expected = tc.cross(x.tensor, y.tensor, 1), np.cross(x.values, y.values)
    elif name == "meshgrid":
        parts = [make(size) for size in (n, m, k)]
        order = draw.choose(("ij", "xy"))
        got = tc.meshgrid(*[part.tensor for part in parts], indexing=order)
        wanted = np.meshgrid(*[part.values for part in parts], indexing=order)  # type: ignore[call-overload]
        out, expected = tc.stack(list(got)), np.stack(wanted)
    elif name == "cartesian_prod":
        x, y = make(n), make(m)
        out = tc.cartesian_prod(x.tensor, y.tensor)
        expected = np.array([(a, b) for a in x.values for b in y.values]).reshape(n * m, 2)
    elif name == "tril_indices":
        lower, offset = draw.flag(), draw.integer(-3, 3)
        out = (tc.tril_indices if lower else tc.triu_indices)(n, m, offset)
        expected = np.stack((np.tril_indices if lower else np.triu_indices)(n, offset, m))
    elif name == "vander":
        x = make(n)
        out, expected = tc.vander(x.tensor, m), np.vander(x.values, m)
    elif name == "atleast":
        x = make(*shape_of(draw, 3, 3))
        out, expected = tc.atleast_2d(x.tensor), np.atleast_2d(x.values)
    elif name == "chunk":
        x, count = make(n + 1, m), draw.integer(1, 5)
        size = -(-(n + 1) // count)
        for at, piece in enumerate(x.tensor.chunk(count)):
            agree(piece, x.values[at * size : (at + 1) * size], 0.0, name)
        return
    elif name == "trace":
        x = make(n, m)
        out, expected = tc.trace(x.tensor), np.asarray(np.trace(x.values))
    elif name == "diag":
        x, offset = make(*([n] if draw.flag() else [n, m])), draw.integer(-2, 2)
        out, expected = tc.diag(x.tensor, offset), np.diag(x.values, offset)
    elif name == "unravel_index":
        shape = draw.integers(3, 1, 5)
        places = draw.rng().integers(0, math.prod(shape), (n, m))
        out = tc.stack(list(tc.unravel_index(tc.tensor(places), shape)))
        expected = np.stack(np.unravel_index(places, shape))
    else:
        x = make(*shape_of(draw, 3, 4, 1))
        out, expected = tc.nonzero(x.tensor), np.argwhere(x.values)
    agree(out, np.asarray(expected), 0.0, name)


def statistics(draw: Draw) -> None:
    """prod, median, quantile, norm, aminmax, counting and searching."""
    name = draw.note(
        "function",
        draw.choose(("prod", "median", "nanmean", "quantile", "norm", "aminmax", "var_mean", "trapezoid", "bincount",
                     "searchsorted", "isin", "histc", "logcumsumexp", "unique_consecutive", "cov", "cdist")),
    )  # fmt: skip
    dtype = draw.choose(("f4", "f8"))
    eps = 64 * EPS[dtype]
    shape = draw.note("shape", tuple(max(1, size) for size in shape_of(draw, 3, 9, 1)))
    dim = draw.below(len(shape))
    x = operand(draw, shape, dtype, "exact" if name in ("prod", "median", "aminmax") else "normal")
    v = x.values
    spread = 1 + abs(v).sum(dim)
    bound: Any = 0.0
    if name == "prod":
        out, expected = tc.prod(x.tensor, dim), np.prod(v, dim)
    elif name == "median":
        out, expected = tc.median(x.tensor, dim).values, np.sort(v, dim).take((shape[dim] - 1) // 2, dim)
    elif name == "nanmean":
        out, expected, bound = tc.nanmean(x.tensor, dim), v.mean(dim), eps * spread
    elif name == "quantile":
        q = draw.choose((0.0, 0.25, 0.5, 0.9, 1.0))
        out, expected, bound = tc.quantile(x.tensor, q, dim), np.quantile(v, q, dim), eps * spread * shape[dim]
    elif name == "norm":
        p = draw.choose((2, 1, math.inf, 3))
        out, expected, bound = tc.norm(x.tensor, p, dim), np.linalg.norm(v, p, dim), eps * spread
    elif name == "aminmax":
        low, high = tc.aminmax(x.tensor, dim=dim)
        out, expected = tc.stack([low, high]), np.stack([v.min(dim), v.max(dim)])
    elif name == "var_mean":
        var, mean = tc.var_mean(x.tensor, dim, correction=0)
        out, expected, bound = tc.stack([var, mean]), np.stack([v.var(dim), v.mean(dim)]), eps * spread**2
    elif name == "trapezoid":
        parts = (v.take(range(1, shape[dim]), dim) + v.take(range(shape[dim] - 1), dim)) / 2
        out, expected, bound = tc.trapezoid(x.tensor, dx=0.5, dim=dim), parts.sum(dim) * 0.5, eps * spread
    elif name == "bincount":
        numbers, least = draw.rng().integers(0, 7, shape[0]), draw.integer(0, 9)
        out, expected = tc.bincount(tc.tensor(numbers), minlength=least), np.bincount(numbers, minlength=least)
    elif name == "searchsorted":
        line, right = np.sort(v.reshape(-1)), draw.flag()
        sought = np.concatenate([line[::2], draw.rng().standard_normal(3).astype(dtype)])
        out = tc.searchsorted(tc.tensor(line.astype(dtype)), tc.tensor(sought.astype(dtype)), right=right)
        expected = np.searchsorted(line, sought, "right" if right else "left")
    elif name == "isin":
        numbers, among = draw.rng().integers(0, 9, shape), draw.rng().integers(0, 9, 3)
        out, expected = tc.isin(tc.tensor(numbers), tc.tensor(among)), np.isin(numbers, among)
    elif name == "histc":
        line = np.round(v.reshape(-1) * 8) / 8
        out = tc.histc(tc.tensor(line.astype(dtype)), 8, -2, 2)
        expected = np.histogram(line, 8, (-2, 2))[0].astype(np.float64)
    elif name == "logcumsumexp":
        out, expected = tc.logcumsumexp(x.tensor, dim), np.log(np.exp(v).cumsum(dim))
        bound = eps * (1 + abs(v).max()) * shape[dim]
    elif name == "unique_consecutive":
        numbers = draw.rng().integers(0, 3, shape[0])
        out, counts = tc.unique_consecutive(tc.tensor(numbers), return_counts=True)
        starts = np.flatnonzero(np.diff(numbers, prepend=-1))
        agree(counts, np.diff([*starts, shape[0]]), 0.0, "counts of unique_consecutive")
        expected = numbers[starts]
    elif name == "cov":
        matrix = v.reshape(shape[0], -1)
        if matrix.shape[1] < 2:
            return
        out, expected = tc.cov(x.tensor.reshape(matrix.shape)), np.asarray(np.cov(matrix))
        bound = eps * (1 + abs(matrix).max()) ** 2 * matrix.shape[1]
        out = out.reshape(expected.shape)
    else:
        matrix, p = v.reshape(shape[0], -1), draw.choose((2.0, 1.0, math.inf))
        apart = matrix[:, None] - matrix[None]
        out = tc.cdist(x.tensor.reshape(matrix.shape), x.tensor.reshape(matrix.shape), p)
        expected = np.linalg.norm(apart, p, -1)
        # by the product of matrices where there are many rows: the root of a difference that cancels
        bound = eps * (1 + abs(apart).sum(-1)) + 8 * math.sqrt(EPS[dtype]) * (1 + abs(matrix).max()) * (p == 2)
    agree(out, np.asarray(expected), bound, name)


PROPERTIES = (integers, arrangements, statistics)
