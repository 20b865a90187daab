"""Transforms of samples that the first version does not have, or has otherwise."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import tinygrad_cnn as torch
from tinygrad_cnn.tensor import Tensor
from tinygrad_cnn.vision._extras import is_pillow_image

from .. import autoaugment as v1
from .. import color
from .. import functional as F
from .._arguments import check_sequence, fill_of, happens, integer, uniform
from ..functional._image import max_value
from ..geometry import RandomCrop as RandomCropOfOneImage
from ._transform import Transform, of_images
from .functional import equalize, is_marked, posterize, rgb_to_grayscale, to_dtype, to_image

__all__ = [
    "AugMix",
    "AutoAugment",
    "ConvertImageDtype",
    "Grayscale",
    "Identity",
    "Lambda",
    "PILToTensor",
    "RandAugment",
    "RandomCrop",
    "RandomEqualize",
    "RandomPosterize",
    "RandomZoomOut",
    "ToDtype",
    "ToImage",
    "ToPILImage",
    "ToPureTensor",
    "ToTensor",
    "TrivialAugmentWide",
]


# ---------------------------------------------------------------- conversions


class Identity(Transform):
    """Returns what it gets."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Return the part itself."""
        return inpt


class ToPureTensor(Transform):
    """Returns tensors that are not marked as images any more."""

    _transformed_types = (Tensor,)

    def _transformed(self, part: Any, params: dict[str, Any]) -> Any:
        return part.view_as(part) if is_marked(part) else part


class Lambda(Transform):
    """Applies a function to all parts of some types, by default to all."""

    _transformed_types = (object,)

    def __init__(self, lambd: Callable[[Any], Any], *types: type) -> None:
        super().__init__()
        self.lambd = lambd
        self.types = types or (object,)

    def _wanted(self, flat_inputs: list[Any]) -> list[bool]:
        return [isinstance(part, self.types) for part in flat_inputs]

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Return the function's value."""
        return self.lambd(inpt)

    def extra_repr(self) -> str:
        """Return the names of the function and of the types."""
        name = getattr(self.lambd, "__name__", None)
        return ", ".join([*([name] if name else []), f"types={[kind.__name__ for kind in self.types]}"])


class PILToTensor(Transform):
    """Turns Pillow images into tensors (C, H, W) of their type, not scaled."""

    _transformed_types = (is_pillow_image,)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Tensor:
        """Return the pixels."""
        return F.pil_to_tensor(inpt)


class ToImage(Transform):
    """Turns Pillow images and arrays (H, W, C) into tensors (C, H, W), not scaled; tensors stay as they are."""

    _transformed_types = (Tensor, is_pillow_image, np.ndarray)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Tensor:
        """Return the pixels."""
        return to_image(inpt)


class ToPILImage(Transform):
    """Turns tensors (C, H, W) and arrays (H, W, C) into Pillow images."""

    _transformed_types = (Tensor, np.ndarray)

    def __init__(self, mode: str | None = None) -> None:
        super().__init__()
        self.mode = mode

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Return a Pillow image."""
        return F.to_pil_image(inpt, mode=self.mode)


class ToTensor(Transform):
    """`functional.to_tensor` for Pillow images and arrays; warns that ToImage and ToDtype are preferred."""

    _transformed_types = (is_pillow_image, np.ndarray)

    def __init__(self) -> None:
        warnings.warn(
            "The transform `ToTensor()` is deprecated and will be removed in a future release. "
            "Instead, please use `v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])`."
            "Output is equivalent up to float precision.",
            stacklevel=2,
        )
        super().__init__()

    def transform(self, inpt: Any, params: dict[str, Any]) -> Tensor:
        """Return a tensor in [0, 1]."""
        return F.to_tensor(inpt)


class ToDtype(Transform):
    """Converts the image's tensor to a dtype; scale: so that white stays white, as `convert_image_dtype`.

    dtype: a dtype, or a dictionary from Tensor or "others" to dtypes (None: leave). ValueError for another.
    """

    _transformed_types = (Tensor,)

    def __init__(self, dtype: Any, scale: bool = False) -> None:
        super().__init__()
        if not isinstance(dtype, (dict, torch.dtype)):
            raise ValueError(f"dtype must be a dict or a torch.dtype, got {type(dtype)} instead")
        self.dtype = dtype
        self.scale = scale

    def transform(self, inpt: Tensor, params: dict[str, Any]) -> Tensor:
        """Return the converted tensor."""
        dtype: Any = self.dtype
        if isinstance(dtype, dict):
            if Tensor not in dtype and "others" not in dtype:
                raise ValueError(f"No dtype was specified for type {type(inpt)}.")
            dtype = dtype.get(Tensor, dtype.get("others"))
        return inpt if dtype is None else to_dtype(inpt, dtype, self.scale)


class ConvertImageDtype(ToDtype):
    """`ToDtype` with scale=True, under its older name."""

    def __init__(self, dtype: Any = torch.float32) -> None:
        super().__init__(dtype, scale=True)


# ---------------------------------------------------------------- colour


class Grayscale(of_images(color.Grayscale)):  # type: ignore[misc]
    """`Grayscale`, which makes three channels of one as well."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Return the grey image."""
        return rgb_to_grayscale(inpt, self.num_output_channels)


