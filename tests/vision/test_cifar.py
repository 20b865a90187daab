"""CIFAR from small files as Python 2 pickled them: read without executing anything, checked, downloaded."""

import io
import pickle
import tarfile
import warnings

import numpy as np
import pytest

from tests.vision.files import contents, md5, python2_pickle
from tests.vision.twin import difference, import_torchvision
from tinygrad_cnn.vision import datasets
from tinygrad_cnn.vision.datasets._python2 import read_python2_pickle

NAMES = [f"class {i}" for i in range(10)]


def batch(seed, count=4, labels="labels"):
    rng = np.random.default_rng(seed)
    return {
        "batch_label": f"batch {seed}",
        labels: rng.integers(0, 10, count).tolist(),
        "data": rng.integers(0, 256, (count, 3072), np.uint8),
        "filenames": [f"{i}.png" for i in range(count)],
    }


def write_cifar(root, name):
    """The files of CIFAR10 or CIFAR100, and class attributes with their sums."""
    cls = getattr(datasets, name)
    folder = root / cls.base_folder
    folder.mkdir(parents=True)
    lists = {}
    for attribute in ("train_list", "test_list"):
        files = []
        for seed, (file, _) in enumerate(getattr(cls, attribute)):
            made = batch(seed, labels="labels" if name == "CIFAR10" else "fine_labels")
            (folder / file).write_bytes(python2_pickle(made))
            files.append([file, md5(folder / file)])
        lists[attribute] = files
    meta = folder / cls.meta["filename"]
    meta.write_bytes(python2_pickle({cls.meta["key"]: NAMES, "num_vis": 3072}))
    return {**lists, "meta": {**cls.meta, "md5": md5(meta)}}


def use(monkeypatch, cls, attributes):
    for name, value in attributes.items():
        monkeypatch.setattr(cls, name, value)


@pytest.mark.parametrize("name", ["CIFAR10", "CIFAR100"])
def test_read(monkeypatch, tmp_path, name):
    cls = getattr(datasets, name)
    use(monkeypatch, cls, write_cifar(tmp_path, name))
    for train, parts in ((True, len(cls.train_list)), (False, 1)):
        found = cls(tmp_path, train=train)
        made = [batch(seed, labels="labels") for seed in range(parts)]
        assert len(found) == 4 * parts and found.targets == [label for part in made for label in part["labels"]]
        want = np.concatenate([part["data"] for part in made]).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        np.testing.assert_array_equal(found.data, want)
        image, label = found[3]
        assert image.mode == "RGB" and label == found.targets[3]
        np.testing.assert_array_equal(np.asarray(image), want[3])
    assert found.classes == NAMES and found.class_to_idx["class 3"] == 3
    assert repr(found) == f"Dataset {name}\n    Number of datapoints: 4\n    Root location: {tmp_path}\n    Split: Test"


def test_damaged_and_missing(monkeypatch, tmp_path):
    use(monkeypatch, datasets.CIFAR10, write_cifar(tmp_path, "CIFAR10"))
    folder = tmp_path / "cifar-10-batches-py"
    (folder / "data_batch_3").write_bytes(b"")
    with pytest.raises(RuntimeError, match="Dataset not found or corrupted"):
        datasets.CIFAR10(tmp_path)
    assert len(datasets.CIFAR10(tmp_path, train=False)) == 4
    (folder / "batches.meta").unlink()
    with pytest.raises(RuntimeError, match="Dataset metadata file not found or corrupted"):
        datasets.CIFAR10(tmp_path, train=False)


def archive_of(folder, target):
    with tarfile.open(target, "w:gz") as archive:
        archive.add(folder, folder.name)
    return md5(target)


