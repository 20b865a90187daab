"""The optimizers' interface: groups, state, hooks, repr, messages, unusual parameters and gradients."""

import copy
import pickle

import numpy as np
import pytest

from tinygrad_cnn import dtypes
from tinygrad_cnn.data import tensor
from tinygrad_cnn.optim import (
    SGD,
    Adam,
    AdamW,
    Optimizer,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from tinygrad_cnn.optim.optimizer import required
from tinygrad_cnn.tensor import Tensor, wrap

OPTIMIZERS = [SGD, Adam, AdamW]


def leaf(values, dtype=None):
    return tensor(values, dtype=dtype).requires_grad_()


def with_grad(values, grad, dtype=None):
    p = leaf(values, dtype)
    p.grad = tensor(grad, dtype=p.dtype)
    return p


def values(p):
    return p.detach().numpy().tolist()


# ---------------------------------------------------------------- construction and messages


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
@pytest.mark.parametrize(
    "options",
    [
        {"lr": -0.1},
        {"lr": float("nan")},
        {"momentum": -1},
        {"weight_decay": -0.5},
        {"nesterov": True},
        {"nesterov": True, "momentum": 0.9, "dampening": 0.1},
        {"betas": (1.0, 0.9)},
        {"betas": (0.9, -0.1)},
        {"betas": (0, 0.9)},
        {"eps": -1.0},
        {"foreach": True, "fused": True},
        {"fused": True, "differentiable": True},
        {"unknown": 1},
    ],
    ids=str,
)
@pytest.mark.parity
def test_messages_are_torchs(name, options):
    torch = pytest.importorskip("torch")
    cls, reference = {"SGD": SGD, "Adam": Adam, "AdamW": AdamW}[name], getattr(torch.optim, name)

    def outcome(make, p):
        try:
            return repr(make([p], **options))
        except Exception as error:
            return type(error), str(error)

    theirs = outcome(reference, torch.ones(2, requires_grad=True))
    ours = outcome(cls, leaf([1.0, 1.0]))
    assert ours == theirs or ("unexpected keyword" in ours[1] and ours[0] is theirs[0])


@pytest.mark.parity
@pytest.mark.parametrize(
    "make",
    [
        lambda cls, t: cls(t([1.0])),
        lambda cls, t: cls([]),
        lambda cls, t: cls([1]),
        lambda cls, t: cls([object()]),
        lambda cls, t: cls([{"params": {t([1.0])}}]),
        lambda cls, t: cls([{"params": [t([1.0])]}, [t([2.0])]]),
        lambda cls, t: cls([(lambda p: {"params": [p], "x": [cls([{"params": [p]}, {"params": [p]}])]})(t([1.0]))]),
        lambda cls, t: cls([("w", t([1.0])), t([2.0])]),
        lambda cls, t: cls([{"params": [("w", t([1.0]))]}, {"params": [t([2.0])]}]),
        lambda cls, t: cls([t([1.0]) * 2]),
    ],
)
def test_messages_about_parameters_are_torchs(make):
    torch = pytest.importorskip("torch")
    with pytest.raises(Exception) as theirs:
        make(torch.optim.SGD, lambda v: torch.tensor(v, requires_grad=True))
    with pytest.raises(type(theirs.value)) as ours:
        make(SGD, leaf)
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parity
def test_reprs_are_torchs():
    torch = pytest.importorskip("torch")
    for name, options in [("SGD", {"lr": 0.5, "momentum": 0.9}), ("Adam", {"amsgrad": True}), ("AdamW", {})]:
        ours = {"SGD": SGD, "Adam": Adam, "AdamW": AdamW}[name](
            [{"params": [leaf([1.0])]}, {"params": [leaf(2.0)], "lr": 3.0}], **options
        )
        theirs = getattr(torch.optim, name)(
            [{"params": [torch.ones(1)]}, {"params": [torch.ones(1)], "lr": 3.0}], **options
        )
        assert repr(ours) == repr(theirs)


def test_differentiable_and_capturable():
    for cls in OPTIMIZERS:
        with pytest.raises(NotImplementedError, match="differentiable"):
            cls([leaf([1.0])], differentiable=True)
    with pytest.raises(AssertionError, match="If capturable=True, params and state_steps must be on supported devices"):
        Adam([with_grad([1.0], [1.0])], capturable=True).step()


def test_duplicate_parameters_warn_and_step_twice():
    p = with_grad([1.0], [1.0])
    with pytest.warns(UserWarning, match="duplicate parameters"):
        optimizer = SGD([p, p], lr=0.25)
    optimizer.step()
    assert values(p) == [0.5]


def test_required_options():
    with pytest.raises(ValueError, match="didn't specify a value of required optimization parameter lr"):
        Optimizer([leaf([1.0])], {"lr": required})
    optimizer = Optimizer([{"params": leaf([1.0]), "lr": 1.0}], {"lr": required})
    with pytest.raises(NotImplementedError):
        optimizer.step()
    with pytest.raises(TypeError, match="param_group must be a dict"):
        optimizer.add_param_group([leaf([1.0])])


# ---------------------------------------------------------------- stepping


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_parameters_without_gradient_are_left_alone(cls):
    still, moved = leaf([1.0]), with_grad([1.0], [1.0])
    optimizer = cls([still, moved])
    optimizer.step()
    assert values(still) == [1.0] and values(moved) != [1.0] and still not in optimizer.state
    assert still._version == 0 and moved._version == 1


def test_groups_have_their_own_options():
    a, b = with_grad([1.0], [1.0]), with_grad([1.0], [1.0])
    SGD([{"params": [a]}, {"params": b, "lr": 0.5}], lr=0.25).step()
    assert values(a) == [0.75] and values(b) == [0.5]


def test_named_parameters():
    optimizer = SGD([("w", leaf([1.0])), ("b", leaf([2.0]))])
    assert optimizer.param_groups[0]["param_names"] == ["w", "b"]
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["w", "b"]


def test_closure():
    p = leaf([1.0])
    optimizer = SGD([p], lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = (p * 2.0).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 2.0
    assert values(p) == [0.5]


def test_zero_grad():
    p = with_grad([1.0], [1.0])
    optimizer = SGD([p])
    kept = p.grad
    optimizer.zero_grad(set_to_none=False)
    assert p.grad is kept and values(kept) == [0.0]
    optimizer.zero_grad()
    assert p.grad is None


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_two_dtypes_at_once(cls):
    a, b = with_grad([1.0, 2.0], [0.5, 0.5]), with_grad([1.0, 2.0], [0.5, 0.5], dtypes.float64)
    optimizer = cls([a, b])
    for _ in range(3):
        optimizer.step()
    np.testing.assert_allclose(values(a), values(b), rtol=1e-6)
    assert a.dtype is dtypes.float32 and b.dtype is dtypes.float64


@pytest.mark.parametrize("cls", OPTIMIZERS)
@pytest.mark.parametrize("what", ["parameter", "gradient", "state"])
def test_strided_memory(rng, cls, what):
    """Parameters, gradients and loaded state that are not dense give the same as dense ones."""
    options = {"momentum": 0.9} if cls is SGD else {}
    data, grad = rng.standard_normal((4, 3)).astype(np.float32), rng.standard_normal((4, 3)).astype(np.float32)

    def strided(array):
        wide = np.zeros((3, 8), np.float32)
        wide[:, ::2] = array.T
        return wrap(wide[:, ::2].T)

    results = []
    for make in (tensor, strided):
        p = (make if what == "parameter" else tensor)(data).requires_grad_()
        optimizer = cls([p], **options)
        for step in range(4):
            p.grad = (make if what == "gradient" else tensor)(grad)
            optimizer.step()
            if what == "state" and step == 1:
                state = optimizer.state_dict()
                for name, value in state["state"][0].items():
                    if value.ndim:
                        state["state"][0][name] = make(value.numpy().copy())
                optimizer.load_state_dict(state)
        results.append(p.detach().numpy().copy())
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_state_that_does_not_fit_is_refused(cls):
    options = {"momentum": 0.9} if cls is SGD else {}
    small, large = with_grad([1.0], [1.0]), with_grad([1.0] * 100, [1.0] * 100)
    first, second = cls([small], **options), cls([large], **options)
    first.step()
    second.load_state_dict(first.state_dict())
    with pytest.raises(RuntimeError, match=r"has shape \[1\].*parameter has shape \[100\]"):
        second.step()


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_data_may_be_replaced(cls):
    """A parameter whose memory or gradient's memory changes between steps is seen with its new memory."""
    p = with_grad([1.0], [1.0])
    optimizer = cls([p], lr=0.5, weight_decay=0.0)
    optimizer.step()
    first = values(p)
    p.data = tensor([10.0])
    optimizer.step()
    assert first[0] < 1.0 and 9.0 < values(p)[0] < 10.0


def test_parameters_that_join_later_have_their_own_step_count():
    early, late = with_grad([1.0], [1.0]), leaf([1.0])
    optimizer = Adam([early, late], lr=0.5)
    optimizer.step()
    late.grad = tensor([1.0])
    optimizer.step()
    steps = [optimizer.state[p]["step"].item() for p in (early, late)]
    assert steps == [2.0, 1.0]
    assert values(late)[0] == pytest.approx(0.5, abs=1e-6)  # the first step of Adam has the length lr


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_tensor_learning_rate(cls):
    a, b = with_grad([1.0], [2.0]), with_grad([1.0], [2.0])
    for p, lr in ((a, 0.25), (b, tensor(0.25))):
        optimizer = cls([p], lr=lr)
        optimizer.step()
        optimizer.param_groups[0]["lr"] *= 2
        optimizer.step()
    assert values(a) == values(b)
    with pytest.raises(ValueError, match="Tensor lr must be 1-element"):
        cls([leaf([1.0])], lr=tensor([0.1, 0.2]))


# ---------------------------------------------------------------- state


def trained(cls, steps=3, **options):
    params = [with_grad([1.0, 2.0], [0.3, 0.1]), with_grad([[3.0]], [[1.0]])]
    optimizer = cls([{"params": params[:1]}, {"params": params[1:], "lr": 0.05}], **options)
    for _ in range(steps):
        optimizer.step()
    return params, optimizer


@pytest.mark.parametrize(
    ("cls", "options"), [(SGD, {}), (SGD, {"momentum": 0.9}), (Adam, {"amsgrad": True}), (AdamW, {})]
)
def test_state_dict_round_trip(cls, options):
    params, optimizer = trained(cls, **options)
    fresh = [leaf(values(p)) for p in params]
    other = cls([{"params": fresh[:1]}, {"params": fresh[1:]}])
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for p, q in zip(params, fresh, strict=True):
        q.grad = p.grad
    for _ in range(3):
        optimizer.step()
        other.step()
    assert [values(p) for p in params] == [values(q) for q in fresh]
    assert other.param_groups[1]["lr"] == 0.05


@pytest.mark.parametrize("how", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_copies_go_on_alike(how):
    params, optimizer = trained(SGD, momentum=0.9)
    other = how(optimizer)
    copies = [p for group in other.param_groups for p in group["params"]]
    assert all(p is not q for p, q in zip(params, copies, strict=True))
    for p, q in zip(params, copies, strict=True):
        q.grad = p.grad
    optimizer.step()
    other.step()
    assert [values(p) for p in params] == [values(q) for q in copies]


def test_load_state_dict_errors():
    _, optimizer = trained(SGD)
    state = optimizer.state_dict()
    with pytest.raises(ValueError, match="different number of parameter groups"):
        SGD([leaf([1.0])]).load_state_dict(state)
    with pytest.raises(ValueError, match="doesn't match the size of optimizer's group"):
        SGD([{"params": [leaf([1.0]), leaf([1.0])]}, {"params": [leaf([1.0])]}]).load_state_dict(state)


def test_loaded_state_takes_the_parameters_dtype():
    _, optimizer = trained(Adam)
    double = Adam([{"params": [leaf([1.0, 2.0], dtypes.float64)]}, {"params": [leaf([[1.0]], dtypes.float64)]}])
    double.load_state_dict(optimizer.state_dict())
    entry = double.state_dict()["state"][0]
    assert entry["exp_avg"].dtype is dtypes.float64 and entry["step"].dtype is dtypes.float32


def test_states_of_old_versions_have_a_number_as_step():
    _, optimizer = trained(Adam)
    state = copy.deepcopy(optimizer.state_dict())
    for entry in state["state"].values():
        entry["step"] = int(entry["step"].item())
    for group in state["param_groups"]:
        del group["maximize"], group["fused"]
    optimizer.load_state_dict(state)
    assert isinstance(optimizer.state_dict()["state"][0]["step"], Tensor)
    optimizer.step()


def test_an_adam_state_does_not_turn_adamw_into_adam():
    _, adam = trained(Adam)
    _, adamw = trained(AdamW)
    adamw.load_state_dict(adam.state_dict())
    assert all(group["decoupled_weight_decay"] for group in adamw.param_groups)


# ---------------------------------------------------------------- hooks


def test_step_hooks_run_in_order_and_can_be_removed():
    calls = []
    p = with_grad([1.0], [1.0])
    optimizer = SGD([p])

    def hook(name):
        return lambda o, args, kwargs: calls.append((name, o is optimizer, len(args), kwargs))

    handles = [
        optimizer.register_step_pre_hook(hook("pre")),
        optimizer.register_step_post_hook(hook("post")),
        register_optimizer_step_pre_hook(hook("global pre")),
        register_optimizer_step_post_hook(hook("global post")),
    ]
    optimizer.step()
    assert [call[0] for call in calls] == ["global pre", "pre", "post", "global post"]
    assert all(call[1:] == (True, 1, {}) for call in calls)
    for handle in handles:
        handle.remove()
        handle.remove()
    optimizer.step()
    assert len(calls) == 4


def test_a_pre_hook_may_change_the_arguments():
    p = with_grad([1.0], [1.0])
    optimizer = SGD([p])
    optimizer.register_step_pre_hook(lambda o, args, kwargs: ((o, lambda: 7), {}))
    assert optimizer.step() == 7
    optimizer.register_step_pre_hook(lambda o, args, kwargs: 3)
    with pytest.raises(RuntimeError, match=r"must return None or a tuple of .new_args, new_kwargs., but got 3"):
        optimizer.step()


def test_state_dict_hooks():
    _, optimizer = trained(SGD, momentum=0.9)
    order = []
    optimizer.register_state_dict_pre_hook(lambda o: order.append("save pre"))
    optimizer.register_state_dict_post_hook(lambda o, s: {**s, "extra": 1})
    optimizer.register_load_state_dict_pre_hook(lambda o, s: order.append("second"))
    optimizer.register_load_state_dict_pre_hook(lambda o, s: order.append("first"), prepend=True)
    optimizer.register_load_state_dict_post_hook(lambda o: order.append("load post"))
    state = optimizer.state_dict()
    assert state["extra"] == 1
    optimizer.load_state_dict(state)
    assert order == ["save pre", "first", "second", "load post"]
