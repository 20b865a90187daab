"""Determinants, powers and exponentials of matrices, and the names that `torch.linalg` has for others."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_cnn.dtypes import float64
from tinygrad_cnn.ops import slices
from tinygrad_cnn.ops.base import check_tensor, write_out
from tinygrad_cnn.ops.decompositions import Det, Inverse, SlogDet, identity_like, tied
from tinygrad_cnn.ops.halves import in_float32
from tinygrad_cnn.ops.joining import cat
from tinygrad_cnn.ops.matmul import matmul as _matmul
from tinygrad_cnn.tensor import Tensor

from ._checks import into, named, square

_SlogDet = named("slogdet", "sign logabsdet")


def det(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the determinants of square matrices (`torch.linalg.det`)."""
    y = Det.apply(square("linalg.det", A))
    return y if out is None else write_out("linalg.det", out, y, A)


def slogdet(A: Tensor, *, out: Any = None) -> Any:
    """Return (sign, log|det|), which does not overflow (`torch.linalg.slogdet`)."""
    pair = _SlogDet(*SlogDet.apply(square("linalg.slogdet", A)))
    return into("linalg.slogdet", out, pair, A)


def matrix_power(A: Tensor, n: int, *, out: Tensor | None = None) -> Tensor:
    """Return the n-th powers of square matrices, of the inverses for n < 0 (`torch.linalg.matrix_power`).

    By squaring: a product for each binary digit of n, and one more for each that is 1.
    """
    x = square("linalg.matrix_power", A)
    base, count = (Inverse.apply(x), -n) if n < 0 else (x, n)
    result = None
    while count:
        if count & 1:
            result = base if result is None else _matmul(result, base)
        count >>= 1
        base = _matmul(base, base) if count else base
    if result is None:
        result = tied(identity_like(x, x._array.shape[-1]).expand(x._array.shape).clone(), x)
    elif result is x:
        result = x.clone()
    return result if out is None else write_out("linalg.matrix_power", out, result, A)


@in_float32
def matrix_exp(A: Tensor) -> Tensor:
    """Return the exponentials of square matrices (`torch.linalg.matrix_exp`).

    exp(A) = exp(A / 2^s)^(2^s): with s so large that the norm is at most 1/2, Taylor's series to the 18th term is exact
    to float64's last digits.
    """
    x = square("linalg.matrix_exp", A)
    size = float(np.abs(x._array).sum(-1).max(initial=0))
    if not math.isfinite(size):
        return x * math.nan
    if x.dtype is not float64:  # squarings multiply the rounding errors of float32
        return matrix_exp(x.to(float64)).to(x.dtype)
    halvings = max(0, math.ceil(math.log2(size)) + 1) if size > 0.5 else 0
    scaled = x / 2.0**halvings
    unit = identity_like(x, x._array.shape[-1])
    total = unit.expand(x._array.shape)
    for k in range(18, 0, -1):  # Horner: 1 + A/1 (1 + A/2 (1 + A/3 ...))
        total = unit + _matmul(scaled, total) / k
    for _ in range(halvings):
        total = _matmul(total, total)
    return total


def matmul(A: Tensor, B: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return `torch.matmul(A, B)`."""
    return _matmul(A, B, out=out)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Return diagonals of the last two dimensions, a view (`torch.linalg.diagonal`)."""
    return slices.diagonal(A, offset, dim1, dim2)


def vander(x: Tensor, N: int | None = None) -> Tensor:
    """Return Vandermonde matrices (..., M, N) of powers 0, 1, ... of vectors (`torch.linalg.vander`)."""
    values = check_tensor(x, "linalg.vander", "x")
    if N is not None and N <= 1:
        raise RuntimeError(f"N must be greater than 1, got {N}.")
    values = values.reshape(1) if values._array.ndim == 0 else values
    count = values._array.shape[-1] if N is None else N
    base = values if values._array.dtype.kind == "f" else values.long()
    ones = base.new_ones((*base._array.shape, 1))
    columns = base.unsqueeze(-1).expand(*base._array.shape, max(count - 1, 0)).cumprod(-1)
    return cat([ones, columns], -1)
