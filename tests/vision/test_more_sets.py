"""SVHN, STL10 and USPS from small files in their formats, and the helpers of `datasets.utils`, beside torchvision."""

import bz2
import gzip
import sys
import tarfile
import zipfile

import numpy as np
import pytest

from tests.vision.files import contents, md5
from tests.vision.twin import difference, import_torchvision
from tinygrad_cnn.vision import datasets
from tinygrad_cnn.vision.datasets import utils


def compare(monkeypatch, kind, change, *args, **options):
    """Assert that a data set of ours and torchvision's are equal, after `change(monkeypatch, class)`."""
    theirs = getattr(import_torchvision().datasets, kind)
    ours = getattr(datasets, kind)
    for cls in (ours, theirs):
        change(monkeypatch, cls)
    found = difference(contents(ours(*args, **options)), contents(theirs(*args, **options)), 0)
    assert found is None, found


# ---------------------------------------------------------------- SVHN


def write_svhn(root):
    matlab = pytest.importorskip("scipy.io")
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (32, 32, 3, 6), np.uint8)
    labels = np.array([[1], [10], [3], [10], [9], [2]], np.uint8)
    matlab.savemat(root / "test_32x32.mat", {"X": pixels, "y": labels})
    entry = ["", "test_32x32.mat", md5(root / "test_32x32.mat")]
    return pixels, lambda patch, cls: patch.setattr(cls, "split_list", {"train": entry, "test": entry})


def test_svhn(monkeypatch, tmp_path):
    pixels, change = write_svhn(tmp_path)
    change(monkeypatch, datasets.SVHN)
    found = datasets.SVHN(tmp_path, "test")
    assert found.labels.tolist() == [1, 0, 3, 0, 9, 2] and found.data.shape == (6, 3, 32, 32)
    np.testing.assert_array_equal(np.asarray(found[4][0]), pixels[:, :, :, 4])
    with pytest.raises(ValueError, match="Unknown value 'all' for argument split"):
        datasets.SVHN(tmp_path, "all")


def test_svhn_without_files_or_scipy(monkeypatch, tmp_path):
    with pytest.raises(RuntimeError, match="Dataset not found or corrupted"):
        datasets.SVHN(tmp_path)
    (tmp_path / "train_32x32.mat").write_bytes(b"")
    entry = ["", "train_32x32.mat", md5(tmp_path / "train_32x32.mat")]
    monkeypatch.setattr(datasets.SVHN, "split_list", {"train": entry})
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    with pytest.raises(ImportError, match=r"SVHN, .* needs scipy, which is not installed: pip install scipy"):
        datasets.SVHN(tmp_path)


@pytest.mark.parity
def test_svhn_as_torchvision(monkeypatch, tmp_path):
    _, change = write_svhn(tmp_path)
    compare(monkeypatch, "SVHN", change, tmp_path, "test")


# ---------------------------------------------------------------- STL-10


def write_stl10(root):
    folder = root / "stl10_binary"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, count in (("train", 5), ("test", 4), ("unlabeled", 3)):
        rng.integers(0, 256, (count, 3, 96, 96), np.uint8).tofile(folder / f"{name}_X.bin")
        rng.integers(1, 11, count, np.uint8).tofile(folder / f"{name}_y.bin")
    (folder / "class_names.txt").write_text("\n".join(f"class {i}" for i in range(10)))
    (folder / "fold_indices.txt").write_text("0 2 \n" + "4 1 3 \n" * 9)

    def change(patch, cls):
        for name in ("train_list", "test_list"):
            patch.setattr(cls, name, [[file, md5(folder / file)] for file, _ in getattr(cls, name)])

    return change


@pytest.mark.parametrize(("split", "count"), [("train", 5), ("test", 4), ("unlabeled", 3), ("train+unlabeled", 8)])
def test_stl10(monkeypatch, tmp_path, split, count):
    write_stl10(tmp_path)(monkeypatch, datasets.STL10)
    found = datasets.STL10(tmp_path, split)
    assert len(found) == count and found[0][0].size == (96, 96) and found.classes[3] == "class 3"
    assert (found.labels[-3:] == -1).all() == ("unlabeled" in split)
    raw = np.fromfile(tmp_path / "stl10_binary" / f"{split.split('+')[0]}_X.bin", np.uint8).reshape(-1, 3, 96, 96)
    np.testing.assert_array_equal(np.asarray(found[0][0]), raw[0].transpose(2, 1, 0))


def test_stl10_folds(monkeypatch, tmp_path):
    write_stl10(tmp_path)(monkeypatch, datasets.STL10)
    whole = datasets.STL10(tmp_path)
    np.testing.assert_array_equal(datasets.STL10(tmp_path, folds=1).labels, whole.labels[[4, 1, 3]])
    for folds, message in ((10, r"range \[0, 10\), but got 10"), ("a", "Expected type None or int for argument folds")):
        with pytest.raises(ValueError, match=message):
            datasets.STL10(tmp_path, folds=folds)


@pytest.mark.parity
@pytest.mark.parametrize("split", datasets.STL10.splits)
@pytest.mark.parametrize("folds", [None, 0, 3])
@pytest.mark.filterwarnings("ignore:.*fromstring")
def test_stl10_as_torchvision(monkeypatch, tmp_path, split, folds):
    compare(monkeypatch, "STL10", write_stl10(tmp_path), tmp_path, split, folds)


# ---------------------------------------------------------------- USPS


