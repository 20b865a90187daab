"""The IDX format of MNIST: two zero bytes, a type code, the number of dimensions, the sizes, the data; big-endian.

http://yann.lecun.com/exdb/mnist/ describes it. Files may be packed by gzip or xz. Everything a file says about
its size is checked before memory is taken for it.
"""

from __future__ import annotations

import gzip
import lzma
import math
import os
import struct
import zlib
from typing import Any

import numpy as np

__all__ = ["parse_idx", "read_idx", "read_unpacked"]

Array = np.ndarray[Any, np.dtype[Any]]

TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
MAX_BYTES = 1 << 32
_CHUNK = 1 << 20
_UNPACKERS: dict[str, Any] = {"": lambda raw: raw, "gzip": lambda raw: gzip.GzipFile(fileobj=raw), "xz": lzma.LZMAFile}


def read_unpacked(path: str | os.PathLike[str], max_bytes: int = MAX_BYTES) -> bytearray:
    """Return the bytes of a file, unpacked if it is gzip or xz (by its first bytes, whatever its name).

    Unpacking stops as soon as there are more than `max_bytes`: a small archive can claim any amount of memory.
    Raises ValueError naming the file if it is too large or the archive is damaged, OSError if it cannot be read.
    """
    name = os.fspath(path)
    with open(path, "rb") as raw:
        start = raw.read(6)
        raw.seek(0)
        packed = "gzip" if start[:2] == b"\x1f\x8b" else "xz" if start == b"\xfd7zXZ\0" else ""
        stream = _UNPACKERS[packed](raw)
        pieces = []
        total = 0
        try:
            while piece := stream.read(_CHUNK):
                pieces.append(piece)
                total += len(piece)
                if total > max_bytes:
                    raise ValueError(f"{name}: more than {max_bytes} bytes{' once unpacked' if packed else ''}")
        except (gzip.BadGzipFile, EOFError, zlib.error, lzma.LZMAError) as error:
            raise ValueError(f"{name}: damaged or truncated {packed} file ({error})") from error
    return bytearray().join(pieces)


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