def test_download(monkeypatch, serve, tmp_path, capsys):
    use(monkeypatch, datasets.CIFAR10, write_cifar(tmp_path / "mirror", "CIFAR10"))
    monkeypatch.setattr(
        datasets.CIFAR10,
        "tgz_md5",
        archive_of(tmp_path / "mirror" / "cifar-10-batches-py", tmp_path / "mirror" / "cifar-10-python.tar.gz"),
    )
    url, log = serve(tmp_path / "mirror")
    monkeypatch.setattr(datasets.CIFAR10, "url", url + "cifar-10-python.tar.gz")
    root = tmp_path / "root"
    assert len(datasets.CIFAR10(root, download=True)) == 20 and len(log) == 1
    assert len(datasets.CIFAR10(root, train=False, download=True)) == 4 and len(log) == 1
    (root / "cifar-10-batches-py" / "test_batch").unlink()  # the archive that is there serves again
    assert len(datasets.CIFAR10(root, train=False, download=True)) == 4 and len(log) == 1


def load(tmp_path, data):
    (tmp_path / "file").write_bytes(data)
    return read_python2_pickle(tmp_path / "file")


def test_the_reader_agrees_with_pythons(tmp_path):
    data = python2_pickle(batch(0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy has renamed numpy.core
        want = pickle.loads(data, encoding="latin1")
    found = load(tmp_path, data)
    assert list(found) == list(want) and found["filenames"] == want["filenames"]
    np.testing.assert_array_equal(found["data"], want["data"])


@pytest.mark.parametrize(
    "attack",
    [
        b"\x80\x02cos\nsystem\nU\x04true\x85R.",
        b"\x80\x02cbuiltins\neval\nU\x011\x85R.",
        b"\x80\x02cnumpy\nload\nU\x01x\x85R.",
        b"\x80\x02cnumpy\ndtype\nU\x01O\x85R.",
        b"\x80\x02cnumpy\nndarray\nK\x05\x85R.",
        b"\x80\x02cnumpy\nndarray\n)\x81.",
        b"\x80\x02cnumpy\nndarray\n}U\x04nameK\x01sb.",
        b"\x80\x02U\x01xQ.",
        b"(dp0\nS'data'\np1\nI1\ns.",
    ],
)
def test_what_would_execute_is_refused(tmp_path, attack):
    with pytest.raises(pickle.UnpicklingError, match="file: "):
        load(tmp_path, attack)


def test_every_truncation_and_flipped_byte_is_an_error_or_harmless(tmp_path):
    data = bytearray(python2_pickle({"data": np.arange(6, dtype=np.uint8).reshape(2, 3), "labels": [1, 300]}))
    for length in range(len(data)):
        with pytest.raises(pickle.UnpicklingError):
            load(tmp_path, bytes(data[:length]))
    for place in range(len(data)):
        for bit in (0, 3, 7):
            data[place] ^= 1 << bit
            try:
                load(tmp_path, bytes(data))
            except pickle.UnpicklingError as error:
                assert str(tmp_path / "file") in str(error)
            data[place] ^= 1 << bit


def test_an_archive_that_leads_out_of_its_folder(tmp_path):
    from tinygrad_cnn.vision.datasets.utils import extract_archive

    with tarfile.open(tmp_path / "bad.tar", "w") as archive:
        member = tarfile.TarInfo("../outside")
        member.size = 3
        archive.addfile(member, io.BytesIO(b"abc"))
    (tmp_path / "in").mkdir()
    with pytest.raises(RuntimeError, match=r"outside of it: '\.\./outside'"):
        extract_archive(tmp_path / "bad.tar", tmp_path / "in")
    assert not (tmp_path / "outside").exists()


@pytest.mark.parity
@pytest.mark.parametrize("name", ["CIFAR10", "CIFAR100"])
@pytest.mark.parametrize("train", [True, False])
def test_as_torchvision(monkeypatch, tmp_path, name, train):
    theirs = getattr(import_torchvision().datasets, name)
    attributes = write_cifar(tmp_path, name)
    for cls in (theirs, getattr(datasets, name)):
        use(monkeypatch, cls, attributes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = contents(theirs(tmp_path, train))
    found = difference(contents(getattr(datasets, name)(tmp_path, train)), expected, 0)
    assert found is None, found
