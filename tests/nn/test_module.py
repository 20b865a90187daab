"""Module: registering, attributes, walking, printing, copying."""

from __future__ import annotations

import copy
import pickle

import pytest

import tinygrad_cnn as tg
from tests.nn.twin import check_twin
from tinygrad_cnn import nn


def net(torch):
    """A module with everything: nested, shared, a buffer, parameters of its own."""

    class Block(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(2, 3, 3)
            self.scale = torch.nn.Parameter(torch.ones(3))
            self.register_buffer("count", torch.zeros(2))
            self.register_buffer("scratch", torch.zeros(1), persistent=False)
            self.nothing = None
            self.register_parameter("absent", None)

        def forward(self, x):
            return self.conv(x)

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = Block()
            self.rest = torch.nn.Sequential(torch.nn.ReLU(), Block(), torch.nn.Linear(3, 4))
            self.again = self.first
            self.head = None

        def forward(self, x):
            return self.rest(self.first(x))

        def extra_repr(self):
            return "a=1\nb=2"

    return Net()


WALKS = {
    "parameters": lambda t: [tuple(p.shape) for p in net(t).parameters()],
    "parameters_flat": lambda t: len(list(net(t).parameters(recurse=False))),
    "named_parameters": lambda t: [n for n, _ in net(t).named_parameters()],
    "named_parameters_prefix": lambda t: [n for n, _ in net(t).named_parameters(prefix="p")],
    "named_parameters_all": lambda t: [n for n, _ in net(t).named_parameters(remove_duplicate=False)],
    "named_buffers": lambda t: [n for n, _ in net(t).named_buffers()],
    "buffers": lambda t: len(list(net(t).buffers())),
    "named_children": lambda t: [n for n, _ in net(t).named_children()],
    "children": lambda t: len(list(net(t).children())),
    "named_modules": lambda t: [n for n, _ in net(t).named_modules()],
    "named_modules_all": lambda t: [n for n, _ in net(t).named_modules(remove_duplicate=False, prefix="x")],
    "modules": lambda t: len(list(net(t).modules())),
    "repr": lambda t: repr(net(t)),
    "apply_order": lambda t: _applied(net(t)),
    "dir": lambda t: [n for n in dir(net(t)) if n in ("first", "rest", "0", "conv", "parameters", "training")],
    "dir_sequential": lambda t: [n for n in dir(t.nn.Sequential(t.nn.ReLU())) if n.isdigit()],
}


def _applied(module):
    seen = []
    assert module.apply(lambda m: seen.append(type(m).__name__)) is module
    return seen


@pytest.mark.parity
@pytest.mark.parametrize("name", WALKS)
def test_walk_as_torch(name):
    pytest.importorskip("torch")
    check_twin(WALKS[name])


def _set(torch, name, value):
    module = net(torch)
    setattr(module, name, value)
    return [n for n, _ in module.named_parameters()], [n for n, _ in module.named_buffers()], list(module._modules)


def _before_init(torch, value):
    class Bad(torch.nn.Module):
        def __init__(self):
            self.x = value
            super().__init__()

    return Bad()


MESSAGES = {
    "missing": lambda t: net(t).nowhere,
    "delete_missing": lambda t: delattr(net(t), "nowhere"),
    "no_forward": lambda t: t.nn.Module()(1),
    "init_args": lambda t: t.nn.Module(1),
    "init_kwargs": lambda t: t.nn.Module(a=1),
    "parameter_wrong": lambda t: _set(t, "first", 5),
    "set_parameter_as_tensor": lambda t: setattr(net(t).first, "scale", t.zeros(3)),
    "set_parameter_none": lambda t: setattr(net(t).first, "scale", None),
    "set_buffer_wrong": lambda t: setattr(net(t).first, "count", "text"),
    "set_buffer": lambda t: setattr(net(t).first, "count", t.ones(7)),
    "module_over_parameter": lambda t: setattr(net(t).first, "scale", t.nn.ReLU()),
    "parameter_over_module": lambda t: _set(t, "rest", t.nn.Parameter(t.zeros(1))),
    "parameter_over_attribute": lambda t: _set(t, "head", t.nn.Parameter(t.zeros(1))),
    "buffer_object": lambda t: _set(t, "b", t.nn.Buffer(t.zeros(1))),
    "buffer_object_not_persistent": lambda t: _set(t, "b", t.nn.Buffer(t.zeros(1), persistent=False)),
    "before_init_parameter": lambda t: _before_init(t, t.nn.Parameter(t.zeros(1))),
    "before_init_module": lambda t: _before_init(t, t.nn.ReLU()),
    "register_parameter_name": lambda t: net(t).register_parameter("a.b", None),
    "register_parameter_empty": lambda t: net(t).register_parameter("", None),
    "register_parameter_type": lambda t: net(t).register_parameter(3, None),
    "register_parameter_taken": lambda t: net(t).register_parameter("first", None),
    "register_parameter_tensor": lambda t: net(t).register_parameter("x", t.zeros(1)),
    "register_parameter_not_leaf": lambda t: net(t).register_parameter("x", _not_leaf(t)),
    "register_buffer_name": lambda t: net(t).register_buffer("a.b", None),
    "register_buffer_empty": lambda t: net(t).register_buffer("", None),
    "register_buffer_type": lambda t: net(t).register_buffer(3, None),
    "register_buffer_taken": lambda t: net(t).register_buffer("first", None),
    "register_buffer_wrong": lambda t: net(t).register_buffer("x", 3),
    "add_module_name": lambda t: net(t).add_module("a.b", t.nn.ReLU()),
    "add_module_empty": lambda t: net(t).add_module("", t.nn.ReLU()),
    "add_module_type": lambda t: net(t).add_module(3, t.nn.ReLU()),
    "add_module_taken": lambda t: net(t).add_module("forward", t.nn.ReLU()),
    "add_module_wrong": lambda t: net(t).add_module("x", "y"),
    "train_wrong": lambda t: net(t).train(1),
    "get_submodule": lambda t: type(net(t).get_submodule("rest.1.conv")).__name__,
    "get_submodule_empty": lambda t: type(net(t).get_submodule("")).__name__,
    "get_submodule_missing": lambda t: net(t).get_submodule("rest.7"),
    "get_submodule_not_module": lambda t: net(t).get_submodule("first.scale"),
    "get_parameter": lambda t: net(t).get_parameter("first.scale"),
    "get_parameter_missing": lambda t: net(t).get_parameter("first.nope"),
    "get_parameter_wrong": lambda t: net(t).get_parameter("first.conv"),
    "get_buffer": lambda t: net(t).get_buffer("first.count"),
    "get_buffer_missing": lambda t: net(t).get_buffer("first.nope"),
    "get_buffer_wrong": lambda t: net(t).get_buffer("first.scale"),
    "set_submodule": lambda t: repr(_set_submodule(t, "rest.1.conv")),
    "set_submodule_new": lambda t: repr(_set_submodule(t, "first.new")),
    "set_submodule_strict": lambda t: _set_submodule(t, "first.new", True),
    "set_submodule_empty": lambda t: _set_submodule(t, ""),
    "set_submodule_not_module": lambda t: _set_submodule(t, "first.scale"),
    "to_int": lambda t: net(t).to(t.int64),
    "to_cuda": lambda t: net(t).to("cuda"),
    "cuda": lambda t: net(t).cuda(),
    "parameter_int": lambda t: t.nn.Parameter(t.zeros(2, dtype=t.int64)),
    "parameter_repr": lambda t: repr(t.nn.Parameter(t.ones(2))),
    "parameter_repr_frozen": lambda t: repr(t.nn.Parameter(t.ones(2), requires_grad=False)),
    "parameter_empty": lambda t: tuple(t.nn.Parameter().shape),
    "parameter_from_list": lambda t: t.nn.Parameter([1.0]),
}


def _not_leaf(torch):
    parameter = torch.nn.Parameter(torch.zeros(1))
    return torch.nn.Parameter.__new__(torch.nn.Parameter, parameter * 1) if torch is tg else _torch_not_leaf(torch)


def _torch_not_leaf(torch):
    return torch.nn.Parameter(torch.zeros(1) * 1)


def _set_submodule(torch, *args):
    module = net(torch)
    module.set_submodule(args[0], torch.nn.ReLU(), *args[1:])
    return module


@pytest.mark.parity
@pytest.mark.parametrize("name", MESSAGES)
def test_message_as_torch(name):
    pytest.importorskip("torch")
    check_twin(MESSAGES[name])


def test_assigning_none_keeps_the_place():
    module = net(tg)
    module.first.scale = None
    assert module.first.scale is None
    assert "scale" in module.first._parameters
    module.first = None
    assert module.first is None and "first" in module._modules


def test_delete():
    module = net(tg).first
    del module.scale, module.count, module.conv
    assert not hasattr(module, "scale") and not hasattr(module, "count") and not hasattr(module, "conv")


def test_train_and_eval_reach_all():
    module = net(tg)
    assert all(m.training for m in module.modules())
    assert module.eval() is module
    assert not any(m.training for m in module.modules())
    module.rest.train()
    assert module.rest[0].training and not module.first.training


def test_requires_grad_and_zero_grad():
    module = nn.Linear(2, 3)
    assert module.requires_grad_(False) is module
    assert not any(p.requires_grad for p in module.parameters())
    module.requires_grad_()
    module(tg.ones(4, 2)).sum().backward()
    module.zero_grad(set_to_none=False)
    assert all((p.grad == 0).all() for p in module.parameters())
    module.zero_grad()
    assert all(p.grad is None for p in module.parameters())


def test_to_converts_floats_only():
    module = nn.BatchNorm2d(3)
    weight = module.weight
    module(tg.ones(2, 3, 2, 2)).sum().backward()
    assert module.double() is module
    assert module.weight is weight and weight.dtype is tg.float64 and weight.grad.dtype is tg.float64
    assert module.running_mean.dtype is tg.float64
    assert module.num_batches_tracked.dtype is tg.int64
    assert module.float().weight.dtype is tg.float32
    assert module.to("cpu", tg.float64).weight.dtype is tg.float64
    assert module.to(tg.zeros(1)).weight.dtype is tg.float32
    assert module.cpu() is module
    assert module.half().weight.dtype is tg.float16
    assert module.bfloat16().running_mean.dtype is tg.bfloat16
    assert module.num_batches_tracked.dtype is tg.int64


def test_copies_are_independent_and_keep_sharing():
    module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.BatchNorm2d(2))
    module[1].weight = module[0].weight
    for twin in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert twin[0].weight is twin[1].weight
        assert twin[0].weight is not module[0].weight
        assert (twin[0].weight == module[0].weight).all()
        assert isinstance(twin[0].weight, nn.Parameter) and twin[0].weight.requires_grad
        with tg.no_grad():
            twin[0].weight.zero_()
        assert (module[0].weight != 0).any()
        assert repr(twin) == repr(module)


