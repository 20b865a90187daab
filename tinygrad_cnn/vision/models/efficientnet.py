"""EfficientNet (Tan and Le, arXiv:1905.11946) and EfficientNet v2 (arXiv:2104.00298)."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import tinygrad_cnn as torch
from tinygrad_cnn import Tensor, nn
from tinygrad_cnn.vision.models._api import builder
from tinygrad_cnn.vision.models._utils import _make_divisible, initialize
from tinygrad_cnn.vision.ops.misc import Conv2dNormActivation, Maker, SqueezeExcitation
from tinygrad_cnn.vision.ops.stochastic_depth import StochasticDepth

__all__ = [
    "EfficientNet",
    "EfficientNet_B0_Weights",
    "EfficientNet_B1_Weights",
    "EfficientNet_B2_Weights",
    "EfficientNet_B3_Weights",
    "EfficientNet_B4_Weights",
    "EfficientNet_B5_Weights",
    "EfficientNet_B6_Weights",
    "EfficientNet_B7_Weights",
    "EfficientNet_V2_L_Weights",
    "EfficientNet_V2_M_Weights",
    "EfficientNet_V2_S_Weights",
    "efficientnet_b0",
    "efficientnet_b1",
    "efficientnet_b2",
    "efficientnet_b3",
    "efficientnet_b4",
    "efficientnet_b5",
    "efficientnet_b6",
    "efficientnet_b7",
    "efficientnet_v2_l",
    "efficientnet_v2_m",
    "efficientnet_v2_s",
]


class _MBConvConfig:
    """A stage: expansion, kernel, stride of the first block, channels in and out, blocks, and the blocks' class."""

    def __init__(
        self,
        expand_ratio: float,
        kernel: int,
        stride: int,
        input_channels: int,
        out_channels: int,
        num_layers: int,
        block: Maker,
    ) -> None:
        self.expand_ratio = expand_ratio
        self.kernel = kernel
        self.stride = stride
        self.input_channels = input_channels
        self.out_channels = out_channels
        self.num_layers = num_layers
        self.block = block

    @staticmethod
    def adjust_channels(channels: int, width_mult: float, min_value: int | None = None) -> int:
        return _make_divisible(channels * width_mult, 8, min_value)


class MBConvConfig(_MBConvConfig):
    """A stage of `MBConv`, with channels and blocks multiplied."""

    def __init__(
        self,
        expand_ratio: float,
        kernel: int,
        stride: int,
        input_channels: int,
        out_channels: int,
        num_layers: int,
        width_mult: float = 1.0,
        depth_mult: float = 1.0,
        block: Maker | None = None,
    ) -> None:
        sizes = (self.adjust_channels(input_channels, width_mult), self.adjust_channels(out_channels, width_mult))
        layers = self.adjust_depth(num_layers, depth_mult)
        super().__init__(expand_ratio, kernel, stride, *sizes, layers, MBConv if block is None else block)

    @staticmethod
    def adjust_depth(num_layers: int, depth_mult: float) -> int:
        """Return num_layers * depth_mult, rounded up."""
        return math.ceil(num_layers * depth_mult)


class FusedMBConvConfig(_MBConvConfig):
    """A stage of `FusedMBConv`."""

    def __init__(
        self,
        expand_ratio: float,
        kernel: int,
        stride: int,
        input_channels: int,
        out_channels: int,
        num_layers: int,
        block: Maker | None = None,
    ) -> None:
        block = FusedMBConv if block is None else block
        super().__init__(expand_ratio, kernel, stride, input_channels, out_channels, num_layers, block)


class _Block(nn.Module):
    """A block with a shortcut where shapes agree, which may be all that is left of it while training."""

    def __init__(self, cnf: _MBConvConfig, stochastic_depth_prob: float, layers: list[nn.Module]) -> None:
        super().__init__()
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        self.block = nn.Sequential(*layers)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.out_channels = cnf.out_channels

    def forward(self, input: Tensor) -> Tensor:
        """Return the output of the block, with the input added where shapes agree."""
        result = self.block(input)
        if self.use_res_connect:
            result = self.stochastic_depth(result)
            result += input
        return result


