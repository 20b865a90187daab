"""Resizing, padding, cropping and flipping of Pillow images and tensors (..., H, W)."""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

import tinygrad_cnn as torch
from tinygrad_cnn.nn import functional as nnF
from tinygrad_cnn.tensor import Tensor
from tinygrad_cnn.vision._extras import pillow

from ._image import (
    InterpolationMode,
    as_batch,
    check_mode,
    check_pillow,
    check_tensor,
    computing_dtype,
    fill_for,
    from_batch,
    get_dimensions,
    pil_modes_mapping,
)

__all__ = ["center_crop", "crop", "five_crop", "hflip", "pad", "resize", "resized_crop", "ten_crop", "vflip"]

_PAD_MODES = ("constant", "edge", "reflect", "symmetric")


# ---------------------------------------------------------------- flips


def hflip(img: Any) -> Any:
    """Return the image with left and right exchanged."""
    if isinstance(img, Tensor):
        return check_tensor(img).flip(-1)
    return check_pillow(img).transpose(pillow().Transpose.FLIP_LEFT_RIGHT)


def vflip(img: Any) -> Any:
    """Return the image with top and bottom exchanged."""
    if isinstance(img, Tensor):
        return check_tensor(img).flip(-2)
    return check_pillow(img).transpose(pillow().Transpose.FLIP_TOP_BOTTOM)


# ---------------------------------------------------------------- resizing


def _resized_size(height: int, width: int, size: Sequence[int], max_size: int | None) -> list[int]:
    """Return [height, width] after `resize`: both given, or the shorter edge and a limit for the longer one."""
    if len(size) == 2:
        return [size[0], size[1]]
    short, long = min(height, width), max(height, width)
    new_short, new_long = size[0], int(size[0] * long / short)
    if max_size is not None:
        if max_size <= new_short:
            raise ValueError(
                f"max_size = {max_size} must be strictly greater than the requested size for the smaller edge size = "
                f"{size}"
            )
        if new_long > max_size:
            new_short, new_long = int(max_size * new_short / new_long), max_size
    return [new_long, new_short] if width <= height else [new_short, new_long]


