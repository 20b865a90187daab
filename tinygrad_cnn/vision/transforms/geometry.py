"""Transforms of size and place: resizing, padding, crops, flips."""

from __future__ import annotations

import math
import numbers
import warnings
from collections.abc import Sequence
from typing import Any

from tinygrad_cnn import nn

from . import functional as F
from ._arguments import WithProbability, check_ranges, integer, random_sides, setup_size
from .functional._image import InterpolationMode, mode_from_int

__all__ = [
    "CenterCrop",
    "FiveCrop",
    "Pad",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomResizedCrop",
    "RandomSizedCrop",
    "RandomVerticalFlip",
    "Resize",
    "Scale",
    "TenCrop",
]

_RENAMED = "The use of the transforms.{} transform is deprecated, please use transforms.{} instead."


class Resize(nn.Module):
    """Applies `functional.resize`: size is (height, width), or the length of the shorter edge."""

    def __init__(
        self,
        size: Any,
        interpolation: Any = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        if not isinstance(size, (int, Sequence)):
            raise TypeError(f"Size should be int or sequence. Got {type(size)}")
        if isinstance(size, Sequence) and len(size) not in (1, 2):
            raise ValueError("If size is a sequence, it should have 1 or 2 values")
        self.size = size
        self.max_size = max_size
        self.interpolation = mode_from_int(interpolation)
        self.antialias = antialias

    def forward(self, img: Any) -> Any:
        """Return the resized image."""
        return F.resize(img, self.size, self.interpolation, self.max_size, self.antialias)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(size={self.size}, interpolation={self.interpolation.value}, "
            f"max_size={self.max_size}, antialias={self.antialias})"
        )


class Pad(nn.Module):
    """Applies `functional.pad`: a border of `fill`, or of the image's own pixels (edge, reflect, symmetric)."""

    def __init__(self, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> None:
        super().__init__()
        if not isinstance(padding, (numbers.Number, tuple, list)):
            raise TypeError("Got inappropriate padding arg")
        if not isinstance(fill, (numbers.Number, tuple, list)):
            raise TypeError("Got inappropriate fill arg")
        if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
            raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
        if isinstance(padding, (tuple, list)) and len(padding) not in (1, 2, 4):
            raise ValueError(
                f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(padding)} element tuple"
            )
        self.padding = padding
        self.fill = fill
        self.padding_mode = padding_mode

    def forward(self, img: Any) -> Any:
        """Return the padded image."""
        return F.pad(img, self.padding, self.fill, self.padding_mode)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(padding={self.padding}, fill={self.fill}, padding_mode={self.padding_mode})"


# ---------------------------------------------------------------- crops


class _OfSize(nn.Module):
    """What crops have in common: size is (height, width), or one number for a square."""

    def __init__(self, size: Any) -> None:
        super().__init__()
        self.size = setup_size(size)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size})"


class CenterCrop(_OfSize):
    """Applies `functional.center_crop`: the middle of the image."""

    def forward(self, img: Any) -> Any:
        """Return the crop."""
        return F.center_crop(img, self.size)


class FiveCrop(_OfSize):
    """Applies `functional.five_crop`: the four corners and the middle, as a tuple."""

    def forward(self, img: Any) -> Any:
        """Return the five crops."""
        return F.five_crop(img, self.size)


class TenCrop(_OfSize):
    """Applies `functional.ten_crop`: the five crops of the image and of the flipped image, as a tuple."""

    def __init__(self, size: Any, vertical_flip: bool = False) -> None:
        super().__init__(size)
        self.vertical_flip = vertical_flip

    def forward(self, img: Any) -> Any:
        """Return the ten crops."""
        return F.ten_crop(img, self.size, self.vertical_flip)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size}, vertical_flip={self.vertical_flip})"


