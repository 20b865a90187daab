"""Files that are damaged or hostile: an exception of the documented kinds, nothing executed, no crash."""

import io
import pickle
import random
import struct
import zipfile

import numpy as np
import pytest

from tests.data.crafted import archive, name, program, tensor_program, text
from tinygrad_cnn.data import tensor
from tinygrad_cnn.serialization import load, save

ALLOWED = (RuntimeError, pickle.UnpicklingError, ValueError, EOFError)  # NotImplementedError is a RuntimeError


def checkpoint():
    buffer = io.BytesIO()
    save(
        {"a": tensor(np.arange(20, dtype=np.float32)).view(4, 5), "b": [tensor([True]), 1, "x"], "c": (2.5, None)},
        buffer,
    )
    return buffer.getvalue()


def try_load(data):
    """Load; a damaged file may still be readable, but nothing else than the allowed exceptions may come out."""
    try:
        load(io.BytesIO(data))
        return True
    except ALLOWED:
        return False


def test_truncated_at_every_byte():
    data = checkpoint()
    assert try_load(data)
    assert not any(try_load(data[:length]) for length in range(len(data)))
    with pytest.raises(RuntimeError, match="PytorchStreamReader failed reading zip archive"):
        load(io.BytesIO(data[:-10]))


def test_every_byte_flipped():
    data = bytearray(checkpoint())
    for place in range(len(data)):
        for value in (0xFF, 0x01):
            data[place] ^= value
            try_load(bytes(data))
            data[place] ^= value


def test_random_pickles():
    """Mutations of the pickle itself, which no checksum stops."""
    source = zipfile.ZipFile(io.BytesIO(checkpoint()))
    pickled, storages = source.read("archive/data.pkl"), [source.read(f"archive/data/{i}") for i in range(2)]
    generator = random.Random(0)
    for _ in range(500):
        mutated = bytearray(pickled)
        for _ in range(generator.randint(1, 4)):
            mutated[generator.randrange(len(mutated))] = generator.randrange(256)
        try_load(archive(bytes(mutated), storages))


