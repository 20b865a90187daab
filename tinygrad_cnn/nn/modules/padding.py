"""Padding as layers: zeros or another constant, reflection, replication, circular. The rules are `functional.pad`'s."""

from __future__ import annotations

from typing import Any, ClassVar

from tinygrad_cnn.nn import functional as F
from tinygrad_cnn.nn.modules.module import Module
from tinygrad_cnn.nn.modules.utils import _ntuple
from tinygrad_cnn.tensor import Tensor

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]


class _Pad(Module):
    """What the paddings by the input's own elements share; an int pads all sides alike."""

    _dimensions: ClassVar[int]
    _mode: ClassVar[str]

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = _ntuple(2 * self._dimensions)(padding)

    def forward(self, input: Tensor) -> Tensor:
        """Pad a batch, or one sample without the dimension of the batch."""
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        """Return the amounts."""
        return f"{self.padding}"


class ReflectionPad1d(_Pad):
    """Pad (N, C, L) or (C, L) by (left, right) elements reflected at the edges, which are not repeated."""

    _dimensions, _mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """Pad (N, C, H, W) or (C, H, W) by (left, right, top, bottom) elements reflected at the edges."""

    _dimensions, _mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """Pad (N, C, D, H, W) by (left, right, top, bottom, front, back) elements reflected at the edges."""

    _dimensions, _mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """Pad (N, C, L) or (C, L) by (left, right) copies of the edges."""

    _dimensions, _mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """Pad (N, C, H, W) or (C, H, W) by (left, right, top, bottom) copies of the edges."""

    _dimensions, _mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """Pad (N, C, D, H, W) or (C, D, H, W) by (left, right, top, bottom, front, back) copies of the edges."""

    _dimensions, _mode = 3, "replicate"


class _CircularPadNd(_Pad):
    """What circular paddings share: they name a wrong rank themselves."""

    _mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        """Pad a batch, or one sample without the dimension of the batch; ValueError for other ranks."""
        low = self._dimensions + 1
        if input.ndim not in (low, low + 1):
            raise ValueError(f"expected {low}D or {low + 1}D input (got {input.ndim}D input)")
        return super().forward(input)


class CircularPad1d(_CircularPadNd):
    """Pad (N, C, L) or (C, L) by (left, right) elements of the other end."""

    _dimensions = 1


class CircularPad2d(_CircularPadNd):
    """Pad (N, C, H, W) or (C, H, W) by (left, right, top, bottom) elements of the other end."""

    _dimensions = 2


class CircularPad3d(_CircularPadNd):
    """Pad (N, C, D, H, W) or (C, D, H, W) by (left, right, top, bottom, front, back) elements of the other end."""

    _dimensions = 3


class _ConstantPadNd(Module):
    """What the paddings by a constant share."""

    _dimensions: ClassVar[int]

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__()
        self.padding = _ntuple(2 * self._dimensions)(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """Pad the last dimensions."""
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        """Return the amounts and the value."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPadNd):
    """Pad the last dimension by (left, right) elements of a value."""

    _dimensions = 1


class ConstantPad2d(_ConstantPadNd):
    """Pad the last two dimensions by (left, right, top, bottom) elements of a value."""

    _dimensions = 2


class ConstantPad3d(_ConstantPadNd):
    """Pad the last three dimensions by (left, right, top, bottom, front, back) elements of a value."""

    _dimensions = 3


class _Zeros(_ConstantPadNd):
    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """Return the amounts."""
        return f"{self.padding}"


class ZeroPad1d(_Zeros, ConstantPad1d):
    """Pad the last dimension by (left, right) zeros."""


class ZeroPad2d(_Zeros, ConstantPad2d):
    """Pad the last two dimensions by (left, right, top, bottom) zeros."""


class ZeroPad3d(_Zeros, ConstantPad3d):
    """Pad the last three dimensions by (left, right, top, bottom, front, back) zeros."""
