"""RegNet (Radosavovic et al., arXiv:2003.13678): widths of blocks grow by a rule of four numbers; Y adds squeezing."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator
from functools import partial
from typing import Any

from tinygrad_cnn import Tensor, nn
from tinygrad_cnn.vision.models._api import builder
from tinygrad_cnn.vision.models._utils import _make_divisible, initialize
from tinygrad_cnn.vision.ops.misc import Conv2dNormActivation, Maker, SqueezeExcitation

__all__ = [
    "RegNet",
    "RegNet_X_1_6GF_Weights",
    "RegNet_X_3_2GF_Weights",
    "RegNet_X_8GF_Weights",
    "RegNet_X_16GF_Weights",
    "RegNet_X_32GF_Weights",
    "RegNet_X_400MF_Weights",
    "RegNet_X_800MF_Weights",
    "RegNet_Y_1_6GF_Weights",
    "RegNet_Y_3_2GF_Weights",
    "RegNet_Y_8GF_Weights",
    "RegNet_Y_16GF_Weights",
    "RegNet_Y_32GF_Weights",
    "RegNet_Y_128GF_Weights",
    "RegNet_Y_400MF_Weights",
    "RegNet_Y_800MF_Weights",
    "regnet_x_1_6gf",
    "regnet_x_3_2gf",
    "regnet_x_8gf",
    "regnet_x_16gf",
    "regnet_x_32gf",
    "regnet_x_400mf",
    "regnet_x_800mf",
    "regnet_y_1_6gf",
    "regnet_y_3_2gf",
    "regnet_y_8gf",
    "regnet_y_16gf",
    "regnet_y_32gf",
    "regnet_y_128gf",
    "regnet_y_400mf",
    "regnet_y_800mf",
]


class SimpleStemIN(Conv2dNormActivation):
    """A 3x3 convolution with stride 2, normalisation and activation."""

    def __init__(self, width_in: int, width_out: int, norm_layer: Maker, activation_layer: Maker) -> None:
        layers: dict[str, Any] = {"norm_layer": norm_layer, "activation_layer": activation_layer}
        super().__init__(width_in, width_out, kernel_size=3, stride=2, **layers)


class BottleneckTransform(nn.Sequential):
    """1x1, 3x3 in groups, squeeze and excitation if wanted, 1x1."""

    def __init__(
        self,
        width_in: int,
        width_out: int,
        stride: int,
        norm_layer: Maker,
        activation_layer: Maker,
        group_width: int,
        bottleneck_multiplier: float,
        se_ratio: float | None,
    ) -> None:
        width = round(width_out * bottleneck_multiplier)
        common: dict[str, Any] = {"norm_layer": norm_layer, "activation_layer": activation_layer}
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["a"] = Conv2dNormActivation(width_in, width, kernel_size=1, stride=1, **common)
        layers["b"] = Conv2dNormActivation(width, width, 3, stride=stride, groups=width // group_width, **common)
        if se_ratio:
            layers["se"] = SqueezeExcitation(width, round(se_ratio * width_in), activation=activation_layer)
        common["activation_layer"] = None
        layers["c"] = Conv2dNormActivation(width, width_out, kernel_size=1, stride=1, **common)
        super().__init__(layers)


class ResBottleneckBlock(nn.Module):
    """A bottleneck and a shortcut, with a 1x1 convolution where shapes differ."""

    def __init__(
        self,
        width_in: int,
        width_out: int,
        stride: int,
        norm_layer: Maker,
        activation_layer: Maker,
        group_width: int = 1,
        bottleneck_multiplier: float = 1.0,
        se_ratio: float | None = None,
    ) -> None:
        super().__init__()
        self.proj = None
        if width_in != width_out or stride != 1:
            layers: dict[str, Any] = {"norm_layer": norm_layer, "activation_layer": None}
            self.proj = Conv2dNormActivation(width_in, width_out, kernel_size=1, stride=stride, **layers)
        sizes = (group_width, bottleneck_multiplier, se_ratio)
        self.f = BottleneckTransform(width_in, width_out, stride, norm_layer, activation_layer, *sizes)
        self.activation = activation_layer(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(N, width_in, H, W) to (N, width_out, H / stride, W / stride)."""
        shortcut = x if self.proj is None else self.proj(x)
        return self.activation(shortcut + self.f(x))


