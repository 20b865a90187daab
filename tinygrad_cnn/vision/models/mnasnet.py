"""MNASNet-B1 (Tan et al., arXiv:1807.11626): found by a search for quick networks on phones."""

from __future__ import annotations

import warnings
from typing import Any

from tinygrad_cnn import Tensor, nn
from tinygrad_cnn.vision.models._api import builder
from tinygrad_cnn.vision.models._utils import _make_divisible, initialize

__all__ = [
    "MNASNet",
    "MNASNet0_5_Weights",
    "MNASNet0_75_Weights",
    "MNASNet1_0_Weights",
    "MNASNet1_3_Weights",
    "mnasnet0_5",
    "mnasnet0_75",
    "mnasnet1_0",
    "mnasnet1_3",
]

_BN_MOMENTUM = 1 - 0.9997  # the paper's, counted as PyTorch counts it

# Of each stage: kernel, stride of the first block, expansion, blocks.
_STAGES = [(3, 2, 3, 3), (5, 2, 3, 3), (5, 2, 6, 3), (3, 1, 6, 2), (5, 2, 6, 4), (3, 1, 6, 1)]


class _InvertedResidual(nn.Module):
    """1x1 to many channels, a convolution channel by channel, 1x1 to few, and a shortcut where shapes agree."""

    def __init__(
        self, in_ch: int, out_ch: int, kernel_size: int, stride: int, expansion_factor: int, bn_momentum: float = 0.1
    ) -> None:
        super().__init__()
        if stride not in (1, 2):
            raise ValueError(f"stride should be 1 or 2 instead of {stride}")
        if kernel_size not in (3, 5):
            raise ValueError(f"kernel_size should be 3 or 5 instead of {kernel_size}")
        wide = in_ch * expansion_factor
        self.apply_residual = in_ch == out_ch and stride == 1
        self.layers = nn.Sequential(
            *_normalised(nn.Conv2d(in_ch, wide, 1, bias=False), bn_momentum),
            *_normalised(_depthwise(wide, kernel_size, stride), bn_momentum),
            *_normalised(nn.Conv2d(wide, out_ch, 1, bias=False), bn_momentum, relu=False),
        )

    def forward(self, input: Tensor) -> Tensor:
        return self.layers(input) + input if self.apply_residual else self.layers(input)


def _depthwise(channels: int, kernel_size: int, stride: int) -> nn.Conv2d:
    padding = kernel_size // 2
    return nn.Conv2d(channels, channels, kernel_size, padding=padding, stride=stride, groups=channels, bias=False)


def _normalised(convolution: nn.Conv2d, momentum: float = _BN_MOMENTUM, relu: bool = True) -> list[nn.Module]:
    layers = [convolution, nn.BatchNorm2d(convolution.out_channels, momentum=momentum)]
    return [*layers, nn.ReLU(inplace=True)] if relu else layers


def _stack(
    in_ch: int, out_ch: int, kernel_size: int, stride: int, exp_factor: int, repeats: int, bn_momentum: float
) -> nn.Sequential:
    if repeats < 1:
        raise ValueError(f"repeats should be >= 1, instead got {repeats}")
    sizes = [(in_ch, stride)] + [(out_ch, 1)] * (repeats - 1)
    return nn.Sequential(
        *[_InvertedResidual(channels, out_ch, kernel_size, step, exp_factor, bn_momentum) for channels, step in sizes]
    )


def _get_depths(alpha: float) -> list[int]:
    return [_make_divisible(depth * alpha, 8) for depth in (32, 16, 24, 40, 80, 96, 192, 320)]


def _stem(channels: int, out: int) -> list[nn.Module]:
    """Return the first layers: a convolution, and one channel by channel with a linear 1x1 behind it."""
    return [
        *_normalised(nn.Conv2d(3, channels, 3, padding=1, stride=2, bias=False)),
        *_normalised(_depthwise(channels, 3, 1)),
        *_normalised(nn.Conv2d(channels, out, 1, padding=0, stride=1, bias=False), relu=False),
    ]


class MNASNet(nn.Module):
    """(N, 3, H, W) to (N, num_classes); alpha multiplies all channels."""

    _version = 2  # since the first layers are multiplied, too

    def __init__(self, alpha: float, num_classes: int = 1000, dropout: float = 0.2) -> None:
        super().__init__()
        if alpha <= 0.0:
            raise ValueError(f"alpha should be greater than 0.0 instead of {alpha}")
        self.alpha = alpha
        self.num_classes = num_classes
        depths = _get_depths(alpha)
        layers = _stem(depths[0], depths[1])
        for channels, out, stage in zip(depths[1:], depths[2:], _STAGES, strict=False):
            layers.append(_stack(channels, out, *stage, _BN_MOMENTUM))
        layers += _normalised(nn.Conv2d(depths[7], 1280, 1, padding=0, stride=1, bias=False))
        self.layers = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(p=dropout, inplace=True), nn.Linear(1280, num_classes))
        initialize(
            self,
            lambda layer: nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu"),
            lambda layer: nn.init.kaiming_uniform_(layer.weight, mode="fan_out", nonlinearity="sigmoid"),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores of the classes."""
        return self.classifier(self.layers(x).mean([2, 3]))

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], *rest: Any
    ) -> None:
        """Load; a file of version 1, whose first layers had their channels at any alpha, makes the model such a one."""
        version = local_metadata.get("version")
        if version not in (1, 2):
            raise ValueError(f"version should be set to 1 or 2 instead of {version}")
        if version == 1 and self.alpha != 1.0:
            out = _get_depths(self.alpha)[2]
            for i, layer in enumerate([*_stem(32, 16), _stack(16, out, *_STAGES[0], _BN_MOMENTUM)]):
                self.layers[i] = layer
            self._version = 1
            warnings.warn(
                "A new version of MNASNet model has been implemented. Your checkpoint was saved using the previous "
                "version. This checkpoint will load and work as before, but you may want to upgrade by training a "
                "newer model or transfer learning from an updated ImageNet checkpoint.",
                UserWarning,
                stacklevel=2,
            )
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


def _build(name: str, alpha: float) -> Any:
    def make(**options: Any) -> MNASNet:
        return MNASNet(alpha, **options)

    return builder(name, make, f"Build MNASNet with {alpha} times the channels (arXiv:1807.11626).")


mnasnet0_5, MNASNet0_5_Weights = _build("mnasnet0_5", 0.5)
mnasnet0_75, MNASNet0_75_Weights = _build("mnasnet0_75", 0.75)
mnasnet1_0, MNASNet1_0_Weights = _build("mnasnet1_0", 1.0)
mnasnet1_3, MNASNet1_3_Weights = _build("mnasnet1_3", 1.3)
