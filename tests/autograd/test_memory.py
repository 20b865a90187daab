"""What the graph holds goes as soon as it is not needed, by reference counting alone."""

from __future__ import annotations

import gc
import weakref

import pytest

import tinygrad_cnn as torch


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
