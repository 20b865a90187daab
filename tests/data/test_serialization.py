"""save and load: round trips, sharing, PyTorch's files both ways, atomic replacement, options and messages."""

import collections
import io
import os
import pickle
import signal
import zipfile

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import dtypes, serialization
from tinygrad_cnn.data import tensor
from tinygrad_cnn.nn.parameter import Parameter
from tinygrad_cnn.serialization import load, save
from tinygrad_cnn.tensor import Tensor, wrap

VALUES = {
    "float32": np.float32([1.5, -2, np.inf, np.nan]),
    "float64": np.float64([1 / 3, 1e300]),
    "int64": np.int64([-(2**63), 2**63 - 1]),
    "int32": np.int32([[1, 2], [3, -4]]),
    "uint8": np.uint8([0, 255]),
    "bool": np.array([True, False]),
    "scalar": np.array(7.0),
    "empty": np.empty((0, 3), np.float32),
}
PLAIN = {
    "numbers": [0, -1, 255, 256, 65536, -(2**40), 10**30, 1.5, float("inf"), True, False, None],
    "text": ["", "a", "\u00e9\u4e2d\U0001f600", "x" * 300],
    "bytes": [b"", b"\x00\xff", bytearray(b"ab")],
    "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
    "containers": [[], {}, {1, 2}, set(), {"a": {"b": [1]}}, collections.OrderedDict(a=1), collections.Counter("aab")],
    "complex": 1 + 2j,
}


def through_bytes(obj, **options):
    return load(io.BytesIO(saved(obj)), **options)


def saved(obj):
    buffer = io.BytesIO()
    save(obj, buffer)
    return buffer.getvalue()


def check_values(found, how=lambda t: t.numpy()):
    assert list(found) == list(VALUES)
    for name, value in VALUES.items():
        assert str(found[name].dtype) == f"torch.{value.dtype}" and tuple(found[name].shape) == value.shape
        np.testing.assert_array_equal(how(found[name]), value)


def test_tensors_of_every_dtype():
    check_values(through_bytes({name: tensor(value) for name, value in VALUES.items()}))


@pytest.mark.parametrize("weights_only", [True, False])
def test_plain_values(weights_only):
    found = through_bytes(PLAIN, weights_only=weights_only)
    assert found == PLAIN
    assert [type(v) for v in found["containers"]] == [type(v) for v in PLAIN["containers"]]
    assert type(found["bytes"][2]) is bytearray


def test_sizes_dtypes_devices():
    obj = {"size": dtypes.Size((2, 3)), "dtypes": list(dtypes.ALL) * 2, "device": dtypes.device("cpu")}
    found = through_bytes(obj)
    assert found == obj and type(found["size"]) is dtypes.Size and found["dtypes"][0] is dtypes.ALL[0]


def test_parameters_and_requires_grad():
    found = through_bytes([Parameter(tensor([1.0])), Parameter(tensor([1]), False), tensor([2.0]).requires_grad_()])
    assert type(found[0]) is Parameter and found[0].requires_grad and found[0].is_leaf
    assert type(found[1]) is Parameter and not found[1].requires_grad
    assert type(found[2]) is Tensor and found[2].requires_grad and found[2].is_leaf
    result = found[2] * 2.0
    assert not through_bytes(result.detach()).requires_grad


def test_views_and_shared_memory():
    whole = tensor(np.arange(12, dtype=np.float32))
    obj = {"whole": whole, "part": whole.view(3, 4)[1:, ::2], "turned": whole.view(3, 4).t(), "same": whole}
    assert sum("/data/" in name for name in zipfile.ZipFile(io.BytesIO(saved(obj))).namelist()) == 1
    found = through_bytes(obj)
    assert found["part"].tolist() == [[4, 6], [8, 10]] and found["same"] is found["whole"]
    assert found["turned"].stride() == (1, 4)
    found["whole"].fill_(7.0)
    assert found["part"].tolist() == [[7, 7], [7, 7]] and found["turned"][0].tolist() == [7, 7, 7]