class AnyStage(nn.Sequential):
    """Blocks of one width."""

    def __init__(
        self,
        width_in: int,
        width_out: int,
        stride: int,
        depth: int,
        block_constructor: Maker,
        norm_layer: Maker,
        activation_layer: Maker,
        group_width: int,
        bottleneck_multiplier: float,
        se_ratio: float | None = None,
        stage_index: int = 0,
    ) -> None:
        super().__init__()
        rest = (norm_layer, activation_layer, group_width, bottleneck_multiplier, se_ratio)
        for i in range(depth):
            sizes = (width_in, width_out, stride) if i == 0 else (width_out, width_out, 1)
            self.add_module(f"block{stage_index}-{i}", block_constructor(*sizes, *rest))


class BlockParams:
    """Of each stage: blocks, width, width of the groups, width between the convolutions, stride."""

    def __init__(
        self,
        depths: list[int],
        widths: list[int],
        group_widths: list[int],
        bottleneck_multipliers: list[float],
        strides: list[int],
        se_ratio: float | None = None,
    ) -> None:
        self.depths = depths
        self.widths = widths
        self.group_widths = group_widths
        self.bottleneck_multipliers = bottleneck_multipliers
        self.strides = strides
        self.se_ratio = se_ratio

    @classmethod
    def from_init_params(
        cls,
        depth: int,
        w_0: int,
        w_a: float,
        w_m: float,
        group_width: int,
        bottleneck_multiplier: float = 1.0,
        se_ratio: float | None = None,
        **kwargs: Any,
    ) -> BlockParams:
        """Compute the stages of `depth` blocks by the rule of section 3.3 of the paper.

        Block j would have the width w_0 + w_a j. It gets w_0 w_m^s, with s the nearest whole number, rounded to a
        multiple of 8; blocks of one width are a stage. Last, widths become multiples of the groups' width.
        """
        if w_a < 0 or w_0 <= 0 or w_m <= 1 or w_0 % 8 != 0:
            raise ValueError("Invalid RegNet settings")
        steps = [round(math.log((w_0 + w_a * j) / w_0) / math.log(w_m)) for j in range(depth)]
        blocks = [round(w_0 * w_m**step / 8) * 8 for step in steps]
        stages = list(dict.fromkeys(blocks))  # they only grow
        count = len(stages)
        between = [int(width * bottleneck_multiplier) for width in stages]
        groups = [min(group_width, width) for width in between]
        fitting = [_make_divisible(width, group) for width, group in zip(between, groups, strict=True)]
        return cls(
            depths=[blocks.count(width) for width in stages],
            widths=[int(width / bottleneck_multiplier) for width in fitting],
            group_widths=groups,
            bottleneck_multipliers=[bottleneck_multiplier] * count,
            strides=[2] * count,
            se_ratio=se_ratio,
        )

    def _get_expanded_params(self) -> Iterator[tuple[int, int, int, int, float]]:
        lists = (self.widths, self.strides, self.depths, self.group_widths, self.bottleneck_multipliers)
        return zip(*lists, strict=True)


