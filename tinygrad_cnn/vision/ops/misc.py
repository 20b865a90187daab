"""What many architectures share (`torchvision.ops.misc`): convolution with normalisation and activation, and others."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import tinygrad_cnn as torch
from tinygrad_cnn import Tensor, nn

__all__ = [
    "MLP",
    "Conv2dNormActivation",
    "Conv3dNormActivation",
    "ConvNormActivation",
    "FrozenBatchNorm2d",
    "Permute",
    "SqueezeExcitation",
]

Maker = Callable[..., nn.Module]
_Size = int | Sequence[int]


def _same_padding(kernel_size: _Size, dilation: _Size) -> int | tuple[int, ...]:
    """Return the padding that keeps the size at stride 1, for odd kernels: half the kernel's reach."""
    if isinstance(kernel_size, int) and isinstance(dilation, int):
        return (kernel_size - 1) // 2 * dilation
    dimensions = len(kernel_size) if isinstance(kernel_size, Sequence) else len(dilation)  # type: ignore[arg-type]
    kernels = [kernel_size] * dimensions if isinstance(kernel_size, int) else kernel_size
    dilations = [dilation] * dimensions if isinstance(dilation, int) else dilation
    return tuple((k - 1) // 2 * d for k, d in zip(kernels, dilations, strict=True))


class ConvNormActivation(nn.Sequential):
    """A convolution, a normalisation and an activation; the last two may be left out (None).

    padding=None keeps the size at stride 1; bias=None has one only without a normalisation.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: _Size = 3,
        stride: _Size = 1,
        padding: _Size | str | None = None,
        groups: int = 1,
        norm_layer: Maker | None = nn.BatchNorm2d,
        activation_layer: Maker | None = nn.ReLU,
        dilation: _Size = 1,
        inplace: bool | None = True,
        bias: bool | None = None,
        conv_layer: Maker = nn.Conv2d,
    ) -> None:
        padding = _same_padding(kernel_size, dilation) if padding is None else padding
        bias = norm_layer is None if bias is None else bias
        convolution = conv_layer(
            in_channels, out_channels, kernel_size, stride, padding, dilation=dilation, groups=groups, bias=bias
        )
        layers = [convolution]
        if norm_layer is not None:
            layers.append(norm_layer(out_channels))
        if activation_layer is not None:
            layers.append(activation_layer(**_inplace(inplace)))
        super().__init__(*layers)
        self.out_channels = out_channels
        if type(self) is ConvNormActivation:
            warnings.warn(
                "Don't use ConvNormActivation directly, please use Conv2dNormActivation and Conv3dNormActivation "
                "instead.",
                stacklevel=2,
            )


def _inplace(inplace: bool | None) -> dict[str, Any]:
    return {} if inplace is None else {"inplace": inplace}


class Conv2dNormActivation(ConvNormActivation):
    """Conv2d, normalisation, activation."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: _Size = 3,
        stride: _Size = 1,
        padding: _Size | str | None = None,
        groups: int = 1,
        norm_layer: Maker | None = nn.BatchNorm2d,
        activation_layer: Maker | None = nn.ReLU,
        dilation: _Size = 1,
        inplace: bool | None = True,
        bias: bool | None = None,
    ) -> None:
        rest = (stride, padding, groups, norm_layer, activation_layer, dilation, inplace, bias)
        super().__init__(in_channels, out_channels, kernel_size, *rest, nn.Conv2d)


class Conv3dNormActivation(ConvNormActivation):
    """Conv3d, normalisation, activation."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: _Size = 3,
        stride: _Size = 1,
        padding: _Size | str | None = None,
        groups: int = 1,
        norm_layer: Maker | None = nn.BatchNorm3d,
        activation_layer: Maker | None = nn.ReLU,
        dilation: _Size = 1,
        inplace: bool | None = True,
        bias: bool | None = None,
    ) -> None:
        rest = (stride, padding, groups, norm_layer, activation_layer, dilation, inplace, bias)
        super().__init__(in_channels, out_channels, kernel_size, *rest, nn.Conv3d)


class SqueezeExcitation(nn.Module):
    """Weights channels by what the whole image says (Hu et al., arXiv:1709.01507): (N, C, H, W) to the same shape."""

    def __init__(
        self,
        input_channels: int,
        squeeze_channels: int,
        activation: Maker = nn.ReLU,
        scale_activation: Maker = nn.Sigmoid,
    ) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(input_channels, squeeze_channels, 1)
        self.fc2 = nn.Conv2d(squeeze_channels, input_channels, 1)
        self.activation = activation()
        self.scale_activation = scale_activation()

    def _scale(self, input: Tensor) -> Tensor:
        return self.scale_activation(self.fc2(self.activation(self.fc1(self.avgpool(input)))))

    def forward(self, input: Tensor) -> Tensor:
        """Return the input, each channel times its weight."""
        return self._scale(input) * input


class MLP(nn.Sequential):
    """Linear layers with normalisation, activation and dropout between them, and dropout at the end."""

    def __init__(
        self,
        in_channels: int,
        hidden_channels: Sequence[int],
        norm_layer: Maker | None = None,
        activation_layer: Maker | None = nn.ReLU,
        inplace: bool | None = None,
        bias: bool = True,
        dropout: float = 0.0,
    ) -> None:
        layers: list[nn.Module] = []
        for position, channels in enumerate(hidden_channels, start=1):
            layers.append(nn.Linear(in_channels, channels, bias=bias))
            if position < len(hidden_channels):
                if norm_layer is not None:
                    layers.append(norm_layer(channels))
                layers.append(activation_layer(**_inplace(inplace)))  # type: ignore[misc]  # None fails as torchvision's
            layers.append(nn.Dropout(dropout, **_inplace(inplace)))
            in_channels = channels
        super().__init__(*layers)


class Permute(nn.Module):
    """Permutes dimensions."""

    def __init__(self, dims: list[int]) -> None:
        super().__init__()
        self.dims = dims

    def forward(self, x: Tensor) -> Tensor:
        """Return a view with the dimensions in the order `dims`."""
        return torch.permute(x, self.dims)


class FrozenBatchNorm2d(nn.Module):
    """BatchNorm2d whose statistics, weight and bias are buffers that nothing changes."""

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, num_features: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        for name in ("weight", "bias", "running_mean", "running_var"):
            make = torch.ones if name in ("weight", "running_var") else torch.zeros
            self.register_buffer(name, make(num_features))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        state_dict.pop(prefix + "num_batches_tracked", None)  # of the BatchNorm2d that it stands for
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (N, C, H, W) by the statistics."""
        weight, bias, mean, var = (
            tensor.reshape(1, -1, 1, 1) for tensor in (self.weight, self.bias, self.running_mean, self.running_var)
        )
        scale = weight * (var + self.eps).rsqrt()
        return x * scale + (bias - mean * scale)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.weight.shape[0]}, eps={self.eps})"
