"""Checkpoints made by hand: pickles out of their instructions, archives out of records."""

import io
import pickle
import struct
import zipfile

from tinygrad_cnn.serialization.legacy import MAGIC


def archive(pickled, storages=(), compression=zipfile.ZIP_STORED, **records):
    """A checkpoint in the zip format."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        file.writestr("archive/data.pkl", pickled)
        for number, data in enumerate(storages):
            file.writestr(f"archive/data/{number}", data)
        for name, data in records.items():
            file.writestr(f"archive/{name}", data)
    return buffer.getvalue()


def legacy(pickled, keys=(), tail=b""):
    """A checkpoint in the format before."""
    return b"".join(
        [*(pickle.dumps(part, 2) for part in (MAGIC, 1001, {})), pickled, pickle.dumps(list(keys), 2), tail]
    )


def program(*parts):
    return pickle.PROTO + b"\2" + b"".join(parts) + pickle.STOP


def name(module, attribute):
    return pickle.GLOBAL + f"{module}\n{attribute}\n".encode()


def text(value):
    return pickle.BINUNICODE + struct.pack("<I", len(value)) + value.encode()


def number(value):
    data = value.to_bytes(9, "little", signed=True)
    return pickle.LONG1 + bytes([len(data)]) + data


def call(function, *arguments):
    """The instructions that call what `function` pushes."""
    return function + pickle.MARK + b"".join(arguments) + pickle.TUPLE + pickle.REDUCE


def put(index):
    return pickle.LONG_BINPUT + struct.pack("<I", index)


def get(index):
    return pickle.LONG_BINGET + struct.pack("<I", index)


def tensor_parts(numel=4, offset=0, size=(4,), stride=(1,), key="0", storage="FloatStorage"):
    """The instructions that push a tensor."""

    def tuple_of(values):
        return pickle.MARK + b"".join(map(number, values)) + pickle.TUPLE

    return call(
        name("torch._utils", "_rebuild_tensor_v2"),
        *(pickle.MARK, text("storage"), name("torch", storage), text(key), text("cpu"), number(numel), pickle.TUPLE),
        *(pickle.BINPERSID, number(offset), tuple_of(size), tuple_of(stride), pickle.NEWFALSE),
        call(name("collections", "OrderedDict")),
    )


def tensor_program(**options):
    return program(tensor_parts(**options))
