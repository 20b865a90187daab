"""Functions of the second version (`torchvision.transforms.v2.functional`): those of the first, and new names."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_cnn as torch
from tinygrad_cnn.tensor import Tensor
from tinygrad_cnn.vision._extras import is_pillow_image

# The imports are exports.
# ruff: noqa: F403
from .. import functional as _first
from ..functional import *
from ..functional import elastic_transform as elastic
from ..functional import hflip as horizontal_flip
from ..functional import vflip as vertical_flip

__all__ = ["elastic", "get_size", "horizontal_flip", "to_dtype", "to_image", "vertical_flip"]
__all__ += [name for name in _first.__all__ if name not in __all__]


_MARK = "_is_image"


def mark(image: Tensor) -> Tensor:
    """Mark a tensor as an image, which PyTorch's `tv_tensors.Image` does by its class, and return it."""
    setattr(image, _MARK, True)
    return image


def is_marked(inpt: Any) -> bool:
    """Return whether `inpt` is a tensor that was marked as an image."""
    return isinstance(inpt, Tensor) and _MARK in inpt.__dict__


def get_size(inpt: Any) -> list[int]:
    """Return [height, width] of an image."""
    return _first.get_dimensions(inpt)[1:]


def to_image(inpt: Any) -> Tensor:
    """Return a Pillow image, an array (H, W) or (H, W, C), or a tensor, as a tensor (C, H, W), not scaled.

    It is marked as an image: of several tensors in a sample, transforms change those that are.
    """
    if isinstance(inpt, np.ndarray):
        return mark(torch.from_numpy(np.ascontiguousarray(np.atleast_3d(inpt).transpose(2, 0, 1))))
    if is_pillow_image(inpt):
        return mark(_first.pil_to_tensor(inpt))
    if isinstance(inpt, Tensor):
        return mark(inpt.unsqueeze(0) if inpt.ndim == 2 else inpt.view_as(inpt))
    raise TypeError(f"Input can either be a pure Tensor, a numpy array, or a PIL image, but got {type(inpt)} instead.")


def to_dtype(inpt: Tensor, dtype: Any = torch.float32, scale: bool = False) -> Tensor:
    """Return a tensor of another dtype; scale: so that white stays white, as `convert_image_dtype`."""
    return _first.convert_image_dtype(inpt, dtype) if scale else inpt.to(dtype)


# ---- what the first version does otherwise ----


def rgb_to_grayscale(inpt: Any, num_output_channels: int = 1) -> Any:  # type: ignore[no-redef]
    """Return the image in 1 or 3 equal grey channels, of a tensor with one channel as well."""
    grey = _first.rgb_to_grayscale(inpt, num_output_channels)
    if isinstance(grey, Tensor) and grey.shape[-3] != num_output_channels:
        return grey.expand(*grey.shape[:-3], num_output_channels, *grey.shape[-2:])
    return grey


to_grayscale = rgb_to_grayscale


def equalize(inpt: Any) -> Any:  # type: ignore[no-redef]
    """Return the image with a flat histogram; tensors that are not of uint8 are, in between."""
    if isinstance(inpt, Tensor) and inpt.dtype is not torch.uint8:
        return _first.convert_image_dtype(_first.equalize(_first.convert_image_dtype(inpt, torch.uint8)), inpt.dtype)
    return _first.equalize(inpt)


def posterize(inpt: Any, bits: int) -> Any:  # type: ignore[no-redef]
    """Return the image with the upper `bits` of each byte; floats in [0, 1] on as many levels as that gives."""
    if isinstance(inpt, Tensor) and inpt.is_floating_point():
        levels = 1 << bits
        return inpt.mul(levels).floor().clamp(0, levels - 1).mul(1.0 / levels)
    return _first.posterize(inpt, bits)
