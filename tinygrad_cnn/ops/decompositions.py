"""Decompositions of matrices by NumPy (LAPACK), with their derivatives: inverse, solve, determinant, Cholesky, QR, SVD,
symmetric eigenvalues, pseudo-inverse. All take batches (..., M, N).

The derivatives are those of Giles, "An extended collection of matrix derivative results" (2008), and of Walter and
Lehmann, "Algorithmic differentiation of linear algebra functions" (2010, for QR). A gradient of F(A) = X is written
with G = dL/dX; `mT` is the transpose.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.tensor import Tensor, wrap

from . import lapack
from .lapack import SingularError
from .matmul import matmul


def identity_like(x: Tensor, size: int) -> Tensor:
    """Return the identity matrix in the dtype of x."""
    return wrap(np.eye(size, dtype=x._array.dtype))


def tied(result: Tensor, x: Tensor) -> Tensor:
    """Return a result that does not depend on x with a place in its graph, as PyTorch's has: gradient zero."""
    if not x.requires_grad or result.requires_grad:
        return result
    return result + x.masked_fill(wrap(np.ones((), np.bool_)), 0).sum()


def reflected(vectors: Tensor, tau: Tensor, start: Tensor) -> Tensor:
    """Return the product of the reflections I - tau_i v_i v_i^T, v_i the columns of `vectors`, and of `start`."""
    for i in range(tau._array.shape[-1] - 1, -1, -1):
        v = vectors[..., :, i : i + 1]
        start = start - v * tau[..., i, None, None] * matmul(v.mT, start)
    return start


def _tril(x: Tensor, diagonal: float) -> Tensor:
    """Return the lower triangle with the diagonal multiplied by a factor."""
    size = x._array.shape[-1]
    mask = np.tril(np.ones((size, size)), -1) + diagonal * np.eye(size)
    return x * wrap(mask.astype(x._array.dtype))


class Inverse(Operation):
    """A^-1."""

    grad_name = "LinalgInvExBackward0"

    def forward(self, a: Any) -> Any:
        """Invert; a singular matrix raises."""
        try:
            y = np.linalg.inv(a)
        except np.linalg.LinAlgError:
            raise SingularError(
                "linalg.inv: The diagonal element is zero, the inversion could not be completed because the input "
                "matrix is singular."
            ) from None
        self.save_for_backward(y)
        return y

    def backward(self, grad: Tensor) -> Tensor:
        """dX = -X dA X, so the gradient is -X^T G X^T."""
        (y,) = self.saved_tensors
        return -matmul(matmul(y.mT, grad), y.mT)


class Solve(Operation):
    """X with A X = B, B of matrices."""

    grad_name = "LinalgSolveExBackward0"

    def forward(self, a: Any, b: Any) -> Any:
        """Solve; a singular matrix raises."""
        try:
            x = np.linalg.solve(a, b)
        except np.linalg.LinAlgError:
            raise SingularError("torch.linalg.solve: The solver failed because the input matrix is singular.") from None
        self.save_for_backward(a, x)
        return x

    def backward(self, grad: Tensor) -> Any:
        """For B: A^-T G; for A: minus that times X^T."""
        a, x = self.saved_tensors
        by_b = Solve.apply(a.mT, grad)
        return -matmul(by_b, x.mT) if self.needs_input_grad[0] else None, by_b


class Det(Operation):
    """The determinant."""

    grad_name = "LinalgDetBackward0"

    def forward(self, a: Any) -> Any:
        """Compute."""
        with np.errstate(invalid="ignore"):
            y = np.asarray(np.linalg.det(a), a.dtype)
        self.save_for_backward(a, y)
        return y

    def backward(self, grad: Tensor) -> Tensor:
        """The gradient of a determinant is the matrix of cofactors, det(A) A^-T."""
        a, y = self.saved_tensors
        if (lapack.rank(a._array) == a._array.shape[-1]).all():
            return (grad * y).unsqueeze(-1).unsqueeze(-1) * Inverse.apply(a).mT
        return Cofactors.apply(a) * grad.unsqueeze(-1).unsqueeze(-1)


