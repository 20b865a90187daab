"""Transforms of images (`torchvision.transforms`): from Pillow images or arrays to normalised Tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_cnn import core, dtypes
from tinygrad_cnn.tensor import Tensor, wrap

__all__ = ["Compose", "Lambda", "Normalize", "PILToTensor", "ToTensor"]

# Pillow's modes whose pixels are not uint8.
_MODES: dict[str, Any] = {"I": np.int32, "I;16": np.int16, "F": np.float32, "1": np.bool_}


def _is_pillow_image(value: Any) -> bool:
    """Tell whether `value` is a Pillow image, without importing Pillow for what is none."""
    module = type(value).__module__
    if not any(cls.__module__.startswith("PIL.") for cls in type(value).__mro__):
        return False
    from PIL import Image

    return isinstance(value, Image.Image) or module == "PIL.Image"


def _pillow_to_chw(image: Any) -> Any:
    """Return the pixels of a Pillow image as a dense array (C, H, W)."""
    pixels = np.array(image, _MODES.get(image.mode, np.uint8), copy=True)
    if pixels.dtype == np.int16:
        raise TypeError(f"images of mode {image.mode} need int16 tensors, which are not supported")
    pixels = pixels.reshape(image.size[1], image.size[0], -1)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _to_unit(array: Any) -> Tensor:
    """Divide uint8 by 255, in the default dtype; leave other types."""
    if array.dtype != np.uint8:
        return wrap(array)
    dtype = dtypes.get_default_dtype()._numpy
    out = core.empty(array.shape, dtype)
    np.divide(array, dtype.type(255), out=out, dtype=dtype)
    return wrap(out)


class Compose:
    """Applies transforms one after the other."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        """Return what the last transform returns."""
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        return "\n".join([f"{type(self).__name__}(", *(f"    {transform}" for transform in self.transforms), ")"])


class ToTensor:
    """A Pillow image or an array (H, W) or (H, W, C) becomes a Tensor (C, H, W), uint8 scaled to [0, 1].

    Other types of arrays keep their values and dtype. TypeError for other objects, ValueError for another rank.
    """

    def __call__(self, pic: Any) -> Tensor:
        """Return the image as a Tensor (C, H, W)."""
        if _is_pillow_image(pic):
            pixels = _pillow_to_chw(pic)
            return _to_unit(pixels * np.uint8(255) if pixels.dtype == np.bool_ else pixels)
        if not isinstance(pic, np.ndarray):
            raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
        if pic.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
        if pic.ndim == 2:
            pic = pic[:, :, None]
        dtypes.from_numpy_dtype(pic.dtype)
        return _to_unit(np.ascontiguousarray(pic.transpose(2, 0, 1)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class PILToTensor:
    """A Pillow image becomes a Tensor (C, H, W) of its pixels' type, not scaled. TypeError for other objects."""

    def __call__(self, pic: Any) -> Tensor:
        """Return the pixels as a Tensor (C, H, W)."""
        if not _is_pillow_image(pic):
            raise TypeError(f"pic should be PIL Image. Got {type(pic)}")
        return wrap(_pillow_to_chw(pic))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Lambda:
    """Applies any function. TypeError if it cannot be called."""

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__!r}")
        self.lambd = lambd

    def __call__(self, img: Any) -> Any:
        """Return the function's value."""
        return self.lambd(img)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Normalize:
    """(x - mean) / std for each channel of a floating-point Tensor (..., C, H, W); inplace changes x itself.

    mean, std: one number for each channel, or one for all. TypeError for what is no float Tensor, ValueError for less
    than three dimensions and for a std of zero.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        self.mean = mean
        self.std = std
        self.inplace = inplace

    def __call__(self, tensor: Tensor) -> Tensor:
        """Return the normalised image."""
        if not isinstance(tensor, Tensor):
            raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
        if not tensor.is_floating_point():
            raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
        if tensor.ndim < 3:
            raise ValueError(
                f"Expected tensor to be a tensor image of size (..., C, H, W). Got tensor.size() = {tensor.shape}"
            )
        mean = self._channels(self.mean, tensor)
        std = self._channels(self.std, tensor)
        if not std._array.all():
            raise ValueError(f"std evaluated to zero after conversion to {tensor.dtype}, leading to division by zero.")
        if not self.inplace:
            tensor = tensor.clone()
        return tensor.sub_(mean).div_(std)

    @staticmethod
    def _channels(values: Any, like: Tensor) -> Tensor:
        array = np.array(values._array if isinstance(values, Tensor) else values, like._array.dtype)
        return wrap(array.reshape(-1, 1, 1) if array.ndim == 1 else array)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(mean={self.mean}, std={self.std})"
