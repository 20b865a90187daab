"""Blurring and sharpening."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tinygrad_cnn as torch
from tinygrad_cnn.nn import functional as nnF
from tinygrad_cnn.tensor import Tensor
from tinygrad_cnn.vision._extras import is_pillow_image, pillow

from ._image import as_batch, check_channels, check_pillow, check_tensor, computing_dtype, from_batch
from .color import blend, check_factor
from .conversion import pil_to_tensor, to_pil_image

__all__ = ["adjust_sharpness", "gaussian_blur"]


def through_tensor(img: Any, function: Any) -> Any:
    """Return what `function` makes of a tensor, or of a Pillow image turned into one and back; TypeError for others."""
    if isinstance(img, Tensor):
        return function(img)
    if not is_pillow_image(img):
        raise TypeError(f"img should be PIL Image or Tensor. Got {type(img)}")
    return to_pil_image(function(pil_to_tensor(img)), mode=img.mode)


def _filtered(batch: Tensor, kernel: Tensor, channels: int) -> Tensor:
    """Return each channel of (N, C, H, W) correlated with one kernel (h, w)."""
    return nnF.conv2d(batch, kernel.expand(channels, 1, *kernel.shape), groups=channels)


def _pair(value: Any, name: str, kinds: tuple[type, ...], wanted: str) -> Any:
    """Return one number twice, a sequence as it is; TypeError in torchvision's words for others."""
    if not isinstance(value, (*kinds, list, tuple)):
        raise TypeError(f"{name} should be {wanted}. Got {type(value)}")
    return [value, value] if isinstance(value, kinds) else value


def gaussian_blur(img: Any, kernel_size: Any, sigma: Any = None) -> Any:
    """Return the image convolved with a Gaussian, borders reflected.

    kernel_size: odd, one for both axes or (x, y). sigma: one or (x, y); by default 0.15 * kernel_size + 0.35.
    TypeError and ValueError for others (`torchvision.transforms.functional.gaussian_blur`).
    """
    sizes = _pair(kernel_size, "kernel_size", (int,), "int or a sequence of integers")
    if len(sizes) != 2:
        raise ValueError(f"If kernel_size is a sequence its length should be 2. Got {len(sizes)}")
    if any(size % 2 == 0 or size < 0 for size in sizes):
        raise ValueError(f"kernel_size should have odd and positive integers. Got {sizes}")
    if sigma is None:
        sigma = [size * 0.15 + 0.35 for size in sizes]
    sigmas = _pair(sigma, "sigma", (int, float), "either float or sequence of floats")
    sigmas = [float(width) for width in sigmas] if isinstance(sigma, (int, float)) else sigmas
    sigmas = [sigmas[0]] * 2 if len(sigmas) == 1 else sigmas
    if len(sigmas) != 2:
        raise ValueError(f"If sigma is a sequence, its length should be 2. Got {len(sigmas)}")
    if any(width <= 0.0 for width in sigmas):
        raise ValueError(f"sigma should have positive values. Got {sigmas}")
    return through_tensor(img, lambda tensor: _blur_tensor(tensor, sizes, sigmas))


def _gaussian(size: int, sigma: float, dtype: Any) -> Tensor:
    x = torch.linspace(-(size - 1) * 0.5, (size - 1) * 0.5, steps=size, dtype=dtype)
    density = torch.exp(-0.5 * (x / sigma).pow(2))
    return density / density.sum()


def _blur_tensor(img: Tensor, sizes: Sequence[int], sigmas: Sequence[float]) -> Tensor:
    check_tensor(img)
    dtype = computing_dtype(img)
    along_x, along_y = (_gaussian(size, sigma, dtype) for size, sigma in zip(sizes, sigmas, strict=True))
    kernel = torch.mm(along_y[:, None], along_x[None, :])
    half_x, half_y = sizes[0] // 2, sizes[1] // 2
    batch = nnF.pad(as_batch(img, dtype), (half_x, half_x, half_y, half_y), mode="reflect")
    return from_batch(_filtered(batch, kernel, img.shape[-3]), img)


def adjust_sharpness(img: Any, sharpness_factor: float) -> Any:
    """Return the image blended with a smoothed one: factor 0 gives that, 1 the image, 2 twice the sharpness."""
    if not isinstance(img, Tensor):
        return pillow("ImageEnhance").Sharpness(check_pillow(img)).enhance(sharpness_factor)
    check_factor("sharpness_factor", sharpness_factor)
    check_channels(check_tensor(img))
    if min(img.shape[-2:]) <= 2:
        return img
    return blend(img, _smoothed(img), sharpness_factor)


def _smoothed(img: Tensor) -> Tensor:
    """Return the image under Pillow's SMOOTH filter, a border of one pixel as it was."""
    dtype = computing_dtype(img)
    kernel = torch.tensor([[1.0, 1.0, 1.0], [1.0, 5.0, 1.0], [1.0, 1.0, 1.0]], dtype=dtype)
    inner = from_batch(_filtered(as_batch(img, dtype), kernel / kernel.sum(), img.shape[-3]), img)
    out = img.clone()
    out[..., 1:-1, 1:-1] = inner
    return out