def test_expanded_and_reversed_arrays():
    assert through_bytes(wrap(np.broadcast_to(np.float32([1]), (3,)))).tolist() == [1, 1, 1]
    assert through_bytes(wrap(np.arange(3)[::-1])).tolist() == [2, 1, 0]
    assert through_bytes(wrap(np.asfortranarray(np.arange(6).reshape(2, 3)))).tolist() == [[0, 1, 2], [3, 4, 5]]
    raw = np.arange(9, dtype=np.uint8)
    shifted = raw[1:].view(np.float32)
    np.testing.assert_array_equal(through_bytes(wrap(shifted)).numpy(), shifted)


def test_memory_that_runs_backwards_is_refused():
    backwards = np.ndarray((4,), np.float32, bytearray(16), offset=12, strides=(-4,))
    with pytest.raises(RuntimeError, match="cannot save a tensor over memory with negative strides; save a copy of it"):
        save(wrap(backwards[::-1]), io.BytesIO())


def test_one_memory_with_two_dtypes_is_refused():
    raw = np.zeros(8, np.uint8)
    with pytest.raises(RuntimeError, match="Cannot save multiple tensors or storages that view the same data"):
        saved([wrap(raw), wrap(raw.view(np.float32))])


def test_the_same_object_gives_the_same_bytes():
    assert saved([tensor([1.0, 2.0])]) == saved([tensor([1.0, 2.0])])


def test_storages_are_aligned():
    data = saved([tensor(np.zeros(n)) for n in (1, 5, 100)])
    for info in zipfile.ZipFile(io.BytesIO(data)).infolist():
        name, extra = np.frombuffer(data, np.uint16, 2, info.header_offset + 26)
        assert (info.header_offset + 30 + int(name) + int(extra)) % 64 == 0


def model():
    tg.manual_seed(0)
    return tg.nn.Sequential(tg.nn.Conv2d(1, 2, 3), tg.nn.BatchNorm2d(2), tg.nn.Flatten(), tg.nn.Linear(8, 3))


def trained_adam(net):
    optimizer = tg.optim.Adam(net.parameters())
    net(tg.ones(2, 1, 4, 4)).sum().backward()
    optimizer.step()
    return optimizer


def test_a_checkpoint(tmp_path):
    net = model()
    optimizer = trained_adam(net)
    scheduler = tg.optim.lr_scheduler.StepLR(optimizer, 3)
    path = tmp_path / "model.pt"
    parts = {
        "net": net.state_dict(),
        "optimizer": optimizer.state_dict(),
        "schedule": scheduler.state_dict(),
        "epoch": 3,
    }
    save(parts, path)
    found = load(path)
    other = model()
    second = tg.optim.Adam(other.parameters())
    other.load_state_dict(found["net"])
    second.load_state_dict(found["optimizer"])
    assert found["epoch"] == 3 and found["net"]._metadata == net.state_dict()._metadata
    for a, b in zip(net.state_dict().values(), other.state_dict().values(), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert second.state_dict()["state"][0]["step"].item() == 1.0
    assert zipfile.ZipFile(path).namelist()[0] == "model/data.pkl"


def test_whole_modules(tmp_path):
    net = model().eval()
    save(net, tmp_path / "whole.pt")
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        load(tmp_path / "whole.pt")
    found = load(tmp_path / "whole.pt", weights_only=False)
    x = tg.ones(1, 1, 4, 4)
    assert repr(found) == repr(net) and found(x).tolist() == net(x).tolist()


# ---------------------------------------------------------------- PyTorch


@pytest.mark.parity
def test_torch_reads_our_files(tmp_path):
    torch = pytest.importorskip("torch")
    net = model()
    optimizer = trained_adam(net)
    whole = tensor(np.arange(6.0))
    obj = {
        "values": {name: tensor(value) for name, value in VALUES.items()},
        "plain": PLAIN,
        "net": net.state_dict(),
        "optimizer": optimizer.state_dict(),
        "parameter": Parameter(tensor([1.0])),
        "views": [whole, whole[2:]],
        "size": dtypes.Size((1, 2)),
        "dtype": dtypes.float32,
        "device": dtypes.device("cpu"),
    }
    save(obj, tmp_path / "ours.pt")
    for options in ({}, {"weights_only": False}, {"mmap": True}):
        found = torch.load(tmp_path / "ours.pt", **options)
        check_values(found["values"])
        assert found["plain"] == PLAIN and found["size"] == torch.Size((1, 2)) and found["dtype"] is torch.float32
        assert type(found["parameter"]) is torch.nn.Parameter and found["parameter"].requires_grad
        found["views"][0].fill_(3.0)
        assert found["views"][1].tolist() == [3.0] * 4
    theirs = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Flatten(), torch.nn.Linear(8, 3)
    )
    theirs.load_state_dict(found["net"])
    torch.optim.Adam(theirs.parameters()).load_state_dict(found["optimizer"])


