"""Bad input gives the exception that PyTorch gives, names what is wrong, and leaves nothing half done.

The tables in tests/bad_input hold expressions with the type and the beginning of the message; the same tables are
checked against PyTorch itself where it is installed, but for `differences`, where PyTorch says less, or something else.
"""

from __future__ import annotations

import functools
import importlib
import io
import re
import sys
import warnings

import numpy as np
import pytest

import tinygrad_cnn as torch
from tinygrad_cnn import nn
from tinygrad_cnn.nn import functional as F
from tinygrad_cnn.utils.data import DataLoader

TABLES = ("convolution", "pooling", "functional", "layers", "modules", "creation", "numbers", "tensors", "shapes")
TABLES += ("operations", "selection", "training")


def read(table, name="CASES"):
    """Return {section: (expression, type, beginning of the message) of each entry} of a table."""
    text = getattr(importlib.import_module(f"tests.bad_input.{table}"), name)
    sections = {}
    for part in re.split(r"^# ", text, flags=re.MULTILINE)[1:]:
        title, *lines = filter(None, part.splitlines())
        entries = sections.setdefault(f"{table}: {title}", [])
        for expression, outcome in zip(lines[::2], lines[1::2], strict=True):
            kind, _, message = outcome.strip().partition(": ")
            entries.append((expression, kind, message.removesuffix("...")))
    return sections


SECTIONS = {title: entries for table in TABLES for title, entries in read(table).items()}
VISION = read("vision")
OWN = read("differences")


@functools.cache
def namespace(package, vision=None):
    """Return the names that the expressions use, for this package or for PyTorch, and those of torchvision."""
    names = {name: importlib.import_module(f"{package}.{name}") for name in ("nn", "optim")}
    module = sys.modules[package]
    names.update(torch=module, F=importlib.import_module(f"{package}.nn.functional"), np=np, io=io)
    names.update(data=importlib.import_module(f"{package}.utils.data"), inf=np.inf, nan=np.nan)
    names["SGD"] = lambda: module.optim.SGD([module.zeros(2, requires_grad=True)], lr=0.1)
    for name in ("func", "nn.parallel", "nn.utils.parametrizations", "nn.utils.prune", "nn.utils.stateless"):
        importlib.import_module(f"{package}.{name}")
    if vision:
        names.update(torchvision=importlib.import_module(vision), T=importlib.import_module(f"{vision}.transforms"))
        names.update(v2=importlib.import_module(f"{vision}.transforms.v2"), TF=names["T"].functional)
        names.update(models=names["torchvision"].models, datasets=names["torchvision"].datasets)
    return names


