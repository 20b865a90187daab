"""How batches travel from a worker to the loader: small ones through the pipe, large ones through anonymous memory.

A large batch is written into a file without a name (`memfd_create`), whose descriptor goes through the pipe. A worker
thus never waits until the loader has read a batch before it begins the next, and nothing can be left behind: memory
without a name goes with the last process that knows it, however that ends. It is not part of /dev/shm, whose size
containers limit. The loader reads it into the core's memory, which is used again from batch to batch; mapping the file
would save the copy but pay for new pages each time, which costs as much. Where there is no memfd (other systems than
Linux) everything goes through the pipe.
"""

from __future__ import annotations

import io
import os
import pickle
import struct
from typing import Any

import numpy as np

from tinygrad_cnn import core

__all__ = ["decode", "drop", "encode", "receive", "send"]

INLINE = 1 << 17  # bytes up to which the pipe is quicker
_HEADER = struct.Struct("<?QQ")  # whether a file follows, where the pickle begins, how long it is
_MEMFD = hasattr(os, "memfd_create")

Message = tuple[bytes, "int | None"]  # what came through the pipe, and the descriptor of the file if there is one


class _Encoder(pickle.Pickler):
    """Pickles everything but the elements of arrays, which it collects."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self.arrays: list[core.Array] = []
        self.size = 0
        self._offsets: dict[int, tuple[int, tuple[int, ...], str]] = {}

    def persistent_id(self, obj: Any) -> Any:
        """Return where an array lies among the collected ones; None for what is pickled."""
        if type(obj) is not np.ndarray or obj.nbytes == 0 or not obj.flags.c_contiguous:
            return None
        if obj.dtype.hasobject or obj.dtype.names:  # a record type is more than its string
            return None
        found = self._offsets.get(id(obj))
        if found is None:
            found = self._offsets[id(obj)] = (self.size, obj.shape, obj.dtype.str)
            self.arrays.append(obj)
            self.size += obj.nbytes + -obj.nbytes % 64
        return found


class _Decoder(pickle.Unpickler):
    """Rebuilds what `_Encoder` has taken apart; `read_into(offset, array)` fetches an array's bytes."""

    def __init__(self, data: bytes, read_into: Any) -> None:
        super().__init__(io.BytesIO(data))
        self._read_into = read_into
        self._arrays: dict[int, core.Array] = {}

    def persistent_load(self, pid: Any) -> core.Array:
        """Return the array that lies at an offset."""
        offset, shape, dtype = pid
        array = self._arrays.get(offset)
        if array is None:
            array = self._arrays[offset] = core.empty(shape, np.dtype(dtype))
            self._read_into(offset, memoryview(array.reshape(-1).view(np.uint8).data))
        return array


def encode(value: Any) -> tuple[bytes, list[core.Array], int]:
    """Return the pickle of a value, the arrays that are not in it, and how many bytes these take with their gaps."""
    file = io.BytesIO()
    encoder = _Encoder(file)
    encoder.dump(value)
    return file.getvalue(), encoder.arrays, encoder.size


def send(connection: Any, encoded: tuple[bytes, list[core.Array], int]) -> None:
    """Send what `encode` returned."""
    pickled, arrays, size = encoded
    if not _MEMFD or size + len(pickled) <= INLINE:
        parts = [_HEADER.pack(False, size, len(pickled))]
        for array in arrays:
            parts += (array.tobytes(), bytes(-array.nbytes % 64))
        connection.send_bytes(b"".join([*parts, pickled]))
        return
    import socket

    file = os.memfd_create("tinygrad_cnn batch", os.MFD_CLOEXEC)
    try:
        offset = 0
        for array in arrays:
            _write(file, memoryview(array.reshape(-1).view(np.uint8).data), offset)
            offset += array.nbytes + -array.nbytes % 64
        _write(file, memoryview(pickled), size)
        connection.send_bytes(_HEADER.pack(True, size, len(pickled)))
        with socket.socket(fileno=os.dup(connection.fileno())) as pipe:
            socket.send_fds(pipe, [b"."], [file])
    finally:
        os.close(file)


def receive(connection: Any) -> Message:
    """Receive a message, which `decode` has to take, or `drop`."""
    data = connection.recv_bytes()
    if not _HEADER.unpack_from(data)[0]:
        return data, None
    import socket

    with socket.socket(fileno=os.dup(connection.fileno())) as pipe:
        _, files, _, _ = socket.recv_fds(pipe, 1, 1)
    if not files:
        raise RuntimeError(
            "Too many open files. Communication with the workers is no longer possible. Please increase the limit "
            "using `ulimit -n` in the shell"
        )
    return data, files[0]


def drop(message: Message) -> None:
    """Forget a message."""
    if message[1] is not None:
        os.close(message[1])


def decode(message: Message) -> Any:
    """Return the value of a message."""
    data, file = message
    _, size, length = _HEADER.unpack_from(data)
    if file is None:
        body = memoryview(data)[_HEADER.size :]

        def read_inline(offset: int, target: memoryview) -> None:
            target[:] = body[offset : offset + len(target)]

        return _Decoder(bytes(body[size:]), read_inline).load()
    try:
        pickled = memoryview(bytearray(length))
        _read(file, pickled, size)
        return _Decoder(bytes(pickled), lambda offset, target: _read(file, target, offset)).load()
    finally:
        os.close(file)


def _write(file: int, data: memoryview, offset: int) -> None:
    while data:  # one call writes at most 2 GB
        done = os.pwrite(file, data, offset)
        data, offset = data[done:], offset + done


def _read(file: int, target: memoryview, offset: int) -> None:
    while target:
        done = os.preadv(file, [target], offset)
        if not done:
            raise EOFError("a worker's batch is shorter than it says")
        target, offset = target[done:], offset + done
