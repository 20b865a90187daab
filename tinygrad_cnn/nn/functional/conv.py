"""conv2d and conv_transpose2d: argument checks, output sizes, padding by name."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from tinygrad_cnn.autograd.deferred import run
from tinygrad_cnn.nn.functional._arguments import (
    check_int,
    check_tensors,
    int_tuple,
    not_implemented_for,
    scalar_name,
)
from tinygrad_cnn.ops.conv import Conv2d, Conv2dInputGrad, ConvShape
from tinygrad_cnn.tensor import Tensor

__all__ = ["conv2d", "conv_transpose2d"]

Pair = tuple[int, int]


def _pair(value: Any, argument: str, function: str, position: int) -> Pair:
    """Return (vertical, horizontal) of an int, a 1-tuple or a pair."""
    # By far the most frequent first, for they are checked on every call.
    if type(value) is int and -(2**31) < value < 2**31:
        return value, value
    if type(value) is tuple and len(value) == 2:
        a, b = value
        if type(a) is int and type(b) is int and -(2**31) < a < 2**31 and -(2**31) < b < 2**31:
            return a, b
    numbers = int_tuple(value, function, argument, position)
    if len(numbers) == 1:
        return numbers[0], numbers[0]
    if len(numbers) != 2:
        raise RuntimeError(
            f"expected {argument} to be a single integer value or a list of 2 values to match the convolution "
            f"dimensions, but got {argument}={list(numbers)}"
        )
    return numbers[0], numbers[1]


def _check_ranks(x: tuple[int, ...], weight: tuple[int, ...], function: str) -> None:
    if len(weight) != 4:
        raise RuntimeError(
            f"{function}: expected a weight of 4 dimensions (out_channels, in_channels / groups, height, width), but "
            f"got weight of size {list(weight)}"
        )
    if len(x) not in (3, 4):
        raise RuntimeError(
            f"Expected 3D (unbatched) or 4D (batched) input to {function}, but got input of size: {list(x)}"
        )


def _check_numbers(stride: Pair, padding: Pair, dilation: Pair, groups: int) -> None:
    for value, least, what in ((stride, 1, "stride"), (padding, 0, "padding"), (dilation, 1, "dilation")):
        if min(value) < least:
            raise RuntimeError(f"{'negative' if least == 0 else 'non-positive'} {what} is not supported")
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")


def _check_channels(x: tuple[int, ...], weight: tuple[int, ...], groups: int, transposed: bool) -> None:
    kind = "transposed=1" if transposed else f"groups={groups}"
    if weight[0] < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of size "
            f"{list(weight)} instead"
        )
    if weight[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of "
            f"size [{list(weight)}] instead"
        )
    expected = weight[0] if transposed else weight[1] * groups
    if x[-3] != expected:
        raise RuntimeError(
            f"Given {kind}, weight of size {list(weight)}, expected input{list(x)} to have {expected} channels, but "
            f"got {x[-3]} channels instead"
        )


def _check_bias(bias: Tensor | None, count: int, weight: tuple[int, ...], transposed: bool) -> None:
    if bias is not None and bias._array.shape != (count,):
        kind = "transposed=1, " if transposed else ""
        raise RuntimeError(
            f"Given {kind}weight of size {list(weight)}, expected bias to be 1-dimensional with {count} elements, but "
            f"got bias of size {list(bias.shape)} instead"
        )


def _check_dtypes(input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    dtype = input._array.dtype
    if weight._array.dtype is dtype and (bias is None or bias._array.dtype is dtype):
        return
    names = {"Float": "float", "Double": "double", "Long": "long int", "Int": "int", "Byte": "unsigned char"}
    if bias is not None and bias._array.dtype != dtype:
        got, want = [names.get(name, name.lower()) for name in (scalar_name(input.dtype), scalar_name(bias.dtype))]
        raise RuntimeError(f"Input type ({got}) and bias type ({want}) should be the same")
    if weight._array.dtype != dtype:
        raise RuntimeError(f"Input type ({input.type()}) and weight type ({weight.type()}) should be the same")


@lru_cache(maxsize=4096)
def _conv_shape(
    x: tuple[int, ...], weight: tuple[int, ...], stride: Pair, padding: Pair | str, dilation: Pair, groups: int
) -> ConvShape:
    """Check all sizes of a convolution and return them; x is batched or not."""
    _check_ranks(x, weight, "conv2d")
    before, total = (0, 0), (0, 0)
    if isinstance(padding, str):
        _check_numbers(stride, (0, 0), dilation, groups)
        if padding == "same":
            if stride != (1, 1):
                raise RuntimeError("padding='same' is not supported for strided convolutions")
            # An odd amount has its extra row below and its extra column on the right.
            total = (dilation[0] * (weight[2] - 1), dilation[1] * (weight[3] - 1))
            before = (total[0] // 2, total[1] // 2)
        elif padding != "valid":
            raise RuntimeError(f"Invalid padding string: '{padding}'")
    else:
        _check_numbers(stride, padding, dilation, groups)
        before, total = padding, (2 * padding[0], 2 * padding[1])
    _check_channels(x, weight, groups, transposed=False)
    padded = [size + extra for size, extra in zip(x[-2:], total, strict=True)]
    extents = [d * (size - 1) + 1 for d, size in zip(dilation, weight[2:], strict=True)]
    if weight[2] == 0 or weight[3] == 0:
        raise RuntimeError(f"conv2d: the kernel has no elements: weight of size {list(weight)}")
    if padded[0] < extents[0] or padded[1] < extents[1]:
        raise RuntimeError(
            f"Calculated padded input size per channel: ({padded[0]} x {padded[1]}). Kernel size: ({extents[0]} x "
            f"{extents[1]}). Kernel size can't be greater than actual input size"
        )
    out = [(size - extent) // step + 1 for size, extent, step in zip(padded, extents, stride, strict=True)]
    batched = x if len(x) == 4 else (1, *x)
    return ConvShape(batched, weight, (batched[0], weight[0], *out), stride, before, dilation, groups)


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
    check_tensors("conv2d", input, weight, bias)
    if type(groups) is not int:
        groups = check_int(groups, "conv2d", "groups", 7)
    shape = _conv_shape(
        input._array.shape,
        weight._array.shape,
        _pair(stride, "stride", "conv2d", 4),
        padding if isinstance(padding, str) else _pair(padding, "padding", "conv2d", 5),
        _pair(dilation, "dilation", "conv2d", 6),
        groups,
    )
    if bias is not None and bias._array.shape != shape.weight[:1]:
        _check_bias(bias, shape.weight[0], shape.weight, transposed=False)
    _check_dtypes(input, weight, bias)
    array = input._array
    if array.dtype.kind == "b":
        raise not_implemented_for("slow_conv2d_cpu", input)
    if array.ndim == 3:
        return Conv2d.apply(input.unsqueeze(0), weight, bias, shape=shape).squeeze(0)
    return run(Conv2d, shape.outputs * array.itemsize, (input, weight, bias), {"shape": shape})


@lru_cache(maxsize=4096)
def _transposed_shape(
    x: tuple[int, ...],
    weight: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    output_padding: Pair,
    groups: int,
    dilation: Pair,
) -> ConvShape:
    """Check all sizes of a transposed convolution; return those of the convolution that it is the gradient of."""
    _check_ranks(x, weight, "conv_transpose2d")
    _check_numbers(stride, padding, dilation, groups)
    if min(output_padding) < 0:
        raise RuntimeError("negative output_padding is not supported")
    _check_channels(x, weight, groups, transposed=True)
    if any(extra >= max(s, d) for extra, s, d in zip(output_padding, stride, dilation, strict=True)):
        raise RuntimeError(
            "output padding must be smaller than either stride or dilation, but got "
            f"output_padding_height: {output_padding[0]} output_padding_width: {output_padding[1]} "
            f"stride_height: {stride[0]} stride_width: {stride[1]} "
            f"dilation_height: {dilation[0]} dilation_width: {dilation[1]}"
        )
    out = [
        (size - 1) * s - 2 * p + d * (k - 1) + extra + 1
        for size, s, p, d, k, extra in zip(x[-2:], stride, padding, dilation, weight[2:], output_padding, strict=True)
    ]
    if min(out) < 1:
        raise RuntimeError(
            f"Given input size per channel: ({x[-2]} x {x[-1]}). Calculated output size per channel: ({out[0]} x "
            f"{out[1]}). Output size is too small"
        )
    batched = x if len(x) == 4 else (1, *x)
    y = (batched[0], weight[1] * groups, *out)
    return ConvShape(y, weight, batched, stride, padding, dilation, groups)


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
    OH = (H - 1) stride - 2 padding + dilation (R - 1) + output_padding + 1. Errors as conv2d's.
    """
    name = "conv_transpose2d"
    check_tensors(name, input, weight, bias)
    shape = _transposed_shape(
        input._array.shape,
        weight._array.shape,
        _pair(stride, "stride", name, 4),
        _pair(padding, "padding", name, 5),
        _pair(output_padding, "output_padding", name, 6),
        check_int(groups, name, "groups", 7),
        _pair(dilation, "dilation", name, 8),
    )
    _check_bias(bias, shape.x[1], shape.weight, transposed=True)
    _check_dtypes(input, weight, bias)
    if not input.is_floating_point():
        raise not_implemented_for("slow_conv_transpose2d_out_cpu", input)
    if input.ndim == 3:
        return Conv2dInputGrad.apply(input.unsqueeze(0), weight, bias, shape=shape).squeeze(0)
    return Conv2dInputGrad.apply(input, weight, bias, shape=shape)