def fault(names, expression, kind, message):
    """Evaluate an expression; return what is wrong with its exception, None if it is the one that is expected."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            eval(expression, dict(names))
        except Exception as error:
            said = " ".join(str(error).split()).replace("tinygrad_cnn.vision", "torchvision")
            said = said.replace("tinygrad_cnn", "torch")
            fits = type(error).__name__ == kind and said and said.startswith(message)
            return None if fits else f"{expression}\n    {type(error).__name__}: {said}\n    not {kind}: {message}"
    return f"{expression}\n    no exception, not {kind}: {message}"


def check(entries, *packages):
    """Evaluate the expressions of a section and compare the exceptions."""
    faults = list(filter(None, (fault(namespace(*packages), *entry) for entry in entries)))
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("section", [*SECTIONS, *VISION, *OWN])
def test_refused(section):
    check((SECTIONS | VISION | OWN)[section], "tinygrad_cnn", "tinygrad_cnn.vision")


@pytest.mark.parity
@pytest.mark.parametrize("section", SECTIONS)
def test_pytorch_refuses_alike(section):
    pytest.importorskip("torch")
    check(SECTIONS[section], "torch")


@pytest.mark.parity
@pytest.mark.parametrize("section", VISION)
def test_torchvision_refuses_alike(section):
    pytest.importorskip("tests.vision.twin").import_torchvision()
    check(VISION[section], "torch", "torchvision")


def test_error_names_the_module():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(3, 4, 3))

        def forward(self, x):
            return self.body(x)

    model = nn.Sequential(nn.ReLU(), Block())
    with pytest.raises(RuntimeError, match="to have 3 channels, but got 4 channels instead") as caught:
        model(torch.zeros(1, 1, 9, 9))
    notes = " ".join(getattr(caught.value, "__notes__", [str(part) for part in caught.value.args]))
    assert "1.body.2" in notes and "Conv2d" in notes


def test_refused_state_dict_says_all_that_is_wrong():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm2d(3))
    state = model.state_dict()
    state["0.weight"] = torch.zeros(3, 3)
    del state["1.running_mean"]
    state["2.bias"] = torch.zeros(1)
    with pytest.raises(RuntimeError) as caught:
        model.load_state_dict(state)
    message = str(caught.value)
    assert "Error(s) in loading state_dict for Sequential" in message
    assert 'Missing key(s) in state_dict: "1.running_mean"' in message
    assert 'Unexpected key(s) in state_dict: "2.bias"' in message
    assert "size mismatch for 0.weight" in message


def test_failed_assignments_change_nothing():
    x = torch.arange(6.0).reshape(2, 3)
    before = x.clone()
    for change in (
        lambda: x.__setitem__(slice(None), torch.zeros(2)),
        lambda: x.__setitem__(torch.tensor([0, 5]), 1.0),
        lambda: x.add_(torch.zeros(2, 4)),
        lambda: x.copy_(torch.zeros(4)),
        lambda: x.index_add_(0, torch.tensor([0, 7]), torch.ones(2, 3)),
        lambda: x.scatter_(1, torch.tensor([[0, 9]]), 5.0),
        lambda: x.masked_fill_(torch.ones(2, dtype=torch.bool), 1.0),
    ):
        version = x._version
        with pytest.raises((RuntimeError, IndexError)):
            change()
        assert torch.equal(x, before) and x._version == version


def test_labels_out_of_range_leave_no_gradient():
    x = torch.zeros(2, 3, requires_grad=True)
    for target in ([0, 3], [-1, 0], [2**40, 0]):
        with pytest.raises(IndexError, match="is out of bounds"):
            F.cross_entropy(x, torch.tensor(target))
    assert x.grad is None


def test_max_pool_window_wholly_in_the_padding():
    """A dilated kernel can miss the image; the index that PyTorch 2.13 gives then lies outside of it, or is wrong."""
    inf = float("inf")
    extremes = {torch.float32: (-inf, inf), torch.float64: (-inf, inf)}
    for dtype in (torch.int64, torch.int32, torch.uint8):
        extremes[dtype] = torch.iinfo(dtype).min, torch.iinfo(dtype).max
    for dtype, (lowest, highest) in extremes.items():
        x = torch.full((2, 3, 2, 2), 7, dtype=dtype)
        for pool, expected in ((F.max_pool2d, lowest), (F.min_pool2d, highest)):
            values, indices = pool(x, 2, 1, 1, 3, return_indices=True)
            assert bool((values == expected).all()) and bool((indices == -1).all())
    x = torch.ones(2, 3, 9, 9, requires_grad=True)
    F.max_pool2d(x, (2, 2), 1, 1, (10, 1)).sum().backward()
    assert bool((x.grad == 0).all())


def test_read_only_arrays_are_copied_or_refused(monkeypatch):
    monkeypatch.setattr("tinygrad_cnn.data._warned_read_only", [])  # it warns once in a program
    array = np.arange(3.0)
    array.flags.writeable = False
    with pytest.warns(UserWarning, match="not writ"):
        shared = torch.from_numpy(array)
    with pytest.raises((RuntimeError, ValueError)):
        shared.add_(1)
    assert array.tolist() == [0.0, 1.0, 2.0]
    copied = torch.tensor(array)
    copied += 1
    assert copied.tolist() == [1.0, 2.0, 3.0]


def test_layers_take_inputs_of_any_strides():
    torch.manual_seed(0)
    wide = torch.randn(4, 18, 18, 6)
    inputs = {"permuted": wide.permute(0, 3, 1, 2), "stepped": torch.randn(8, 12, 18, 36)[::2, ::2, :, ::2]}
    inputs["expanded"] = torch.randn(1, 6, 18, 1).expand(4, 6, 18, 18)
    layers = [nn.Conv2d(6, 4, 3, padding=1, groups=2), nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(2), nn.BatchNorm2d(6)]
    layers += [nn.AdaptiveAvgPool2d(5), nn.AdaptiveMaxPool2d(4), nn.Softmax(1), nn.Flatten(), nn.Linear(18, 2)]
    for layer in layers:
        for name, x in inputs.items():
            assert not x.is_contiguous()
            assert torch.equal(layer(x), layer(x.contiguous())), f"{layer} of a {name} input"


def test_empty_batches():
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.AvgPool2d(2),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(16, 3),
    )
    x = torch.zeros(0, 1, 28, 28, requires_grad=True)
    out = model(x)
    assert tuple(out.shape) == (0, 3)
    out.sum().backward()
    assert tuple(x.grad.shape) == (0, 1, 28, 28)
    assert all(bool((parameter.grad == 0).all()) for parameter in model.parameters())
    assert np.isnan(F.cross_entropy(out, torch.zeros(0, dtype=torch.int64)).item())


def test_loader_reports_what_the_data_set_raises():
    class Broken:
        def __len__(self):
            return 3

        def __getitem__(self, index):
            if index == 2:
                raise KeyError("image 2 is missing")
            return index

    loader = iter(DataLoader(Broken(), batch_size=2))
    assert next(loader).tolist() == [0, 1]
    with pytest.raises(KeyError, match="image 2 is missing"):
        next(loader)


def test_backward_refuses_saved_tensors_that_got_another_size():
    """Otherwise the kernels would read past the end of the new memory."""
    scenarios = {
        "conv2d": (lambda x: F.conv2d(x, torch.ones(4, 3, 3, 3, requires_grad=True)), torch.ones(2, 3, 8, 8)),
        "linear": (lambda x: F.linear(x, torch.ones(4, 8, requires_grad=True)), torch.ones(2, 8)),
        "mul": (lambda x: x * x, torch.ones(8)),
        "batch_norm": (lambda x: F.batch_norm(x, None, None, training=True), torch.ones(2, 3, 4, 4)),
    }
    for name, (function, x) in scenarios.items():
        for data in (torch.ones(1), x.double()):
            leaf = x.clone().requires_grad_()
            out = function(leaf).sum()
            leaf.data = data
            with pytest.raises(RuntimeError, match="modified by an inplace operation"):
                out.backward()
            assert leaf.grad is None, name
    target = torch.zeros(200, dtype=torch.int64)
    loss = F.cross_entropy(torch.ones(200, 10, requires_grad=True), target)
    target.data = torch.zeros(1, dtype=torch.int64)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_backward_checks_the_labels_again():
    """Nothing can notice a change of the memory that a tensor shares with NumPy."""
    for loss in (F.cross_entropy, F.nll_loss):
        for shape in ((200, 10), (4, 10, 5, 5)):
            labels = np.zeros((shape[0], *shape[2:]), np.int64)
            x = torch.ones(*shape, requires_grad=True)
            out = loss(x, torch.from_numpy(labels))
            labels[:] = 2**40
            with pytest.raises(IndexError, match="out of range"):
                out.backward()