class RandomCrop(nn.Module):
    """Crops (height, width) or a square at a random place.

    padding, fill, padding_mode: as in `Pad`, applied before. pad_if_needed: pad images that are smaller than the crop;
    ValueError for them otherwise.
    """

    def __init__(
        self,
        size: Any,
        padding: Any = None,
        pad_if_needed: bool = False,
        fill: Any = 0,
        padding_mode: str = "constant",
    ) -> None:
        super().__init__()
        self.size = tuple(setup_size(size))
        self.padding = padding
        self.pad_if_needed = pad_if_needed
        self.fill = fill
        self.padding_mode = padding_mode

    @staticmethod
    def get_params(img: Any, output_size: Sequence[int]) -> tuple[int, int, int, int]:
        """Draw (top, left, height, width) of a crop."""
        _, h, w = F.get_dimensions(img)
        height, width = output_size
        if h < height or w < width:
            raise ValueError(f"Required crop size {(height, width)} is larger than input image size {(h, w)}")
        if (h, w) == (height, width):
            return 0, 0, h, w
        top = integer(0, h - height + 1)
        return top, integer(0, w - width + 1), height, width

    def forward(self, img: Any) -> Any:
        """Return the crop."""
        if self.padding is not None:
            img = F.pad(img, self.padding, self.fill, self.padding_mode)
        _, h, w = F.get_dimensions(img)
        if self.pad_if_needed and w < self.size[1]:
            img = F.pad(img, [self.size[1] - w, 0], self.fill, self.padding_mode)
        if self.pad_if_needed and h < self.size[0]:
            img = F.pad(img, [0, self.size[0] - h], self.fill, self.padding_mode)
        return F.crop(img, *self.get_params(img, self.size))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size}, padding={self.padding})"


class RandomResizedCrop(nn.Module):
    """Crops a rectangle of random area and ratio, and resizes it (Szegedy et al., Going deeper with convolutions).

    size: (height, width) or a square. scale: range of its share of the image's area. ratio: range of width / height.
    """

    def __init__(
        self,
        size: Any,
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3.0 / 4.0, 4.0 / 3.0),
        interpolation: Any = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.size = setup_size(size)
        check_ranges(scale, ratio)
        self.interpolation = mode_from_int(interpolation)
        self.antialias = antialias
        self.scale = scale
        self.ratio = ratio

    @staticmethod
    def get_params(img: Any, scale: Sequence[float], ratio: Sequence[float]) -> tuple[int, int, int, int]:
        """Draw (top, left, height, width): up to ten times, then as much of the middle as the ratio allows."""
        _, h, w = F.get_dimensions(img)
        for _ in range(10):
            area, aspect = random_sides(h * w, scale, ratio)
            width, height = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if 0 < width <= w and 0 < height <= h:
                top = integer(0, h - height + 1)
                return top, integer(0, w - width + 1), height, width
        width, height = w, h
        if w / h < min(ratio):
            height = round(w / min(ratio))
        elif w / h > max(ratio):
            width = round(h * max(ratio))
        return (h - height) // 2, (w - width) // 2, height, width

    def forward(self, img: Any) -> Any:
        """Return the resized crop."""
        box = self.get_params(img, self.scale, self.ratio)
        return F.resized_crop(img, *box, self.size, self.interpolation, antialias=self.antialias)

    def __repr__(self) -> str:
        scale, ratio = (tuple(round(value, 4) for value in pair) for pair in (self.scale, self.ratio))
        return (
            f"{type(self).__name__}(size={self.size}, scale={scale}, ratio={ratio}, "
            f"interpolation={self.interpolation.value}, antialias={self.antialias})"
        )


# ---------------------------------------------------------------- names of old


class Scale(Resize):
    """`Resize` under its name before torchvision 0.2, which scripts of that time still use; warns as it did."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(_RENAMED.format("Scale", "Resize"), stacklevel=2)
        super().__init__(*args, **kwargs)


class RandomSizedCrop(RandomResizedCrop):
    """`RandomResizedCrop` under its name before torchvision 0.2; warns as it did."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(_RENAMED.format("RandomSizedCrop", "RandomResizedCrop"), stacklevel=2)
        super().__init__(*args, **kwargs)


# ---------------------------------------------------------------- flips


class RandomHorizontalFlip(WithProbability):
    """Exchanges left and right with probability p."""

    change = staticmethod(F.hflip)


class RandomVerticalFlip(WithProbability):
    """Exchanges top and bottom with probability p."""

    change = staticmethod(F.vflip)
