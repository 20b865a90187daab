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
__all__ += _first.__all__


def get_size(inpt: Any) -> list[int]:
    """Return [height, width] of an image."""
    return _first.get_dimensions(inpt)[1:]


def to_image(inpt: Any) -> Tensor:
    """Return a Pillow image, an array (H, W) or (H, W, C), or a tensor, as a tensor (C, H, W), not scaled."""
    if isinstance(inpt, np.ndarray):
        return torch.from_numpy(np.ascontiguousarray(np.atleast_3d(inpt).transpose(2, 0, 1)))
    if is_pillow_image(inpt):
        return _first.pil_to_tensor(inpt)
    if isinstance(inpt, Tensor):
        return inpt.unsqueeze(0) if inpt.ndim == 2 else inpt
    raise TypeError(f"Input can either be a pure Tensor, a numpy array, or a PIL image, but got {type(inpt)} instead.")


def to_dtype(inpt: Tensor, dtype: Any = torch.float32, scale: bool = False) -> Tensor:
    """Return a tensor of another dtype; scale: so that white stays white, as `convert_image_dtype`."""
    return _first.convert_image_dtype(inpt, dtype) if scale else inpt.to(dtype)
