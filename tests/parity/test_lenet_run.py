"""A LeNet run of 200 steps, here and in PyTorch, from one seed: same weights, same batches, losses that follow."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn
import tinygrad_cnn.nn.functional
import tinygrad_cnn.optim
import tinygrad_cnn.utils.data

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity
STEPS = 200


def digits(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images (N, 1, 28, 28) of ten noisy prototypes, which a network can learn, and their labels."""
    rng = np.random.default_rng(0)
    prototypes = rng.random((10, 1, 28, 28), np.float32)
    labels = rng.integers(0, 10, count)
    return 2 * prototypes[labels] - 1 + 0.3 * rng.standard_normal((count, 1, 28, 28)).astype(np.float32), labels


def lenet(t):
    """Return LeNet-5 (ReLU, max pooling) in the given library."""
    nn = t.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def run(t, make_optimizer, dtype: str = "float32") -> tuple[list[float], list[np.ndarray], list[np.ndarray]]:
    """Train 200 steps; return the losses, the labels of each batch, and the final weights."""
    images, labels = digits(64 * 64)
    t.manual_seed(3)
    net = lenet(t).to(getattr(t, dtype))
    data = t.utils.data.TensorDataset(t.from_numpy(images).to(getattr(t, dtype)), t.from_numpy(labels))
    loader = t.utils.data.DataLoader(data, batch_size=32, shuffle=True)
    optimizer = make_optimizer(t, net)
    schedule = t.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=optimizer.param_groups[0]["lr"], total_steps=STEPS)
    losses, seen = [], []
    while len(losses) < STEPS:
        for x, y in loader:
            optimizer.zero_grad()
            loss = t.nn.functional.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
            seen.append(y.numpy().copy())
            if len(losses) == STEPS:
                break
    return losses, seen, [p.detach().numpy() for p in net.parameters()]


OPTIMIZERS = {
    "sgd": lambda t, net: t.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4),
    "adamw": lambda t, net: t.optim.AdamW(net.parameters(), lr=1e-3),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_losses_follow_pytorch_float64(name):
    ours, our_batches, our_weights = run(tinygrad_cnn, OPTIMIZERS[name], "float64")
    theirs, their_batches, their_weights = run(torch, OPTIMIZERS[name], "float64")
    for mine, other in zip(our_batches, their_batches, strict=True):
        np.testing.assert_array_equal(mine, other)
    np.testing.assert_allclose(ours, theirs, rtol=1e-7)
    for mine, other in zip(our_weights, their_weights, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-8)
    assert ours[-1] < 0.1 * ours[0], "the run learns, so the comparison means something"


def test_losses_follow_pytorch_float32():
    ours, our_batches, _ = run(tinygrad_cnn, OPTIMIZERS["sgd"])
    theirs, their_batches, _ = run(torch, OPTIMIZERS["sgd"])
    for mine, other in zip(our_batches, their_batches, strict=True):
        np.testing.assert_array_equal(mine, other)
    # Rounding grows along the run: exact at first, within a few per mille of the first loss at the end.
    np.testing.assert_allclose(ours[:10], theirs[:10], rtol=1e-5)
    np.testing.assert_allclose(ours, theirs, atol=5e-3 * theirs[0])


def test_initial_weights_have_pytorchs_bits():
    for t in (tinygrad_cnn, torch):
        t.manual_seed(11)
    for mine, other in zip(lenet(tinygrad_cnn).parameters(), lenet(torch).parameters(), strict=True):
        np.testing.assert_array_equal(mine.detach().numpy(), other.detach().numpy())


def test_the_run_is_the_same_for_any_number_of_threads():
    before = tinygrad_cnn.get_num_threads()
    try:
        runs = []
        for threads in (1, 2, 3):
            tinygrad_cnn.set_num_threads(threads)
            runs.append(run(tinygrad_cnn, OPTIMIZERS["sgd"]))
    finally:
        tinygrad_cnn.set_num_threads(before)
    assert runs[0][0] == runs[1][0] == runs[2][0]
    for weights in zip(*[one[2] for one in runs], strict=True):
        assert weights[0].tobytes() == weights[1].tobytes() == weights[2].tobytes()
