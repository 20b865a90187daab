"""What GoogLeNet and Inception v3 share."""

from __future__ import annotations

import warnings
from typing import Any

import tinygrad_cnn as torch
from tinygrad_cnn import Tensor, nn
from tinygrad_cnn._absent import abstract
from tinygrad_cnn.nn import functional as F
from tinygrad_cnn.vision.models._api import overwrite
from tinygrad_cnn.vision.models._utils import initialize
from tinygrad_cnn.vision.ops.misc import Maker

__all__ = [
    "BasicConv2d",
    "Branches",
    "Maker",
    "Recentred",
    "draw_weights",
    "options_of_weights",
    "wants_weights_drawn",
]


class BasicConv2d(nn.Module):
    """A convolution without bias, normalisation and ReLU."""

    def __init__(self, in_channels: int, out_channels: int, **kwargs: Any) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, bias=False, **kwargs)
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, out_channels, H', W')."""
        return F.relu(self.bn(self.conv(x)), inplace=True)


class Branches(nn.Module):
    """A module whose branches, from `_forward`, are put side by side."""

    def _forward(self, x: Tensor) -> list[Tensor]:
        raise abstract(self, "_forward")

    def forward(self, x: Tensor) -> Tensor:
        """Return the channels of all branches."""
        return torch.cat(self._forward(x), 1)


class Recentred(nn.Module):
    """A network that can take images normalised as for others of torchvision, while its own weights want [-1, 1]."""

    transform_input: bool

    def _transform_input(self, x: Tensor) -> Tensor:
        if not self.transform_input:
            return x
        usual = ((0.229, 0.485), (0.224, 0.456), (0.225, 0.406))  # deviation and mean of a channel
        channels = [
            torch.unsqueeze(x[:, i], 1) * (std / 0.5) + (mean - 0.5) / 0.5 for i, (std, mean) in enumerate(usual)
        ]
        return torch.cat(channels, 1)


def wants_weights_drawn(init_weights: bool | None, name: str) -> bool:
    """Return `init_weights`; None warns, as torchvision does, and is True."""
    if init_weights is None:
        warnings.warn(
            f"The default weight initialization of {name} will be changed in future releases of torchvision. If you "
            "wish to keep the old behavior (which leads to long initialization times due to scipy/scipy#11299), please "
            "set init_weights=True.",
            FutureWarning,
            stacklevel=4,
        )
        return True
    return init_weights


def draw_weights(model: nn.Module, std: float) -> None:
    """Draw weights from a normal distribution cut at 2; a layer's `stddev` goes before `std`. Biases stay."""

    def draw(layer: nn.Module) -> None:
        nn.init.trunc_normal_(layer.weight, mean=0.0, std=float(getattr(layer, "stddev", std)), a=-2, b=2)

    initialize(model, draw, draw, keep_bias=(nn.Conv2d, nn.Linear))


def options_of_weights(options: dict[str, Any]) -> None:
    """Set what the published weights need: they have auxiliary classifiers, and want their inputs recentred."""
    options.setdefault("transform_input", True)
    overwrite(options, "aux_logits", True)
    overwrite(options, "init_weights", False)
