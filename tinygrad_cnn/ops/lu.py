"""Gaussian elimination with partial pivoting, A = P L U, and triangular systems: NumPy has neither."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.tensor import Tensor, wrap

from .joining import cat
from .matmul import matmul


def factorized(a: Any) -> tuple[Any, Any]:
    """Return (LU in one matrix, pivots): row k was swapped with row pivots[k] (counted from 1, as LAPACK's getrf)."""
    lu = np.array(a, copy=True)
    rows, columns = lu.shape[-2:]
    steps = min(rows, columns)
    flat = lu.reshape(math.prod(lu.shape[:-2]), rows, columns)
    pivots = np.empty((flat.shape[0], steps), np.int32)
    batch = np.arange(flat.shape[0])
    for k in range(steps):
        best = k + np.argmax(np.abs(flat[:, k:, k]), 1) if flat.size else np.zeros(0, np.int64)
        pivots[:, k] = best + 1
        held = flat[batch, best].copy()
        flat[batch, best] = flat[:, k]
        flat[:, k] = held
        pivot = flat[:, k, k]
        safe = np.where(pivot == 0, 1, pivot)
        flat[:, k + 1 :, k] /= safe[:, None]
        flat[:, k + 1 :, k + 1 :] -= flat[:, k + 1 :, k, None] * flat[:, k, None, k + 1 :]
    return flat.reshape(lu.shape), pivots.reshape(*lu.shape[:-2], steps)


def first_zero(lu: Any) -> Any:
    """Return for each decomposed matrix the place, counted from 1, of the first zero pivot; 0 if there is none."""
    zero = np.diagonal(lu, 0, -2, -1) == 0
    if zero.size == 0:
        return np.zeros(zero.shape[:-1], np.int32)
    return np.asarray(np.where(zero.any(-1), zero.argmax(-1) + 1, 0), np.int32)


def permutation(pivots: Any, size: int) -> Any:
    """Return the order of rows, perm with (P^T A)[i] = A[perm[i]], that a list of swaps makes."""
    flat = pivots.reshape(math.prod(pivots.shape[:-1]), pivots.shape[-1])
    order = np.tile(np.arange(size), (flat.shape[0], 1))
    for row, swaps in zip(order, flat, strict=True):
        for k, other in enumerate(swaps):
            row[k], row[other - 1] = row[other - 1], row[k]
    return order.reshape(*pivots.shape[:-1], size)


def permutation_matrix(pivots: Any, size: int, numpy_dtype: Any) -> Any:
    """Return P with A = P L U."""
    order = permutation(pivots, size)
    matrix = np.zeros((*order.shape[:-1], size, size), numpy_dtype)
    np.put_along_axis(matrix, order[..., None, :], 1, -2)
    return matrix


class LU(Operation):
    """L and U in one matrix, the ones on the diagonal of L left out; the pivots are not differentiable."""

    grad_name = "LinalgLuFactorExBackward0"
    not_differentiable = (1,)

    def forward(self, a: Any) -> Any:
        """Decompose."""
        lu, pivots = factorized(a)
        self.pivots = pivots
        self.save_for_backward(lu)
        return lu, pivots

    def backward(self, grad: Tensor, *rest: Any) -> Tensor:
        """P L^-T (tril(L^T Gl, -1) + triu(Gu U^T)) U^-T for square matrices; wide and tall ones by their square part.

        For A = [A1 | A2] (wide), U2 = L^-1 P^T A2 adds to the gradient of L and gives A2's; tall ones likewise.
        """
        (lu,) = self.saved_tensors
        rows, columns = lu._array.shape[-2:]
        k = min(rows, columns)
        square = lu[..., :k, :k]
        lower = square.tril(-1) + wrap(np.eye(k, dtype=lu._array.dtype))
        upper = square.triu()
        g = grad[..., :k, :k]
        inner = matmul(lower.mT, g.tril(-1)).tril(-1) + matmul(g.triu(), upper.mT).triu()
        if columns > k:
            wide, more = lu[..., :, k:], grad[..., :, k:]
            inner = inner - matmul(more, wide.mT).tril(-1)
            side = solve_triangular(lower.mT, more, upper=True, unitriangular=True)
        if rows > k:
            tall, more = lu[..., k:, :], grad[..., k:, :]
            inner = inner - matmul(tall.mT, more).triu()
            below = solve_triangular(upper.mT, more, upper=False, left=False)
        left = solve_triangular(lower.mT, inner, upper=True, unitriangular=True)
        whole = solve_triangular(upper.mT, left, upper=False, left=False)
        if columns > k:
            whole = cat([whole, side], -1)
        if rows > k:
            whole = cat([whole, below], -2)
        p = wrap(permutation_matrix(self.pivots, rows, lu._array.dtype))
        return matmul(p, whole)


class SolveTriangular(Operation):
    """X with A X = B for triangular A."""

    grad_name = "LinalgSolveTriangularBackward0"

    def forward(self, a: Any, b: Any, upper: bool, unit: bool) -> Any:
        """Substitute, a row at a time."""
        self.upper, self.unit = upper, unit
        size = a.shape[-1]
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        x = np.array(np.broadcast_to(b, (*batch, *b.shape[-2:])), a.dtype)
        with np.errstate(all="ignore"):
            for i in range(size - 1, -1, -1) if upper else range(size):
                known = slice(i + 1, size) if upper else slice(0, i)
                x[..., i, :] -= (a[..., i : i + 1, known] @ x[..., known, :])[..., 0, :]
                if not unit:
                    x[..., i, :] /= a[..., i, i, None]
        self.save_for_backward(a, x)
        return x

    def backward(self, grad: Tensor) -> Any:
        """For B: A^-T G; for A: the triangle of minus that times X^T."""
        a, x = self.saved_tensors
        by_b = SolveTriangular.apply(a.mT, grad, upper=not self.upper, unit=self.unit)
        by_a = None
        if self.needs_input_grad[0]:
            by_a = -matmul(by_b, x.mT)
            skip = int(self.unit)
            by_a = by_a.triu(skip) if self.upper else by_a.tril(-skip)
        return by_a, by_b


def solve_triangular(a: Tensor, b: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    """Return X with A X = B, or X A = B without `left`, for triangular A (`torch.linalg.solve_triangular`)."""
    if not left:
        return solve_triangular(a.mT, b.mT, upper=not upper, unitriangular=unitriangular).mT
    return SolveTriangular.apply(a, b, upper=upper, unit=unitriangular)