HOSTILE = {
    "build on a class": program(name("collections", "OrderedDict"), pickle.EMPTY_DICT, pickle.BUILD),
    "build on a function": program(name("torch._utils", "_rebuild_tensor_v2"), pickle.EMPTY_DICT, pickle.BUILD),
    "build on a tensor class": program(name("torch.nn.parameter", "Parameter"), pickle.EMPTY_DICT, pickle.BUILD),
    "reduce of a dtype": program(name("torch", "float32"), pickle.EMPTY_TUPLE, pickle.REDUCE),
    "reduce of a storage": program(name("torch", "FloatStorage"), pickle.EMPTY_TUPLE, pickle.REDUCE),
    "reduce of a list": program(pickle.EMPTY_LIST, pickle.EMPTY_TUPLE, pickle.REDUCE),
    "arguments not a tuple": program(name("collections", "OrderedDict"), pickle.EMPTY_LIST, pickle.REDUCE),
    "new function": program(name("_codecs", "encode"), pickle.EMPTY_TUPLE, pickle.NEWOBJ),
    "huge bytearray": program(
        name("builtins", "bytearray"), pickle.BININT, struct.pack("<i", 2**31 - 1), pickle.TUPLE1, pickle.REDUCE
    ),
    "other codec": program(name("_codecs", "encode"), text("a"), text("rot13"), pickle.TUPLE2, pickle.REDUCE),
    "dotted name": program(name("collections", "OrderedDict.fromkeys")),
    "stack global": program(text("os"), text("system"), pickle.STACK_GLOBAL),
    "inst": program(pickle.MARK, pickle.INST, b"os\nsystem\n"),
    "extension": program(pickle.EXT1, b"\1"),
    "empty stack": program(),
    "pop beyond": program(pickle.TUPLE2),
    "no mark": program(pickle.APPENDS),
    "no memo": program(pickle.BINGET, b"\7"),
    "unhashable key": program(pickle.EMPTY_DICT, pickle.EMPTY_LIST, pickle.NONE, pickle.SETITEM),
    "odd items": program(pickle.EMPTY_DICT, pickle.MARK, pickle.NONE, pickle.SETITEMS),
    "append to a tuple": program(pickle.EMPTY_TUPLE, pickle.NONE, pickle.APPEND),
    "items of a list": program(pickle.EMPTY_LIST, pickle.NONE, pickle.NONE, pickle.SETITEM),
    "long text": program(pickle.BINUNICODE, struct.pack("<I", 2**32 - 1)),
    "bad text": program(pickle.BINUNICODE, struct.pack("<I", 1), b"\xff"),
    "persistent id": program(pickle.NONE, pickle.BINPERSID),
    "short persistent id": program(text("storage"), pickle.TUPLE1, pickle.BINPERSID),
    "parameter of a number": program(
        name("torch._utils", "_rebuild_parameter"), pickle.NONE, pickle.NONE, pickle.NONE, pickle.TUPLE3, pickle.REDUCE
    ),
    "nested tuples as a key": program(
        pickle.EMPTY_DICT, pickle.EMPTY_TUPLE, pickle.TUPLE1 * 100_000, pickle.NONE, pickle.SETITEM
    ),
    "protocol 4": pickle.dumps([1], 4),
    "nothing": b"",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_pickles(case):
    with pytest.raises((pickle.UnpicklingError, RuntimeError, EOFError)):
        load(io.BytesIO(archive(HOSTILE[case])))


def test_tensor_programs_work():
    found = load(io.BytesIO(archive(tensor_program(), [np.float32([1, 2, 3, 4]).tobytes()])))
    assert found.tolist() == [1, 2, 3, 4]
    overlapping = archive(tensor_program(size=(2, 2), stride=(1, 1)), [np.float32([1, 2, 3, 4]).tobytes()])
    assert load(io.BytesIO(overlapping)).tolist() == [[1, 2], [2, 3]]


@pytest.mark.parametrize(
    "options",
    [
        {"size": (5,)},
        {"offset": 1},
        {"offset": -1},
        {"stride": (2,)},
        {"stride": (-1,), "offset": 3},
        {"size": (-1,)},
        {"size": (2, 2), "stride": (2,)},
        {"size": (2**62, 4), "stride": (0, 0)},
        {"size": (2**32, 2**32), "stride": (2**32, 1)},
        {"size": (1,) * 65, "stride": (1,) * 65},
        {"numel": 5},
        {"numel": 3},
        {"numel": -1},
        {"numel": 2**60},
        {"key": "1"},
        {"key": "../data.pkl"},
        {"storage": "DoubleStorage"},
        {"storage": "HalfStorage"},
    ],
    ids=str,
)
def test_lying_tensors(options):
    with pytest.raises(RuntimeError):
        load(io.BytesIO(archive(tensor_program(**options), [bytes(16)])))


def test_compressed_records_are_refused():
    """A few kilobytes could claim gigabytes."""
    data = archive(tensor_program(numel=1 << 20), [bytes(4 << 20)], zipfile.ZIP_DEFLATED)
    with pytest.raises(RuntimeError, match="compressed records are not supported"):
        load(io.BytesIO(data))


def test_other_files(tmp_path):
    with pytest.raises(EOFError, match="Ran out of input"):
        load(io.BytesIO(b""))
    with pytest.raises(pickle.UnpicklingError, match="not an archive"):
        load(io.BytesIO(b"<html>"))
    for weights_only in (True, False):
        with pytest.raises(RuntimeError, match="Invalid magic number; corrupt file"):
            load(io.BytesIO(pickle.dumps({"a": 1}, 2)), weights_only=weights_only)
    with pytest.raises(NotImplementedError, match="tar archive"):
        load(io.BytesIO(bytes(257) + b"ustar" + bytes(512)))
    script = archive(b"", **{"constants.pkl": b""})
    with pytest.raises(RuntimeError, match="Cannot use ``weights_only=True`` with TorchScript archives"):
        load(io.BytesIO(script))
    with pytest.raises(NotImplementedError, match="TorchScript archive"):
        load(io.BytesIO(script), weights_only=False)
    with pytest.raises(ValueError, match="Unknown endianness type: middle"):
        load(io.BytesIO(archive(b"", byteorder=b"middle")))
    with pytest.raises(RuntimeError, match=r"failed locating file data\.pkl"):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as file:
            file.writestr("a/b", b"")
        load(io.BytesIO(buffer.getvalue()))


def test_big_endian_files():
    swapped = np.arange(4, dtype=">f4").tobytes()
    assert load(io.BytesIO(archive(tensor_program(), [swapped], byteorder=b"big"))).tolist() == [0, 1, 2, 3]


def test_truthy_bytes_become_bools():
    found = load(io.BytesIO(archive(tensor_program(storage="BoolStorage"), [bytes([0, 1, 2, 255])])))
    assert found.tolist() == [False, True, True, True] and found.numpy().view(np.uint8).tolist() == [0, 1, 1, 1]
