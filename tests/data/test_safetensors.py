"""safetensors files: round trips, models with shared weights, refusals, the library that may be missing."""

import builtins
import json
import struct

import numpy as np
import pytest

import tinygrad_cnn as tg
from tests.data.test_serialization import VALUES, model

tensors = {name: tg.tensor(value) for name, value in VALUES.items()}
HALVES = {name: tg.tensor([1.5, -2.0]).to(getattr(tg, name)) for name in ("float16", "bfloat16", "int8", "int16")}


@pytest.fixture
def library():
    pytest.importorskip("safetensors")
    from tinygrad_cnn.utils import safetensors

    return safetensors


def check(found):
    assert found.keys() == VALUES.keys()
    for name, value in VALUES.items():
        assert found[name].dtype is tensors[name].dtype and tuple(found[name].shape) == value.shape
        np.testing.assert_array_equal(found[name].numpy(), value)
        found[name].zero_()  # memory of its own, that can be written


def test_round_trip(library, tmp_path):
    check(library.load(library.save(tensors, {"format": "pt"})))
    library.save_file(tensors, tmp_path / "t.safetensors")
    check(library.load_file(tmp_path / "t.safetensors"))
    check(tg.load(str(tmp_path / "t.safetensors"), map_location="cpu"))
    with pytest.raises(AssertionError, match="CUDA"):
        library.load_file(tmp_path / "t.safetensors", device="cuda")
    for place, kind in (({}, "dict"), (lambda storage, location: storage, "callable")):
        with pytest.raises(RuntimeError, match=f"with {kind} map_location is not supported"):
            tg.load(tmp_path / "t.safetensors", map_location=place)


def test_types_of_storage(library):
    found = library.load(library.save(HALVES))
    for name, tensor in HALVES.items():
        assert found[name].dtype is tensor.dtype and found[name].tolist() == tensor.tolist()


def test_the_librarys_own_files(library):
    import safetensors.numpy

    arrays = {"a": np.arange(6.0).reshape(2, 3), "h": np.float16([1])}
    found = library.load(safetensors.numpy.save(arrays))
    assert found["a"].tolist() == arrays["a"].tolist() and found["h"].dtype is tg.float16
    with pytest.raises(NotImplementedError, match="complex64"):
        library.load(safetensors.numpy.save({"c": np.complex64([1])}))
    found = safetensors.numpy.load(library.save({"a": tg.tensor(arrays["a"])}))
    np.testing.assert_array_equal(found["a"], arrays["a"])


def test_models(library, tmp_path):
    path = str(tmp_path / "model.safetensors")
    net, other = model(), model()
    library.save_model(net, path)
    other[0].weight.data.zero_()
    assert library.load_model(other, path) == (set(), [])
    for a, b in zip(net.state_dict().values(), other.state_dict().values(), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    tied = tg.nn.ModuleDict({"a": tg.nn.Linear(2, 2), "b": tg.nn.Linear(2, 2)})
    tied["b"].weight = tied["a"].weight
    library.save_model(tied, path)
    assert library.load_model(tied, path) == (set(), [])
    missing, unexpected = library.load_model(tg.nn.ModuleDict({"a": tg.nn.Linear(2, 2)}), path, strict=False)
    assert (missing, unexpected) == (set(), ["b.bias"])
    with pytest.raises(RuntimeError, match=r"Error\(s\) in loading state_dict for Sequential"):
        library.load_model(net, path)


def test_refusals(library):
    whole = tg.ones(4, 4)
    for wrong, kind, message in (
        ([1], ValueError, "Expected a dict"),
        ({"a": 1}, ValueError, "Key `a` is invalid"),
        ({"a": whole, "b": whole[0]}, RuntimeError, "share memory"),
        ({"a": whole.t()[1:]}, ValueError, "non contiguous tensor: `a`"),
    ):
        with pytest.raises(kind, match=message):
            library.save(wrong)
    import safetensors

    data = library.save(tensors)
    for damaged in (b"", data[:20], data[:-1], b"\xff" * 8 + data[8:]):
        with pytest.raises(safetensors.SafetensorError):
            library.load(damaged)


def file_of(header, body=bytes(64)):
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(header)) + header + body


def entry(dtype="F32", shape=(16,), place=(0, 64)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(place)}


LIES = {
    "overlapping": file_of({"a": entry(), "b": entry()}),
    "overlapping in part": file_of({"a": entry(), "b": entry(shape=(8,), place=(32, 64))}),
    "a hole": file_of({"a": entry(shape=(8,), place=(0, 32)), "b": entry(shape=(4,), place=(48, 64))}),
    "bytes left over": file_of({"a": entry(shape=(8,), place=(0, 32))}),
    "out of range": file_of({"a": entry(shape=(32,), place=(0, 128))}),
    "backwards": file_of({"a": entry(place=(64, 0))}),
    "before the beginning": file_of({"a": entry(place=(-1, 63))}),
    "another size": file_of({"a": entry(shape=(15,))}),
    "a size that wraps": file_of({"a": entry(shape=(2**32, 2**32))}),
    "nothing times too much": file_of({"a": entry(shape=(0, 2**62, 2**62), place=(0, 0)), "b": entry()}),
    "a negative size": file_of({"a": entry(shape=(-16,))}),
    "101 dimensions": file_of({"a": entry(shape=[1] * 100 + [16])}),
    "an unknown type": file_of({"a": entry("X7")}),
    "a header of a terabyte": struct.pack("<Q", 2**40) + b"{}",
    "a header of 2**64 bytes": struct.pack("<Q", 2**64 - 1) + b"{}",
    "a pickle": file_of(b"\x80\x02cos\nsystem\nX\x04\0\0\0true\x85R."),
    "lists without end": file_of(b"[" * 100_000),
    "metadata without end": file_of(b'{"__metadata__":' + b'{"a":' * 50_000),
}


@pytest.mark.parametrize("case", LIES)
def test_headers_that_lie(library, case):
    import safetensors

    with pytest.raises((safetensors.SafetensorError, RuntimeError)) as error:
        library.load(LIES[case])
    assert str(error.value)


def test_truthy_bytes_become_bools(library):
    found = library.load(file_of({"a": entry("BOOL", (64,))}, bytes([0, 2, 255, 1] * 16)))["a"]
    assert found.tolist() == [False, True, True, True] * 16 and found.numpy().view(np.uint8).max() == 1


def test_without_the_library(monkeypatch):
    from tinygrad_cnn.utils import safetensors

    original = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("safetensors"):
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match="pip install safetensors"):
        safetensors.save({})