class Cofactors(Operation):
    """The matrix of cofactors of matrices that may be singular: of U S V^T, det(U) det(V) U (products of the other
    singular values) V^T."""

    grad_name = "LinalgDetBackward0"

    def forward(self, a: Any) -> Any:
        """Compute."""
        u, s, vh = lapack.svd(a)
        n = s.shape[-1]
        others = np.stack([np.prod(np.delete(s, i, -1), -1) for i in range(n)], -1)
        sign = np.linalg.det(u) * np.linalg.det(vh)
        return np.asarray((sign[..., None, None] * u * others[..., None, :]) @ vh, a.dtype)


class SlogDet(Operation):
    """(sign, log|det|)."""

    grad_name = "LinalgSlogdetBackward0"

    def forward(self, a: Any) -> Any:
        """Compute."""
        sign, logabsdet = np.linalg.slogdet(a)
        self.save_for_backward(a)
        return np.asarray(sign, a.dtype), np.asarray(logabsdet, a.dtype)

    def backward(self, sign: Any, grad: Any) -> Any:
        """d log|det A| = tr(A^-1 dA); the sign is constant."""
        if grad is None:
            return None
        (a,) = self.saved_tensors
        return grad.unsqueeze(-1).unsqueeze(-1) * Inverse.apply(a).mT


def not_positive(a: Any) -> Any:
    """Return for each matrix the order of its first minor that is not positive, or NaN; 0 where there is none.

    Only the lower triangle is read.
    """
    info = np.zeros(a.shape[:-2], np.int32)
    for index in np.ndindex(*info.shape):
        if not _is_positive(a[index]):
            size = a.shape[-1]
            info[index] = next(k for k in range(1, size + 1) if not _is_positive(a[index][:k, :k]))
    return info


def _is_positive(matrix: Any) -> bool:
    try:
        return not np.isnan(np.linalg.cholesky(matrix)).any()
    except np.linalg.LinAlgError:
        return False


class Cholesky(Operation):
    """The lower triangular L with L L^T = A, of which the lower triangle is read."""

    grad_name = "LinalgCholeskyExBackward0"

    def forward(self, a: Any) -> Any:
        """Decompose; a matrix that is not positive definite raises."""
        info = not_positive(a)
        if info.any():
            index = tuple(map(int, np.argwhere(info)[0]))  # () of a single matrix
            batch = f"(Batch element {np.ravel_multi_index(index, info.shape)}): " if info.ndim else ""
            raise SingularError(
                f"linalg.cholesky: {batch}The factorization could not be completed because the input is not "
                f"positive-definite (the leading minor of order {info[index]} is not positive-definite)."
            )
        y = np.linalg.cholesky(a)
        self.save_for_backward(y)
        return y

    def backward(self, grad: Tensor) -> Tensor:
        """L^-T P L^-1, made symmetric, where P is the lower triangle of L^T G with half its diagonal."""
        (y,) = self.saved_tensors
        p = _tril(matmul(y.mT, grad), 0.5)
        inner = Solve.apply(y.mT, Solve.apply(y.mT, p.mT).mT)
        return (inner + inner.mT) * 0.5


class QR(Operation):
    """(Q, R) of A with M >= N, Q of orthonormal columns, R upper triangular."""

    grad_name = "LinalgQrBackward0"

    def forward(self, a: Any) -> Any:
        """Decompose."""
        q, r = np.linalg.qr(a)
        self.save_for_backward(q, r)
        return q, r

    def backward(self, grad_q: Any, grad_r: Any) -> Tensor:
        """(Gq + Q copyltu(R Gr^T - Gq^T Q)) R^-T, copyltu: the lower triangle mirrored up."""
        q, r = self.saved_tensors
        m: Any = 0
        if grad_r is not None:
            m = matmul(r, grad_r.mT)
        if grad_q is not None:
            m = m - matmul(grad_q.mT, q)
        low = _tril(m, 1)
        symmetric = low + _tril(m, 0).mT
        inner = matmul(q, symmetric)
        inner = inner if grad_q is None else inner + grad_q
        return Solve.apply(r, inner.mT).mT


