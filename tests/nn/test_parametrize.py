"""Parameters that are functions of others: norms of weights, parametrizations, functional calls; against PyTorch."""

import copy
import pickle

import numpy as np
import pytest

import tinygrad_cnn as tg
from tests.nn.twin import check_twin
from tinygrad_cnn import nn


def numbers(t, *shape):
    return (t.arange(int(np.prod(shape)), dtype=t.float64).reshape(*shape) * 0.7).sin()


def linear(t):
    t.manual_seed(4)
    return t.nn.Linear(3, 4).double()


def conv(t):
    t.manual_seed(4)
    return t.nn.Conv2d(2, 3, 3).double()


def trained(t, module, x, steps=3):
    """Results, gradients and states of some steps of training, and a result in evaluation."""
    found = [repr(module), sorted(dict(module.named_parameters()))]
    for _ in range(steps):
        y = module(x)
        module.zero_grad()
        (y * y).sum().backward()
        found += [y, {name: p.grad for name, p in module.named_parameters()}]
        with t.no_grad():
            for p in module.parameters():
                p -= 0.1 * p.grad
    module.eval()
    return [*found, module(x), dict(module.state_dict())]


def symmetric(t):
    class Symmetric(t.nn.Module):
        def forward(self, X):
            return X.triu() + X.triu(1).transpose(-1, -2)

        def right_inverse(self, A):
            return A.triu()

    return Symmetric()


def plain(t, function, inverse=None):
    class Plain(t.nn.Module):
        def forward(self, *x):
            return function(*x)

    if inverse is not None:
        Plain.right_inverse = lambda self, x: inverse(x)
    return Plain()


def square(t):
    t.manual_seed(4)
    return t.nn.Linear(3, 3, bias=False).double()


def symmetrized(t):
    return t.nn.utils.parametrize.register_parametrization(square(t), "weight", symmetric(t))


def set_and_removed(t):
    P = t.nn.utils.parametrize
    module = symmetrized(t)
    module.weight = numbers(t, 3, 3)
    found = [module.weight, type(module).__name__, P.type_before_parametrizations(module).__name__]
    found += [P.is_parametrized(module), P.is_parametrized(module, "bias"), dict(module.state_dict())]
    P.remove_parametrizations(module, "weight")
    return [*found, type(module).__name__, module.weight, isinstance(module.weight, t.nn.Parameter), repr(module)]


def cached(t):
    calls = []
    count = plain(t, lambda x: (calls.append(1), x * 1)[1])
    module = t.nn.utils.parametrize.register_parametrization(square(t), "weight", count)
    calls.clear()
    assert module.weight is not module.weight
    with t.nn.utils.parametrize.cached():
        with t.nn.utils.parametrize.cached():
            same = module.weight is module.weight
        same = same and module.weight is module.weight
    return [len(calls), same, module.weight is module.weight]


def two_originals(t):
    halves = plain(t, lambda a, b: t.cat([a, b]), lambda x: (x[:1], x[1:]))
    module = t.nn.utils.parametrize.register_parametrization(square(t), "weight", halves)
    module.weight = numbers(t, 3, 3)
    found = [dict(module.state_dict()), module.weight]
    t.nn.utils.parametrize.remove_parametrizations(module, "weight")
    return [*found, dict(module.state_dict())]


def chained(t):
    P = t.nn.utils.parametrize
    module = symmetrized(t)
    P.register_parametrization(module, "weight", plain(t, lambda x: 2 * x, lambda x: x / 2))
    return [module.weight, dict(module.state_dict()), repr(module).replace("2", "")]


def registered(t, function, inverse=None, unsafe=False, then=None):
    P = t.nn.utils.parametrize
    module = square(t) if then is None else symmetrized(t)
    P.register_parametrization(module, "weight", plain(t, function, inverse), unsafe=unsafe)
    return list(module.weight.shape)


def transferred(t):
    P = t.nn.utils.parametrize
    source, target = symmetrized(t), t.nn.Linear(3, 3, bias=False).double()
    P.transfer_parametrizations_and_params(source, target)
    return [target.weight, target.parametrizations.weight.original is source.parametrizations.weight.original]


def old_state_into_new(t):
    old = t.nn.utils.weight_norm(linear(t))
    new = t.nn.utils.parametrizations.weight_norm(t.nn.Linear(3, 4).double())
    new.load_state_dict(old.state_dict())
    return new(numbers(t, 2, 3))


