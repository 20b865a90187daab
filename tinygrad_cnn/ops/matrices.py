"""Matrices made of vectors and of matrices: diagonals, blocks, Kronecker and Cartesian products; traces."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from tinygrad_cnn import core, dtypes
from tinygrad_cnn.tensor import Tensor, wrap

from .base import check_tensor, wrap_dim
from .broadcasting import meshgrid
from .forms import public
from .index_along import index_select
from .joining import cat, stack
from .promotion import cast, common_dtype
from .slices import PutDiagonal, diagonal
from .views import reshape


@public()
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Return matrices, in dimensions dim1 and dim2, with the last dimension on a diagonal (`torch.diag_embed`)."""
    shape = check_tensor(input, "diag_embed")._array.shape
    first, second = wrap_dim(dim1, len(shape) + 1), wrap_dim(dim2, len(shape) + 1)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    size = shape[-1] + abs(offset)
    whole = list(shape[:-1])
    for dim in sorted((first, second)):
        whole.insert(dim, size)
    return PutDiagonal.apply(input, shape=tuple(whole), offset=offset, dim1=first, dim2=second)


@public()
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """Return the matrix with all elements of the input on a diagonal (`torch.diagflat`)."""
    return diag_embed(reshape(check_tensor(input, "diagflat"), -1), offset)


@public()
def trace(input: Tensor) -> Tensor:
    """Return the sum of the diagonal of a matrix (`torch.trace`)."""
    if check_tensor(input, "trace")._array.ndim != 2:
        raise RuntimeError("trace: expected a matrix, but got tensor with dim " + str(input._array.ndim))
    return diagonal(input).sum()


def _triangle_indices(row: int, col: int, offset: int, dtype: Any, lower: bool, device: Any, layout: Any) -> Tensor:
    if row < 0 or col < 0:
        name = "row" if row < 0 else "col"
        raise RuntimeError(f"{name} must be non-negative, got{row if row < 0 else col}")
    core.check_size((row, col))
    mask = (np.tril if lower else np.triu)(np.ones((row, col), np.bool_), max(-row, min(offset, col)))
    return wrap(np.ascontiguousarray(np.argwhere(mask).T, (dtype or dtypes.int64)._numpy))


@public(method=False)
def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None, layout: Any = None
) -> Tensor:
    """Return row and column numbers, (2, n), of the lower triangle of a matrix, row by row (`torch.tril_indices`)."""
    return _triangle_indices(row, col, offset, dtype, True, device, layout)


@public(method=False)
def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None, layout: Any = None
) -> Tensor:
    """Return row and column numbers, (2, n), of the upper triangle of a matrix, row by row (`torch.triu_indices`)."""
    return _triangle_indices(row, col, offset, dtype, False, device, layout)


@public(method=False)
def block_diag(*tensors: Tensor) -> Tensor:
    """Return the matrix with matrices (vectors are rows) as blocks on its diagonal (`torch.block_diag`)."""
    for i, tensor in enumerate(tensors):
        if check_tensor(tensor, "block_diag")._array.ndim > 2:
            raise RuntimeError(
                "torch.block_diag: Input tensors must have 2 or fewer dimensions. Input "
                f"{i} has {tensor._array.ndim} dimensions"
            )
    if not tensors:
        return wrap(core.empty((1, 0), dtypes.get_default_dtype()._numpy))
    dtype = tensors[0].dtype
    for tensor in tensors[1:]:
        dtype = dtypes.promote_types(dtype, tensor.dtype)
    blocks = [cast(reshape(x, (1, -1)) if x._array.ndim < 2 else x, dtype) for x in tensors]
    width, rows, start = sum([block._array.shape[1] for block in blocks]), [], 0
    for block in blocks:
        height, size = block._array.shape
        left = Tensor._zeros((height, start), block._array.dtype)
        right = Tensor._zeros((height, width - start - size), block._array.dtype)
        rows.append(cat([left, block, right], 1))
        start += size
    return cat(rows, 0)


@public(out=True)
def kron(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the Kronecker product: every element of `input` times the whole of `other` (`torch.kron`)."""
    a, b = check_tensor(input, "kron"), check_tensor(other, "kron", "other", 2)
    ndim = max(a._array.ndim, b._array.ndim)
    first = (1,) * (ndim - a._array.ndim) + a._array.shape
    second = (1,) * (ndim - b._array.ndim) + b._array.shape
    wide = [n for size in first for n in (size, 1)]
    narrow = [n for size in second for n in (1, size)]
    product = reshape(a, wide) * reshape(b, narrow)
    return reshape(product, [m * n for m, n in zip(first, second, strict=True)])


@public(method=False)
def cartesian_prod(*tensors: Tensor) -> Tensor:
    """Return all combinations of one element of each vector, a row each (`torch.cartesian_prod`)."""
    for tensor in tensors:
        if check_tensor(tensor, "cartesian_prod")._array.ndim != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(tensor._array.shape)}")
    if len(tensors) == 1:
        return tensors[0]
    return stack([reshape(grid, -1) for grid in meshgrid(*tensors, indexing="ij")], 1)


@public(method=False)
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """Return all combinations of r elements of a vector, a row each, in order (`torch.combinations`)."""
    if check_tensor(input, "combinations")._array.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input._array.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return wrap(core.empty((0,), input._array.dtype))
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = list(choose(range(input._array.size), r))
    places = wrap(np.array(rows, np.int64).reshape(len(rows), r))
    return reshape(index_select(input, 0, reshape(places, -1)), (len(rows), r))


@public(method=False)
def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """Return the Vandermonde matrix of a vector: its powers N - 1, ..., 0 as columns (`torch.vander`)."""
    if check_tensor(x, "vander", "x")._array.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    count = x._array.size if N is None else N
    if count < 0:
        raise RuntimeError("N must be non-negative.")
    core.check_size((x._array.size, count))
    base = cast(x, dtypes.int64) if common_dtype(x) is not dtypes.int64 and x._array.dtype.kind in "biu" else x
    powers = wrap(np.arange(count, dtype=np.int64))
    result = base.unsqueeze(-1) ** powers
    return result if increasing else result.flip(1)
