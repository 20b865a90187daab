"""Systems of linear equations, inverses and least squares."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_cnn.ops import lapack
from tinygrad_cnn.ops import lu as elimination
from tinygrad_cnn.ops.base import check_tensor
from tinygrad_cnn.ops.decompositions import Inverse, PInv, Solve
from tinygrad_cnn.ops.forms import with_out
from tinygrad_cnn.ops.matmul import matmul
from tinygrad_cnn.tensor import Tensor, wrap

from ._checks import into, matrices, named, square

_InvEx, _SolveEx = named("inv_ex", "inverse info"), named("solve_ex", "result info")
_Lstsq = named("lstsq", "solution residuals rank singular_values")


def inv(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the inverses of square matrices (`torch.linalg.inv`). LinAlgError for a singular one."""
    return into("linalg.inv", out, Inverse.apply(square("linalg.inv", A)), A)


def inv_ex(A: Tensor, *, check_errors: bool = False, out: Any = None) -> Any:
    """Return (inverse, info): info is 0, or where elimination met a zero (`torch.linalg.inv_ex`)."""
    info = _singular(square("linalg.inv_ex", A))
    if check_errors or not info.any():
        result = Inverse.apply(A)
    else:
        safe = np.where(info[..., None, None] != 0, np.eye(A._array.shape[-1]), A._array).astype(A._array.dtype)
        result = wrap(np.where(info[..., None, None] != 0, np.inf, np.linalg.inv(safe)).astype(A._array.dtype))
    pair = _InvEx(result, wrap(info))
    return into("linalg.inv_ex", out, pair, A)


def _singular(A: Tensor) -> Any:
    """Return for each matrix the place, counted from 1, of the first zero pivot; 0 if there is none."""
    return elimination.first_zero(elimination.factorized(A._array)[0])


def _is_vector(A: Tensor, B: Tensor) -> bool:
    """Whether B is a batch of vectors: one dimension, or the shape of A without its last."""
    return B._array.ndim == 1 or (B._array.ndim == A._array.ndim - 1 and B._array.shape == A._array.shape[:-1])


def solve(A: Tensor, B: Tensor, *, left: bool = True, out: Tensor | None = None) -> Tensor:
    """Return X with A X = B, or X A = B without `left` (`torch.linalg.solve`).

    B is (..., N, K), or (..., N) of vectors. LinAlgError for a singular matrix, RuntimeError for sizes that do not fit.
    """
    square("linalg.solve", A)
    check_tensor(B, "linalg.solve", "B", 2)
    vector = _is_vector(A, B)
    if vector and not left:
        raise RuntimeError("linalg.solve: Vector broadcasting of the left hand side is not supported for left=False.")
    right = B.unsqueeze(-1) if vector else B
    if not left:
        return into("linalg.solve", out, solve(A.mT, B.mT).mT, A, B)
    if right._array.shape[-2] != A._array.shape[-1]:
        raise RuntimeError(
            f"linalg.solve: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} "
            f"({A._array.shape[-2]}x{A._array.shape[-1]} and {right._array.shape[-2]}x{right._array.shape[-1]})"
        )
    x = Solve.apply(A, right)
    return into("linalg.solve", out, x.squeeze(-1) if vector else x, A, B)


def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False, out: Any = None) -> Any:
    """Return (X, info), info 0 or the place of the zero pivot (`torch.linalg.solve_ex`)."""
    info = wrap(_singular(square("linalg.solve_ex", A)))
    pair = _SolveEx(solve(A, B, left=left), info)
    return into("linalg.solve_ex", out, pair, A, B)


