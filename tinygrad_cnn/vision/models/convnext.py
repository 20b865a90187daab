"""ConvNeXt (Liu et al., arXiv:2201.03545): a convolutional network with what Transformers brought."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import tinygrad_cnn as torch
from tinygrad_cnn import Tensor, nn
from tinygrad_cnn.nn import functional as F
from tinygrad_cnn.vision.models._api import builder
from tinygrad_cnn.vision.models._utils import initialize
from tinygrad_cnn.vision.ops.misc import Conv2dNormActivation, Maker, Permute
from tinygrad_cnn.vision.ops.stochastic_depth import StochasticDepth

__all__ = [
    "ConvNeXt",
    "ConvNeXt_Base_Weights",
    "ConvNeXt_Large_Weights",
    "ConvNeXt_Small_Weights",
    "ConvNeXt_Tiny_Weights",
    "convnext_base",
    "convnext_large",
    "convnext_small",
    "convnext_tiny",
]


class LayerNorm2d(nn.LayerNorm):
    """Normalises the channels of each pixel of (N, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the same shape."""
        x = F.layer_norm(x.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class CNBlock(nn.Module):
    """7x7 channel by channel, then two linear layers on the channels of each pixel, and a shortcut."""

    def __init__(
        self, dim: int, layer_scale: float, stochastic_depth_prob: float, norm_layer: Maker | None = None
    ) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(dim, dim, kernel_size=7, padding=3, groups=dim, bias=True),
            Permute([0, 2, 3, 1]),
            (partial(nn.LayerNorm, eps=1e-6) if norm_layer is None else norm_layer)(dim),
            nn.Linear(in_features=dim, out_features=4 * dim, bias=True),
            nn.GELU(),
            nn.Linear(in_features=4 * dim, out_features=dim, bias=True),
            Permute([0, 3, 1, 2]),
        )
        self.layer_scale = nn.Parameter(torch.ones(dim, 1, 1) * layer_scale)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")

    def forward(self, input: Tensor) -> Tensor:
        """(N, dim, H, W) to the same shape."""
        result = self.stochastic_depth(self.layer_scale * self.block(input))
        result += input
        return result


class CNBlockConfig:
    """A stage: channels of its blocks, channels behind it (None for the last), blocks."""

    def __init__(self, input_channels: int, out_channels: int | None, num_layers: int) -> None:
        self.input_channels = input_channels
        self.out_channels = out_channels
        self.num_layers = num_layers

    def __repr__(self) -> str:
        parts = ", ".join(f"{name}={value}" for name, value in vars(self).items())
        return f"{type(self).__name__}({parts})"


class ConvNeXt(nn.Module):
    """(N, 3, H, W), H and W at least 32, to (N, num_classes).

    stochastic_depth_prob: of the last block; it grows from 0 at the first. layer_scale: what each block's output is
    multiplied by at first.
    """

    def __init__(
        self,
        block_setting: list[CNBlockConfig],
        stochastic_depth_prob: float = 0.0,
        layer_scale: float = 1e-6,
        num_classes: int = 1000,
        block: Maker | None = None,
        norm_layer: Maker | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        stages = block_setting
        if not stages:
            raise ValueError("The block_setting should not be empty")
        if not (isinstance(stages, Sequence) and all(isinstance(stage, CNBlockConfig) for stage in stages)):
            raise TypeError("The block_setting should be List[CNBlockConfig]")
        block = CNBlock if block is None else block
        norm = partial(LayerNorm2d, eps=1e-6) if norm_layer is None else norm_layer
        first: dict[str, Any] = {"padding": 0, "norm_layer": norm, "activation_layer": None, "bias": True}
        layers: list[nn.Module] = [Conv2dNormActivation(3, stages[0].input_channels, kernel_size=4, stride=4, **first)]
        total = sum(stage.num_layers for stage in stages)
        done, channels = 0, 0
        for stage in stages:
            channels = stage.input_channels
            blocks = []
            for _ in range(stage.num_layers):
                blocks.append(block(channels, layer_scale, stochastic_depth_prob * done / (total - 1.0)))
                done += 1
            layers.append(nn.Sequential(*blocks))
            if stage.out_channels is not None:
                halve = nn.Conv2d(channels, stage.out_channels, kernel_size=2, stride=2)
                layers.append(nn.Sequential(norm(channels), halve))
                channels = stage.out_channels
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(norm(channels), nn.Flatten(1), nn.Linear(channels, num_classes))
        initialize(self, _draw, _draw)

    def _forward_impl(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)))

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores of the classes."""
        return self._forward_impl(x)


def _draw(layer: nn.Conv2d | nn.Linear) -> None:
    nn.init.trunc_normal_(layer.weight, std=0.02)


def _build(size: str, channels: int, third: int, probability: float) -> Any:
    def make(*, stochastic_depth_prob: float = probability, **options: Any) -> ConvNeXt:
        widths = [channels, 2 * channels, 4 * channels, 8 * channels, None]
        depths = [3, 3, third, 3]
        stages = [CNBlockConfig(*sizes) for sizes in zip(widths, widths[1:], depths, strict=False)]  # type: ignore[arg-type]
        return ConvNeXt(stages, stochastic_depth_prob, **options)

    return builder(f"convnext_{size}", make, f"Build ConvNeXt {size.title()} (arXiv:2201.03545).")


convnext_tiny, ConvNeXt_Tiny_Weights = _build("tiny", 96, 9, 0.1)
convnext_small, ConvNeXt_Small_Weights = _build("small", 96, 27, 0.4)
convnext_base, ConvNeXt_Base_Weights = _build("base", 128, 27, 0.5)
convnext_large, ConvNeXt_Large_Weights = _build("large", 192, 27, 0.5)