def test_shared_parameter_comes_once():
    module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    module[1].weight = module[0].weight
    assert [name for name, _ in module.named_parameters()] == ["0.weight", "0.bias", "1.bias"]
    assert list(module.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]


class TestErrorsNameTheModule:
    def build(self):
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.features = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(7, 2, 3))
                self.head = nn.Linear(2, 2)

            def forward(self, x):
                return self.head(self.features(x))

        return Net()

    def test_path(self):
        with pytest.raises(RuntimeError, match="expected input") as caught:
            self.build()(tg.zeros(1, 1, 8, 8))
        text = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
        assert text.endswith("in module features.2 (Conv2d), called with [1, 2, 6, 6]")
        assert text.count("in module") == 1

    def test_single_module(self):
        with pytest.raises(RuntimeError) as caught:
            nn.Linear(2, 3)(tg.zeros(1, 5))
        text = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
        assert text.endswith("in module Linear, called with [1, 5]")

    def test_with_hooks(self):
        module = self.build()
        module.features.register_forward_pre_hook(lambda m, args: None)
        with pytest.raises(RuntimeError) as caught:
            module(tg.zeros(1, 1, 8, 8))
        text = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
        assert "in module features.2 (Conv2d)" in text

    def test_before_python_3_11_the_message_has_it(self, monkeypatch):
        from tinygrad_cnn.nn.modules import _errors

        monkeypatch.setattr(_errors, "_HAS_NOTES", False)
        with pytest.raises(RuntimeError) as caught:
            self.build()(tg.zeros(1, 1, 8, 8))
        assert str(caught.value).endswith("\nin module features.2 (Conv2d), called with [1, 2, 6, 6]")
        assert str(caught.value).count("in module") == 1

    def test_a_module_from_elsewhere_keeps_its_own_name(self):
        outside = nn.Linear(2, 3)

        class Net(nn.Module):
            def forward(self, x):
                return outside(x)

        with pytest.raises(RuntimeError) as caught:
            Net()(tg.zeros(1, 5))
        text = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
        assert text.endswith("in module Linear, called with [1, 5]")
