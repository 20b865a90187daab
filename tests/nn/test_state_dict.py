"""state_dict and load_state_dict: keys, metadata, messages, hooks, assign."""

from __future__ import annotations

import pickle
from collections import OrderedDict

import numpy as np
import pytest

import tinygrad_cnn as tg
from tests.nn.twin import check_twin
from tinygrad_cnn import nn


def build(torch):
    return torch.nn.Sequential(
        OrderedDict(conv=torch.nn.Conv2d(1, 2, 3), norm=torch.nn.BatchNorm2d(2), fc=torch.nn.Linear(4, 2, bias=False))
    )


def changed(torch, change):
    state = build(torch).state_dict()
    change(torch, state)
    return state


def load(change, **kwargs):
    """A case: load a state changed by `change`."""
    return lambda torch: repr(build(torch).load_state_dict(changed(torch, change), **kwargs))


def _delete(*keys):
    def change(torch, state):
        for key in keys:
            del state[key]

    return change


def _set(key, shape):
    return lambda torch, state: state.__setitem__(key, torch.zeros(shape))


def _both(torch, state):
    del state["conv.bias"]
    state["other"] = torch.zeros(1)
    state["fc.weight"] = torch.zeros(3, 3)


CASES = {
    "keys": lambda t: list(build(t).state_dict()),
    "prefix": lambda t: list(build(t).state_dict(prefix="net.")),
    "metadata": lambda t: repr(build(t).state_dict()._metadata),
    "matched": load(lambda t, s: None),
    "missing": load(_delete("conv.weight")),
    "missing_two": load(_delete("conv.weight", "norm.running_mean")),
    "missing_not_strict": load(_delete("conv.weight"), strict=False),
    "missing_count_old_version": load(_delete("norm.num_batches_tracked")),
    "unexpected": load(_set("extra", (2,))),
    "unexpected_below": load(_set("conv.extra.deep", (2,))),
    "unexpected_module": load(_set("nowhere.weight", (2,))),
    "unexpected_not_strict": load(_set("extra", (2,)), strict=False),
    "size": load(_set("fc.weight", (3, 3))),
    "size_not_strict": load(_set("fc.weight", (3, 3)), strict=False),
    "scalar_from_vector": load(_set("norm.num_batches_tracked", (1,))),
    "both": load(_both),
    "not_a_tensor": load(lambda t, s: s.__setitem__("fc.weight", "text")),
    "not_a_mapping": lambda t: build(t).load_state_dict([1, 2]),
    "none": lambda t: build(t).load_state_dict(None),
    "positional": lambda t: _positional(t),
    "double_into_float": lambda t: _double_into_float(t),
    "post_hook_value": lambda t: _post_hook_value(t),
    "private_after_public": lambda t: _private_after_public(t),
}


def _positional(torch):
    with pytest.warns(FutureWarning, match="Positional args"):
        return list(build(torch).state_dict(OrderedDict(), "x."))


def _double_into_float(torch):
    module = build(torch)
    module.load_state_dict({key: value.double() for key, value in build(torch).state_dict().items()})
    return str(module.fc.weight.dtype)


def _post_hook_value(torch):
    module = build(torch)
    module.register_load_state_dict_post_hook(lambda module, keys: 1)
    module.load_state_dict(module.state_dict())


def _private_after_public(torch):
    def hook(*args):
        return None

    module = build(torch)
    module.register_state_dict_post_hook(hook)
    module._register_state_dict_hook(hook)


@pytest.mark.parity
@pytest.mark.parametrize("name", CASES)
def test_as_torch(name):
    pytest.importorskip("torch")
    check_twin(CASES[name])


def test_round_trip_changes_values_in_place():
    a, b = build(tg), build(tg)
    weight = b.conv.weight
    b.load_state_dict(a.state_dict())
    assert b.conv.weight is weight
    for ours, other in zip(a.state_dict().values(), b.state_dict().values(), strict=True):
        assert (ours == other).all()


def test_state_shares_memory_unless_copied():
    module = nn.Linear(2, 2)
    state = module.state_dict()
    assert not state["weight"].requires_grad
    with tg.no_grad():
        module.weight.zero_()
    assert (state["weight"] == 0).all()
    assert module.state_dict(keep_vars=True)["weight"] is module.weight


def test_assign_takes_the_tensors():
    module = nn.Linear(2, 2)
    module.weight.requires_grad_(False)
    state = {"weight": tg.ones(2, 2, dtype=tg.float64), "bias": nn.Parameter(tg.zeros(2))}
    module.load_state_dict(state, assign=True)
    assert module.weight.dtype is tg.float64 and not module.weight.requires_grad
    assert module.bias is state["bias"]


def test_what_fits_is_loaded_before_the_error():
    module = nn.Linear(2, 2)
    with pytest.raises(RuntimeError, match="size mismatch for bias"):
        module.load_state_dict({"weight": tg.ones(2, 2), "bias": tg.zeros(3)})
    assert (module.weight == 1).all()


def test_extra_state():
    class Extra(nn.Module):
        value = 1

        def get_extra_state(self):
            return {"value": self.value}

        def set_extra_state(self, state):
            self.value = state["value"]

    a, b = nn.Sequential(Extra()), nn.Sequential(Extra())
    a[0].value = 5
    assert list(a.state_dict()) == ["0._extra_state"]
    b.load_state_dict(a.state_dict())
    assert b[0].value == 5
    with pytest.raises(RuntimeError, match=r"Missing key\(s\) in state_dict: \"0._extra_state\""):
        b.load_state_dict({})
    with pytest.raises(RuntimeError, match="Unexpected key"):
        nn.Sequential(nn.ReLU()).load_state_dict(a.state_dict())


def test_hooks_run_in_order():
    seen = []
    module = nn.Sequential(nn.Linear(1, 1))
    module.register_state_dict_pre_hook(lambda m, prefix, keep: seen.append(("pre", prefix, keep)))
    module.register_state_dict_post_hook(lambda m, state, prefix, meta: seen.append(("post", list(state), dict(meta))))
    module[0].register_load_state_dict_pre_hook(lambda m, state, prefix, *rest: seen.append(("load", m, prefix)))
    handle = module.register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear())
    state = module.state_dict()
    assert seen == [("pre", "", False), ("post", ["0.weight", "0.bias"], {"version": 1})]
    seen.clear()
    del state["0.bias"]
    module.load_state_dict(state)
    assert seen == [("load", module[0], "0.")]
    handle.remove()
    with pytest.raises(RuntimeError, match="Missing key"):
        module.load_state_dict(state)


def test_state_pickles_without_this_package():
    state = build(tg).state_dict()
    assert type(state) is OrderedDict
    again = pickle.loads(pickle.dumps(state))
    assert list(again) == list(state)
    assert again._metadata == state._metadata


@pytest.mark.parity
def test_numbers_travel_between_the_packages():
    torch = pytest.importorskip("torch")
    theirs, ours = build(torch), build(tg)
    ours.load_state_dict({key: tg.from_numpy(value.numpy().copy()) for key, value in theirs.state_dict().items()})
    x = np.random.default_rng(0).standard_normal((2, 1, 5, 5)).astype(np.float32)
    expected = theirs.norm(theirs.conv(torch.from_numpy(x)))
    got = ours.norm(ours.conv(tg.from_numpy(x)))
    np.testing.assert_allclose(got.detach().numpy(), expected.detach().numpy(), rtol=1e-4, atol=1e-5)
