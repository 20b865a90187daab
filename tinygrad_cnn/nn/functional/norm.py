"""batch_norm."""

from __future__ import annotations

import math
from typing import Any

from tinygrad_cnn import core
from tinygrad_cnn.autograd.deferred import Deferred, facts, records, run
from tinygrad_cnn.autograd.waiting import calls, settle
from tinygrad_cnn.casts import F32, HALVES, cast_array, widened
from tinygrad_cnn.core import contiguous
from tinygrad_cnn.core import norm as kernels
from tinygrad_cnn.dtypes import Size
from tinygrad_cnn.nn.functional._arguments import check_constant, check_tensor, not_implemented_for, scalar_name
from tinygrad_cnn.ops.norm import BatchNorm, fold
from tinygrad_cnn.tensor import Tensor, wrap

__all__ = ["batch_norm"]

# Where PyTorch's error messages say that these arguments are: its operator takes the learned ones first.
_POSITIONS = {"weight": 2, "bias": 3, "running_mean": 4, "running_var": 5}


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-05,
) -> Tensor:
    """Normalise each channel of input (N, C, ...) to mean 0 and variance 1, times weight (C,), plus bias (C,).

    training: with the statistics of this batch, which move `running_mean` and `running_var` (if given) by `momentum`
    towards them (the variance unbiased); otherwise with the running ones. The method is Ioffe and Szegedy's of 2015
    (`F.batch_norm`).

    Raises ValueError if there is one value per channel in training, or `eps` is negative; RuntimeError for sizes or
    dtypes that differ, and for missing running statistics.
    """
    check_tensor(input, "batch_norm")
    if isinstance(momentum, bool) or not isinstance(momentum, (int, float)):
        raise TypeError(f"batch_norm(): argument 'momentum' (position 7) must be float, not {type(momentum).__name__}")
    if isinstance(eps, bool) or not isinstance(eps, (int, float)):
        raise TypeError(f"batch_norm(): argument 'eps' (position 8) must be float, not {type(eps).__name__}")
    if eps < 0:
        raise ValueError(f"batch_norm eps must be non-negative, but got {eps}")
    if (running_mean is None) != (running_var is None) and training:
        raise ValueError("running_mean and running_var must either both be None or neither be None")
    shape, dtype = facts(input)
    if shape == (0,):  # PyTorch looks no further
        return input.clone()
    if len(shape) < 2:
        raise RuntimeError(f"batch_norm expects an input of at least 2 dimensions (N, C, ...), but got {list(shape)}")
    if training and shape[0] * math.prod(shape[2:]) == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {Size(shape)}")
    channels = shape[1:2]
    for tensor in (running_mean, running_var, weight, bias):
        # What a layer asks for needs no more than this look; the rest sorts out what may be wrong.
        array = tensor._array if isinstance(tensor, Tensor) else None
        if array is None or array.dtype is not dtype or array.shape != channels or dtype not in core.FLOATS:
            others = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
            _check_parameters(input, shape[1], dtype, others, training)
            break
    check_constant("native_batch_norm", running_mean=running_mean, running_var=running_var)
    if training:
        mean, var = _batch_statistics(input._array, running_mean, running_var, momentum)
    else:
        assert running_mean is not None and running_var is not None
        mean, var = running_mean.detach(), running_var.detach()
        if type(input) is Deferred and not records(input, weight, bias):
            folded = fold(input, weight, bias, mean, var, float(eps))
            if folded is not None:
                return folded
    params = {"training": bool(training), "eps": float(eps)}
    return run(BatchNorm, math.prod(shape) * dtype.itemsize, (input, weight, bias, mean, var), params)


def _check_parameters(
    input: Tensor, channels: int, dtype: Any, others: dict[str, Tensor | None], training: bool
) -> None:
    for name, tensor in others.items():
        if tensor is None:
            if not training and name.startswith("running"):
                raise RuntimeError(f"{name} must be defined in evaluation mode")
        elif check_tensor(tensor, "batch_norm", name, _POSITIONS[name]).numel() != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {tensor.numel()}")
        elif tensor.ndim != 1:
            raise RuntimeError(f"{name} should have 1 dimension, but has shape {list(tensor.shape)}")
    if not input.is_floating_point():
        raise not_implemented_for("batch_norm", input)
    for name, tensor in others.items():
        # Parameters of halves may be float32.
        if tensor is not None and tensor._array.dtype != dtype and (tensor._array.dtype != F32 or dtype not in HALVES):
            raise RuntimeError(
                f"mixed dtype (CPU): input is {scalar_name(input.dtype)}, but expect parameter {name} to have scalar "
                f"type of {scalar_name(input.dtype)}, not {scalar_name(tensor.dtype)}"
            )


def _batch_statistics(x: Any, running_mean: Tensor | None, running_var: Tensor | None, momentum: float) -> Any:
    """Return mean and biased variance of the batch as tensors, after moving the running ones towards them."""
    if not x.size:  # nothing to learn from
        return wrap(core.zeros(x.shape[1:2], x.dtype)), wrap(core.zeros(x.shape[1:2], x.dtype))
    if running_mean is None or running_var is None:
        mean, var = kernels.batch_norm_stats(widened(x), momentum)
        return wrap(mean), wrap(var)
    moving = (running_mean, running_var)
    if calls.waiting:
        for tensor in moving:
            settle(tensor._array)
    x = widened(x)
    dense = [contiguous(cast_array(tensor._array, x.dtype)) for tensor in moving]
    mean, var = kernels.batch_norm_stats(x, momentum, *dense)
    for tensor, array in zip(moving, dense, strict=True):
        if array is not tensor._array:
            core.copy_into(cast_array(array, tensor._array.dtype), tensor._array)
        tensor._bump()
    return wrap(mean), wrap(var)
