"""Brightness, contrast, colours and tones of Pillow images and of tensors (..., 1 or 3, H, W)."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_cnn as torch
from tinygrad_cnn.tensor import Tensor, wrap
from tinygrad_cnn.vision._extras import image_from_array, is_pillow_image, pillow

from ._image import check_channels, check_colors, check_pillow, check_tensor, computing_dtype, max_value
from .conversion import convert_image_dtype

__all__ = [
    "adjust_brightness",
    "adjust_contrast",
    "adjust_gamma",
    "adjust_hue",
    "adjust_saturation",
    "autocontrast",
    "equalize",
    "invert",
    "posterize",
    "rgb_to_grayscale",
    "solarize",
    "to_grayscale",
]


def blend(image: Tensor, other: Tensor, share: float) -> Tensor:
    """Return share * image + (1 - share) * other, kept between black and white."""
    mixed = float(share) * image + (1.0 - share) * other
    return mixed.clamp(0, max_value(image.dtype)).to(image.dtype)


def check_factor(name: str, factor: float) -> None:
    """Raise ValueError for a negative factor."""
    if factor < 0:
        raise ValueError(f"{name} ({factor}) is not non-negative.")


def _enhance(img: Any, kind: str, factor: float) -> Any:
    check_pillow(img)
    return getattr(pillow("ImageEnhance"), kind)(img).enhance(factor)


def _checked(img: Tensor, name: str, factor: float) -> Tensor:
    check_factor(name, factor)
    return check_channels(check_tensor(img))


# ---------------------------------------------------------------- grey


def rgb_to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """Return an RGB image in 1 or 3 equal grey channels; TypeError and ValueError for other images and numbers.

    A tensor of one channel is copied. Luma as in Pillow and TensorFlow: 0.2989 R + 0.587 G + 0.114 B.
    """
    if not isinstance(img, Tensor):
        return _grey_pillow(check_pillow(img), num_output_channels)
    if img.ndim < 3:
        raise TypeError(f"Input image tensor should have at least 3 dimensions, but found {img.ndim}")
    check_channels(img)
    _check_grey_channels(num_output_channels)
    if img.shape[-3] == 1:
        grey = img.clone()
    else:
        red, green, blue = img.unbind(-3)
        grey = (0.2989 * red + 0.587 * green + 0.114 * blue).to(img.dtype).unsqueeze(-3)
    return grey.expand(img.shape) if num_output_channels == 3 else grey


def to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """Return a Pillow image of any mode in 1 or 3 equal grey channels; TypeError for no Pillow image."""
    if not is_pillow_image(img):
        raise TypeError("Input should be PIL Image")
    return _grey_pillow(img, num_output_channels)


def _check_grey_channels(number: int) -> None:
    if number not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")


def _grey_pillow(img: Any, num_output_channels: int) -> Any:
    _check_grey_channels(num_output_channels)
    grey = img.convert("L")
    if num_output_channels == 1:
        return grey
    return image_from_array(np.dstack([np.asarray(grey)] * 3), "RGB")


# ---------------------------------------------------------------- colours


def adjust_brightness(img: Any, brightness_factor: float) -> Any:
    """Return the image blended with black: factor 0 gives black, 1 the image, 2 twice the brightness."""
    if not isinstance(img, Tensor):
        return _enhance(img, "Brightness", brightness_factor)
    _checked(img, "brightness_factor", brightness_factor)
    return blend(img, torch.zeros_like(img), brightness_factor)


def adjust_contrast(img: Any, contrast_factor: float) -> Any:
    """Return the image blended with its mean grey: factor 0 gives grey, 1 the image, 2 twice the contrast."""
    if not isinstance(img, Tensor):
        return _enhance(img, "Contrast", contrast_factor)
    _checked(img, "contrast_factor", contrast_factor)
    grey = rgb_to_grayscale(img) if img.ndim > 2 and img.shape[-3] == 3 else img
    mean = grey.to(computing_dtype(img)).mean(dim=(-3, -2, -1), keepdim=True)
    return blend(img, mean, contrast_factor)


def adjust_saturation(img: Any, saturation_factor: float) -> Any:
    """Return the image blended with its grey version: factor 0 gives that, 1 the image, 2 twice the saturation."""
    if not isinstance(img, Tensor):
        return _enhance(img, "Color", saturation_factor)
    _checked(img, "saturation_factor", saturation_factor)
    if img.ndim == 2 or img.shape[-3] == 1:
        return img
    return blend(img, rgb_to_grayscale(img), saturation_factor)


def adjust_hue(img: Any, hue_factor: float) -> Any:
    """Return the image with its hues turned by a part of the circle in [-0.5, 0.5]; ValueError for another.

    By way of HSV (https://en.wikipedia.org/wiki/HSL_and_HSV); grey images stay as they are.
    """
    if not (-0.5 <= hue_factor <= 0.5):
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    if isinstance(img, Tensor):
        check_channels(check_tensor(img))
        if img.ndim == 2 or img.shape[-3] == 1:
            return img
        hue, saturation, value = _rgb_to_hsv(convert_image_dtype(img, torch.float32))
        return convert_image_dtype(_hsv_to_rgb((hue + hue_factor) % 1.0, saturation, value), img.dtype)
    check_pillow(img)
    if img.mode in ("L", "1", "I", "F"):
        return img
    h, s, v = img.convert("HSV").split()
    # Hues are bytes and the circle has 256 of them: the sum wraps as it should.
    turned = np.array(h, np.uint8) + np.int32(hue_factor * 255).astype(np.uint8)
    return pillow().merge("HSV", (image_from_array(turned, "L"), s, v)).convert(img.mode)


def _rgb_to_hsv(img: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return hue, saturation and value (..., H, W) of an image (..., 3, H, W) in [0, 1].

    Grey pixels have no hue: their chroma 0 is replaced by 1 in the divisors, so that hue and saturation become 0.
    """
    red, green, blue = img.unbind(-3)
    value = img.amax(dim=-3)
    chroma = value - img.amin(dim=-3)
    grey = chroma == 0
    saturation = chroma / torch.where(grey, 1.0, value)
    divisor = torch.where(grey, 1.0, chroma)
    r, g, b = ((value - channel) / divisor for channel in (red, green, blue))
    of_green = torch.where(value == green, 2.0 + r - b, 4.0 + g - r)
    hue = torch.where(value == red, b - g, of_green)
    return torch.fmod(hue / 6.0 + 1.0, 1.0), saturation, value


def _hsv_to_rgb(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """Return the image (..., 3, H, W) of hue, saturation and value (..., H, W).

    In each sixth of the circle one channel is `value`, one the lowest value p, and one falls (q) or rises (t) between.
    """
    sector = torch.floor(hue * 6.0)
    rest = hue * 6.0 - sector
    sector = sector.to(torch.int32) % 6
    p = (value * (1.0 - saturation)).clamp(0.0, 1.0)
    q = (value * (1.0 - saturation * rest)).clamp(0.0, 1.0)
    t = (value * (1.0 - saturation * (1.0 - rest))).clamp(0.0, 1.0)

    def channel(*sectors: Tensor) -> Tensor:
        picked = sectors[0]
        for number, levels in enumerate(sectors[1:], 1):
            picked = torch.where(sector == number, levels, picked)
        return picked

    red, green, blue = (value, q, p, p, t, value), (t, value, value, q, p, p), (p, p, t, value, value, q)
    return torch.stack([channel(*red), channel(*green), channel(*blue)], dim=-3)


def adjust_gamma(img: Any, gamma: float, gain: float = 1) -> Any:
    """Return gain * image ** gamma, with the image in [0, 1]; ValueError for a negative gamma."""
    if isinstance(img, Tensor):
        check_channels(img)
        _check_gamma(gamma)
        bright = img if img.is_floating_point() else convert_image_dtype(img, torch.float32)
        return convert_image_dtype((gain * bright.pow(gamma)).clamp(0, 1), img.dtype)
    check_pillow(img)
    _check_gamma(gamma)
    table = [int((255 + 1 - 1e-3) * gain * pow(level / 255.0, gamma)) for level in range(256)]
    return img.convert("RGB").point(table * 3).convert(img.mode)


def _check_gamma(gamma: float) -> None:
    if gamma < 0:
        raise ValueError("Gamma should be a non-negative real number")


# ---------------------------------------------------------------- tones


def invert(img: Any) -> Any:
    """Return the negative of the image."""
    if not isinstance(img, Tensor):
        return pillow("ImageOps").invert(check_pillow(img))
    return max_value(check_colors(img).dtype) - img


def posterize(img: Any, bits: int) -> Any:
    """Return the image with only the upper `bits` (0 to 8) of each byte; TypeError for tensors that are not uint8."""
    if not (0 <= bits <= 8):
        raise ValueError(f"The number if bits should be between 0 and 8. Got {bits}")
    if not isinstance(img, Tensor):
        return pillow("ImageOps").posterize(check_pillow(img), bits)
    check_tensor(img)
    if img.ndim > 2 and img.dtype is not torch.uint8:
        raise TypeError(f"Only torch.uint8 image tensors are supported, but found {img.dtype}")
    check_colors(img)
    return wrap(img._array & np.uint8(256 - 2 ** (8 - bits)))


def solarize(img: Any, threshold: float) -> Any:
    """Return the image with the pixels of at least `threshold` inverted; TypeError for one above white."""
    if not isinstance(img, Tensor):
        return pillow("ImageOps").solarize(check_pillow(img), threshold)
    check_colors(img)
    if threshold > max_value(img.dtype):
        raise TypeError("Threshold should be less than bound of img.")
    return torch.where(img >= threshold, invert(img), img)


def autocontrast(img: Any) -> Any:
    """Return the image with each channel stretched so that its darkest pixel is black and its brightest white."""
    if not isinstance(img, Tensor):
        return pillow("ImageOps").autocontrast(check_pillow(img))
    check_colors(img)
    white = max_value(img.dtype)
    low, high = (extreme(dim=(-2, -1), keepdim=True).to(computing_dtype(img)) for extreme in (img.amin, img.amax))
    scale = white / (high - low)
    varied = torch.isfinite(scale)  # a channel of one level stays as it is
    stretched = (img - torch.where(varied, low, 0.0)) * torch.where(varied, scale, 1.0)
    return stretched.clamp(0, white).to(img.dtype)


def equalize(img: Any) -> Any:
    """Return the image with a flat histogram; tensors (C, H, W) or (N, C, H, W) of uint8, TypeError for others."""
    if not isinstance(img, Tensor):
        return pillow("ImageOps").equalize(check_pillow(img))
    check_tensor(img)
    if not (3 <= img.ndim <= 4):
        raise TypeError(f"Input image tensor should have 3 or 4 dimensions, but found {img.ndim}")
    if img.dtype is not torch.uint8:
        raise TypeError(f"Only torch.uint8 image tensors are supported, but found {img.dtype}")
    check_channels(img)
    planes = img._array.reshape(-1, *img.shape[-2:])
    return wrap(np.stack([_equalized(plane) for plane in planes]).reshape(img.shape))


def _equalized(plane: Any) -> Any:
    """Map each level of a plane of bytes to the share of the pixels below it, in steps of 1/255, as Pillow does."""
    histogram = np.bincount(plane.reshape(-1), minlength=256)
    step = histogram[histogram != 0][:-1].sum() // 255
    if step == 0:
        return plane
    below = np.concatenate([[0], np.cumsum(histogram)[:-1] + step // 2])
    return np.clip(below // step, 0, 255).astype(np.uint8)[plane]
