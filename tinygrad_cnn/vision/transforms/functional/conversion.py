"""Between Pillow images, arrays and tensors, between dtypes; normalisation and erasing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import tinygrad_cnn as torch
from tinygrad_cnn import core, dtypes
from tinygrad_cnn.tensor import Tensor, wrap
from tinygrad_cnn.vision._extras import image_from_array, is_pillow_image

from ._image import check_tensor, max_value

__all__ = ["convert_image_dtype", "erase", "normalize", "pil_to_tensor", "to_pil_image", "to_tensor"]

# Pillow's modes whose pixels are not uint8, little and big endian.
_MODES: dict[str, Any] = {"I": np.int32, "I;16": np.int16, "I;16B": np.int16, "F": np.float32}
# The mode of an image of one channel by its dtype, and the modes of more channels, the default first.
_ONE_CHANNEL = {"uint8": "L", "int16": "I;16", "int32": "I", "float32": "F"}
_MORE_CHANNELS = {2: ["LA"], 3: ["RGB", "YCbCr", "HSV"], 4: ["RGBA", "CMYK", "RGBX"]}


def _channels_first(pixels: Any, image: Any) -> Any:
    """Return the pixels of a Pillow image as (C, H, W), a view."""
    dtypes.from_numpy_dtype(pixels.dtype)
    return pixels.reshape(image.height, image.width, -1).transpose(2, 0, 1)


def to_tensor(pic: Any) -> Tensor:
    """Return a Pillow image, or an array (H, W) or (H, W, C), as a tensor (C, H, W).

    uint8 is scaled to [0, 1] in the default dtype; other types keep their values and dtype. TypeError for other
    objects, ValueError for arrays of another rank (`torchvision.transforms.functional.to_tensor`).
    """
    if is_pillow_image(pic):
        pixels = np.array(pic, _MODES.get(pic.mode, np.uint8))
        if pic.mode == "1":
            pixels *= np.uint8(255)
        pixels = _channels_first(pixels, pic)
    elif not isinstance(pic, np.ndarray):
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
    elif pic.ndim not in (2, 3):
        raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
    else:
        dtypes.from_numpy_dtype(pic.dtype)
        pixels = (pic if pic.ndim == 3 else pic[:, :, None]).transpose(2, 0, 1)
    if pixels.dtype != np.uint8:
        return wrap(np.ascontiguousarray(pixels))
    dtype = dtypes.get_default_dtype()._numpy
    out = core.empty(pixels.shape, dtype)
    np.divide(pixels, dtype.type(255), out=out, dtype=dtype)
    return wrap(out)


def pil_to_tensor(pic: Any) -> Tensor:
    """Return the pixels of a Pillow image as a tensor (C, H, W) of their type, not scaled; TypeError for others."""
    if not is_pillow_image(pic):
        raise TypeError(f"pic should be PIL Image. Got {type(pic)}")
    return wrap(_channels_first(np.array(pic), pic))


def convert_image_dtype(image: Tensor, dtype: Any = torch.float32) -> Tensor:
    """Return a tensor of another dtype, scaled so that white stays white: 255 for uint8, 1 for floats.

    From float to integer the range is cut into equal parts, so that only 1.0 becomes the largest integer. RuntimeError
    for float32 to int32 or int64, and float64 to int64, which floats do not count up to. TypeError for no tensor.
    """
    if not isinstance(image, Tensor):
        raise TypeError("Input img should be Tensor Image")
    if image.dtype is dtype:
        return image
    was, will = max_value(image.dtype), max_value(dtype)
    if image.is_floating_point():
        if dtype.is_floating_point:
            return image.to(dtype)
        if image.dtype.itemsize >= 4 and dtype.itemsize >= image.dtype.itemsize:
            raise RuntimeError(f"The cast from {image.dtype} to {dtype} cannot be performed safely.")
        return image.mul(will + 1.0 - 1e-3).to(dtype)
    if dtype.is_floating_point:
        return image.to(dtype) / float(was)
    if was > will:
        return torch.div(image, int((was + 1.0) // (will + 1.0)), rounding_mode="floor").to(dtype)
    return image.to(dtype) * int((will + 1.0) // (was + 1.0))


def _mode_for(pixels: Any, mode: str | None) -> str:
    """Return Pillow's mode for pixels (H, W, C); ValueError if it is not `mode`, TypeError if there is none."""
    channels = pixels.shape[2]
    kind = str(pixels.dtype)
    if channels == 1:
        found = _ONE_CHANNEL.get(kind)
        if mode is not None and mode != found:
            raise ValueError(f"Incorrect mode ({mode}) supplied for input type {np.dtype}. Should be {found}")
    else:
        known = _MORE_CHANNELS[channels]
        if mode is not None and mode not in known:
            raise ValueError(f"Only modes {known} are supported for {channels}D inputs")
        found = mode if mode is not None else known[0] if kind == "uint8" else None
    if found is None:
        raise TypeError(f"Input type {kind} is not supported")
    return found


