"""What the functions on images share: its kind, size and type, and checks with torchvision's words."""

from __future__ import annotations

from enum import Enum
from typing import Any

import tinygrad_cnn as torch
from tinygrad_cnn.tensor import Tensor
from tinygrad_cnn.vision._extras import is_pillow_image

__all__ = ["InterpolationMode", "get_dimensions", "get_image_num_channels", "get_image_size"]


class InterpolationMode(Enum):
    """How pixels between pixels are computed (`torchvision.transforms.InterpolationMode`).

    Tensors take NEAREST, BILINEAR, and for `resize` NEAREST_EXACT and BICUBIC; Pillow images take all.
    """

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


_FROM_PILLOW = {
    0: InterpolationMode.NEAREST,
    1: InterpolationMode.LANCZOS,
    2: InterpolationMode.BILINEAR,
    3: InterpolationMode.BICUBIC,
    4: InterpolationMode.BOX,
    5: InterpolationMode.HAMMING,
}
pil_modes_mapping = {mode: number for number, mode in _FROM_PILLOW.items()} | {InterpolationMode.NEAREST_EXACT: 0}


def mode_from_int(interpolation: Any) -> Any:
    """Return the mode that one of Pillow's constants means; others as they are. KeyError for an unknown number."""
    return _FROM_PILLOW[int(interpolation)] if isinstance(interpolation, int) else interpolation


def check_mode(interpolation: Any) -> InterpolationMode:
    """Return the mode of an argument, TypeError if it is none."""
    mode = mode_from_int(interpolation)
    if not isinstance(mode, InterpolationMode):
        raise TypeError(
            "Argument interpolation should be a InterpolationMode or a corresponding Pillow integer constant"
        )
    return mode


# ---------------------------------------------------------------- kinds of images


def check_pillow(img: Any) -> Any:
    """Return a Pillow image, TypeError for anything else."""
    if not is_pillow_image(img):
        raise TypeError(f"img should be PIL Image. Got {type(img)}")
    return img


def check_tensor(img: Tensor) -> Tensor:
    """Return a tensor (..., H, W), TypeError for fewer dimensions."""
    if img.ndim < 2:
        raise TypeError("Tensor is not a torch image.")
    return img


def check_channels(img: Tensor) -> Tensor:
    """Return a tensor (..., 1 or 3, H, W), or (H, W); TypeError for other numbers of channels."""
    found = get_dimensions(img)[0]
    if found not in (1, 3):
        raise TypeError(f"Input image tensor permitted channel values are [1, 3], but found {found}")
    return img


def check_colors(img: Tensor) -> Tensor:
    """Return a tensor (..., 1 or 3, H, W); TypeError for another."""
    check_tensor(img)
    if img.ndim < 3:
        raise TypeError(f"Input image tensor should have at least 3 dimensions, but found {img.ndim}")
    return check_channels(img)


def get_dimensions(img: Any) -> list[int]:
    """Return [channels, height, width] of a Pillow image or a tensor (..., C, H, W); TypeError for anything else."""
    if isinstance(img, Tensor):
        check_tensor(img)
        return [1 if img.ndim == 2 else img.shape[-3], *img.shape[-2:]]
    if is_pillow_image(img):
        return [len(img.getbands()), img.height, img.width]
    raise TypeError(f"Unexpected type {type(img)}")


def get_image_size(img: Any) -> list[int]:
    """Return [width, height] of a Pillow image or a tensor (..., C, H, W); TypeError for anything else."""
    return get_dimensions(img)[:0:-1]


def get_image_num_channels(img: Any) -> int:
    """Return the number of channels of a Pillow image or a tensor (..., C, H, W); TypeError for anything else."""
    return get_dimensions(img)[0]


# ---------------------------------------------------------------- types of pixels


def fill_for(img: Any, fill: Any) -> Any:
    """Return the colour that Pillow needs for an image: a number for each channel, integers but for mode F."""
    channels = get_image_num_channels(img)
    if fill is None:
        fill = 0
    if isinstance(fill, (int, float)) and channels > 1:
        fill = (fill,) * channels
    if isinstance(fill, (list, tuple)):
        fill = tuple(fill) * channels if len(fill) == 1 else tuple(fill)
        if len(fill) != channels:
            raise ValueError(
                "The number of elements in 'fill' does not match the number of channels of the image "
                f"({len(fill)} != {channels})"
            )
    if img.mode == "F":
        return fill
    return tuple(int(value) for value in fill) if isinstance(fill, tuple) else int(fill)


def max_value(dtype: Any) -> int:
    """Return what white is in images of a dtype: the largest integer, and 1 for floats (and bool)."""
    if dtype.is_floating_point or dtype is torch.bool:
        return 1
    return int(torch.iinfo(dtype).max)


def computing_dtype(img: Tensor) -> Any:
    """Return the dtype in which an image is computed: its own if it is float32 or float64, else float32."""
    return img.dtype if img.dtype in (torch.float32, torch.float64) else torch.float32


def as_batch(img: Tensor, dtype: Any) -> Tensor:
    """Return an image as (N, C, H, W) of a dtype."""
    return (img.unsqueeze(0) if img.ndim < 4 else img).to(dtype)


def from_batch(batch: Tensor, like: Tensor) -> Tensor:
    """Undo `as_batch`: the dimensions and the dtype of `like`, integers rounded."""
    if like.ndim < 4:
        batch = batch.squeeze(0)
    if batch.dtype is like.dtype:
        return batch
    return (batch if like.is_floating_point() or like.dtype is torch.bool else batch.round()).to(like.dtype)
