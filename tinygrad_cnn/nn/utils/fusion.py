"""A batch normalisation folded into the layer before it, for inference (`torch.nn.utils.fusion`).

bn(conv(x)) = (conv(x) - mean) / sqrt(var + eps) * weight + bias is linear in x once mean and var are fixed: the filters
are scaled, and the rest is the new bias. (Modules in eval mode without gradients do so by themselves as they run.)
"""

from __future__ import annotations

import copy
from typing import Any, TypeVar

from tinygrad_cnn.like import ones_like, zeros_like
from tinygrad_cnn.nn.modules.module import Module
from tinygrad_cnn.nn.parameter import Parameter
from tinygrad_cnn.tensor import Tensor

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]

Layer = TypeVar("Layer", bound=Module)


def _check(layer: Any, bn: Any) -> None:
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!")


def _check_buffers(bn: Any) -> None:
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")


def fuse_conv_bn_eval(conv: Layer, bn: Module, transpose: bool = False) -> Layer:
    """Return a copy of a convolution that does what it and the normalisation behind it do.

    Both have to be in eval mode, and bn has to have running statistics (AssertionError). transpose: conv is a
    transposed convolution, whose filters are the second dimension of its weight.
    """
    _check(conv, bn)
    fused: Any = copy.deepcopy(conv)
    norm: Any = bn
    _check_buffers(norm)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias, transpose
    )
    return fused


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Return weight and bias of the fused convolution, Parameters of the dtypes they had."""
    bias_dtype = conv_w.dtype if conv_b is None else conv_b.dtype
    conv_b = zeros_like(bn_rm) if conv_b is None else conv_b
    bn_w = ones_like(bn_rm) if bn_w is None else bn_w
    bn_b = zeros_like(bn_rm) if bn_b is None else bn_b
    scale = (bn_rv + bn_eps).rsqrt()
    rest = [1] * (conv_w.ndim - 2)
    weight = conv_w * (bn_w * scale).reshape([1, -1, *rest] if transpose else [-1, 1, *rest])
    bias = (conv_b - bn_rm) * scale * bn_w + bn_b
    return (
        Parameter(weight.to(dtype=conv_w.dtype), conv_w.requires_grad),
        Parameter(bias.to(dtype=bias_dtype), conv_b.requires_grad),
    )


def fuse_linear_bn_eval(linear: Layer, bn: Module) -> Layer:
    """Return a copy of a linear layer that does what it and the normalisation behind it do.

    Both have to be in eval mode, bn has to have running statistics, and as many features as linear has outputs, or one
    (AssertionError).
    """
    _check(linear, bn)
    fused: Any = copy.deepcopy(linear)
    norm: Any = bn
    if fused.out_features != norm.num_features and norm.num_features != 1:
        raise AssertionError(
            "To fuse, linear.out_features == bn.num_features or bn.num_features == 1, got linear.out_features="
            f"{fused.out_features} and bn.num_features={norm.num_features}"
        )
    _check_buffers(norm)
    fused.weight, fused.bias = fuse_linear_bn_weights(
        fused.weight, fused.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
    )
    return fused


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor,
    bn_b: Tensor,
) -> tuple[Parameter, Parameter]:
    """Return weight and bias of the fused linear layer, Parameters of the dtypes they had."""
    bias_dtype = linear_w.dtype if linear_b is None else linear_b.dtype
    linear_b = zeros_like(bn_rm) if linear_b is None else linear_b
    scale = bn_w * (bn_rv + bn_eps).rsqrt()
    weight = linear_w * scale.unsqueeze(-1).to(dtype=linear_w.dtype)
    bias = ((linear_b - bn_rm) * scale + bn_b).to(dtype=bias_dtype)
    return Parameter(weight, linear_w.requires_grad), Parameter(bias, linear_b.requires_grad)
