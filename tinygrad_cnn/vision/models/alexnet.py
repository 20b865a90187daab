"""AlexNet on one device (Krizhevsky, arXiv:1404.5997)."""

from __future__ import annotations

from typing import Any

import tinygrad_cnn as torch
from tinygrad_cnn import Tensor, nn
from tinygrad_cnn.vision.models._api import builder

__all__ = ["AlexNet", "AlexNet_Weights", "alexnet"]


class AlexNet(nn.Module):
    """Five convolutions and three linear layers: (N, 3, H, W), H and W at least 63, to (N, num_classes)."""

    def __init__(self, num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_convolution(3, 64, 11, stride=4, padding=2),
            nn.MaxPool2d(kernel_size=3, stride=2),
            *_convolution(64, 192, 5, padding=2),
            nn.MaxPool2d(kernel_size=3, stride=2),
            *_convolution(192, 384, 3, padding=1),
            *_convolution(384, 256, 3, padding=1),
            *_convolution(256, 256, 3, padding=1),
            nn.MaxPool2d(kernel_size=3, stride=2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout),
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Linear(4096, num_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores of the classes."""
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def _convolution(*arguments: int, **options: int) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(*arguments, **options), nn.ReLU(inplace=True)  # type: ignore[arg-type]


def _make(**options: Any) -> AlexNet:
    return AlexNet(**options)


alexnet, AlexNet_Weights = builder("alexnet", _make, "Build AlexNet (arXiv:1404.5997).")
