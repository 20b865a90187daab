"""Small work: no operation may be slower for having more threads, whatever its size.

One call each of what the core splits over threads, on arrays from 64 to a million elements: images of 8 x 8 and 16
channels, rows of 16. Below some size an operation should run on the caller's thread alone; from some size on it should
gain. The table gives the time on one thread, and how many times faster the most threads are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .harness import Result, Task
from .library import OURS, Library
from .report import duration, table

GROUP = "small work"
SIZES = (64, 512, 2048, 8192, 32768, 131072, 1048576)


def _flat(size: int) -> tuple[int, ...]:
    return (size,)


def _rows(size: int) -> tuple[int, ...]:
    return (size // 16, 16)


def _images(size: int) -> tuple[int, ...]:
    channels = min(16, max(1, size // 64))
    return (max(1, size // 64 // channels), channels, 8, 8)


Call = Callable[[Any, Any], Any]  # of the package and x
FORWARD: dict[str, tuple[Callable[[int], tuple[int, ...]], Call]] = {
    "relu": (_flat, lambda torch, x: torch.relu(x)),
    "add": (_flat, lambda torch, x: x + x),
    "exp": (_flat, lambda torch, x: torch.exp(x)),
    "compare": (_flat, lambda torch, x: x > 0.5),
    "sum": (_flat, lambda torch, x: x.sum()),
    "sum of rows": (_rows, lambda torch, x: x.sum(1)),
    "sum of columns": (_rows, lambda torch, x: x.sum(0)),
    "max of rows": (_rows, lambda torch, x: x.max(1)),
    "softmax": (_rows, lambda torch, x: torch.softmax(x, 1)),
    "permuted copy": (_images, lambda torch, x: x.permute(0, 2, 3, 1).contiguous()),
    "pad": (_images, lambda torch, x: torch.nn.functional.pad(x, (1, 1, 1, 1))),
    "dropout": (_flat, lambda torch, x: torch.nn.functional.dropout(x, 0.5)),
    "max_pool": (_images, lambda torch, x: torch.nn.functional.max_pool2d(x, 2)),
    "avg_pool": (_images, lambda torch, x: torch.nn.functional.avg_pool2d(x, 2)),
    "global average": (_images, lambda torch, x: torch.nn.functional.adaptive_avg_pool2d(x, 1)),
    "batch_norm": (_images, lambda torch, x: torch.nn.functional.batch_norm(x, None, None, training=True)),
}
TRAIN = ("relu", "max_pool", "avg_pool", "global average", "pad", "batch_norm", "softmax")
OPTIMIZERS: dict[str, dict[str, float]] = {"SGD": {"lr": 0.01, "momentum": 0.9}, "Adam": {}}


def setup_forward(library: Library, threads: int, name: str, size: int) -> Callable[[], Any]:
    """Return an operation on `size` elements."""
    torch = library.module
    shape, call = FORWARD[name]
    x = library.place(torch.randn(*shape(size)))
    return lambda: call(torch, x)


def setup_train(library: Library, threads: int, name: str, size: int) -> Callable[[], Any]:
    """Return the same with the gradient of its input."""
    torch = library.module
    shape, call = FORWARD[name]
    x = library.place(torch.randn(*shape(size))).requires_grad_()
    dy = torch.randn(*call(torch, x).shape)
    return lambda: torch.autograd.grad(call(torch, x), [x], dy)


def setup_loss(library: Library, threads: int, name: str, size: int) -> Callable[[], Any]:
    """Return cross-entropy of `size` logits."""
    torch = library.module
    x = torch.randn(*_rows(size))
    target = torch.randint(0, 16, (x.shape[0],))
    return lambda: torch.nn.functional.cross_entropy(x, target)


def setup_optimizer(library: Library, threads: int, name: str, size: int) -> Callable[[], Any]:
    """Return an optimizer's step over one parameter."""
    torch = library.module
    parameter = torch.nn.Parameter(torch.randn(size))
    parameter.grad = torch.randn(size)
    return getattr(torch.optim, name)([parameter], **OPTIMIZERS[name], **library.optimizer_options()).step


def tasks() -> list[Task]:
    """Return every operation at every size."""
    kinds = [
        *((setup_forward, name, name) for name in FORWARD),
        *((setup_train, name, f"{name} train") for name in TRAIN),
        (setup_loss, "cross_entropy", "cross_entropy"),
        *((setup_optimizer, name, name) for name in OPTIMIZERS),
    ]
    return [
        Task("scaling", GROUP, f"{label} of {size}", setup, (name, size))
        for setup, name, label in kinds
        for size in SIZES
    ]


def tables(results: list[Result]) -> list[str]:
    """Return a table of operations by sizes: the time on one thread, and the speed-up of ours on the most threads."""
    times = {(result.task.name, result.threads): result.seconds(OURS) for result in results}
    threads = max(result.threads for result in results)
    rows = [[f"time on 1, speed-up on {threads}", *map(str, SIZES)]]
    for label in dict.fromkeys(name.rpartition(" of ")[0] for name, _ in times):
        cells = [label]
        for size in SIZES:
            one, many = (times.get((f"{label} of {size}", count)) for count in (1, threads))
            cells.append(f"{duration(one)} {one / many:.2f}x" if one and many else "")
        rows.append(cells)
    return ["", *table(rows)] if threads > 1 else []
