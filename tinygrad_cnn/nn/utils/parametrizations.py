"""Parametrizations of weights (`torch.nn.utils.parametrizations`): weight_norm, spectral_norm; orthogonal."""

from __future__ import annotations

from typing import Any, TypeVar

from tinygrad_cnn.autograd.grad_mode import no_grad
from tinygrad_cnn.nn.functional import normalize
from tinygrad_cnn.nn.modules.module import Module
from tinygrad_cnn.nn.utils.orthogonal import orthogonal
from tinygrad_cnn.nn.utils.parametrize import register_parametrization
from tinygrad_cnn.nn.utils.spectral_norm import as_matrix, output_dim, random_unit
from tinygrad_cnn.nn.utils.weight_norm import norm_except_dim, normalized
from tinygrad_cnn.tensor import Tensor

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]

M = TypeVar("M", bound=Module)


class _WeightNorm(Module):
    """original0 (lengths) and original1 (directions) to a weight."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        """Return the directions with these lengths."""
        return normalized(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return lengths and directions."""
        return norm_except_dim(weight, 2, self.dim), weight


class _LoadOldNames:
    """Lets a state of the old `nn.utils.weight_norm` be loaded."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, state_dict: Any, prefix: str, *unused: Any) -> None:
        old = [f"{prefix}{self.name}_{end}" for end in "gv"]
        if all(key in state_dict for key in old):
            for i, key in enumerate(old):
                state_dict[f"{prefix}parametrizations.{self.name}.original{i}"] = state_dict.pop(key)


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Make the parameter `name` of lengths (original0) and directions (original1), for each slice along `dim`, or, for
    None, of the whole (Salimans and Kingma, 2016); return the module."""
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)
    module._register_load_state_dict_pre_hook(_LoadOldNames(name))
    return module


class _SpectralNorm(Module):
    """A weight divided by its largest singular value, whose singular vectors are the buffers _u and _v."""

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        ndim = weight.ndim
        if not -ndim <= dim < ndim:
            raise IndexError(f"Dimension out of range (expected to be in range of [-{ndim}, {ndim - 1}] but got {dim})")
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim = dim % ndim
        self.eps = eps
        if ndim > 1:
            self.n_power_iterations = n_power_iterations
            with no_grad():
                matrix = as_matrix(weight, self.dim)
                for name, size in zip(("_u", "_v"), matrix.shape, strict=True):
                    self.register_buffer(name, random_unit(matrix, size, eps))
            self._power_method(matrix, 15)

    def _power_method(self, matrix: Tensor, n_power_iterations: int) -> None:
        with no_grad():
            for _ in range(n_power_iterations):
                self._u.copy_(normalize(matrix.mv(self._v), dim=0, eps=self.eps))
                self._v.copy_(normalize(matrix.t().mv(self._u), dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        """Return the normalised weight; in training, first follow the singular vectors."""
        if weight.ndim == 1:  # the largest singular value of a vector is its length
            return normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._power_method(matrix, self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()
        return weight / u.dot(matrix.mv(v))

    def right_inverse(self, value: Tensor) -> Tensor:
        """Return the value: it may be large, then it is normalised."""
        return value


def spectral_norm(
    module: M, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> M:
    """Divide the parameter `name` by its largest singular value (Miyato and others, 2018); return the module.

    Arguments as in `nn.utils.spectral_norm`. ValueError if there is no such parameter or buffer.
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    normalization = _SpectralNorm(weight, n_power_iterations, output_dim(module, dim), eps)
    return register_parametrization(module, name, normalization)
