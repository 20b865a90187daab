"""ResNet (He et al., arXiv:1512.03385), ResNeXt (arXiv:1611.05431) and Wide ResNet (arXiv:1605.07146)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tinygrad_cnn as torch
from tinygrad_cnn import Tensor, nn
from tinygrad_cnn.vision.models._api import builder, overwrite
from tinygrad_cnn.vision.models._utils import initialize

__all__ = [
    "ResNeXt50_32X4D_Weights",
    "ResNeXt101_32X8D_Weights",
    "ResNeXt101_64X4D_Weights",
    "ResNet",
    "ResNet18_Weights",
    "ResNet34_Weights",
    "ResNet50_Weights",
    "ResNet101_Weights",
    "ResNet152_Weights",
    "Wide_ResNet50_2_Weights",
    "Wide_ResNet101_2_Weights",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "resnext50_32x4d",
    "resnext101_32x8d",
    "resnext101_64x4d",
    "wide_resnet50_2",
    "wide_resnet101_2",
]

Norm = Callable[..., nn.Module]


def conv3x3(in_planes: int, out_planes: int, stride: int = 1, groups: int = 1, dilation: int = 1) -> nn.Conv2d:
    """Return a 3x3 convolution that keeps the size at stride 1, without bias."""
    return nn.Conv2d(
        in_planes, out_planes, 3, stride=stride, padding=dilation, groups=groups, bias=False, dilation=dilation
    )


def conv1x1(in_planes: int, out_planes: int, stride: int = 1) -> nn.Conv2d:
    """Return a 1x1 convolution without bias."""
    return nn.Conv2d(in_planes, out_planes, kernel_size=1, stride=stride, bias=False)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and the shortcut around them."""

    expansion = 1

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        dilation: int = 1,
        norm_layer: Norm | None = None,
    ) -> None:
        super().__init__()
        norm = nn.BatchNorm2d if norm_layer is None else norm_layer
        if groups != 1 or base_width != 64:
            raise ValueError("BasicBlock only supports groups=1 and base_width=64")
        if dilation > 1:
            raise NotImplementedError("Dilation > 1 not supported in BasicBlock")
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn1 = norm(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(planes, planes)
        self.bn2 = norm(planes)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """(N, inplanes, H, W) to (N, planes, H / stride, W / stride)."""
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions and the shortcut around them; the stride is in the 3x3 ("ResNet v1.5")."""

    expansion = 4

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        dilation: int = 1,
        norm_layer: Norm | None = None,
    ) -> None:
        super().__init__()
        norm = nn.BatchNorm2d if norm_layer is None else norm_layer
        width = int(planes * (base_width / 64.0)) * groups
        self.conv1 = conv1x1(inplanes, width)
        self.bn1 = norm(width)
        self.conv2 = conv3x3(width, width, stride, groups, dilation)
        self.bn2 = norm(width)
        self.conv3 = conv1x1(width, planes * self.expansion)
        self.bn3 = norm(planes * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """(N, inplanes, H, W) to (N, 4 planes, H / stride, W / stride)."""
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class ResNet(nn.Module):
    """Four stages of blocks: (N, 3, H, W) to (N, num_classes).

    layers: blocks of each stage. groups, width_per_group: of the 3x3 convolutions of `Bottleneck`.
    replace_stride_with_dilation: for the last three stages, keep the size and dilate instead.
    """

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        layers: list[int],
        num_classes: int = 1000,
        zero_init_residual: bool = False,
        groups: int = 1,
        width_per_group: int = 64,
        replace_stride_with_dilation: list[bool] | None = None,
        norm_layer: Norm | None = None,
    ) -> None:
        super().__init__()
        self._norm_layer = nn.BatchNorm2d if norm_layer is None else norm_layer
        self.inplanes = 64
        self.dilation = 1
        dilate = [False] * 3 if replace_stride_with_dilation is None else replace_stride_with_dilation
        if len(dilate) != 3:
            raise ValueError(f"replace_stride_with_dilation should be None or a 3-element tuple, got {dilate}")
        self.groups = groups
        self.base_width = width_per_group
        self.conv1 = nn.Conv2d(3, self.inplanes, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = self._norm_layer(self.inplanes)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = self._make_layer(block, 64, layers[0])
        self.layer2 = self._make_layer(block, 128, layers[1], stride=2, dilate=dilate[0])
        self.layer3 = self._make_layer(block, 256, layers[2], stride=2, dilate=dilate[1])
        self.layer4 = self._make_layer(block, 512, layers[3], stride=2, dilate=dilate[2])
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512 * block.expansion, num_classes)

        initialize(self, lambda layer: nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu"))
        if zero_init_residual:  # each block begins as the identity (arXiv:1706.02677)
            for module in self.modules():
                last = getattr(module, {Bottleneck: "bn3", BasicBlock: "bn2"}.get(type(module), ""), None)
                if last is not None and last.weight is not None:
                    nn.init.zeros_(last.weight)

    def _make_layer(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        planes: int,
        blocks: int,
        stride: int = 1,
        dilate: bool = False,
    ) -> nn.Sequential:
        norm, first_dilation, outplanes = self._norm_layer, self.dilation, planes * block.expansion
        if dilate:
            self.dilation *= stride
            stride = 1
        downsample = None
        if stride != 1 or self.inplanes != outplanes:
            downsample = nn.Sequential(conv1x1(self.inplanes, outplanes, stride), norm(outplanes))
        common = (self.groups, self.base_width)
        stage = [block(self.inplanes, planes, stride, downsample, *common, first_dilation, norm)]
        self.inplanes = outplanes
        stage += [block(outplanes, planes, 1, None, *common, self.dilation, norm) for _ in range(1, blocks)]
        return nn.Sequential(*stage)

    def _forward_impl(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores of the classes."""
        return self._forward_impl(x)


def _build(name: str, title: str, block: type[BasicBlock] | type[Bottleneck], layers: list[int], **fixed: int) -> Any:
    def make(**options: Any) -> ResNet:
        for option, value in fixed.items():
            overwrite(options, option, value)
        return ResNet(block, layers, **options)

    return builder(name, make, f"Build {title}.")


_50, _101 = [3, 4, 6, 3], [3, 4, 23, 3]
resnet18, ResNet18_Weights = _build("resnet18", "ResNet-18 (arXiv:1512.03385)", BasicBlock, [2, 2, 2, 2])
resnet34, ResNet34_Weights = _build("resnet34", "ResNet-34 (arXiv:1512.03385)", BasicBlock, [3, 4, 6, 3])
resnet50, ResNet50_Weights = _build("resnet50", "ResNet-50 (arXiv:1512.03385)", Bottleneck, _50)
resnet101, ResNet101_Weights = _build("resnet101", "ResNet-101 (arXiv:1512.03385)", Bottleneck, _101)
resnet152, ResNet152_Weights = _build("resnet152", "ResNet-152 (arXiv:1512.03385)", Bottleneck, [3, 8, 36, 3])
resnext50_32x4d, ResNeXt50_32X4D_Weights = _build(
    "resnext50_32x4d", "ResNeXt-50 32x4d (arXiv:1611.05431)", Bottleneck, _50, groups=32, width_per_group=4
)
resnext101_32x8d, ResNeXt101_32X8D_Weights = _build(
    "resnext101_32x8d", "ResNeXt-101 32x8d (arXiv:1611.05431)", Bottleneck, _101, groups=32, width_per_group=8
)
resnext101_64x4d, ResNeXt101_64X4D_Weights = _build(
    "resnext101_64x4d", "ResNeXt-101 64x4d (arXiv:1611.05431)", Bottleneck, _101, groups=64, width_per_group=4
)
wide_resnet50_2, Wide_ResNet50_2_Weights = _build(
    "wide_resnet50_2", "Wide ResNet-50-2 (arXiv:1605.07146)", Bottleneck, _50, width_per_group=128
)
wide_resnet101_2, Wide_ResNet101_2_Weights = _build(
    "wide_resnet101_2", "Wide ResNet-101-2 (arXiv:1605.07146)", Bottleneck, _101, width_per_group=128
)