class SVD(Operation):
    """(U, S, V^T) with A = U diag(S) V^T, S falling; reduced: K = min(M, N) columns."""

    grad_name = "LinalgSvdBackward0"

    def forward(self, a: Any) -> Any:
        """Decompose."""
        u, s, vh = lapack.svd(a)
        self.save_for_backward(u, s, vh)
        return u, np.ascontiguousarray(s), vh

    def backward(self, grad_u: Any, grad_s: Any, grad_vh: Any) -> Tensor:
        """U (E o (skew(U^T Gu)) S + S (E o skew(V^T Gv)) + diag(Gs)) V^T, and what leaves the spans of U and V.

        E_ij = 1 / (s_j^2 - s_i^2) off the diagonal; skew(X) = X - X^T. It is defined where the singular values differ
        and, for columns beyond the square part, where they are not 0.
        """
        u, s, vh = self.saved_tensors
        k = s._array.shape[-1]
        if grad_u is None and grad_vh is None:
            return matmul(u * grad_s.unsqueeze(-2), vh)
        squares = s * s
        gaps = squares.unsqueeze(-2) - squares.unsqueeze(-1)
        diagonal = wrap(np.eye(k, dtype=np.bool_))
        e = gaps.masked_fill(diagonal, 1).reciprocal().masked_fill(diagonal, 0)
        inner: Any = _diagonal(grad_s) if grad_s is not None else 0
        if grad_u is not None:
            x = matmul(u.mT, grad_u)
            inner = inner + e * (x - x.mT) * s.unsqueeze(-2)
        if grad_vh is not None:
            x = matmul(vh, grad_vh.mT)
            inner = inner + s.unsqueeze(-1) * (e * (x - x.mT))
        result = matmul(matmul(u, inner), vh)
        if grad_u is not None and u._array.shape[-2] > k:
            outside = grad_u / s.unsqueeze(-2)
            result = result + matmul(outside - matmul(u, matmul(u.mT, outside)), vh)
        if grad_vh is not None and vh._array.shape[-1] > k:
            outside = grad_vh / s.unsqueeze(-1)
            result = result + matmul(u, outside - matmul(matmul(outside, vh.mT), vh))
        return result


def _diagonal(x: Tensor) -> Tensor:
    from .matrices import diag_embed

    return diag_embed(x)


class Eigh(Operation):
    """(eigenvalues rising, orthonormal eigenvectors as columns) of symmetric matrices; one triangle is read."""

    grad_name = "LinalgEighBackward0"

    def forward(self, a: Any, triangle: Any) -> Any:
        """Decompose."""
        values, vectors = lapack.eigh(a, triangle)
        self.save_for_backward(values, vectors)
        return np.ascontiguousarray(values), vectors

    def backward(self, grad_values: Any, grad_vectors: Any) -> Tensor:
        """V (diag(Gl) + E o (V^T Gv)) V^T, E_ij = 1 / (l_j - l_i) off the diagonal."""
        values, vectors = self.saved_tensors
        inner: Any = _diagonal(grad_values) if grad_values is not None else 0
        if grad_vectors is not None:
            diagonal = wrap(np.eye(values._array.shape[-1], dtype=np.bool_))
            gaps = values.unsqueeze(-2) - values.unsqueeze(-1)
            e = gaps.masked_fill(diagonal, 1).reciprocal().masked_fill(diagonal, 0)
            inner = inner + e * matmul(vectors.mT, grad_vectors)
        return matmul(matmul(vectors, inner), vectors.mT)


class PInv(Operation):
    """The pseudo-inverse A+; singular values up to max(atol, rtol * the largest) count as 0."""

    grad_name = "LinalgPinvBackward0"

    def forward(self, a: Any, atol: float, rtol: float, hermitian: bool) -> Any:
        """Compute by the singular value decomposition."""
        u, s, vh = lapack.svd(a, hermitian=hermitian)
        largest = s.max(-1, keepdims=True, initial=0)
        kept = s > np.maximum(atol, rtol * largest)
        inverse = np.where(kept, 1 / np.where(kept, s, 1), 0).astype(a.dtype)
        y = np.swapaxes(vh, -1, -2) @ (inverse[..., None] * np.swapaxes(u, -1, -2))
        self.save_for_backward(a, y)
        return y

    def backward(self, grad: Tensor) -> Tensor:
        """-X^T G X^T + (I - A X) G^T X X^T + X^T X G^T (I - X A), for X = A+ and matrices of constant rank (Golub and
        Pereyra, 1973)."""
        a, x = self.saved_tensors
        rows, columns = [identity_like(a, size) for size in a._array.shape[-2:]]
        first = -matmul(matmul(x.mT, grad), x.mT)
        second = matmul(matmul(rows - matmul(a, x), grad.mT), matmul(x, x.mT))
        third = matmul(matmul(x.mT, x), matmul(grad.mT, columns - matmul(x, a)))
        return first + second + third
