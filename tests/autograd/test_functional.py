"""Derivatives of functions: vjp, jvp, jacobian, hessian, vhp, hvp."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import tinygrad_cnn
import tinygrad_cnn as torch
from tinygrad_cnn.autograd import functional


def double(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_jacobian_by_hand():
    x = double(1.0, 2.0, 3.0)
    jacobian = functional.jacobian(lambda t: t[:2] * t[1:], x)
    assert jacobian.tolist() == [[2, 1, 0], [0, 3, 2]]
    assert not jacobian.requires_grad


def test_hessian_by_hand():
    x = double(1.0, 2.0)
    hessian = functional.hessian(lambda t: t[0] ** 3 * t[1], x)
    assert hessian.tolist() == [[12, 3], [3, 0]]


def test_vjp_and_vhp_by_hand():
    x, v = double(1.0, 2.0), double(1.0, 10.0)
    value, product = functional.vjp(lambda t: t * t, x, v)
    assert (value.tolist(), product.tolist()) == ([1, 4], [2, 40])
    value, product = functional.vhp(lambda t: (t**3).sum(), x, v)
    assert (value.item(), product.tolist()) == (9, [6, 120])


@pytest.mark.parity
def test_structures_as_pytorch():
    reference = pytest.importorskip("torch")
    from torch.autograd import functional as theirs

    def run(module, functions):
        x = module.tensor([[1.0, 2.0], [0.5, -1.0]], dtype=module.float64)
        y = module.tensor([3.0, 4.0], dtype=module.float64)
        found = [
            functions.jacobian(lambda a, b: (a @ b, b * 2), (x, y)),
            functions.jacobian(lambda a: a.sin(), x),
            functions.hessian(lambda a, b: (a.exp() @ b).sum(), (x, y)),
            functions.vjp(lambda a, b: a @ b, (x, y), y),
            functions.vhp(lambda a: (a**3).sum(), x, x),
            functions.hvp(lambda a: (a**3).sum(), x, x),
            functions.hvp(lambda a, b: (a.exp() @ b).sum(), (x, y), (x * 2, y)),
            functions.vhp(lambda a, b: (a.exp() @ b).sum(), (x, y), (x * 2, y)),
            functions.jvp(lambda a, b: (a @ b, b * 2), (x, y), (x, y * 3)),
            functions.jvp(lambda a: a.sin(), x, y.outer(y)),
            functions.jvp(lambda a: a.exp(), y[:1]),
            functions.vjp(lambda a: a.exp(), y[:1]),
            functions.jvp(lambda a, b: b * 2, (x, y), (x, y)),
            functions.hvp(lambda a, b: b.exp().sum(), (x, y), (x, y)),
            functions.jacobian(lambda a: a.sum(), y, create_graph=True),
        ]
        flat = []

        def collect(value):
            if isinstance(value, tuple):
                flat.append(len(value))
                for item in value:
                    collect(item)
            else:
                flat.append(value.detach().numpy())

        for value in found:
            collect(value)
        return flat

    for ours, expected in zip(run(tinygrad_cnn, functional), run(reference, theirs), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-12)


def test_create_graph():
    x = double(2.0).requires_grad_()
    jacobian = functional.jacobian(lambda t: t**3, x, create_graph=True)
    assert jacobian.requires_grad
    assert torch.autograd.grad(jacobian.sum(), x)[0].tolist() == [12]


def test_refusals():
    with pytest.raises(TypeError, match="must be either a Tensor"):
        functional.jacobian(lambda t: t, 3)
    with pytest.raises(NotImplementedError, match="vectorize"):
        functional.jacobian(lambda t: t, double(1.0), vectorize=True)
    with pytest.raises(RuntimeError, match="independent"):
        functional.jacobian(lambda a, b: a * 2, (double(1.0), double(2.0)), strict=True)
    with pytest.raises(RuntimeError, match="single element"):
        functional.hessian(lambda t: t, double(1.0, 2.0))


def test_products_with_vectors_are_differentiable():
    x, v = double(2.0, 3.0).requires_grad_(), double(1.0, 10.0).requires_grad_()
    _, product = functional.jvp(lambda t: t**3, x, v, create_graph=True)
    assert [g.tolist() for g in torch.autograd.grad(product.sum(), (x, v))] == [[12, 180], [12, 27]]
    _, product = functional.hvp(lambda t: (t**3).sum(), x, v, create_graph=True)
    assert [g.tolist() for g in torch.autograd.grad(product.sum(), (x, v))] == [[6, 60], [12, 18]]


ERRORS = {
    "several outputs": lambda f, x: f(lambda t: (t.sum(), t.sum()), x, x),
    "length": lambda f, x: f(lambda t, u: t.sum(), (x, x), (x,)),
    "length of one": lambda f, x: f(lambda t: t.sum(), x, (x, x)),
    "size": lambda f, x: f(lambda t: t.sum(), x, x[:1]),
    "size in a tuple": lambda f, x: f(lambda t, u: t.sum(), (x, x), (x, x[:1])),
    "missing": lambda f, x: f(lambda t: t * 2, x),
    "no tensor": lambda f, x: f(lambda t: 3, x, x),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("product", ["hvp", "vhp"])
def test_errors_as_pytorch(name, product):
    reference = pytest.importorskip("torch")
    caught = []
    for module in (tinygrad_cnn, reference):
        function = getattr(importlib.import_module(f"{module.__name__}.autograd.functional"), product)
        with pytest.raises((RuntimeError, TypeError)) as error:
            ERRORS[name](function, module.ones(2))
        caught.append((error.type, str(error.value)))
    assert caught[0] == caught[1]
