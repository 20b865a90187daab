"""unfold and fold: sliding windows as columns, and back."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.nn.functional._arguments import check_tensor, int_tuple, not_implemented_for
from tinygrad_cnn.ops.fold import Columns, Planes, Windows
from tinygrad_cnn.tensor import Tensor

__all__ = ["fold", "unfold"]


def _pair(value: Any, function: str, name: str, position: int) -> tuple[int, int]:
    pair = int_tuple(value if isinstance(value, (tuple, list)) else (value, value), function, name, position)
    if len(pair) != 2:
        raise RuntimeError(f"It is expected {name} equals to 2, but got size {len(pair)}")
    return pair


def _windows(function: str, size: Any, kernel: Any, dilation: Any, padding: Any, stride: Any, first: int) -> Windows:
    """Return the windows, having checked that the numbers make sense; `first`: the position of kernel_size."""
    names = ("kernel_size", "dilation", "padding", "stride")
    pairs = [
        _pair(value, function, name, first + k)
        for k, (name, value) in enumerate(zip(names, (kernel, dilation, padding, stride), strict=True))
    ]
    windows = Windows(size, *pairs)
    for what, short, pair, least in (
        ("kernel size should be greater than zero", "kernel", windows.kernel, 1),
        ("dilation should be greater than zero", "dilation", windows.dilation, 1),
        ("padding should be non-negative", "pad", windows.padding, 0),
        ("stride should be greater than zero", "stride", windows.stride, 1),
    ):
        if min(pair) < least:
            raise RuntimeError(f"{what}, but got {short}_height: {pair[0]} {short}_width: {pair[1]}")
    return windows


def unfold(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """Return the sliding windows of input (N, C, H, W) as columns: (N, C * KH * KW, windows) (`F.unfold`).

    Without N for (C, H, W). Raises RuntimeError for another rank, empty planes or windows that do not fit.
    """
    shape = check_tensor(input, "im2col")._array.shape
    windows = _windows("im2col", tuple(shape[-2:]), kernel_size, dilation, padding, stride, 2)
    if len(shape) not in (3, 4) or 0 in shape[-3:]:
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, "
            f"but got: {list(shape)}"
        )
    if min(windows.counts) < 1:
        raise RuntimeError(
            f"Given input with spatial size {windows.size}, kernel_size={windows.kernel}, dilation={windows.dilation}, "
            f"padding={windows.padding}, calculated shape of the array of sliding blocks as {windows.counts}, but its "
            "components must be at least one."
        )
    if not input.is_floating_point() and input._array.dtype.kind != "b":
        raise not_implemented_for("im2col_out_cpu", input)
    if len(shape) == 3:
        return Columns.apply(input.unsqueeze(0), windows=windows).squeeze(0)
    return Columns.apply(input, windows=windows)


def fold(
    input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """Add columns (N, C * KH * KW, windows) up to the planes (N, C, *output_size) whose windows they are (`F.fold`).

    What lies in several windows is the sum of theirs. Without N for two dimensions. Raises RuntimeError for another
    rank, or sizes that do not go together.
    """
    shape = check_tensor(input, "col2im")._array.shape
    size = _pair(output_size, "col2im", "output_size", 2)
    windows = _windows("col2im", size, kernel_size, dilation, padding, stride, 3)
    if len(shape) not in (2, 3) or 0 in shape[-2:]:
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for "
            f"input, but got: {list(shape)}"
        )
    d, (high, wide) = len(shape) - 2, windows.counts
    if shape[-2] % (windows.kernel[0] * windows.kernel[1]):
        raise RuntimeError(
            f"Expected size of input's dimension {d} to be divisible by the product of kernel_size, but got "
            f"input.size({d})={shape[-2]} and kernel_size={windows.kernel}."
        )
    if shape[-1] != high * wide or high < 1:
        raise RuntimeError(
            f"Given output_size={windows.size}, kernel_size={windows.kernel}, dilation={windows.dilation}, "
            f"padding={windows.padding}, stride={windows.stride}, expected size of input's dimension {d + 1} to match "
            f"the calculated number of sliding blocks {high} * {wide} = {high * wide}, but got "
            f"input.size({d + 1})={shape[-1]}."
        )
    if not input.is_floating_point() and input._array.dtype.kind != "b":
        raise not_implemented_for("col2im_out_cpu", input)
    if len(shape) == 2:
        return Planes.apply(input.unsqueeze(0), windows=windows).squeeze(0)
    return Planes.apply(input, windows=windows)
