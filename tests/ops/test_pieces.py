"""Functions of straight pieces, short powers and the first few of many: as PyTorch, in every layout."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn

FUNCTIONS = {
    "leaky_relu": lambda F, x: F.leaky_relu(x, 0.3),
    "relu6": lambda F, x: F.relu6(x),
    "hardtanh": lambda F, x: F.hardtanh(x, -0.5, 2.0),
    "hardsigmoid": lambda F, x: F.hardsigmoid(x),
    "hardswish": lambda F, x: F.hardswish(x),
    "gelu": lambda F, x: F.gelu(x),
    "huber_loss": lambda F, x: F.huber_loss(x, x.detach() * 0 + 0.25, reduction="none", delta=0.7),
    "smooth_l1_loss": lambda F, x: F.smooth_l1_loss(x, x.detach() * 0 + 0.25, reduction="none", beta=0.7),
}
LAYOUTS = {
    "dense": lambda x: x * 1,
    "turned": lambda x: (x * 1).t(),
    "stepped": lambda x: (x * 1)[:, ::2],
    "expanded": lambda x: (x * 1)[:1].expand(3, -1),
}


@pytest.mark.parity
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_as_pytorch_in_every_layout(name, layout, rng):
    torch = pytest.importorskip("torch")
    data, found = 3 * rng.standard_normal((5, 8)).astype(np.float32), []
    for package in (tinygrad_cnn, torch):
        x = package.tensor(data, requires_grad=True)
        y = FUNCTIONS[name](package.nn.functional, LAYOUTS[layout](x))
        y.sum().backward()  # a gradient of one number, repeated
        by_sum, x.grad = x.grad.numpy().copy(), None
        y = FUNCTIONS[name](package.nn.functional, LAYOUTS[layout](x))
        (y * y).sum().backward()
        found.append((y.detach().numpy(), by_sum, x.grad.numpy()))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_of_first_and_second_order(name, rng):
    x = tinygrad_cnn.tensor(3 * rng.standard_normal((4, 5)), requires_grad=True)
    assert tinygrad_cnn.autograd.gradcheck(lambda x: FUNCTIONS[name](tinygrad_cnn.nn.functional, x), (x,))
    assert tinygrad_cnn.autograd.gradgradcheck(lambda x: FUNCTIONS[name](tinygrad_cnn.nn.functional, x), (x,))


def test_in_place_without_another_array(rng):
    x = tinygrad_cnn.tensor(rng.standard_normal((50, 60)).astype(np.float32), requires_grad=True)
    for change in (tinygrad_cnn.nn.functional.leaky_relu_, tinygrad_cnn.nn.functional.hardtanh_):
        y = x * 1
        memory = y.data_ptr()
        assert change(y) is y and y.data_ptr() == memory
        y.sum().backward()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_results_may_be_changed_in_place(name, rng):
    """As in PyTorch, which keeps the input: `y = leaky_relu(x); y += x` is what networks do."""
    data, found = rng.standard_normal((4, 5)), []
    for change in (lambda y: y.add_(1), lambda y: y + 1):
        x = tinygrad_cnn.tensor(data, requires_grad=True)
        change(FUNCTIONS[name](tinygrad_cnn.nn.functional, x)).sum().backward()
        found.append(x.grad.numpy())
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("loss", ["huber_loss", "smooth_l1_loss"])
def test_losses_refuse_integers(loss):
    ones = tinygrad_cnn.ones(3, dtype=tinygrad_cnn.int64)
    with pytest.raises(NotImplementedError, match="not implemented for 'Long'"):
        getattr(tinygrad_cnn.nn.functional, loss)(ones, ones)


@pytest.mark.parity
@pytest.mark.parametrize("exponent", [0.5, -0.5, 2, 3, 3.0, -1, -2])
def test_short_powers(exponent, rng):
    torch = pytest.importorskip("torch")
    special = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e30, 1e-30]
    data, found = np.concatenate([special, rng.standard_normal(91)]).astype(np.float32), []
    for package in (tinygrad_cnn, torch):
        x = package.tensor(data, requires_grad=True)
        y = x**exponent
        y.backward(package.ones(100))
        found.append((y.detach().numpy(), x.grad.numpy(), (package.tensor(data).pow_(exponent)).numpy()))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("k", [1, 3, 40, 99, 400])
def test_topk_of_equals_and_nan(k, largest, dtype, rng):
    """However few are asked for, values come in order, a NaN as the largest, and indices say where they are."""
    data = rng.integers(0, 30, (6, 400, 2)).astype(dtype)
    if dtype is np.float32:
        data[:, 7] = np.nan
    values, places = (result.numpy() for result in tinygrad_cnn.tensor(data).topk(k, 1, largest))
    whole = np.sort(data, 1)
    np.testing.assert_array_equal(values, whole[:, ::-1][:, :k] if largest else whole[:, :k])
    np.testing.assert_array_equal(np.take_along_axis(data, places, 1), values)
    assert all(len(set(column)) == k for row in places for column in row.T)
