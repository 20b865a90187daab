"""Softmax and log-softmax: definition, extremes, PyTorch, numerical gradients, errors."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cnn as tg
from tests.nn.twin import check_twin
from tinygrad_cnn.autograd import gradcheck, gradgradcheck
from tinygrad_cnn.nn import functional as F


@pytest.mark.parametrize("dim", [0, 1, 2, -1])
def test_definition(dim, rng):
    x = rng.standard_normal((3, 4, 5)) * 10
    e = np.exp(x - x.max(dim, keepdims=True))
    expected = e / e.sum(dim, keepdims=True)
    np.testing.assert_allclose(F.softmax(tg.from_numpy(x), dim).numpy(), expected, rtol=1e-13)
    np.testing.assert_allclose(F.log_softmax(tg.from_numpy(x), dim).numpy(), np.log(expected), rtol=1e-12, atol=1e-13)


def test_extremes():
    x = tg.tensor([[1000.0, 0.0, -1000.0], [math.inf, 0.0, 1.0], [-math.inf, 0.0, 0.0]], dtype=tg.float64)
    y = F.softmax(x, 1)
    assert y[0].tolist() == [1.0, 0.0, 0.0]
    assert y[1].isnan().any()
    assert y[2].tolist() == [0.0, 0.5, 0.5]
    assert F.log_softmax(x, 1)[0].tolist() == [0.0, -1000.0, -2000.0]


@pytest.mark.parametrize("function", [F.softmax, F.log_softmax])
@pytest.mark.parametrize("dim", [0, 1])
def test_gradients_numerically(function, dim, rng):
    x = tg.tensor(rng.standard_normal((3, 4)).tolist(), dtype=tg.float64, requires_grad=True)
    assert gradcheck(lambda v: function(v, dim), [x])
    assert gradgradcheck(lambda v: function(v, dim), [x])


def case(shape, *args, dtype="float32", name="softmax"):
    def code(torch):
        x = torch.arange(math.prod(shape)).reshape(shape).to(getattr(torch, dtype))
        return getattr(torch.nn.functional, name)(x, *args)

    return code


CASES = {
    "last": case((3, 5), 1),
    "negative": case((3, 5), -2),
    "scalar": case((), 0),
    "empty": case((0, 5), 1),
    "implicit_2": case((3, 5)),
    "implicit_1": case((5,)),
    "implicit_3": case((2, 3, 4)),
    "implicit_4": case((2, 3, 4, 1)),
    "log_implicit": case((3, 5), name="log_softmax"),
    "out_of_range": case((3, 5), 5),
    "log_out_of_range": case((3, 5), 7, name="log_softmax"),
    "long": case((3, 5), 0, dtype="int64"),
    "log_long": case((3, 5), 0, dtype="int64", name="log_softmax"),
    "bool": case((1, 2), 0, dtype="bool"),
}
CASES["converted"] = lambda t: t.nn.functional.softmax(t.arange(3), 0, dtype=t.float64)
CASES["log_converted"] = lambda t: t.nn.functional.log_softmax(t.arange(3), 0, dtype=t.float64)
CASES["module"] = lambda t: t.nn.Softmax(dim=1)(t.arange(6.0).reshape(2, 3))
CASES["module_implicit"] = lambda t: t.nn.Softmax()(t.arange(6.0).reshape(2, 3))
CASES["log_module"] = lambda t: t.nn.LogSoftmax(dim=0)(t.arange(6.0).reshape(2, 3))


@pytest.mark.parity
@pytest.mark.parametrize("name", CASES)
def test_as_torch(name):
    pytest.importorskip("torch")
    check_twin(CASES[name], rtol=1e-5, atol=1e-6)


def test_third_derivative(rng):
    """The second derivative is differentiable, too."""
    x = tg.tensor(rng.standard_normal(3).tolist(), dtype=tg.float64, requires_grad=True)
    (first,) = tg.autograd.grad(F.softmax(x, 0)[0], x, create_graph=True)
    (second,) = tg.autograd.grad(first[0], x, create_graph=True)
    (third,) = tg.autograd.grad(second[0], x)
    p = F.softmax(x, 0)[0].item()
    assert math.isclose(third[0].item(), p * (1 - p) * (1 - 6 * p + 6 * p * p), rel_tol=1e-9)
