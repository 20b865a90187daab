"""Products of matrices: every number of rows and columns, every length of the sums, all layouts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from tests.core.raw import code, ptr
from tinygrad_cnn._core import ffi, lib

from .case import Case, same, status
from .fence import Fence

# twice the largest tile of any instruction set (14 x 32) and 1; sums: twice two vectors of 16 and 1
ROWS, COLS, DEPTH = 29, 65, 65
SHAPES = ((1, 1), (1, 33), (33, 1), (5, 7), (14, 32), (15, 33))
RNG = np.random.default_rng(0)
LEFT, RIGHT = RNG.integers(-4, 5, (33, DEPTH)), RNG.integers(-4, 5, (DEPTH, COLS))
START, BIAS = RNG.integers(-4, 5, (33, COLS)), RNG.integers(-4, 5, COLS)


def _laid(fence: Fence, values: np.ndarray, layout: str, write: bool = False) -> np.ndarray:
    """Place a matrix by rows, by columns (T), or by rows with gaps between them (G)."""
    place = fence.both if write else fence.put
    if layout == "T":
        return place(values.T).T
    if layout == "G":
        rows, cols = values.shape
        line = np.full((rows - 1) * (cols + 3) + cols, 77, values.dtype)
        spread = lambda memory: np.lib.stride_tricks.as_strided(  # noqa: E731
            memory, values.shape, ((cols + 3) * values.itemsize, values.itemsize)
        )
        spread(line)[...] = values
        return spread(place(line))
    return place(values)


def _product(m: int, n: int, k: int, layouts: str, variant: int, fence: Fence, dtype: np.dtype) -> None:
    a = _laid(fence, LEFT[:m, :k].astype(dtype), layouts[0])
    b = _laid(fence, RIGHT[:k, :n].astype(dtype), layouts[1])
    c = _laid(fence, START[:m, :n].astype(dtype), layouts[2], write=True)
    expected = LEFT[:m, :k] @ RIGHT[:k, :n]
    bias = None
    if variant == 1:  # added to each column, C overwritten
        bias = fence.put(BIAS[:n].astype(dtype))
        expected = expected + BIAS[:n]
    elif variant == 2:  # added to each row, and to C
        bias = fence.put(BIAS[:m].astype(dtype))
        expected = expected * 2 + START[:m, :n] + BIAS[:m, None]
    p = ffi.new("tc_gemm_params *")
    p.batch, p.m, p.n, p.k = 1, m, n, k
    for name, array in (("a", a), ("b", b), ("c", c)):
        row, col = (stride // array.itemsize for stride in array.strides)
        setattr(p, f"{name}_row", row)
        setattr(p, f"{name}_col", col)
    p.alpha, p.beta, p.bias_per_row = (2, 1, 1) if variant == 2 else (1, 0, 0)
    status(lib.tc_gemm(code(c), p, ptr(a), ptr(b), ptr(bias), ptr(c)))
    same(c, expected)


def cases() -> Iterator[Case]:
    """Yield every product."""
    for layouts in map("".join, itertools.product("NTG", "NTG", "NT")):
        few = "G" in layouts
        for m, n in itertools.product(range(1, ROWS + 1), range(1, COLS + 1)):
            if not few or (m % 7 == 1 or n % 16 == 1):
                yield Case(_product, m, n, 11, layouts, (m + n) % 3)
        for k, (m, n) in itertools.product(range(1, DEPTH + 1), SHAPES):
            yield Case(_product, m, n, k, layouts, k % 3)
