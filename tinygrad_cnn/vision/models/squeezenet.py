"""SqueezeNet (Iandola et al., arXiv:1602.07360): few channels into the 3x3 convolutions."""

from __future__ import annotations

from typing import Any

import tinygrad_cnn as torch
from tinygrad_cnn import Tensor, nn
from tinygrad_cnn.vision.models._api import builder
from tinygrad_cnn.vision.models._utils import initialize

__all__ = ["SqueezeNet", "SqueezeNet1_0_Weights", "SqueezeNet1_1_Weights", "squeezenet1_0", "squeezenet1_1"]

# Channels, size and padding of the first convolution, and the stages between max poolings: Fire modules by the number
# of their squeezed channels, and of each of their two kinds of expanded ones.
_VERSIONS = {
    "1_0": (96, 7, [[(16, 64), (16, 64), (32, 128)], [(32, 128), (48, 192), (48, 192), (64, 256)], [(64, 256)]]),
    "1_1": (64, 3, [[(16, 64), (16, 64)], [(32, 128), (32, 128)], [(48, 192), (48, 192), (64, 256), (64, 256)]]),
}


class Fire(nn.Module):
    """A 1x1 convolution to few channels, then 1x1 and 3x3 convolutions side by side."""

    def __init__(self, inplanes: int, squeeze_planes: int, expand1x1_planes: int, expand3x3_planes: int) -> None:
        super().__init__()
        self.inplanes = inplanes
        self.squeeze = nn.Conv2d(inplanes, squeeze_planes, kernel_size=1)
        self.squeeze_activation = nn.ReLU(inplace=True)
        self.expand1x1 = nn.Conv2d(squeeze_planes, expand1x1_planes, kernel_size=1)
        self.expand1x1_activation = nn.ReLU(inplace=True)
        self.expand3x3 = nn.Conv2d(squeeze_planes, expand3x3_planes, kernel_size=3, padding=1)
        self.expand3x3_activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inplanes, H, W) to (N, expand1x1_planes + expand3x3_planes, H, W)."""
        x = self.squeeze_activation(self.squeeze(x))
        sides = [self.expand1x1_activation(self.expand1x1(x)), self.expand3x3_activation(self.expand3x3(x))]
        return torch.cat(sides, 1)


class SqueezeNet(nn.Module):
    """(N, 3, H, W) to (N, num_classes); version "1_0" or the quicker "1_1"."""

    def __init__(self, version: str = "1_0", num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        self.num_classes = num_classes
        if version not in _VERSIONS:
            raise ValueError(f"Unsupported SqueezeNet version {version}: 1_0 or 1_1 expected")
        channels, size, stages = _VERSIONS[version]
        layers: list[nn.Module] = [nn.Conv2d(3, channels, kernel_size=size, stride=2), nn.ReLU(inplace=True)]
        for stage in stages:
            layers.append(nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True))
            for squeezed, expanded in stage:
                layers.append(Fire(channels, squeezed, expanded, expanded))
                channels = 2 * expanded
        self.features = nn.Sequential(*layers)
        last = nn.Conv2d(512, num_classes, kernel_size=1)
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout), last, nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d((1, 1))
        )

        def draw(layer: nn.Conv2d) -> None:
            if layer is last:
                nn.init.normal_(layer.weight, mean=0.0, std=0.01)
            else:
                nn.init.kaiming_uniform_(layer.weight)

        initialize(self, draw)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores of the classes."""
        return torch.flatten(self.classifier(self.features(x)), 1)


def _build(name: str, version: str) -> Any:
    def make(**options: Any) -> SqueezeNet:
        return SqueezeNet(version, **options)

    return builder(name, make, f"Build SqueezeNet {version.replace('_', '.')} (arXiv:1602.07360).")


squeezenet1_0, SqueezeNet1_0_Weights = _build("squeezenet1_0", "1_0")
squeezenet1_1, SqueezeNet1_1_Weights = _build("squeezenet1_1", "1_1")
