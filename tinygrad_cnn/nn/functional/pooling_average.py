"""Average pooling, and pooling by the p-norm, of lines, planes and volumes."""

from __future__ import annotations

import math
from typing import Any

from tinygrad_cnn.nn.functional._arguments import check_bool, check_int, check_tensor, not_implemented_for
from tinygrad_cnn.nn.functional._pool_arguments import Sizes, pool_shape, spatial, strides
from tinygrad_cnn.nn.functional.activation import relu
from tinygrad_cnn.nn.functional.pooling import max_pool1d, max_pool2d, max_pool3d
from tinygrad_cnn.ops.base import FLOATS, write_out
from tinygrad_cnn.ops.pool import AvgPool2d
from tinygrad_cnn.ops.pool_volumes import avg_pool3d as pool_volumes
from tinygrad_cnn.tensor import Tensor

__all__ = ["avg_pool1d", "avg_pool2d", "avg_pool3d", "lp_pool1d", "lp_pool2d", "lp_pool3d"]


def _average(
    function: str,
    input: Tensor,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor: int,
) -> Tensor:
    """Average windows of planes or volumes."""
    if type(ceil_mode) is not bool or type(count_include_pad) is not bool:
        check_bool(ceil_mode, function, "ceil_mode", 5)
        check_bool(count_include_pad, function, "count_include_pad", 6)
    count = len(kernel)
    shape = pool_shape(function, input._array.shape, kernel, stride, padding, (1,) * count, ceil_mode)
    if input._array.dtype not in FLOATS and not input.is_floating_point() and input._array.dtype != "int64":
        raise not_implemented_for("avg_pool3d_out_frame" if count == 3 else "avg_pool2d", input)
    if count == 3:
        return pool_volumes(input, shape, count_include_pad, divisor)
    return AvgPool2d.apply(input, shape=shape, count_include_pad=count_include_pad, divisor_override=divisor)


def _divisor(value: Any, function: str) -> int:
    """Return the divisor; RuntimeError for 0."""
    divisor = check_int(value, function, "divisor_override", 7)
    if divisor == 0:
        raise RuntimeError("divisor must be not zero")
    return divisor


def avg_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """avg_pool2d of one dimension, without its divisor (`F.avg_pool1d`): input (N, C, L) or (C, L)."""
    name = "avg_pool1d"
    check_tensor(input, name)
    kernel = spatial(kernel_size, "kernel_size", name, 2, 1)
    steps = strides(stride, name, kernel)
    pads = spatial(padding, "padding", name, 4, 1)
    check_bool(ceil_mode, name, "ceil_mode", 5)
    check_bool(count_include_pad, name, "count_include_pad", 6)
    if input._array.ndim not in (2, 3):
        raise wrong_rank(name, input)
    return _average(
        "avg_pool2d", input.unsqueeze(-2), (1, *kernel), (1, *steps), (0, *pads), ceil_mode, count_include_pad, 0
    ).squeeze(-2)


def wrong_rank(function: str, input: Tensor) -> RuntimeError:
    """Return the error for an input that is not one of lines."""
    return RuntimeError(
        f"Expected 2 to 3 dimensions, but got {input._array.ndim}-dimensional tensor for argument #1 'self' (while "
        f"checking arguments for {function})"
    )


def avg_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Average each window (`F.avg_pool2d`).

    input (N, C, H, W) or (C, H, W), float or int64 (the quotient truncated). Sizes as max_pool2d's. The sum is divided
    by the cells of the window: those within input and padding (`count_include_pad`; what `ceil_mode` lets hang over
    does not count), or those within the input; or by `divisor_override`.

    Raises RuntimeError for sizes that do not fit and a divisor of 0, NotImplementedError for other dtypes.
    """
    name = "avg_pool2d"
    check_tensor(input, name)
    kernel = spatial(kernel_size, "kernel_size", name, 2, 2)
    steps = strides(stride, name, kernel)
    pads = spatial(padding, "padding", name, 4, 2)
    divisor = 0 if divisor_override is None else _divisor(divisor_override, name)
    rank = input._array.ndim
    if rank == 0:
        raise IndexError("Dimension specified as -3 but tensor has no dimensions")
    if rank < 3:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], but got -3)")
    y = _average(name, input, kernel, steps, pads, ceil_mode, count_include_pad, divisor)
    return y if out is None else write_out(name, out, y, input)


def avg_pool3d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """avg_pool2d of three dimensions (`F.avg_pool3d`): input (N, C, D, H, W) or (C, D, H, W)."""
    name = "avg_pool3d"
    check_tensor(input, name)
    kernel = spatial(kernel_size, "kernel_size", name, 2, 3)
    steps = strides(stride, name, kernel)
    pads = spatial(padding, "padding", name, 4, 3)
    divisor = 0 if divisor_override is None else _divisor(divisor_override, name)
    if input._array.ndim not in (4, 5):
        raise RuntimeError("non-empty 4D or 5D (batch mode) tensor expected for input")
    y = _average(name, input, kernel, steps, pads, ceil_mode, count_include_pad, divisor)
    return y if out is None else write_out(name, out, y, input)


def _p_norm(input: Tensor, norm_type: Any, cells: Any, maximum: Any, average: Any, windows: tuple[Any, ...]) -> Tensor:
    """Pool by the p-norm, as a root of an average of powers."""
    kernel_size, stride, ceil_mode = windows
    if isinstance(norm_type, (int, float)) and math.isinf(norm_type):
        if norm_type > 0:
            return maximum(input.abs(), kernel_size, stride, 0, 1, ceil_mode)
        return -maximum(-input.abs(), kernel_size, stride, 0, 1, ceil_mode)
    out = average(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    return (out.sign() * relu(out.abs())).mul(cells).pow(1.0 / norm_type)


def lp_pool1d(input: Tensor, norm_type: float, kernel_size: int, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """lp_pool2d of one dimension (`F.lp_pool1d`): input (N, C, L) or (C, L); kernel_size is an int."""
    return _p_norm(input, norm_type, kernel_size, max_pool1d, avg_pool1d, (kernel_size, stride, ceil_mode))


def lp_pool2d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """Keep of each window the p-th root of the sum of p-th powers, p = `norm_type` (`F.lp_pool2d`).

    input (N, C, H, W) or (C, H, W). p = inf keeps the largest, -inf the smallest absolute value. The powers have their
    sign: for odd p windows may sum to a negative number, which has no root (NaN, or for p = 1 the sum). Windows that
    `ceil_mode` lets hang over count as if they were full of cells like theirs.
    """
    height, width = kernel_size if hasattr(kernel_size, "__iter__") else (kernel_size, kernel_size)
    return _p_norm(input, norm_type, height * width, max_pool2d, avg_pool2d, (kernel_size, stride, ceil_mode))


def lp_pool3d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """lp_pool2d of three dimensions (`F.lp_pool3d`): input (N, C, D, H, W) or (C, D, H, W)."""
    depth, height, width = kernel_size if hasattr(kernel_size, "__iter__") else (kernel_size,) * 3
    return _p_norm(input, norm_type, depth * height * width, max_pool3d, avg_pool3d, (kernel_size, stride, ceil_mode))
