"""Whole models, pickled by PyTorch, load as models of this package; what is not here is refused by name."""

import collections
import io
import pickle
import zipfile

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import serialization
from tinygrad_cnn.nn.parameter import Parameter
from tinygrad_cnn.serialization import load

TRIALS = [(), (2,), (3, 4), (3, 4, 3), (2, 3, 4)]
SHAPES = [(2, 3, 8, 8), (2, 3, 8), (2, 3), (2, 2, 8, 8), (2, 3, 4, 4, 4)]


def first(function, arguments):
    for argument in arguments:
        try:
            return argument, function(argument)
        except Exception:
            continue
    return None, None


def stored(torch, obj, **options):
    buffer = io.BytesIO()
    torch.save(obj, buffer, **options)
    return io.BytesIO(buffer.getvalue())


LAYERS = [name for name in tg.nn.__all__ if isinstance(getattr(tg.nn, name), type) and name[0].isupper()]


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", LAYERS)
def test_every_layer(name):
    torch = pytest.importorskip("torch")
    kind = getattr(torch.nn, name, None)
    if not (isinstance(kind, type) and issubclass(kind, torch.nn.Module)) or name in ("Module", "DataParallel"):
        pytest.skip("no layer")
    if name.startswith("Lazy"):
        pytest.skip("a lazy module has hooks of its own, which are refused by name")
    arguments, theirs = first(lambda arguments: kind(*arguments), TRIALS)
    if theirs is None:
        pytest.skip("takes other arguments than numbers")
    ours = load(stored(torch, theirs), weights_only=False)
    fresh = getattr(tg.nn, name)(*arguments)
    assert type(ours) is type(fresh) and repr(ours) == repr(theirs)
    assert not fresh.__dict__.keys() - ours.__dict__.keys()
    for key, value in theirs.state_dict().items():
        np.testing.assert_array_equal(ours.state_dict()[key].numpy(), value.numpy())
    generator = np.random.default_rng(0)
    inputs = [generator.standard_normal(shape, np.float32) for shape in SHAPES]
    torch.manual_seed(0)
    x, expected = first(lambda x: theirs.eval()(torch.tensor(x)), inputs)
    if isinstance(expected, torch.Tensor):
        torch.manual_seed(0)
        expected = theirs(torch.tensor(x))
        tg.manual_seed(0)
        found = ours.eval()(tg.tensor(x)).detach().numpy()
        np.testing.assert_allclose(found, expected.detach().numpy(), rtol=1e-4, atol=1e-5)


def test_modules_of_an_older_pytorch_lack_what_came_later():
    old = ("_parameters", "_buffers", "_modules", "_backward_hooks", "_forward_hooks", "_forward_pre_hooks", "training")
    layer = object.__new__(tg.nn.ReLU)
    layer.__setstate__({name: tg.nn.ReLU().__dict__[name] for name in old} | {"inplace": False})
    layer.register_full_backward_hook(lambda *args: None)
    layer.register_forward_hook(lambda *args, **kwargs: None, with_kwargs=True)
    assert layer(tg.tensor([-1.0, 1.0])).tolist() == [0, 1] and layer.state_dict() == {}


class Project(tg.nn.Module):
    """A model of a project, whose class is imported."""

    def __init__(self):
        super().__init__()
        self.layer = tg.nn.Linear(2, 2)

    def forward(self, x):
        return self.layer(x)


def test_classes_of_a_project_are_imported():
    buffer = io.BytesIO()
    model = Project()
    serialization.save({"model": model, "epoch": 3}, buffer)
    name = f"{Project.__module__}.Project"
    assert name in serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(buffer.getvalue()))
    found = load(io.BytesIO(buffer.getvalue()), weights_only=False)["model"]
    assert type(found) is Project and found(tg.ones(1, 2)).tolist() == model(tg.ones(1, 2)).tolist()


