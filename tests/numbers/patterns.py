"""Where results have NaN, infinities and zeros, compared with PyTorch's."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

import tinygrad_cnn as tc
from tests.parity.translate import DTYPES, as_array, leaves


@contextlib.contextmanager
def flushing() -> Iterator[None]:
    """Let PyTorch compute as the kernels here do: denormals are zero. On one thread, whose mode that is."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(threads)


def difference(mine: Any, theirs: torch.Tensor, rtol: float, signs: bool) -> tuple[str, str] | None:
    """Return (kind, text) of how a result differs, or None. signs: of zeros, too."""
    a, b = as_array(mine), as_array(theirs)
    if a.shape != b.shape:
        return "shape", f"{a.shape}, expected {b.shape}"
    if b.dtype.kind != "f":
        wrong = a != b
        kind = "value"
    else:
        a, b = a.astype(np.float64), b.astype(np.float64)
        tiny = torch.finfo(theirs.dtype).tiny
        wrong = np.isnan(a) != np.isnan(b)
        kind = "nan"
        if not wrong.any():
            wrong = (np.isinf(a) | np.isinf(b)) & (a != b) & ~np.isnan(a)
            kind = "inf"
        if not wrong.any():
            finite = np.isfinite(b)
            with np.errstate(all="ignore"):
                scale = np.max(np.abs(b), where=finite, initial=0)
                wrong = finite & (np.abs(a - b) > rtol * np.abs(b) + 8 * tiny + rtol * min(scale, 10.0))
            kind = "value"
        if signs and not wrong.any():
            wrong = (a == 0) & (b == 0) & (np.signbit(a) != np.signbit(b))
            kind = "sign of zero"
    if not wrong.any():
        return None
    at = tuple(int(i[0]) for i in np.nonzero(wrong)) if a.ndim else ()
    return kind, f"{a[at]} at {list(at)} ({int(wrong.sum())} of {a.size}), expected {b[at]}"


RTOL = {torch.float32: 1e-4, torch.float64: 1e-9, torch.float16: 2e-2, torch.bfloat16: 6e-2}


def compare(mine: Any, theirs: Any, dtype: torch.dtype, signs: bool = False) -> tuple[str, str] | None:
    """Return how results that may be nested differ, or None."""
    a, b = leaves(mine, tc.Tensor), leaves(theirs, torch.Tensor)
    if len(a) != len(b):
        return "value", f"{len(a)} tensors, expected {len(b)}"
    for x, y in zip(a, b, strict=True):
        if y.dtype in DTYPES and y.layout is torch.strided:
            found = difference(x, y, RTOL[dtype], signs)
            if found:
                return found
    return None
