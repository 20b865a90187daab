"""The IDX format of MNIST: two zero bytes, a type code, the number of dimensions, the sizes, the data; big-endian.

http://yann.lecun.com/exdb/mnist/ describes it. Files may be packed by gzip or xz. Everything a file says about
its size is checked before memory is taken for it.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import math
import os
import struct
import zlib
from typing import IO, Any

import numpy as np

__all__ = ["XzReader", "parse_idx", "read_idx", "read_unpacked", "unpack"]

Array = np.ndarray[Any, np.dtype[Any]]

TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
MAX_BYTES = 1 << 32
_CHUNK = 1 << 20
_XZ_MEMORY = 66 << 20  # what the highest preset needs; a file of a hundred bytes can ask for 4 GB


class XzReader:
    """Reads an open xz file with bounded memory, which `lzma.LZMAFile` cannot promise."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)

    def read(self, size: int) -> bytes:
        """Return up to `size` unpacked bytes, none at the end; EOFError or lzma.LZMAError for a damaged file."""
        while not self._unpacker.eof:
            packed = self._raw.read(_CHUNK) if self._unpacker.needs_input else b""
            if self._unpacker.needs_input and not packed:
                raise EOFError("it ended before its end marker")
            piece = self._unpacker.decompress(packed, size)
            if piece:
                return piece
        if self._unpacker.unused_data or self._raw.read(1):
            raise EOFError("bytes left over behind its end marker")
        return b""


_PACKED: dict[str, tuple[bytes, Any]] = {
    "bzip2": (b"BZh", bz2.BZ2File),
    "gzip": (b"\x1f\x8b", lambda raw: gzip.GzipFile(fileobj=raw)),
    "xz": (b"\xfd7zXZ\0", XzReader),
}


def read_unpacked(path: str | os.PathLike[str], max_bytes: int = MAX_BYTES) -> bytearray:
    """Return the bytes of a file, unpacked if it is gzip, bzip2 or xz (by its first bytes, whatever its name).

    Unpacking stops as soon as there are more than `max_bytes`: a small archive can claim any amount of memory.
    Raises ValueError naming the file if it is too large or the archive is damaged, OSError if it cannot be read.
    """
    with open(path, "rb") as raw:
        return unpack(raw, os.fspath(path), max_bytes)


def unpack(raw: IO[bytes], name: str, max_bytes: int = MAX_BYTES) -> bytearray:
    """Return the bytes of an open file, unpacked; see `read_unpacked`."""
    start = raw.read(6)
    raw.seek(0)
    packed = next((kind for kind, (head, _) in _PACKED.items() if start.startswith(head)), "")
    stream: Any = _PACKED[packed][1](raw) if packed else raw
    data = bytearray()
    try:
        while piece := stream.read(_CHUNK):
            data += piece
            if len(data) > max_bytes:
                raise ValueError(f"{name}: more than {max_bytes} bytes{' once unpacked' if packed else ''}")
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        if not packed or (isinstance(error, OSError) and error.errno is not None):  # of the disk, not of the bytes
            raise
        raise ValueError(f"{name}: damaged or truncated {packed} file ({error})") from error
    return data


def parse_idx(data: bytearray, name: str) -> Array:
    """Return the array that the bytes of an IDX file hold, in the machine's byte order and writable.

    Arrays of bytes use the memory of `data`. Raises ValueError, with `name` in front, for a wrong magic number, an
    unknown type code, data that is too short, and bytes left over.
    """
    if len(data) < 4:
        raise ValueError(f"{name}: truncated IDX file: {len(data)} bytes are no header")
    zero, code, ndim = struct.unpack(">HBB", data[:4])
    if zero != 0:
        raise ValueError(f"{name}: not an IDX file: it begins with {data[:4].hex(' ')} instead of 00 00")
    if code not in TYPES:
        raise ValueError(f"{name}: unknown IDX type code {code}; known are {', '.join(map(str, TYPES))}")
    start = 4 + 4 * ndim
    if len(data) < start:
        raise ValueError(f"{name}: truncated IDX file: {len(data)} bytes are no header for {ndim} dimensions")
    shape = struct.unpack(f">{ndim}I", data[4:start])
    dtype = np.dtype(TYPES[code])
    expected = math.prod(shape) * dtype.itemsize
    if len(data) - start != expected:
        problem = "truncated IDX file" if len(data) - start < expected else "bytes left over in IDX file"
        raise ValueError(
            f"{name}: {problem}: the header promises {expected} bytes of data (shape {list(shape)}), "
            f"there are {len(data) - start}"
        )
    if ndim > 32:
        raise ValueError(f"{name}: IDX file with {ndim} dimensions; at most 32 are supported")
    return np.frombuffer(data, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def read_idx(path: str | os.PathLike[str], max_bytes: int = MAX_BYTES) -> Array:
    """Read an IDX file, gzipped or not, of any of the format's six types: uint8, int8, int16, int32, float32, float64.

    max_bytes bounds what is unpacked. Raises ValueError naming the file for a damaged, truncated or too large one.
    """
    return parse_idx(read_unpacked(path, max_bytes), os.fspath(path))
