"""Archives of data sets that lead out of their folder, hold links or devices, unpack without end: refused by name."""

import bz2
import gzip
import io
import lzma
import os
import stat
import struct
import tarfile
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest

from tinygrad_cnn.vision.datasets.idx import read_idx, read_unpacked
from tinygrad_cnn.vision.datasets.utils import extract_archive


def member(name, kind=tarfile.REGTYPE, link="", size=3):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size if kind == tarfile.REGTYPE else 0
    return info


def tar(path, *members, mode="w"):
    with tarfile.open(path, mode) as archive:
        for info in members:
            archive.addfile(info, io.BytesIO(bytes(info.size)))
    return path


MEMBERS = {
    "absolute": (member("/outside"), "outside of it: '/outside'"),
    "above": (member("../outside"), r"outside of it: '\.\./outside'"),
    "above, later": (member("a/../../outside"), r"outside of it: 'a/\.\./\.\./outside'"),
    "a folder above": (member("../folder", tarfile.DIRTYPE), r"outside of it: '\.\./folder'"),
    "a symbolic link": (member("link", tarfile.SYMTYPE, "/etc/passwd"), "a link: 'link'"),
    "a link inside": (member("link", tarfile.SYMTYPE, "good"), "a link: 'link'"),
    "a hard link": (member("link", tarfile.LNKTYPE, "../outside"), "a link: 'link'"),
    "a pipe": (member("pipe", tarfile.FIFOTYPE), "a device: 'pipe'"),
    "a disk": (member("disk", tarfile.BLKTYPE), "a device: 'disk'"),
    "a terminal": (member("terminal", tarfile.CHRTYPE), "a device: 'terminal'"),
}


@pytest.mark.parametrize("case", MEMBERS)
def test_members_of_a_tar_are_refused_by_name(tmp_path, case):
    (tmp_path / "in").mkdir()
    bad, message = MEMBERS[case]
    with pytest.raises(RuntimeError, match=message):
        extract_archive(tar(tmp_path / "a.tar.gz", member("good"), bad, mode="w:gz"), tmp_path / "in")
    assert sorted(os.listdir(tmp_path)) == ["a.tar.gz", "in"] and os.listdir(tmp_path / "in") == ["good"]


def test_a_link_that_was_there_before_is_not_followed(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "folder").symlink_to(tmp_path)
    with pytest.raises(RuntimeError, match="outside of it: 'folder/x'"):
        extract_archive(tar(tmp_path / "a.tar", member("folder/x")), tmp_path / "in")
    assert not (tmp_path / "x").exists()


def zipped(path, name, data=b"abc", attributes=0, method=zipfile.ZIP_STORED):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr, info.compress_type = 3, attributes << 16, method
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info, data)
    return path


@pytest.mark.parametrize(
    ("name", "attributes", "message"),
    [
        ("/outside", 0, "outside of it: '/outside'"),
        ("../outside", 0, r"outside of it: '\.\./outside'"),
        ("../folder/", 0, "outside of it"),
        ("link", stat.S_IFLNK | 0o777, "a link: 'link'"),
    ],
)
def test_members_of_a_zip_are_refused_by_name(tmp_path, name, attributes, message):
    (tmp_path / "in").mkdir()
    with pytest.raises(RuntimeError, match=message):
        extract_archive(zipped(tmp_path / "a.zip", name, attributes=attributes), tmp_path / "in")
    assert sorted(os.listdir(tmp_path)) == ["a.zip", "in"] and not os.listdir(tmp_path / "in")


