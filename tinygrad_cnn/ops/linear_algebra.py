"""The names that PyTorch keeps at top level for what `linalg` has: det, inverse, qr, svd, cholesky, ..."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn.tensor import Tensor, wrap

from .base import check_tensor
from .decompositions import SingularError, Solve, reflected
from .extremes import result_tuple
from .forms import public
from .lu import solve_triangular
from .matmul import matmul

_TriangularSolve = result_tuple("triangular_solve", "solution cloned_coefficient")
_QR, _SVD, _Geqrf = result_tuple("qr", "Q R"), result_tuple("svd", "U S V"), result_tuple("geqrf", "a tau")
_SlogDet = result_tuple("slogdet", "sign logabsdet")
_LuUnpack = result_tuple("lu_unpack", "P L U")


def _linalg() -> Any:
    """Return the module, imported when it is first used."""
    from tinygrad_cnn import linalg

    return linalg


@public()
def det(input: Tensor) -> Tensor:
    """Return the determinants of square matrices (`torch.det`)."""
    return _linalg().det(input)


@public()
def logdet(input: Tensor) -> Tensor:
    """Return the logarithms of determinants, -inf for 0, NaN for negative ones (`torch.logdet`)."""
    sign, logabsdet = _linalg().slogdet(input)
    return logabsdet.masked_fill(sign == -1, float("nan"))


@public()
def slogdet(input: Tensor) -> Any:
    """Return (sign, log|det|) (`torch.slogdet`)."""
    return _SlogDet(*_linalg().slogdet(input))


@public(out=True)
def inverse(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the inverses of square matrices (`torch.inverse`)."""
    return _linalg().inv(input)


@public()
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """Return the pseudo-inverses of matrices (`torch.pinverse`)."""
    return _linalg().pinv(input, rcond)


@public()
def matrix_power(input: Tensor, n: int, *, out: Tensor | None = None) -> Tensor:
    """Return the n-th powers of square matrices (`torch.matrix_power`)."""
    return _linalg().matrix_power(input, n, out=out)


@public()
def matrix_exp(input: Tensor) -> Tensor:
    """Return the exponentials of square matrices (`torch.matrix_exp`)."""
    return _linalg().matrix_exp(input)


