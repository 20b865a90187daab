"""Clipping of gradients: by the norm of all of them, or element by element (`torch.nn.utils.clip_grad`).

`foreach` chooses between PyTorch's implementations; it is accepted, and there is one here.
"""

from __future__ import annotations

import types
import warnings
from collections.abc import Iterable

from tinygrad_cnn.autograd.grad_mode import no_grad
from tinygrad_cnn.data import tensor
from tinygrad_cnn.ops.joining import stack
from tinygrad_cnn.tensor import Tensor

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]

TensorOrTensors = Tensor | Iterable[Tensor]


def _listed(tensors: TensorOrTensors) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _gradients(parameters: TensorOrTensors) -> list[Tensor]:
    return [param.grad for param in _listed(parameters) if param.grad is not None]


def get_total_norm(
    tensors: TensorOrTensors, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Tensor:
    """Return the norm of all tensors as one vector, a 0-d Tensor; 0 for none.

    norm_type: the order of the norm, float("inf") for the largest element. error_if_nonfinite: raise RuntimeError if
    the norm is infinite or NaN.
    """
    norm_type = float(norm_type)
    with no_grad():
        norms = [one.norm(norm_type) for one in _listed(tensors)]
        if not norms:
            return tensor(0.0)
        total = stack([norm.to(norms[0].dtype) for norm in norms]).norm(norm_type)
    if error_if_nonfinite and not total.isfinite():
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be "
            "clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
            "`error_if_nonfinite=False`"
        )
    return total


def clip_grads_with_norm_(
    parameters: TensorOrTensors, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Multiply all gradients by max_norm / (total_norm + 1e-6) where that is less than 1."""
    with no_grad():
        factor = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
        for grad in _gradients(parameters):
            grad.mul_(factor.to(grad.dtype))


def clip_grad_norm_(
    parameters: TensorOrTensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients down so that their norm as one vector is at most max_norm; return the norm before.

    norm_type and error_if_nonfinite: as in `get_total_norm`. Warns of an empty generator.
    """
    listed = _listed(parameters)
    if isinstance(parameters, types.GeneratorType) and not listed:
        warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=2)
    total = get_total_norm(_gradients(listed), norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(listed, max_norm, total, foreach)
    return total


def clip_grad_norm(
    parameters: TensorOrTensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Call `clip_grad_norm_`, whose old name this is (FutureWarning)."""
    warnings.warn(
        "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of `torch.nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters: TensorOrTensors, clip_value: float, foreach: bool | None = None) -> None:
    """Limit every element of all gradients to [-clip_value, clip_value]."""
    clip_value = float(clip_value)
    with no_grad():
        for grad in _gradients(parameters):
            grad.clamp_(min=-clip_value, max=clip_value)