@pytest.mark.parity
@pytest.mark.parametrize("options", [{}, {"weights_only": False}, {"mmap": True}], ids=str)
def test_we_read_torchs_files(tmp_path, options):
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Flatten(), torch.nn.Linear(8, 3)
    )
    optimizer = torch.optim.Adam(theirs.parameters())
    theirs(torch.ones(2, 1, 4, 4)).sum().backward()
    optimizer.step()
    whole = torch.arange(6.0)
    obj = {
        "values": {name: torch.tensor(value) for name, value in VALUES.items()},
        "plain": PLAIN,
        "net": theirs.state_dict(),
        "optimizer": optimizer.state_dict(),
        "parameter": torch.nn.Parameter(torch.ones(1)),
        "views": [whole, whole[2:], whole.view(2, 3).t()],
        "size": torch.Size((1, 2)),
        "dtype": torch.float32,
        "device": torch.device("cpu"),
    }
    torch.save(obj, tmp_path / "theirs.pt")
    found = load(tmp_path / "theirs.pt", **options)
    check_values(found["values"])
    assert found["plain"] == PLAIN and found["size"] == (1, 2) and found["dtype"] is dtypes.float32
    assert type(found["parameter"]) is Parameter and found["device"] == dtypes.device("cpu")
    assert found["views"][2].stride() == (1, 3)
    found["views"][0].fill_(3.0)
    assert found["views"][1].tolist() == [3.0] * 4
    net = model()
    net.load_state_dict(found["net"])
    x = np.ones((1, 1, 4, 4), np.float32)
    ours = net.eval()(tensor(x)).detach().numpy()
    np.testing.assert_allclose(ours, theirs.eval()(torch.tensor(x)).detach().numpy(), rtol=1e-5)
    tg.optim.Adam(net.parameters()).load_state_dict(found["optimizer"])


@pytest.mark.parity
def test_torchs_whole_modules(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save(torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU()), tmp_path / "m.pt")
    found = load(tmp_path / "m.pt", weights_only=False)
    assert type(found).__module__.startswith("tinygrad_cnn") and found(tg.ones(1, 2)).shape == (1, 3)


@pytest.mark.parity
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("name", ["float16", "bfloat16", "int8", "int16"])
def test_types_of_storage(name, zipped):
    torch = pytest.importorskip("torch")
    theirs = torch.tensor([[1.5, -2, 3], [4, 5, 6]]).to(getattr(torch, name))
    file = io.BytesIO()
    torch.save({"x": theirs, "part": theirs[:, 1:], "dtype": theirs.dtype}, file, _use_new_zipfile_serialization=zipped)
    found = load(io.BytesIO(file.getvalue()))
    assert found["x"].dtype is found["dtype"] is getattr(dtypes, name)
    assert found["x"].tolist() == theirs.tolist() and found["part"].tolist() == theirs[:, 1:].tolist()
    back = io.BytesIO()
    save(found, back, _use_new_zipfile_serialization=zipped)
    again = torch.load(io.BytesIO(back.getvalue()))
    assert again["dtype"] is theirs.dtype and torch.equal(again["x"], theirs) and again["part"].stride() == (3, 1)


