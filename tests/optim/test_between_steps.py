"""What a script may change between two steps: the optimizer keeps pointers, and must notice. Against PyTorch."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

import tinygrad_cnn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

SHAPES = [(3, 4), (5,), (2, 3)]


def numbers(seed, shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def nothing(library, optimizer, params):
    pass


def new_memory(library, optimizer, params):
    params[1].data = params[1].data * 2


def strided_memory(library, optimizer, params):
    params[0].data = library.tensor(numbers(7, (4, 3))).t()


def no_gradient(library, optimizer, params):
    params[1].grad = None


def strided_gradient(library, optimizer, params):
    params[0].grad = library.tensor(numbers(8, (4, 3))).t()


def expanded_gradient(library, optimizer, params):
    params[1].grad = library.ones(1).expand(5)


def state_of_one_gone(library, optimizer, params):
    optimizer.state.pop(params[2], None)


def all_state_gone(library, optimizer, params):
    optimizer.state = defaultdict(dict)


def state_tensor_replaced(library, optimizer, params):
    for key, value in optimizer.state[params[0]].items():
        if key != "step" and value is not None:
            optimizer.state[params[0]][key] = value * 3


def state_memory_replaced(library, optimizer, params):
    for key, value in optimizer.state[params[0]].items():
        if key != "step" and value is not None:
            value.data = library.zeros(3, 4)


def step_of_one_set(library, optimizer, params):
    if "step" in optimizer.state[params[0]]:
        optimizer.state[params[0]]["step"] += 5


def parameter_replaced(library, optimizer, params):
    params[2] = library.tensor(numbers(9, (2, 3))).requires_grad_()
    params[2].grad = library.ones(2, 3)
    optimizer.param_groups[0]["params"][2] = params[2]


def parameter_in_another_place(library, optimizer, params):
    listed = optimizer.param_groups[0]["params"]
    listed[0], listed[1] = listed[1], listed[0]


def options(library, optimizer, params):
    optimizer.param_groups[0]["lr"] = 0.5
    optimizer.param_groups[0]["weight_decay"] = 0.1


def reloaded(library, optimizer, params):
    optimizer.load_state_dict(optimizer.state_dict())


CHANGES = [
    nothing, new_memory, strided_memory, no_gradient, strided_gradient, expanded_gradient, state_of_one_gone,
    all_state_gone, state_tensor_replaced, state_memory_replaced, step_of_one_set, parameter_replaced,
    parameter_in_another_place, options, reloaded,
]  # fmt: skip
OPTIMIZERS = {
    "sgd": ("SGD", {"lr": 0.1}),
    "momentum": ("SGD", {"lr": 0.1, "momentum": 0.9}),
    "adam": ("Adam", {"lr": 0.1}),
    "amsgrad": ("AdamW", {"lr": 0.1, "amsgrad": True}),
}


def run(library, name, arguments, change):
    """Return all parameters after two steps, the change, and two more steps."""
    params = [library.tensor(numbers(i, shape)).requires_grad_() for i, shape in enumerate(SHAPES)]
    optimizer = getattr(library.optim, name)(params, **arguments)
    for step in range(4):
        for i, param in enumerate(params):
            param.grad = library.tensor(numbers(10 * step + i, tuple(param.shape)))
        if step == 2:
            change(library, optimizer, params)
        optimizer.step()
    return [param.detach().numpy() for param in params]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_change_between_steps(name, change):
    ours, theirs = (run(library, *OPTIMIZERS[name], change) for library in (tinygrad_cnn, torch))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_frozen_parameter_that_thaws(name):
    def thawing(library):
        params = [library.tensor(numbers(i, shape)).requires_grad_() for i, shape in enumerate(SHAPES)]
        kind, arguments = OPTIMIZERS[name]
        optimizer = getattr(library.optim, kind)(params, **arguments)
        for step in range(6):
            optimizer.zero_grad()
            for i, param in enumerate(params):
                if i != 1 or step > 3:
                    param.grad = library.tensor(numbers(10 * step + i, tuple(param.shape)))
            optimizer.step()
        return [param.detach().numpy() for param in params]

    for a, b in zip(thawing(tinygrad_cnn), thawing(torch), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
