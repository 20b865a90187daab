"""Images from files and to files as tensors (`torchvision.io`), by Pillow."""

from __future__ import annotations

import io
import os
import struct
from enum import Enum
from typing import Any

import numpy as np

import tinygrad_cnn as torch
from tinygrad_cnn.tensor import Tensor
from tinygrad_cnn.vision._extras import pillow
from tinygrad_cnn.vision.transforms.functional import pil_to_tensor, to_pil_image

__all__ = [
    "ImageReadMode",
    "decode_image",
    "decode_jpeg",
    "decode_png",
    "encode_jpeg",
    "encode_png",
    "read_file",
    "read_image",
    "write_file",
    "write_jpeg",
    "write_png",
]


class ImageReadMode(Enum):
    """The channels that reading gives: those of the file, or 1 to 4."""

    UNCHANGED = 0
    GRAY = 1
    GRAY_ALPHA = 2
    RGB = 3
    RGB_ALPHA = 4
    RGBA = RGB_ALPHA


_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def read_file(path: str | os.PathLike[str]) -> Tensor:
    """Return the bytes of a file as a uint8 tensor."""
    with open(path, "rb") as file:
        return torch.frombuffer(bytearray(file.read()), dtype=torch.uint8)


def write_file(filename: str | os.PathLike[str], data: Tensor) -> None:
    """Write a uint8 tensor's bytes to a file."""
    with open(filename, "wb") as file:
        file.write(data.numpy().tobytes())


def decode_image(
    input: Tensor | str | os.PathLike[str],
    mode: Any = ImageReadMode.UNCHANGED,
    apply_exif_orientation: bool = False,
) -> Tensor:
    """Return a picture, given by its file name or its bytes, as a uint8 tensor (C, H, W); palettes become RGB.

    mode: an ImageReadMode or its name. apply_exif_orientation: turn it as its camera noted. RuntimeError for bytes that
    are no picture or a damaged one, and for one so large that it may be a bomb (Pillow's limit).
    """
    image = pillow(what="reading images")
    mode = ImageReadMode[mode.upper()] if isinstance(mode, str) else mode
    if isinstance(input, Tensor):
        data = input.numpy().tobytes()
    else:
        with open(input, "rb") as file:
            data = file.read()
    try:
        with image.open(io.BytesIO(data)) as picture:
            picture.load()
            if apply_exif_orientation:
                picture = pillow("ImageOps").exif_transpose(picture)
    except image.UnidentifiedImageError as error:
        raise RuntimeError(f"Unsupported image file: {error}") from error
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, image.DecompressionBombError) as error:
        raise RuntimeError(f"Damaged image file: {error}") from error
    return _pixels(picture, mode)


def _pixels(picture: Any, mode: ImageReadMode) -> Tensor:
    """Return a picture in the channels asked for."""
    if mode is not ImageReadMode.UNCHANGED:
        picture = picture.convert(_MODES[mode.value])
    elif picture.mode == "P":
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    elif picture.mode == "1":
        picture = picture.convert("L")
    if picture.mode.startswith(("I", "F")):
        raise NotImplementedError(f"pictures of Pillow's mode {picture.mode} have more than 8 bits a channel")
    return pil_to_tensor(picture)


def read_image(
    path: str | os.PathLike[str], mode: Any = ImageReadMode.UNCHANGED, apply_exif_orientation: bool = False
) -> Tensor:
    """Return the picture of a file as a uint8 tensor (C, H, W); see `decode_image`."""
    return decode_image(path, mode, apply_exif_orientation)


def decode_png(input: Tensor, mode: Any = ImageReadMode.UNCHANGED, apply_exif_orientation: bool = False) -> Tensor:
    """Return the picture of a PNG file's bytes; see `decode_image`."""
    return decode_image(input, mode, apply_exif_orientation)


def decode_jpeg(
    input: Tensor, mode: Any = ImageReadMode.UNCHANGED, device: Any = "cpu", apply_exif_orientation: bool = False
) -> Tensor:
    """Return the picture of a JPEG file's bytes; see `decode_image`."""
    return decode_image(input, mode, apply_exif_orientation)


def _encoded(input: Tensor, format: str, **options: Any) -> Tensor:
    if input.dtype is not torch.uint8:
        raise RuntimeError(f"Input tensor dtype should be uint8, got {input.dtype}")
    if input.ndim != 3:
        raise RuntimeError("Input data should be a 3-dimensional tensor")
    if input.shape[0] not in (1, 3):
        raise RuntimeError(f"The number of channels should be 1 or 3, got: {input.shape[0]}")
    file = io.BytesIO()
    to_pil_image(input).save(file, format, **options)
    return torch.from_numpy(np.frombuffer(file.getvalue(), np.uint8).copy())


def encode_png(input: Tensor, compression_level: int = 6) -> Tensor:
    """Return the bytes of a PNG file of a uint8 tensor (1 or 3, H, W); RuntimeError for others."""
    return _encoded(input, "PNG", compress_level=compression_level)


def encode_jpeg(input: Tensor, quality: int = 75) -> Tensor:
    """Return the bytes of a JPEG file of a uint8 tensor (1 or 3, H, W); RuntimeError for others."""
    if not 1 <= quality <= 100:
        raise ValueError("Image quality should be a positive number between 1 and 100")
    return _encoded(input, "JPEG", quality=quality)


def write_png(input: Tensor, filename: str | os.PathLike[str], compression_level: int = 6) -> None:
    """Write a uint8 tensor (1 or 3, H, W) as a PNG file."""
    write_file(filename, encode_png(input, compression_level))


def write_jpeg(input: Tensor, filename: str | os.PathLike[str], quality: int = 75) -> None:
    """Write a uint8 tensor (1 or 3, H, W) as a JPEG file."""
    write_file(filename, encode_jpeg(input, quality))
