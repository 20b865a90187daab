"""MobileNet v2 (Sandler et al., arXiv:1801.04381): inverted residuals with linear bottlenecks."""

from __future__ import annotations

from typing import Any

import tinygrad_cnn as torch
from tinygrad_cnn import Tensor, nn
from tinygrad_cnn.vision.models._api import builder
from tinygrad_cnn.vision.models._utils import _make_divisible, initialize
from tinygrad_cnn.vision.ops.misc import Conv2dNormActivation, Maker

__all__ = ["MobileNetV2", "MobileNet_V2_Weights", "mobilenet_v2"]

# Of each stage: expansion, channels, blocks, stride of the first.
_STAGES = [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
]


class InvertedResidual(nn.Module):
    """1x1 to many channels, 3x3 channel by channel, 1x1 to few, and a shortcut where shapes agree."""

    def __init__(self, inp: int, oup: int, stride: int, expand_ratio: int, norm_layer: Maker | None = None) -> None:
        super().__init__()
        self.stride = stride
        if stride not in (1, 2):
            raise ValueError(f"stride should be 1 or 2 instead of {stride}")
        norm = nn.BatchNorm2d if norm_layer is None else norm_layer
        hidden = round(inp * expand_ratio)
        self.use_res_connect = stride == 1 and inp == oup
        common: dict[str, Any] = {"norm_layer": norm, "activation_layer": nn.ReLU6}
        layers: list[nn.Module] = []
        if expand_ratio != 1:
            layers.append(Conv2dNormActivation(inp, hidden, kernel_size=1, **common))
        layers.append(Conv2dNormActivation(hidden, hidden, stride=stride, groups=hidden, **common))
        self.conv = nn.Sequential(*layers, nn.Conv2d(hidden, oup, 1, 1, 0, bias=False), norm(oup))
        self.out_channels = oup
        self._is_cn = stride > 1

    def forward(self, x: Tensor) -> Tensor:
        """(N, inp, H, W) to (N, oup, H / stride, W / stride)."""
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNetV2(nn.Module):
    """(N, 3, H, W) to (N, num_classes).

    width_mult: of all channels, rounded to multiples of round_nearest. inverted_residual_setting: of each stage
    expansion, channels, blocks, stride of the first.
    """

    def __init__(
        self,
        num_classes: int = 1000,
        width_mult: float = 1.0,
        inverted_residual_setting: list[list[int]] | None = None,
        round_nearest: int = 8,
        block: Maker | None = None,
        norm_layer: Maker | None = None,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        block = InvertedResidual if block is None else block
        norm = nn.BatchNorm2d if norm_layer is None else norm_layer
        stages = _STAGES if inverted_residual_setting is None else inverted_residual_setting
        if len(stages) == 0 or len(stages[0]) != 4:
            raise ValueError(f"inverted_residual_setting should be non-empty or a 4-element list, got {stages}")
        channels = _make_divisible(32 * width_mult, round_nearest)
        self.last_channel = _make_divisible(1280 * max(1.0, width_mult), round_nearest)
        common: dict[str, Any] = {"norm_layer": norm, "activation_layer": nn.ReLU6}
        features: list[nn.Module] = [Conv2dNormActivation(3, channels, stride=2, **common)]
        for expansion, width, count, stride in stages:
            wide = _make_divisible(width * width_mult, round_nearest)
            for i in range(count):
                features.append(block(channels, wide, stride if i == 0 else 1, expand_ratio=expansion, norm_layer=norm))
                channels = wide
        features.append(Conv2dNormActivation(channels, self.last_channel, kernel_size=1, **common))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(p=dropout), nn.Linear(self.last_channel, num_classes))
        initialize(
            self,
            lambda layer: nn.init.kaiming_normal_(layer.weight, mode="fan_out"),
            lambda layer: nn.init.normal_(layer.weight, 0, 0.01),
        )

    def _forward_impl(self, x: Tensor) -> Tensor:
        x = nn.functional.adaptive_avg_pool2d(self.features(x), (1, 1))
        return self.classifier(torch.flatten(x, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores of the classes."""
        return self._forward_impl(x)


def _make(**options: Any) -> MobileNetV2:
    return MobileNetV2(**options)


mobilenet_v2, MobileNet_V2_Weights = builder("mobilenet_v2", _make, "Build MobileNet v2 (arXiv:1801.04381).")
