"""Lazy modules: what they are before, at and after their first input, and what loading a state does to them."""

import copy
import pickle

import numpy as np
import pytest

import tinygrad_cnn as tg
from tests.nn.twin import check_twin
from tinygrad_cnn import nn


def numbers(t, *shape):
    return (t.arange(int(np.prod(shape)), dtype=t.float32).reshape(*shape) * 0.7).sin()


def life(t, make, shape):
    """A lazy module's text, state and class, before and after its first input."""
    t.manual_seed(2)
    module = make(t.nn)
    before = repr(module), [type(value).__name__ for value in module.state_dict().values()]
    before += ([type(value).__name__ for value in module.parameters()], module.has_uninitialized_params())
    y = module(numbers(t, *shape))
    return [*before, y, repr(module), type(module).__name__, dict(module.state_dict()), len(module._forward_pre_hooks)]


LAYERS = {
    "LazyLinear": (lambda n: n.LazyLinear(3), (2, 4)),
    "LazyLinear-plain": (lambda n: n.LazyLinear(3, bias=False), (2, 4)),
    "LazyConv1d": (lambda n: n.LazyConv1d(4, 3, 2, 1, 1, 2), (2, 4, 7)),
    "LazyConv2d": (lambda n: n.LazyConv2d(4, 3, padding="same", padding_mode="reflect"), (2, 3, 5, 6)),
    "LazyConv2d-plain": (lambda n: n.LazyConv2d(4, 3, bias=False), (3, 5, 6)),
    "LazyConv3d": (lambda n: n.LazyConv3d(2, (1, 2, 3)), (1, 3, 3, 4, 5)),
    "LazyConvTranspose1d": (lambda n: n.LazyConvTranspose1d(4, 3, 2, 1, 1, 2), (2, 4, 7)),
    "LazyConvTranspose2d": (lambda n: n.LazyConvTranspose2d(4, 3, dilation=2), (2, 3, 5, 6)),
    "LazyConvTranspose3d": (lambda n: n.LazyConvTranspose3d(2, (1, 2, 3), bias=False), (1, 3, 3, 4, 5)),
    "LazyBatchNorm1d": (lambda n: n.LazyBatchNorm1d(momentum=0.3), (3, 2)),
    "LazyBatchNorm2d": (lambda n: n.LazyBatchNorm2d(0.1, None, bias=False), (3, 2, 2, 1)),
    "LazyBatchNorm3d": (lambda n: n.LazyBatchNorm3d(track_running_stats=False), (3, 2, 2, 1, 2)),
    "LazyInstanceNorm1d": (lambda n: n.LazyInstanceNorm1d(), (3, 2, 4)),
    "LazyInstanceNorm2d": (lambda n: n.LazyInstanceNorm2d(affine=False), (3, 2, 2, 3)),
    "LazyInstanceNorm3d": (lambda n: n.LazyInstanceNorm3d(track_running_stats=False), (3, 2, 2, 1, 2)),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", LAYERS)
def test_life_of_a_lazy_layer_is_as_in_torch(name):
    pytest.importorskip("torch")
    check_twin(lambda t: life(t, *LAYERS[name]), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("name", LAYERS)
def test_state_gives_the_shapes(name):
    make, shape = LAYERS[name]
    known, fresh = make(nn), make(nn)
    y = known(numbers(tg, *shape))
    fresh.load_state_dict(known.state_dict())
    assert not fresh.has_uninitialized_params()
    np.testing.assert_array_equal(fresh(numbers(tg, *shape)).detach().numpy(), y.detach().numpy())
    assert repr(fresh) == repr(known)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
@pytest.mark.parametrize("name", LAYERS)
def test_copies_stay_lazy(name, duplicate):
    make, shape = LAYERS[name]
    module = make(nn)
    twin = duplicate(module)
    twin(numbers(tg, *shape))
    assert module.has_uninitialized_params()
    assert type(twin) is type(module).cls_to_become


def loaded(t):
    module = t.nn.LazyLinear(3)
    module.load_state_dict(t.nn.LazyLinear(3).state_dict())
    return module.has_uninitialized_params()


class _Scale:
    """A lazy module of the user's own, for either package."""

    def __new__(cls, t, names=("weight",)):
        class Scale(t.nn.modules.lazy.LazyModuleMixin, t.nn.Module):
            def __init__(self):
                super().__init__()
                self.weight = t.nn.UninitializedParameter()
                self.count = t.nn.UninitializedBuffer(dtype=t.int64)

            def initialize_parameters(self, x):
                for name in names:
                    getattr(self, name).materialize(x.shape[1:])

            def forward(self, x):
                return x * 2

        return Scale()


CASES = {
    "dtype": lambda t: str(t.nn.LazyLinear(3).double()(t.ones(1, 2).double()).dtype),
    "repr": lambda t: [repr(t.nn.UninitializedParameter()), repr(t.nn.UninitializedBuffer())],
    "shape": lambda t: t.nn.LazyLinear(3).weight.shape,
    "load_into_known": lambda t: t.nn.Linear(2, 3).load_state_dict(t.nn.LazyLinear(3).state_dict()),
    "load_lazy": loaded,
    "in_sequence": lambda t: repr(t.nn.Sequential(t.nn.LazyLinear(3), t.nn.LazyLinear(2, False))),
    "own": lambda t: type(_Scale(t, ("weight", "count"))(t.ones(2, 3))).__name__,
    "own_incomplete": lambda t: _Scale(t)(t.ones(2, 3)),
    "not_there": lambda t: t.nn.modules.lazy.LazyModuleMixin.initialize_parameters(t.nn.ReLU()),
    "is_lazy": lambda t: [t.nn.parameter.is_lazy(p) for p in (t.ones(1), t.nn.LazyLinear(1).weight)],
    "conv_dims": lambda t: t.nn.LazyConv2d(3, 3)(t.ones(4, 4)),
    "conv_groups": lambda t: t.nn.LazyConv2d(4, 3, groups=2)(t.ones(1, 3, 4, 4)),
    "transposed_mode": lambda t: t.nn.LazyConvTranspose2d(3, 3, padding_mode="reflect"),
    "zero_grad": lambda t: t.nn.LazyLinear(3).zero_grad(),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", CASES)
def test_as_torch(name):
    pytest.importorskip("torch")
    check_twin(CASES[name])


def test_operation_on_a_parameter_without_a_shape_says_what_to_do():
    with pytest.raises(ValueError, match="Call `forward` with a dummy batch to initialize the parameters"):
        nn.LazyLinear(3).weight + 1
