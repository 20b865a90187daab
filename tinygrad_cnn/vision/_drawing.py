"""Boxes, masks and key points drawn on images, by Pillow, as `torchvision.utils` does."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

import tinygrad_cnn as torch
from tinygrad_cnn.tensor import Tensor
from tinygrad_cnn.vision._extras import pillow
from tinygrad_cnn.vision.transforms.functional import convert_image_dtype, pil_to_tensor, to_pil_image

__all__ = ["draw_bounding_boxes", "draw_keypoints", "draw_segmentation_masks"]

Color = tuple[int, ...]


# ---------------------------------------------------------------- arguments


def _check_image(image: Any, channels: tuple[int, ...], expected: str, wrong_channels: str) -> None:
    if not isinstance(image, Tensor):
        raise TypeError(f"{expected}, got {type(image)}")
    if image.dtype is not torch.uint8 and not image.is_floating_point():
        raise ValueError(f"The image dtype must be uint8 or float, got {image.dtype}")
    if image.dim() != 3:
        raise ValueError("Pass individual images, not batches")
    if image.size(0) not in channels:
        raise ValueError(wrong_channels)


def _parse_colors(colors: Any, count: int) -> list[Color]:
    """Return a colour for each of `count` objects: given ones, one for all, or (None) a palette."""
    if colors is None:
        palette = np.array([2**25 - 1, 2**15 - 1, 2**21 - 1])
        return [tuple(int(level) for level in i * palette % 255) for i in range(count)]
    if isinstance(colors, list):
        if len(colors) < count:
            raise ValueError(
                f"Number of colors must be equal or larger than the number of objects, but got {len(colors)} < {count}."
            )
    elif not isinstance(colors, (tuple, str)):
        raise ValueError(f"colors must be a tuple or a string, or a list thereof, but got {colors}.")
    elif isinstance(colors, tuple) and len(colors) != 3:
        raise ValueError(f"If passed as tuple, colors should be an RGB triplet, but got {colors}.")
    else:
        colors = [colors] * count
    by_name = pillow("ImageColor").getrgb
    return [by_name(color) if isinstance(color, str) else color for color in colors]


# ---------------------------------------------------------------- boxes


@torch.no_grad()
def draw_bounding_boxes(
    image: Tensor,
    boxes: Tensor,
    labels: list[str] | None = None,
    colors: Any = None,
    fill: bool | None = False,
    width: int = 1,
    font: str | None = None,
    font_size: int | None = None,
    label_colors: Any = None,
    label_background_colors: Any = None,
    fill_labels: bool = False,
) -> Tensor:
    """Return an image (1 or 3, H, W), uint8 or float in [0, 1], with boxes drawn on it, in RGB.

    boxes: (N, 4) of left, top, right, bottom, or (N, 8) of four corners (x, y). labels: a text for each box.
    colors, label_colors, label_background_colors: names or RGB triplets, one or a list. fill: paint the boxes, half
    transparent; fill_labels: the background of the texts. font: a TrueType file.
    TypeError and ValueError for bad arguments.
    """
    _check_image(image, (1, 3), "Tensor expected", "Only grayscale and RGB images are supported")
    if boxes.shape[-1] == 4 and ((boxes[:, 0] > boxes[:, 2]).any() or (boxes[:, 1] > boxes[:, 3]).any()):
        raise ValueError(
            "Boxes need to be in (xmin, ymin, xmax, ymax) format. Use torchvision.ops.box_convert to convert them"
        )
    count = boxes.shape[0]
    if count == 0:
        warnings.warn("boxes doesn't contain any box. No box was drawn", stacklevel=2)
        return image
    if labels is not None and len(labels) != count:
        raise ValueError(
            f"Number of boxes ({count}) and labels ({len(labels)}) mismatch. Please specify labels for each box."
        )
    outlines = _parse_colors(colors, count)
    own = label_colors if label_colors else "black" if fill_labels else None
    inks = outlines if own is None else _parse_colors(own, count)
    papers = _parse_colors(label_background_colors, count) if fill_labels and label_background_colors else outlines
    letters = _font(font, font_size)

    picture = to_pil_image(convert_image_dtype(image.expand(3, -1, -1), torch.uint8))
    draw = pillow("ImageDraw").Draw(picture, *(["RGBA"] if fill else []))
    for i, box in enumerate(boxes.to(torch.int64).tolist()):
        paint = (*outlines[i], 100) if fill else None
        (_draw_polygon if len(box) > 4 else _draw_rectangle)(draw, box, outlines[i], paint, width)
        if labels is not None and labels[i] is not None:
            corner = (box[0] + width + 1, box[1] + width + 1)
            if fill_labels:
                left, top, right, bottom = draw.textbbox(corner, labels[i], font=letters)
                draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), fill=papers[i])
            draw.text(corner, labels[i], fill=inks[i], font=letters)
    return convert_image_dtype(pil_to_tensor(picture), image.dtype)


def _font(font: str | None, size: int | None) -> Any:
    fonts = pillow("ImageFont")
    if font is not None:
        return fonts.truetype(font=font, size=size or 10)
    if size is not None:
        warnings.warn("Argument 'font_size' will be ignored since 'font' is not set.", stacklevel=3)
    return fonts.load_default()


def _draw_rectangle(draw: Any, box: Sequence[int], outline: Color, paint: Color | None, width: int) -> None:
    draw.rectangle(box, width=width, outline=outline, fill=paint)


def _draw_polygon(draw: Any, box: Sequence[int], outline: Color, paint: Color | None, width: int) -> None:
    """Draw a box of any direction: its first side, the upper one, in dashes of 5 pixels."""
    corners = list(zip(box[::2], box[1::2], strict=True))
    x, y = map(float, corners[0])
    to_x, to_y = corners[1]
    rest: float = math.dist(corners[0], corners[1])
    visible = True
    while rest > 0:
        length = min(rest, 5)
        angle = math.atan2(to_y - y, to_x - x)
        end = (x + math.cos(angle) * length, y + math.sin(angle) * length)
        if visible:
            draw.line([(x, y), end], outline, width)
        (x, y), rest, visible = end, rest - length, not visible
    for start, end in zip(corners[1:], corners[2:] + corners[:1], strict=True):
        draw.line((start, end), width=width, fill=outline)
    draw.polygon(box, fill=paint, outline=None, width=0)


# ---------------------------------------------------------------- masks


@torch.no_grad()
def draw_segmentation_masks(image: Tensor, masks: Tensor, alpha: float = 0.8, colors: Any = None) -> Tensor:
    """Return an RGB image (3, H, W), uint8 or float in [0, 1], with masks laid over it.

    masks: (H, W) or (N, H, W) of bool; where several overlap it gets black. alpha: from 0, transparent, to 1.
    colors: names or RGB triplets, one or a list. TypeError and ValueError for bad arguments.
    """
    message = "Pass an RGB image. Other Image formats are not supported"
    _check_image(image, (3,), "The image must be a tensor", message)
    if masks.ndim == 2:
        masks = masks[None, :, :]
    if masks.ndim != 3:
        raise ValueError("masks must be of shape (H, W) or (batch_size, H, W)")
    if masks.dtype is not torch.bool:
        raise ValueError(f"The masks must be of dtype bool. Got {masks.dtype}")
    if masks.shape[-2:] != image.shape[-2:]:
        raise ValueError("The image and the masks must have the same height and width")
    if masks.shape[0] == 0:
        warnings.warn("masks doesn't contain any mask. No mask was drawn", stacklevel=2)
        return image
    painted = image.detach().clone()
    for mask, color in zip(masks, _parse_colors(colors, masks.shape[0]), strict=False):
        levels = [level / 255 for level in color] if image.is_floating_point() else list(color)
        painted = torch.where(mask, torch.tensor(levels, dtype=image.dtype)[:, None, None], painted)
    painted[:, masks.sum(dim=0) > 1] = 0
    return (image * (1 - alpha) + painted * alpha).to(image.dtype)


# ---------------------------------------------------------------- key points


@torch.no_grad()
def draw_keypoints(
    image: Tensor,
    keypoints: Tensor,
    connectivity: list[tuple[int, int]] | None = None,
    colors: Any = None,
    radius: int = 2,
    width: int = 3,
    visibility: Tensor | None = None,
) -> Tensor:
    """Return an RGB image (3, H, W), uint8 or float in [0, 1], with points drawn on it, and lines between some.

    keypoints: (N, K, 2) of K points (x, y) of N objects. connectivity: pairs of points to join. visibility: (N, K),
    False for points to leave out. TypeError and ValueError for bad arguments.
    """
    message = "Pass an RGB image. Other Image formats are not supported"
    _check_image(image, (3,), "The image must be a tensor", message)
    if keypoints.ndim != 3:
        raise ValueError("keypoints must be of shape (num_instances, K, 2)")
    if visibility is None:
        visibility = torch.ones(keypoints.shape[:-1], dtype=torch.bool)
    if visibility.ndim == 3:
        visibility = visibility.squeeze(-1)
    if visibility.ndim != 2:
        raise ValueError(f"visibility must be of shape (num_instances, K). Got ndim={visibility.ndim}")
    if visibility.shape != keypoints.shape[:-1]:
        raise ValueError(
            "keypoints and visibility must have the same dimensionality for num_instances and K. "
            f"Got {visibility.shape=} and {keypoints.shape=}"
        )
    picture = to_pil_image(convert_image_dtype(image, torch.uint8))
    draw = pillow("ImageDraw").Draw(picture)
    objects = zip(keypoints.to(torch.int64).tolist(), visibility.to(torch.bool).tolist(), strict=True)
    for points, visible in objects:
        for (x, y), shown in zip(points, visible, strict=True):
            if shown:
                box = [x - radius, y - radius, x + radius, y + radius]
                draw.ellipse(box, fill=colors, outline=None, width=0)
        for first, second in connectivity or ():
            if visible[first] and visible[second]:
                draw.line((*points[first], *points[second]), width=width)
    return convert_image_dtype(pil_to_tensor(picture), image.dtype)