def resize(
    img: Any,
    size: Any,
    interpolation: Any = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """Return the image with another height and width.

    size: (height, width), or the length of the shorter edge, whose longer one then keeps the ratio, up to `max_size`.
    antialias: of tensors in BILINEAR and BICUBIC mode; Pillow always does it. Tensors take NEAREST, NEAREST_EXACT,
    BILINEAR and BICUBIC. TypeError and ValueError for bad arguments (`torchvision.transforms.functional.resize`).
    """
    mode = check_mode(interpolation)
    if isinstance(size, (list, tuple)):
        if len(size) not in (1, 2):
            raise ValueError(
                f"Size must be an int or a 1 or 2 element tuple/list, not a {len(size)} element tuple/list"
            )
        if max_size is not None and len(size) != 1:
            raise ValueError(
                "max_size should only be passed if size specifies the length of the smaller edge, "
                "i.e. size should be an int or a sequence of length 1 in torchscript mode."
            )
    _, height, width = get_dimensions(img)
    wanted = _resized_size(height, width, [size] if isinstance(size, int) else size, max_size)
    if wanted == [height, width]:
        return img
    if isinstance(img, Tensor):
        return _resize_tensor(img, wanted, mode.value, bool(antialias))
    if antialias is False:
        warnings.warn(
            "Anti-alias option is always applied for PIL Image input. Argument antialias is ignored.", stacklevel=2
        )
    return img.resize((wanted[1], wanted[0]), pil_modes_mapping[mode])


def _resize_tensor(img: Tensor, size: list[int], mode: str, antialias: bool) -> Tensor:
    smooth = mode in ("bilinear", "bicubic")
    batch = as_batch(img, computing_dtype(img))
    out = nnF.interpolate(
        batch, size=size, mode=mode, align_corners=False if smooth else None, antialias=antialias and smooth
    )
    if mode == "bicubic" and img.dtype is torch.uint8:
        out = out.clamp(0, 255)
    return from_batch(out, img)


# ---------------------------------------------------------------- padding


def _borders(padding: Any) -> tuple[int, int, int, int]:
    """Return the widths left, top, right, bottom that an int or a sequence of 1, 2 or 4 gives."""
    widths = (padding,) if isinstance(padding, numbers.Number) else tuple(padding)
    left, top, right, bottom = {1: widths * 4, 2: widths * 2, 4: widths}[len(widths)]
    return left, top, right, bottom


def _check_padding(padding: Any, fill: Any, padding_mode: Any, fills: tuple[type, ...]) -> None:
    if not isinstance(padding, (numbers.Number, tuple, list)):
        raise TypeError("Got inappropriate padding arg")
    if fill is not None and not isinstance(fill, fills):
        raise TypeError("Got inappropriate fill arg")
    if not isinstance(padding_mode, str):
        raise TypeError("Got inappropriate padding_mode arg")
    if isinstance(padding, (tuple, list)) and len(padding) not in (1, 2, 4):
        raise ValueError(f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(padding)} element tuple")
    if padding_mode not in _PAD_MODES:
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")


def pad(img: Any, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Any:
    """Return the image with a border; negative widths crop.

    padding: one width, (left and right, top and bottom), or (left, top, right, bottom). fill: the colour of constant
    padding, a number, of Pillow images also one for each channel. padding_mode: constant, edge (the last pixel),
    reflect (without it) or symmetric (with it). Tensors: (..., H, W) for constant, at most four dimensions for others.
    """
    if isinstance(img, Tensor):
        check_tensor(img)
        _check_padding(padding, fill, padding_mode, (int, float))
        return _pad_tensor(img, _borders(padding), 0 if fill is None else fill, padding_mode)
    check_pillow(img)
    _check_padding(padding, fill, padding_mode, (numbers.Number, tuple, list))
    borders = _borders(padding)
    if padding_mode == "constant":
        padded = pillow("ImageOps").expand(img, border=borders, fill=fill_for(img, fill))
        if img.mode == "P":
            padded.putpalette(img.getpalette())
        return padded
    return _pad_pillow(img, borders, padding_mode)


def _pad_pillow(img: Any, borders: tuple[int, int, int, int], mode: Any) -> Any:
    """Pad by NumPy, whose modes have the names of torchvision's."""
    if min(borders) < 0:
        left, top, right, bottom = (max(-width, 0) for width in borders)
        img = img.crop((left, top, img.width - right, img.height - bottom))
    left, top, right, bottom = (max(width, 0) for width in borders)
    pixels = np.asarray(img)
    widths = [(top, bottom), (left, right), (0, 0)][: pixels.ndim]
    padded = pillow().fromarray(np.pad(pixels, widths, mode))
    if img.mode == "P":
        padded.putpalette(img.getpalette())
    return padded


def _pad_tensor(img: Tensor, borders: tuple[int, int, int, int], fill: float, mode: str) -> Tensor:
    left, top, right, bottom = borders
    if mode == "symmetric":
        return _pad_symmetric(img, borders)
    # Constant padding keeps integers; the other modes of `pad` are for floats.
    batch = as_batch(img, img.dtype if mode == "constant" else computing_dtype(img))
    if mode == "constant":
        out = nnF.pad(batch, (left, right, top, bottom), value=float(fill))
    else:
        out = nnF.pad(batch, (left, right, top, bottom), mode="replicate" if mode == "edge" else mode)
    return from_batch(out, img)


def _pad_symmetric(img: Tensor, borders: tuple[int, int, int, int]) -> Tensor:
    """Pad by picking rows and columns: those before the first and after the last one count backwards."""
    left, top, right, bottom = borders
    if min(borders) < 0:
        img = img[..., max(-top, 0) : img.shape[-2] - max(-bottom, 0), max(-left, 0) : img.shape[-1] - max(-right, 0)]
    if img.ndim not in (3, 4):
        raise RuntimeError("Symmetric padding of N-D tensors are not supported yet")

    def picked(before: int, size: int, after: int) -> Tensor:
        return torch.tensor([*range(before - 1, -1, -1), *range(size), *range(-1, -after - 1, -1)])

    rows, columns = picked(top, img.shape[-2], bottom), picked(left, img.shape[-1], right)
    return img[..., rows[:, None], columns[None, :]]


# ---------------------------------------------------------------- crops


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """Return `height` rows and `width` columns, from row `top` and column `left` on; what lies outside is 0."""
    right, bottom = left + width, top + height
    if not isinstance(img, Tensor):
        return check_pillow(img).crop((left, top, right, bottom))
    _, h, w = get_dimensions(img)
    if left >= 0 and top >= 0 and right <= w and bottom <= h:
        return img[..., top:bottom, left:right]
    outside = [
        max(min(0, right) - left, 0),
        max(min(0, bottom) - top, 0),
        max(right - max(w, left), 0),
        max(bottom - max(h, top), 0),
    ]
    return pad(img[..., max(top, 0) : bottom, max(left, 0) : right], outside)


def two_sizes(size: Any) -> Any:
    """Return (height, width) of a number, which means a square, or of a sequence of one; others as they are."""
    if isinstance(size, numbers.Number):
        return (int(size), int(size))  # type: ignore[call-overload]
    if isinstance(size, (list, tuple)) and len(size) == 1:
        return (size[0], size[0])
    return size


def center_crop(img: Any, output_size: Any) -> Any:
    """Return the middle of the image, (height, width) or a square; smaller images are padded with 0 before."""
    height, width = two_sizes(output_size)
    _, h, w = get_dimensions(img)
    if height > h or width > w:
        missing_h, missing_w = max(height - h, 0), max(width - w, 0)
        img = pad(img, [missing_w // 2, missing_h // 2, (missing_w + 1) // 2, (missing_h + 1) // 2])
        _, h, w = get_dimensions(img)
    return crop(img, round((h - height) / 2), round((w - width) / 2), height, width)


def resized_crop(
    img: Any,
    top: int,
    left: int,
    height: int,
    width: int,
    size: Any,
    interpolation: Any = InterpolationMode.BILINEAR,
    antialias: bool | None = True,
) -> Any:
    """Return what `resize` makes of what `crop` returns."""
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def five_crop(img: Any, size: Any) -> tuple[Any, Any, Any, Any, Any]:
    """Return the crops at top left, top right, bottom left, bottom right and in the middle; size as in `center_crop`.

    ValueError if the image is smaller than a crop.
    """
    size = two_sizes(size)
    if len(size) != 2:
        raise ValueError("Please provide only two dimensions (h, w) for size.")
    height, width = size
    _, h, w = get_dimensions(img)
    if width > w or height > h:
        raise ValueError(f"Requested crop size {size} is bigger than input size {(h, w)}")
    return (
        crop(img, 0, 0, height, width),
        crop(img, 0, w - width, height, width),
        crop(img, h - height, 0, height, width),
        crop(img, h - height, w - width, height, width),
        center_crop(img, [height, width]),
    )


def ten_crop(img: Any, size: Any, vertical_flip: bool = False) -> tuple[Any, ...]:
    """Return `five_crop` of the image and of the flipped image (`vertical_flip`: top and bottom exchanged)."""
    crops = five_crop(img, size)
    return crops + five_crop(vflip(img) if vertical_flip else hflip(img), size)
