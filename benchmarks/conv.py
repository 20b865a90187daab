"""Convolutions of networks for MNIST, CIFAR and ImageNet: the forward pass, and forward with both gradients."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

# batch, channels, height and width, filters, kernel, stride, padding, groups
SHAPES = {
    "lenet.conv1": (64, 1, 28, 6, 5, 1, 2, 1),
    "lenet.conv2": (64, 6, 14, 16, 5, 1, 0, 1),
    "mnist.conv1": (64, 1, 28, 32, 3, 1, 0, 1),
    "mnist.conv2": (64, 32, 26, 64, 3, 1, 0, 1),
    "resnet20.stem": (128, 3, 32, 16, 3, 1, 1, 1),
    "resnet20.stage1": (128, 16, 32, 16, 3, 1, 1, 1),
    "resnet20.down": (128, 16, 32, 32, 3, 2, 1, 1),
    "resnet20.stage3": (128, 64, 8, 64, 3, 1, 1, 1),
    "resnet20.shortcut": (128, 16, 32, 32, 1, 2, 0, 1),
    "resnet18.stage1": (16, 64, 56, 64, 3, 1, 1, 1),
    "resnet18.stage4": (16, 512, 7, 512, 3, 1, 1, 1),
    "depthwise": (16, 32, 112, 32, 3, 1, 1, 32),
    "pointwise": (16, 32, 112, 16, 1, 1, 0, 1),
}


def workload(module: Any, name: str, train: bool) -> tuple[Callable[[], Any], float]:
    """Return a convolution (with its gradients if `train`) and its floating-point operations."""
    batch, channels, size, filters, kernel, stride, padding, groups = SHAPES[name]
    functional = importlib.import_module(f"{module.__name__}.nn.functional")
    x = module.randn(batch, channels, size, size)
    weight = module.randn(filters, channels // groups, kernel, kernel)
    bias = module.randn(filters)
    if train:
        for tensor in (x, weight, bias):
            tensor.requires_grad_()
    y = functional.conv2d(x, weight, bias, stride, padding, 1, groups)
    flops = 2.0 * y.numel() * (channels // groups) * kernel * kernel
    if not train:
        return (lambda: functional.conv2d(x, weight, bias, stride, padding, 1, groups)), flops
    dy = module.randn(*y.shape)

    def step() -> Any:
        out = functional.conv2d(x, weight, bias, stride, padding, 1, groups)
        return module.autograd.grad(out, [x, weight, bias], dy)

    return step, 3 * flops


def tasks(names: list[str], modes: list[str]) -> list[Any]:
    """Return (name, workload, arguments) for harness.run_all; modes are "forward" and "train"."""
    return [(f"{name} {mode}", workload, (name, mode == "train")) for name in names for mode in modes]
