"""ShuffleNet v2 (Ma et al., arXiv:1807.11164): half of the channels pass each block, and are shuffled with the rest."""

from __future__ import annotations

from typing import Any

import tinygrad_cnn as torch
from tinygrad_cnn import Tensor, nn
from tinygrad_cnn.vision.models._api import builder
from tinygrad_cnn.vision.ops.misc import Maker

__all__ = [
    "ShuffleNetV2",
    "ShuffleNet_V2_X0_5_Weights",
    "ShuffleNet_V2_X1_0_Weights",
    "ShuffleNet_V2_X1_5_Weights",
    "ShuffleNet_V2_X2_0_Weights",
    "shufflenet_v2_x0_5",
    "shufflenet_v2_x1_0",
    "shufflenet_v2_x1_5",
    "shufflenet_v2_x2_0",
]


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """Take turns among `groups` groups of the channels of (N, C, H, W)."""
    n, channels, height, width = x.size()
    x = x.view(n, groups, channels // groups, height, width)
    return torch.transpose(x, 1, 2).contiguous().view(n, channels, height, width)


class InvertedResidual(nn.Module):
    """At stride 1 half of the channels pass as they are; at stride 2 both halves are computed from all."""

    def __init__(self, inp: int, oup: int, stride: int) -> None:
        super().__init__()
        if not 1 <= stride <= 3:
            raise ValueError("illegal stride value")
        self.stride = stride
        half = oup // 2
        if stride == 1 and inp != half << 1:
            raise ValueError(
                f"Invalid combination of stride {stride}, inp {inp} and oup {oup} values. If stride == 1 then inp "
                "should be equal to oup // 2 << 1."
            )
        self.branch1 = nn.Sequential()
        if stride > 1:
            self.branch1 = nn.Sequential(
                self.depthwise_conv(inp, inp, kernel_size=3, stride=stride, padding=1),
                nn.BatchNorm2d(inp),
                *_pointwise(inp, half),
            )
        self.branch2 = nn.Sequential(
            *_pointwise(inp if stride > 1 else half, half),
            self.depthwise_conv(half, half, kernel_size=3, stride=stride, padding=1),
            nn.BatchNorm2d(half),
            *_pointwise(half, half),
        )

    @staticmethod
    def depthwise_conv(
        i: int, o: int, kernel_size: int, stride: int = 1, padding: int = 0, bias: bool = False
    ) -> nn.Conv2d:
        """Return a convolution channel by channel."""
        return nn.Conv2d(i, o, kernel_size, stride, padding, bias=bias, groups=i)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inp, H, W) to (N, oup, H / stride, W / stride)."""
        if self.stride == 1:
            passed, rest = x.chunk(2, dim=1)
        else:
            passed, rest = self.branch1(x), x
        return channel_shuffle(torch.cat((passed, self.branch2(rest)), dim=1), 2)


def _pointwise(channels: int, out: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(channels, out, kernel_size=1, stride=1, padding=0, bias=False)
    return convolution, nn.BatchNorm2d(out), nn.ReLU(inplace=True)


class ShuffleNetV2(nn.Module):
    """(N, 3, H, W) to (N, num_classes).

    stages_repeats: blocks of the three stages. stages_out_channels: of the first convolution, the stages, the last.
    """

    def __init__(
        self,
        stages_repeats: list[int],
        stages_out_channels: list[int],
        num_classes: int = 1000,
        inverted_residual: Maker = InvertedResidual,
    ) -> None:
        super().__init__()
        if len(stages_repeats) != 3:
            raise ValueError("expected stages_repeats as list of 3 positive ints")
        if len(stages_out_channels) != 5:
            raise ValueError("expected stages_out_channels as list of 5 positive ints")
        self._stage_out_channels = stages_out_channels
        channels, *stages, last = stages_out_channels
        self.conv1 = nn.Sequential(
            nn.Conv2d(3, channels, 3, 2, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)
        )
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        for number, repeats, out in zip((2, 3, 4), stages_repeats, stages, strict=True):
            blocks = [inverted_residual(channels, out, 2)]
            blocks += [inverted_residual(out, out, 1) for _ in range(repeats - 1)]
            setattr(self, f"stage{number}", nn.Sequential(*blocks))
            channels = out
        self.conv5 = nn.Sequential(*_pointwise(channels, last))
        self.fc = nn.Linear(last, num_classes)

    def _forward_impl(self, x: Tensor) -> Tensor:
        x = self.stage4(self.stage3(self.stage2(self.maxpool(self.conv1(x)))))
        return self.fc(self.conv5(x).mean([2, 3]))

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores of the classes."""
        return self._forward_impl(x)


def _build(name: str, channels: list[int]) -> Any:
    def make(**options: Any) -> ShuffleNetV2:
        return ShuffleNetV2([4, 8, 4], channels, **options)

    width = name.rpartition("_x")[2].replace("_", ".")
    return builder(name, make, f"Build ShuffleNet v2 with {width} times the channels (arXiv:1807.11164).")


shufflenet_v2_x0_5, ShuffleNet_V2_X0_5_Weights = _build("shufflenet_v2_x0_5", [24, 48, 96, 192, 1024])
shufflenet_v2_x1_0, ShuffleNet_V2_X1_0_Weights = _build("shufflenet_v2_x1_0", [24, 116, 232, 464, 1024])
shufflenet_v2_x1_5, ShuffleNet_V2_X1_5_Weights = _build("shufflenet_v2_x1_5", [24, 176, 352, 704, 1024])
shufflenet_v2_x2_0, ShuffleNet_V2_X2_0_Weights = _build("shufflenet_v2_x2_0", [24, 244, 488, 976, 2048])
