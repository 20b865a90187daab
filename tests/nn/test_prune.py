"""Pruning against PyTorch: masks, what is trained, several prunings of one parameter, messages."""

import pickle

import numpy as np
import pytest

import tinygrad_cnn as tg
import tinygrad_cnn.nn.utils.prune
from tests.nn.twin import check_twin


def numbers(t, *shape):
    return (t.arange(int(np.prod(shape)), dtype=t.float64).reshape(*shape) * 0.7).sin()


def layer(t):
    t.manual_seed(4)
    return t.nn.Linear(4, 6).double()


def pruned(t, *steps):
    """A layer after prunings, its state and gradients, a step of training, and after they are made permanent."""
    module = layer(t)
    for function, *arguments in steps:
        getattr(t.nn.utils.prune, function)(module, "weight", *arguments)
    found = [dict(module.state_dict()), module.weight, t.nn.utils.prune.is_pruned(module)]
    (module(numbers(t, 2, 4)) ** 2).sum().backward()
    found.append(module.weight_orig.grad)
    with t.no_grad():
        module.weight_orig -= module.weight_orig.grad
    found.append(module(numbers(t, 2, 4)))
    t.nn.utils.prune.remove(module, "weight")
    return [*found, dict(module.state_dict()), t.nn.utils.prune.is_pruned(module), len(module._forward_pre_hooks)]


def everywhere(t, method, scores=None, **options):
    net = t.nn.Sequential(layer(t), t.nn.ReLU(), layer(t))
    members = [(net[0], "weight"), (net[2], "bias"), (net[2], "weight")]
    scores = {members[0]: numbers(t, 6, 4)} if scores else None
    t.nn.utils.prune.global_unstructured(members, getattr(t.nn.utils.prune, method), scores, **options)
    return dict(net.state_dict())


def of_mask(t, *masks):
    return pruned(t, *[("custom_from_mask", numbers(t, 6, 4) > limit) for limit in masks])


def by(t, kind, *args):
    return getattr(t.nn.utils.prune, kind)(*args).prune(numbers(t, 4, 6))


def container(t, *kinds):
    prune = t.nn.utils.prune
    methods = []
    for name in kinds:
        methods.append(prune.Identity())
        methods[-1]._tensor_name = name
    made = prune.PruningContainer(methods[0])
    for method in methods[1:]:
        made.add_pruning_method(method)
    return [len(made), type(made[0]).__name__, [type(m).__name__ for m in made]]


