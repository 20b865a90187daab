"""FakeData (`torchvision.datasets.FakeData`): random images, to try code without a data set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tinygrad_cnn as torch
from tinygrad_cnn.vision.datasets.vision import VisionDataset
from tinygrad_cnn.vision.transforms.functional import to_pil_image

__all__ = ["FakeData"]


class FakeData(VisionDataset):
    """Random Pillow images and classes: sample i is the same each time, and torchvision's; needs Pillow.

    size: how many. image_size: (C, H, W). random_offset: added to i to seed sample i. IndexError past the end.
    """

    def __init__(
        self,
        size: int = 1000,
        image_size: tuple[int, int, int] = (3, 224, 224),
        num_classes: int = 10,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        random_offset: int = 0,
    ) -> None:
        super().__init__(transform=transform, target_transform=target_transform)
        self.size = size
        self.num_classes = num_classes
        self.image_size = image_size
        self.random_offset = random_offset

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if index >= len(self):
            raise IndexError(f"{type(self).__name__} index out of range")
        generator = torch.Generator().manual_seed(index + self.random_offset)
        pixels = torch.randn(*self.image_size, generator=generator)
        target = torch.randint(0, self.num_classes, size=(1,), generator=generator)[0]
        image, target = self._transformed(to_pil_image(pixels), target)
        return image, target.item()

    def __len__(self) -> int:
        return self.size
