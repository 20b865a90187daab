"""ConvTranspose1d, ConvTranspose2d, ConvTranspose3d."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from tinygrad_cnn.nn import functional as F
from tinygrad_cnn.nn.modules.conv import _ConvNd
from tinygrad_cnn.nn.modules.utils import _ntuple
from tinygrad_cnn.tensor import Tensor

__all__ = ["ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]


class _ConvTransposeNd(_ConvNd):
    """What the transposed convolutions share: all but the number of dimensions."""

    _dimensions: ClassVar[int]
    _function: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        in_channels: int,
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
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        sizes = _ntuple(self._dimensions)
        super().__init__(
            in_channels,
            out_channels,
            sizes(kernel_size),
            sizes(stride),
            sizes(padding),
            sizes(dilation),
            True,
            sizes(output_padding),
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def _output_padding(self, input: Tensor, output_size: Sequence[int] | None) -> Sequence[int]:
        """Return what makes the output as large as `output_size`, spatial or whole; ValueError if nothing does."""
        if output_size is None:
            return self.output_padding
        count, rank = self._dimensions, input.ndim
        leading = 2 if rank == count + 2 else 1
        if len(output_size) == leading + count:
            output_size = output_size[leading:]
        if len(output_size) != count:
            raise ValueError(
                f"ConvTranspose{count}D: for {rank}D input, output_size must have {count} or {leading + count} "
                f"elements (got {len(output_size)})"
            )
        padding: Any = self.padding
        least = [
            (size - 1) * step - 2 * pad + wide * (kernel - 1) + 1
            for size, step, pad, wide, kernel in zip(
                input.shape[leading:], self.stride, padding, self.dilation, self.kernel_size, strict=True
            )
        ]
        most = [size + step - 1 for size, step in zip(least, self.stride, strict=True)]
        if any(not low <= size <= high for low, size, high in zip(least, output_size, most, strict=True)):
            raise ValueError(
                f"requested an output size of {output_size}, but valid sizes range from {least} to {most} (for an "
                f"input of {input.shape[2:]})"
            )
        return [size - low for size, low in zip(output_size, least, strict=True)]

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Spread a batch, or one sample without the dimension of the batch; `output_size` picks among those possible.

        Several sizes give one size when they are convolved with a stride, and any of these can be asked for.
        """
        if self.padding_mode != "zeros":
            raise ValueError(f"Only `zeros` padding mode is supported for {type(self).__name__}")
        extra = self._output_padding(input, output_size)
        weight, bias = self._weight_and_bias()
        return type(self)._function(input, weight, bias, self.stride, self.padding, extra, self.groups, self.dilation)


class ConvTranspose1d(_ConvTransposeNd):
    """A transposed convolution of signals: (N, C, L) to (N, K, OL), see `functional.conv_transpose1d`."""

    _dimensions = 1
    _function = staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_ConvTransposeNd):
    """A transposed convolution with learned kernels: (N, C, H, W) to (N, K, OH, OW), see `functional.conv_transpose2d`.

    weight (C, K / groups, R, S) and bias (K,) start as Conv2d's. Raises ValueError for channels that groups do not
    divide, a padding_mode other than 'zeros', and an output_size that is not possible.
    """

    _dimensions = 2
    _function = staticmethod(F.conv_transpose2d)


class ConvTranspose3d(_ConvTransposeNd):
    """A transposed convolution of volumes: (N, C, D, H, W) to (N, K, OD, OH, OW), see `functional.conv_transpose3d`."""

    _dimensions = 3
    _function = staticmethod(F.conv_transpose3d)
