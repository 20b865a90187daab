"""What the graph holds goes as soon as it is not needed, by reference counting alone."""

from __future__ import annotations

import gc
import weakref

import pytest

import tinygrad_cnn as torch
from tinygrad_cnn.core.runtime import memory_stats


@pytest.fixture(autouse=True)
def without_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def alive(tensor):
    return weakref.ref(tensor._array)


def test_intermediate_goes_with_the_graph():
    x = torch.ones(100, requires_grad=True)
    y = x * 2
    z = (y * y).exp()
    reference = alive(y)
    del y
    assert reference() is not None  # saved for backward
    del z
    assert reference() is None


def test_backward_frees_what_was_saved():
    x = torch.ones(100, requires_grad=True)
    y = x * 2
    loss = (y * y).sum()
    reference = alive(y)
    del y
    loss.backward()
    assert reference() is None
    assert loss.grad_fn is not None


def test_nothing_is_saved_without_need():
    x = torch.ones(100, requires_grad=True)
    y = x * 2
    z = y + 1
    reference = alive(y)
    del y
    assert reference() is None
    assert z.requires_grad


def test_nothing_is_saved_under_no_grad():
    x = torch.ones(100, requires_grad=True)
    with torch.no_grad():
        y = x * 2
        z = y.exp() * y
    reference = alive(y)
    del y
    assert reference() is None
    assert not z.requires_grad


def test_own_output_saved_makes_no_cycle():
    x = torch.ones(100, requires_grad=True)
    for function in (lambda t: t.exp(), lambda t: t.sigmoid(), lambda t: t.relu(), lambda t: t.softmax(0)):
        if not hasattr(x, "softmax") and function(x) is None:
            continue
        y = function(x)
        node, array = weakref.ref(y.grad_fn), alive(y)
        del y
        assert array() is None
        assert node() is None


def test_in_place_makes_no_cycle():
    x = torch.ones(100, requires_grad=True)
    y = x * 2
    y.mul_(x).add_(1).exp_()
    y[:3].mul_(2)
    z = y[5:]
    z.mul_(y[:95].detach())
    references = [alive(y), weakref.ref(y.grad_fn), weakref.ref(z.grad_fn)]
    del y, z
    assert [reference() for reference in references] == [None, None, None]


def test_retained_gradient_makes_no_cycle():
    x = torch.ones(100, requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.sum().backward()
    reference = alive(y)
    del y
    assert reference() is None


def test_function_makes_no_cycle():
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x * 2
            ctx.save_for_backward(x, y)
            return y

        @staticmethod
        def backward(ctx, grad):
            return grad * 2

    x = torch.ones(100, requires_grad=True)
    y = Twice.apply(x)
    array, node = alive(y), weakref.ref(y.grad_fn)
    y.sum().backward()
    del y
    assert array() is None
    assert node() is None


def test_training_steps_leave_no_garbage():
    torch.manual_seed(0)
    weight = torch.randn(20, 20, requires_grad=True)
    bias = torch.zeros(20, requires_grad=True)
    data = torch.randn(8, 20)

    def step():
        loss = ((data @ weight + bias).relu() ** 2).mean()
        loss.backward()
        with torch.no_grad():
            for parameter in (weight, bias):
                parameter -= 0.01 * parameter.grad
                parameter.grad = None

    for _ in range(3):
        step()
    gc.collect()
    for _ in range(20):
        step()
    assert gc.collect() == 0


def test_create_graph_cycle_is_only_the_users():
    x = torch.tensor(2.0, requires_grad=True)
    (first,) = torch.autograd.grad(x**3, x, create_graph=True)
    node = weakref.ref(first.grad_fn)
    (first * first).backward()
    del first
    assert node() is None


def test_contributions_are_added_in_memory_that_nobody_else_has():
    x = torch.randn(300, 100, requires_grad=True)
    h = x * 1
    outs = [h * float(i) for i in range(1, 6)]
    before = memory_stats()["requests"]
    torch.autograd.backward(outs, [torch.ones(300, 100) for _ in outs])
    # Ones and a product for each of the five, and h's product; out of place, four sums would come on top.
    assert memory_stats()["requests"] - before == 11
    assert (x.grad == 15).all()


def test_contributions_do_not_change_what_others_hold():
    x = torch.ones(5, requires_grad=True)
    h = x * 1
    seen, given = [], torch.full((5,), 2.0)
    h.register_hook(seen.append)
    a = h.view(5)
    b = h + h  # the same gradient goes twice to h
    c = h * 3
    for tensor in (a, b, c):
        tensor.retain_grad()
    torch.autograd.backward([h, a, b, c, a + b], [given, given, given, given, given])
    assert given.tolist() == [2.0] * 5
    assert a.grad.tolist() == [4.0] * 5 and b.grad.tolist() == [4.0] * 5 and c.grad.tolist() == [2.0] * 5
    # h: given 2, a 4, b 2 * 4, c 3 * 2
    assert x.grad.tolist() == [20.0] * 5 and [grad.tolist() for grad in seen] == [[20.0] * 5]
    seen[0].zero_()
    assert given.tolist() == [2.0] * 5 and a.grad.tolist() == [4.0] * 5


def test_contributions_do_not_change_lent_memory():
    lent = bytearray(torch.full((4,), 2.0).numpy().tobytes())
    kept = bytes(lent)
    x = torch.ones(4, requires_grad=True)
    h = x * 1
    torch.autograd.backward([h, h * 3], [torch.frombuffer(lent, dtype=torch.float32), torch.ones(4)])
    assert bytes(lent) == kept and x.grad.tolist() == [5.0] * 4
    leaf = torch.ones(4, requires_grad=True)
    leaf.view(4).backward(torch.frombuffer(lent, dtype=torch.float32))
    leaf.grad.zero_()
    assert bytes(lent) == kept


def test_captured_gradients_are_whole():
    x = torch.ones(6, requires_grad=True)
    h = x * 2
    y = (h * h + h).sum()
    of_h, of_x = torch.autograd.grad(y, (h, x))
    assert of_h.tolist() == [5.0] * 6 and of_x.tolist() == [10.0] * 6
