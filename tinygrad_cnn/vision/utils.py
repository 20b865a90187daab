"""Pictures of tensors (`torchvision.utils`): grids of images, files, boxes, masks and key points drawn on them."""

from __future__ import annotations

import math
import os
import warnings
from typing import IO, Any

import tinygrad_cnn as torch
from tinygrad_cnn.tensor import Tensor
from tinygrad_cnn.vision._drawing import draw_bounding_boxes, draw_keypoints, draw_segmentation_masks
from tinygrad_cnn.vision._extras import pillow

__all__ = ["draw_bounding_boxes", "draw_keypoints", "draw_segmentation_masks", "make_grid", "save_image"]


def _as_batch(tensor: Any) -> Tensor:
    """Return what `make_grid` takes as (N, C, H, W): (H, W), (C, H, W), (N, C, H, W) or a list; grey becomes RGB."""
    if isinstance(tensor, list):
        for item in tensor:
            if not isinstance(item, Tensor):
                raise TypeError(f"tensor or list of tensors expected, got a list containing {type(item)}")
        tensor = torch.stack(tensor, dim=0)
    elif not isinstance(tensor, Tensor):
        raise TypeError(f"tensor or list of tensors expected, got {type(tensor)}")
    if tensor.dim() == 2:
        tensor = tensor.unsqueeze(0)
    if tensor.dim() == 3:
        tensor = tensor.unsqueeze(0)
    if tensor.dim() == 4 and tensor.size(1) == 1:
        tensor = torch.cat((tensor, tensor, tensor), 1)
    return tensor


def _stretch_(images: Tensor, value_range: tuple[float, float] | None) -> None:
    """Bring images from a range (None: their own) to [0, 1], in place."""
    low, high = (float(images.min()), float(images.max())) if value_range is None else value_range
    images.clamp_(min=low, max=high)
    images.sub_(low).div_(max(high - low, 1e-5))


@torch.no_grad()
def make_grid(
    tensor: Tensor | list[Tensor],
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[float, float] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
    *,
    range: tuple[float, float] | None = None,
) -> Tensor:
    """Return one image (C, H, W) of many, `nrow` in a row, `padding` pixels of `pad_value` around each.

    tensor: (N, C, H, W), (C, H, W), (H, W), or a list of images of one size; one channel becomes three equal ones.
    normalize: bring `value_range` (by default the least and greatest value, with `scale_each` of each image) to [0, 1].
    A single image comes back without a border. TypeError for other things (`torchvision.utils.make_grid`).
    range: `value_range` under its name before torchvision 0.14, which scripts of that time still use; warns as it did.
    """
    if range is not None:
        warnings.warn(
            "The parameter 'range' is deprecated since 0.12 and will be removed in 0.14. Please use 'value_range' "
            "instead.",
            stacklevel=3,
        )
        value_range = range
    images = _as_batch(tensor)
    if normalize is True:
        if value_range is not None and not isinstance(value_range, tuple):
            raise TypeError("value_range has to be a tuple (min, max) if specified. min and max are numbers")
        images = images.clone()
        for part in images if scale_each is True else [images]:
            _stretch_(part, value_range)
    count, channels, height, width = images.shape
    if count == 1:
        return images.squeeze(0)
    columns = min(nrow, count)
    rows = math.ceil(count / columns)
    height, width = height + padding, width + padding
    grid = images.new_full((channels, height * rows + padding, width * columns + padding), pad_value)
    for k, image in enumerate(images):
        top, left = k // columns * height + padding, k % columns * width + padding
        grid[:, top : top + height - padding, left : left + width - padding] = image
    return grid


@torch.no_grad()
def save_image(
    tensor: Tensor | list[Tensor], fp: str | os.PathLike[str] | IO[bytes], format: str | None = None, **kwargs: Any
) -> None:
    """Write what `make_grid(tensor, **kwargs)` makes of images in [0, 1] as a picture, rounded to bytes.

    fp: a file name, whose ending tells the format unless `format` does, or an open file. Needs Pillow.
    """
    image = pillow(what="save_image")
    grid = make_grid(tensor, **kwargs)
    pixels = grid.mul(255).add_(0.5).clamp_(0, 255).permute(1, 2, 0).to(torch.uint8).numpy()
    image.fromarray(pixels).save(fp, format=format)