def removed(t, add, remove, module):
    add(module)
    module(numbers(t, 2, 3))
    remove(module)
    return [dict(module.state_dict()), repr(module), len(module._forward_pre_hooks), len(module._state_dict_hooks)]


def called(t, names, **options):
    net = t.nn.Sequential(linear(t), t.nn.BatchNorm1d(4).double()) if False else t.nn.Sequential(linear(t))
    values = {name: numbers(t, *shape).requires_grad_() for name, shape in names.items()}
    y = t.func.functional_call(net, values, numbers(t, 2, 3), **options)
    grads = t.autograd.grad(y.sum(), list(values.values()), allow_unused=True)
    return [y, [g for g in grads if g is not None], net(numbers(t, 2, 3))]


def tied(t):
    class Tied(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = square(t)
            self.second = square(t)
            self.second.weight = self.first.weight

        def forward(self, x):
            return self.second(self.first(x))

    return Tied()


def running(t):
    net = t.nn.BatchNorm2d(2).double()
    buffers = {name: value.clone() for name, value in net.named_buffers()}
    t.func.functional_call(net, [dict(net.named_parameters()), buffers], (numbers(t, 2, 2, 1, 2),))
    return [dict(net.state_dict()), buffers["running_mean"].sum().item() != 0]


SHAPES = {"0.weight": (4, 3), "0.bias": (4,)}
NORMS = {
    "weight_norm": lambda t: trained(t, t.nn.utils.parametrizations.weight_norm(linear(t)), numbers(t, 2, 3)),
    "weight_norm_dim": lambda t: trained(
        t, t.nn.utils.parametrizations.weight_norm(conv(t), dim=1), numbers(t, 2, 2, 4, 4)
    ),
    "weight_norm_whole": lambda t: trained(
        t, t.nn.utils.parametrizations.weight_norm(conv(t), dim=None), numbers(t, 2, 2, 4, 4)
    ),
    "weight_norm_bias": lambda t: trained(
        t, t.nn.utils.parametrizations.weight_norm(linear(t), "bias"), numbers(t, 2, 3)
    ),
    "spectral_norm": lambda t: trained(t, t.nn.utils.parametrizations.spectral_norm(linear(t)), numbers(t, 2, 3)),
    "spectral_norm_conv": lambda t: trained(
        t, t.nn.utils.parametrizations.spectral_norm(conv(t), n_power_iterations=3, dim=1), numbers(t, 2, 2, 4, 4)
    ),
    "spectral_norm_bias": lambda t: trained(
        t, t.nn.utils.parametrizations.spectral_norm(linear(t), "bias"), numbers(t, 2, 3)
    ),
    "old_weight_norm": lambda t: trained(t, t.nn.utils.weight_norm(linear(t)), numbers(t, 2, 3)),
    "old_weight_norm_dim": lambda t: trained(t, t.nn.utils.weight_norm(conv(t), dim=1), numbers(t, 2, 2, 4, 4)),
    "old_spectral_norm": lambda t: trained(t, t.nn.utils.spectral_norm(linear(t)), numbers(t, 2, 3)),
    "old_spectral_norm_conv": lambda t: trained(
        t, t.nn.utils.spectral_norm(conv(t), n_power_iterations=2, dim=1), numbers(t, 2, 2, 4, 4)
    ),
    "old_removed": lambda t: removed(t, t.nn.utils.weight_norm, t.nn.utils.remove_weight_norm, linear(t)),
    "old_spectral_removed": lambda t: removed(
        t, t.nn.utils.spectral_norm, t.nn.utils.remove_spectral_norm, linear(t).eval()
    ),
    "old_state_into_new": old_state_into_new,
    "old_twice": lambda t: t.nn.utils.weight_norm(t.nn.utils.weight_norm(linear(t))),
    "old_spectral_twice": lambda t: t.nn.utils.spectral_norm(t.nn.utils.spectral_norm(linear(t))),
    "old_not_there": lambda t: t.nn.utils.remove_weight_norm(linear(t)),
    "old_spectral_not_there": lambda t: t.nn.utils.remove_spectral_norm(linear(t)),
    "old_iterations": lambda t: t.nn.utils.spectral_norm(linear(t), n_power_iterations=0),
    "old_lazy": lambda t: t.nn.utils.weight_norm(t.nn.LazyLinear(3)),
    "old_spectral_lazy": lambda t: t.nn.utils.spectral_norm(t.nn.LazyLinear(3)),
    "old_metadata": lambda t: dict(t.nn.utils.spectral_norm(linear(t)).state_dict()._metadata[""]),
    "no_name": lambda t: t.nn.utils.parametrizations.spectral_norm(linear(t), "x"),
    "iterations": lambda t: t.nn.utils.parametrizations.spectral_norm(linear(t), n_power_iterations=0),
    "dim": lambda t: t.nn.utils.parametrizations.spectral_norm(linear(t), dim=2),
}
PARAMETRIZATIONS = {
    "symmetric": lambda t: trained(t, symmetrized(t), numbers(t, 2, 3)),
    "set_and_removed": set_and_removed,
    "cached": cached,
    "two_originals": two_originals,
    "chained": chained,
    "transferred": transferred,
    "no_name": lambda t: t.nn.utils.parametrize.register_parametrization(square(t), "x", symmetric(t)),
    "not_there": lambda t: t.nn.utils.parametrize.remove_parametrizations(square(t), "weight"),
    "empty": lambda t: t.nn.utils.parametrize.ParametrizationList([], t.ones(1)),
    "shape": lambda t: registered(t, lambda x: x[:1]),
    "shape_unsafe": lambda t: registered(t, lambda x: x[:1], unsafe=True),
    "dtype": lambda t: registered(t, lambda x: x.float()),
    "type": lambda t: registered(t, lambda x: 3),
    "then_shape": lambda t: registered(t, lambda x: x[:1], then=1),
    "then_type": lambda t: registered(t, lambda x: 3, then=1),
    "then_inverse_shape": lambda t: registered(t, lambda x: x + 1, lambda x: x[:1], then=1),
    "then_inverse_type": lambda t: registered(t, lambda x: x + 1, lambda x: 3, then=1),
    "inverse_dtype": lambda t: registered(t, lambda x: x.double(), lambda x: x.float()),
    "inverse_type": lambda t: registered(t, lambda x: x, lambda x: 3),
    "inverse_element": lambda t: registered(t, lambda x: x, lambda x: (x, 3)),
    "cannot_set": lambda t: setattr(
        t.nn.utils.parametrize.register_parametrization(square(t), "weight", plain(t, lambda x: x)), "weight", t.ones(3)
    ),
    "set_dtype": lambda t: setattr(symmetrized(t), "weight", t.ones(3, 3)),
    "pickle": lambda t: pickle.dumps(symmetrized(t)),
    "leave_several": lambda t: t.nn.utils.parametrize.remove_parametrizations(
        t.nn.utils.parametrizations.weight_norm(linear(t)), "weight", leave_parametrized=False
    ),
    "leave_original": lambda t: (
        t.nn.utils.parametrize.remove_parametrizations(symmetrized(t), "weight", leave_parametrized=False).weight
    ),
}


def orthogonal(t, shape, *args, then=None, steps=3, **options):
    """An orthogonal weight while it is trained, and after an assignment."""
    t.manual_seed(4)
    module = t.nn.Linear(shape[1], shape[0], bias=False).double()
    t.nn.utils.parametrizations.orthogonal(module, "weight", *args, **options)
    if shape[0] == shape[1] and options.get("use_trivialization", True):
        found = trained(t, module, numbers(t, 2, shape[1]), steps)
    else:  # the columns that are filled up are drawn at random, in another layout
        found = [(module.weight @ module.weight.mT if shape[0] < shape[1] else module.weight.mT @ module.weight)]
    if then is not None:
        module.weight = then(t)
        found.append(module.weight)
    return found


def turn(t):
    return t.tensor([[0.6, -0.8, 0.0], [0.8, 0.6, 0.0], [0.0, 0.0, 1.0]], dtype=t.float64)


ORTHOGONAL = {
    "square": lambda t: orthogonal(t, (3, 3), then=turn),
    "square_cayley": lambda t: orthogonal(t, (3, 3), "cayley"),
    "square_householder": lambda t: orthogonal(t, (3, 3), "householder", then=lambda t: numbers(t, 3, 3)),
    "tall": lambda t: orthogonal(t, (5, 3)),
    "wide": lambda t: orthogonal(t, (3, 5)),
    "wide_exp": lambda t: orthogonal(t, (3, 5), "matrix_exp"),
    "tall_cayley": lambda t: orthogonal(t, (5, 3), "cayley"),
    "no_base": lambda t: orthogonal(t, (5, 3), use_trivialization=False, then=lambda t: numbers(t, 5, 3) + t.eye(5, 3)),
    "no_base_exp": lambda t: orthogonal(t, (3, 3), use_trivialization=False),
    "no_base_set": lambda t: orthogonal(t, (3, 3), "cayley", use_trivialization=False, then=turn),
    "orthogonal_map": lambda t: orthogonal(t, (3, 3), "x"),
    "orthogonal_name": lambda t: t.nn.utils.parametrizations.orthogonal(linear(t), "x"),
    "orthogonal_vector": lambda t: t.nn.utils.parametrizations.orthogonal(linear(t), "bias"),
    "orthogonal_shape": lambda t: orthogonal(t, (3, 3), then=lambda t: numbers(t, 3, 2)),
}
CALLS = {
    "call": lambda t: called(t, SHAPES),
    "call_part": lambda t: called(t, {"0.bias": (4,)}),
    "call_strict": lambda t: called(t, SHAPES, strict=True),
    "call_missing": lambda t: called(t, {"0.bias": (4,)}, strict=True),
    "call_unexpected": lambda t: called(t, {**SHAPES, "0.x": (4,)}, strict=True),
    "call_tied": lambda t: t.func.functional_call(tied(t), {"first.weight": numbers(t, 3, 3)}, numbers(t, 2, 3)),
    "call_tied_not": lambda t: t.func.functional_call(
        tied(t), {"first.weight": numbers(t, 3, 3)}, numbers(t, 2, 3), tie_weights=False
    ),
    "call_tied_twice": lambda t: t.func.functional_call(
        tied(t), {"first.weight": numbers(t, 3, 3), "second.weight": numbers(t, 3, 3)}, numbers(t, 2, 3)
    ),
    "call_running": running,
    "call_several": lambda t: t.func.functional_call(linear(t), [{"bias": t.ones(4)}, {"bias": t.ones(4)}], t.ones(1)),
    "call_no_dict": lambda t: t.func.functional_call(linear(t), 3, t.ones(1)),
    "call_no_dicts": lambda t: t.func.functional_call(linear(t), [3], t.ones(1)),
    "call_no_tensor": lambda t: t.func.functional_call(linear(t), {"bias": 3}, t.ones(1)),
    "call_old": lambda t: t.nn.utils.stateless.functional_call(linear(t), {"bias": numbers(t, 4)}, numbers(t, 2, 3)),
    "stack": lambda t: [dict(part) for part in t.func.stack_module_state([linear(t), linear(t)])],
    "stack_none": lambda t: t.func.stack_module_state([]),
    "stack_mode": lambda t: t.func.stack_module_state([linear(t), linear(t).eval()]),
    "stack_class": lambda t: t.func.stack_module_state([linear(t), conv(t)]),
    "skip_init": lambda t: [repr(t.nn.utils.skip_init(t.nn.Linear, 2, 3)), str(t.initial_seed())][:1],
    "skip_init_class": lambda t: t.nn.utils.skip_init(dict),
    "skip_init_device": lambda t: t.nn.utils.skip_init(t.nn.ReLU),
    "memory_format": lambda t: t.nn.utils.convert_conv2d_weight_memory_format(conv(t), t.channels_last).weight,
}


@pytest.mark.parity
@pytest.mark.parametrize("name", [*NORMS, *PARAMETRIZATIONS, *ORTHOGONAL, *CALLS])
def test_as_torch(name):
    pytest.importorskip("torch")
    check_twin({**NORMS, **PARAMETRIZATIONS, **ORTHOGONAL, **CALLS}[name], rtol=1e-8, atol=1e-10)


def test_spectral_norm_finds_the_largest_singular_value():
    module = nn.utils.parametrizations.spectral_norm(linear(tg), n_power_iterations=50)
    weight = module.weight.detach().numpy()
    np.testing.assert_allclose(np.linalg.norm(weight, 2), 1, rtol=1e-6)


def test_copies_of_parametrized_modules_are_independent():
    module = symmetrized(tg)
    twin = copy.deepcopy(module)
    before = module.weight.detach().numpy().copy()
    twin.weight = tg.zeros(3, 3, dtype=tg.float64)
    np.testing.assert_array_equal(module.weight.detach().numpy(), before)
    np.testing.assert_array_equal(twin.weight.detach().numpy(), 0)


def test_skip_init_leaves_the_generator_alone():
    tg.manual_seed(3)
    before = tg.get_rng_state().numpy().copy()
    nn.utils.skip_init(nn.Linear, 4, 5)
    np.testing.assert_array_equal(tg.get_rng_state().numpy(), before)
