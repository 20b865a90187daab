"""VGG (Simonyan and Zisserman, arXiv:1409.1556): stacks of 3x3 convolutions."""

from __future__ import annotations

from typing import Any

import tinygrad_cnn as torch
from tinygrad_cnn import Tensor, nn
from tinygrad_cnn.vision.models._api import builder
from tinygrad_cnn.vision.models._utils import initialize

__all__ = [
    "VGG",
    "VGG11_BN_Weights",
    "VGG11_Weights",
    "VGG13_BN_Weights",
    "VGG13_Weights",
    "VGG16_BN_Weights",
    "VGG16_Weights",
    "VGG19_BN_Weights",
    "VGG19_Weights",
    "vgg11",
    "vgg11_bn",
    "vgg13",
    "vgg13_bn",
    "vgg16",
    "vgg16_bn",
    "vgg19",
    "vgg19_bn",
]


class VGG(nn.Module):
    """`features`, pooled to 7x7, and three linear layers: (N, 3, H, W) to (N, num_classes)."""

    def __init__(
        self, features: nn.Module, num_classes: int = 1000, init_weights: bool = True, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, num_classes),
        )
        if init_weights:
            initialize(
                self,
                lambda layer: nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu"),
                lambda layer: nn.init.normal_(layer.weight, 0, 0.01),
            )

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores of the classes."""
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def make_layers(cfg: list[str | int], batch_norm: bool = False) -> nn.Sequential:
    """Return the layers of a configuration: a number for a convolution with so many channels, "M" for max pooling."""
    layers: list[nn.Module] = []
    channels = 3
    for entry in cfg:
        if isinstance(entry, str):
            layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
            continue
        layers.append(nn.Conv2d(channels, entry, kernel_size=3, padding=1))
        if batch_norm:
            layers.append(nn.BatchNorm2d(entry))
        layers.append(nn.ReLU(inplace=True))
        channels = entry
    return nn.Sequential(*layers)


def _configuration(*counts: int) -> list[str | int]:
    """Return the layers for the number of convolutions in each of the five stages."""
    cfg: list[str | int] = []
    for channels, count in zip((64, 128, 256, 512, 512), counts, strict=True):
        cfg += [channels] * count + ["M"]
    return cfg


cfgs = {
    "A": _configuration(1, 1, 2, 2, 2),
    "B": _configuration(2, 2, 2, 2, 2),
    "D": _configuration(2, 2, 3, 3, 3),
    "E": _configuration(2, 2, 4, 4, 4),
}


def _prepare(options: dict[str, Any]) -> None:
    options["init_weights"] = False


def _build(name: str, cfg: str, batch_norm: bool = False) -> Any:
    def make(**options: Any) -> VGG:
        return VGG(make_layers(cfgs[cfg], batch_norm), **options)

    normalised = ", with batch normalisation" if batch_norm else ""
    return builder(name, make, f"Build {name.partition('_')[0].upper()}{normalised} (arXiv:1409.1556).", _prepare)


vgg11, VGG11_Weights = _build("vgg11", "A")
vgg11_bn, VGG11_BN_Weights = _build("vgg11_bn", "A", True)
vgg13, VGG13_Weights = _build("vgg13", "B")
vgg13_bn, VGG13_BN_Weights = _build("vgg13_bn", "B", True)
vgg16, VGG16_Weights = _build("vgg16", "D")
vgg16_bn, VGG16_BN_Weights = _build("vgg16_bn", "D", True)
vgg19, VGG19_Weights = _build("vgg19", "E")
vgg19_bn, VGG19_BN_Weights = _build("vgg19_bn", "E", True)