@pytest.mark.parity
def test_what_cannot_be_read(tmp_path):
    torch = pytest.importorskip("torch")
    for dtype in (torch.complex64, torch.uint16, torch.float8_e5m2):
        torch.save(torch.ones(2, dtype=dtype), tmp_path / "t.pt")
        with pytest.raises(NotImplementedError, match=str(dtype).removeprefix("torch.")):
            load(tmp_path / "t.pt")


# ---------------------------------------------------------------- files and options


def test_file_objects(tmp_path):
    class WriteOnly:
        def __init__(self):
            self.data = b""

        def write(self, data):
            self.data += bytes(data)
            return len(data)

    target = WriteOnly()
    save([tensor([1.0])], target)
    assert load(io.BytesIO(target.data))[0].tolist() == [1.0]
    with open(tmp_path / "f", "wb") as file:
        save(tensor([2.0]), file)
    with open(tmp_path / "f", "rb") as file:
        assert load(file).tolist() == [2.0]
    save(tensor([3.0]), str(tmp_path / "f"))
    assert load(str(tmp_path / "f")).tolist() == [3.0]
    with pytest.raises(AttributeError, match="expected 'f' to be string, path, or a file-like object with a 'write'"):
        save(1, 3)
    with pytest.raises(AttributeError, match="'int' object has no attribute 'read'"):
        load(3)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nothing")


