"""Batch normalisation: definition, running statistics, PyTorch, numerical gradients to second order, errors."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tg
from tests.nn.twin import check_twin
from tinygrad_cnn import nn
from tinygrad_cnn.autograd import gradcheck, gradgradcheck
from tinygrad_cnn.nn import functional as F


def make(rng, *shape):
    return tg.tensor(rng.standard_normal(shape).tolist(), dtype=tg.float64, requires_grad=True)


def test_definition(rng):
    x = rng.standard_normal((4, 3, 2, 5)) * 3 + 7
    y = F.batch_norm(tg.from_numpy(x), None, None, training=True, eps=1e-3)
    mean, var = x.mean((0, 2, 3), keepdims=True), x.var((0, 2, 3), keepdims=True)
    np.testing.assert_allclose(y.numpy(), (x - mean) / np.sqrt(var + 1e-3), rtol=1e-10, atol=1e-12)


def test_running_statistics(rng):
    x = rng.standard_normal((4, 3, 2, 5))
    mean, var = tg.zeros(3, dtype=tg.float64), tg.ones(3, dtype=tg.float64)
    F.batch_norm(tg.from_numpy(x), mean, var, training=True, momentum=0.25)
    np.testing.assert_allclose(mean.numpy(), 0.25 * x.mean((0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(var.numpy(), 0.75 + 0.25 * x.var((0, 2, 3), ddof=1), rtol=1e-12)
    before = mean.clone()
    F.batch_norm(tg.from_numpy(x), mean, var)
    assert (mean == before).all()


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_gradients_numerically(affine, training, rng):
    inputs = [make(rng, 3, 2, 2, 2)]
    if affine:
        inputs += [make(rng, 2), make(rng, 2)]
    mean, var = tg.zeros(2, dtype=tg.float64), tg.ones(2, dtype=tg.float64) * 2

    def function(x, weight=None, bias=None):
        stats = (None, None) if training else (mean, var)
        return F.batch_norm(x, *stats, weight, bias, training, eps=0.1)

    assert gradcheck(function, inputs)
    assert gradgradcheck(function, inputs)


def test_gradients_of_two_dimensions_and_of_parts(rng):
    x, weight = make(rng, 4, 3), make(rng, 3)
    assert gradgradcheck(lambda v: F.batch_norm(v, None, None, weight.detach(), None, True, eps=0.1), [x])
    assert gradgradcheck(lambda w: F.batch_norm(x.detach(), None, None, w, None, True, eps=0.1), [weight])


@pytest.mark.parity
@pytest.mark.parametrize("momentum", [0.1, None])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("tracked", [True, False])
def test_layer_as_torch(momentum, affine, tracked, rng):
    torch = pytest.importorskip("torch")
    batches = [(rng.standard_normal((4, 3, 5, 5)) * 2 + 1).astype(np.float32) for _ in range(3)]
    results = []
    for library in (tg, torch):
        layer = library.nn.BatchNorm2d(3, momentum=momentum, affine=affine, track_running_stats=tracked)
        seen = []
        for batch in batches:
            x = library.from_numpy(batch.copy()).requires_grad_()
            y = layer(x)
            (y * y * y).sum().backward()
            seen += [y, x.grad]
        layer.eval()
        seen.append(layer(library.from_numpy(batches[0].copy())))
        seen += list(layer.state_dict().values()) + [p.grad for p in layer.parameters()]
        results.append([t.detach().numpy() for t in seen])
    for ours, theirs in zip(*results, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-4)


def test_gradient_flows_in_training_mode_with_running_statistics(rng):
    layer = nn.BatchNorm2d(2)
    x = tg.ones(2, 2, 2, 2, requires_grad=True)
    layer(x).sum().backward()
    assert (x.grad == 0).all()
    assert layer.bias.grad.tolist() == [8.0, 8.0]
    assert layer.num_batches_tracked.item() == 1


def case(x=(2, 4, 6, 6), mean=(4,), var=(4,), weight=None, bias=None, dtypes=None, **options):
    names = dtypes or {}

    def code(torch):
        shapes = {"x": x, "mean": mean, "var": var, "weight": weight, "bias": bias}
        tensors = [
            None if shape is None else torch.ones(shape, dtype=getattr(torch, names.get(name, "float32")))
            for name, shape in shapes.items()
        ]
        return torch.nn.functional.batch_norm(*tensors, **options)

    return code


CASES = {
    "eval": case(),
    "training": case(training=True),
    "no_statistics": case(mean=None, var=None),
    "no_statistics_training": case(mean=None, var=None, training=True),
    "one_value": case(x=(1, 4, 1, 1), training=True),
    "one_value_eval": case(x=(1, 4, 1, 1)),
    "mean_size": case(mean=(3,), training=True),
    "weight_size": case(weight=(3,)),
    "bias_size": case(bias=(3,)),
    "no_batch": case(x=(0, 4, 6, 6)),
    "no_batch_training": case(x=(0, 4, 6, 6), training=True),
    "eps": case(eps=-1.0),
    "long": case(dtypes={"x": "int64"}),
    "momentum": case(momentum=None),
    "var_missing": case(var=None),
    "mean_missing_training": case(mean=None, training=True),
    "two_dimensions": case(x=(3, 4)),
    "three_dimensions": case(x=(3, 4, 2)),
    "no_channels": case(x=(2, 0, 6, 6), mean=(0,), var=(0,)),
    "layer_3d": lambda t: t.nn.BatchNorm2d(4)(t.ones(4, 6, 6)),
    "layer_channels": lambda t: t.nn.BatchNorm2d(4)(t.ones(2, 3, 6, 6)),
    "layer_negative": lambda t: t.nn.BatchNorm2d(-1),
    "layer_state": lambda t: dict(t.nn.BatchNorm2d(2).state_dict()),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", CASES)
def test_as_torch(name):
    pytest.importorskip("torch")
    check_twin(CASES[name], rtol=1e-5, atol=1e-6)


def test_mixed_dtypes_are_refused():
    with pytest.raises(RuntimeError, match="mixed dtype"):
        F.batch_norm(tg.ones(2, 3, 2, 2), tg.zeros(3, dtype=tg.float64), tg.ones(3, dtype=tg.float64))
