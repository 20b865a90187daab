"""PyTorch's format before 1.6: pickles one behind the other, then the bytes of the storages, always little-endian.

magic number, protocol version, facts about the writer's machine     three pickles
the object                                                           a pickle with the storages as persistent ids
keys of the storages                                                 a pickle: a list of str
for each key: the number of elements (8 bytes), the elements
"""

from __future__ import annotations

import pickle
import struct
import sys
from collections.abc import Callable
from typing import IO, Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.serialization.budget import brief
from tinygrad_cnn.serialization.location import MapLocation, place
from tinygrad_cnn.serialization.storage import Storage, StorageType
from tinygrad_cnn.serialization.unpickler import Unpickler

__all__ = ["MAGIC", "PROTOCOL", "load_legacy"]

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001

Read = Callable[[IO[bytes], Callable[[Any], Any]], Any]


def _refuse(identifier: Any) -> Any:
    raise pickle.UnpicklingError("a storage where there can be none")


def _text(value: Any) -> str:
    """Return a name, which Python 2 wrote as bytes; RuntimeError for anything else."""
    if type(value) is bytes and value.isascii():
        return value.decode()
    if type(value) is not str:
        raise RuntimeError(f"corrupt file: {brief(value)} instead of a name")
    return value


class _Storages:
    """The storages of a file: made when a tensor first names them, filled when the pickle has ended.

    They may not claim more memory than the file has bytes.
    """

    def __init__(self, size: int, map_location: MapLocation) -> None:
        self._left = size
        self._map_location = map_location
        self._known: dict[str, Storage] = {}
        self._views: dict[str, Storage] = {}

    def __call__(self, identifier: Any) -> Any:
        if not isinstance(identifier, tuple) or len(identifier) < 2:
            raise RuntimeError(f"corrupt file: {brief(identifier)} instead of a persistent id")
        what = _text(identifier[0])
        if what == "module":
            return identifier[1]  # a class, with its source for comparison
        if what != "storage":
            raise RuntimeError(f"Unknown saved id type: {what:.100}")
        if len(identifier) != 6:
            raise RuntimeError(f"corrupt file: {len(identifier)} facts about a storage instead of 6")
        kind, key, location, count, view = identifier[1], *map(_text, identifier[2:4]), *identifier[4:]
        if not isinstance(kind, StorageType):
            raise RuntimeError(f"corrupt file: a storage of type {brief(kind)}")
        dtype = kind.dtype
        storage = self._known.get(key)
        if storage is None:
            if type(count) is not int or not 0 <= count * dtype.itemsize <= self._left:
                raise RuntimeError(f"corrupt file: a storage of {brief(count)} elements, more than the file has")
            self._left -= count * dtype.itemsize
            fresh = Storage(core.zeros((count,), dtype._numpy), dtype)
            storage = self._known[key] = place(fresh, location, self._map_location)
        elif storage.dtype is not dtype:
            raise RuntimeError(f"corrupt file: storage {key} is used with two dtypes")
        return storage if view is None else self._view(storage, view)

    def _view(self, storage: Storage, view: Any) -> Storage:
        if not isinstance(view, tuple) or len(view) != 3:
            raise RuntimeError(f"corrupt file: {brief(view)} does not describe a part of a storage")
        key, offset, count = _text(view[0]), *view[1:]
        if key not in self._views:
            self._views[key] = storage.part(offset, count)
        return self._views[key]

    def fill(self, file: IO[bytes], keys: Any) -> None:
        """Read the elements of the storages `keys`."""
        if not isinstance(keys, list) or not all(type(key) is str and key in self._known for key in keys):
            raise RuntimeError("corrupt file: the storages that follow are not those that tensors use")
        missing = self._known.keys() - set(keys)
        if missing:
            raise RuntimeError(f"corrupt file: storage {min(missing):.100} is not in the file")
        for key in keys:
            array = self._known[key]._array
            (count,) = struct.unpack("<q", _exactly(file, 8))
            if count != array.size:
                raise RuntimeError(f"corrupt file: storage {key} has {count} elements instead of {array.size}")
            if array.dtype == np.bool_:
                # Arithmetic relies on 0 and 1; a damaged file may hold other bytes.
                np.not_equal(np.frombuffer(_exactly(file, count), np.uint8), 0, out=array)
                continue
            target = memoryview(array.view(np.uint8).data) if count else memoryview(b"")
            while target:
                piece = _exactly(file, min(len(target), 1 << 20))
                target[: len(piece)] = piece
                target = target[len(piece) :]
            if sys.byteorder == "big":
                array.view(f"u{array.itemsize}").byteswap(inplace=True)


def _exactly(file: IO[bytes], count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise RuntimeError(f"unexpected EOF, expected {count - len(data)} more bytes. The file might be corrupted.")
    return data


def load_legacy(file: IO[bytes], map_location: MapLocation, read: Read) -> Any:
    """Return the object of a file; `read` unpickles the object itself."""
    start = file.tell()
    size = file.seek(0, 2) - start
    file.seek(start)

    def plain() -> Any:
        return Unpickler(file, _refuse).load()

    magic = plain()
    if type(magic) is not int or magic != MAGIC:
        raise RuntimeError("Invalid magic number; corrupt file?")
    protocol = plain()
    if type(protocol) is not int or protocol != PROTOCOL:
        raise RuntimeError(f"Invalid protocol version: {brief(protocol)}")
    plain()
    storages = _Storages(size, map_location)
    result = read(file, storages)
    storages.fill(file, plain())
    return result
