"""Layers: reprs, constructor errors, attributes, and what forward does, as PyTorch's."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import tinygrad_cnn as tg
from tests.nn.twin import check_twin
from tinygrad_cnn import nn

BUILDS = {
    "conv": lambda n: n.Conv2d(1, 2, 3),
    "conv_pair": lambda n: n.Conv2d(1, 2, (3, 5), (2, 1), (1, 0), (1, 2)),
    "conv_groups": lambda n: n.Conv2d(4, 4, 3, 1, 1, 2, 2, False, "reflect"),
    "conv_same": lambda n: n.Conv2d(4, 4, (3, 5), padding="same", dilation=(1, 2), bias=False),
    "conv_valid": lambda n: n.Conv2d(4, 4, 3, padding="valid", padding_mode="circular"),
    "conv_list": lambda n: n.Conv2d(4, 4, [3, 3], stride=[2, 1]),
    "conv_in_groups": lambda n: n.Conv2d(3, 4, 3, groups=2),
    "conv_out_groups": lambda n: n.Conv2d(4, 3, 3, groups=2),
    "conv_groups_zero": lambda n: n.Conv2d(4, 4, 3, groups=0),
    "conv_same_strided": lambda n: n.Conv2d(4, 4, 3, padding="same", stride=2),
    "conv_negative_channels": lambda n: n.Conv2d(4, -1, 3),
    "conv_no_channels": lambda n: n.Conv2d(0, 4, 3),
    "conv_cuda": lambda n: n.Conv2d(4, 4, 3, device="cuda"),
    "linear": lambda n: n.Linear(3, 4),
    "linear_no_bias": lambda n: n.Linear(3, 4, False),
    "linear_negative": lambda n: n.Linear(-1, 3),
    "linear_empty": lambda n: n.Linear(0, 3),
    "norm": lambda n: n.BatchNorm2d(3),
    "norm_options": lambda n: n.BatchNorm2d(3, 1e-3, None, False, False),
    "norm_no_bias": lambda n: n.BatchNorm2d(3, bias=False),
    "dropout": lambda n: n.Dropout(),
    "dropout_inplace": lambda n: n.Dropout(0.3, True),
    "dropout_range": lambda n: n.Dropout(2),
    "softmax": lambda n: n.Softmax(1),
    "softmax_none": lambda n: n.Softmax(),
    "log_softmax": lambda n: n.LogSoftmax(-1),
    "relu": lambda n: n.ReLU(),
    "relu_inplace": lambda n: n.ReLU(True),
    "sigmoid": lambda n: n.Sigmoid(),
    "tanh": lambda n: n.Tanh(),
    "identity": lambda n: n.Identity(1, 2, a=3),
    "flatten": lambda n: n.Flatten(2, 3),
    "flatten_default": lambda n: n.Flatten(),
    "unflatten": lambda n: n.Unflatten(1, (2, 3)),
    "unflatten_list": lambda n: n.Unflatten(1, [2, 3]),
    "unflatten_int": lambda n: n.Unflatten(1, 2),
    "unflatten_float": lambda n: n.Unflatten(1, (2, 3.0)),
    "max_pool": lambda n: n.MaxPool2d(2),
    "max_pool_options": lambda n: n.MaxPool2d((2, 3), 1, 1, 2, True, True),
    "avg_pool": lambda n: n.AvgPool2d(3, stride=2, padding=1),
    "avg_pool_options": lambda n: n.AvgPool2d(2, 2, 0, True, False, 3),
    "adaptive_avg": lambda n: n.AdaptiveAvgPool2d((1, None)),
    "adaptive_max": lambda n: n.AdaptiveMaxPool2d(3, True),
    "cross_entropy": lambda n: n.CrossEntropyLoss(),
    "nll": lambda n: n.NLLLoss(reduction="sum"),
    "mse": lambda n: n.MSELoss(size_average=False),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", BUILDS)
def test_repr_and_errors_as_torch(name):
    pytest.importorskip("torch")
    check_twin(lambda torch: repr(BUILDS[name](torch.nn)))


def test_padding_and_its_mode_are_checked():
    with pytest.raises(ValueError, match=r"Invalid padding string 'foo', should be one of {'same', 'valid'}"):
        nn.Conv2d(1, 1, 3, padding="foo")
    with pytest.raises(ValueError, match=r"padding_mode must be one of .* but got padding_mode='foo'"):
        nn.Conv2d(1, 1, 3, padding_mode="foo")


def test_min_pool():
    layer = nn.MinPool2d(2, return_indices=True)
    assert repr(layer) == "MinPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)"
    values, indices = layer(tg.arange(16.0).reshape(1, 4, 4))
    assert values.tolist() == [[[0, 2], [8, 10]]] and indices.tolist() == [[[0, 2], [8, 10]]]


OURS = {"MinPool1d", "MinPool2d", "MinPool3d"}
SHARED = sorted(name for name in set(nn.__all__) - OURS - {"Module"} if isinstance(getattr(nn, name), type))


@pytest.mark.parity
@pytest.mark.parametrize("name", SHARED)
def test_arguments_as_torch(name):
    """Same names, order, kinds and defaults."""
    torch = pytest.importorskip("torch")

    def arguments(cls):
        return [
            (p.name, p.kind, p.default.__name__ if callable(p.default) else p.default)
            for p in inspect.signature(cls).parameters.values()
            if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        ]

    theirs = getattr(torch.nn, name)
    if name in ("Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict", "Identity", "NLLLoss2d"):
        return
    assert arguments(getattr(nn, name)) == arguments(theirs)


@pytest.mark.parity
@pytest.mark.parametrize("name", nn.functional.__all__)
def test_functional_arguments_as_torch(name):
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.nn.functional, name, None)
    if theirs is None:
        assert name.startswith("min_pool")
        return
    try:
        expected = inspect.signature(theirs)
    except ValueError:  # a builtin; its docstring has the signature
        return
    if any(p.kind is p.VAR_POSITIONAL for p in expected.parameters.values()):  # dispatches on a flag
        return
    got = inspect.signature(getattr(nn.functional, name))
    assert [(p.name, p.default) for p in got.parameters.values()] == [
        (p.name, p.default) for p in expected.parameters.values()
    ]


FORWARDS = {
    "flatten": lambda t: t.nn.Flatten()(t.ones(2, 3, 4)),
    "flatten_end": lambda t: t.nn.Flatten(1, 7)(t.ones(2, 3, 4)),
    "flatten_order": lambda t: t.nn.Flatten(2, 1)(t.ones(2, 3, 4)),
    "unflatten": lambda t: t.nn.Unflatten(1, (2, 2))(t.ones(2, 4)),
    "unflatten_guess": lambda t: t.nn.Unflatten(1, (-1, 2))(t.ones(2, 4)),
    "unflatten_wrong": lambda t: t.nn.Unflatten(1, (2, 3))(t.ones(2, 4)),
    "identity": lambda t: t.nn.Identity()(t.ones(2)),
    "sigmoid": lambda t: t.nn.Sigmoid()(t.tensor([-1.0, 0.0, 2.0])),
    "tanh": lambda t: t.nn.Tanh()(t.tensor([-1.0, 0.0, 2.0])),
    "relu": lambda t: t.nn.ReLU()(t.tensor([-1.0, 0.0, float("nan"), 2.0])),
    "relu_int": lambda t: t.nn.functional.relu(t.tensor([-1, 0, 2])),
    "linear_1d": lambda t: t.nn.functional.linear(t.ones(5), t.ones(7, 5), t.ones(7)),
    "linear_3d": lambda t: t.nn.functional.linear(t.ones(2, 3, 5), t.ones(7, 5), t.ones(7)),
    "linear_vector_weight": lambda t: t.nn.functional.linear(t.ones(3, 5), t.ones(5)),
    "linear_shapes": lambda t: t.nn.functional.linear(t.ones(3, 5), t.ones(5, 7)),
    "linear_shapes_1d": lambda t: t.nn.functional.linear(t.ones(6), t.ones(7, 5)),
    "linear_shapes_3d": lambda t: t.nn.functional.linear(t.ones(2, 3, 6), t.ones(7, 5)),
    "linear_bias": lambda t: t.nn.functional.linear(t.ones(3, 5), t.ones(7, 5), t.ones(6)),
    "linear_bias_one": lambda t: t.nn.functional.linear(t.ones(3, 5), t.ones(7, 5), t.ones(1)),
    "linear_bias_rows": lambda t: t.nn.functional.linear(t.ones(3, 5), t.ones(7, 5), t.ones(6, 7)),
    "linear_dtype": lambda t: t.nn.functional.linear(t.ones(3, 5).double(), t.ones(7, 5)),
    "linear_dtype_long": lambda t: t.nn.functional.linear(t.ones(3, 5).long(), t.ones(7, 5)),
    "linear_long": lambda t: t.nn.functional.linear(t.ones(3, 5).long(), t.ones(7, 5).long()),
    "linear_bias_dtype": lambda t: t.nn.functional.linear(t.ones(3, 5), t.ones(7, 5), t.ones(7).double()),
    "linear_scalar": lambda t: t.nn.functional.linear(t.tensor(1.0), t.ones(7, 5)),
    "linear_weight_rank": lambda t: t.nn.functional.linear(t.ones(3, 5), t.ones(1, 7, 5)),
    "linear_no_batch": lambda t: t.nn.functional.linear(t.ones(0, 5), t.ones(7, 5)),
    "linear_no_features": lambda t: t.nn.functional.linear(t.ones(3, 0), t.ones(7, 0), t.ones(7)),
    "linear_no_batch_3d": lambda t: t.nn.functional.linear(t.ones(0, 2, 5), t.ones(7, 5), t.ones(7)),
    "one_hot": lambda t: t.nn.functional.one_hot(t.tensor([[0, 2], [1, 1]])),
    "one_hot_classes": lambda t: t.nn.functional.one_hot(t.tensor([0, 2]), 5),
    "one_hot_scalar": lambda t: t.nn.functional.one_hot(t.tensor(1)),
    "one_hot_few": lambda t: t.nn.functional.one_hot(t.tensor([0, 2]), 2),
    "one_hot_negative": lambda t: t.nn.functional.one_hot(t.tensor([0, -2])),
    "one_hot_float": lambda t: t.nn.functional.one_hot(t.tensor([0.0])),
    "one_hot_empty": lambda t: t.nn.functional.one_hot(t.zeros(0, dtype=t.int64)),
    "one_hot_empty_classes": lambda t: t.nn.functional.one_hot(t.zeros(0, dtype=t.int64), 3),
    "linear_module_error": lambda t: t.nn.Linear(3, 2)(t.ones(2, 4)),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", FORWARDS)
def test_forward_as_torch(name):
    pytest.importorskip("torch")
    check_twin(FORWARDS[name], rtol=1e-6)


def test_relu_in_place():
    x = tg.tensor([-1.0, 2.0])
    assert nn.ReLU(inplace=True)(x) is x
    assert x.tolist() == [0.0, 2.0]
    leaf = tg.tensor([-1.0, 2.0], requires_grad=True)
    nn.functional.relu_(leaf * 1).sum().backward()
    assert leaf.grad.tolist() == [0.0, 1.0]


@pytest.mark.parity
def test_a_network_follows_pytorch(rng):
    """Convolution, normalisation, pooling, dropout off, linear: forward, loss and all gradients."""
    torch = pytest.importorskip("torch")
    images, labels = rng.standard_normal((8, 1, 12, 12)).astype(np.float32), rng.integers(0, 10, 8)
    results = []
    for library in (tg, torch):
        library.manual_seed(0)
        n = library.nn
        model = n.Sequential(
            n.Conv2d(1, 6, 3, padding=1),
            n.BatchNorm2d(6),
            n.ReLU(inplace=True),
            n.MaxPool2d(2),
            n.Conv2d(6, 8, 3),
            n.ReLU(),
            n.AvgPool2d(2),
            n.Flatten(),
            n.Dropout(0.0),
            n.Linear(32, 10),
        )
        loss = n.CrossEntropyLoss(label_smoothing=0.1)(
            model(library.from_numpy(images.copy())), library.from_numpy(labels.copy())
        )
        loss.backward()
        results.append([loss.detach().numpy(), *[p.grad.numpy() for p in model.parameters()]])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", ["Linear", "Conv2d", "BatchNorm2d"])
def test_weight_that_is_no_parameter_any_more(name):
    """Code that normalises or masks weights puts a tensor of its own, or a property, in the parameter's place."""
    module, shape = {"Linear": (nn.Linear(3, 2), (4, 3)), "Conv2d": (nn.Conv2d(3, 2, 1), (1, 3, 2, 2)),
                     "BatchNorm2d": (nn.BatchNorm2d(3), (2, 3, 2, 2))}[name]  # fmt: skip
    x = tg.rand(*shape)
    original = module.weight
    y = module(x) - module.bias.reshape([-1] + [1] * (len(shape) - 2))
    del module.weight
    module.weight = original * 2
    found = module(x) - module.bias.reshape([-1] + [1] * (len(shape) - 2))
    np.testing.assert_allclose(found.detach().numpy(), 2 * y.detach().numpy(), rtol=1e-5, atol=1e-6)
    masked = type("Masked", (type(module),), {"weight": property(lambda self: original * 3)})
    del module.weight
    module.__class__ = masked
    found = module(x) - module.bias.reshape([-1] + [1] * (len(shape) - 2))
    np.testing.assert_allclose(found.detach().numpy(), 3 * y.detach().numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [nn.Conv2d, nn.ConvTranspose2d])
def test_convolutions_pickled_before_padding_modes_pad_with_zeros(kind):
    layer, x = kind(2, 3, 3, padding=1), tg.randn(1, 2, 5, 5)
    older = kind.__new__(kind)
    older.__setstate__({name: value for name, value in layer.__dict__.items() if name != "padding_mode"})
    assert older.padding_mode == "zeros" and repr(older) == repr(layer)
    assert tg.equal(older(x), layer(x))
