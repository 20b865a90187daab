"""The three networks that are trained and run, written once for any package with PyTorch's names (`torch`)."""

from __future__ import annotations

import math
from typing import Any

INPUTS = {"lenet5": (1, 28, 28), "mnistnet": (1, 28, 28), "resnet20": (3, 32, 32)}


def lenet5(torch: Any) -> Any:
    """LeNet-5 as it is taught today: two convolutions with max pooling, three linear layers."""
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def mnistnet(torch: Any) -> Any:
    """The network of PyTorch's MNIST example; its output is log-probabilities."""
    nn, functional = torch.nn, torch.nn.functional

    class Net(nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(1, 32, 3, 1)
            self.conv2 = nn.Conv2d(32, 64, 3, 1)
            self.dropout1 = nn.Dropout(0.25)
            self.dropout2 = nn.Dropout(0.5)
            self.fc1 = nn.Linear(9216, 128)
            self.fc2 = nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            x = functional.relu(self.conv1(x))
            x = functional.relu(self.conv2(x))
            x = functional.max_pool2d(x, 2)
            x = torch.flatten(self.dropout1(x), 1)
            x = functional.relu(self.fc1(x))
            x = self.fc2(self.dropout2(x))
            return functional.log_softmax(x, dim=1)

    return Net()


def resnet20(torch: Any) -> Any:
    """ResNet-20 for 32x32 colour images: three stages of three blocks, 1x1 convolutions where the shape changes."""
    nn, functional = torch.nn, torch.nn.functional

    class Block(nn.Module):  # type: ignore[name-defined]
        def __init__(self, channels: int, filters: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(channels, filters, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(filters)
            self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(filters)
            self.shortcut = nn.Sequential()
            if stride != 1 or channels != filters:
                self.shortcut = nn.Sequential(
                    nn.Conv2d(channels, filters, 1, stride, bias=False), nn.BatchNorm2d(filters)
                )

        def forward(self, x: Any) -> Any:
            out = functional.relu(self.bn1(self.conv1(x)))
            out = self.bn2(self.conv2(out))
            return functional.relu(out + self.shortcut(x))

    class ResNet(nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(16)
            self.layer1 = nn.Sequential(Block(16, 16, 1), Block(16, 16, 1), Block(16, 16, 1))
            self.layer2 = nn.Sequential(Block(16, 32, 2), Block(32, 32, 1), Block(32, 32, 1))
            self.layer3 = nn.Sequential(Block(32, 64, 2), Block(64, 64, 1), Block(64, 64, 1))
            self.pool = nn.AdaptiveAvgPool2d(1)
            self.fc = nn.Linear(64, 10)

        def forward(self, x: Any) -> Any:
            x = functional.relu(self.bn1(self.conv1(x)))
            x = self.layer3(self.layer2(self.layer1(x)))
            return self.fc(torch.flatten(self.pool(x), 1))

    return ResNet()


BUILDERS = {"lenet5": lenet5, "mnistnet": mnistnet, "resnet20": resnet20}


def loss(torch: Any, name: str, output: Any, target: Any) -> Any:
    """Return the loss that goes with a network's output."""
    functional = torch.nn.functional
    return functional.nll_loss(output, target) if name == "mnistnet" else functional.cross_entropy(output, target)


def arithmetic(torch: Any, name: str) -> tuple[float, float]:
    """Return the floating-point operations of one image, forward and of a training step.

    Convolutions and linear layers count. A layer's two gradients cost as much as its forward pass each; the first layer
    has only one, for its input is no parameter.
    """
    forward: list[float] = []

    def count(module: Any, _: Any, output: Any) -> None:
        forward.append(2.0 * output.numel() * math.prod(module.weight.shape[1:]))

    net = BUILDERS[name](torch).eval()
    for module in net.modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            module.register_forward_hook(count)
    with torch.no_grad():
        net(torch.zeros(1, *INPUTS[name]))
    return sum(forward), 3 * sum(forward) - forward[0]
