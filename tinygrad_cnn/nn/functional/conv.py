"""conv1d, conv2d, conv3d: argument checks, output sizes, padding by name; conv_tbc."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from tinygrad_cnn.autograd.deferred import run
from tinygrad_cnn.nn.functional._arguments import check_int, check_tensor, check_tensors, not_implemented_for
from tinygrad_cnn.nn.functional._conv_arguments import (
    Sizes,
    check_bias,
    check_channels,
    check_dtypes,
    check_kernel,
    check_not_empty,
    check_numbers,
    check_ranks,
    spatial,
)
from tinygrad_cnn.ops.conv import Convolution, ConvShape
from tinygrad_cnn.tensor import Tensor

__all__ = ["conv1d", "conv2d", "conv3d", "conv_tbc"]


def _padding_amounts(padding: Sizes | str, stride: Sizes, dilation: Sizes, kernel: Sizes) -> tuple[Sizes, Sizes]:
    """Return the padding before each dimension, and that before and after it together."""
    if not isinstance(padding, str):
        return padding, tuple([2 * amount for amount in padding])
    none = (0,) * len(stride)
    if padding == "valid":
        return none, none
    if padding != "same":
        raise RuntimeError(f"Invalid padding string: '{padding}'")
    if stride != (1,) * len(stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    # An odd amount has its extra row below and its extra column on the right.
    total = tuple([step * (size - 1) for step, size in zip(dilation, kernel, strict=True)])
    return tuple([amount // 2 for amount in total]), total


@lru_cache(maxsize=4096)
def _conv_shape(
    function: str, x: Sizes, weight: Sizes, stride: Sizes, padding: Sizes | str, dilation: Sizes, groups: int
) -> ConvShape:
    """Check all sizes of a convolution and return them; x is batched or not."""
    check_ranks(x, weight, stride, function, same=padding == "same")
    none = (0,) * len(stride)
    check_numbers(stride, none if isinstance(padding, str) else padding, dilation, groups)
    before, total = _padding_amounts(padding, stride, dilation, weight[2:])
    batched = x if len(x) == len(weight) else (1, *x)
    check_channels(batched, weight, groups, transposed=False)
    check_kernel(weight, function)
    padded = [size + extra for size, extra in zip(batched[2:], total, strict=True)]
    extents = [d * (size - 1) + 1 for d, size in zip(dilation, weight[2:], strict=True)]
    if any(size < extent for size, extent in zip(padded, extents, strict=True)):
        raise RuntimeError(
            f"Calculated padded input size per channel: ({' x '.join(map(str, padded))}). Kernel size: "
            f"({' x '.join(map(str, extents))}). Kernel size can't be greater than actual input size"
        )
    if min(dilation) < 1:
        raise RuntimeError("non-positive dilation is not supported")
    check_not_empty(batched)
    out = [(size - extent) // step + 1 for size, extent, step in zip(padded, extents, stride, strict=True)]
    return ConvShape(batched, weight, (batched[0], weight[0], *out), stride, before, dilation, groups)


def _conv(
    function: str,
    count: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: Any,
) -> Tensor:
    """Check the arguments of a convolution over `count` dimensions, and convolve."""
    check_tensors(function, input, weight, bias)
    if type(groups) is not int:
        groups = check_int(groups, function, "groups", 7)
    shape = _conv_shape(
        function,
        input._array.shape,
        weight._array.shape,
        spatial(stride, "stride", function, 4, count),
        padding if isinstance(padding, str) else spatial(padding, "padding", function, 5, count),
        spatial(dilation, "dilation", function, 6, count),
        groups,
    )
    if bias is not None and bias._array.shape != shape.weight[:1]:
        check_bias(bias, shape.weight[0], shape.weight, transposed=False)
    check_dtypes(input, weight, bias)
    array = input._array
    if array.dtype.kind == "b":
        raise not_implemented_for("compute_columns3d" if count == 3 else "slow_conv2d_cpu", input)
    if array.ndim == count + 1:
        return Convolution.apply(input.unsqueeze(0), weight, bias, shape=shape).squeeze(0)
    return run(Convolution, shape.outputs * array.itemsize, (input, weight, bias), {"shape": shape})


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve signals (`F.conv1d`): conv2d with one dimension.

    input (N, C, L) or (C, L); weight (K, C / groups, R); bias (K,) or None. Returns (N, K, OL) or (K, OL).
    """
    return _conv("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Slide kernels over images and take weighted sums: two-dimensional cross-correlation (`F.conv2d`).

    input (N, C, H, W) or (C, H, W); weight (K, C / groups, R, S); bias (K,) or None. Returns (N, K, OH, OW) or (K, OH,
    OW) with OH = (H + 2 padding - dilation (R - 1) - 1) // stride + 1, and OW alike. stride, padding and dilation are
    an int or (vertical, horizontal); padding may be 'valid' (none) or 'same' (output as large as input, stride 1 only).
    Channels are cut into `groups` that do not mix. Integer tensors are computed exactly, and slowly.

    Raises RuntimeError for wrong ranks, channels, sizes, dtypes or a kernel larger than the padded input, TypeError for
    arguments of a wrong type.
    """
    return _conv("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve volumes (`F.conv3d`): conv2d with three dimensions.

    input (N, C, D, H, W) or (C, D, H, W); weight (K, C / groups, R, S, T); bias (K,) or None. Returns (N, K, OD, OH,
    OW) or (K, OD, OH, OW). Computed by the convolution of planes, some output depths at a time.
    """
    return _conv("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """Convolve signals whose time comes first (`F.conv_tbc`).

    input (T, N, C), weight (R, C, K), bias (K,); returns (T + 2 pad - R + 1, N, K). Raises RuntimeError for sizes that
    do not fit.
    """
    check_tensors("conv_tbc", input, weight, check_tensor(bias, "conv_tbc", "bias", 3))
    pad = check_int(pad, "conv_tbc", "pad", 4)
    x, w = input._array.shape, weight._array.shape
    if len(x) != 3:
        raise RuntimeError("Input must have 3 dims: time, batch, in_channel")
    if len(w) != 3:
        raise RuntimeError("Weight tensor must have 3 dims: kernel_width, in_channels, out_channels.")
    if bias._array.ndim != 1:
        raise RuntimeError("Bias must be 1-D")
    if x[2] != w[1]:
        raise RuntimeError("Input dim 2 (input channels) is not == dim 1 in the weight tensor")
    if w[2] != bias._array.shape[0]:
        raise RuntimeError("Bias size must equal dim 2 in the weight tensor (output channels).")
    length = x[0] + 2 * pad - w[0] + 1
    if length < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {length}: {[length, x[1], w[2]]}")
    return conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad).permute(2, 0, 1)
