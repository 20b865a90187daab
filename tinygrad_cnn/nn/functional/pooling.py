"""Pooling: argument checks and output sizes; the corner cases are what PyTorch does, documented or not."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from tinygrad_cnn.nn.functional._arguments import (
    check_bool,
    check_int,
    check_tensor,
    int_tuple,
    not_implemented_for,
)
from tinygrad_cnn.ops.pool import (
    POOL_MAX,
    POOL_MIN,
    AvgPool2d,
    MaxPool2d,
    PoolShape,
)
from tinygrad_cnn.tensor import Tensor

__all__ = [
    "avg_pool2d",
    "max_pool2d",
    "max_pool2d_with_indices",
    "min_pool2d",
    "min_pool2d_with_indices",
]

Pair = tuple[int, int]
_INT_MAX = 2**31 - 1


def _pair(value: Any, argument: str, function: str, position: int) -> Pair:
    """Return (vertical, horizontal) of an int, a 1-tuple or a pair."""
    # By far the most frequent first, for they are checked on every call.
    if type(value) is int and -_INT_MAX <= value <= _INT_MAX:
        return value, value
    if type(value) is tuple and len(value) == 2:
        a, b = value
        if type(a) is int and type(b) is int and -_INT_MAX <= a <= _INT_MAX and -_INT_MAX <= b <= _INT_MAX:
            return a, b
    numbers = int_tuple(value, function, argument, position)
    if len(numbers) not in (1, 2):
        sizes = {
            "stride": "must either be omitted, a single int, or a tuple of two ints",
            "dilation": "must be either a single int, or a tuple of two ints",
        }.get(argument, "must either be a single int, or a tuple of two ints")
        raise RuntimeError(f"{function}: {argument} {sizes}")
    if any(abs(number) > _INT_MAX for number in numbers):
        raise RuntimeError("value cannot be converted to type int without overflow")
    return numbers[0], numbers[-1]


def _check_windows(kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> None:
    if 0 in stride:
        raise RuntimeError("stride should not be zero")
    if min(kernel) <= 0:
        raise RuntimeError(f"kernel size should be greater than zero, but got kH: {kernel[0]} kW: {kernel[1]}")
    if min(stride) <= 0:
        raise RuntimeError(f"stride should be greater than zero, but got dH: {stride[0]} dW: {stride[1]}")
    if min(dilation) <= 0:
        raise RuntimeError(
            f"dilation should be greater than zero, but got dilationH: {dilation[0]} dilationW: {dilation[1]}"
        )
    for pad, size, step in zip(padding, kernel, dilation, strict=True):
        if pad < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {pad}")
        if pad > ((size - 1) * step + 1) // 2:
            raise RuntimeError(
                f"pad should be at most half of effective kernel size, but got pad={pad}, kernel_size={size} and "
                f"dilation={step}"
            )


def _output_size(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    """Return the number of windows along one dimension."""
    span = size + 2 * padding - dilation * (kernel - 1) - 1
    count = (span + (stride - 1 if ceil_mode else 0)) // stride + 1
    # The last window must not start beyond the input and its padding on the left: it would hold nothing but padding.
    if ceil_mode and (count - 1) * stride >= size + padding:
        count -= 1
    return count


@lru_cache(maxsize=4096)
def _pool_shape(
    x: tuple[int, ...], kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil_mode: bool
) -> PoolShape:
    """Check all sizes of a pooling and return them."""
    _check_windows(kernel, stride, padding, dilation)
    if len(x) not in (3, 4) or 0 in x[-3:]:
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:"
            f"[{', '.join(str(size) for size in x)}]"
        )
    sizes = [
        _output_size(*numbers, ceil_mode) for numbers in zip(x[-2:], kernel, stride, padding, dilation, strict=True)
    ]
    if min(sizes) < 1:
        raise RuntimeError(
            f"Given input size: ({x[-3]}x{x[-2]}x{x[-1]}). Calculated output size: ({x[-3]}x{sizes[0]}x{sizes[1]}). "
            "Output size is too small"
        )
    return PoolShape(x, (*x[:-2], *sizes), kernel, stride, padding, dilation)


def check_plane(x: tuple[int, ...]) -> None:
    """Raise NotImplementedError for images so large that 32 bits do not count their cells."""
    if x[-1] * x[-2] > _INT_MAX:
        raise NotImplementedError(f"max pooling of planes of more than 2^31 - 1 cells: {list(x)}")


def _extreme_pool2d(
    op: int,
    function: str,
    input: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: Any,
    return_indices: bool,
) -> Any:
    """Max and min pooling."""
    check_tensor(input, function)
    kernel = _pair(kernel_size, "kernel_size", function, 2)
    steps = kernel if stride is None or stride == [] or stride == () else _pair(stride, "stride", function, 3)
    pads = _pair(padding, "padding", function, 4)
    spread = _pair(dilation, "dilation", function, 5)
    if type(ceil_mode) is not bool:
        check_bool(ceil_mode, function, "ceil_mode", 6)
    array = input._array
    x = array.shape
    if len(x) not in (3, 4):
        _check_windows(kernel, steps, pads, spread)
        raise RuntimeError("non-empty 3D or 4D (batch mode) tensor expected for input")
    shape = _pool_shape(x, kernel, steps, pads, spread, ceil_mode)
    if array.dtype.kind == "b":
        raise not_implemented_for(function, input)
    if x[-1] * x[-2] > _INT_MAX:
        check_plane(x)
    return MaxPool2d.apply(input, shape=shape, op=op, adaptive=False, return_indices=return_indices)


def max_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Keep the largest value of each window (`F.max_pool2d`).

    input (N, C, H, W) or (C, H, W) of any dtype but bool. Sizes are an int or (vertical, horizontal); stride None is
    the kernel size. Padding never wins. Output size floor((H + 2 padding - dilation (k - 1) - 1) / stride) + 1, with
    `ceil_mode` ceil, but no window starts beyond input and left padding. The first of equals wins; a NaN wins over
    numbers, the last of several. With `return_indices` returns (values, int64 indices row * W + column). A dilated
    window that lies wholly in the padding gives the lowest value of the dtype and index -1, and has no gradient.

    Raises RuntimeError for sizes that do not fit, TypeError for arguments of a wrong type, NotImplementedError for
    bool.
    """
    return _extreme_pool2d(
        POOL_MAX, "max_pool2d", input, kernel_size, stride, padding, dilation, ceil_mode, bool(return_indices)
    )


