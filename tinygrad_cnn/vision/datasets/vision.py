"""VisionDataset: root folder, transforms and repr of a data set of images (`torchvision.datasets.VisionDataset`)."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from tinygrad_cnn._absent import abstract
from tinygrad_cnn.utils.data.dataset import Dataset
from tinygrad_cnn.vision._extras import image_from_array

__all__ = ["StandardTransform", "VisionDataset", "as_image"]

Transform = Callable[[Any], Any]


def as_image(pixels: Any, mode: str | None = None) -> Any:
    """Return an array (H, W) or (H, W, C) of bytes as a Pillow image; where Pillow is not installed, the array itself.

    `transforms.ToTensor` makes the same tensor of both, so that training needs no Pillow.
    """
    try:
        return image_from_array(pixels, mode)
    except ImportError:
        return pixels


class StandardTransform:
    """Applies one transform to the image and one to the target."""

    def __init__(self, transform: Transform | None = None, target_transform: Transform | None = None) -> None:
        self.transform = transform
        self.target_transform = target_transform

    def __call__(self, input: Any, target: Any) -> tuple[Any, Any]:
        """Return the transformed image and target."""
        if self.transform is not None:
            input = self.transform(input)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return input, target

    def __repr__(self) -> str:
        lines = [type(self).__name__]
        for head, transform in (("Transform: ", self.transform), ("Target transform: ", self.target_transform)):
            if transform is not None:
                first, *rest = repr(transform).splitlines()
                lines += [head + first, *(" " * len(head) + line for line in rest)]
        return "\n".join(lines)


class VisionDataset(Dataset[Any]):
    """Base class: `root` (with ~ expanded) and either `transforms(image, target)` or the two separate transforms.

    Subclasses define `__getitem__`, `__len__` and `extra_repr`. ValueError if both kinds of transforms are given.
    """

    _repr_indent = 4

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        transforms: Callable[[Any, Any], tuple[Any, Any]] | None = None,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
    ) -> None:
        self.root: Any = os.path.expanduser(root) if isinstance(root, str) else root
        separate = transform is not None or target_transform is not None
        if transforms is not None and separate:
            raise ValueError("Only transforms or transform/target_transform can be passed as argument")
        self.transform = transform
        self.target_transform = target_transform
        self.transforms = StandardTransform(transform, target_transform) if separate else transforms

    def _transformed(self, image: Any, target: Any) -> tuple[Any, Any]:
        """Return a sample after the two separate transforms."""
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def __getitem__(self, index: int) -> Any:
        raise abstract(self, "__getitem__")

    def __len__(self) -> int:
        raise abstract(self, "__len__")

    def extra_repr(self) -> str:
        """Return more lines for the repr."""
        return ""

    def __repr__(self) -> str:
        body = [f"Number of datapoints: {len(self)}"]
        if self.root is not None:
            body.append(f"Root location: {self.root}")
        body += self.extra_repr().splitlines()
        if self.transforms is not None:
            body.append(repr(self.transforms))
        return "\n".join([f"Dataset {type(self).__name__}", *(" " * self._repr_indent + line for line in body)])
