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


def test_leaky_relu_in_place_keeps_its_output_alone(rng):
    x = tinygrad_cnn.tensor(rng.standard_normal((50, 60)).astype(np.float32), requires_grad=True)
    y = x * 1
    memory = y.data_ptr()
    assert tinygrad_cnn.nn.functional.leaky_relu_(y, 0.25) is y and y.data_ptr() == memory
    assert y.grad_fn.saved_tensors[0].data_ptr() == memory
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.where(x.detach().numpy() > 0, 1, np.float32(0.25)))


def test_relu6_in_place_may_be_changed_in_place(rng):
    """As in PyTorch, which keeps a copy of the input: `relu6_(y); y += x` is what networks do."""
    x = tinygrad_cnn.tensor([[-1.0, 0.5, 7.0]], requires_grad=True)
    y = x * 1
    tinygrad_cnn.nn.functional.relu6(y, inplace=True)
    y += x
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[1, 2, 1]])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_results_may_be_changed_in_place(name, rng):
    """As in PyTorch, which keeps the input: `y = leaky_relu(x); y += x` is what networks do."""
    data, found = rng.standard_normal((4, 5)), []
    for change in (lambda y: y.add_(1), lambda y: y + 1):
        x = tinygrad_cnn.tensor(data, requires_grad=True)
        change(FUNCTIONS[name](tinygrad_cnn.nn.functional, x)).sum().backward()
        found.append(x.grad.numpy())
    np.testing.assert_array_equal(*found)


@pytest.mark.parity
@pytest.mark.parametrize(
    "name", [*sorted(FUNCTIONS.keys() - {"hardsigmoid"}), "leaky_relu of a tiny slope"]
)  # not in PyTorch
def test_gradients_of_gradients_at_kinks_and_infinities(name):
    torch, found = pytest.importorskip("torch"), []
    kinks = [-np.inf, -3.0, -1.0, -0.5, 0.0, 0.5, 0.95, 1.0, 2.0, 3.0, 6.0, np.inf]
    for package in (tinygrad_cnn, torch):
        F = package.nn.functional
        call = FUNCTIONS.get(name) or (lambda F, x: F.leaky_relu(x, 1e-50))
        x, v = package.tensor(kinks, requires_grad=True), package.ones(12).requires_grad_()
        y = call(F, x)
        (g,) = package.autograd.grad(y, x, v, create_graph=True)
        second = package.autograd.grad(g.sum(), v, retain_graph=True)
        if name != "gelu":  # which PyTorch, too, differentiates to NaN at infinities
            (by_x,) = package.autograd.grad((g * g).sum(), x, allow_unused=True)
            second += (package.zeros(12) if by_x is None else by_x,)
        found.append([y.detach().numpy(), g.detach().numpy(), *(each.numpy() for each in second)])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("beta", [1e-5, 1e-3, 0.11, 1.0, 10.0, np.inf])
def test_smooth_l1_loss_of_large_and_small(beta, dtype):
    torch, found = pytest.importorskip("torch"), []
    if beta == np.inf and dtype == "float16":
        pytest.skip("in PyTorch the squares overflow, and inf / inf is NaN")
    for package in (tinygrad_cnn, torch):
        kind = getattr(package, dtype)
        x = package.tensor([7000.0, -20000.0, 1e-3, 1e-4, 0.5, 700.0, np.inf, np.nan], dtype=kind, requires_grad=True)
        y = package.nn.functional.smooth_l1_loss(x, package.zeros(8, dtype=kind), reduction="none", beta=beta)
        y.backward(package.ones(8, dtype=kind))
        found.append((y.detach().float().numpy(), x.grad.float().numpy()))
    for ours, theirs in zip(*found, strict=True):
        # PyTorch rounds the products of halves one by one.
        np.testing.assert_allclose(ours, theirs, *((1e-6, 0) if dtype == "float32" else (8e-3, 1e-5)))


@pytest.mark.parity
def test_roots_of_halves():
    torch, found = pytest.importorskip("torch"), []
    for package in (tinygrad_cnn, torch):
        for dtype in (package.float16, package.bfloat16):
            x = package.tensor([-np.inf, -0.0, 0.0, 4.0, np.inf], dtype=dtype)
            found.append([(x**exponent).float().numpy() for exponent in (0.5, -0.5, 2, 3)])
    for ours, theirs in zip(found[:2], found[2:], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_topk_takes_the_first_of_equals():
    np.testing.assert_array_equal(tinygrad_cnn.zeros(2, 100).topk(3)[1].numpy(), [[0, 1, 2]] * 2)
    x = tinygrad_cnn.tensor([5.0, 1.0] * 50)
    np.testing.assert_array_equal(x.topk(2)[1].numpy(), [0, 2])
    np.testing.assert_array_equal(x.topk(3, largest=False)[1].numpy(), [1, 3, 5])


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "int64", "bool"])
def test_where_takes_numbers(dtype):
    torch, found = pytest.importorskip("torch"), []
    for package in (tinygrad_cnn, torch):
        x, mask = package.tensor([0, 1]).to(getattr(package, dtype)), package.tensor([True, False])
        found.append(
            [(str(y.dtype), y.float().tolist()) for y in (package.where(mask, x, 2), package.where(mask, 2, x))]
        )
    assert found[0] == found[1]


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


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "int64", "uint8", "bool"])
def test_a_number_where_a_mask_holds(dtype, rng):
    torch, found = pytest.importorskip("torch"), []
    mask = rng.random((6, 8)) > 0.5
    for package in (tinygrad_cnn, torch):
        x = package.tensor(np.arange(48).reshape(6, 8)).to(getattr(package, dtype))
        masks = package.tensor(mask)
        x[masks] = 3
        x.t()[masks.t()] = 5
        x[1:3][masks[1:3]] = 7
        x[:, ::2][masks[:, ::2]] = 9
        x[None, masks] = package.tensor(2.5)
        x[masks[:, 0]] = 1
        found.append(x.float().numpy())
    np.testing.assert_array_equal(*found)


@pytest.mark.parity
@pytest.mark.parametrize("dim", [0, 1, 2])
def test_elements_of_a_rank(dim, rng):
    """kthvalue and median: values as in PyTorch, indices of the element that a stable sort would put there."""
    torch = pytest.importorskip("torch")
    for data in (rng.integers(0, 4, (5, 6, 7)), rng.standard_normal((5, 6, 7)), np.full((5, 6, 7), np.nan)):
        order = np.argsort(data, dim, kind="stable")
        for k in (1, 3, data.shape[dim]):
            values, places = tinygrad_cnn.tensor(data).kthvalue(k, dim)
            np.testing.assert_array_equal(values.numpy(), torch.tensor(data).kthvalue(k, dim)[0].numpy())
            np.testing.assert_array_equal(places.numpy(), order.take(k - 1, dim))
        median = tinygrad_cnn.tensor(data).median(dim, keepdim=True)[0].numpy()
        np.testing.assert_array_equal(median, torch.tensor(data).median(dim, keepdim=True)[0].numpy())
        assert tinygrad_cnn.tensor(data).median().isnan() or (
            tinygrad_cnn.tensor(data).median() == torch.tensor(data).median().item()
        )
