"""Activation checkpointing: gradients as without it, first and second order, and what PyTorch warns and refuses."""

import importlib
import warnings

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.utils.checkpoint import checkpoint, checkpoint_sequential

REENTRANT = pytest.mark.parametrize("reentrant", [True, False], ids=["reentrant", "not reentrant"])


def network(torch):
    torch.manual_seed(0)
    nn = torch.nn
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Identity(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 2))


def gradients(model, x):
    return [None if p.grad is None else p.grad.tolist() for p in [*model.parameters(), x]]


@REENTRANT
@pytest.mark.parametrize("needs_grad", [True, False])
@pytest.mark.parametrize("segments", [1, 2, 3, 6])
def test_gradients_are_those_without(reentrant, needs_grad, segments):
    model = network(tg)
    x = tg.randn(5, 4, requires_grad=needs_grad)
    (model(x) ** 2).sum().backward()
    expected = gradients(model, x)
    model.zero_grad()
    x.grad = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (checkpoint_sequential(model, segments, x, use_reentrant=reentrant) ** 2).sum().backward()
    found = gradients(model, x)
    for ours, theirs in zip(found, expected, strict=True):
        if ours is None:
            assert theirs is None or (reentrant and not needs_grad)
        else:
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert not (None in found[:-1] and (needs_grad or not reentrant))


def test_gradients_of_gradients():
    w = tg.tensor([1.0, 2.0], dtype=tg.float64, requires_grad=True)
    a = tg.tensor([0.5, -1.0], dtype=tg.float64, requires_grad=True)

    def whole(w, a):
        return checkpoint(lambda h: (h**3 * a).sin(), w * w, use_reentrant=False)

    assert tg.autograd.gradcheck(whole, (w, a)) and tg.autograd.gradgradcheck(whole, (w, a))


def test_it_works_with_grad_and_hooks():
    model = network(tg)
    x = tg.randn(3, 4)
    expected = tg.autograd.grad(model(x).sum(), list(model.parameters()))
    found = tg.autograd.grad(checkpoint(model, x, use_reentrant=False).sum(), list(model.parameters()))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-6)
    seen = []
    model[0].weight.register_hook(lambda grad: seen.append(tuple(grad.shape)))
    checkpoint(model, x, use_reentrant=False).sum().backward()
    assert seen == [(8, 4)]


def test_it_is_computed_twice_and_keeps_nothing():
    calls = []

    def function(x):
        calls.append(tg.is_grad_enabled())
        return (x.exp() * 2).sin()

    x = tg.ones(3, requires_grad=True)
    y = checkpoint(function, x, use_reentrant=False)
    assert y.grad_fn.name() == "_CheckpointBackward" and len(calls) == 1
    assert [node.name() for node, _ in y.grad_fn.next_functions if node is not None] == [
        "torch::autograd::AccumulateGrad"
    ]
    y.sum().backward()
    assert calls == [True, True]
    with tg.no_grad():
        assert not checkpoint(function, x, use_reentrant=False).requires_grad


def test_random_numbers_are_drawn_again():
    x = tg.ones(1000, requires_grad=True)
    for preserve, same in ((True, True), (False, False)):
        y = checkpoint(lambda v: tg.nn.functional.dropout(v), x, use_reentrant=False, preserve_rng_state=preserve)
        state = tg.get_rng_state()
        x.grad = None
        y.sum().backward()
        assert bool((y == x.grad).all()) is same
        assert (tg.get_rng_state().tolist() == state.tolist()) is same


def test_arguments_and_results_of_all_kinds():
    a, b = tg.ones(2, requires_grad=True), tg.full((2,), 3.0)
    c = tg.ones(2, requires_grad=True)

    def function(a, b, factor=1, c=None):
        return a * b * factor + c, 7, (a * 2).detach(), a

    out, number, constant, same = checkpoint(function, a, b, factor=5, c=c, use_reentrant=False)
    assert number == 7 and not constant.requires_grad and same is a
    (out * out).sum().backward()
    assert a.grad.tolist() == [2 * 16 * 15] * 2 and c.grad.tolist() == [32] * 2
    assert type(checkpoint(lambda v: [v * 2, v], a, use_reentrant=False)) is list


def test_contexts_of_both_calls():
    entered = []

    class Context:
        def __init__(self, name):
            self.name = name

        def __enter__(self):
            entered.append(self.name)

        def __exit__(self, *exception):
            pass

    x = tg.ones(2, requires_grad=True)
    contexts = lambda: (Context("first"), Context("again"))  # noqa: E731
    checkpoint(lambda v: v * 2, x, use_reentrant=False, context_fn=contexts).sum().backward()
    assert entered == ["first", "again"]


@pytest.mark.parity
@pytest.mark.parametrize(
    "call",
    [
        lambda c, torch, x: c.checkpoint(torch.sin, x),
        lambda c, torch, x: c.checkpoint_sequential([torch.sin], 1, x),
        lambda c, torch, x: c.checkpoint(torch.sin, x, use_reentrant=True, other=3),
        lambda c, torch, x: c.checkpoint_sequential([torch.sin], 1, x, use_reentrant=True, other=3),
        lambda c, torch, x: c.checkpoint(torch.sin, x, use_reentrant=True, debug=True),
        lambda c, torch, x: c.checkpoint(torch.sin, x.detach(), use_reentrant=True),
    ],
)
def test_warnings_and_errors_are_torchs(call):
    torch = pytest.importorskip("torch")
    importlib.import_module("torch.utils.checkpoint")
    outcomes = []
    for library in (torch, tg):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                result = call(library.utils.checkpoint, library, library.ones(2, requires_grad=True)).tolist()
            except ValueError as error:
                result = str(error)
        outcomes.append((result, [str(warning.message) for warning in caught]))
    assert outcomes[0] == outcomes[1]


def test_another_result_the_second_time_is_noticed():
    results = [1, 2]
    x = tg.ones(2, requires_grad=True)
    y = checkpoint(lambda v: (v * 2,) * results.pop(), x, use_reentrant=False)
    with pytest.raises(RuntimeError, match="returned 2 tensors in forward and 1 when it was called again"):
        (y[0] + y[1]).sum().backward()