def write_usps(path):
    rng = np.random.default_rng(0)
    rows = [
        f"{label} " + " ".join(f"{i + 1}:{v:.4f}" for i, v in enumerate(rng.uniform(-1, 1, 256)))
        for label in (7, 1, 10)
    ]
    path.write_bytes(bz2.compress(("\n".join(rows) + "\n").encode()))


def test_usps(tmp_path, monkeypatch, serve, capsys):
    (tmp_path / "mirror").mkdir()
    write_usps(tmp_path / "mirror" / "usps.t.bz2")
    url, _ = serve(tmp_path / "mirror")
    entry = [url + "usps.t.bz2", "usps.t.bz2", md5(tmp_path / "mirror" / "usps.t.bz2")]
    monkeypatch.setattr(datasets.USPS, "split_list", {"test": entry})
    found = datasets.USPS(tmp_path, train=False, download=True)
    assert found.targets == [6, 0, 9] and found.data.shape == (3, 16, 16) and found.data.dtype == np.uint8
    assert found[2][0].mode == "L"


@pytest.mark.parametrize("text", ["7 1:0.5\n", "x " + "1:0 " * 256, "7 " + "1:nan " * 256, "\n", "7 1:\xe9", None])
def test_usps_damaged(tmp_path, text):
    write_usps(tmp_path / "usps.bz2")
    whole = (tmp_path / "usps.bz2").read_bytes()
    (tmp_path / "usps.bz2").write_bytes(whole[:-9] if text is None else bz2.compress(text.encode()))
    with pytest.raises(ValueError, match=r"usps\.bz2: damaged"):
        datasets.USPS(tmp_path)


def test_usps_bomb(tmp_path, monkeypatch):
    (tmp_path / "usps.bz2").write_bytes(bz2.compress(bytes(1 << 20)))
    monkeypatch.setattr("tinygrad_cnn.vision.datasets.usps._MOST", 1000)
    with pytest.raises(ValueError, match=r"usps\.bz2: more than 1000 bytes once unpacked"):
        datasets.USPS(tmp_path)


def test_usps_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"usps\.bz2"):
        datasets.USPS(tmp_path)


@pytest.mark.parity
def test_usps_as_torchvision(monkeypatch, tmp_path):
    write_usps(tmp_path / "usps.bz2")
    compare(monkeypatch, "USPS", lambda patch, cls: None, tmp_path)


# ---------------------------------------------------------------- helpers


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "tgz", "zip"])
def test_archives(tmp_path, kind):
    (tmp_path / "made" / "deep").mkdir(parents=True)
    (tmp_path / "made" / "deep" / "a.txt").write_text("abc")
    path = tmp_path / f"b.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(tmp_path / "made" / "deep" / "a.txt", "made/deep/a.txt")
    else:
        with tarfile.open(path, "w" if kind == "tar" else "w:gz") as archive:
            archive.add(tmp_path / "made", "made")
    out = tmp_path / "out"
    assert utils.extract_archive(path, out, remove_finished=True) == str(out) and not path.exists()
    assert (out / "made" / "deep" / "a.txt").read_text() == "abc"


def test_packed_files(tmp_path):
    (tmp_path / "a.bin.gz").write_bytes(gzip.compress(b"abc"))
    assert utils.extract_archive(tmp_path / "a.bin.gz") == str(tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == b"abc"
    with pytest.raises(RuntimeError, match=r"Unknown compression or archive type: '\.bin'"):
        utils.extract_archive(tmp_path / "a.bin")


def test_what_breaks_off_leaves_no_file_and_no_half_of_one(tmp_path):
    packed = gzip.compress(bytes(range(256)) * 1000)
    (tmp_path / "a.bin.gz").write_bytes(packed[: len(packed) // 2])
    (tmp_path / "b.bin.gz").write_bytes(packed[: len(packed) // 2])
    (tmp_path / "b.bin").write_bytes(b"old")
    for name in ("a.bin.gz", "b.bin.gz"):
        with pytest.raises(EOFError):
            utils.extract_archive(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.bin.gz", "b.bin", "b.bin.gz"]
    assert (tmp_path / "b.bin").read_bytes() == b"old"


def test_download_url(tmp_path, serve, capsys):
    (tmp_path / "file.bin").write_bytes(b"abc")
    url, log = serve(tmp_path)
    right = md5(tmp_path / "file.bin")
    for _ in range(2):
        utils.download_url(url + "file.bin", tmp_path / "out", md5=right)
    assert len(log) == 1 and (tmp_path / "out" / "file.bin").read_bytes() == b"abc"
    with pytest.raises(RuntimeError, match="Error downloading other"):
        utils.download_url(url + "file.bin", tmp_path / "out", "other", md5="0" * 32)
    assert utils.check_integrity(tmp_path / "file.bin") and not utils.check_integrity(tmp_path / "none", right)
    assert utils.list_files(tmp_path, ".bin") == ["file.bin"] and utils.list_dir(tmp_path) == ["out"]


@pytest.mark.parity
@pytest.mark.parametrize(
    "arguments", [("a",), (3,), (3, "x"), ("a", "x", ("b", "c")), ("a", "x", "b", "no!"), ("b", "x", "b")]
)
def test_verify_str_arg_as_torchvision(arguments):
    results = []
    for function in (utils.verify_str_arg, import_torchvision().datasets.utils.verify_str_arg):
        try:
            results.append(function(*arguments))
        except ValueError as error:
            results.append(str(error))
    assert results[0] == results[1]
