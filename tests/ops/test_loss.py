"""Losses: definitions, PyTorch over all options, numerical gradients to second order, messages."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import tinygrad_cnn as tg
from tests.nn.twin import check_twin
from tinygrad_cnn.autograd import gradcheck, gradgradcheck
from tinygrad_cnn.nn import functional as F

REDUCTIONS = ["none", "sum", "mean"]


def naive_cross_entropy(x, target, weight, ignore, smoothing, reduction):
    """-sum(q * log(p)) over classes, position by position, in float64; x (N, C, L), target (N, L)."""
    classes = x.shape[1]
    losses, total = np.zeros(target.shape), 0.0
    for n, i in np.ndindex(target.shape):
        t = target[n, i]
        if t == ignore:
            continue
        logp = x[n, :, i] - np.log(np.exp(x[n, :, i]).sum())
        losses[n, i] = -(1 - smoothing) * weight[t] * logp[t] - smoothing / classes * (weight * logp).sum()
        total += weight[t]
    return losses if reduction == "none" else losses.sum() / (total if reduction == "mean" else 1)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("weighted", [False, True])
def test_definition(reduction, smoothing, weighted, rng):
    x, target = rng.standard_normal((3, 5, 4)), rng.integers(0, 5, (3, 4))
    target[0, 1] = 2
    weight = rng.random(5) + 0.1 if weighted else np.ones(5)
    expected = naive_cross_entropy(x, target, weight, 2, smoothing, reduction)
    got = F.cross_entropy(
        tg.from_numpy(x),
        tg.from_numpy(target),
        tg.from_numpy(weight) if weighted else None,
        ignore_index=2,
        reduction=reduction,
        label_smoothing=smoothing,
    )
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-12)


@pytest.mark.parity
@pytest.mark.parametrize("shape", [(3, 5), (5,), (2, 5, 3), (2, 5, 2, 3), (2, 5, 2, 1, 2)])
def test_values_and_gradients_as_torch(shape, rng):
    torch = pytest.importorskip("torch")
    target_shape = shape[:1] + shape[2:] if len(shape) > 1 else ()
    x = rng.standard_normal(shape)
    target = rng.integers(0, 5, target_shape)
    weight = rng.random(5) + 0.1
    for name, reduction, weighted, ignore, smoothing in itertools.product(
        ["cross_entropy", "nll_loss"], REDUCTIONS, [False, True], [-100, 2], [0.0, 0.2]
    ):
        if name == "nll_loss" and smoothing:
            continue
        results = []
        for library in (tg, torch):
            leaf = library.tensor(x.tolist(), dtype=library.float64, requires_grad=True)
            w = library.tensor(weight.tolist(), dtype=library.float64) if weighted else None
            options = {"label_smoothing": smoothing} if name == "cross_entropy" else {}
            loss = getattr(library.nn.functional, name)(
                leaf, library.tensor(target.tolist()), w, ignore_index=ignore, reduction=reduction, **options
            )
            (loss * loss).sum().backward()
            results.append((loss.detach().numpy(), leaf.grad.numpy()))
        for ours, theirs in zip(*results, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parity
@pytest.mark.parametrize("shape", [(3, 5), (5,), (2, 5, 3)])
def test_probabilities_as_torch(shape, rng):
    torch = pytest.importorskip("torch")
    x, target, weight = rng.standard_normal(shape), rng.random(shape), rng.random(5) + 0.1
    for reduction, weighted, smoothing in itertools.product(REDUCTIONS, [False, True], [0.0, 0.2]):
        results = []
        for library in (tg, torch):
            leaves = [library.tensor(a.tolist(), dtype=library.float64, requires_grad=True) for a in (x, target)]
            w = library.tensor(weight.tolist(), dtype=library.float64) if weighted else None
            loss = library.nn.functional.cross_entropy(*leaves, w, reduction=reduction, label_smoothing=smoothing)
            (loss * loss).sum().backward()
            results.append([t.detach().numpy() for t in (loss, leaves[0].grad, leaves[1].grad)])
        for ours, theirs in zip(*results, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", ["plain", "options", "nll", "probabilities", "mse"])
def test_gradients_numerically(name, reduction, rng):
    x = tg.tensor(rng.standard_normal((3, 4, 2)).tolist(), dtype=tg.float64, requires_grad=True)
    other = tg.tensor(rng.random((3, 4, 2)).tolist(), dtype=tg.float64, requires_grad=True)
    target = tg.tensor([[0, 3], [1, 1], [2, 0]])
    weight = tg.tensor([0.5, 1.0, 2.0, 0.1], dtype=tg.float64)
    function, inputs = {
        "plain": (lambda v: F.cross_entropy(v, target, reduction=reduction), [x]),
        "options": (
            lambda v: F.cross_entropy(v, target, weight, ignore_index=1, reduction=reduction, label_smoothing=0.3),
            [x],
        ),
        "nll": (lambda v: F.nll_loss(v, target, weight, ignore_index=1, reduction=reduction) ** 2, [x]),
        "probabilities": (lambda v, t: F.cross_entropy(v, t, weight, reduction=reduction), [x, other]),
        "mse": (lambda a, b: F.mse_loss(a, b, reduction=reduction), [x, other]),
    }[name]
    assert gradcheck(function, inputs)
    assert gradgradcheck(function, inputs)


def test_large_logits_stay_finite():
    x = tg.tensor([[1000.0, -1000.0]], requires_grad=True)
    loss = F.cross_entropy(x, tg.tensor([1]))
    assert loss.item() == 2000.0
    loss.backward()
    assert x.grad.tolist() == [[1.0, -1.0]]


def classes(name="cross_entropy", x=(3, 5), target=(0, 1, 4), dtype="int64", weight=None, **options):
    def code(torch):
        logits = (torch.arange(math.prod(x)) % 7 / 3.0).reshape(x)
        y = torch.tensor(target).to(getattr(torch, dtype)) if isinstance(target, (tuple, list, int)) else target(torch)
        w = None if weight is None else weight(torch)
        return getattr(torch.nn.functional, name)(logits, y, w, **options)

    return code


CASES = {}
for _name in ("cross_entropy", "nll_loss"):
    CASES |= {
        f"{_name}-{what}": classes(_name, **options)
        for what, options in {
            "plain": {},
            "batch": {"target": (0, 1)},
            "above": {"target": (0, 1, 5)},
            "below": {"target": (0, 1, -1)},
            "int": {"dtype": "int32"},
            "float": {"dtype": "float32"},
            "byte": {"dtype": "uint8"},
            "bool": {"dtype": "bool"},
            "two_dimensions": {"target": ((0,), (1,), (4,))},
            "batchless": {"x": (5,), "target": 3},
            "batchless_one": {"x": (5,), "target": (3,)},
            "batchless_three": {"x": (5,)},
            "scalar_target": {"target": 1},
            "scalar_input": {"x": (), "target": 0},
            "weight_size": {"weight": lambda t: t.ones(4)},
            "weight_rank": {"weight": lambda t: t.ones(5, 1)},
            "weight_dtype": {"weight": lambda t: t.ones(5).double()},
            "reduction": {"reduction": "foo"},
            "reduction_none": {"reduction": None},
            "size_average": {"size_average": False},
            "reduce": {"reduce": False},
            "both": {"size_average": True, "reduce": True},
            "no_batch": {"x": (0, 5), "target": ()},
            "no_batch_sum": {"x": (0, 5), "target": (), "reduction": "sum"},
            "all_ignored": {"target": (-100, -100, -100)},
            "all_ignored_sum": {"target": (-100, -100, -100), "reduction": "sum"},
            "ignored_out_of_range": {"target": (0, 1, 7), "ignore_index": 7},
            "spatial": {"x": (2, 4, 3, 3), "target": lambda t: t.zeros(2, 3, 3, dtype=t.int64)},
            "spatial_size": {"x": (2, 4, 3, 3), "target": lambda t: t.zeros(2, 3, 2, dtype=t.int64)},
            "spatial_rank": {"x": (2, 4, 3, 3), "target": lambda t: t.zeros(2, 3, dtype=t.int64)},
            "spatial_batch": {"x": (2, 4, 3, 3), "target": lambda t: t.zeros(3, 3, 3, dtype=t.int64)},
            "sequence_size": {"x": (2, 4, 3), "target": lambda t: t.zeros(2, 2, dtype=t.int64)},
        }.items()
    }
CASES |= {
    "smoothing_large": classes(label_smoothing=1.5),
    "smoothing_negative": classes(label_smoothing=-0.1),
    "probabilities": classes(target=lambda t: t.ones(3, 5) / 5),
    "probabilities_long": classes(target=lambda t: t.zeros(3, 5, dtype=t.int64)),
    "probabilities_ignore": classes(target=lambda t: t.ones(3, 5), ignore_index=2),
    "probabilities_double": classes(target=lambda t: t.ones(3, 5).double()),
    "probabilities_empty": classes(x=(0, 5), target=lambda t: t.ones(0, 5)),
    "long_input": lambda t: t.nn.functional.nll_loss(t.zeros(3, 5, dtype=t.int64), t.tensor([0, 1, 2])),
    "mse": lambda t: t.nn.functional.mse_loss(t.ones(3), t.zeros(3)),
    "mse_broadcast": lambda t: t.nn.functional.mse_loss(t.ones(3, 5), t.zeros(3, 1)),
    "mse_shapes": lambda t: t.nn.functional.mse_loss(t.ones(3, 5), t.zeros(2, 5)),
    "mse_double": lambda t: t.nn.functional.mse_loss(t.ones(3), t.zeros(3).double()),
    "mse_long_target": lambda t: t.nn.functional.mse_loss(t.ones(3), t.zeros(3).long()),
    "mse_long": lambda t: t.nn.functional.mse_loss(t.ones(3).long(), t.zeros(3).long()),
    "mse_reduction": lambda t: t.nn.functional.mse_loss(t.ones(3), t.zeros(3), reduction="x"),
    "mse_weight": lambda t: t.nn.functional.mse_loss(t.ones(3), t.zeros(3), weight=t.arange(3.0)),
    "mse_weight_shape": lambda t: t.nn.functional.mse_loss(t.ones(3), t.zeros(3), weight=t.ones(2)),
    "mse_empty": lambda t: t.nn.functional.mse_loss(t.ones(0), t.ones(0)),
    "mse_number": lambda t: t.nn.functional.mse_loss(t.ones(3), 1.0),
    "mse_size_average": lambda t: t.nn.functional.mse_loss(t.ones(3), t.zeros(3), size_average=False),
    "module": lambda t: t.nn.CrossEntropyLoss(t.ones(3), label_smoothing=0.1)(t.eye(3), t.tensor([0, 2, 1])),
    "module_state": lambda t: list(t.nn.CrossEntropyLoss(t.ones(3)).state_dict()),
    "module_nll": lambda t: t.nn.NLLLoss(ignore_index=1, reduction="sum")(t.eye(3), t.tensor([0, 2, 1])),
    "module_mse": lambda t: t.nn.MSELoss(reduction="none")(t.eye(3), t.ones(3, 3)),
    "module_reduction": lambda t: t.nn.CrossEntropyLoss(reduction="foo")(t.eye(3), t.tensor([0, 2, 1])),
    "module_size_average": lambda t: t.nn.CrossEntropyLoss(size_average=False).reduction,
}


@pytest.mark.parity
@pytest.mark.parametrize("name", CASES)
def test_as_torch(name):
    pytest.importorskip("torch")
    check_twin(CASES[name], rtol=1e-5, atol=1e-6)


def test_argument_types():
    x, y = tg.zeros(2, 3), tg.tensor([0, 1])
    with pytest.raises(TypeError, match=r"argument 'target' .* must be Tensor, not list"):
        F.cross_entropy(x, [0, 1])
    with pytest.raises(TypeError, match=r"argument 'ignore_index' .* must be int, not float"):
        F.cross_entropy(x, y, ignore_index=1.5)
    with pytest.raises(ValueError, match="Overflow when unpacking long long"):
        F.cross_entropy(x, y, ignore_index=2**70)
    with pytest.raises(TypeError, match=r"argument 'label_smoothing' .* must be float, not str"):
        F.cross_entropy(x, y, label_smoothing="a")


def test_ignored_positions_get_no_gradient_whatever_the_logits():
    x = tg.tensor([[math.inf, 0.0], [1.0, 2.0]], requires_grad=True)
    F.cross_entropy(x, tg.tensor([-100, 0])).backward()
    assert x.grad[0].tolist() == [0.0, 0.0]
