"""Training steps that between them go through every family of kernels: from convolution to the optimizer.

Small nets on the same random batch each time. `training(name)` makes one anew, with the same weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import tinygrad_cnn as torch
from tinygrad_cnn import nn
from tinygrad_cnn.nn import functional as F
from tinygrad_cnn.optim import Optimizer


@dataclass
class Training:
    """A net, its optimizer and a batch."""

    model: nn.Module
    optimizer: Optimizer
    x: torch.Tensor
    target: torch.Tensor

    def step(self) -> float:
        """Do one step of training; return the loss."""
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.model(self.x), self.target, label_smoothing=0.1)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def state(self) -> list[dict[str, np.ndarray]]:
        """Return copies of what a step changes: each parameter with what the optimizer keeps of it, and buffers."""
        kept = []
        for parameter in self.model.parameters():
            own = self.optimizer.state.get(parameter, {})
            tensors = {"weight": parameter} | {name: value for name, value in own.items() if torch.is_tensor(value)}
            kept.append({name: tensor.detach().numpy().copy() for name, tensor in tensors.items()})
        kept.extend({name: buffer.numpy().copy()} for name, buffer in self.model.named_buffers())
        return kept


def plain(dtype: torch.dtype) -> nn.Module:
    """LeNet's kind: few channels at first, max pooling, dropout, linear layers."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 5), nn.Tanh(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.25), nn.Linear(16 * 25, 40), nn.Sigmoid(), nn.Linear(40, 10),
    ).to(dtype)  # fmt: skip


def residual(dtype: torch.dtype) -> nn.Module:
    """ResNet's kind: 3x3 convolutions, batch norm, strides, pointwise convolutions, average pooling."""

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.way = nn.Sequential(
                nn.Conv2d(16, 24, 3, 2, 1, bias=False), nn.BatchNorm2d(24), nn.ReLU(),
                nn.Conv2d(24, 24, 3, 1, 1, bias=False), nn.BatchNorm2d(24),
            )  # fmt: skip
            self.short = nn.Conv2d(16, 24, 1, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.relu(self.way(x) + self.short(x))

    head = [nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU()]
    return nn.Sequential(*head, Block(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 10)).to(dtype)


def separable(dtype: torch.dtype) -> nn.Module:
    """MobileNet's kind: depthwise and grouped convolutions, group norm, padding by reflection, average pooling."""
    return nn.Sequential(
        nn.ReflectionPad2d(1), nn.Conv2d(1, 12, 3), nn.GroupNorm(3, 12), nn.Hardswish(),
        nn.Conv2d(12, 12, 3, padding=1, groups=12), nn.Conv2d(12, 24, 1), nn.ELU(), nn.AvgPool2d(2),
        nn.Conv2d(24, 24, 5, 2, 4, dilation=2, groups=12), nn.InstanceNorm2d(24, affine=True), nn.GELU(),
        nn.Conv2d(24, 24, 3, padding=1, groups=4), nn.Flatten(2), nn.LayerNorm(49), nn.Flatten(),
        nn.Linear(24 * 49, 10),
    ).to(dtype)  # fmt: skip


def upward(dtype: torch.dtype) -> nn.Module:
    """A decoder's kind: transposed convolutions, interpolation, softmax over channels."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 4, 4), nn.PReLU(), nn.ConvTranspose2d(8, 6, 4, 2, 1), nn.LeakyReLU(),
        nn.Upsample(scale_factor=2), nn.Conv2d(6, 6, 3), nn.Softmax2d(), nn.Flatten(), nn.Dropout(0.1),
        nn.Linear(6 * 26 * 26, 10),
    ).to(dtype)  # fmt: skip


NETS: dict[str, tuple[Callable[[torch.dtype], nn.Module], torch.dtype, Callable[..., Optimizer]]] = {
    "plain": (plain, torch.float32, lambda p: torch.optim.Adam(p, lr=1e-3, weight_decay=1e-4)),
    "residual": (residual, torch.float32, lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True)),
    "separable": (separable, torch.float32, lambda p: torch.optim.AdamW(p, lr=1e-3, amsgrad=True)),
    "upward": (upward, torch.float32, lambda p: torch.optim.RMSprop(p, lr=1e-3, momentum=0.5, centered=True)),
    "plain64": (plain, torch.float64, lambda p: torch.optim.Adagrad(p, lr=1e-2)),
    "residual64": (residual, torch.float64, lambda p: torch.optim.NAdam(p, lr=1e-3)),
}


def training(name: str, batch: int = 8) -> Training:
    """Return a training of NETS, the same at each call."""
    net, dtype, optimizer = NETS[name]
    torch.manual_seed(3)
    model = net(dtype)
    images = np.random.default_rng(0).standard_normal((batch, 1, 28, 28))
    return Training(model, optimizer(model.parameters()), torch.from_numpy(images).to(dtype), torch.arange(batch) % 10)
