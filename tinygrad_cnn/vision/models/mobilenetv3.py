"""MobileNet v3 (Howard et al., arXiv:1905.02244): inverted residuals with squeeze and excitation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import tinygrad_cnn as torch
from tinygrad_cnn import Tensor, nn
from tinygrad_cnn.vision.models._api import builder
from tinygrad_cnn.vision.models._utils import _make_divisible, initialize
from tinygrad_cnn.vision.ops.misc import Conv2dNormActivation, Maker, SqueezeExcitation

__all__ = [
    "MobileNetV3",
    "MobileNet_V3_Large_Weights",
    "MobileNet_V3_Small_Weights",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
]

# Tables 1 and 2 of the paper: channels in, kernel, expanded channels, channels out, squeeze and excitation, activation
# (RE: ReLU, HS: Hardswish), stride. From the marked row on, `reduced_tail` halves channels and `dilated` dilates.
_LARGE = """
16 3 16 16 - RE 1
16 3 64 24 - RE 2
24 3 72 24 - RE 1
24 5 72 40 SE RE 2
40 5 120 40 SE RE 1
40 5 120 40 SE RE 1
40 3 240 80 - HS 2
80 3 200 80 - HS 1
80 3 184 80 - HS 1
80 3 184 80 - HS 1
80 3 480 112 SE HS 1
112 3 672 112 SE HS 1
112 5 672 160 SE HS 2 *
160 5 960 160 SE HS 1
160 5 960 160 SE HS 1
"""
_SMALL = """
16 3 16 16 SE RE 2
16 3 72 24 - RE 2
24 3 88 24 - RE 1
24 5 96 40 SE HS 2
40 5 240 40 SE HS 1
40 5 240 40 SE HS 1
40 5 120 48 SE HS 1
48 5 144 48 SE HS 1
48 5 288 96 SE HS 2 *
96 5 576 96 SE HS 1
96 5 576 96 SE HS 1
"""


class InvertedResidualConfig:
    """A row of the tables, with all channels multiplied by width_mult and rounded to multiples of 8."""

    def __init__(
        self,
        input_channels: int,
        kernel: int,
        expanded_channels: int,
        out_channels: int,
        use_se: bool,
        activation: str,
        stride: int,
        dilation: int,
        width_mult: float,
    ) -> None:
        self.input_channels = self.adjust_channels(input_channels, width_mult)
        self.kernel = kernel
        self.expanded_channels = self.adjust_channels(expanded_channels, width_mult)
        self.out_channels = self.adjust_channels(out_channels, width_mult)
        self.use_se = use_se
        self.use_hs = activation == "HS"
        self.stride = stride
        self.dilation = dilation

    @staticmethod
    def adjust_channels(channels: int, width_mult: float) -> int:
        """Return channels * width_mult, rounded to a multiple of 8."""
        return _make_divisible(channels * width_mult, 8)


_SQUEEZE = partial(SqueezeExcitation, scale_activation=nn.Hardsigmoid)


class InvertedResidual(nn.Module):
    """1x1 to many channels, a convolution channel by channel, squeeze and excitation, 1x1 to few, a shortcut."""

    def __init__(
        self,
        cnf: InvertedResidualConfig,
        norm_layer: Maker,
        se_layer: Maker = _SQUEEZE,
    ) -> None:
        super().__init__()
        if not 1 <= cnf.stride <= 2:
            raise ValueError("illegal stride value")
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        wide = cnf.expanded_channels
        common: dict[str, Any] = {
            "norm_layer": norm_layer,
            "activation_layer": nn.Hardswish if cnf.use_hs else nn.ReLU,
        }
        layers: list[nn.Module] = []
        if wide != cnf.input_channels:
            layers.append(Conv2dNormActivation(cnf.input_channels, wide, kernel_size=1, **common))
        stride = 1 if cnf.dilation > 1 else cnf.stride
        layers.append(
            Conv2dNormActivation(wide, wide, cnf.kernel, stride=stride, dilation=cnf.dilation, groups=wide, **common)
        )
        if cnf.use_se:
            layers.append(se_layer(wide, _make_divisible(wide // 4, 8)))
        common["activation_layer"] = None
        layers.append(Conv2dNormActivation(wide, cnf.out_channels, kernel_size=1, **common))
        self.block = nn.Sequential(*layers)
        self.out_channels = cnf.out_channels
        self._is_cn = cnf.stride > 1

    def forward(self, input: Tensor) -> Tensor:
        """Return the output of the block, with the input added where shapes agree."""
        result = self.block(input)
        if self.use_res_connect:
            result += input
        return result


class MobileNetV3(nn.Module):
    """(N, 3, H, W) to (N, num_classes); last_channel: of the linear layer before the last."""

    def __init__(
        self,
        inverted_residual_setting: list[InvertedResidualConfig],
        last_channel: int,
        num_classes: int = 1000,
        block: Maker | None = None,
        norm_layer: Maker | None = None,
        dropout: float = 0.2,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        settings = inverted_residual_setting
        if not settings:
            raise ValueError("The inverted_residual_setting should not be empty")
        if not (isinstance(settings, Sequence) and all(isinstance(s, InvertedResidualConfig) for s in settings)):
            raise TypeError("The inverted_residual_setting should be List[InvertedResidualConfig]")
        block = InvertedResidual if block is None else block
        norm_layer = partial(nn.BatchNorm2d, eps=0.001, momentum=0.01) if norm_layer is None else norm_layer
        common: dict[str, Any] = {"norm_layer": norm_layer, "activation_layer": nn.Hardswish}
        last = settings[-1].out_channels
        self.features = nn.Sequential(
            Conv2dNormActivation(3, settings[0].input_channels, kernel_size=3, stride=2, **common),
            *[block(setting, norm_layer) for setting in settings],
            Conv2dNormActivation(last, 6 * last, kernel_size=1, **common),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(6 * last, last_channel),
            nn.Hardswish(inplace=True),
            nn.Dropout(p=dropout, inplace=True),
            nn.Linear(last_channel, num_classes),
        )
        initialize(
            self,
            lambda layer: nn.init.kaiming_normal_(layer.weight, mode="fan_out"),
            lambda layer: nn.init.normal_(layer.weight, 0, 0.01),
        )

    def _forward_impl(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores of the classes."""
        return self._forward_impl(x)


