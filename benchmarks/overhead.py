"""What an operation costs that has nothing to compute: tiny tensors, forward, and with autograd; microseconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import train
from .harness import Task
from .library import Library

# Each a function of torch and its namespace of tensors: x, y (4, 4); image, weight, filters for the layers; target.
OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "x + y": lambda torch, t: t.x + t.y,
    "x * y": lambda torch, t: t.x * t.y,
    "x * 2": lambda torch, t: t.x * 2.0,
    "relu": lambda torch, t: torch.relu(t.x),
    "exp": lambda torch, t: torch.exp(t.x),
    "sqrt": lambda torch, t: torch.sqrt(t.p),
    "sum": lambda torch, t: t.x.sum(),
    "mean": lambda torch, t: t.x.mean(),
    "sum dim": lambda torch, t: t.x.sum(1),
    "view": lambda torch, t: t.x.view(2, 8),
    "reshape": lambda torch, t: t.x.reshape(2, 8),
    "transpose": lambda torch, t: t.x.transpose(0, 1),
    "getitem": lambda torch, t: t.x[1],
    "cat": lambda torch, t: torch.cat([t.x, t.y]),
    "matmul 4x4": lambda torch, t: t.x @ t.y,
    "linear": lambda torch, t: torch.nn.functional.linear(t.x, t.y, t.b),
    "conv2d 1x1x8x8 k3": lambda torch, t: torch.nn.functional.conv2d(t.image, t.filters, t.b),
    "max_pool2d": lambda torch, t: torch.nn.functional.max_pool2d(t.image, 2),
    "batch_norm": lambda torch, t: torch.nn.functional.batch_norm(t.images, t.mean, t.var, t.b, t.b, True),
    "log_softmax": lambda torch, t: torch.log_softmax(t.x, 1),
    "cross_entropy": lambda torch, t: torch.nn.functional.cross_entropy(t.x, t.target),
    "chain of 10": lambda torch, t: _chain(t.x, t.y),
}


def _chain(x: Any, y: Any) -> Any:
    for _ in range(5):
        x = x * y + y
    return x.sum()


class _Tensors:
    """The operands; those of floating point ask for gradients in training."""

    def __init__(self, torch: Any, train: bool) -> None:
        make = {"requires_grad": train}
        self.x, self.y = torch.randn(4, 4, **make), torch.randn(4, 4, **make)
        self.p = torch.ones(4, 4, **make)
        self.b = torch.randn(4, **make)
        self.image, self.images = torch.randn(1, 1, 8, 8, **make), torch.randn(2, 4, 4, 4, **make)
        self.filters = torch.randn(4, 1, 3, 3, **make)
        self.target = torch.randint(0, 4, (4,))
        self.mean, self.var = torch.zeros(4), torch.ones(4)


def setup(library: Library, threads: int, name: str, with_backward: bool) -> Callable[[], Any]:
    """Return a tiny operation; with backward(), which adds to the gradients of what it was computed from."""
    torch = library.module
    function, tensors = OPERATIONS[name], _Tensors(library.module, with_backward)
    if not with_backward:
        return lambda: function(torch, tensors)
    dy = torch.ones_like(function(torch, tensors)).detach()
    return lambda: function(torch, tensors).backward(dy)


def setup_zeros(library: Library, threads: int) -> Callable[[], Any]:
    """Return the making of a tiny tensor."""
    torch = library.module
    return lambda: torch.zeros(4, 4)


def tasks() -> list[Task]:
    """Return all operations, forward and backward, and a training step that is little else."""
    made = [Task("overhead", "forward", "zeros", setup_zeros, ())]
    made += [Task("overhead", "forward", name, setup, (name, False)) for name in OPERATIONS]
    made += [Task("overhead", "backward", f"{name} backward", setup, (name, True)) for name in OPERATIONS]
    return [*made, Task("overhead", "step", "lenet5 step batch 1", train.setup, ("lenet5", 1), images=1)]