def to_pil_image(pic: Any, mode: str | None = None) -> Any:
    """Return a tensor (C, H, W) or (H, W), or an array (H, W, C) or (H, W), as a Pillow image.

    Floats are multiplied by 255 and cut off to uint8 (but not for mode "F"). mode: one of Pillow's; by default
    L, LA, RGB or RGBA for 1 to 4 channels of uint8, I for int32. Raises TypeError and ValueError for what has no image.
    """
    if isinstance(pic, Tensor):
        pic = pic.permute(1, 2, 0) if pic.ndim == 3 else pic
        pic = pic.numpy(force=True)
    elif not isinstance(pic, np.ndarray):
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    if pic.ndim == 2:
        pic = pic[:, :, None]
    if pic.ndim != 3:
        raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
    if pic.shape[-1] > 4:
        raise ValueError(f"pic should not have > 4 channels. Got {pic.shape[-1]} channels.")
    if pic.dtype.kind == "f" and mode != "F":
        pic = (pic * 255).astype(np.uint8)
    found = _mode_for(pic, mode)
    return image_from_array(pic[:, :, 0] if pic.shape[2] == 1 else pic, found)


def normalize(tensor: Tensor, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> Tensor:
    """Return (x - mean) / std for each channel of a float tensor (..., C, H, W); inplace changes x itself.

    mean, std: one number for each channel, or one for all. TypeError for what is no float tensor, ValueError for less
    than three dimensions and for a std of zero.
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
    check_tensor(tensor)
    if not tensor.is_floating_point():
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
    if tensor.ndim < 3:
        raise ValueError(
            f"Expected tensor to be a tensor image of size (..., C, H, W). Got tensor.size() = {tensor.shape}"
        )
    means, stds = _by_channel(mean, tensor), _by_channel(std, tensor)
    if not stds.all():
        raise ValueError(f"std evaluated to zero after conversion to {tensor.dtype}, leading to division by zero.")
    fits = np.broadcast_shapes(tensor.shape, means.shape, stds.shape) == tensor.shape
    if inplace or tensor.requires_grad or not fits:
        return (tensor if inplace else tensor.clone()).sub_(wrap(means)).div_(wrap(stds))
    # Without a graph, two passes over the new memory instead of three.
    out = core.empty(tensor.shape, means.dtype)
    np.subtract(tensor._array, means, out=out)
    np.divide(out, stds, out=out)
    return wrap(out)


def _by_channel(values: Any, like: Tensor) -> Any:
    """Return numbers as an array of the dtype of `like`, those of one dimension along its channels."""
    array = np.array(values, like._array.dtype)
    return array.reshape(-1, 1, 1) if array.ndim == 1 else array


def erase(img: Tensor, i: int, j: int, h: int, w: int, v: Any, inplace: bool = False) -> Tensor:
    """Return a tensor (..., H, W) with rows i to i + h and columns j to j + w set to v; TypeError for no tensor."""
    if not isinstance(img, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(img)}")
    check_tensor(img)
    if not inplace:
        img = img.clone()
    img[..., i : i + h, j : j + w] = v
    return img