CASES = {
    "identity": lambda t: pruned(t, ("identity",)),
    "l1": lambda t: pruned(t, ("l1_unstructured", 0.3)),
    "l1_number": lambda t: pruned(t, ("l1_unstructured", 5)),
    "l1_nothing": lambda t: pruned(t, ("l1_unstructured", 0)),
    "l1_all": lambda t: pruned(t, ("l1_unstructured", 1.0)),
    "l1_scores": lambda t: pruned(t, ("l1_unstructured", 5, numbers(t, 6, 4))),
    "l1_twice": lambda t: pruned(t, ("l1_unstructured", 0.3), ("l1_unstructured", 0.5)),
    "ln": lambda t: pruned(t, ("ln_structured", 2, 2, 0)),
    "ln_dim": lambda t: pruned(t, ("ln_structured", 0.5, float("inf"), -1)),
    "ln_nothing": lambda t: pruned(t, ("ln_structured", 0, 1, 1)),
    "ln_after_ln": lambda t: pruned(t, ("ln_structured", 2, 2, 0), ("ln_structured", 2, 2, 0)),
    "ln_after_l1": lambda t: pruned(t, ("l1_unstructured", 5), ("ln_structured", 0.5, 2, 1)),
    "three": lambda t: pruned(t, ("l1_unstructured", 5), ("ln_structured", 1, 2, 0), ("l1_unstructured", 0.5)),
    "mask": lambda t: of_mask(t, 0.1),
    "mask_twice": lambda t: of_mask(t, 0.1, -0.5),
    "global": lambda t: everywhere(t, "L1Unstructured", amount=0.4),
    "global_number": lambda t: everywhere(t, "L1Unstructured", amount=10),
    "global_scores": lambda t: everywhere(t, "L1Unstructured", scores=True, amount=10),
    "global_parameters": lambda t: t.nn.utils.prune.global_unstructured(3, t.nn.utils.prune.L1Unstructured, amount=1),
    "prune": lambda t: by(t, "L1Unstructured", 5),
    "prune_structured": lambda t: by(t, "LnStructured", 0.5, 1, 0),
    "prune_scores": lambda t: t.nn.utils.prune.L1Unstructured(5).prune(t.ones(3), importance_scores=t.ones(2)),
    "container": lambda t: container(t, "weight", "weight"),
    "amount_type": lambda t: t.nn.utils.prune.L1Unstructured("a"),
    "amount_negative": lambda t: t.nn.utils.prune.L1Unstructured(-1),
    "amount_part": lambda t: t.nn.utils.prune.RandomUnstructured(1.5),
    "amount_many": lambda t: pruned(t, ("l1_unstructured", 25)),
    "dim": lambda t: pruned(t, ("ln_structured", 1, 2, 2)),
    "vector": lambda t: t.nn.utils.prune.ln_structured(layer(t), "bias", 1, 2, 0),
    "scores_shape": lambda t: pruned(t, ("l1_unstructured", 5, t.ones(3))),
    "not_pruned": lambda t: t.nn.utils.prune.remove(layer(t), "weight"),
    "mask_shape": lambda t: t.nn.utils.prune.custom_from_mask(layer(t), "weight", t.ones(3)),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", CASES)
def test_as_torch(name):
    pytest.importorskip("torch.nn.utils.prune")
    check_twin(CASES[name], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("amount", "left"), [(7, 17), (0.5, 12), (0, 24)])
def test_random_elements_go(amount, left):
    module = tg.nn.utils.prune.random_unstructured(layer(tg), "weight", amount)
    assert module.weight_mask.sum().item() == left


@pytest.mark.parametrize(("amount", "dim", "left"), [(2, 0, 4), (0.5, 1, 2), (0, 1, 4)])
def test_random_slices_go(amount, dim, left):
    module = tg.nn.utils.prune.random_structured(layer(tg), "weight", amount, dim)
    mask = module.weight_mask.numpy()
    kept = mask.all(1 - dim)
    assert kept.sum() == left
    np.testing.assert_array_equal(mask.any(1 - dim), kept)


def test_pruned_modules_can_be_pickled():
    module = tg.nn.utils.prune.l1_unstructured(layer(tg), "weight", 0.5)
    x = numbers(tg, 2, 4)
    other = pickle.loads(pickle.dumps(module))
    np.testing.assert_array_equal(other(x).detach().numpy(), module(x).detach().numpy())


def test_methods_that_do_not_go_together():
    prune = tg.nn.utils.prune
    with pytest.raises(TypeError, match=r'Only "unstructured" PRUNING_TYPE supported .* of type structured'):
        everywhere(tg, "LnStructured", amount=10, n=2)
    with pytest.raises(ValueError, match="Can only add pruning methods acting on the parameter named 'weight'"):
        container(tg, "weight", "bias")
    with pytest.raises(TypeError, match="<class 'int'> is not a BasePruningMethod subclass"):
        prune.PruningContainer(prune.Identity()).add_pruning_method(3)


def test_a_layer_that_cannot_be_pruned_stays_as_it_was():
    module = layer(tg)
    with pytest.raises(ValueError, match="should be smaller than the number of parameters"):
        tg.nn.utils.prune.l1_unstructured(module, "weight", 25)
    assert [name for name, _ in module.named_parameters()] == ["weight", "bias"]
