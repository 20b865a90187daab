"""The format before PyTorch 1.6: read and written, PyTorch's files both ways, damage and hostile numbers."""

import io
import pickle
import struct
from typing import ClassVar

import numpy as np
import pytest

import tinygrad_cnn as tg
from tests.data.test_serialization import PLAIN, VALUES, check_values, model
from tinygrad_cnn.data import tensor
from tinygrad_cnn.serialization import load, save
from tinygrad_cnn.serialization.legacy import MAGIC


def saved(obj):
    buffer = io.BytesIO()
    save(obj, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


def everything(library):
    whole = library.arange(12.0)
    make = {"values": {name: library.tensor(value) for name, value in VALUES.items()}, "plain": PLAIN}
    return {**make, "views": [whole, whole[3:], whole.view(3, 4).t(), whole.view(3, 4)[::2, 1]]}


def check_everything(found):
    check_values(found["values"])
    assert found["plain"] == PLAIN
    whole, part, turned, column = found["views"]
    assert turned.stride() == (1, 4) and column.tolist() == [1, 9]
    whole.fill_(3.0)
    assert part.tolist() == [3.0] * 9 and turned[0].tolist() == [3.0] * 3


@pytest.mark.parametrize("weights_only", [True, False])
def test_round_trip(weights_only):
    check_everything(load(io.BytesIO(saved(everything(tg))), weights_only=weights_only))


def test_several_objects_in_one_file(tmp_path):
    path = tmp_path / "several.pt"
    with open(path, "wb") as file:
        save(tensor([1.0]), file, _use_new_zipfile_serialization=False)
        save([tensor([2, 3]), "x"], file, _use_new_zipfile_serialization=False)
    with open(path, "rb") as file:
        assert load(file).tolist() == [1.0]
        assert load(file)[0].tolist() == [2, 3]


def test_whole_modules(tmp_path):
    net = model().eval()
    save(net, tmp_path / "whole.pt", _use_new_zipfile_serialization=False)
    found = load(tmp_path / "whole.pt", weights_only=False)
    x = tg.ones(1, 1, 4, 4)
    assert repr(found) == repr(net) and found(x).tolist() == net(x).tolist()


@pytest.mark.parity
@pytest.mark.parametrize("weights_only", [True, False])
def test_torchs_files(tmp_path, weights_only):
    torch = pytest.importorskip("torch")
    path = tmp_path / "theirs.pt"
    torch.save(everything(torch), path, _use_new_zipfile_serialization=False)
    check_everything(load(path, weights_only=weights_only))
    with open(path, "rb") as file:
        check_everything(load(file, weights_only=weights_only))


@pytest.mark.parity
@pytest.mark.parametrize("weights_only", [True, False])
def test_torch_reads_ours(tmp_path, weights_only):
    torch = pytest.importorskip("torch")
    path = tmp_path / "ours.pt"
    save(everything(tg), path, _use_new_zipfile_serialization=False)
    check_everything(torch.load(path, weights_only=weights_only))


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore")
def test_torchs_whole_modules(tmp_path):
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(8, 2))
    torch.save(theirs, tmp_path / "m.pt", _use_new_zipfile_serialization=False)
    found = load(tmp_path / "m.pt", weights_only=False)
    x = np.random.default_rng(0).standard_normal((2, 1, 4, 4), np.float32)
    assert type(found[0]) is tg.nn.Conv2d
    np.testing.assert_allclose(
        found(tensor(x)).detach().numpy(), theirs(torch.tensor(x)).detach().numpy(), rtol=1e-5, atol=1e-6
    )


def test_mmap_is_refused(tmp_path):
    (tmp_path / "f.pt").write_bytes(saved(tensor([1.0])))
    with pytest.raises(RuntimeError, match="mmap can only be used with files saved with"):
        load(str(tmp_path / "f.pt"), mmap=True)


