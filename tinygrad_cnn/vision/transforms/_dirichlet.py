"""Dirichlet numbers as PyTorch draws them: gamma numbers by Marsaglia and Tsang's method, over their sum."""

from __future__ import annotations

import math

import numpy as np

import tinygrad_cnn as torch
from tinygrad_cnn.tensor import Tensor

__all__ = ["sample_dirichlet"]


# PyTorch writes these constants in single precision.
_THIRD, _SQUEEZE = float(np.float32(1) / np.float32(3)), float(np.float32(0.0331))


def _double() -> Tensor:
    return torch.empty(1, dtype=torch.float64)


def _sample_gamma(alpha: float) -> float:
    """Draw a gamma number (Marsaglia and Tsang, A simple method for generating gamma variables, 2000).

    Below 1 the one of alpha + 1 is drawn, times a uniform number to the power of 1 / alpha.
    """
    scale = 1.0
    if alpha < 1.0:
        if alpha == 0.0:
            return 0.0
        scale = (1.0 - _double().uniform_().item()) ** (1.0 / alpha)
        alpha += 1.0
    d = alpha - _THIRD
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        x = float(_double().normal_().item())
        y = 1.0 + c * x
        if y <= 0:
            continue
        v = y * y * y
        u = 1.0 - _double().uniform_().item()
        if u < 1.0 - _SQUEEZE * (x * x) * (x * x) or math.log(u) < 0.5 * x * x + d * (1.0 - v + math.log(v)):
            return scale * d * v


def sample_dirichlet(alpha: Tensor) -> Tensor:
    """Return positive numbers of alpha's shape and dtype whose sum over the last dimension is 1."""
    concentrations = alpha.numpy()
    draws = [max(np.finfo(np.float64).tiny, _sample_gamma(float(value))) for value in concentrations.reshape(-1)]
    gammas = np.array(draws).reshape(concentrations.shape)
    return torch.from_numpy((gammas / gammas.sum(-1, keepdims=True)).astype(concentrations.dtype))
