"""FashionMNIST, KMNIST, EMNIST and QMNIST from small files in their formats, beside torchvision, and downloaded."""

import gzip
import lzma
import zipfile

import numpy as np
import pytest

from tests.vision.files import contents, idx, md5
from tests.vision.twin import difference, import_torchvision, pixels
from tinygrad_cnn.vision import datasets

COUNTS = {"train": 7, "t10k": 5, "test": 5, "nist": 9}


def images(count, seed=0):
    return np.stack([pixels(28, 28, seed=seed + i) for i in range(count)])


def write(folder, name, data, packed):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (name + packed)
    path.write_bytes({"": bytes, ".gz": gzip.compress, ".xz": lzma.compress}[packed](data))
    return path


def write_halves(folder, names, packed=".gz"):
    """Images and labels by half; (images, labels) are patterns with `{}` for the half."""
    for half in ("train", "test" if names[0].startswith("emnist") else "t10k"):
        count = COUNTS[half]
        write(folder, names[0].format(half), idx(images(count)), packed)
        write(folder, names[1].format(half), idx(np.arange(count, dtype=np.uint8) % 10), packed)


LIKE_MNIST = ("{}-images-idx3-ubyte", "{}-labels-idx1-ubyte")


def use_sums(monkeypatch, cls, folder):
    """Let a class expect the sums of the files in a folder."""
    monkeypatch.setattr(cls, "resources", [(name, md5(folder / name)) for name, _ in cls.resources])
    monkeypatch.setattr(cls, "unpacked_sums", {}, raising=False)


@pytest.mark.parametrize("name", ["FashionMNIST", "KMNIST"])
def test_read_and_checked(monkeypatch, tmp_path, name):
    cls = getattr(datasets, name)
    raw = tmp_path / name / "raw"
    write_halves(raw, LIKE_MNIST)
    with pytest.raises(RuntimeError, match="corrupted"):
        cls(tmp_path)
    use_sums(monkeypatch, cls, raw)
    train, test = cls(tmp_path), cls(tmp_path, train=False)
    assert (len(train), len(test)) == (7, 5) and len(cls.classes) == 10
    np.testing.assert_array_equal(train.data.numpy(), images(7))
    assert test.targets.tolist() == [0, 1, 2, 3, 4]
    (raw / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.zeros(5, np.uint8))))
    with pytest.raises(RuntimeError, match=r"t10k-labels-idx1-ubyte\.gz.*MD5"):
        cls(tmp_path, train=False)


def test_counts_of_images_and_labels_must_agree(monkeypatch, tmp_path):
    raw = tmp_path / "FashionMNIST" / "raw"
    write_halves(raw, LIKE_MNIST)
    write(raw, "train-labels-idx1-ubyte", idx(np.zeros(6, np.uint8)), ".gz")
    use_sums(monkeypatch, datasets.FashionMNIST, raw)
    with pytest.raises(ValueError, match="train-images-idx3-ubyte has 7 images, but train-labels-idx1-ubyte 6 labels"):
        datasets.FashionMNIST(tmp_path)


def test_labels_of_fashion_mnist_have_sums_of_their_own(tmp_path):
    write_halves(tmp_path / "FashionMNIST" / "raw", LIKE_MNIST, "")
    with pytest.raises(RuntimeError, match=r"train-labels-idx1-ubyte.*SHA-256"):
        datasets.FashionMNIST(tmp_path)


def test_downloaded_once(monkeypatch, serve, tmp_path, capsys):
    write_halves(tmp_path / "mirror", LIKE_MNIST)
    url, log = serve(tmp_path / "mirror")
    use_sums(monkeypatch, datasets.KMNIST, tmp_path / "mirror")
    monkeypatch.setattr(datasets.KMNIST, "mirrors", (url,))
    assert len(datasets.KMNIST(tmp_path, download=True)) == 7
    asked = len(log)
    assert asked == 4 and len(datasets.KMNIST(tmp_path, train=False, download=True)) == 5 and len(log) == asked