def test_good_archives(tmp_path):
    for ending, mode in ((".tar", "w"), (".tgz", "w:gz"), (".tar.bz2", "w:bz2"), (".tar.xz", "w:xz")):
        folder = tmp_path / ending
        tar(tmp_path / f"a{ending}", member("a/b"), member("empty", tarfile.DIRTYPE), mode=mode)
        assert extract_archive(tmp_path / f"a{ending}", folder) == str(folder)
        assert (folder / "a" / "b").read_bytes() == bytes(3) and (folder / "empty").is_dir()
    extract_archive(zipped(tmp_path / "a.zip", "a/b"), tmp_path / "zip")
    assert (tmp_path / "zip" / "a" / "b").read_bytes() == b"abc"
    for ending, pack in ((".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)):
        (tmp_path / f"f{ending}").write_bytes(pack(b"abc"))
        assert extract_archive(tmp_path / f"f{ending}") == str(tmp_path / "f")
        assert (tmp_path / "f").read_bytes() == b"abc"


@pytest.mark.parametrize("ending", [".tar", ".tar.gz", ".tar.bz2", ".tar.xz", ".zip", ".gz", ".bz2", ".xz"])
def test_damaged_archives_raise_what_pythons_readers_do(tmp_path, ending):
    made = tar(tmp_path / "good.tar", member("a", size=3000)).read_bytes()
    pack = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}.get(ending.rpartition(".")[2], bytes)
    good = zipped(tmp_path / "x.zip", "a", bytes(3000)).read_bytes() if ending == ".zip" else pack(made)
    path = tmp_path / f"bad{ending}"
    path.write_bytes(good[: len(good) // 2 if ending != ".tar" else 700])
    with pytest.raises((tarfile.ReadError, zipfile.BadZipFile, EOFError)):
        extract_archive(path, tmp_path / "in")
    assert not [file for file in (tmp_path / "in").rglob("*") if file.is_file()]


BOMB = 24 << 20


@pytest.mark.parametrize("ending", [".bz2", ".xz", ".tar.bz2", ".tar.xz", "header.tar.bz2", ".zip"])
def test_bombs_stop(tmp_path, ending):
    path = tmp_path / f"bomb{ending}"
    pack = bz2.compress if ending.endswith("bz2") else lzma.compress
    if ending == ".zip":
        zipped(path, "a", bytes(BOMB), method=zipfile.ZIP_BZIP2)
    elif "tar" in ending:
        name = "x" * BOMB if "header" in ending else "x"
        tar(tmp_path / "bomb.tar", member(name, size=BOMB))
        path.write_bytes(pack((tmp_path / "bomb.tar").read_bytes()))
    else:
        path.write_bytes(pack(bytes(BOMB)))
    with pytest.raises(RuntimeError, match="unpacks to more than"):
        extract_archive(path, tmp_path / "in")
    written = sum(file.stat().st_size for file in (tmp_path / "in").rglob("*"))
    assert written <= 1100 * path.stat().st_size + (16 << 20)


def test_bombs_of_idx_files(tmp_path):
    """A packed file takes no more than its limit, which the data sets know, and a dictionary's worth."""
    header = struct.pack(">HBB3I", 0, 8, 3, 2**31, 1000, 1000)
    for name, pack in (("a.gz", gzip.compress), ("a.xz", lzma.compress)):
        (tmp_path / name).write_bytes(pack(header + bytes(8 << 20)))
        tracemalloc.start()
        with pytest.raises(ValueError, match=f"{name}: more than 1000000 bytes once unpacked"):
            read_unpacked(tmp_path / name, 1_000_000)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
        tracemalloc.stop()
        with pytest.raises(ValueError, match=f"{name}: truncated IDX file: the header promises 2147483648000000 bytes"):
            read_idx(tmp_path / name)


def test_an_xz_file_cannot_ask_for_gigabytes(tmp_path):
    """The header says how large a dictionary the reader has to keep: here 3 GB for 5 bytes."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 20}]
    data = bytearray(lzma.compress(b"\0\0\x08\0\7", filters=filters))
    place = data.index(b"\x21\x01", 12) + 2
    data[place] = 39
    size = 4 * (data[12] + 1)
    data[12 + size - 4 : 12 + size] = struct.pack("<I", zlib.crc32(data[12 : 12 + size - 4]))
    (tmp_path / "a.xz").write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.xz: damaged or truncated xz file \(Memory usage limit exceeded\)"):
        read_idx(tmp_path / "a.xz")
    data[place] = 16
    data[12 + size - 4 : 12 + size] = struct.pack("<I", zlib.crc32(data[12 : 12 + size - 4]))
    (tmp_path / "a.xz").write_bytes(data)
    assert read_idx(tmp_path / "a.xz").shape == ()
    (tmp_path / "a.xz").write_bytes(bytes(data) + b"more")
    with pytest.raises(ValueError, match="bytes left over behind its end marker"):
        read_idx(tmp_path / "a.xz")
    (tmp_path / "a.xz").write_bytes(lzma.compress(np.int8([0, 0, 8, 0, 7]).tobytes(), preset=9))
    assert read_idx(tmp_path / "a.xz") == 7
