"""Max and min pooling of lines, planes and volumes; the corner cases are what PyTorch does, documented or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_cnn.nn.functional._arguments import check_bool, check_tensor, not_implemented_for
from tinygrad_cnn.nn.functional._pool_arguments import (
    INT_MAX,
    Sizes,
    check_cells,
    check_windows,
    output_size,
    pool_shape,
    spatial,
    strides,
)
from tinygrad_cnn.ops.pool import POOL_MAX, POOL_MIN, MaxPool2d
from tinygrad_cnn.ops.pool_volumes import max_pool3d as pool_volumes
from tinygrad_cnn.tensor import Tensor

__all__ = [
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_pool3d",
    "max_pool3d_with_indices",
    "min_pool1d",
    "min_pool1d_with_indices",
    "min_pool2d",
    "min_pool2d_with_indices",
    "min_pool3d",
    "min_pool3d_with_indices",
]


def _pool(
    op: int,
    function: str,
    count: int,
    input: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: Any,
    return_indices: bool,
) -> Any:
    """Check the arguments of a max or min pooling over `count` dimensions, and pool."""
    check_tensor(input, function)
    kernel = spatial(kernel_size, "kernel_size", function, 2, count)
    steps = kernel if stride is None else strides(stride, function, kernel)
    pads = spatial(padding, "padding", function, 4, count)
    spread = spatial(dilation, "dilation", function, 5, count)
    if type(ceil_mode) is not bool:
        check_bool(ceil_mode, function, "ceil_mode", 6)
    if count == 1:
        return _pool_lines(op, function, input, (kernel, steps, pads, spread), ceil_mode, return_indices)
    array = input._array
    x = array.shape
    if len(x) not in (count + 1, count + 2):
        check_windows(kernel, steps, pads, spread)
        raise RuntimeError(f"non-empty {count + 1}D or {count + 2}D (batch mode) tensor expected for input")
    shape = pool_shape(function, x, kernel, steps, pads, spread, ceil_mode)
    if array.dtype.kind == "b":
        raise not_implemented_for(function, input)
    if count == 3:
        check_cells(x, 3)
        return pool_volumes(input, shape, op, False, return_indices)
    if x[-1] * x[-2] > INT_MAX:
        check_cells(x)
    return MaxPool2d.apply(input, shape=shape, op=op, adaptive=False, return_indices=return_indices)


def _pool_lines(
    op: int, function: str, input: Tensor, numbers: tuple[Sizes, ...], ceil_mode: bool, return_indices: bool
) -> Any:
    """Pool (..., L) as planes of height 1. Without indices PyTorch has another function, with messages of its own."""
    x = input._array.shape
    if len(x) not in (2, 3) or 0 in x[-2:]:
        raise RuntimeError(
            f"{function}: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got:"
            f"[{', '.join(map(str, x))}]"
        )
    if not return_indices:
        _check_line(function, x[-1], numbers, ceil_mode)
        if not input.is_floating_point():
            raise not_implemented_for(f"{function}_impl", input)
    kernel, steps, pads, spread = [(neutral, *size) for neutral, size in zip((1, 1, 0, 1), numbers, strict=True)]
    result = _pool(
        op, f"{function[:-2]}2d", 2, input.unsqueeze(-2), kernel, steps, pads, spread, ceil_mode, return_indices
    )
    return tuple([part.squeeze(-2) for part in result]) if return_indices else result.squeeze(-2)


def _check_line(function: str, size: int, numbers: tuple[Sizes, ...], ceil_mode: bool) -> None:
    (kernel,), (stride,), (padding,), (dilation,) = numbers
    for number, what in ((kernel, "kernel_size"), (stride, "stride")):
        if number <= 0:
            raise RuntimeError(f"{function}() {what} must be greater than zero, but got {number}")
    if padding < 0:
        raise RuntimeError(f"{function}() padding must be non-negative, but got {padding}")
    if padding > (dilation * (kernel - 1) + 1) // 2 and dilation > 0:
        raise RuntimeError(
            f"{function}() padding should be at most half of kernel size, but got padding={padding} and "
            f"kernel_size={kernel}"
        )
    if dilation <= 0:
        raise RuntimeError(f"{function}() dilation must be greater than zero, but got {dilation}")
    out = output_size(size, kernel, stride, padding, dilation, ceil_mode)
    if out <= 0:
        raise RuntimeError(f"{function}() Invalid computed output size: {out}")


def _named(op: int, count: int, indices: bool, doc: str) -> Callable[..., Any]:
    """Return the function for max or min, a number of dimensions, and whether it always returns indices."""
    function = f"{'max' if op == POOL_MAX else 'min'}_pool{count}d"

    def pool(
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        wanted = indices or (return_indices is not False and bool(return_indices))
        return _pool(op, function, count, input, kernel_size, stride, padding, dilation, ceil_mode, wanted)

    pool.__name__ = pool.__qualname__ = f"{function}_with_indices" if indices else function
    pool.__doc__ = doc
    return pool


max_pool2d = _named(
    POOL_MAX,
    2,
    False,
    """Keep the largest value of each window (`F.max_pool2d`).

    input (N, C, H, W) or (C, H, W) of any dtype but bool. Sizes are an int or (vertical, horizontal); stride None is
    the kernel size. Padding never wins. Output size floor((H + 2 padding - dilation (k - 1) - 1) / stride) + 1, with
    `ceil_mode` ceil, but no window starts beyond input and left padding. The first of equals wins; a NaN wins over
    numbers, the last of several. With `return_indices` returns (values, int64 indices row * W + column). A dilated
    window that lies wholly in the padding gives the lowest value of the dtype and index -1, and has no gradient.

    Raises RuntimeError for sizes that do not fit, TypeError for arguments of a wrong type, NotImplementedError for
    bool.
    """,
)
max_pool1d = _named(
    POOL_MAX,
    1,
    False,
    """max_pool2d of one dimension (`F.max_pool1d`): input (N, C, L) or (C, L); floats, with indices any dtype but bool.
    """,
)
max_pool3d = _named(
    POOL_MAX,
    3,
    False,
    """max_pool2d of three dimensions (`F.max_pool3d`): input (N, C, D, H, W) or (C, D, H, W), indices in D H W.""",
)
max_pool1d_with_indices, max_pool2d_with_indices, max_pool3d_with_indices = [
    _named(POOL_MAX, n, True, f"max_pool{n}d that always returns (values, indices) (`F.max_pool{n}d_with_indices`).")
    for n in (1, 2, 3)
]
min_pool1d, min_pool2d, min_pool3d = [
    _named(
        POOL_MIN,
        n,
        False,
        f"""Keep the smallest value of each window: -max_pool{n}d(-input). PyTorch has no such function.

    Arguments, sizes and errors as max_pool{n}d's; the first of equals wins, the last NaN wins.
    """,
    )
    for n in (1, 2, 3)
]
min_pool1d_with_indices, min_pool2d_with_indices, min_pool3d_with_indices = [
    _named(POOL_MIN, n, True, f"min_pool{n}d that always returns (values, indices).") for n in (1, 2, 3)
]
