"""Transforms of pixels and their neighbours: erasing, blurring, sharpening."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import tinygrad_cnn as torch
from tinygrad_cnn import nn
from tinygrad_cnn.tensor import Tensor

from . import functional as F
from ._arguments import WithProbability, check_ranges, happens, integer, random_sides, setup_size, uniform

__all__ = ["GaussianBlur", "RandomAdjustSharpness", "RandomErasing"]


class RandomErasing(nn.Module):
    """Overwrites a random rectangle of a tensor (..., C, H, W) with probability p (Zhong et al., arXiv:1708.04896).

    scale: range of its share of the area. ratio: range of height / width. value: a number, one for each channel, or
    "random" for normal noise. inplace: change the tensor itself. TypeError and ValueError for bad arguments.
    """

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: Any = 0,
        inplace: bool = False,
    ) -> None:
        super().__init__()
        if not isinstance(value, (numbers.Number, str, tuple, list)):
            raise TypeError("Argument value should be either a number or str or a sequence")
        if isinstance(value, str) and value != "random":
            raise ValueError("If value is str, it should be 'random'")
        check_ranges(scale, ratio)
        if scale[0] < 0 or scale[1] > 1:
            raise ValueError("Scale should be between 0 and 1")
        if p < 0 or p > 1:
            raise ValueError("Random erasing probability should be between 0 and 1")
        self.p = p
        self.scale = scale
        self.ratio = ratio
        self.value = value
        self.inplace = inplace

    @staticmethod
    def get_params(
        img: Tensor, scale: Sequence[float], ratio: Sequence[float], value: list[float] | None = None
    ) -> tuple[int, int, int, int, Tensor]:
        """Draw (top, left, height, width, value): up to ten times, then the whole image and itself."""
        channels, h, w = img.shape[-3], img.shape[-2], img.shape[-1]
        for _ in range(10):
            area, aspect = random_sides(h * w, scale, ratio)
            height, width = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if not (height < h and width < w):
                continue
            if value is None:
                filling = torch.empty([channels, height, width], dtype=torch.float32).normal_()
            else:
                filling = torch.tensor(value)[:, None, None]
            top = integer(0, h - height + 1)
            return top, integer(0, w - width + 1), height, width, filling
        return 0, 0, h, w, img

    def forward(self, img: Tensor) -> Tensor:
        """Return the tensor, with the rectangle or not."""
        if not happens(self.p):
            return img
        value = None
        if not isinstance(self.value, str):
            values: Any = self.value if isinstance(self.value, (tuple, list)) else [self.value]
            value = [float(level) for level in values]
        if value is not None and len(value) not in (1, img.shape[-3]):
            raise ValueError(
                f"If value is a sequence, it should have either a single value or {img.shape[-3]} (number of input "
                "channels)"
            )
        return F.erase(img, *self.get_params(img, self.scale, self.ratio, value), self.inplace)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(p={self.p}, scale={self.scale}, ratio={self.ratio}, value={self.value}, "
            f"inplace={self.inplace})"
        )


class GaussianBlur(nn.Module):
    """Applies `functional.gaussian_blur` with a sigma drawn from a range, or fixed if it is one number.

    kernel_size: odd, one number or (x, y). ValueError for other sizes and ranges.
    """

    def __init__(self, kernel_size: Any, sigma: Any = (0.1, 2.0)) -> None:
        super().__init__()
        self.kernel_size = setup_size(kernel_size, "Kernel size should be a tuple/list of two integers")
        if any(size <= 0 or size % 2 == 0 for size in self.kernel_size):
            raise ValueError("Kernel size value should be an odd and positive number.")
        if isinstance(sigma, numbers.Number):
            if sigma <= 0:  # type: ignore[operator]
                raise ValueError("If sigma is a single number, it must be positive.")
            sigma = (sigma, sigma)
        elif not (isinstance(sigma, Sequence) and len(sigma) == 2):
            raise ValueError("sigma should be a single number or a list/tuple with length 2.")
        elif not 0.0 < sigma[0] <= sigma[1]:
            raise ValueError("sigma values should be positive and of the form (min, max).")
        self.sigma = sigma

    @staticmethod
    def get_params(sigma_min: float, sigma_max: float) -> float:
        """Draw a sigma."""
        return uniform(sigma_min, sigma_max)

    def forward(self, img: Any) -> Any:
        """Return the blurred image."""
        sigma = self.get_params(self.sigma[0], self.sigma[1])
        return F.gaussian_blur(img, self.kernel_size, [sigma, sigma])

    def __repr__(self) -> str:
        return f"{type(self).__name__}(kernel_size={self.kernel_size}, sigma={self.sigma})"


class RandomAdjustSharpness(WithProbability):
    """Applies `functional.adjust_sharpness` with probability p."""

    def __init__(self, sharpness_factor: float, p: float = 0.5) -> None:
        super().__init__(p)
        self.sharpness_factor = sharpness_factor

    def change(self, img: Any) -> Any:
        """Return the sharpened image."""
        return F.adjust_sharpness(img, self.sharpness_factor)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(sharpness_factor={self.sharpness_factor},p={self.p})"