def _check_stride(cnf: _MBConvConfig) -> None:
    if not 1 <= cnf.stride <= 2:
        raise ValueError("illegal stride value")


class MBConv(_Block):
    """1x1 to many channels, a convolution channel by channel, squeeze and excitation, 1x1 to few."""

    def __init__(
        self, cnf: MBConvConfig, stochastic_depth_prob: float, norm_layer: Maker, se_layer: Maker = SqueezeExcitation
    ) -> None:
        _check_stride(cnf)
        wide = cnf.adjust_channels(cnf.input_channels, cnf.expand_ratio)
        common: dict[str, Any] = {"norm_layer": norm_layer, "activation_layer": nn.SiLU}
        layers: list[nn.Module] = []
        if wide != cnf.input_channels:
            layers.append(Conv2dNormActivation(cnf.input_channels, wide, kernel_size=1, **common))
        layers.append(Conv2dNormActivation(wide, wide, cnf.kernel, stride=cnf.stride, groups=wide, **common))
        layers.append(se_layer(wide, max(1, cnf.input_channels // 4), activation=partial(nn.SiLU, inplace=True)))
        common["activation_layer"] = None
        layers.append(Conv2dNormActivation(wide, cnf.out_channels, kernel_size=1, **common))
        super().__init__(cnf, stochastic_depth_prob, layers)


class FusedMBConv(_Block):
    """As MBConv, with one full convolution for the first two, and without squeeze and excitation."""

    def __init__(self, cnf: FusedMBConvConfig, stochastic_depth_prob: float, norm_layer: Maker) -> None:
        _check_stride(cnf)
        wide = cnf.adjust_channels(cnf.input_channels, cnf.expand_ratio)
        expands = wide != cnf.input_channels
        common: dict[str, Any] = {"norm_layer": norm_layer, "activation_layer": nn.SiLU}
        out = wide if expands else cnf.out_channels
        layers: list[nn.Module] = [
            Conv2dNormActivation(cnf.input_channels, out, cnf.kernel, stride=cnf.stride, **common)
        ]
        if expands:
            common["activation_layer"] = None
            layers.append(Conv2dNormActivation(wide, cnf.out_channels, kernel_size=1, **common))
        super().__init__(cnf, stochastic_depth_prob, layers)


class EfficientNet(nn.Module):
    """(N, 3, H, W) to (N, num_classes).

    stochastic_depth_prob: of the last block; it grows from 0 at the first. last_channel: of the last convolution, None
    for four times the last stage's.
    """

    def __init__(
        self,
        inverted_residual_setting: Sequence[_MBConvConfig],
        dropout: float,
        stochastic_depth_prob: float = 0.2,
        num_classes: int = 1000,
        norm_layer: Maker | None = None,
        last_channel: int | None = None,
    ) -> None:
        super().__init__()
        stages = inverted_residual_setting
        if not stages:
            raise ValueError("The inverted_residual_setting should not be empty")
        if not (isinstance(stages, Sequence) and all(isinstance(stage, _MBConvConfig) for stage in stages)):
            raise TypeError("The inverted_residual_setting should be List[MBConvConfig]")
        norm_layer = nn.BatchNorm2d if norm_layer is None else norm_layer
        common: dict[str, Any] = {"norm_layer": norm_layer, "activation_layer": nn.SiLU}
        layers: list[nn.Module] = [Conv2dNormActivation(3, stages[0].input_channels, kernel_size=3, stride=2, **common)]
        total = sum(stage.num_layers for stage in stages)
        done = 0
        for stage in stages:
            blocks: list[nn.Module] = []
            cnf = copy.copy(stage)
            for _ in range(stage.num_layers):
                blocks.append(cnf.block(cnf, stochastic_depth_prob * done / total, norm_layer))
                cnf = copy.copy(cnf)
                cnf.input_channels, cnf.stride = cnf.out_channels, 1
                done += 1
            layers.append(nn.Sequential(*blocks))
        channels = stages[-1].out_channels
        last = 4 * channels if last_channel is None else last_channel
        layers.append(Conv2dNormActivation(channels, last, kernel_size=1, **common))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(p=dropout, inplace=True), nn.Linear(last, num_classes))
        initialize(self, lambda layer: nn.init.kaiming_normal_(layer.weight, mode="fan_out"), _draw_linear)

    def _forward_impl(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores of the classes."""
        return self._forward_impl(x)


def _draw_linear(layer: nn.Linear) -> None:
    limit = 1.0 / math.sqrt(layer.out_features)
    nn.init.uniform_(layer.weight, -limit, limit)


# Table 1 of the first paper, and table 4 of the second with its larger kin (F: fused).
_B = [(1, 3, 1, 32, 16, 1), (6, 3, 2, 16, 24, 2), (6, 5, 2, 24, 40, 2), (6, 3, 2, 40, 80, 3)]
_B += [(6, 5, 1, 80, 112, 3), (6, 5, 2, 112, 192, 4), (6, 3, 1, 192, 320, 1)]
_V2 = {
    "s": "F 1 3 1 24 24 2, F 4 3 2 24 48 4, F 4 3 2 48 64 4, 4 3 2 64 128 6, 6 3 1 128 160 9, 6 3 2 160 256 15",
    "m": "F 1 3 1 24 24 3, F 4 3 2 24 48 5, F 4 3 2 48 80 5, 4 3 2 80 160 7, 6 3 1 160 176 14, 6 3 2 176 304 18, "
    "6 3 1 304 512 5",
    "l": "F 1 3 1 32 32 4, F 4 3 2 32 64 7, F 4 3 2 64 96 7, 4 3 2 96 192 10, 6 3 1 192 224 19, 6 3 2 224 384 25, "
    "6 3 1 384 640 7",
}


def _stage(text: str) -> _MBConvConfig:
    make: Any = FusedMBConvConfig if text.startswith("F") else MBConvConfig
    return make(*[int(size) for size in text.removeprefix("F").split()])


def _build_b(number: int, width: float, depth: float, dropout: float) -> Any:
    norm: dict[str, Any] = {}
    if number >= 5:
        norm["norm_layer"] = partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)

    def make(*, dropout: float = dropout, **options: Any) -> EfficientNet:
        stages = [MBConvConfig(*row, width_mult=width, depth_mult=depth) for row in _B]
        return EfficientNet(stages, dropout, last_channel=None, **norm, **options)

    return builder(f"efficientnet_b{number}", make, f"Build EfficientNet-B{number} (arXiv:1905.11946).")


def _build_v2(size: str, dropout: float) -> Any:
    def make(*, dropout: float = dropout, **options: Any) -> EfficientNet:
        stages = [_stage(text) for text in _V2[size].split(", ")]
        norm_layer = partial(nn.BatchNorm2d, eps=1e-03)
        return EfficientNet(stages, dropout, last_channel=1280, norm_layer=norm_layer, **options)

    return builder(f"efficientnet_v2_{size}", make, f"Build EfficientNet v2 {size.upper()} (arXiv:2104.00298).")


efficientnet_b0, EfficientNet_B0_Weights = _build_b(0, 1.0, 1.0, 0.2)
efficientnet_b1, EfficientNet_B1_Weights = _build_b(1, 1.0, 1.1, 0.2)
efficientnet_b2, EfficientNet_B2_Weights = _build_b(2, 1.1, 1.2, 0.3)
efficientnet_b3, EfficientNet_B3_Weights = _build_b(3, 1.2, 1.4, 0.3)
efficientnet_b4, EfficientNet_B4_Weights = _build_b(4, 1.4, 1.8, 0.4)
efficientnet_b5, EfficientNet_B5_Weights = _build_b(5, 1.6, 2.2, 0.4)
efficientnet_b6, EfficientNet_B6_Weights = _build_b(6, 1.8, 2.6, 0.5)
efficientnet_b7, EfficientNet_B7_Weights = _build_b(7, 2.0, 3.1, 0.5)
efficientnet_v2_s, EfficientNet_V2_S_Weights = _build_v2("s", 0.2)
efficientnet_v2_m, EfficientNet_V2_M_Weights = _build_v2("m", 0.3)
efficientnet_v2_l, EfficientNet_V2_L_Weights = _build_v2("l", 0.4)
