"""MNIST from the files in the repository, from damaged ones, and from a local mirror."""

import gzip
import pathlib
import shutil
import struct
import sys

import numpy as np
import pytest

from tinygrad_cnn import dtypes
from tinygrad_cnn.utils.data import DataLoader, TensorDataset
from tinygrad_cnn.vision import transforms
from tinygrad_cnn.vision.datasets import MNIST, VisionDataset
from tinygrad_cnn.vision.datasets.vision import StandardTransform

ROOT = pathlib.Path(__file__).parents[2] / "examples" / "data"
RAW = ROOT / "MNIST" / "raw"


@pytest.fixture(scope="module")
def test_set():
    return MNIST(ROOT, train=False)


@pytest.fixture
def copy(tmp_path):
    """A root with the two (small) files of the test set."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):
        shutil.copy(RAW / name, raw / name)
    return tmp_path


def test_training_set():
    train = MNIST(str(ROOT))
    assert len(train) == 60000 and train.data.shape == (60000, 28, 28) and train.data.dtype is dtypes.uint8
    assert train.targets.dtype is dtypes.int64 and train.targets[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.bincount(train.targets.numpy()).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert repr(train) == f"Dataset MNIST\n    Number of datapoints: 60000\n    Root location: {ROOT}\n    Split: Train"


def test_test_set(test_set):
    assert len(test_set) == 10000 and test_set.targets[:5].tolist() == [7, 2, 1, 0, 4]
    assert test_set.classes[3] == "3 - three" and test_set.class_to_idx["9 - nine"] == 9
    image, label = test_set[0]
    assert image.mode == "L" and image.size == (28, 28) and label == 7 and type(label) is int
    np.testing.assert_array_equal(np.asarray(image), test_set.data[0].numpy())
    with pytest.raises(IndexError):
        test_set[10000]


def test_transforms(monkeypatch):
    both = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    dataset = MNIST(ROOT, train=False, transform=both, target_transform=lambda label: -label)
    image, label = dataset[0]
    assert image.shape == (1, 28, 28) and label == -7
    images, labels = dataset.normalized()
    assert images.shape == (10000, 1, 28, 28) and images.dtype is dtypes.float32
    for i in range(0, 10000, 1111):
        np.testing.assert_array_equal(dataset[i][0].numpy(), images[i].numpy())
    assert labels.tolist() == dataset.targets.tolist()
    batch, targets = next(iter(DataLoader(dataset, batch_size=8)))
    np.testing.assert_array_equal(batch.numpy(), images[:8].numpy())
    quick, _ = next(iter(DataLoader(TensorDataset(images, labels), batch_size=8)))
    np.testing.assert_array_equal(quick.numpy(), batch.numpy())
    assert targets.tolist() == (-labels[:8]).tolist()
    for name in ("PIL", "PIL.Image"):  # without Pillow: an array, and the same Tensor
        monkeypatch.setitem(sys.modules, name, None)
    np.testing.assert_array_equal(dataset[0][0].numpy(), image.numpy())
    assert type(MNIST(ROOT, train=False)[0][0]) is np.ndarray
    with pytest.raises(ValueError, match="std is zero"):
        dataset.normalized(std=0)


def test_unpacked_files_serve_as_well(copy):
    raw = copy / "MNIST" / "raw"
    for path in list(raw.iterdir()):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    assert len(MNIST(copy, train=False)) == 10000


def test_only_the_half_that_is_asked_for_has_to_be_there(copy):
    assert len(MNIST(copy, train=False)) == 10000
    with pytest.raises(RuntimeError, match=r"Dataset not found\. You can use download=True.*train-images-idx3-ubyte"):
        MNIST(copy)
    with pytest.raises(RuntimeError, match="Dataset not found"):
        MNIST(copy / "nowhere")


@pytest.mark.parametrize("packed", [True, False], ids=["gz", "unpacked"])
@pytest.mark.parametrize("what", ["truncated", "flipped", "longer", "empty", "garbage"])
def test_damaged_files_are_named(copy, packed, what):
    path = copy / "MNIST" / "raw" / "t10k-labels-idx1-ubyte.gz"
    data = path.read_bytes()
    if not packed:
        path.unlink()
        path = path.with_suffix("")
        data = gzip.decompress(data)
    middle = len(data) // 2
    damaged = {
        "truncated": data[:middle],
        "flipped": data[:middle] + bytes([data[middle] ^ 4]) + data[middle + 1 :],
        "longer": data + b"\0" * 100,
        "empty": b"",
        "garbage": b"<html>not found</html>",
    }[what]
    path.write_bytes(damaged)
    if packed and what == "longer":  # zeros behind an archive are padding
        MNIST(copy, train=False)
        return
    with pytest.raises((RuntimeError, ValueError), match="t10k-labels-idx1-ubyte"):
        MNIST(copy, train=False)


def test_a_gzip_bomb_is_refused(copy):
    path = copy / "MNIST" / "raw" / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(gzip.compress(struct.pack(">HBBI", 0, 8, 1, 1 << 25) + bytes(1 << 25)))
    with pytest.raises(ValueError, match=r"t10k-labels-idx1-ubyte\.gz: more than 10008 bytes once unpacked"):
        MNIST(copy, train=False)


@pytest.fixture
def mirror(monkeypatch, serve):
    """A local mirror of the repository's files, behind one that has nothing; the paths asked for."""
    url, log = serve(RAW)
    monkeypatch.setattr(MNIST, "mirrors", (url + "down/", url))
    return log


