"""The IDX reader: every type, gzipped or not, and everything that can be wrong with a file."""

import errno
import gzip
import io
import os
import struct

import numpy as np
import pytest

from tinygrad_cnn.vision.datasets.idx import parse_idx, read_idx, read_unpacked, unpack

CODES = {8: np.uint8, 9: np.int8, 11: np.int16, 12: np.int32, 13: np.float32, 14: np.float64}


def encode(array, code):
    header = struct.pack(">HBB", 0, code, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 3), (2, 3, 4)])
@pytest.mark.parametrize("packed", [False, True])
def test_reads_every_type(tmp_path, rng, code, shape, packed):
    array = (rng.standard_normal(shape) * 100).astype(CODES[code])
    data = encode(np.asarray(array), code)
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(data) if packed else data)
    found = read_idx(path)
    assert found.dtype == CODES[code] and found.dtype.isnative and found.shape == shape
    assert found.flags.writeable and found.flags.c_contiguous
    np.testing.assert_array_equal(found, array)


def test_every_truncation_is_refused_and_named(tmp_path):
    data = encode(np.arange(6, dtype=np.int16).reshape(2, 3), 11)
    path = tmp_path / "digits-idx2"
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(ValueError, match=r"digits-idx2.*truncated"):
            read_idx(path)
    path.write_bytes(data + b"\0")
    with pytest.raises(ValueError, match=r"digits-idx2.*left over"):
        read_idx(path)


def test_every_truncation_of_a_gzip_file_is_refused_and_named(tmp_path):
    data = gzip.compress(encode(np.arange(6, dtype=np.uint8), 8))
    path = tmp_path / "digits.gz"
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(ValueError, match=r"digits\.gz"):
            read_idx(path)


def test_every_flipped_byte_is_harmless(tmp_path):
    """Any single damaged byte gives an array or a ValueError, never anything else."""
    data = bytearray(encode(np.arange(6, dtype=np.int32).reshape(3, 2), 12))
    for place in range(len(data)):
        for bit in range(8):
            data[place] ^= 1 << bit
            try:
                parse_idx(bytearray(data), "x")
            except ValueError as error:
                assert str(error).startswith("x: ")
            data[place] ^= 1 << bit


def test_header_errors():
    with pytest.raises(ValueError, match="f: not an IDX file"):
        parse_idx(bytearray(b"\x89PNG...."), "f")
    with pytest.raises(ValueError, match="f: unknown IDX type code 10"):
        parse_idx(bytearray([0, 0, 10, 0]), "f")
    with pytest.raises(ValueError, match="f: truncated IDX file: the header promises"):
        parse_idx(bytearray(struct.pack(">HBB4I", 0, 14, 4, *[2**32 - 1] * 4)), "f")
    with pytest.raises(ValueError, match="at most 32"):
        parse_idx(bytearray(struct.pack(">HBB40I", 0, 8, 40, *[1] * 40) + b"\1"), "f")


def test_gzip_bomb_is_bounded(tmp_path):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(10 << 20), 9))
    with pytest.raises(ValueError, match=r"bomb\.gz: more than 1000 bytes once unpacked"):
        read_unpacked(path, 1000)


@pytest.mark.parametrize("packed", [False, True])
def test_a_disk_that_cannot_be_read_is_no_damage_of_the_file(packed):
    class Disk(io.BytesIO):
        def read(self, size=-1):
            if self.tell() >= 20:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return super().read(min(size, 20))

    content = gzip.compress(bytes(range(100))) if packed else bytes(100)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        unpack(Disk(content), "name")


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "nothing")