class RegNet(nn.Module):
    """(N, 3, H, W) to (N, num_classes)."""

    def __init__(
        self,
        block_params: BlockParams,
        num_classes: int = 1000,
        stem_width: int = 32,
        stem_type: Maker | None = None,
        block_type: Maker | None = None,
        norm_layer: Maker | None = None,
        activation: Maker | None = None,
    ) -> None:
        super().__init__()
        block = ResBottleneckBlock if block_type is None else block_type
        layers = (nn.BatchNorm2d if norm_layer is None else norm_layer, nn.ReLU if activation is None else activation)
        self.stem = (SimpleStemIN if stem_type is None else stem_type)(3, stem_width, *layers)
        width = stem_width
        stages: OrderedDict[str, nn.Module] = OrderedDict()
        for i, (out, stride, depth, group, multiplier) in enumerate(block_params._get_expanded_params(), start=1):
            rest = (group, multiplier, block_params.se_ratio, i)
            stages[f"block{i}"] = AnyStage(width, out, stride, depth, block, *layers, *rest)  # type: ignore[arg-type]
            width = out
        self.trunk_output = nn.Sequential(stages)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(in_features=width, out_features=num_classes)
        initialize(self, _draw_convolution, lambda layer: nn.init.normal_(layer.weight, 0.0, 0.01), (nn.Conv2d,))

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores of the classes."""
        return self.fc(self.avgpool(self.trunk_output(self.stem(x))).flatten(start_dim=1))


def _draw_convolution(layer: nn.Conv2d) -> None:
    fan_out = layer.kernel_size[0] * layer.kernel_size[1] * layer.out_channels  # groups are not counted
    nn.init.normal_(layer.weight, mean=0.0, std=math.sqrt(2.0 / fan_out))


def _build(kind: str, size: str, depth: int, w_0: int, w_a: float, w_m: float, group_width: int) -> Any:
    def make(*, norm_layer: Maker | None = None, **options: Any) -> RegNet:
        se_ratio = 0.25 if kind == "y" else None
        params = BlockParams.from_init_params(depth, w_0, w_a, w_m, group_width, se_ratio=se_ratio)
        norm_layer = partial(nn.BatchNorm2d, eps=1e-05, momentum=0.1) if norm_layer is None else norm_layer
        return RegNet(params, norm_layer=norm_layer, **options)

    title = f"RegNet{kind.upper()}-{size.replace('_', '.').upper()}"
    return builder(f"regnet_{kind}_{size}", make, f"Build {title} (arXiv:2003.13678).")


regnet_y_400mf, RegNet_Y_400MF_Weights = _build("y", "400mf", 16, 48, 27.89, 2.09, 8)
regnet_y_800mf, RegNet_Y_800MF_Weights = _build("y", "800mf", 14, 56, 38.84, 2.4, 16)
regnet_y_1_6gf, RegNet_Y_1_6GF_Weights = _build("y", "1_6gf", 27, 48, 20.71, 2.65, 24)
regnet_y_3_2gf, RegNet_Y_3_2GF_Weights = _build("y", "3_2gf", 21, 80, 42.63, 2.66, 24)
regnet_y_8gf, RegNet_Y_8GF_Weights = _build("y", "8gf", 17, 192, 76.82, 2.19, 56)
regnet_y_16gf, RegNet_Y_16GF_Weights = _build("y", "16gf", 18, 200, 106.23, 2.48, 112)
regnet_y_32gf, RegNet_Y_32GF_Weights = _build("y", "32gf", 20, 232, 115.89, 2.53, 232)
regnet_y_128gf, RegNet_Y_128GF_Weights = _build("y", "128gf", 27, 456, 160.83, 2.52, 264)
regnet_x_400mf, RegNet_X_400MF_Weights = _build("x", "400mf", 22, 24, 24.48, 2.54, 16)
regnet_x_800mf, RegNet_X_800MF_Weights = _build("x", "800mf", 16, 56, 35.73, 2.28, 16)
regnet_x_1_6gf, RegNet_X_1_6GF_Weights = _build("x", "1_6gf", 18, 80, 34.01, 2.25, 24)
regnet_x_3_2gf, RegNet_X_3_2GF_Weights = _build("x", "3_2gf", 25, 88, 26.31, 2.25, 48)
regnet_x_8gf, RegNet_X_8GF_Weights = _build("x", "8gf", 23, 80, 49.56, 2.88, 120)
regnet_x_16gf, RegNet_X_16GF_Weights = _build("x", "16gf", 22, 216, 55.59, 2.1, 128)
regnet_x_32gf, RegNet_X_32GF_Weights = _build("x", "32gf", 23, 320, 69.86, 2.0, 168)