@pytest.mark.parity
def test_tensors_with_attributes_of_their_own():
    torch = pytest.importorskip("torch")
    plain, parameter = torch.ones(2), torch.nn.Parameter(torch.ones(3))
    plain.mark, parameter.mark, parameter._secret = "a", [1, 2], 3
    for weights_only in (True, False):
        found = load(stored(torch, [plain, parameter]), weights_only=weights_only)
        assert found[0].mark == "a" and found[1].mark == [1, 2] and type(found[1]) is Parameter


def named(name):
    """A checkpoint that calls something by name."""
    module, _, last = name.rpartition(".")
    pickled = b"\x80\x02" + pickle.GLOBAL + f"{module}\n{last}\n".encode() + b")R."
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("archive/data.pkl", pickled)
    return io.BytesIO(buffer.getvalue())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("torch._utils._rebuild_qtensor", "a quantized tensor"),
        ("torch._utils._rebuild_sparse_tensor", "a sparse tensor"),
        ("torch._utils._rebuild_wrapper_subclass", "a tensor subclass"),
        ("torch.float8_e5m2", "float8_e5m2"),
        ("torch.uint16", "uint16"),
    ],
)
@pytest.mark.parametrize("weights_only", [True, False])
def test_what_is_not_here_is_refused_by_name(name, message, weights_only):
    with pytest.raises(NotImplementedError, match=message):
        load(named(name), weights_only=weights_only)


def test_unknown_names_of_pytorch_are_refused():
    with pytest.raises(pickle.UnpicklingError, match=r"the file needs torch\.nn\.modules\.new\.Layer"):
        load(named("torch.nn.modules.new.Layer"), weights_only=False)
    with pytest.raises(pickle.UnpicklingError, match=r"GLOBAL torch\.nn\.modules\.conv\.Conv2d was not an allowed"):
        load(named("torch.nn.modules.conv.Conv2d"))


@pytest.mark.parity
def test_unsafe_names_are_torchs(tmp_path):
    torch = pytest.importorskip("torch")
    buffer = stored(torch, [torch.nn.Linear(2, 2), collections.deque([1]), torch.ones(1)])
    names = torch.serialization.get_unsafe_globals_in_checkpoint(buffer)
    buffer.seek(0)
    assert serialization.get_unsafe_globals_in_checkpoint(buffer) == sorted(names)
    buffer.seek(0)
    with serialization.safe_globals([collections.deque]):
        assert "collections.deque" not in serialization.get_unsafe_globals_in_checkpoint(buffer)
    for wrong in (b"", b"<html>", b"\x80\x02N."):
        with pytest.raises(ValueError, match="Expected input to be a checkpoint"):
            serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(wrong))


@pytest.mark.parity
@pytest.mark.parametrize(
    "place", ["mps", "xpu", "cuda:1", "hpu", "privateuseone", "vulkan", "nonsense", {"cpu": "mps"}]
)
def test_messages_of_places_are_torchs(place):
    torch = pytest.importorskip("torch")
    with pytest.raises(RuntimeError) as theirs:
        torch.load(stored(torch, torch.ones(1)), map_location=place)
    with pytest.raises(RuntimeError) as ours:
        load(stored(torch, torch.ones(1)), map_location=place)
    assert str(ours.value) == str(theirs.value)
    with pytest.raises(AssertionError, match="CUDA"):
        load(stored(torch, torch.ones(1)), map_location=lambda storage, location: storage.cuda(0))


def test_environment_variables(monkeypatch):
    buffer = io.BytesIO()
    serialization.save(Project(), buffer)
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    with pytest.warns(UserWarning, match="forcing weights_only=False"):
        assert type(load(io.BytesIO(buffer.getvalue()))) is Project
    with pytest.raises(pickle.UnpicklingError):
        load(io.BytesIO(buffer.getvalue()), weights_only=True)
    monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "true")
    with pytest.raises(RuntimeError, match="but both were set"):
        load(io.BytesIO(buffer.getvalue()))
    monkeypatch.delenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
    with pytest.raises(pickle.UnpicklingError):
        load(io.BytesIO(buffer.getvalue()), weights_only=False)
