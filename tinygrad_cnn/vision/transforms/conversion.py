"""Transforms that convert: to tensors, to Pillow images, to other dtypes; normalisation; Compose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tinygrad_cnn as torch
from tinygrad_cnn import nn
from tinygrad_cnn.tensor import Tensor

from . import functional as F

__all__ = [
    "Compose",
    "ConvertImageDtype",
    "Lambda",
    "LinearTransformation",
    "Normalize",
    "PILToTensor",
    "ToPILImage",
    "ToTensor",
]


def listed(head: str, lines: Sequence[Any]) -> str:
    """Return a repr with one line for each of several parts."""
    return "\n".join([f"{head}(", *(f"    {line}" for line in lines), ")"])


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
        return listed(type(self).__name__, self.transforms)


class ToTensor:
    """Applies `functional.to_tensor`: a Pillow image or array becomes a tensor (C, H, W), uint8 scaled to [0, 1]."""

    def __call__(self, pic: Any) -> Tensor:
        """Return the image as a tensor (C, H, W)."""
        return F.to_tensor(pic)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class PILToTensor:
    """Applies `functional.pil_to_tensor`: a Pillow image becomes a tensor (C, H, W) of its type, not scaled."""

    def __call__(self, pic: Any) -> Tensor:
        """Return the pixels as a tensor (C, H, W)."""
        return F.pil_to_tensor(pic)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class ConvertImageDtype(nn.Module):
    """Applies `functional.convert_image_dtype`: another dtype, scaled so that white stays white."""

    def __init__(self, dtype: Any) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(self, image: Tensor) -> Tensor:
        """Return the converted tensor."""
        return F.convert_image_dtype(image, self.dtype)


class ToPILImage:
    """Applies `functional.to_pil_image`: a tensor (C, H, W) or array (H, W, C) becomes a Pillow image."""

    def __init__(self, mode: str | None = None) -> None:
        self.mode = mode

    def __call__(self, pic: Any) -> Any:
        """Return a Pillow image."""
        return F.to_pil_image(pic, self.mode)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'' if self.mode is None else f'mode={self.mode}'})"


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


class Normalize(nn.Module):
    """Applies `functional.normalize`: (x - mean) / std for each channel of a float tensor (..., C, H, W)."""

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        super().__init__()
        self.mean = mean
        self.std = std
        self.inplace = inplace

    def forward(self, tensor: Tensor) -> Tensor:
        """Return the normalised image."""
        return F.normalize(tensor, self.mean, self.std, self.inplace)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(mean={self.mean}, std={self.std})"


class LinearTransformation(nn.Module):
    """Flattens a tensor (..., C, H, W) to D = C H W numbers, subtracts `mean_vector` (D), multiplies by a (D, D).

    For whitening. ValueError for a matrix that is not square, other sizes or different dtypes.
    """

    def __init__(self, transformation_matrix: Tensor, mean_vector: Tensor) -> None:
        super().__init__()
        sizes = tuple(transformation_matrix.size())
        if sizes[0] != sizes[1]:
            raise ValueError(f"transformation_matrix should be square. Got {sizes} rectangular matrix.")
        if mean_vector.size(0) != sizes[0]:
            raise ValueError(
                f"mean_vector should have the same length {mean_vector.size(0)} as any one of the dimensions of the "
                f"transformation_matrix [{sizes}]"
            )
        if transformation_matrix.dtype != mean_vector.dtype:
            raise ValueError(
                f"Input tensors should have the same dtype. Got {transformation_matrix.dtype} and {mean_vector.dtype}"
            )
        self.transformation_matrix = transformation_matrix
        self.mean_vector = mean_vector

    def forward(self, tensor: Tensor) -> Tensor:
        """Return the transformed image; ValueError if it does not have D numbers."""
        channels, height, width = tensor.shape[-3:]
        count = channels * height * width
        if count != self.transformation_matrix.shape[0]:
            raise ValueError(
                "Input tensor and transformation matrix have incompatible shape."
                f"[{channels} x {height} x {width}] != {self.transformation_matrix.shape[0]}"
            )
        flat = tensor.view(-1, count) - self.mean_vector
        return torch.mm(flat, self.transformation_matrix.to(flat.dtype)).view(tensor.shape)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(transformation_matrix={self.transformation_matrix.tolist()}, "
            f"mean_vector={self.mean_vector.tolist()})"
        )
