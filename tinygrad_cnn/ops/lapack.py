"""Singular values and eigenvalues by NumPy (LAPACK), for matrices that may hold NaN and infinities.

LAPACK's search for singular values need not end if one is infinite, so it never gets to see such a matrix.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn.core import Array


class SingularError(RuntimeError):
    """A matrix that cannot be inverted or decomposed (`torch.linalg.LinAlgError`)."""


SingularError.__name__ = SingularError.__qualname__ = "LinAlgError"


def svd(a: Array, full_matrices: bool = False, hermitian: bool = False) -> tuple[Array, Array, Array]:
    """Return (U, S, V^T) of matrices (..., M, N); all NaN for one with infinities. SingularError for one with NaN."""
    u, s, vh = _decomposed(a, full_matrices=full_matrices, hermitian=hermitian)
    return u, s, vh


def singular_values(a: Array) -> Array:
    """Return S alone, which takes less time."""
    return _decomposed(a, compute_uv=False)[0]


def _decomposed(a: Array, **options: Any) -> tuple[Array, ...]:
    """Return what NumPy's svd gives for the matrices without infinities, and NaN for the others."""
    finite = np.asarray(np.isfinite(a).all((-2, -1)))
    if not finite.all():
        _refuse_nan(a)
        a = np.where(finite[..., None, None], a, 0)
    try:
        found = np.linalg.svd(a, **options)
    except np.linalg.LinAlgError:
        raise SingularError("linalg.svd: The algorithm failed to converge.") from None
    parts = tuple(found) if options.get("compute_uv", True) else (found,)
    if not finite.all():
        for part in parts:
            part[~finite] = np.nan
    return parts


def rank(a: Array) -> Array:
    """Return how many singular values of each matrix are more than rounding, by NumPy's bound."""
    s = singular_values(a)
    return np.asarray((s > s.max(-1, keepdims=True, initial=0) * max(a.shape[-2:]) * np.finfo(a.dtype).eps).sum(-1))


def _refuse_nan(a: Array) -> None:
    """Raise SingularError, naming the first matrix of a batch that holds NaN."""
    wrong = np.asarray(np.isnan(a).any((-2, -1)))
    if wrong.any():
        batch = f"(Batch element {np.argmax(wrong.reshape(-1))}): " if wrong.ndim else ""
        raise SingularError(
            f"linalg.svd: {batch}The algorithm failed to converge because the input matrix contained non-finite values."
        )


def eigh(a: Array, triangle: Any) -> tuple[Array, Array]:
    """Return (eigenvalues rising, eigenvectors as columns) of symmetric matrices, of which one triangle is read.

    SingularError where they are not found, as may be for NaN.
    """
    try:
        values, vectors = np.linalg.eigh(a, triangle)
    except np.linalg.LinAlgError:
        raise SingularError(
            "linalg.eigh: The algorithm failed to converge because the input matrix is ill-conditioned or has too many "
            "repeated eigenvalues."
        ) from None
    return values, vectors