def test_emnist_downloads_one_archive_for_all(monkeypatch, serve, tmp_path, capsys):
    inner = tmp_path / "mirror" / "gzip"
    for split in ("letters", "digits"):
        write_halves(inner, (f"emnist-{split}-{{}}-images-idx3-ubyte", f"emnist-{split}-{{}}-labels-idx1-ubyte"))
    with zipfile.ZipFile(tmp_path / "mirror" / "gzip.zip", "w") as archive:
        for path in inner.iterdir():
            archive.write(path, f"gzip/{path.name}")
    url, log = serve(tmp_path / "mirror")
    monkeypatch.setattr(datasets.EMNIST, "url", url + "gzip.zip")
    monkeypatch.setattr(datasets.EMNIST, "md5", md5(tmp_path / "mirror" / "gzip.zip"))
    letters = datasets.EMNIST(tmp_path, "letters", download=True)
    assert len(letters) == 7 and letters.classes[0] == "N/A" and letters.class_to_idx["a"] == 1
    assert len(datasets.EMNIST(tmp_path, split="digits", train=False, download=True)) == 5 and len(log) == 1
    with pytest.raises(ValueError, match="Unknown value 'all' for argument split"):
        datasets.EMNIST(tmp_path, "all")
    with pytest.raises(RuntimeError, match="Dataset not found"):
        datasets.EMNIST(tmp_path, "mnist")


def write_qmnist(folder, packed=True):
    rng = np.random.default_rng(0)
    for stem, count, ending in (("qmnist-train", 7, ".gz"), ("qmnist-test", 5, ".gz"), ("xnist", 9, ".xz")):
        labels = rng.integers(0, 10, (count, 8)).astype(np.int32)
        write(folder, f"{stem}-images-idx3-ubyte", idx(images(count)), ending if packed else "")
        write(folder, f"{stem}-labels-idx2-int", idx(labels), ending if packed else "")


def test_qmnist(monkeypatch, tmp_path):
    raw = tmp_path / "QMNIST" / "raw"
    write_qmnist(raw)
    resources = {
        part: [(url, md5(raw / url.rsplit("/", 1)[-1])) for url, _ in files]
        for part, files in datasets.QMNIST.resources.items()
    }
    monkeypatch.setattr(datasets.QMNIST, "resources", resources)
    assert [len(datasets.QMNIST(tmp_path, what)) for what in ("train", "test", "test10k", "test50k", "nist")] == [
        7,
        5,
        5,
        0,
        9,
    ]
    full = datasets.QMNIST(tmp_path, train=False, compat=False)
    assert full[1][1].shape == (8,) and datasets.QMNIST(tmp_path, train=False)[1][1] == full[1][1][0].item()
    assert "Split: test" in repr(full)


@pytest.mark.parity
@pytest.mark.parametrize("name", ["FashionMNIST", "KMNIST"])
@pytest.mark.parametrize("train", [True, False])
def test_as_torchvision(monkeypatch, tmp_path, name, train):
    theirs = getattr(import_torchvision().datasets, name)
    monkeypatch.setattr(getattr(datasets, name), "unpacked_sums", {})
    write_halves(tmp_path / name / "raw", LIKE_MNIST, "")
    ours = getattr(datasets, name)
    found = difference(contents(ours(tmp_path, train)), contents(theirs(tmp_path, train)), 0)
    assert found is None, found


@pytest.mark.parity
@pytest.mark.parametrize("split", datasets.EMNIST.splits)
def test_emnist_as_torchvision(tmp_path, split):
    theirs = import_torchvision().datasets.EMNIST
    names = (f"emnist-{split}-{{}}-images-idx3-ubyte", f"emnist-{split}-{{}}-labels-idx1-ubyte")
    write_halves(tmp_path / "EMNIST" / "raw", names, "")
    for train in (True, False):
        ours = contents(datasets.EMNIST(tmp_path, split, train=train))
        found = difference(ours, contents(theirs(tmp_path, split, train=train)), 0)
        assert found is None, found


@pytest.mark.parity
@pytest.mark.parametrize("what", ["train", "test", "test10k", "nist"])
def test_qmnist_as_torchvision(tmp_path, what):
    theirs = import_torchvision().datasets.QMNIST
    write_qmnist(tmp_path / "QMNIST" / "raw", packed=False)
    for compat in (True, False):
        ours = contents(datasets.QMNIST(tmp_path, what, compat))
        found = difference(ours, contents(theirs(tmp_path, what, compat)), 0)
        assert found is None, found
