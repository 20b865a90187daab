"""The engine: depth, order, reuse, threads, and that gradients own their memory."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import tinygrad_cnn as torch


def leaf(*values):
    return torch.tensor(values if len(values) > 1 else values[0], dtype=torch.float64, requires_grad=True)


def test_deep_chain():
    x = leaf(1.0)
    y = x
    for _ in range(10_000):
        y = y + 0.0
    y.backward()
    assert x.grad.item() == 1


def test_very_deep_chain_is_built_run_and_destroyed():
    x = leaf(1.0)
    y = x
    for _ in range(100_000):
        y = -y
    y.backward()
    assert x.grad.item() == 1
    y = x
    for _ in range(100_000):
        y = -y
    del y  # never run: the chain of nodes goes without recursion


def test_deep_chain_of_products_with_graph_kept():
    x = leaf(1.0)
    y = x
    for _ in range(2_000):
        y = y * x
    (first,) = torch.autograd.grad(y, x, create_graph=True)
    (second,) = torch.autograd.grad(first, x)
    assert (first.item(), second.item()) == (2_001, 2_001 * 2_000)


def test_diamonds_run_each_node_once():
    x = leaf(1.0)
    y = x
    for _ in range(1_000):
        y = (y + y) * 0.5
    y.backward()
    assert x.grad.item() == 1


def test_wide_reuse():
    x = leaf(2.0)
    total = sum((x * float(i) for i in range(200)), torch.zeros((), dtype=torch.float64))
    total.backward()
    assert x.grad.item() == sum(range(200))


def test_order_of_nodes_is_topological():
    seen = []
    x = leaf(2.0)
    a = x * 2
    b = a * 3
    c = a + b
    for name, tensor in (("a", a), ("b", b), ("c", c)):
        tensor.register_hook(lambda grad, name=name: seen.append(name))
    c.backward()
    assert seen == ["c", "b", "a"]


def test_only_what_leads_to_inputs_runs():
    seen = []
    x, y = leaf(2.0), leaf(3.0)
    a, b = x * 2, y * 2
    a.register_hook(lambda grad: seen.append("a"))
    b.grad_fn.register_prehook(lambda grads: seen.append("b"))
    torch.autograd.grad(a * b, x)
    assert seen == ["a"]


def test_gradients_do_not_share_memory():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    z = x + y
    seed = torch.ones(2, dtype=torch.float64)
    z.backward(seed)
    arrays = [x.grad.numpy(), y.grad.numpy(), seed.numpy(), x.detach().numpy(), y.detach().numpy(), z.detach().numpy()]
    for i, one in enumerate(arrays):
        for other in arrays[:i]:
            assert not np.shares_memory(one, other)
    x.grad.zero_()
    assert y.grad.tolist() == [1, 1]
    assert seed.tolist() == [1, 1]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.view(4).sum(),
        lambda x: x.t().sum(),
        lambda x: x.expand(3, 2, 2).sum(),
        lambda x: (x + 0).reshape(-1).sum(),
        lambda x: x[0].sum() + x[1, 1],
        lambda x: x.sum(),
        lambda x: torch.cat([x, x]).sum(),
    ],
)
def test_gradients_are_dense_and_own_their_memory(function):
    x = torch.ones(2, 2, requires_grad=True)
    other = torch.ones(2, 2, requires_grad=True)
    (function(x) + function(other)).backward()
    assert x.grad.is_contiguous()
    assert x.grad._array.flags.writeable
    assert not np.shares_memory(x.grad._array, other.grad._array)
    x.grad.zero_()
    assert other.grad.abs().sum() > 0


def test_gradient_held_by_a_hook_is_not_overwritten():
    kept = []
    x = leaf(1.0, 2.0)
    x.register_hook(kept.append)
    (x * 2).sum().backward()
    x.grad.zero_()
    assert kept[0].tolist() == [2, 2]


def test_saved_tensors_survive_changes_of_the_gradient():
    x = leaf(1.0, 2.0)
    y = x * 3
    y.backward(torch.ones(2, dtype=torch.float64), retain_graph=True)
    x.grad.mul_(100)
    x.grad = None
    y.backward(torch.ones(2, dtype=torch.float64))
    assert x.grad.tolist() == [3, 3]


def test_accumulated_in_place_keeps_its_memory():
    x = leaf(1.0, 2.0)
    (x * 2).sum().backward()
    where = x.grad.data_ptr()
    (x * 2).sum().backward()
    assert x.grad.data_ptr() == where
    assert x.grad.tolist() == [4, 4]


def test_gradient_with_graph_is_not_changed_in_place():
    x = leaf(2.0)
    (x**3).backward(create_graph=True)
    first = x.grad
    (x**3).backward()
    assert first.item() == 12
    assert x.grad.item() == 24


def test_failed_backward_restores_the_mode_and_leaves_no_gradient():
    x = leaf(2.0)

    def fail(grad):
        raise KeyError("mine")

    y = x * 2
    y.register_hook(fail)
    with pytest.raises(KeyError, match="mine"):
        y.backward()
    assert torch.is_grad_enabled()
    assert x.grad is None


def test_threads_with_graphs_of_their_own():
    errors = []
    shared = torch.ones(64, dtype=torch.float64)

    def work(seed):
        try:
            for i in range(50):
                x = torch.full((64,), float(seed + i), dtype=torch.float64, requires_grad=True)
                y = (x * shared + x * x).sum()
                y.backward()
                np.testing.assert_array_equal(x.grad.numpy(), 1 + 2.0 * (seed + i))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_threads_on_one_retained_graph():
    x = leaf(*np.linspace(1, 2, 32))
    y = (x * x).exp().sum()
    (expected,) = torch.autograd.grad(y, x, retain_graph=True)
    results = []

    def work():
        for _ in range(30):
            results.append(torch.autograd.grad(y, x, retain_graph=True)[0])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 120
    assert all(np.array_equal(result.numpy(), expected.numpy()) for result in results)


def test_grad_mode_is_of_the_thread():
    seen = []
    with torch.no_grad():
        thread = threading.Thread(target=lambda: seen.append(torch.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_batched_gradients_are_not_implemented():
    x = leaf(2.0)
    with pytest.raises(NotImplementedError, match="is_grads_batched"):
        torch.autograd.grad(x * 2, x, is_grads_batched=True)


def test_golden_gradients():
    x = leaf(0.5, -1.5, 2.0)
    y = (x.exp() * x.sin()).sum() + (x[1:] * x[:-1]).prod()
    (first,) = torch.autograd.grad(y, x, create_graph=True)
    value = np.array([0.5, -1.5, 2.0])
    e, s, c = np.exp(value), np.sin(value), np.cos(value)
    product = np.array([value[1] * value[1] * value[2], 2 * value[0] * value[1] * value[2], value[0] * value[1] ** 2])
    np.testing.assert_allclose(first.detach().numpy(), e * (s + c) + product, rtol=1e-12)
    (second,) = torch.autograd.grad(first[0], x)
    cross = [2 * e[0] * c[0], 2 * value[1] * value[2], value[1] ** 2]
    np.testing.assert_allclose(second.numpy(), cross, rtol=1e-12)


def test_every_kept_gradient_has_memory_of_its_own():
    x = leaf(1.0, 2.0)
    y = x * 2
    y.retain_grad()
    seed = torch.ones(2, dtype=torch.float64)
    y.backward(seed)
    y.grad.zero_()
    assert seed.tolist() == [1, 1]
    x.grad = None
    x.backward(seed, create_graph=True)
    x.grad.detach().zero_()
    assert seed.tolist() == [1, 1]
    z = x * 1
    z.backward(seed, inputs=[z])
    z.grad.zero_()
    assert seed.tolist() == [1, 1]


def test_threads_add_to_a_shared_leaf():
    x = torch.zeros(1000, dtype=torch.float64, requires_grad=True)

    def work():
        for _ in range(100):
            (x * 1.0).sum().backward()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert x.grad.tolist() == [400.0] * 1000


def test_grad_of_a_tensor_that_is_not_a_leaf_warns():
    y = leaf(1.0) * 2
    with pytest.warns(UserWarning, match="not a leaf Tensor is being accessed"):
        assert y.grad is None
    y.retain_grad()
    assert y.grad is None


def test_gradient_of_a_function_gets_the_dtype_of_its_input():
    class Up(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.double()

        @staticmethod
        def vjp(ctx, grad):
            return grad * 2

    x = torch.ones(2, requires_grad=True)
    Up.apply(x).sum().backward()
    assert x.grad.dtype is torch.float32
    assert x.grad.tolist() == [2, 2]