def test_download(mirror, tmp_path, capsys):
    assert len(MNIST(tmp_path, train=False, download=True)) == 10000
    raw = tmp_path / "MNIST" / "raw"
    assert sorted(path.name for path in raw.iterdir()) == sorted(path.name for path in RAW.glob("*.gz"))
    asked = len(mirror)
    assert len(MNIST(tmp_path, download=True)) == 60000 and len(mirror) == asked  # nothing is fetched twice
    assert "train-images" in capsys.readouterr().err


def test_download_replaces_what_is_damaged_only(mirror, copy, capsys):
    raw = copy / "MNIST" / "raw"
    for name in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"):
        shutil.copy(RAW / name, raw / name)
    (raw / "t10k-labels-idx1-ubyte").write_bytes(b"damaged")
    (raw / "t10k-labels-idx1-ubyte.gz").unlink()
    assert len(MNIST(copy, train=False, download=True)) == 10000
    assert not (raw / "t10k-labels-idx1-ubyte").exists()
    assert {path.rsplit("/", 1)[-1] for path in mirror if "404" not in path} == {"t10k-labels-idx1-ubyte.gz"}


def test_download_fails(monkeypatch, tmp_path):
    monkeypatch.setattr(MNIST, "mirrors", ("http://127.0.0.1:1/",))
    with pytest.raises(RuntimeError, match=r"Error downloading train-images-idx3-ubyte\.gz"):
        MNIST(tmp_path, download=True)


def test_old_names_warn(test_set):
    for name, new in (("train_data", "data"), ("test_data", "data"), ("test_labels", "targets")):
        with pytest.warns(UserWarning, match=f"{name} has been renamed {new}"):
            assert getattr(test_set, name) is getattr(test_set, new)


def test_resources_can_be_whole_addresses(monkeypatch, mirror, tmp_path, capsys):
    """What scripts do to get round a mirror that is down."""
    url = MNIST.mirrors[1]
    monkeypatch.setattr(MNIST, "resources", [(url + name, md5) for name, md5 in MNIST.resources])
    monkeypatch.setattr(MNIST, "mirrors", ())
    assert len(MNIST(tmp_path, train=False, download=True)) == 10000


def test_vision_dataset():
    with pytest.raises(ValueError, match="Only transforms or transform/target_transform can be passed as argument"):
        VisionDataset("x", transforms=lambda a, b: (a, b), transform=lambda a: a)
    standard = StandardTransform(lambda x: x + 1, lambda y: -y)
    assert standard(1, 2) == (2, -2)
    text = repr(StandardTransform(transforms.Compose([transforms.ToTensor()]), transforms.ToTensor()))
    assert text == (
        "StandardTransform\nTransform: Compose(\n               ToTensor()\n           )\nTarget transform: ToTensor()"
    )
