"""Convolutions that learn the number of input channels from their first input."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.nn.modules.conv import Conv1d, Conv2d, Conv3d
from tinygrad_cnn.nn.modules.conv_transpose import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from tinygrad_cnn.nn.modules.lazy import Lazy
from tinygrad_cnn.nn.parameter import UninitializedParameter
from tinygrad_cnn.tensor import Tensor

__all__ = [
    "LazyConv1d", "LazyConv2d", "LazyConv3d", "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d",
]  # fmt: skip


class _LazyConvNd(Lazy):
    """What all of them share."""

    inferred = "in_channels"
    in_channels: int
    out_channels: int
    kernel_size: tuple[int, ...]
    groups: int
    transposed: bool
    _dimensions: int
    weight: Any
    bias: Any

    def _promise(self, out_channels: int, bias: bool, device: Any, dtype: Any) -> None:
        """Set, after the constructor of the layer has been told that there are no channels, what there will be."""
        self.out_channels = out_channels
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def initialize_parameters(self, input: Tensor, *args: Any, **kwargs: Any) -> None:
        """Take in_channels from the first input, a batch or one sample. RuntimeError for other dimensions."""
        sample = self._dimensions + 1
        if input.dim() not in (sample, sample + 1):
            raise RuntimeError(
                f"Expected {sample}D (unbatched) or {sample + 1}D (batched) input to {type(self).__name__}, but got "
                f"input of size: {input.shape}"
            )
        channels = input.shape[-sample]
        if channels % self.groups:
            raise ValueError("in_channels must be divisible by groups")
        first, second = (channels, self.out_channels) if self.transposed else (self.out_channels, channels)
        shape = (first, second // self.groups, *self.kernel_size)
        self._materialize(channels, {"weight": shape, "bias": (self.out_channels,)})


class _LazyConv(_LazyConvNd):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device, dtype)
        self._promise(out_channels, bias, device, dtype)


class _LazyConvTranspose(_LazyConvNd):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation, padding_mode, device, dtype
        )
        self._promise(out_channels, bias, device, dtype)


class LazyConv1d(_LazyConv, Conv1d):
    """A Conv1d whose in_channels are those of its first input."""

    cls_to_become = Conv1d


class LazyConv2d(_LazyConv, Conv2d):
    """A Conv2d whose in_channels are those of its first input."""

    cls_to_become = Conv2d


class LazyConv3d(_LazyConv, Conv3d):
    """A Conv3d whose in_channels are those of its first input."""

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):
    """A ConvTranspose1d whose in_channels are those of its first input."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):
    """A ConvTranspose2d whose in_channels are those of its first input."""

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d):
    """A ConvTranspose3d whose in_channels are those of its first input."""

    cls_to_become = ConvTranspose3d
