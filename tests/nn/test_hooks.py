"""Forward and backward hooks: order, arguments, replaced values, errors; compared with PyTorch's by their trace."""

from __future__ import annotations

import pytest

import tinygrad_cnn as tg
from tests.nn.twin import check_twin
from tinygrad_cnn import nn


def layer(torch):
    class Scale(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(1) * 3)

        def forward(self, x, y=None, *, bias=0.0):
            if x is None:
                raise ValueError("nothing")
            return x * self.weight + bias

    return Scale()


def traced(register, x=(1.0, 2.0), requires_grad=True, call=None):
    """A case: register hooks that append to a trace, run forward and backward, return all."""

    def code(torch):
        trace = []
        module = layer(torch)
        register(torch, module, trace)
        leaf = torch.tensor(x, requires_grad=requires_grad)
        out = (call or (lambda m, v: m(v)))(module, leaf)
        if isinstance(out, tuple):
            out = out[0]
        out.sum().backward()
        return trace, out, None if leaf.grad is None else leaf.grad, module.weight.grad

    return code


def _orders(torch, module, trace):
    module.register_forward_pre_hook(lambda m, a: trace.append("pre1"))
    module.register_forward_pre_hook(lambda m, a: trace.append("pre0"), prepend=True)
    module.register_forward_hook(lambda m, a, o: trace.append("post1"))
    module.register_forward_hook(lambda m, a, o: trace.append("post0"), prepend=True)
    module.register_full_backward_pre_hook(lambda m, g: trace.append("bpre1"))
    module.register_full_backward_pre_hook(lambda m, g: trace.append("bpre0"), prepend=True)
    module.register_full_backward_hook(lambda m, gi, go: trace.append("b1"))
    module.register_full_backward_hook(lambda m, gi, go: trace.append("b0"), prepend=True)


def _removed(torch, module, trace):
    handle = module.register_forward_hook(lambda m, a, o: trace.append("never"))
    handle.remove()
    handle.remove()
    with module.register_forward_pre_hook(lambda m, a: trace.append("never")):
        pass


CASES = {
    "order": traced(_orders),
    "removed": traced(_removed),
    "pre_replaces": traced(lambda t, m, tr: m.register_forward_pre_hook(lambda m, a: a[0] * 2)),
    "pre_replaces_tuple": traced(lambda t, m, tr: m.register_forward_pre_hook(lambda m, a: (a[0] * 2,))),
    "pre_kwargs": traced(
        lambda t, m, tr: m.register_forward_pre_hook(
            lambda m, a, k: (tr.append(sorted(k)), ((a[0],), {"bias": 5.0}))[1], with_kwargs=True
        ),
        call=lambda m, v: m(v, bias=1.0),
    ),
    "pre_kwargs_wrong": traced(
        lambda t, m, tr: m.register_forward_pre_hook(lambda m, a, k: 5, with_kwargs=True),
    ),
    "post_replaces": traced(lambda t, m, tr: m.register_forward_hook(lambda m, a, o: o * 10)),
    "post_kwargs": traced(
        lambda t, m, tr: m.register_forward_hook(lambda m, a, k, o: tr.append(dict(k)), with_kwargs=True),
        call=lambda m, v: m(v, bias=1.0),
    ),
    "backward_sees": traced(
        lambda t, m, tr: m.register_full_backward_hook(
            lambda m, gi, go: tr.append(([g.tolist() for g in gi], [g.tolist() for g in go]))
        )
    ),
    "backward_none_for_others": traced(
        lambda t, m, tr: m.register_full_backward_hook(lambda m, gi, go: tr.append([g is None for g in gi])),
        call=lambda m, v: m(v, "text"),
    ),
    "backward_replaces": traced(
        lambda t, m, tr: m.register_full_backward_hook(lambda m, gi, go: (gi[0] * 100,)),
    ),
    "backward_wrong_count": traced(
        lambda t, m, tr: m.register_full_backward_hook(lambda m, gi, go: (gi[0], gi[0])),
    ),
    "backward_pre_replaces": traced(
        lambda t, m, tr: m.register_full_backward_pre_hook(lambda m, go: (go[0] * 7,)),
    ),
    "backward_pre_wrong_count": traced(
        lambda t, m, tr: m.register_full_backward_pre_hook(lambda m, go: (go[0], go[0])),
    ),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", CASES)
def test_as_torch(name):
    pytest.importorskip("torch")
    check_twin(CASES[name], rtol=1e-6)


def test_always_call_runs_after_an_error():
    seen = []
    module = layer(tg)
    module.register_forward_hook(lambda m, a, o: seen.append("normal"))
    module.register_forward_hook(lambda m, a, o: seen.append("always"), always_call=True)
    with pytest.raises(ValueError, match="nothing"):
        module(None)
    assert seen == ["always"]


def test_always_call_hook_that_raises_is_silenced_after_an_error():
    def hook(module, args, output):
        raise KeyError("second")

    module = layer(tg)
    module.register_forward_hook(hook, always_call=True)
    with pytest.warns(UserWarning, match="silenced"), pytest.raises(ValueError, match="nothing"):
        module(None)


def test_hook_without_inputs_that_need_gradients():
    seen = []
    module = layer(tg)
    module.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go[0].tolist())))
    out = module(tg.ones(2))
    with pytest.warns(UserWarning, match="no inputs require gradients"):
        out.sum().backward()
    assert seen == [((None,), [1.0, 1.0])]


def test_hook_sees_tuples_of_outputs():
    class Two(nn.Module):
        def forward(self, x):
            return x * 2, x * 3

    seen = []
    module = Two()
    module.register_full_backward_hook(lambda m, gi, go: seen.append([g is None for g in go]))
    a, _ = module(tg.ones(2, requires_grad=True))
    a.sum().backward()
    assert seen == [[False, True]]


def test_no_hooks_fire_without_gradients():
    seen = []
    module = layer(tg)
    module.register_full_backward_hook(lambda m, gi, go: seen.append(1))
    with tg.no_grad():
        assert not module(tg.ones(1)).requires_grad
    assert seen == []


def test_global_hooks_reach_every_module():
    from tinygrad_cnn.nn.modules import module as hooks

    seen = []
    handles = [
        hooks.register_module_forward_pre_hook(lambda m, a: seen.append(("pre", type(m).__name__))),
        hooks.register_module_forward_hook(lambda m, a, o: seen.append(("post", type(m).__name__))),
        hooks.register_module_parameter_registration_hook(lambda m, n, p: seen.append(("register", n))),
    ]
    try:
        nn.Sequential(nn.ReLU())(tg.ones(1))
        nn.Linear(1, 1, bias=False)
    finally:
        for handle in handles:
            handle.remove()
    assert seen == [
        ("pre", "Sequential"),
        ("pre", "ReLU"),
        ("post", "ReLU"),
        ("post", "Sequential"),
        ("register", "weight"),
    ]
    seen.clear()
    nn.ReLU()(tg.ones(1))
    assert seen == []
