"""Activations: relu, sigmoid, tanh, softmax and log_softmax."""

from __future__ import annotations

import warnings
from typing import Any

from tinygrad_cnn import core
from tinygrad_cnn.nn.functional._arguments import check_tensor
from tinygrad_cnn.ops import softmax as ops
from tinygrad_cnn.ops import unary
from tinygrad_cnn.tensor import Tensor, wrap

__all__ = ["gumbel_softmax", "log_softmax", "relu", "relu_", "sigmoid", "softmax", "tanh"]


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return max(input, 0) elementwise; with `inplace` in the input's own memory (`F.relu`)."""
    return check_tensor(input, "relu").relu_() if inplace else unary.relu(input)


def relu_(input: Tensor) -> Tensor:
    """Set negative elements to 0 in place and return the tensor (`F.relu_`)."""
    return relu(input, inplace=True)


def sigmoid(input: Tensor) -> Tensor:
    """Return 1 / (1 + exp(-input)) elementwise (`F.sigmoid`)."""
    return check_tensor(input, "sigmoid").sigmoid()


def tanh(input: Tensor) -> Tensor:
    """Return the hyperbolic tangent elementwise (`F.tanh`)."""
    return check_tensor(input, "tanh").tanh()


def _implicit_dim(name: str, ndim: int, stacklevel: int) -> int:
    """Return the dimension that PyTorch takes when none is given, with its warning."""
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        stacklevel=stacklevel + 1,
    )
    return 0 if ndim in (0, 1, 3) else 1


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Return exp(input) / sum(exp(input)) along `dim` (`F.softmax`), computed in `dtype` if given.

    Without `dim` warns and takes 0 for 0, 1 or 3 dimensions, else 1. Raises IndexError for a dimension out of range,
    NotImplementedError for integers.
    """
    check_tensor(input, "softmax")
    if dim is None:
        dim = _implicit_dim("softmax", input.ndim, _stacklevel)
    return ops.softmax(input, dim, dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Return the logarithm of softmax along `dim`, exact where softmax underflows (`F.log_softmax`). As softmax."""
    check_tensor(input, "log_softmax")
    if dim is None:
        dim = _implicit_dim("log_softmax", input.ndim, _stacklevel)
    return ops.log_softmax(input, dim, dtype)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """Draw from the categorical distributions of `logits` along `dim`, differentiably (`F.gumbel_softmax`).

    The softmax of (logits + Gumbel noise) / tau; hard: 1 at its maximum and 0 elsewhere, with the soft one's gradient.
    Jang, Gu and Poole, 2016. Raises RuntimeError for an integer tensor; `eps` has no effect.
    """
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    noise = -wrap(core.empty(logits._array.shape, logits._array.dtype)).exponential_().log()
    soft = ((logits + noise) / tau).softmax(dim)
    if not hard:
        return soft
    chosen = soft.detach().max(dim, keepdim=True)[1]
    one = wrap(core.zeros(logits._array.shape, logits._array.dtype)).scatter_(dim, chosen, 1.0)
    return one - soft.detach() + soft
