"""DenseNet-BC (Huang et al., arXiv:1608.06993): each layer sees the features of all before it."""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Any

import tinygrad_cnn as torch
from tinygrad_cnn import Tensor, nn
from tinygrad_cnn.nn import functional as F
from tinygrad_cnn.vision.models._api import builder
from tinygrad_cnn.vision.models._utils import initialize

__all__ = [
    "DenseNet",
    "DenseNet121_Weights",
    "DenseNet161_Weights",
    "DenseNet169_Weights",
    "DenseNet201_Weights",
    "densenet121",
    "densenet161",
    "densenet169",
    "densenet201",
]


class _DenseLayer(nn.Module):
    """A 1x1 and a 3x3 convolution, each behind a normalisation: makes growth_rate channels of all so far."""

    def __init__(
        self, num_input_features: int, growth_rate: int, bn_size: int, drop_rate: float, memory_efficient: bool = False
    ) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(num_input_features)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(num_input_features, bn_size * growth_rate, kernel_size=1, stride=1, bias=False)
        self.norm2 = nn.BatchNorm2d(bn_size * growth_rate)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(bn_size * growth_rate, growth_rate, kernel_size=3, stride=1, padding=1, bias=False)
        self.drop_rate = float(drop_rate)
        self.memory_efficient = memory_efficient

    def bn_function(self, inputs: list[Tensor]) -> Tensor:
        return self.conv1(self.relu1(self.norm1(torch.cat(inputs, 1))))

    def forward(self, input: Tensor | list[Tensor]) -> Tensor:
        features = [input] if isinstance(input, Tensor) else input
        if self.memory_efficient and any(feature.requires_grad for feature in features):
            from tinygrad_cnn.utils.checkpoint import checkpoint

            squeezed = checkpoint(lambda *inputs: self.bn_function(list(inputs)), *features, use_reentrant=False)
        else:
            squeezed = self.bn_function(features)
        new = self.conv2(self.relu2(self.norm2(squeezed)))
        return F.dropout(new, p=self.drop_rate, training=self.training) if self.drop_rate > 0 else new


class _DenseBlock(nn.ModuleDict):
    """Layers that each add their channels."""

    _version = 2

    def __init__(
        self,
        num_layers: int,
        num_input_features: int,
        bn_size: int,
        growth_rate: int,
        drop_rate: float,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__()
        for i in range(num_layers):
            channels = num_input_features + i * growth_rate
            self[f"denselayer{i + 1}"] = _DenseLayer(channels, growth_rate, bn_size, drop_rate, memory_efficient)

    def forward(self, init_features: Tensor) -> Tensor:
        features = [init_features]
        for layer in self.values():
            features.append(layer(features))
        return torch.cat(features, 1)


class _Transition(nn.Sequential):
    """Halves channels and size between blocks."""

    def __init__(self, num_input_features: int, num_output_features: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(num_input_features)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(num_input_features, num_output_features, kernel_size=1, stride=1, bias=False)
        self.pool = nn.AvgPool2d(kernel_size=2, stride=2)


class DenseNet(nn.Module):
    """(N, 3, H, W), H and W at least 29, to (N, num_classes).

    growth_rate: channels that a layer adds. block_config: layers of each block. num_init_features: channels of the
    first convolution. bn_size: channels between a layer's two convolutions, in growth rates. drop_rate: dropout after
    each layer. memory_efficient: compute the first half of each layer again in the backward pass instead of keeping it.
    """

    def __init__(
        self,
        growth_rate: int = 32,
        block_config: tuple[int, int, int, int] = (6, 12, 24, 16),
        num_init_features: int = 64,
        bn_size: int = 4,
        drop_rate: float = 0,
        num_classes: int = 1000,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__()
        channels = num_init_features
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            conv0=nn.Conv2d(3, channels, kernel_size=7, stride=2, padding=3, bias=False),
            norm0=nn.BatchNorm2d(channels),
            relu0=nn.ReLU(inplace=True),
            pool0=nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        for i, count in enumerate(block_config, start=1):
            block = _DenseBlock(count, channels, bn_size, growth_rate, drop_rate, memory_efficient)
            layers[f"denseblock{i}"] = block
            channels += count * growth_rate
            if i != len(block_config):
                layers[f"transition{i}"] = _Transition(channels, channels // 2)
                channels //= 2
        layers["norm5"] = nn.BatchNorm2d(channels)
        self.features = nn.Sequential(layers)
        self.classifier = nn.Linear(channels, num_classes)
        initialize(self, lambda layer: nn.init.kaiming_normal_(layer.weight), lambda layer: None)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores of the classes."""
        out = F.relu(self.features(x), inplace=True)
        return self.classifier(torch.flatten(F.adaptive_avg_pool2d(out, (1, 1)), 1))


def _convert(state: dict[str, Any]) -> dict[str, Any]:
    """Rename the parameters of files from before names could not have points: norm.1 is norm1 now."""
    pattern = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12])\.")
    return {pattern.sub(r"\1\2.", name): value for name, value in state.items()}


def _build(name: str, *arguments: Any) -> Any:
    def make(**options: Any) -> DenseNet:
        return DenseNet(*arguments, **options)

    return builder(name, make, f"Build DenseNet-{name[-3:]} (arXiv:1608.06993).", convert=_convert)


densenet121, DenseNet121_Weights = _build("densenet121", 32, (6, 12, 24, 16), 64)
densenet161, DenseNet161_Weights = _build("densenet161", 48, (6, 12, 36, 24), 96)
densenet169, DenseNet169_Weights = _build("densenet169", 32, (6, 12, 32, 32), 64)
densenet201, DenseNet201_Weights = _build("densenet201", 32, (6, 12, 48, 32), 64)
