"""Zip archives that lie: names, links, overlaps, compression, encryption, directories; refused with a clear error."""

import io
import pickle
import stat
import struct
import zipfile
import zlib

import numpy as np
import pytest

from tests.data.crafted import archive, call, legacy, name, number, program, tensor_parts, tensor_program
from tinygrad_cnn.serialization import load

DATA = np.float32([1, 2, 3, 4]).tobytes()


def zipped(*records):
    """An archive of (ZipInfo or name, bytes) in this order, whatever they are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for info, data in records:
            file.writestr(info, data)
    return buffer.getvalue()


def link(path):
    info = zipfile.ZipInfo(path)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info


PICKLE = ("archive/data.pkl", tensor_program())


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([PICKLE, ("/etc/passwd", b"")], "'/etc/passwd' would lie outside"),
        ([("/data.pkl", b"N.")], "'/data.pkl' would lie outside"),
        ([PICKLE, ("archive/../../x", b"")], r"'archive/\.\./\.\./x' would lie outside"),
        ([("../data.pkl", b"N.")], r"'\.\./data\.pkl' would lie outside"),
        ([PICKLE, (link("archive/data/0"), b"/etc/passwd")], "'archive/data/0' is a link"),
        ([PICKLE, ("archive/data/0", DATA), ("archive/data/0", DATA)], "two records named 'archive/data/0'"),
        ([PICKLE, ("archive/data.pkl", b"N.")], r"two records named 'archive/data\.pkl'"),
        ([PICKLE, ("archive/data/0\0x", DATA), ("archive/data/0", DATA)], "two records named 'archive/data/0'"),
    ],
    ids=str,
)
def test_names_are_refused(records, message, tmp_path):
    with pytest.raises(RuntimeError, match=f"failed reading zip archive: .*{message}"):
        load(io.BytesIO(zipped(*records)))
    (tmp_path / "f.pt").write_bytes(zipped(*records))
    with pytest.raises(RuntimeError, match=message):
        load(tmp_path / "f.pt", mmap=True)


def patched(data, central, local, value, form="<H", record=1):
    """The archive with a field of the `record`-th central and local header replaced (offset None: left alone)."""
    data = bytearray(data)
    for signature, offset in ((b"PK\1\2", central), (b"PK\3\4", local)):
        place = -1
        for _ in range(record + 1):
            place = data.index(signature, place + 1)
        if offset is not None:
            struct.pack_into(form, data, place + offset, value)
    return bytes(data)


WHOLE = archive(tensor_program(), [DATA])
FIELDS = {
    "encrypted": (8, 6, 1),
    "strongly encrypted": (8, 6, 1 | 64),
    "deflated": (10, 8, 8),
    "bzip2": (10, 8, 12),
    "an unknown method": (10, 8, 99),
    "a wrong checksum": (16, 14, 0, "<I"),
    "more bytes than there are": (24, 22, 2**31, "<I"),
    "more packed bytes than there are": (20, 18, 2**31, "<I"),
    "64-bit sizes that are missing": (24, 22, 2**32 - 1, "<I"),
    "an offset beyond the end": (42, None, 2**31, "<I"),
    "an offset into another record": (42, None, 0, "<I"),
    "an offset into nothing": (42, None, 5, "<I"),
    "a local name that differs": (None, 26, 3),
    "a long name": (28, None, 0xFFFF, "<H", 0),
    "a long extra field": (None, 28, 0xFFFF),
    "many extra bytes in the directory": (30, None, 0xFFFF, "<H", 0),
    "a version from the future": (6, None, 255),
}


@pytest.mark.parametrize("case", FIELDS)
def test_headers_that_lie(tmp_path, case):
    data = patched(WHOLE, *FIELDS[case])
    (tmp_path / "f.pt").write_bytes(data)
    for file in (io.BytesIO(data), tmp_path / "f.pt"):
        with pytest.raises(RuntimeError, match="PytorchStreamReader failed"):
            load(file)
    with pytest.raises(RuntimeError, match="encrypted" if "encrypted" in case else "PytorchStreamReader failed"):
        # A map reads storages when they are touched: their checksum is the one thing that it cannot see.
        load(tmp_path / "f.pt", mmap="checksum" not in case and "name that" not in case and "extra f" not in case)


def test_a_data_descriptor_that_lies_changes_nothing():
    data = bytearray(patched(WHOLE, 8, 6, 8))
    assert load(io.BytesIO(bytes(data))).tolist() == [1, 2, 3, 4]  # the directory counts, as in PyTorch
    struct.pack_into("<I", data, data.index(b"PK\3\4", 4) + 18, 2**31)
    assert load(io.BytesIO(bytes(data))).tolist() == [1, 2, 3, 4]


def test_every_truncation_of_the_directory(tmp_path):
    start = WHOLE.index(b"PK\1\2")
    for length in range(start, len(WHOLE)):
        (tmp_path / "f.pt").write_bytes(WHOLE[:length])
        with pytest.raises(RuntimeError, match="PytorchStreamReader failed reading zip archive"):
            load(tmp_path / "f.pt")


END = struct.Struct("<4s4H2LH")


@pytest.mark.parametrize("size", [0, 2**31, 2**32 - 1])
@pytest.mark.parametrize("offset", [0, 2**31, 2**32 - 1])
def test_an_end_that_lies(tmp_path, size, offset):
    end = WHOLE.index(b"PK\5\6")
    for sixty_four in (b"", b"PK\6\7" + bytes(16), b"PK\6\7" + struct.pack("<IQI", 0, 2**62, 1)):
        (tmp_path / "f.pt").write_bytes(WHOLE[:end] + sixty_four + END.pack(b"PK\5\6", 0, 0, 2, 2, size, offset, 0))
        with pytest.raises(RuntimeError, match="PytorchStreamReader failed"):
            load(tmp_path / "f.pt")
    (tmp_path / "f.pt").write_bytes(b"PK\3\4PK\6\7" + bytes(16) + END.pack(b"PK\5\6", 0, 0, 2, 2, size, offset, 0))
    with pytest.raises(RuntimeError, match="PytorchStreamReader failed"):
        load(tmp_path / "f.pt")


def overlapping(count, nbytes):
    """An archive whose directory names one record `count` times."""
    parts = [tensor_parts(numel=nbytes // 4, key=str(i), size=(nbytes // 4,)) for i in range(count)]
    pickled = program(pickle.EMPTY_LIST, pickle.MARK, *parts, pickle.APPENDS)
    whole = zipped(("archive/data.pkl", pickled), ("archive/data/00000", bytes(nbytes)))
    start, end = whole.index(b"PK\1\2"), whole.index(b"PK\5\6")
    first, second = whole[start : whole.index(b"PK\1\2", start + 1)], whole[whole.index(b"PK\1\2", start + 1) : end]
    entries = first + b"".join(second.replace(b"00000", b"%05d" % i) for i in range(count))
    return whole[:start] + entries + END.pack(b"PK\5\6", 0, 0, count + 1, count + 1, len(entries), start, 0)


def test_records_that_overlap_are_refused():
    """As in the archives that unpack to petabytes: here the bytes would be stored, and read a thousand times."""
    import tracemalloc

    data = overlapping(200, 100_000).replace(b"X\1\0\0\x000", b"X\5\0\0\x0000000", 1)
    tracemalloc.start()
    try:
        with pytest.raises(RuntimeError, match="PytorchStreamReader failed"):
            load(io.BytesIO(data))
        assert tracemalloc.get_traced_memory()[1] < 4 * len(data) + (4 << 20)
    finally:
        tracemalloc.stop()


def test_records_that_share_bytes_count_against_the_size_of_the_file(monkeypatch):
    """Pythons before 3.11.8 see no overlap: the account of bytes does."""
    pickled = program(
        pickle.EMPTY_LIST,
        pickle.MARK,
        *(tensor_parts(numel=1000, key=str(i), size=(1000,)) for i in range(5)),
        pickle.APPENDS,
    )
    data = zipped(("archive/data.pkl", pickled), *((f"archive/data/{i}", b"") for i in range(5)))
    for record in range(1, 6):
        for offset in (20, 24):
            data = patched(data, offset, None, 4000, "<I", record)
    directory = data.index(b"PK\1\2")
    end = data.index(b"PK\5\6")
    padded = data[:directory] + bytes(8000) + data[directory:end]
    padded += END.pack(b"PK\5\6", 0, 0, 6, 6, end - directory, directory + 8000, 0)
    original = zipfile.ZipFile.open

    def without_checks(self, info, *args, **options):
        return original(self, info) if info.filename.endswith("pkl") else io.BytesIO(bytes(info.file_size))

    monkeypatch.setattr(zipfile.ZipFile, "open", without_checks)
    with pytest.raises(RuntimeError, match="overlaps with other records"):
        load(io.BytesIO(padded))


def test_a_bomb_of_compressed_records_is_refused():
    stored = zlib.compress(bytes(1 << 20), 9)
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        data = archive(tensor_program(numel=1 << 16), [bytes(1 << 18)], method)
        with pytest.raises(RuntimeError, match="compressed records are not supported"):
            load(io.BytesIO(data))
    nested = archive(pickle.PROTO + b"\2" + stored, [stored])
    with pytest.raises((RuntimeError, pickle.UnpicklingError)):
        load(io.BytesIO(nested))


def test_storages_at_odd_places_of_a_mapped_file_are_aligned(tmp_path):
    data = bytearray(archive(tensor_program(), [DATA]))
    for shift in range(8):
        moved = zipped(("archive/data.pkl", tensor_program() + bytes(shift)), ("archive/data/0", DATA))
        (tmp_path / "f.pt").write_bytes(moved)
        found = load(tmp_path / "f.pt", mmap=True)
        assert found.tolist() == [1, 2, 3, 4] and found.numpy().flags.aligned and found.numpy().flags.writeable
    assert load(io.BytesIO(bytes(data))).tolist() == [1, 2, 3, 4]


def test_bytes_as_elements_need_their_alignment():
    view = call(
        name("torch._utils", "_rebuild_tensor_v3"),
        *(pickle.MARK, b"X\7\0\0\0storage", name("torch.storage", "UntypedStorage"), b"X\1\0\0\x000X\3\0\0\0cpu"),
        *(number(15), pickle.TUPLE, pickle.BINPERSID, number(0), number(1), pickle.TUPLE1, number(1), pickle.TUPLE1),
        *(pickle.NEWFALSE, pickle.NONE, name("torch", "float32")),
    )
    with pytest.raises(RuntimeError, match="15 bytes of torch"):
        load(io.BytesIO(archive(program(view), [bytes(15)])))


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:Detected pickle protocol 4")
@pytest.mark.parametrize(
    "damage",
    ["cut", "no pickle", "empty", "text", "a name", "an opcode", "no record", "short record", "protocol 4"],
)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_exceptions_are_torchs(damage, zipped, tmp_path):
    """A script that catches what `torch.load` raises catches ours."""
    torch = pytest.importorskip("torch")
    buffer = io.BytesIO()
    torch.save({"a": torch.arange(4.0)}, buffer, _use_new_zipfile_serialization=zipped)
    whole = buffer.getvalue()

    def made_of(pickled, storages=(), **records):
        return archive(pickled, storages, version=b"3\n", **records) if zipped else legacy(pickled)

    made = {
        "cut": whole[:-3],
        "no pickle": made_of(b""),
        "empty": b"",
        "text": b"<html>not found</html>",
        "a name": made_of(program(call(name("os", "system")))),
        "an opcode": made_of(program(pickle.POP)),
        "no record": archive(tensor_program(), version=b"3\n"),
        "short record": archive(tensor_program(numel=8), [DATA], version=b"3\n"),
        "protocol 4": made_of(pickle.dumps([1], 4)),
    }[damage]
    with pytest.raises(Exception) as theirs:
        torch.load(io.BytesIO(made), weights_only=True)
    with pytest.raises(type(theirs.value)):
        load(io.BytesIO(made))
