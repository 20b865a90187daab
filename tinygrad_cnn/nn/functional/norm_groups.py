"""Normalisations of parts of a sample: layer_norm, group_norm, instance_norm, rms_norm and local_response_norm."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_cnn.autograd.grad_mode import no_grad
from tinygrad_cnn.casts import FLOATING
from tinygrad_cnn.dtypes import Size
from tinygrad_cnn.nn.functional._arguments import check_int, check_tensor, int_tuple, not_implemented_for, scalar_name
from tinygrad_cnn.nn.functional.norm import batch_norm
from tinygrad_cnn.ops.halves import in_float32
from tinygrad_cnn.ops.norm_parts import PartNorm
from tinygrad_cnn.tensor import Tensor

__all__ = ["group_norm", "instance_norm", "layer_norm", "local_response_norm", "rms_norm"]


def _check_float(name: str, kernel: str, input: Tensor, weight: Tensor | None, bias: Tensor | None, eps: Any) -> float:
    """Check the dtypes, and return eps."""
    if isinstance(eps, bool) or not isinstance(eps, (int, float)):
        raise TypeError(f"{name}(): argument 'eps' (position 5) must be float, not {type(eps).__name__}")
    if input._array.dtype not in FLOATING:
        raise not_implemented_for(kernel, input)
    for tensor in (weight, bias):
        if tensor is not None and tensor._array.dtype != input._array.dtype:
            raise RuntimeError(f"mixed dtype (CPU): expect parameter to have scalar type of {scalar_name(input.dtype)}")
    return float(eps)


def _normalized_shape(
    name: str, input: Tensor, normalized_shape: Any, weight: Tensor | None, bias: Tensor | None = None
) -> tuple[int, ...]:
    """Return the sizes over which a part reaches, having checked that input, weight and bias have them."""
    check_tensor(input, name)
    if not isinstance(normalized_shape, (tuple, list)):
        kind = type(normalized_shape).__name__
        raise TypeError(f"{name}(): argument 'normalized_shape' (position 2) must be tuple of ints, not {kind}")
    sizes = int_tuple(normalized_shape, name, "normalized_shape", 2)
    if not sizes:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
            "normalized_shape = []"
        )
    for role, tensor, position in (("weight", weight, 3), ("bias", bias, 4)):
        if tensor is not None and check_tensor(tensor, name, role, position)._array.shape != sizes:
            raise RuntimeError(
                f"Expected {role} to be of same shape as normalized_shape, but got {role} of shape "
                f"{list(tensor.shape)} and normalized_shape = {list(sizes)}"
            )
    shape = input._array.shape
    if shape[len(shape) - len(sizes) :] != sizes or len(sizes) > len(shape):
        star = "*" if name == "rms_norm" else "*, "
        raise RuntimeError(
            f"Given normalized_shape={list(sizes)}, expected input with shape [{star}{', '.join(map(str, sizes))}], "
            f"but got input of size{list(shape)}"
        )
    return sizes


@in_float32
def layer_norm(
    input: Tensor, normalized_shape: Any, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Normalise over the last dimensions, times weight, plus bias, both of `normalized_shape` (`F.layer_norm`).

    The method is Ba, Kiros and Hinton's of 2016. Raises RuntimeError for sizes or dtypes that do not go together.
    """
    sizes = _normalized_shape("layer_norm", input, normalized_shape, weight, bias)
    eps = _check_float("layer_norm", "LayerNormKernelImpl", input, weight, bias, eps)
    shape = input._array.shape
    if not math.prod(shape):
        return _without_elements(input, weight, bias, (1,) * (len(shape) - len(sizes)) + sizes)
    columns = math.prod(sizes)
    rows = math.prod(shape) // columns
    if len(sizes) > 1:
        weight, bias = [None if tensor is None else tensor.reshape(columns) for tensor in (weight, bias)]
    params = {"parts": rows, "view": (rows, columns), "eps": eps, "grad_name": "NativeLayerNormBackward0"}
    return PartNorm.apply(input, weight, bias, **params)


def _without_elements(input: Tensor, weight: Tensor | None, bias: Tensor | None, shape: tuple[int, ...]) -> Tensor:
    """Return the result where there is nothing to normalise: its gradients are zeros."""
    y = input.clone()
    y = y if weight is None else y * weight.reshape(shape)
    return y if bias is None else y + bias.reshape(shape)


