"""Decompositions: Cholesky, LU, QR, singular values, eigenvalues of symmetric matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn.ops import lapack
from tinygrad_cnn.ops import lu as elimination
from tinygrad_cnn.ops.decompositions import QR, SVD, Cholesky, Eigh, identity_like, not_positive, reflected, tied
from tinygrad_cnn.ops.joining import cat
from tinygrad_cnn.ops.matmul import matmul
from tinygrad_cnn.tensor import Tensor, wrap

from ._checks import into, matrices, named, square

_QR, _SVD, _Eigh = named("qr", "Q R"), named("svd", "U S Vh"), named("eigh", "eigenvalues eigenvectors")
_LU, _LUFactor = named("lu", "P L U"), named("lu_factor", "LU pivots")
_LUFactorEx, _CholeskyEx = named("lu_factor_ex", "LU pivots info"), named("cholesky_ex", "L info")


def cholesky(A: Tensor, *, upper: bool = False, out: Tensor | None = None) -> Tensor:
    """Return L, lower triangular, with L L^T = A positive definite (`torch.linalg.cholesky`).

    Only the lower triangle is read; upper: U with U^T U = A, from the upper triangle. LinAlgError for a matrix that is
    not positive definite.
    """
    x = square("linalg.cholesky", A)
    y = Cholesky.apply(x.mT if upper else x)
    return into("linalg.cholesky", out, y.mT if upper else y, A)


def cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: bool = False, out: Any = None) -> Any:
    """Return (L, info), info the order of the first minor that is not positive or 0 (`torch.linalg.cholesky_ex`)."""
    array = square("linalg.cholesky_ex", A)._array
    info = not_positive(np.swapaxes(array, -1, -2) if upper else array)
    if check_errors or not info.any():
        y = cholesky(A, upper=upper)
    else:
        safe = wrap(np.where(info[..., None, None] == 0, array, np.eye(array.shape[-1])).astype(array.dtype))
        y = cholesky(safe, upper=upper)
    return into("linalg.cholesky_ex", out, _CholeskyEx(y, wrap(info)), A)


def qr(A: Tensor, mode: str = "reduced", *, out: Any = None) -> Any:
    """Return (Q, R): `mode` 'reduced', 'complete' (square Q) or 'r' (Q empty) (`torch.linalg.qr`).

    Differentiable as PyTorch's: 'complete' of tall matrices and 'r' are not.
    """
    x = matrices("linalg.qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    rows, columns = x._array.shape[-2:]
    if mode == "r":
        if x.requires_grad:
            raise RuntimeError(
                "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use "
                "linalg.qr(A, mode='reduced') if you are going to require gradients."
            )
        pair = _QR(wrap(np.zeros(0, x._array.dtype)), wrap(np.linalg.qr(x._array, "r")))
    elif mode == "complete" and rows > columns:
        if x.requires_grad:
            raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols")
        pair = _QR(*[wrap(part) for part in np.linalg.qr(x._array, "complete")])
    elif rows < columns:  # the square part decides; the rest of R is Q^T times the rest of A
        q, r = QR.apply(x[..., :, :rows])
        pair = _QR(q, cat([r, matmul(q.mT, x[..., :, rows:])], -1))
    else:
        pair = _QR(*QR.apply(x))
    return into("linalg.qr", out, pair, A)


def svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None, out: Any = None) -> Any:
    """Return (U, S, Vh), A = U diag(S) Vh, singular values falling (`torch.linalg.svd`).

    The gradient exists where singular values differ, and is that of the reduced matrices: the columns that
    `full_matrices` adds are not differentiable.
    """
    x = matrices("linalg.svd", A)
    u, s, vh = SVD.apply(x)
    if full_matrices:
        whole_u, _, whole_vh = lapack.svd(x._array, full_matrices=True)
        k = s._array.shape[-1]
        if whole_u.shape[-1] > k:
            u = cat([u, wrap(np.ascontiguousarray(whole_u[..., k:]))], -1)
        if whole_vh.shape[-2] > k:
            vh = cat([vh, wrap(np.ascontiguousarray(whole_vh[..., k:, :]))], -2)
    return into("linalg.svd", out, _SVD(u, s, vh), A)


def svdvals(A: Tensor, *, driver: str | None = None, out: Tensor | None = None) -> Tensor:
    """Return the singular values, falling (`torch.linalg.svdvals`)."""
    return into("linalg.svdvals", out, SVD.apply(matrices("linalg.svdvals", A))[1], A)


def eigh(A: Tensor, UPLO: str = "L", *, out: Any = None) -> Any:
    """Return (eigenvalues rising, eigenvectors as columns) of symmetric matrices (`torch.linalg.eigh`).

    `UPLO` says which triangle is read. The gradient of the vectors exists where eigenvalues differ.
    """
    x = square("linalg.eigh", A)
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return into("linalg.eigh", out, _Eigh(*Eigh.apply(x, triangle=UPLO.upper())), A)


def eigvalsh(A: Tensor, UPLO: str = "L", *, out: Tensor | None = None) -> Tensor:
    """Return the eigenvalues, rising, of symmetric matrices (`torch.linalg.eigvalsh`)."""
    return into("linalg.eigvalsh", out, eigh(A, UPLO)[0], A)


def eig(A: Tensor, *, out: Any = None) -> Any:
    """Raise NotImplementedError: eigenvalues of general matrices are complex, which no tensor here is."""
    raise NotImplementedError(
        "linalg.eig: eigenvalues of general matrices are complex numbers, which do not exist here; linalg.eigh has "
        "those of symmetric matrices"
    )


def eigvals(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Raise NotImplementedError: eigenvalues of general matrices are complex, which no tensor here is."""
    return eig(A)