class RandomEqualize(of_images(color.RandomEqualize)):  # type: ignore[misc]
    """`RandomEqualize`, of tensors of any dtype."""

    change = staticmethod(equalize)


class RandomPosterize(of_images(color.RandomPosterize)):  # type: ignore[misc]
    """`RandomPosterize`, of tensors of floats as well."""

    def change(self, img: Any) -> Any:
        """Return the posterized image."""
        return posterize(img, self.bits)


# ---------------------------------------------------------------- geometry


class RandomCrop(of_images(RandomCropOfOneImage)):  # type: ignore[misc]
    """`RandomCrop`, which draws a place only in the directions that it crops."""

    @staticmethod
    def get_params(img: Any, output_size: Sequence[int]) -> tuple[int, int, int, int]:
        """Draw (top, left, height, width) of a crop."""
        _, h, w = F.get_dimensions(img)
        height, width = output_size
        if h < height or w < width:
            raise ValueError(f"Required crop size {(height, width)} is larger than input image size {(h, w)}.")
        top = integer(0, h - height + 1) if h > height else 0
        return top, integer(0, w - width + 1) if w > width else 0, height, width


class RandomZoomOut(Transform):
    """With probability p puts the image on a canvas of `fill`, at a random place, larger by a factor from `side_range`
    (Liu et al., SSD: single shot multibox detector)."""

    def __init__(self, fill: Any = 0, side_range: Sequence[float] = (1.0, 4.0), p: float = 0.5) -> None:
        super().__init__()
        check_sequence(side_range, "side_range", (2,))
        if side_range[0] < 1.0 or side_range[0] > side_range[1]:
            raise ValueError(f"Invalid side range provided {side_range}.")
        self.p = p
        self.fill = fill
        self.side_range = side_range

    def _apply_to(self, sample: Any, parts: list[Any]) -> Any:
        return super()._apply_to(sample, parts) if happens(self.p) else sample

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw the size of the canvas and the place on it."""
        _, h, w = F.get_dimensions(flat_inputs[0])
        factor = self.side_range[0] + torch.rand(1) * (self.side_range[1] - self.side_range[0])
        width, height = int(w * factor), int(h * factor)
        across, down = torch.rand(2)
        left, top = int((width - w) * across), int((height - h) * down)
        return {"padding": [left, top, width - left - w, height - top - h]}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Return the image with its border."""
        return F.pad(inpt, params["padding"], self.fill)


# ---------------------------------------------------------------- policies


class _Policy:
    """What policies do otherwise here: signs are drawn as floats, thresholds follow the dtype."""

    def _negative(self) -> bool:
        return uniform(0.0, 1.0) <= 0.5

    def _operate(self, img: Any, name: str, magnitude: float, fill: Any) -> Any:
        if name == "Equalize":
            return equalize(img)
        if name == "Posterize":
            return posterize(img, int(magnitude))
        if name == "Solarize" and isinstance(img, Tensor):
            magnitude *= max_value(img.dtype) / 255.0
        return super()._operate(img, name, magnitude, fill)  # type: ignore[misc]


class _OneImageAutoAugment(_Policy, v1.AutoAugment):
    def forward(self, img: Any) -> Any:
        fill = fill_of(img, self.fill)
        _, height, width = F.get_dimensions(img)
        space = self._augmentation_space(10, (height, width))
        for name, p, magnitude_id in self.policies[integer(0, len(self.policies))]:
            if uniform(0.0, 1.0) > p:
                continue
            magnitudes, signed = space[name]
            magnitude = 0.0 if magnitude_id is None else float(magnitudes[magnitude_id].item())
            if signed and self._negative():
                magnitude *= -1.0
            img = self._operate(img, name, magnitude, fill)
        return img


_OneImageAutoAugment.__name__ = "AutoAugment"
AutoAugment = of_images(_OneImageAutoAugment)
RandAugment, TrivialAugmentWide, AugMix = (
    of_images(type(cls.__name__, (_Policy, cls), {})) for cls in (v1.RandAugment, v1.TrivialAugmentWide, v1.AugMix)
)