def solve_triangular(
    A: Tensor,
    B: Tensor,
    *,
    upper: bool,
    left: bool = True,
    unitriangular: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """Return X with A X = B (X A = B) for triangular matrices (`torch.linalg.solve_triangular`)."""
    square("linalg.solve_triangular", A)
    matrices("linalg.solve_triangular", B, "B")
    fits = A._array.shape[-1] == B._array.shape[-2 if left else -1]
    if not fits:
        raise RuntimeError(
            "linalg.solve_triangular: Incompatible shapes of A and B for the equation "
            f"{'AX = B' if left else 'XA = B'} ({A._array.shape[-2]}x{A._array.shape[-1]} and "
            f"{B._array.shape[-2]}x{B._array.shape[-1]})"
        )
    x = elimination.solve_triangular(A, B, upper=upper, left=left, unitriangular=unitriangular)
    return into("linalg.solve_triangular", out, x, A, B)


def lu_solve(
    LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False, out: Tensor | None = None
) -> Tensor:
    """Return X with A X = B from the LU decomposition of A (`torch.linalg.lu_solve`)."""
    square("linalg.lu_solve", LU, "LU")
    size = LU._array.shape[-1]
    p = wrap(elimination.permutation_matrix(pivots._array, size, LU._array.dtype))
    triangular = elimination.solve_triangular
    if not left:
        result = lu_solve(LU, pivots, B.mT, adjoint=not adjoint).mT
    elif adjoint:  # A^T = U^T L^T P^T
        y = triangular(LU.mT, B, upper=False)
        result = matmul(p, triangular(LU.mT, y, upper=True, unitriangular=True))
    else:
        y = triangular(LU, matmul(p.mT, B), upper=False, unitriangular=True)
        result = triangular(LU, y, upper=True)
    return into("linalg.lu_solve", out, result, LU, B)


def pinv(
    A: Tensor,
    rcond: Any = None,
    *,
    atol: Any = None,
    rtol: Any = None,
    hermitian: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """Return the pseudo-inverses of matrices (`torch.linalg.pinv`).

    Singular values up to max(atol, rtol * the largest) count as 0; rtol is max(M, N) eps by default.
    """
    x = matrices("linalg.pinv", A)
    rtol = rcond if rtol is None else rtol
    shape = x._array.shape
    if 0 in shape:
        empty = wrap(np.zeros((*shape[:-2], shape[-1], shape[-2]), x._array.dtype))
        return empty + x.sum() * 0 if x.requires_grad else empty
    limit = 0.0 if atol is None else _number(atol)
    relative = _number(rtol) if rtol is not None else (0.0 if atol is not None else None)
    if relative is None:
        relative = max(shape[-2:]) * float(np.finfo(x._array.dtype).eps)
    return into("linalg.pinv", out, PInv.apply(x, atol=limit, rtol=relative, hermitian=hermitian), A)


def _number(value: Any) -> Any:
    return value._array[..., None] if isinstance(value, Tensor) and value._array.ndim else float(value)


@with_out
def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None, out: Any = None) -> Any:
    """Return (solution, residuals, rank, singular_values) of the least squares problem min |A X - B|
    (`torch.linalg.lstsq`).

    Solved by the pseudo-inverse whatever the `driver`; rank and singular values are given where PyTorch's driver does.
    """
    matrices("torch.linalg.lstsq", A, "input")
    if driver is not None and driver not in ("gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError(
            f"torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss), not {driver}"
        )
    driver = "gelsy" if driver is None else driver
    vector = _is_vector(A, B)
    right = B.unsqueeze(-1) if vector else B
    rows, columns = A._array.shape[-2:]
    if right._array.shape[-2] != rows:
        raise RuntimeError(f"torch.linalg.lstsq: input.size(-2) should match other.size({'-1' if vector else '-2'})")
    relative = max(rows, columns) * float(np.finfo(A._array.dtype).eps) if rcond is None else rcond
    solution = matmul(pinv(A, rtol=relative), right)
    rank = np.asarray(lapack.rank(A._array), np.int64)
    empty = wrap(np.zeros(0, A._array.dtype))
    residuals = empty
    if rows > columns and driver != "gelsy" and (rank == columns).all():
        error = matmul(A, solution) - right
        residuals = (error * error).sum(-2)
    values = wrap(lapack.singular_values(A._array)) if driver in ("gelsd", "gelss") else empty
    ranks = wrap(rank) if driver != "gels" else wrap(np.zeros(0, np.int64))
    return _Lstsq(solution.squeeze(-1) if vector else solution, residuals, ranks, values)


def tensorinv(A: Tensor, ind: int = 2, *, out: Tensor | None = None) -> Tensor:
    """Return the inverse of a tensor as a map from its last dimensions to its first (`torch.linalg.tensorinv`)."""
    shape = check_tensor(A, "linalg.tensorinv")._array.shape
    if ind <= 0:
        raise RuntimeError("Expected a strictly positive integer for 'ind'")
    first, last = shape[:ind], shape[ind:]
    if math.prod(first) != math.prod(last):
        raise RuntimeError("Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), "
                           f"but got {math.prod(last)} != {math.prod(first)}")  # fmt: skip
    return into("linalg.tensorinv", out, inv(A.reshape(math.prod(first), -1)).reshape(*last, *first), A)


def tensorsolve(A: Tensor, B: Tensor, dims: Any = None, *, out: Tensor | None = None) -> Tensor:
    """Return X with tensordot(A, X, X.ndim) = B (`torch.linalg.tensorsolve`)."""
    x = check_tensor(A, "linalg.tensorsolve")
    if dims is not None:
        x = x.movedim(list(dims), [x._array.ndim - len(dims) + i for i in range(len(dims))])
    shape = x._array.shape[B._array.ndim :]
    size = math.prod(shape)
    if size != B._array.size:
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), "
            f"but got {size} != {B._array.size}"
        )
    return into("linalg.tensorsolve", out, solve(x.reshape(-1, size), B.reshape(-1)).reshape(shape), A, B)
