"""Every allocation of the core fails once in every step of a training: MemoryError, nothing broken, the retry works.

Large tensors and the kernels' work space come from the core's allocator; here tensors from 4 KiB on do, and the sizes
are just above that. In a test build alone (builds.py).
"""

from __future__ import annotations

import io

import numpy as np
import pytest

import tinygrad_cnn as torch
from tests.builds import allocations, failing_memory, needs_failing_memory
from tinygrad_cnn import nn
from tinygrad_cnn.nn import functional as F
from tinygrad_cnn.utils.data import DataLoader, TensorDataset

pytestmark = needs_failing_memory


def random(*shape):
    """Return a tensor of normal numbers, the same in every call."""
    return torch.from_numpy(np.random.default_rng(0).standard_normal(shape).astype(np.float32))


def forward_and_backward(function, *inputs):
    """Return the results of `function` on new leaves and their gradients as arrays."""
    leaves = [array.clone().requires_grad_() for array in inputs]
    out = function(*leaves)
    out.sum().backward()
    return [out.detach().numpy(), *(leaf.grad.numpy() for leaf in leaves)]


def conv():
    return forward_and_backward(
        lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1, dilation=2),
        random(2, 4, 24, 24),
        random(40, 4, 5, 5),
        random(40),
    )


def shortcut():
    return forward_and_backward(lambda x, w: F.conv2d(x, w, stride=2), random(8, 16, 20, 20), random(24, 16, 1, 1))


def columns():
    return forward_and_backward(lambda x: x.sum(0), random(60000, 3))


def linear():
    return forward_and_backward(F.linear, random(70, 90), random(80, 90), random(80))


def batched_matmul():
    return forward_and_backward(torch.matmul, random(3, 40, 50).transpose(1, 2), random(40, 60))


def max_pool():
    return forward_and_backward(lambda x: F.max_pool2d(x, 2), random(4, 8, 24, 24))


def average_pool():
    return forward_and_backward(lambda x: F.avg_pool2d(x, 3, 2, 1), random(4, 8, 24, 24))


def padding():
    return forward_and_backward(lambda x: F.pad(x, (2, 3, 1, 4), mode="reflect"), random(4, 8, 16, 16))


def batch_norm():
    layer = nn.BatchNorm2d(8)
    results = forward_and_backward(layer, random(4, 8, 24, 24))
    return [*results, layer.running_mean.numpy(), layer.running_var.numpy(), layer.num_batches_tracked.numpy()]


def cross_entropy():
    target = torch.arange(300) % 40
    return forward_and_backward(lambda x: F.cross_entropy(x, target, label_smoothing=0.1), random(300, 40))


def dropout():
    torch.manual_seed(3)
    return forward_and_backward(lambda x: F.dropout(x, 0.25), random(60, 50))


def reductions():
    return forward_and_backward(lambda x: x.transpose(0, 1).var(0) + x.amax(1), random(1100, 12))


def indexing():
    chosen = torch.arange(60) % 7
    return forward_and_backward(lambda x: x[chosen, 5:].sqrt(), random(20, 90).abs())


def train(optimizer, **options):
    """Return the weights after two steps."""
    weight = nn.Parameter(random(60, 50))
    optimizer = optimizer([weight], **options)
    for _ in range(2):
        optimizer.zero_grad()
        (weight * weight).sum().backward()
        optimizer.step()
    return [weight.detach().numpy()]


def sgd():
    return train(torch.optim.SGD, lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True)


def adam():
    return train(torch.optim.Adam, lr=0.1, amsgrad=True, weight_decay=0.01)


def adamw():
    return train(torch.optim.AdamW, lr=0.1)


def save_and_load():
    file = io.BytesIO()
    torch.save({"weight": random(60, 50), "view": random(60, 50)[:, ::2]}, file)
    file.seek(0)
    state = torch.load(file)
    return [state["weight"].numpy(), state["view"].numpy()]


def data_loader():
    torch.manual_seed(5)
    data = TensorDataset(random(40, 1, 20, 20), torch.arange(40))
    return [part.numpy() for batch in DataLoader(data, batch_size=16, shuffle=True) for part in batch]


def convolutional_network():
    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 64, 10), nn.LogSoftmax(1)
    )
    F.nll_loss(model(random(8, 1, 20, 20)), torch.arange(8)).backward()
    return [parameter.grad.numpy() for parameter in model.parameters()]


SCENARIOS = [
    conv, shortcut, columns, linear, batched_matmul, max_pool, average_pool, padding, batch_norm, cross_entropy,
    dropout, reductions, indexing, sgd, adam, adamw, save_and_load, data_loader, convolutional_network,
]  # fmt: skip


@pytest.mark.parametrize("all_later", [False, True], ids=["one", "all_later"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_every_allocation_can_fail(scenario, all_later):
    expected = scenario()
    before = allocations()
    scenario()
    count = allocations() - before
    assert count
    for n in range(1, count + 1):
        with failing_memory(n, all_later), pytest.raises(MemoryError, match="memory"):
            scenario()
        for result, wanted in zip(scenario(), expected, strict=True):
            np.testing.assert_array_equal(result, wanted)


def test_a_failed_in_place_operation_changes_nothing():
    x, row = torch.ones(60, 50), torch.arange(50, dtype=torch.float32)
    with failing_memory(1, all_later=True), pytest.raises(MemoryError):
        x[torch.arange(60)] = x.t().exp().t() * row
    assert bool((x == 1).all())


def test_a_failed_batch_norm_leaves_the_running_statistics_alone():
    layer, x = nn.BatchNorm2d(8), random(4, 8, 24, 24)
    with failing_memory(1, all_later=True), pytest.raises(MemoryError):
        layer(x)
    assert bool((layer.running_mean == 0).all())
    assert bool((layer.running_var == 1).all())