def test_a_failed_save_leaves_the_old_file(tmp_path):
    path = tmp_path / "model.pt"
    save(tensor([1.0]), path)
    before = path.read_bytes()
    with pytest.raises((pickle.PicklingError, AttributeError)):
        save([tensor(np.zeros(10000)), lambda: 0], path)
    raw = np.zeros(8, np.uint8)
    with pytest.raises(RuntimeError):
        save([wrap(raw), wrap(raw.view(np.int32))], path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["model.pt"]


@pytest.mark.parametrize("missing", ["O_TMPFILE", "link"])
def test_other_file_systems(tmp_path, monkeypatch, missing):
    """Where a file cannot be without a name, or cannot be given one."""

    def refuse(*args, **options):
        raise OSError(95, "Operation not supported")

    if missing == "link":
        monkeypatch.setattr(os, "link", refuse)
    else:
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    path = tmp_path / "model.pt"
    for value in (1.0, 2.0):
        save(tensor([value]), path)
        assert load(path).tolist() == [value] and os.listdir(tmp_path) == ["model.pt"]
    with pytest.raises((pickle.PicklingError, AttributeError)):
        save([tensor([3.0]), lambda: 0], path)
    assert load(path).tolist() == [2.0] and os.listdir(tmp_path) == ["model.pt"]


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="files without a name exist on Linux")
def test_a_kill_leaves_nothing_behind(tmp_path):
    path = tmp_path / "model.pt"
    save(tensor([1.0]), path)
    before = path.read_bytes()
    for _ in range(5):
        child = os.fork()
        if child == 0:
            os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)
            save(tensor([2.0]), path)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["model.pt"]


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "model.pt"
    save(tensor([1.0]), path)
    before = path.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save(tensor([2.0]), path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["model.pt"]


@pytest.mark.parametrize(
    ("function", "call", "expected"), [("fsync", 1, 1.0), ("chmod", 1, 1.0), ("replace", 1, 1.0), ("fsync", 2, 2.0)]
)
def test_a_crash_while_saving_leaves_the_old_or_the_new_file(tmp_path, function, call, expected):
    """The process dies at a step of the replacement: at the n-th call of one of the system's functions."""
    path = tmp_path / "model.pt"
    save(tensor([1.0]), path)
    child = os.fork()
    if child == 0:
        original, calls = getattr(os, function), []

        def die(*args):
            calls.append(args)
            return os._exit(9) if len(calls) == call else original(*args)

        setattr(os, function, die)
        save(tensor([2.0]), path)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert load(path).tolist() == [expected]


def test_links_and_permissions(tmp_path):
    target, link = tmp_path / "target.pt", tmp_path / "link.pt"
    save(tensor([1.0]), target)
    umask = os.umask(0)
    os.umask(umask)
    assert target.stat().st_mode & 0o777 == 0o666 & ~umask
    target.chmod(0o600)
    link.symlink_to(target)
    save(tensor([2.0]), link)
    assert link.is_symlink() and load(target).tolist() == [2.0] and target.stat().st_mode & 0o777 == 0o600
    with pytest.raises(IsADirectoryError):
        save(1, tmp_path)
    with pytest.raises(RuntimeError, match=r"Parent directory .*no does not exist\."):
        save(1, tmp_path / "no" / "folder.pt")


def test_mmap(tmp_path):
    path = tmp_path / "m.pt"
    save({"a": tensor([1.0, 2.0]), "empty": tg.empty(0)}, path)
    found = load(path, mmap=True)
    found["a"].fill_(5.0)
    assert found["a"].tolist() == [5.0, 5.0] and load(path)["a"].tolist() == [1.0, 2.0] and found["empty"].numel() == 0
    with pytest.raises(ValueError, match="f must be a file path in order to use the mmap argument"):
        load(io.BytesIO(path.read_bytes()), mmap=True)


def with_location(location):
    """A file whose storage is tagged with another place than cpu."""
    source = zipfile.ZipFile(io.BytesIO(saved(tensor([1.0]))))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in source.namelist():
            data = source.read(name)
            if name.endswith("data.pkl"):
                data = data.replace(
                    b"X\x03\x00\x00\x00cpu", b"X" + len(location).to_bytes(4, "little") + location.encode()
                )
            archive.writestr(name, data)
    return io.BytesIO(target.getvalue())


def test_map_location():
    with pytest.raises(RuntimeError, match=r"Attempting to deserialize object on a CUDA device but torch\.cuda"):
        load(with_location("cuda:0"))
    with pytest.raises(RuntimeError, match=r"don't know how to restore data location .*tagged with xyz"):
        load(with_location("xyz"))
    for place in ("cpu", dtypes.device("cpu"), {"cuda:0": "cpu"}, lambda storage, location: storage):
        assert load(with_location("cuda:0"), map_location=place).tolist() == [1.0]
    seen = []
    load(with_location("cpu"), map_location=lambda storage, location: seen.append((len(storage), location)))
    assert seen == [(1, "cpu")]
    for place in ("cuda", {"cpu": "cuda:1"}):
        with pytest.raises(RuntimeError, match="CUDA"):
            load(with_location("cpu"), map_location=place)
    with pytest.raises(TypeError, match="map_location returned int"):
        load(with_location("cpu"), map_location=lambda storage, location: 3)


def test_options():
    data = saved(tensor([1.0]))
    with pytest.raises(RuntimeError, match="Can not safely load weights when explicit pickle_module is specified"):
        load(io.BytesIO(data), pickle_module=pickle, weights_only=True)
    assert load(io.BytesIO(data), pickle_module=pickle).tolist() == [1.0]
    with pytest.warns(UserWarning, match="pickle_load_args only works if"):
        load(io.BytesIO(data), encoding="latin1")
    with pytest.raises(NotImplementedError):
        save(1, io.BytesIO(), _disable_byteorder_record=True)
    with pytest.raises(NotImplementedError):
        save(1, io.BytesIO(), pickle_module=io)


class Config:
    def __init__(self, size):
        self.size = size


def test_safe_globals():
    data = saved(Config(3))
    with pytest.raises(
        pickle.UnpicklingError, match=r"Unsupported global: GLOBAL .*test_serialization\.Config was not"
    ):
        load(io.BytesIO(data))
    with serialization.safe_globals([Config]):
        assert load(io.BytesIO(data)).size == 3 and serialization.get_safe_globals() == [Config]
    assert serialization.get_safe_globals() == []
    serialization.add_safe_globals([(Config, f"{Config.__module__}.Config")])
    assert load(io.BytesIO(data)).size == 3
    serialization.clear_safe_globals()
    for wrong, kind in (((Config,), ValueError), ((Config, 3), TypeError)):
        with pytest.raises(kind, match="Expected"):
            serialization.add_safe_globals([wrong])
