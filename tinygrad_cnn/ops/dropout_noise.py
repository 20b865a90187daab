"""Dropout of whole channels, and dropout that keeps mean and variance of SELU's outputs; PyTorch's random numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.random.in_place import bernoulli_
from tinygrad_cnn.tensor import Tensor, wrap

from .base import check_tensor, scalar_name

__all__ = [
    "alpha_dropout",
    "alpha_dropout_",
    "exact_dropout",
    "feature_alpha_dropout",
    "feature_alpha_dropout_",
    "feature_dropout",
    "feature_dropout_",
]

_SELU_FLOOR = 1.7580993408473766  # minus the value that SELU's outputs approach from above: scale * alpha


def check_probability(name: str, p: Any) -> Any:
    """Return p, or raise what PyTorch raises for something that is no probability."""
    if isinstance(p, bool) or not isinstance(p, (int, float)):
        raise TypeError(f"{name}(): argument 'p' (position 2) must be float, not {type(p).__name__}")
    if not 0 <= p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p:g}")
    return p


def _drop(name: str, input: Any, p: Any, train: bool, features: bool, alpha: bool, inplace: bool) -> Tensor:
    """Multiply by noise, drawn for each channel (features) or element, which is 0 with probability p.

    alpha: what is dropped becomes SELU's floor, and all is scaled and shifted to mean 0 and variance 1 again.
    """
    check_tensor(input, name)
    check_probability(name, p)
    if p == 0 or not train or not input.numel():
        return input
    if p == 1:
        return input.mul_(0) if inplace else input * 0
    shape = input._array.shape
    if features:
        if len(shape) < 2:
            raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
        shape = shape[:2] + (1,) * (len(shape) - 2)
    if not input.is_floating_point():
        raise RuntimeError(f"result type Float can't be cast to the desired output type {scalar_name(input)}")
    drawn = input._array.dtype if input._array.dtype in core.FLOATS else np.dtype(np.float32)  # halves are rounded
    noise = bernoulli_(wrap(core.empty(shape, drawn)), 1 - p).to(input.dtype)
    if not alpha:
        noise = noise.div_(1 - p)
        return input.mul_(noise) if inplace else input * noise
    scale = 1 / math.sqrt((_SELU_FLOOR**2 * p + 1) * (1 - p))
    shift = (noise - 1).mul_(_SELU_FLOOR * scale).add_(_SELU_FLOOR * scale * p)
    noise = noise.mul_(scale)
    return input.mul_(noise).add_(shift) if inplace else input * noise + shift


def exact_dropout(input: Tensor, p: float) -> Tensor:
    """Drop elements as `functional.dropout`, but those that PyTorch drops: for few numbers, as it draws one by one."""
    return _drop("dropout", input, p, True, False, False, False)


def feature_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Set whole channels of (N, C, ...) to 0 with probability p, scale the others by 1 / (1 - p)."""
    return _drop("feature_dropout", input, p, train, True, False, False)


def feature_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """In-place form of `feature_dropout`."""
    return _drop("feature_dropout_", input, p, train, True, False, True)


def alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Set elements to SELU's floor with probability p, then scale and shift (Klambauer et al., 2017)."""
    return _drop("alpha_dropout", input, p, train, False, True, False)


def alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """In-place form of `alpha_dropout`."""
    return _drop("alpha_dropout_", input, p, train, False, True, True)


def feature_alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """`alpha_dropout` of whole channels of (N, C, ...)."""
    return _drop("feature_alpha_dropout", input, p, train, True, True, False)


def feature_alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """In-place form of `feature_alpha_dropout`."""
    return _drop("feature_alpha_dropout_", input, p, train, True, True, True)
