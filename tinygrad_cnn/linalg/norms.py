"""Norms of vectors and matrices, condition and rank."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_cnn import dtypes
from tinygrad_cnn.ops import lapack
from tinygrad_cnn.ops import vector_norm as lengths
from tinygrad_cnn.ops.base import FLOATS, check_tensor, scalar_name, wrap_dim, write_out
from tinygrad_cnn.ops.decompositions import SVD, Inverse
from tinygrad_cnn.ops.halves import in_float32
from tinygrad_cnn.tensor import Tensor, wrap

from ._checks import matrices, square


def _floats(name: str, x: Any, dtype: Any) -> Tensor:
    if check_tensor(x, name)._array.dtype not in FLOATS:
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got {scalar_name(x)}")
    return x if dtype is None else x.to(dtype)


@in_float32
def vector_norm(
    x: Tensor, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, out: Tensor | None = None
) -> Tensor:
    """Return the norm (sum |x|^ord)^(1/ord) over `dim`, all dimensions by default (`torch.linalg.vector_norm`).

    inf and -inf give the largest and the smallest |x|, 0 counts what is not 0.
    """
    values = _floats("linalg.vector_norm", x, dtype)
    if values._array.size == 0 and (ord < 0 or ord == math.inf):
        reduced = range(values._array.ndim) if dim is None else (dim if isinstance(dim, (tuple, list)) else [dim])
        if dim is None or any(values._array.shape[d] == 0 for d in reduced):
            raise RuntimeError(
                f"linalg.vector_norm cannot compute the {float(ord):g} norm on an empty "
                + ("tensor because the operation does not have an identity" if dim is None else
                   "dimension because this dimension is empty and the operation does not have an identity")
            )  # fmt: skip
    y = lengths.vector_norm(values, float(ord), dim, keepdim)
    return y if out is None else write_out("linalg.vector_norm", out, y, x)


@in_float32
def matrix_norm(
    A: Tensor,
    ord: Any = "fro",
    dim: Any = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """Return a norm of matrices in the two dimensions `dim` (`torch.linalg.matrix_norm`).

    'fro'; 'nuc', the sum of singular values; 2 and -2, the largest and smallest one; 1, -1, inf, -inf: the extreme sum
    of absolute values of a column, or of a row.
    """
    x = _floats("linalg.matrix_norm", matrices("linalg.matrix_norm", A), dtype)
    if len(dim) != 2:
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {list(dim)}")
    rows, columns = [wrap_dim(d, x._array.ndim) for d in dim]
    if rows == columns:
        raise RuntimeError(f"linalg.matrix_norm: dims must be different. Got ({dim[0]}, {dim[1]})")
    if ord == "fro":
        y = lengths.vector_norm(x, 2.0, [rows, columns], keepdim)
    elif ord in ("nuc", 2, -2):
        values = SVD.apply(x.movedim([rows, columns], [-2, -1]))[1]
        if ord == "nuc" or (ord == 2 and values._array.shape[-1] == 0):  # the largest of none is 0
            y = values.sum(-1)
        else:
            y = values.amax(-1) if ord == 2 else values.amin(-1)
        if keepdim:
            for d in sorted((rows, columns)):
                y = y.unsqueeze(d)
    elif ord in (1, -1, math.inf, -math.inf):
        summed, extreme = (rows, columns) if abs(ord) == 1 else (columns, rows)
        sums = x.abs().sum(summed, keepdim=True)
        if x._array.shape[extreme] == 0 and ord > 0:  # the largest of no sums is 0
            sums = sums.sum(extreme, keepdim=True)
        y = sums.amax(extreme, keepdim=True) if ord > 0 else sums.amin(extreme, keepdim=True)
        y = y if keepdim else y.squeeze([rows, columns])
    else:
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    return y if out is None else write_out("linalg.matrix_norm", out, y, A)


@in_float32
def norm(
    A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, out: Tensor | None = None, dtype: Any = None
) -> Tensor:
    """Return a vector's or matrix's norm (`torch.linalg.norm`).

    A vector norm over one dimension, or over all if `ord` is None; with two dimensions a matrix norm.
    """
    if dim is not None and not isinstance(dim, (tuple, list)):
        dim = (dim,)
    ndim = check_tensor(A, "linalg.norm")._array.ndim
    if dim is not None and len(dim) not in (1, 2):
        raise RuntimeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dim)}")
    if ord is not None and dim is None and ndim not in (1, 2):
        raise RuntimeError(f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {ndim}D.")
    if ord is not None and (isinstance(ord, str) or (ndim if dim is None else len(dim)) == 2):
        return matrix_norm(A, ord, (-2, -1) if dim is None else dim, keepdim, dtype=dtype, out=out)
    return vector_norm(A, 2 if ord is None else ord, dim, keepdim, dtype=dtype, out=out)


def cond(A: Tensor, p: Any = None, *, out: Tensor | None = None) -> Tensor:
    """Return the condition numbers of matrices in the norm p, 2 by default (`torch.linalg.cond`)."""
    x = matrices("linalg.cond", A)
    if p is None or p in (2, -2):
        values = SVD.apply(x)[1]
        y = values[..., 0] / values[..., -1] if p != -2 else values[..., -1] / values[..., 0]
    else:
        square("linalg.cond", x)
        y = matrix_norm(x, p) * matrix_norm(Inverse.apply(x), p)
    return y if out is None else write_out("linalg.cond", out, y, A)


def matrix_rank(
    A: Tensor,
    tol: Any = None,
    *,
    atol: Any = None,
    rtol: Any = None,
    hermitian: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """Return how many singular values are larger than max(atol, rtol * the largest) (`torch.linalg.matrix_rank`).

    rtol is max(M, N) eps by default, 0 if `atol` is given.
    """
    array = matrices("linalg.matrix_rank", A)._array
    atol = tol if atol is None else atol
    values = np.abs(lapack.eigh(array, "L")[0]) if hermitian else lapack.singular_values(array)
    if rtol is None:
        rtol = max(array.shape[-2:]) * float(np.finfo(array.dtype).eps) if atol is None else 0.0
    absolute, relative = [
        0.0 if limit is None else limit._array if isinstance(limit, Tensor) else limit for limit in (atol, rtol)
    ]
    largest = values.max(-1, initial=0)
    limit = np.maximum(absolute, relative * largest)
    y = wrap(np.asarray((values > np.asarray(limit)[..., None]).sum(-1), dtypes.int64._numpy))
    return y if out is None else write_out("linalg.matrix_rank", out, y, A)


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """Return the sums of products of two tensors along `dim`, broadcast (`torch.linalg.vecdot`)."""
    result = (check_tensor(x, "linalg.vecdot", "x") * check_tensor(y, "linalg.vecdot", "y", 2)).sum(dim)
    return result if out is None else write_out("linalg.vecdot", out, result, x, y)
