"""Convolutions of networks for MNIST, CIFAR and ImageNet: the forward pass, and forward with all gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .harness import Task
from .library import Library

# batch, channels, height and width, filters, kernel, stride, padding, groups
SHAPES = {
    "lenet.conv1": (64, 1, 28, 6, 5, 1, 2, 1),
    "lenet.conv2": (64, 6, 14, 16, 5, 1, 0, 1),
    "mnist.conv1": (64, 1, 28, 32, 3, 1, 0, 1),
    "mnist.conv2": (64, 32, 26, 64, 3, 1, 0, 1),
    "resnet20.stem": (64, 3, 32, 16, 3, 1, 1, 1),
    "resnet20.stage1": (64, 16, 32, 16, 3, 1, 1, 1),
    "resnet20.down": (64, 16, 32, 32, 3, 2, 1, 1),
    "resnet20.stage2": (64, 32, 16, 32, 3, 1, 1, 1),
    "resnet20.stage3": (64, 64, 8, 64, 3, 1, 1, 1),
    "resnet20.shortcut": (64, 16, 32, 32, 1, 2, 0, 1),
    "resnet18.stage1": (16, 64, 56, 64, 3, 1, 1, 1),
    "resnet18.stage2": (16, 128, 28, 128, 3, 1, 1, 1),
    "resnet18.stage3": (16, 256, 14, 256, 3, 1, 1, 1),
    "resnet18.stage4": (16, 512, 7, 512, 3, 1, 1, 1),
    "resnet18.stem": (16, 3, 224, 64, 7, 2, 3, 1),
    "mobilenet.depthwise": (16, 144, 56, 144, 3, 1, 1, 144),
    "mobilenet.depthwise2": (16, 144, 56, 144, 3, 2, 1, 144),
    "mobilenet.pointwise": (16, 24, 56, 144, 1, 1, 0, 1),
}
# Forward; with all gradients; and the first layers again, as training asks for them: an image needs no gradient.
MODES = ("forward", "train", "first")


def operands(library: Library, shape: tuple[int, ...]) -> tuple[list[Any], Callable[[], Any]]:
    """Return input, weight and bias of a convolution, and the function that computes it."""
    torch = library.module
    batch, channels, size, filters, kernel, stride, padding, groups = shape
    x = library.place(torch.randn(batch, channels, size, size))
    weight = library.place(torch.randn(filters, channels // groups, kernel, kernel))
    bias = torch.randn(filters)
    return [x, weight, bias], lambda: torch.nn.functional.conv2d(x, weight, bias, stride, padding, 1, groups)


def setup(library: Library, threads: int, shape: tuple[int, ...], mode: str) -> Callable[[], Any]:
    """Return a convolution, with the gradients that the mode asks for."""
    torch = library.module
    wanted, forward = operands(library, shape)
    if mode == "forward":
        return forward
    dy = library.place(torch.randn(*forward().shape))
    wanted = wanted[1:] if mode == "first" else wanted
    for tensor in wanted:
        tensor.requires_grad_()
    return lambda: torch.autograd.grad(forward(), wanted, dy)


def work(shape: tuple[int, ...], mode: str) -> tuple[float, float]:
    """Return floating-point operations and the least traffic in bytes: each pass reads or writes three tensors once."""
    batch, channels, size, filters, kernel, stride, padding, groups = shape
    out = (size + 2 * padding - kernel) // stride + 1
    x, y = batch * channels * size * size, batch * filters * out * out
    weight = filters * (channels // groups) * kernel * kernel
    passes = {"forward": 1, "train": 3, "first": 2}[mode]
    return passes * 2.0 * y * weight / filters, passes * 4.0 * (x + weight + y)


def tasks() -> list[Task]:
    """Return all convolutions in all modes."""
    return [
        Task("conv", mode, f"{name} {mode}", setup, (SHAPES[name], mode), *work(SHAPES[name], mode))
        for mode in MODES
        for name in SHAPES
        if mode != "first" or SHAPES[name][1] in (1, 3)
    ]
