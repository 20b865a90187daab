"""ImageFolder, DatasetFolder and FakeData: what is found, what is refused, beside torchvision's."""

import sys

import numpy as np
import pytest
from PIL import Image

import tinygrad_cnn as torch
from tests.vision.files import contents
from tests.vision.twin import check, difference, import_torchvision, pixels
from tinygrad_cnn.vision import datasets, transforms
from tinygrad_cnn.vision.datasets.folder import default_loader, find_classes, is_image_file, make_dataset


@pytest.fixture
def root(tmp_path):
    """Two classes, a picture in a folder below, and files that are no pictures."""
    for seed, name in enumerate(("dog/b.png", "dog/a.JPG", "cat/deep/c.bmp", "cat/notes.txt")):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("txt"):
            path.write_text("no picture")
        else:
            Image.fromarray(pixels(6, 8, 3, seed=seed)).save(path)
    (tmp_path / "file").write_text("no class")
    return tmp_path


def test_image_folder(root):
    found = datasets.ImageFolder(str(root), transform=transforms.ToTensor(), target_transform=lambda label: -label)
    assert found.classes == ["cat", "dog"] and found.class_to_idx == {"cat": 0, "dog": 1}
    names = [(path.replace("\\", "/")[len(str(root)) + 1 :], label) for path, label in found.samples]
    assert names == [("cat/deep/c.bmp", 0), ("dog/a.JPG", 1), ("dog/b.png", 1)]
    assert found.imgs is found.samples and found.targets == [0, 1, 1] and len(found) == 3
    image, label = found[2]
    assert label == -1
    np.testing.assert_array_equal((image * 255).round().numpy(), pixels(6, 8, 3, seed=0).transpose(2, 0, 1))


def test_grey_pictures_become_rgb(tmp_path):
    (tmp_path / "a").mkdir()
    Image.fromarray(pixels(6, 8)).save(tmp_path / "a" / "grey.png")
    assert datasets.ImageFolder(tmp_path)[0][0].mode == "RGB"


def test_empty_classes(root):
    (root / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"Found no valid file for the classes empty\. Supported extensions"):
        datasets.ImageFolder(root)
    assert datasets.ImageFolder(root, allow_empty=True).classes == ["cat", "dog", "empty"]
    with pytest.raises(FileNotFoundError, match="Couldn't find any class folder"):
        datasets.ImageFolder(root / "empty")


def test_only_some_files(root):
    found = datasets.DatasetFolder(root, str, is_valid_file=lambda path: path.endswith("txt"), allow_empty=True)
    assert len(found) == 1 and found[0][0].endswith("notes.txt")
    assert len(datasets.DatasetFolder(root, str, (".bmp",), allow_empty=True)) == 1


def test_classes_may_be_overridden(root):
    class OneClass(datasets.ImageFolder):
        def find_classes(self, directory):
            return ["dog"], {"dog": 7}

    assert OneClass(root).targets == [7, 7]


def test_without_pillow(root, monkeypatch):
    found = datasets.ImageFolder(root)
    for name in ("PIL", "PIL.Image"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"ImageFolder needs pillow, which is not installed: pip install pillow"):
        found[0]


def test_fake_data_repeats_and_leaves_the_generator_alone():
    fake = datasets.FakeData(3, (3, 8, 9), 5, transforms.PILToTensor())
    torch.manual_seed(1)
    state = torch.get_rng_state()
    image, label = fake[1]
    assert image.shape == (3, 8, 9) and 0 <= label < 5 and type(label) is int
    np.testing.assert_array_equal(fake[1][0].numpy(), image.numpy())
    assert state.tolist() == torch.get_rng_state().tolist()
    with pytest.raises(IndexError, match="FakeData index out of range"):
        fake[3]


def both(kind, *args, **options):
    """Contents, or the error, of a data set of ours and of torchvision's."""
    results = []
    for module in (datasets, import_torchvision().datasets):
        try:
            results.append(contents(getattr(module, kind)(*args, **options)))
        except Exception as error:
            results.append((type(error).__name__, str(error)))
    return results


CALLS = [
    ("ImageFolder", {}),
    ("ImageFolder", {"is_valid_file": is_image_file, "target_transform": abs}),
    ("ImageFolder", {"is_valid_file": lambda path: "cat" in path, "allow_empty": True}),
    ("ImageFolder", {"is_valid_file": lambda path: "cat" in path}),
    ("DatasetFolder", {"loader": default_loader, "extensions": (".png", ".bmp")}),
    ("DatasetFolder", {"loader": default_loader, "extensions": ".png", "allow_empty": True}),
    ("DatasetFolder", {"loader": default_loader, "extensions": (".tiff",)}),
    ("DatasetFolder", {"loader": default_loader}),
]


@pytest.mark.parity
@pytest.mark.parametrize(("kind", "options"), CALLS)
def test_as_torchvision(root, kind, options):
    ours, theirs = both(kind, str(root), **options)
    found = difference(ours, theirs, 0)
    assert found is None, found


@pytest.mark.parity
def test_functions_as_torchvision(root):
    folder = import_torchvision().datasets.folder
    assert find_classes(root) == folder.find_classes(root)
    for arguments in ((), ({},), (None, ".png"), (None, (".png", ".bmp")), ({"dog": 3, "dogs": 3}, ".png")):
        results = []
        for function in (make_dataset, folder.make_dataset):
            try:
                results.append(function(root, *arguments))
            except Exception as error:
                results.append((type(error).__name__, str(error)))
        assert results[0] == results[1]


@pytest.mark.parity
@pytest.mark.parametrize(
    "expression",
    [
        "[tv.datasets.FakeData(5, (3, 8, 9), 7)[i] for i in range(5)]",
        "[tv.datasets.FakeData(5, (1, 20, 9), random_offset=3)[i] for i in (0, 4)]",
        "tv.datasets.FakeData(5, (3, 8, 9), 7, T.ToTensor(), lambda t: t + 1)[2]",
        "tv.datasets.FakeData(5, transform=T.ToTensor())",
        "tv.datasets.FakeData(5)[5]",
    ],
)
def test_fake_data_as_torchvision(expression):
    check(expression)