def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """max_pool2d that always returns (values, indices) (`F.max_pool2d_with_indices`)."""
    return _extreme_pool2d(POOL_MAX, "max_pool2d", input, kernel_size, stride, padding, dilation, ceil_mode, True)


def min_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Keep the smallest value of each window: max_pool2d with the order reversed. PyTorch has no such function.

    Arguments, sizes and errors as max_pool2d's; the first of equals wins, the last NaN wins.
    """
    return _extreme_pool2d(
        POOL_MIN, "min_pool2d", input, kernel_size, stride, padding, dilation, ceil_mode, bool(return_indices)
    )


def min_pool2d_with_indices(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """min_pool2d that always returns (values, indices)."""
    return _extreme_pool2d(POOL_MIN, "min_pool2d", input, kernel_size, stride, padding, dilation, ceil_mode, True)


def avg_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Average each window (`F.avg_pool2d`).

    input (N, C, H, W) or (C, H, W), float or int64 (the quotient truncated). Sizes as max_pool2d's. The sum is divided
    by the cells of the window: those within input and padding (`count_include_pad`; what `ceil_mode` lets hang over
    does not count), or those within the input; or by `divisor_override`.

    Raises RuntimeError for sizes that do not fit and a divisor of 0, NotImplementedError for other dtypes.
    """
    name = "avg_pool2d"
    check_tensor(input, name)
    kernel = _pair(kernel_size, "kernel_size", name, 2)
    steps = kernel if stride is None or stride == [] or stride == () else _pair(stride, "stride", name, 3)
    pads = _pair(padding, "padding", name, 4)
    check_bool(ceil_mode, name, "ceil_mode", 5)
    check_bool(count_include_pad, name, "count_include_pad", 6)
    divisor = 0
    if divisor_override is not None:
        divisor = check_int(divisor_override, name, "divisor_override", 7)
        if divisor == 0:
            raise RuntimeError("divisor must be not zero")
    x = input._array.shape
    if len(x) < 3:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-len(x)}, {len(x) - 1}], but got -3)")
    shape = _pool_shape(x, kernel, steps, pads, (1, 1), ceil_mode)
    if not input.is_floating_point() and input._array.dtype != "int64":
        raise not_implemented_for(name, input)
    return AvgPool2d.apply(input, shape=shape, count_include_pad=count_include_pad, divisor_override=divisor)
