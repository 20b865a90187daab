"""A graph that refers to itself, through hooks or otherwise, is found by the collector, with all its memory."""

from __future__ import annotations

import gc
import weakref

import pytest

import tinygrad_cnn as torch
from tinygrad_cnn import nn
from tinygrad_cnn.core.runtime import memory_stats


def leaf():
    return torch.ones(2000, requires_grad=True)


def tensor_hook():
    y = leaf() * 2
    y.register_hook(lambda grad: grad + y)
    y.sum().backward()
    return y


def node_hooks():
    y = (leaf() * 2).exp()
    y.grad_fn.register_hook(lambda *grads: y.numel() and None)
    y.grad_fn.register_prehook(lambda *grads: y.numel() and None)
    y.sum().backward()
    return y


def post_accumulate_hook():
    x = leaf()
    x.register_post_accumulate_grad_hook(lambda parameter: x.numel())
    (x * 2).sum().backward()
    return x


def module_hooks():
    model = nn.Sequential(nn.Linear(50, 60), nn.ReLU())
    model.register_forward_pre_hook(lambda module, inputs: model and None)
    model.register_forward_hook(lambda module, inputs, output: model and None)
    model.register_full_backward_hook(lambda module, grad_input, grad_output: model and None)
    model.outputs = model(torch.ones(4, 50, requires_grad=True))
    model.outputs.sum().backward()
    return model.outputs


def retained_gradient_of_itself():
    y = leaf() * 2
    y.retain_grad()
    y.sum().backward()
    y.grad.back = y
    return y


def gradient_with_a_graph():
    """x.grad's graph leads to x: a cycle that PyTorch warns of, because it cannot see it."""
    x = leaf()
    (x**3).sum().backward(create_graph=True)
    return x


def function_that_keeps_its_output():
    class Keeps(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.y = x * 2
            ctx.save_for_backward(x, ctx.y)
            return ctx.y

        @staticmethod
        def backward(ctx, grad):
            return grad * 2

    y = Keeps.apply(leaf())
    y.sum().backward()
    return y


def optimizer_hooks():
    x = leaf()
    optimizer = torch.optim.Adam([x])
    optimizer.register_step_post_hook(lambda *arguments: optimizer and None)
    x.owner = optimizer
    (x * 2).sum().backward()
    optimizer.step()
    return x


@pytest.mark.filterwarnings("ignore:Using backward\\(\\) with create_graph")
@pytest.mark.parametrize(
    "scenario",
    [
        tensor_hook, node_hooks, post_accumulate_hook, module_hooks, retained_gradient_of_itself, gradient_with_a_graph,
        function_that_keeps_its_output, optimizer_hooks,
    ],
)  # fmt: skip
def test_it_is_collected(scenario):
    scenario()  # what is made once for all is there
    gc.collect()
    before = memory_stats()["in_use"]
    tensor = scenario()
    assert memory_stats()["in_use"] > before
    references = [weakref.ref(thing) for thing in (tensor, tensor._array, tensor.grad_fn) if thing is not None]
    del tensor
    gc.collect()
    assert [reference() for reference in references] == [None] * len(references)
    assert memory_stats()["in_use"] == before
