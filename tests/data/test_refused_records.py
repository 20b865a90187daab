"""What stands for PyTorch's functions in a checkpoint refuses the arguments of a damaged or hostile file by name."""

from __future__ import annotations

import io
import pickle
import zipfile

import numpy as np
import pytest

import tinygrad_cnn as torch
from tinygrad_cnn.serialization import allowlist, get_unsafe_globals_in_checkpoint
from tinygrad_cnn.serialization.archive import Archive
from tinygrad_cnn.serialization.legacy import _Storages as LegacyStorages
from tinygrad_cnn.serialization.location import place
from tinygrad_cnn.serialization.reader import _Storages
from tinygrad_cnn.serialization.storage import Storage, rebuild
from tinygrad_cnn.serialization.unpickler import globals_of
from tinygrad_cnn.serialization.writer import _Global
from tinygrad_cnn.utils.data._utils import channel
from tinygrad_cnn.utils.safetensors import _checked


def archived(**records):
    """Return a zip file as `torch.save` writes it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in records.items():
            file.writestr(f"archive/{name.replace('_', '.')}", data)
    buffer.seek(0)
    return buffer


def saved(value):
    """Return a file that holds a value."""
    buffer = io.BytesIO()
    torch.save(value, buffer)
    buffer.seek(0)
    return buffer


BYTES = Storage(np.zeros(3, np.uint8), torch.uint8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: allowlist.rebuild_tensor_v3(1, 0, (), (), False, None, torch.float32), "a tensor without storage"),
        (lambda: allowlist.rebuild_from_type_v2(print, torch.Tensor, (), None), "is made by <built-in function print>"),
        (lambda: allowlist._size("12"), "torch.Size of something else than integers"),
        (lambda: allowlist._bytearray(5), "bytearray of int"),
        (lambda: BYTES.as_type(torch.float32), "3 bytes of torch.uint8 as elements of torch.float32"),
        (lambda: BYTES.part(2, 2), "2 elements from 2 on of a storage of 3"),
        (lambda: rebuild(1, 0, (1,), (1,)), "a tensor is made of int instead of a storage"),
        (lambda: _Storages(None, None)(("storage", 1, 2, 3, 4)), "does not describe a storage"),
        (lambda: _Storages(None, None)(("storage", 1)), "instead of the description of a storage"),
        (lambda: LegacyStorages(9, None)(("storage", 1)), "2 facts about a storage instead of 6"),
    ],
)
def test_a_corrupt_file_says_what_is_wrong(call, message):
    with pytest.raises(RuntimeError) as caught:
        call()
    assert str(caught.value).startswith("corrupt file: ") and message in str(caught.value)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: Archive(archived()), RuntimeError, "archive does not contain any files"),
        (lambda: place(BYTES, "meta", None), NotImplementedError, "there is no meta device here"),
        (
            lambda: torch.load(saved(1), pickle_module=io, weights_only=False),
            NotImplementedError,
            "only the standard pickle module is supported",
        ),
        (
            lambda: get_unsafe_globals_in_checkpoint(archived(constants_pkl=b"", data_pkl=b"")),
            ValueError,
            "got a torchscript checkpoint",
        ),
        (lambda: globals_of(b"\x80\x05K\x01\x85\x93."), pickle.UnpicklingError, "Unsupported operand STACK_GLOBAL"),
        (lambda: globals_of(b"\x80\x02K"), pickle.UnpicklingError, "damaged data: "),
        (lambda: _Global("torch", "x")(), TypeError, "torch.x only names a function of the file format"),
        (lambda: _checked([1]), ValueError, "Expected a dict of [str, torch.Tensor] but received <class 'list'>"),
        (
            lambda: _checked({"a": 1}),
            ValueError,
            "Key `a` is invalid, expected torch.Tensor but received",
        ),
        (
            lambda: _checked({"a": torch.zeros(2, 3).t()}),
            ValueError,
            "trying to save a non contiguous tensor: `a`",
        ),
        (
            lambda: (lambda x: _checked({"a": x, "b": x}))(torch.zeros(2)),
            RuntimeError,
            "Some tensors share memory, this will lead to duplicate memory on disk",
        ),
    ],
)
def test_refused(call, kind, message):
    with pytest.raises(kind) as caught:
        call()
    assert message in str(caught.value)


def test_a_batch_that_is_shorter_than_it_says(tmp_path):
    (tmp_path / "batch").write_bytes(b"12")
    with (tmp_path / "batch").open("rb") as file, pytest.raises(EOFError, match="shorter than it says"):
        channel._read(file.fileno(), memoryview(bytearray(3)), 0)


def test_a_mapped_record_without_its_header(tmp_path):
    torch.save({"x": torch.ones(3)}, tmp_path / "file.pt")
    data = bytearray((tmp_path / "file.pt").read_bytes())
    with zipfile.ZipFile(tmp_path / "file.pt") as file:
        (info,) = [info for info in file.infolist() if info.filename.endswith("data/0")]
    data[info.header_offset] ^= 1
    (tmp_path / "file.pt").write_bytes(data)
    for mapped in (False, True):
        with pytest.raises(RuntimeError, match="PytorchStreamReader failed"):
            torch.load(tmp_path / "file.pt", mmap=mapped)


def test_a_storage_with_two_dtypes():
    storages = _Storages(None, None)
    storages._known["0"] = BYTES
    with pytest.raises(RuntimeError, match="storage 0 is used with two dtypes"):
        storages(("storage", allowlist.find("torch.FloatStorage"), "0", "cpu", 1))
