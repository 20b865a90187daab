"""What lies between convolutions: pooling, normalisation, activations, losses and optimizers.

Each forward, and forward with the gradient of its input (and parameters); the optimizers over all parameters of
ResNet-20. The least traffic counts every array that must be read or written, once a pass: batch normalisation has to
read its input twice in the forward pass (mean and variance first), input and gradient twice in the backward pass.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import nets
from .harness import Task
from .library import OURS, Library

Shape = tuple[int, ...]
Make = Callable[[Any, Library, Shape], Callable[[Any], Any]]


@dataclass(frozen=True)
class Operation:
    """`make(torch, library, shape)` returns a function of x; with its traffic in bytes, forward and backward."""

    name: str
    shape: Shape
    make: Make
    forward: float
    backward: float


def _max_pool(kernel: int, stride: int, padding: int = 0) -> Make:
    def make(torch: Any, library: Library, shape: Shape) -> Callable[[Any], Any]:
        return lambda x: torch.nn.functional.max_pool2d(x, kernel, stride, padding)

    return make


def _avg_pool(torch: Any, library: Library, shape: Shape) -> Callable[[Any], Any]:
    return lambda x: torch.nn.functional.avg_pool2d(x, 2)


def _adaptive(size: int) -> Make:
    def make(torch: Any, library: Library, shape: Shape) -> Callable[[Any], Any]:
        return lambda x: torch.nn.functional.adaptive_avg_pool2d(x, size)

    return make


def _batch_norm(torch: Any, library: Library, shape: Shape) -> Any:
    return torch.nn.BatchNorm2d(shape[1]).train()


def _relu(torch: Any, library: Library, shape: Shape) -> Any:
    return torch.relu


def _activation(name: str) -> Make:
    return lambda torch, library, shape: getattr(torch.nn.functional, name)


def _dropout(torch: Any, library: Library, shape: Shape) -> Any:
    return torch.nn.Dropout(0.5).train()


def _add(torch: Any, library: Library, shape: Shape) -> Callable[[Any], Any]:
    other = library.place(torch.randn(*shape))
    return lambda x: x + other


class _Bias:
    """Addition of a parameter for each channel."""

    def __init__(self, torch: Any, library: Library, shape: Shape) -> None:
        self.bias = torch.randn(shape[1], 1, 1, requires_grad=True)

    def __call__(self, x: Any) -> Any:
        return x + self.bias

    def parameters(self) -> list[Any]:
        return [self.bias]


def _softmax(torch: Any, library: Library, shape: Shape) -> Callable[[Any], Any]:
    return lambda x: torch.softmax(x, 1)


def _log_softmax(torch: Any, library: Library, shape: Shape) -> Callable[[Any], Any]:
    return lambda x: torch.log_softmax(x, 1)


def _cross_entropy(torch: Any, library: Library, shape: Shape) -> Callable[[Any], Any]:
    target = torch.randint(0, shape[1], (shape[0],))
    return lambda x: torch.nn.functional.cross_entropy(x, target)


def _pad(torch: Any, library: Library, shape: Shape) -> Callable[[Any], Any]:
    return lambda x: torch.nn.functional.pad(x, (1, 1, 1, 1))


def _pooled(name: str, shape: Shape, out: int, make: Make) -> Operation:
    """Pooling reads x and writes y; backward reads dy and writes dx."""
    both = 4.0 * (math.prod(shape) + shape[0] * shape[1] * out * out)
    return Operation(name, shape, make, both, both)


def _same(name: str, shape: Shape, make: Make, forward: int, backward: int) -> Operation:
    return Operation(name, shape, make, 4.0 * forward * math.prod(shape), 4.0 * backward * math.prod(shape))


# The last two numbers are arrays read or written in the forward and in the backward pass.
OPERATIONS = [
    _pooled("max_pool k2 s2", (64, 64, 24, 24), 12, _max_pool(2, 2)),
    _pooled("max_pool k2 s2", (64, 6, 28, 28), 14, _max_pool(2, 2)),
    _pooled("max_pool k3 s2 p1", (16, 64, 112, 112), 56, _max_pool(3, 2, 1)),
    _pooled("avg_pool k2 s2", (64, 64, 24, 24), 12, _avg_pool),
    _pooled("adaptive_avg_pool 1", (64, 64, 8, 8), 1, _adaptive(1)),
    _pooled("adaptive_avg_pool 7", (16, 64, 56, 56), 7, _adaptive(7)),
    *(
        _same("batch_norm", shape, _batch_norm, 3, 5)
        for shape in ((128, 16, 32, 32), (128, 64, 8, 8), (16, 64, 56, 56))
    ),
    *(
        _same(name, shape, make, forward, backward)
        for name, make, forward, backward in (
            ("relu", _relu, 2, 3),
            ("dropout", _dropout, 2, 2),
            ("residual add", _add, 3, 0),
            ("bias add", _Bias, 2, 1),
        )
        for shape in ((64, 6, 28, 28), (128, 16, 32, 32))
    ),
    *(
        _same(name, (128, 16, 32, 32), _activation(name), 2, 3)
        for name in ("leaky_relu", "relu6", "hardswish", "silu", "gelu", "elu")
    ),
    *(_same("softmax", shape, _softmax, 2, 3) for shape in ((64, 10), (256, 1000))),
    *(_same("log_softmax", shape, _log_softmax, 2, 3) for shape in ((64, 10), (256, 1000))),
    *(_same("cross_entropy", shape, _cross_entropy, 1, 2) for shape in ((64, 10), (256, 10), (256, 1000))),
    _pooled("pad 1", (128, 16, 32, 32), 34, _pad),
]
OPTIMIZERS = {  # what a step reads and writes, in arrays of the parameters' size
    "SGD": ({"lr": 0.01, "momentum": 0.9}, 5),
    "Adam": ({"lr": 0.001}, 7),
    "AdamW": ({"lr": 0.001}, 7),
}


def setup(library: Library, threads: int, index: int, train: bool) -> Callable[[], Any]:
    """Return an operation, with its gradients if `train`."""
    torch, operation = library.module, OPERATIONS[index]
    function = operation.make(torch, library, operation.shape)
    x = library.place(torch.randn(*operation.shape))
    if not train:

        def forward() -> Any:
            with torch.no_grad():
                return function(x)

        return forward
    x.requires_grad_()
    y = function(x)
    dy = library.place(torch.randn(tuple(y.shape)))
    wanted = [x, *getattr(function, "parameters", list)()]
    return lambda: torch.autograd.grad(function(x), wanted, dy)


def setup_optimizer(library: Library, threads: int, name: str) -> Callable[[], Any]:
    """Return a step of an optimizer over the parameters of ResNet-20."""
    torch = library.module
    parameters = list(nets.resnet20(torch).parameters())
    for parameter in parameters:
        parameter.grad = torch.randn(*parameter.shape)
    options = {**OPTIMIZERS[name][0], **library.optimizer_options()}
    return getattr(torch.optim, name)(parameters, **options).step


def tasks() -> list[Task]:
    """Return all operations, forward and with gradients, and the optimizers."""
    made = []
    for train in (False, True):
        for index, op in enumerate(OPERATIONS):
            name = f"{op.name} {'x'.join(map(str, op.shape))}"
            made.append(
                Task("ops", "train" if train else "forward", name + (" train" if train else ""), setup,
                     (index, train), bytes=op.forward + (op.backward if train else 0))
            )  # fmt: skip
    count = sum(p.numel() for p in nets.resnet20(importlib.import_module(OURS)).parameters())
    return made + [
        Task("ops", "optimizer", f"{name} resnet20", setup_optimizer, (name,), bytes=4.0 * arrays * count)
        for name, (_, arrays) in OPTIMIZERS.items()
    ]