def lu(A: Tensor, *, pivot: bool = True, out: Any = None) -> Any:
    """Return (P, L, U) with A = P L U (`torch.linalg.lu`); without pivots is for GPUs alone."""
    x = matrices("linalg.lu", A)
    if not pivot:
        raise RuntimeError("linalg.lu: LU without pivoting is not implemented on the CPU")
    packed, pivots = elimination.LU.apply(x)
    return into("linalg.lu", out, _LU(*unpacked(packed, pivots)), A)


def unpacked(packed: Tensor, pivots: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return (P, L, U) of LU in one matrix and its pivots (`torch.lu_unpack`)."""
    rows, columns = packed._array.shape[-2:]
    k = min(rows, columns)
    lower = packed[..., :, :k].tril(-1) + wrap(np.eye(rows, k, dtype=packed._array.dtype))
    p = wrap(elimination.permutation_matrix(pivots._array, rows, packed._array.dtype))
    return p, lower, packed[..., :k, :].triu()


def lu_factor(A: Tensor, *, pivot: bool = True, out: Any = None) -> Any:
    """Return (LU, pivots): L and U in one matrix, and the row that each row was swapped with, from 1
    (`torch.linalg.lu_factor`)."""
    x = matrices("linalg.lu_factor", A)
    if not pivot:
        raise RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")
    return into("linalg.lu_factor", out, _LUFactor(*elimination.LU.apply(x)), A)


def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False, out: Any = None) -> Any:
    """Return (LU, pivots, info), info the place of a zero pivot or 0 (`torch.linalg.lu_factor_ex`)."""
    packed, pivots = lu_factor(A, pivot=pivot)
    return into("linalg.lu_factor_ex", out, _LUFactorEx(packed, pivots, wrap(elimination.first_zero(packed._array))), A)


def householder_product(A: Tensor, tau: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the first columns of the product of Householder reflections I - tau v v^T, v the columns of A below ones
    on the diagonal (`torch.linalg.householder_product`)."""
    x = matrices("linalg.householder_product", A)
    rows, columns = x._array.shape[-2:]
    if rows < columns:
        raise RuntimeError("torch.linalg.householder_product: input.shape[-2] must be greater than or equal to "
                           "input.shape[-1]")  # fmt: skip
    vectors = x.tril(-1) + wrap(np.eye(rows, columns, dtype=x._array.dtype))
    product = identity_like(x, rows)[:, :columns].expand(*x._array.shape[:-2], rows, columns)
    product = reflected(vectors, tau, product)
    return into("linalg.householder_product", out, tied(product, x), A, tau)
