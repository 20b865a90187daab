"""Random rotations, affine, perspective and elastic transforms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tinygrad_cnn as torch
from tinygrad_cnn import nn
from tinygrad_cnn.tensor import Tensor

from . import functional as F
from ._arguments import check_sequence, fill_of, happens, integer, setup_angle, setup_fill, uniform
from .functional._image import InterpolationMode, mode_from_int

__all__ = ["ElasticTransform", "RandomAffine", "RandomPerspective", "RandomRotation"]


class RandomRotation(nn.Module):
    """Applies `functional.rotate` with an angle from a range of degrees: (min, max), or x for (-x, x)."""

    def __init__(
        self,
        degrees: Any,
        interpolation: Any = InterpolationMode.NEAREST,
        expand: bool = False,
        center: Sequence[float] | None = None,
        fill: Any = 0,
    ) -> None:
        super().__init__()
        self.degrees = setup_angle(degrees, "degrees")
        if center is not None:
            check_sequence(center, "center", (2,))
        self.center = center
        self.interpolation = mode_from_int(interpolation)
        self.expand = expand
        self.fill = setup_fill(fill)

    @staticmethod
    def get_params(degrees: Sequence[float]) -> float:
        """Draw an angle."""
        return uniform(degrees[0], degrees[1])

    def forward(self, img: Any) -> Any:
        """Return the turned image."""
        fill = fill_of(img, self.fill)
        return F.rotate(img, self.get_params(self.degrees), self.interpolation, self.expand, self.center, fill)

    def __repr__(self) -> str:
        center = "" if self.center is None else f", center={self.center}"
        return (
            f"{type(self).__name__}(degrees={self.degrees}, interpolation={self.interpolation.value}, "
            f"expand={self.expand}{center}, fill={self.fill})"
        )


class RandomAffine(nn.Module):
    """Applies `functional.affine` with random parameters; what is None stays.

    degrees: as in RandomRotation. translate: the largest shifts as shares of width and height. scale: (min, max).
    shear: degrees, x for (-x, x) along x, (min, max) along x, or four for x and y. ValueError and TypeError for others.
    """

    def __init__(
        self,
        degrees: Any,
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: Any = None,
        interpolation: Any = InterpolationMode.NEAREST,
        fill: Any = 0,
        center: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        self.degrees = setup_angle(degrees, "degrees")
        if translate is not None:
            check_sequence(translate, "translate", (2,))
            if any(not 0.0 <= share <= 1.0 for share in translate):
                raise ValueError("translation values should be between 0 and 1")
        self.translate = translate
        if scale is not None:
            check_sequence(scale, "scale", (2,))
            if any(factor <= 0 for factor in scale):
                raise ValueError("scale values should be positive")
        self.scale = scale
        self.shear = None if shear is None else setup_angle(shear, "shear", (2, 4))
        self.interpolation = mode_from_int(interpolation)
        self.fill = setup_fill(fill)
        if center is not None:
            check_sequence(center, "center", (2,))
        self.center = center

    @staticmethod
    def get_params(
        degrees: Sequence[float],
        translate: Sequence[float] | None,
        scale_ranges: Sequence[float] | None,
        shears: Sequence[float] | None,
        img_size: Sequence[int],
    ) -> tuple[float, tuple[int, int], float, tuple[float, float]]:
        """Draw (angle, translations, scale, shears) for an image of (width, height)."""
        angle = uniform(degrees[0], degrees[1])
        dx = dy = 0
        if translate is not None:
            most_x, most_y = float(translate[0] * img_size[0]), float(translate[1] * img_size[1])
            dx = round(uniform(-most_x, most_x))
            dy = round(uniform(-most_y, most_y))
        scale = 1.0 if scale_ranges is None else uniform(scale_ranges[0], scale_ranges[1])
        shear_x = 0.0 if shears is None else uniform(shears[0], shears[1])
        shear_y = uniform(shears[2], shears[3]) if shears is not None and len(shears) == 4 else 0.0
        return angle, (dx, dy), scale, (shear_x, shear_y)

    def forward(self, img: Any) -> Any:
        """Return the transformed image."""
        fill = fill_of(img, self.fill)
        params = self.get_params(self.degrees, self.translate, self.scale, self.shear, F.get_image_size(img))
        return F.affine(img, *params, interpolation=self.interpolation, fill=fill, center=self.center)

    def __repr__(self) -> str:
        shown = [f"degrees={self.degrees}"]
        shown += [
            f"{name}={value}"
            for name, value in (("translate", self.translate), ("scale", self.scale), ("shear", self.shear))
            if value is not None
        ]
        if self.interpolation is not InterpolationMode.NEAREST:
            shown.append(f"interpolation={self.interpolation.value}")
        if self.fill != 0:
            shown.append(f"fill={self.fill}")
        if self.center is not None:
            shown.append(f"center={self.center}")
        return f"{type(self).__name__}({', '.join(shown)})"


class RandomPerspective(nn.Module):
    """Applies `functional.perspective` with probability p: each corner moves inwards, at most by half the image times
    `distortion_scale`."""

    def __init__(
        self,
        distortion_scale: float = 0.5,
        p: float = 0.5,
        interpolation: Any = InterpolationMode.BILINEAR,
        fill: Any = 0,
    ) -> None:
        super().__init__()
        self.p = p
        self.interpolation = mode_from_int(interpolation)
        self.distortion_scale = distortion_scale
        self.fill = setup_fill(fill)

    def forward(self, img: Any) -> Any:
        """Return the image, transformed or not."""
        fill = fill_of(img, self.fill)
        width, height = F.get_image_size(img)
        if not happens(self.p):
            return img
        return F.perspective(img, *self.get_params(width, height, self.distortion_scale), self.interpolation, fill)

    @staticmethod
    def get_params(width: int, height: int, distortion_scale: float) -> tuple[list[list[int]], list[list[int]]]:
        """Return the corners (x, y), from top left clockwise, and draw where they go."""
        most_x, most_y = int(distortion_scale * (width // 2)), int(distortion_scale * (height // 2))
        left, top = (0, most_x + 1), (0, most_y + 1)
        right, bottom = (width - most_x - 1, width), (height - most_y - 1, height)
        start = [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]]
        end = [[integer(*x), integer(*y)] for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))]
        return start, end

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


class ElasticTransform(nn.Module):
    """Applies `functional.elastic_transform` with random displacements, smooth over `sigma` pixels, of strength `alpha`
    (Simard et al., Best practices for convolutional neural networks).

    alpha, sigma: floats, one or two for x and y; TypeError and ValueError for others.
    """

    def __init__(
        self,
        alpha: Any = 50.0,
        sigma: Any = 5.0,
        interpolation: Any = InterpolationMode.BILINEAR,
        fill: Any = 0,
    ) -> None:
        super().__init__()
        self.alpha = self._two_floats(alpha, "alpha")
        self.sigma = self._two_floats(sigma, "sigma")
        self.interpolation = mode_from_int(interpolation)
        if not isinstance(fill, (int, float, list, tuple)):
            raise TypeError(f"fill should be int or float or a list or tuple of them. Got {type(fill)}")
        self.fill = [float(level) for level in (fill if isinstance(fill, (list, tuple)) else [fill])]

    @staticmethod
    def _two_floats(value: Any, name: str) -> Any:
        if not isinstance(value, (float, Sequence)):
            raise TypeError(f"{name} should be float or a sequence of floats. Got {type(value)}")
        if isinstance(value, float):
            return [value, value]
        if len(value) != 2:
            raise ValueError(f"If {name} is a sequence its length should be 2. Got {len(value)}")
        for element in value:
            if not isinstance(element, float):
                raise TypeError(f"{name} should be a sequence of floats. Got {type(element)}")
        return value

    @staticmethod
    def get_params(alpha: Sequence[float], sigma: Sequence[float], size: Sequence[int]) -> Tensor:
        """Draw displacements (1, H, W, 2) for an image of size [H, W]: noise, blurred, and scaled by the sides."""
        height, width = size
        parts = []
        for strength, width_of_blur, side in ((alpha[0], sigma[0], width), (alpha[1], sigma[1], height)):
            noise = torch.rand([1, 1, height, width]) * 2 - 1
            if width_of_blur > 0.0:
                kernel = int(8 * width_of_blur + 1) | 1  # odd
                noise = F.gaussian_blur(noise, [kernel, kernel], list(sigma))
            parts.append(noise * strength / side)
        return torch.cat(parts, 1).permute(0, 2, 3, 1)

    def forward(self, tensor: Any) -> Any:
        """Return the transformed image."""
        _, height, width = F.get_dimensions(tensor)
        displacement = self.get_params(self.alpha, self.sigma, [height, width])
        return F.elastic_transform(tensor, displacement, self.interpolation, self.fill)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(alpha={self.alpha}, sigma={self.sigma}, interpolation={self.interpolation}, "
            f"fill={self.fill})"
        )