@public(out=True)
def cholesky(input: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Return the Cholesky factors of positive definite matrices (`torch.cholesky`)."""
    return _linalg().cholesky(input, upper=upper)


@public(out=True)
def cholesky_solve(input: Tensor, L: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Return X with A X = input, from the Cholesky factor of A (`torch.cholesky_solve`)."""
    sizes = check_tensor(L, "cholesky_solve", "L", 2)._array.shape[-2:]
    if len(sizes) < 2 or sizes[0] != sizes[1] or check_tensor(input, "cholesky_solve")._array.shape[-2:-1] != sizes[:1]:
        raise RuntimeError(
            f"Incompatible matrix sizes for cholesky_solve: each A matrix must be square, but is {list(sizes)}, and b "
            f"must have as many rows, but is {list(input._array.shape)}"
        )
    lower = _as_factor(L.mT if upper else L)
    return Solve.apply(matmul(lower, lower.mT), input)


def _as_factor(x: Tensor) -> Tensor:
    """Return the lower triangle with the whole matrix's gradient, as PyTorch has it: that of A = L L^T."""
    return x + (x.tril() - x).detach()


@public(out=True)
def cholesky_inverse(input: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Return the inverse of A from its Cholesky factor (`torch.cholesky_inverse`)."""
    array = check_tensor(input, "cholesky_inverse")._array
    size = array.shape[-1]
    zero = np.argwhere(np.diagonal(array, axis1=-2, axis2=-1) == 0)
    if len(zero):
        batch = np.ravel_multi_index(tuple(zero[0, :-1]), array.shape[:-2]) if array.ndim > 2 else None
        raise SingularError(
            f"cholesky_inverse: {'' if batch is None else f'(Batch element {batch}): '}The diagonal element "
            f"{zero[0, -1] + 1} is zero, the inversion could not be completed because the input matrix is singular."
        )
    unit = wrap(np.eye(size, dtype=input._array.dtype)).expand(input._array.shape)
    return cholesky_solve(unit, input, upper)


@public(out=True)
def triangular_solve(
    b: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False, *, out: Any = None
) -> Any:
    """Return (X, A) with A X = b for triangular A (`torch.triangular_solve`)."""
    matrix = A.mT if transpose else A
    x = solve_triangular(matrix, b, upper=upper != transpose, unitriangular=unitriangular)
    return _TriangularSolve(x, A.clone())


@public(out=True)
def qr(input: Tensor, some: bool = True, *, out: Any = None) -> Any:
    """Return (Q, R) (`torch.qr`)."""
    return _QR(*_linalg().qr(input, "reduced" if some else "complete"))


@public(out=True)
def svd(input: Tensor, some: bool = True, compute_uv: bool = True, *, out: Any = None) -> Any:
    """Return (U, S, V), V not transposed (`torch.svd`)."""
    if not compute_uv:
        rows, columns = input._array.shape[-2:]
        batch = input._array.shape[:-2]
        zeros = [wrap(np.zeros((*batch, size, size), input._array.dtype)) for size in (rows, columns)]
        return _SVD(zeros[0], _linalg().svdvals(input), zeros[1])
    u, s, vh = _linalg().svd(input, full_matrices=not some)
    return _SVD(u, s, vh.mT)


@public(out=True)
def geqrf(input: Tensor, *, out: Any = None) -> Any:
    """Return (a, tau): R and the Householder vectors in one matrix, and their factors (`torch.geqrf`)."""
    h, tau = np.linalg.qr(check_tensor(input, "geqrf")._array, "raw")
    return _Geqrf(wrap(np.ascontiguousarray(np.swapaxes(h, -1, -2))), wrap(np.ascontiguousarray(tau)))


@public(out=True)
def orgqr(input: Tensor, tau: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the product of Householder reflections (`torch.orgqr`)."""
    return _linalg().householder_product(input, tau)


@public(out=True)
def ormqr(
    input: Tensor, tau: Tensor, other: Tensor, left: bool = True, transpose: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """Return the product of the whole Q of Householder reflections, or Q^T, with a matrix (`torch.ormqr`)."""
    if check_tensor(input, "ormqr")._array.ndim < 2:
        raise RuntimeError("torch.ormqr: input must have at least 2 dimensions.")
    rows = input._array.shape[-2]
    if other._array.ndim < 2 or other._array.shape[-2 if left else -1] != rows:
        raise RuntimeError(
            f"torch.ormqr: other.shape[{-2 if left else -1}] must be equal to input.shape[-2], but got "
            f"{list(other._array.shape)} for an input of {list(input._array.shape)}"
        )
    if tau._array.shape[-1] != min(rows, input._array.shape[-1]):
        raise RuntimeError("torch.ormqr: tau.shape[-1] must be equal to min(other.shape[-2], input.shape[-1])")
    vectors = input.tril(-1) + wrap(np.eye(rows, input._array.shape[-1], dtype=input._array.dtype))
    whole = wrap(np.eye(rows, dtype=input._array.dtype)).expand(*input._array.shape[:-2], rows, rows)
    whole = reflected(vectors, tau, whole)
    q = whole.mT if transpose else whole
    return matmul(q, other) if left else matmul(other, q)


@public(method=False)
def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True, *, out: Any = None
) -> Any:
    """Return (P, L, U) of an LU decomposition in one matrix (`torch.lu_unpack`)."""
    from tinygrad_cnn.linalg.decompose import unpacked

    p, lower, upper = unpacked(LU_data, LU_pivots)
    nothing = wrap(np.zeros(0, LU_data._array.dtype))
    parts = (p if unpack_pivots else nothing, lower if unpack_data else nothing, upper if unpack_data else nothing)
    if out is not None:
        for target, part in zip(out, parts, strict=True):
            target.copy_(part)
    return _LuUnpack(*parts)


@public()
def lu(A: Tensor, pivot: bool = True, get_infos: bool = False, out: Any = None) -> Any:
    """Return (LU, pivots), with `get_infos` the places of zero pivots, too (`torch.lu`)."""
    packed, pivots, info = _linalg().lu_factor_ex(A, pivot=pivot)
    return (packed, pivots, info) if get_infos else (packed, pivots)


@public(out=True)
def lu_solve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return X with A X = b from the LU decomposition of A (`torch.lu_solve`)."""
    return _linalg().lu_solve(LU_data, LU_pivots, b)
