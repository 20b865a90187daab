"""Orthogonal weights as functions of free ones: `parametrizations.orthogonal`."""

from __future__ import annotations

from typing import Any, TypeVar

from tinygrad_cnn.autograd.grad_mode import no_grad
from tinygrad_cnn.limits import finfo
from tinygrad_cnn.linalg import householder_product, matrix_exp, solve
from tinygrad_cnn.nn.modules.module import Module
from tinygrad_cnn.nn.utils.parametrize import register_parametrization
from tinygrad_cnn.ops.comparison import allclose
from tinygrad_cnn.ops.joining import cat
from tinygrad_cnn.ops.linear_algebra import geqrf
from tinygrad_cnn.random import randn
from tinygrad_cnn.sequences import eye
from tinygrad_cnn.tensor import Tensor

__all__ = ["orthogonal"]

M = TypeVar("M", bound=Module)
MAPS = ("matrix_exp", "cayley", "householder")


def _identity(size: int, like: Tensor) -> Tensor:
    return eye(size, dtype=like.dtype)


def _diagonal(matrix: Tensor) -> Tensor:
    return matrix.diagonal(dim1=-2, dim2=-1)


def _is_orthogonal(q: Tensor) -> bool:
    rows, columns = q.shape[-2:]
    return allclose(q.mT @ q, _identity(columns, q), atol=10.0 * rows * finfo(q.dtype).eps)


def _orthogonalized(a: Tensor) -> Tensor:
    """Return the Q of the QR decomposition whose R has a positive diagonal."""
    reflections, tau = geqrf(a)
    return householder_product(reflections, tau) * _diagonal(reflections).sign().unsqueeze(-2)


class _Orthogonal(Module):
    """Any matrix to an orthogonal one, of a wide matrix to orthogonal rows; `base`, if there, times what the map gives,
    so that training starts where the weight was."""

    base: Tensor | None

    def __init__(self, weight: Tensor, orthogonal_map: str, *, use_trivialization: bool = True) -> None:
        super().__init__()
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Tensor) -> Tensor:
        """Return a matrix (..., n, k) with orthogonal columns, or rows if n < k."""
        wide = X.size(-2) < X.size(-1)
        x = X.mT if wide else X
        q = self._reflected(x) if self.orthogonal_map == "householder" else self._turned(x)
        if "base" in self._buffers:
            q = self.base @ q
        return q.mT if wide else q

    def _turned(self, x: Tensor) -> Tensor:
        """The rotation that an antisymmetric matrix generates: its exponential, or Cayley's rational form of it."""
        rows, columns = x.shape[-2:]
        lower = x.tril()
        if rows != columns:
            lower = cat([lower, x.new_zeros(*x.shape[:-2], rows, rows - columns)], -1)
        generator = lower - lower.mT
        if self.orthogonal_map == "matrix_exp":
            return matrix_exp(generator)[..., :columns]
        one = _identity(rows, x)
        return solve(one - 0.5 * generator, one + 0.5 * generator)[..., :columns]

    @staticmethod
    def _reflected(x: Tensor) -> Tensor:
        """A product of Householder reflections, with the signs that are on the diagonal."""
        below = x.tril(diagonal=-1)
        tau = 2.0 / (1.0 + (below * below).sum(dim=-2))
        return householder_product(below, tau) * _diagonal(x).int().unsqueeze(-2)

    def right_inverse(self, Q: Tensor) -> Tensor:
        """Return what gives Q, made orthogonal if it is not. ValueError for another shape, NotImplementedError for the
        maps that cannot be inverted without a base."""
        if Q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {Q.shape}."
            )
        with no_grad():
            wide = Q.size(-2) < Q.size(-1)
            q = Q.mT if wide else Q
            if "base" not in self._buffers:
                reflections = self._reflections(q)
                return reflections.mT if wide else reflections
            rows, columns = q.shape[-2:]
            if rows != columns:
                q = cat([q, randn(*q.shape[:-2], rows, rows - columns, dtype=q.dtype)], -1)
            self.base = q.clone() if rows == columns and _is_orthogonal(q) else _orthogonalized(q)
            # With minus ones on the diagonal every map gives the identity: the reflections then turn no sign.
            start = Q.new_zeros(Q.shape)
            _diagonal(start).fill_(-1.0)
            return start

    def _reflections(self, q: Tensor) -> Tensor:
        if self.orthogonal_map != "householder":
            raise NotImplementedError(
                "It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
                "use_trivialization=False."
            )
        reflections, tau = geqrf(q)
        signs = _diagonal(reflections).sign()
        signs[tau == 0.0] *= -1
        _diagonal(reflections).copy_(signs)
        return reflections


def orthogonal(
    module: M, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> M:
    """Keep the matrix `name` (..., n, k) orthogonal while it is trained; return the module.

    orthogonal_map: how it follows from free numbers: 'matrix_exp' (None, if n = k), 'cayley' or 'householder' (None, if
    not). use_trivialization: relative to where it starts (Lezcano-Casado, 2019). ValueError for an unknown map, or a
    parameter that is not there or no matrix.
    """
    weight: Any = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.size(-2) == weight.size(-1) else "householder"
    if orthogonal_map not in MAPS:
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    turned = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    return register_parametrization(module, name, turned, unsafe=True)
