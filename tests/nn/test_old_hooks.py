"""The old backward hooks, and what else Module, init and the containers have under old names; against PyTorch."""

import pytest

import tinygrad_cnn as tg
from tests.nn.twin import check_twin


def shapes(grads):
    return [None if g is None else list(g.shape) for g in grads]


def most_dims(grads):
    """The largest of the inputs' gradients: the nodes of both packages have other inputs beside the tensors."""
    return max(map(len, filter(None, shapes(grads))), default=None)


def hooked(t, make, x=None):
    """What an old backward hook of a module sees."""
    module, trace = make(t.nn), []
    with t.no_grad():
        for p in module.parameters():
            p.fill_(0.5)

    def hook(module, grad_input, grad_output):
        trace.append([type(module).__name__, shapes(grad_output), most_dims(grad_input)])

    handle = module.register_backward_hook(hook)
    x = t.ones(2, 3, requires_grad=True) if x is None else x(t)
    y = module(x)
    y = y[0] if isinstance(y, (tuple, list)) else y["a"] if isinstance(y, dict) else y
    y.sum().backward()
    handle.remove()
    seen = len(trace)
    module.eval()
    y = module(x)
    return [trace, seen, x.grad]


def custom(function):
    def make(n):
        class Custom(n.Module):
            def forward(self, x):
                return function(x)

        return Custom()

    return make


def mixed(t, first, second):
    module = t.nn.ReLU()
    getattr(module, first)(lambda *a: None)
    getattr(module, second)(lambda *a: None)


def globally(t):
    trace = []
    where = t.nn.modules.module
    handle = where.register_module_backward_hook(lambda m, gi, go: trace.append(type(m).__name__))
    try:
        net = t.nn.Sequential(t.nn.ReLU(), t.nn.Tanh())
        net(t.ones(2, requires_grad=True)).sum().backward()
        with pytest.raises(RuntimeError) as error:
            where.register_module_full_backward_hook(lambda *a: None)
    finally:
        handle.remove()
        for package in (where, getattr(where, "_hooks", None)):
            if hasattr(package, "_global_is_full_backward_hook"):
                package._global_is_full_backward_hook = None
            if hasattr(package, "GLOBAL"):
                package.GLOBAL.is_full = None
    return [trace, str(error.value)]


def emptied(t):
    net = t.nn.Sequential(t.nn.Linear(2, 3), t.nn.BatchNorm1d(3) if hasattr(t.nn, "BatchNorm1d") else t.nn.ReLU())
    weight = net[0].weight
    same = net.to_empty(device="cpu") is net
    return [same, weight is net[0].weight, [list(p.shape) for p in net.parameters()], weight.requires_grad]


def filled(t, name, shape, *args):
    t.manual_seed(7)
    return getattr(t.nn.init, name)(t.zeros(shape), *args)


CASES = {
    "one_node": lambda t: hooked(t, lambda n: n.ReLU()),
    "linear": lambda t: hooked(t, lambda n: n.Linear(3, 2)),
    "several_nodes": lambda t: hooked(t, custom(lambda x: x.tanh() * 2)),
    "tuple": lambda t: hooked(t, custom(lambda x: (x * 2, x * 3))),
    "list": lambda t: hooked(t, custom(lambda x: [x * 2, x * 3])),
    "dict": lambda t: hooked(t, custom(lambda x: {"b": 3, "a": x * 2})),
    "old_then_full": lambda t: mixed(t, "register_backward_hook", "register_full_backward_hook"),
    "full_then_old": lambda t: mixed(t, "register_full_backward_hook", "register_backward_hook"),
    "global": globally,
    "to_empty": emptied,
    "share_memory": lambda t: type(t.nn.Linear(1, 2).share_memory()).__name__,
    "xpu": lambda t: t.nn.Linear(1, 2).xpu(),
    "container": lambda t: repr(t.nn.Container(a=t.nn.ReLU())),
    "data_parallel": lambda t: repr(t.nn.DataParallel(t.nn.Linear(1, 2))),
    "data_parallel_state": lambda t: list(t.nn.DataParallel(t.nn.Linear(1, 2)).state_dict()),
    "data_parallel_call": lambda t: t.nn.DataParallel(t.nn.ReLU())(t.tensor([-1.0, 2.0])),
    "init_uniform": lambda t: filled(t, "uniform", (2, 3), -1.0, 2.0),
    "init_normal": lambda t: filled(t, "normal", (4, 5)),
    "init_constant": lambda t: filled(t, "constant", (2,), 3.0),
    "init_eye": lambda t: filled(t, "eye", (2, 3)),
    "init_dirac": lambda t: filled(t, "dirac", (2, 2, 3)),
    "init_xavier": lambda t: [filled(t, "xavier_uniform", (2, 3)), filled(t, "xavier_normal", (2, 3))],
    "init_kaiming": lambda t: [filled(t, "kaiming_uniform", (2, 3)), filled(t, "kaiming_normal", (2, 3))],
    "init_orthogonal": lambda t: filled(t, "orthogonal", (3, 3)),
    "init_sparse": lambda t: filled(t, "sparse", (4, 3), 0.5),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", CASES)
def test_as_torch(name):
    pytest.importorskip("torch")
    check_twin(CASES[name], rtol=1e-5, atol=1e-6)


def test_compile_changes_nothing():
    module = tg.nn.Linear(2, 3)
    x = tg.ones(1, 2)
    before = module(x)
    assert module.compile(mode="max-autotune") is None
    assert tg.equal(module(x), before)
