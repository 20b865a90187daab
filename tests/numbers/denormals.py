"""What denormal numbers cost: a training step and single kernels with data of 1e-39, beside those with ordinary data.

Nothing is computed of denormals (they count as zero), but a processor takes some hundred cycles for each that it meets
in the ordinary mode.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import tinygrad_cnn as tc

TINY = 1e-39
Work = Callable[[], Any]


def scaled(x: Any, scale: float) -> Any:
    """Return x times a scale, by NumPy: the kernels would make zeros of it."""
    made = tc.from_numpy(x.detach().numpy() * np.float32(scale))
    assert scale == 1 or (made.numpy() != 0).mean() > 0.9
    return made


def _step(scale: float) -> Work:
    """Return a training step of a small network whose weights, inputs and optimizer's averages have a scale."""
    tc.manual_seed(0)
    nn = tc.nn
    net = nn.Sequential(
        nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 16, 5), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(256, 10),
    )  # fmt: skip
    images, labels = scaled(tc.randn(32, 8, 24, 24), scale), tc.randint(0, 10, (32,))
    kept = [(p, scaled(p + 0.1, scale)) for p in net.parameters()]
    optimizer = tc.optim.Adam(net.parameters(), lr=0.0)

    def step() -> None:
        with tc.no_grad():
            for parameter, values in kept:
                parameter.copy_(values)
        optimizer.zero_grad()
        (nn.functional.cross_entropy(net(images), labels) * scale).backward()
        for parameter, values in kept:
            parameter.grad.copy_(values)
        optimizer.step()

    return step


def _kernels() -> dict[str, Callable[[float], Work]]:
    """Return functions that make, of a scale, a call of one family of kernels."""
    functional = tc.nn.functional
    x, image, weight, deep = (
        tc.randn(*shape) for shape in ((256, 256), (8, 16, 24, 24), (16, 16, 3, 3), (16, 1, 3, 3))
    )
    calls: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
        "product": (lambda a: a @ a, (x,)),
        "convolution": (lambda a, w: functional.conv2d(a, w, padding=1), (image, weight)),
        "strided convolution": (lambda a, w: functional.conv2d(a, w, stride=2), (image, weight)),
        "depthwise convolution": (lambda a, w: functional.conv2d(a, w, groups=16), (image, deep)),
        "pooling": (lambda a: functional.avg_pool2d(a, 3, 2), (image,)),
        "sums": (lambda a: (a.sum(0), a.mean(1), a.amax()), (x,)),
        "arithmetic": (lambda a: (a * 0.5 + a).div_(3.0), (x,)),
        "exponentials": (lambda a: (a.exp(), a.tanh(), a.log1p(), a.sigmoid()), (x,)),
        "softmax": (lambda a: a.softmax(1), (x,)),
        "normalisation": (lambda a: functional.batch_norm(a, None, None, training=True), (image,)),
        "resampling": (lambda a: functional.interpolate(a, scale_factor=2.0, mode="bilinear"), (image,)),
        "variance": (lambda a: a.std(0), (x,)),
    }
    return {
        name: lambda scale, call=call, tensors=tensors: partial(call, *(scaled(t, scale) for t in tensors))
        for name, (call, tensors) in calls.items()
    }


def _seconds(work: Work, calls: int) -> float:
    begin = time.thread_time()
    for _ in range(calls):
        work()
    return time.thread_time() - begin


def ratio(make: Callable[[float], Work], seconds: float = 0.5) -> float:
    """Return how many times as long a call takes with tiny numbers as with ordinary ones: of medians, in turns.

    The time of this thread counts, on one thread: other programs hardly disturb it.
    """
    threads = tc.get_num_threads()
    tc.set_num_threads(1)
    try:
        tiny, ordinary = make(TINY), make(1.0)
        _seconds(tiny, 1)
        calls = max(1, int(seconds / 30 / max(_seconds(ordinary, 2) / 2, 1e-6)))
        rounds = [(_seconds(tiny, calls), _seconds(ordinary, calls)) for _ in range(15)]
    finally:
        tc.set_num_threads(threads)
    return statistics.median(a for a, _ in rounds) / statistics.median(b for _, b in rounds)


def ratios(seconds: float = 0.5) -> dict[str, float]:
    """Return the ratio of a training step, and that of each family of kernels."""
    return {"training step": ratio(_step, seconds)} | {name: ratio(make, seconds) for name, make in _kernels().items()}