def test_python_2_wrote_names_as_bytes():
    text, data = b"X\x03\x00\x00\x00cpu", saved(tensor([1.0, 2.0]))
    assert load(io.BytesIO(data.replace(text, b"U\x03cpu"))).tolist() == [1.0, 2.0]


# ---------------------------------------------------------------- damage


ALLOWED = (RuntimeError, pickle.UnpicklingError, ValueError, EOFError)


def test_truncated_at_every_byte():
    data = saved([tensor(np.arange(5, dtype=np.float32)), tensor([True, False])])
    for length in range(len(data)):
        with pytest.raises(ALLOWED):
            load(io.BytesIO(data[:length]))


def test_every_byte_changed():
    data = bytearray(saved({"a": tensor(np.arange(5.0)).view(5, 1), "b": tensor([True, False])}))
    for place in range(len(data)):
        for change in (0xFF, 0x01, 0x80):
            data[place] ^= change
            try:
                found = load(io.BytesIO(bytes(data)))
                if isinstance(found, dict) and isinstance(found.get("b"), tg.Tensor):
                    found["b"].sum()
            except ALLOWED:
                pass
            data[place] ^= change


def crafted(identifier, keys=("0",), tail=b"", magic=MAGIC, protocol=1001):
    """A file whose object is a persistent id."""

    class Named:
        pass

    class Pickler(pickle._Pickler):
        def persistent_id(self, obj):
            return identifier if isinstance(obj, Named) else None

        def save_type(self, obj):
            self.write(b"ctorch\nFloatStorage\n")

        dispatch: ClassVar = {**pickle._Pickler.dispatch, type: save_type}

    buffer = io.BytesIO()
    for part in (magic, protocol, {"little_endian": True}):
        pickle.dump(part, buffer, 2)
    Pickler(buffer, 2).dump(Named())
    pickle.dump(list(keys), buffer, 2)
    return io.BytesIO(buffer.getvalue() + tail)


FLOATS = ("storage", float, "0", "cpu", 2, None)
DATA = struct.pack("<qff", 2, 1, 2)


def test_storages_and_their_parts():
    assert load(crafted(FLOATS, tail=DATA))._array.tolist() == [1, 2]
    assert load(crafted((*FLOATS[:5], ("1", 1, 1)), tail=DATA))._array.tolist() == [2]


@pytest.mark.parametrize(
    "options",
    [
        {"magic": 3},
        {"protocol": 1000},
        {"identifier": "storage"},
        {"identifier": ("storage",)},
        {"identifier": ("something", 1)},
        {"identifier": ("storage", 3, "0", "cpu", 2, None)},
        {"identifier": ("storage", float, 0, "cpu", 2, None)},
        {"identifier": ("storage", float, "0", "cpu", 2**60, None)},
        {"identifier": ("storage", float, "0", "cpu", -1, None)},
        {"identifier": ("storage", float, "0", "cpu", 2.0, None)},
        {"identifier": (*FLOATS[:5], ("1", 1, 2))},
        {"identifier": (*FLOATS[:5], ("1", -1, 1))},
        {"identifier": (*FLOATS[:5], 3)},
        {"keys": ["1"]},
        {"keys": [0]},
        {"tail": struct.pack("<qff", 3, 1, 2)},
        {"tail": DATA[:-1]},
        {"tail": b""},
    ],
    ids=str,
)
def test_lying_files(options):
    with pytest.raises((RuntimeError, pickle.UnpicklingError)):
        load(crafted(**{"identifier": FLOATS, "tail": DATA, **options}))


def test_nothing_is_executed(tmp_path):
    class Exploit:
        def __reduce__(self):
            return open, (str(tmp_path / "x"), "w")

    evil = pickle.dumps(Exploit(), 2)
    parts = [pickle.dumps(part, 2) for part in (MAGIC, 1001, {})]
    for place in range(4):
        with pytest.raises(pickle.UnpicklingError, match="was not an allowed global"):
            load(io.BytesIO(b"".join([*parts[:place], evil])))
    assert not list(tmp_path.iterdir())
