"""conv_transpose1d, conv_transpose2d, conv_transpose3d: the input gradient of a convolution as a layer."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from tinygrad_cnn.nn.functional._arguments import check_int, check_tensors, not_implemented_for
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
from tinygrad_cnn.ops.conv import ConvolutionInputGrad, ConvShape
from tinygrad_cnn.tensor import Tensor

__all__ = ["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]

_DIRECTIONS = ("depth", "height", "width")


@lru_cache(maxsize=4096)
def _transposed_shape(
    function: str,
    x: Sizes,
    weight: Sizes,
    stride: Sizes,
    padding: Sizes,
    output_padding: Sizes,
    groups: int,
    dilation: Sizes,
) -> ConvShape:
    """Check all sizes of a transposed convolution; return those of the convolution that it is the gradient of."""
    check_ranks(x, weight, stride, function)
    check_numbers(stride, padding, dilation, groups)
    if min(output_padding) < 0:
        raise RuntimeError("negative output_padding is not supported")
    batched = x if len(x) == len(weight) else (1, *x)
    check_channels(batched, weight, groups, transposed=True)
    check_kernel(weight, function)
    check_not_empty(batched)
    _check_steps(stride, output_padding, dilation)
    out = [
        (size - 1) * s - 2 * p + d * (k - 1) + extra + 1
        for size, s, p, d, k, extra in zip(
            batched[2:], stride, padding, dilation, weight[2:], output_padding, strict=True
        )
    ]
    if min(out) < 1:
        raise RuntimeError(
            f"Given input size per channel: ({' x '.join(map(str, batched[2:]))}). Calculated output size per channel: "
            f"({' x '.join(map(str, out))}). Output size is too small"
        )
    y = (batched[0], weight[1] * groups, *out)
    return ConvShape(y, weight, batched, stride, padding, dilation, groups)


def _check_steps(stride: Sizes, output_padding: Sizes, dilation: Sizes) -> None:
    """Check dilation and output_padding; PyTorch's messages speak of planes where there are lines."""
    if len(stride) == 1:
        stride, output_padding, dilation = (1, *stride), (0, *output_padding), (1, *dilation)
    directions = _DIRECTIONS[-len(stride) :]

    def text(argument: str, numbers: Sizes, between: str = " ") -> str:
        return between.join([f"{argument}_{way}: {n}" for way, n in zip(directions, numbers, strict=True)])

    if min(dilation) < 1:
        raise RuntimeError(f"dilation should be greater than zero, but got {text('dilation', dilation, ', ')}")
    if any(extra >= max(s, d) for extra, s, d in zip(output_padding, stride, dilation, strict=True)):
        raise RuntimeError(
            "output padding must be smaller than either stride or dilation, but got "
            f"{text('output_padding', output_padding)} {text('stride', stride)} {text('dilation', dilation)}"
        )


def _conv_transpose(
    function: str,
    count: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: Any,
    dilation: Any,
) -> Tensor:
    """Check the arguments of a transposed convolution over `count` dimensions, and convolve."""
    check_tensors(function, input, weight, bias)
    shape = _transposed_shape(
        function,
        input._array.shape,
        weight._array.shape,
        spatial(stride, "stride", function, 4, count),
        spatial(padding, "padding", function, 5, count),
        spatial(output_padding, "output_padding", function, 6, count),
        check_int(groups, function, "groups", 7),
        spatial(dilation, "dilation", function, 8, count),
    )
    check_bias(bias, shape.x[1], shape.weight, transposed=True)
    check_dtypes(input, weight, bias)
    if not input.is_floating_point() and input._array.dtype != "int64":
        raise not_implemented_for(f"slow_conv_transpose{max(count, 2)}d_out_cpu", input)
    if input.ndim == count + 1:
        return ConvolutionInputGrad.apply(input.unsqueeze(0), weight, bias, shape=shape).squeeze(0)
    return ConvolutionInputGrad.apply(input, weight, bias, shape=shape)


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """conv_transpose2d with one dimension (`F.conv_transpose1d`): (N, C, L) to (N, K, OL)."""
    return _conv_transpose(
        "conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """Spread each input value over a window, weighted by a kernel: the gradient of conv2d as an operation of its own.

    input (N, C, H, W) or (C, H, W); weight (C, K / groups, R, S); bias (K,) or None. Returns (N, K, OH, OW) with
    OH = (H - 1) stride - 2 padding + dilation (R - 1) + output_padding + 1. Errors as conv2d's; NotImplementedError for
    dtypes other than floats and int64 (`F.conv_transpose2d`).
    """
    return _conv_transpose(
        "conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """conv_transpose2d with three dimensions (`F.conv_transpose3d`): (N, C, D, H, W) to (N, K, OD, OH, OW)."""
    return _conv_transpose(
        "conv_transpose3d", 3, input, weight, bias, stride, padding, output_padding, groups, dilation
    )
