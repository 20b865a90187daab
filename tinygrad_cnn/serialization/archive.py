"""The zip archive under a .pt file: records by name, read with every size checked against the file."""

from __future__ import annotations

import contextlib
import errno
import mmap
import stat
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any

import numpy as np

from tinygrad_cnn import core

__all__ = ["Archive"]

_CHUNK = 1 << 20
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, struct.error, NotImplementedError, OverflowError, ValueError)
_ENCRYPTED = 1  # of a record's flags


@contextlib.contextmanager
def _as_runtime_error(what: str) -> Iterator[None]:
    try:
        yield
    except (*_DAMAGE, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # of a seek to where the file says, before it
            raise
        raise RuntimeError(f"PytorchStreamReader failed {what}: {error}") from error


def _check_names(records: list[zipfile.ZipInfo]) -> None:
    """Refuse what PyTorch never writes and what other readers of zip files could take for something else."""
    seen = set()
    for record in records:
        name = record.filename
        if name in seen:
            raise ValueError(f"it has two records named {name!r}")
        if name.startswith("/") or ".." in name.split("/"):
            raise ValueError(f"the record {name!r} would lie outside of the archive")
        if stat.S_ISLNK(record.external_attr >> 16):
            raise ValueError(f"the record {name!r} is a link")
        seen.add(name)


class Archive:
    """A PyTorch archive opened for reading; RuntimeError where it is damaged."""

    def __init__(self, file: IO[bytes], mapped: bool = False) -> None:
        self._end = self._left = file.seek(0, 2)
        with _as_runtime_error("reading zip archive"):
            self._zip = zipfile.ZipFile(file)
            names = self._zip.namelist()
            if not names:
                raise ValueError("archive does not contain any files")
            _check_names(self._zip.infolist())
            # PyTorch's writer puts all records into one folder, whose name is arbitrary.
            self._folder = names[0].split("/", 1)[0]
            self._names = frozenset(names)
        self._map: Any = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) if mapped else None
        self.swapped = self._is_swapped()

    def __contains__(self, name: str) -> bool:
        return f"{self._folder}/{name}" in self._names

    def _is_swapped(self) -> bool:
        # Files before torch 2.1 do not say; PyTorch takes them for little-endian.
        order = self.read("byteorder") if "byteorder" in self else b"little"
        if order not in (b"little", b"big"):
            raise ValueError("Unknown endianness type: " + order.decode(errors="replace"))
        return order.decode() != sys.byteorder

    def _info(self, name: str) -> zipfile.ZipInfo:
        full = f"{self._folder}/{name}"
        if full not in self._names:
            raise RuntimeError(f"PytorchStreamReader failed locating file {name}: file not found")
        info = self._zip.getinfo(full)
        if info.flag_bits & _ENCRYPTED:
            raise RuntimeError(f"PytorchStreamReader failed reading file {name}: it is encrypted")
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            # Refused, because it would let a small file claim any amount of memory; PyTorch never compresses.
            raise RuntimeError(f"PytorchStreamReader failed reading file {name}: compressed records are not supported")
        if not 0 <= info.header_offset <= self._end - info.file_size:
            raise RuntimeError(f"PytorchStreamReader failed reading file {name}: it would reach beyond the end")
        return info

    def _charge(self, name: str, info: zipfile.ZipInfo) -> None:
        """Refuse records that overlap: together they may not be larger than the file."""
        self._left -= info.file_size
        if self._left < 0:
            raise RuntimeError(f"PytorchStreamReader failed reading file {name}: it overlaps with other records")

    def read(self, name: str) -> bytes:
        """Return a record's bytes; its checksum is verified."""
        info = self._info(name)
        self._charge(name, info)
        with _as_runtime_error(f"reading file {name}"):
            return self._zip.read(info)

    def read_storage(self, name: str, dtype: np.dtype[Any], count: int) -> core.Array:
        """Return a record as a flat writable array of `count` elements, in the machine's byte order."""
        info = self._info(name)
        if count < 0 or count * dtype.itemsize != info.file_size:
            raise RuntimeError(
                f"PytorchStreamReader failed reading file {name}: it has {info.file_size} bytes, but the storage "
                f"{count} elements of {dtype.itemsize}"
            )
        with _as_runtime_error(f"reading file {name}"):
            array = None if self._map is None else self._view(info, dtype, count)
            if array is None or not array.flags.aligned:  # PyTorch aligns storages, other programs may not
                self._charge(name, info)
                array = self._read_into(info, dtype, count)
        if self.swapped and dtype.itemsize > 1:
            array.view(f"u{dtype.itemsize}").byteswap(inplace=True)  # as numbers: NumPy has no bfloat16 to swap
        if dtype == np.bool_:
            # Arithmetic relies on 0 and 1; a damaged file may hold other bytes.
            np.not_equal(array.view(np.uint8), 0, out=array)
        return array

    def _read_into(self, info: zipfile.ZipInfo, dtype: np.dtype[Any], count: int) -> core.Array:
        array = core.empty((count,), dtype)
        target = memoryview(array.view(np.uint8).data) if count else memoryview(b"")
        done = 0
        with self._zip.open(info) as record:
            while piece := record.read(_CHUNK):
                target[done : done + len(piece)] = piece
                done += len(piece)
        if done != info.file_size:
            raise EOFError(f"{done} of {info.file_size} bytes found")
        return array

    def _view(self, info: zipfile.ZipInfo, dtype: np.dtype[Any], count: int) -> core.Array:
        """Return the record as a view of the mapped file: read when it is touched, private to this process."""
        start = info.header_offset
        signature, name_length, extra_length = struct.unpack("<4s22xHH", self._map[start : start + 30])
        if signature != b"PK\x03\x04":
            raise ValueError("local header not found")
        start += 30 + name_length + extra_length
        return np.frombuffer(self._map, dtype, count, start) if count else np.empty(0, dtype)