@in_float32
def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Normalise input (N, C, ...) over groups of C / num_groups channels, times weight (C,), plus bias (C,).

    The method is Wu and He's of 2018 (`F.group_norm`). Raises ValueError for groups of one element, RuntimeError for
    sizes or dtypes that do not go together.
    """
    shape = check_tensor(input, "group_norm")._array.shape
    if len(shape) < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {len(shape)}")
    sizes = [shape[0] * shape[1] // num_groups, num_groups, *shape[2:]]
    if sizes[0] * math.prod(shape[2:]) == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {sizes}")
    groups = check_int(num_groups, "group_norm", "num_groups", 2)
    if groups <= 0:
        raise RuntimeError(f"Expected num groups to be greater than 0, got {groups}")
    if shape[1] % groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(shape)} and num_groups={groups}"
        )
    for role, tensor, position in (("weight", weight, 3), ("bias", bias, 4)):
        if tensor is not None and check_tensor(tensor, "group_norm", role, position)._array.shape != shape[1:2]:
            raise RuntimeError(
                f"Expected {role} to be a vector of size equal to the number of channels in input, but got {role} of "
                f"shape {list(tensor.shape)} and input of shape {list(shape)}"
            )
    eps = _check_float("group_norm", "GroupNormKernelImpl", input, weight, bias, eps)
    if not math.prod(shape):
        return _without_elements(input, weight, bias, (shape[1],) + (1,) * (len(shape) - 2))
    params = {"parts": shape[0] * groups, "view": shape, "eps": eps, "grad_name": "NativeGroupNormBackward0"}
    return PartNorm.apply(input, weight, bias, **params)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel of each image of input (N, C, ...), times weight (C,), plus bias (C,).

    use_input_stats: with its own statistics, whose means over the batch the running ones, if given, move towards;
    otherwise with the running ones (`F.instance_norm`; Ulyanov, Vedaldi and Lempitsky, 2016).

    Raises ValueError for images of one element, RuntimeError for sizes or dtypes that do not go together.
    """
    shape = check_tensor(input, "instance_norm")._array.shape
    if use_input_stats and math.prod(shape[2:]) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {Size(shape)}")
    if not use_input_stats and (running_mean is None or running_var is None):
        raise RuntimeError("Expected running_mean and running_var to be defined when use_input_stats is false")
    batch, channels = shape[:2]

    def repeated(tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else tensor.repeat(batch)

    parts = input.reshape(1, batch * channels, *shape[2:])
    with no_grad():
        mean, var = repeated(running_mean), repeated(running_var)
    y = batch_norm(parts, mean, var, repeated(weight), repeated(bias), use_input_stats, momentum, eps)
    if use_input_stats:
        for target, moved in ((running_mean, mean), (running_var, var)):
            if target is not None and moved is not None:
                target.detach().copy_(moved.reshape(batch, channels).mean(0))
    return y.reshape(shape)


@in_float32
def rms_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    """Divide by the root mean square over the last dimensions, times weight of `normalized_shape` (`F.rms_norm`).

    eps: added to the mean square; None is the smallest step of the dtype at 1. The method is Zhang and Sennrich's of
    2019. Raises RuntimeError for sizes that do not go together, NotImplementedError for integers.
    """
    sizes = _normalized_shape("rms_norm", input, normalized_shape, weight)
    if not input.is_floating_point():
        raise not_implemented_for("rms_norm", input)
    if eps is None:
        eps = float(np.finfo(input._array.dtype).eps)
    dims = tuple(range(-len(sizes), 0))
    y = input * (input.square().mean(dims, keepdim=True) + eps).rsqrt()
    return y if weight is None else (y * weight).to(input.dtype)


@in_float32
def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """Divide input (N, C, ...) by (k + alpha * m) ** beta, m being the mean square over `size` neighbouring channels.

    Channels that do not exist count as 0 (`F.local_response_norm`; Krizhevsky, Sutskever and Hinton, 2012). Raises
    ValueError for fewer than 3 dimensions.
    """
    from tinygrad_cnn.nn.functional.padding import pad
    from tinygrad_cnn.nn.functional.pooling_average import avg_pool2d

    shape = check_tensor(input, "local_response_norm")._array.shape
    if len(shape) < 3:
        gap = " " * 26
        raise ValueError(f"Expected 3D or higher dimensionality{gap}input (got {len(shape)} dimensions)")
    if not input.numel():
        return input
    squares = (input * input).reshape(shape[0], 1, shape[1], math.prod(shape[2:]))
    means = avg_pool2d(pad(squares, (0, 0, size // 2, (size - 1) // 2)), (size, 1), stride=1)
    return input / (means.reshape(shape) * alpha + k) ** beta