def _settings(table: str, width_mult: float, halved: bool, dilated: bool) -> list[InvertedResidualConfig]:
    settings: list[InvertedResidualConfig] = []
    tail, channels = False, 0
    for row in table.strip().splitlines():
        _, kernel, expanded, out, se, activation, stride, *mark = row.split()
        first = int(row.split()[0]) if not settings else channels
        wide, tail_before, tail = int(expanded), tail, tail or bool(mark)
        channels = int(out) // (2 if tail and halved else 1)
        if tail_before and halved:  # the first row of the tail still expands what comes before it
            wide //= 2
        dilation = 2 if tail and dilated else 1
        sizes = (first, int(kernel), wide, channels, se == "SE", activation, int(stride), dilation, width_mult)
        settings.append(InvertedResidualConfig(*sizes))
    return settings


def _build(name: str, table: str, last_channel: int) -> Any:
    def make(
        *, width_mult: float = 1.0, reduced_tail: bool = False, dilated: bool = False, **options: Any
    ) -> MobileNetV3:
        last = InvertedResidualConfig.adjust_channels(last_channel // (2 if reduced_tail else 1), width_mult)
        return MobileNetV3(_settings(table, width_mult, reduced_tail, dilated), last, **options)

    return builder(name, make, f"Build the {name.rpartition('_')[2]} MobileNet v3 (arXiv:1905.02244).")


mobilenet_v3_large, MobileNet_V3_Large_Weights = _build("mobilenet_v3_large", _LARGE, 1280)
mobilenet_v3_small, MobileNet_V3_Small_Weights = _build("mobilenet_v3_small", _SMALL, 1024)
