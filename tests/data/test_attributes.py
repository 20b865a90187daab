"""What copies, pickles and files keep of a tensor besides its elements: attributes, half precision, named results."""

from __future__ import annotations

import copy
import io
import pickle
import subprocess
import sys
import tempfile

import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import nn
from tinygrad_cnn.utils.data import default_collate


def in_a_file(value):
    file = io.BytesIO()
    tg.save(value, file)
    file.seek(0)
    return tg.load(file)


def marked(kind):
    tensor = nn.Parameter(tg.ones(2)) if kind == "parameter" else tg.ones(2)
    tensor.no_decay = [1, 2]
    return tensor


WAYS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "file": in_a_file,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["tensor", "parameter"])
def test_attributes_are_kept(way, kind):
    found = WAYS[way](marked(kind))
    assert type(found) is type(marked(kind))
    if (way, kind) == ("deepcopy", "parameter"):  # as in PyTorch
        assert not hasattr(found, "no_decay")
    else:
        assert found.no_decay == [1, 2]


def test_attributes_are_kept_in_modules():
    module = nn.Linear(2, 2)
    module.weight.no_decay = True
    assert pickle.loads(pickle.dumps(module)).weight.no_decay


def test_deep_copies_have_attributes_of_their_own():
    tensor = marked("tensor")
    assert copy.deepcopy(tensor).no_decay is not tensor.no_decay


@pytest.mark.parity
@pytest.mark.parametrize("kind", ["tensor", "parameter"])
def test_pytorch_reads_attributes(kind):
    torch = pytest.importorskip("torch")
    file = io.BytesIO()
    tg.save({"x": marked(kind)}, file)
    file.seek(0)
    found = torch.load(file)["x"]
    assert found.no_decay == [1, 2]
    assert type(found) is (torch.nn.Parameter if kind == "parameter" else torch.Tensor)


def run_python(program, *arguments):
    """Run a program away from the sources, which Python would look into first; return what it prints."""
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=tempfile.gettempdir()).stdout


# Another process may meet its first tensor of halves in a pickle.
HALVES = """
import pickle, sys
import tinygrad_cnn
x = pickle.loads(bytes.fromhex(sys.argv[1]))
print(float(x.sum()), float((x + 1).mean()), x.dtype)
"""


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_halves_are_numbers_in_a_process_that_has_met_none(dtype):
    pickled = pickle.dumps(tg.full((3, 100), 0.5).to(getattr(tg, dtype)))
    assert run_python(HALVES, pickled.hex()) == f"150.0 1.5 torch.{dtype}\n"


class Halves(tg.utils.data.Dataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return tg.full((1000,), 0.5).half()


WORKER = """
from tests.data.test_attributes import Halves
from tinygrad_cnn.utils.data import DataLoader
for x in DataLoader(Halves(), 2, num_workers=1):
    print(x.sum().item(), x.dtype)
"""


def test_halves_arrive_from_workers():
    assert run_python(WORKER) == "1000.0 torch.float16\n"


@pytest.mark.parametrize("function", [lambda x: x.max(1), lambda x: x.sort(), tg.linalg.svd, tg.linalg.qr])
def test_named_results_can_be_pickled(function):
    result = function(tg.eye(2))
    found = pickle.loads(pickle.dumps(result))
    assert type(found) is type(result)
    assert all((a == b).all() for a, b in zip(found, result, strict=True))


def test_named_results_are_joined_as_plain_tuples():
    values, indices = default_collate([tg.eye(2).max(1), tg.eye(2).max(1)])
    assert values.shape == indices.shape == (2, 2)


@pytest.mark.parametrize("whole", [True, False])
def test_lazy_layers_can_be_saved(whole):
    layer = nn.LazyLinear(3)
    file = io.BytesIO()
    tg.save(layer if whole else layer.state_dict(), file)
    file.seek(0)
    found = tg.load(file, weights_only=False)
    if not whole:
        fresh = nn.LazyLinear(3)
        fresh.load_state_dict(found)
        found = fresh
    assert found(tg.ones(1, 2)).shape == (1, 3)


def test_muon_steps_with_bfloat16():
    parameter = nn.Parameter(tg.ones(4, 2).bfloat16())
    parameter.grad = tg.ones(4, 2).bfloat16()
    tg.optim.Muon([parameter], lr=0.5).step()
    assert parameter.dtype is tg.bfloat16
    assert (parameter < 1).all()
