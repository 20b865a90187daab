"""MNIST (`torchvision.datasets.MNIST`): handwritten digits, 60,000 to train with and 10,000 to test, 28 x 28."""

from __future__ import annotations

import functools
import hashlib
import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.tensor import Tensor, wrap
from tinygrad_cnn.vision.datasets.idx import MAX_BYTES, parse_idx, read_idx, read_unpacked
from tinygrad_cnn.vision.datasets.utils import check_integrity
from tinygrad_cnn.vision.datasets.vision import VisionDataset, as_image

__all__ = ["MNIST", "expect_array", "read_image_file", "read_label_file"]

_IMAGES, _LABELS = 60000 * 784 + 16, 60000 + 8  # bytes of the larger, unpacked files


def _stem(file: str) -> str:
    """Return the name of an unpacked file, given the name or address of the packed one."""
    return os.path.splitext(os.path.basename(file))[0]


class MNIST(VisionDataset):
    """Handwritten digits: sample i is (image, digit), the image transformed by `transform`.

    root: the folder above `MNIST/raw`, which holds the four IDX files, gzipped or unpacked (torchvision's layout).
    train: the 60,000 training images, else the 10,000 test images; only the files of that half need to be there.
    download: fetch what is missing or damaged from the mirrors (a progress bar shows if tqdm is installed).
    `data` (N, 28, 28) uint8 and `targets` (N,) int64 are Tensors. An image is a Pillow image of mode "L" as in
    torchvision; where Pillow is not installed, an array (28, 28) uint8, which `transforms.ToTensor` takes as well.

    For training on the whole set `normalized()` gives both halves of the work, ToTensor and Normalize, at once:

        images, labels = MNIST("data").normalized()
        loader = DataLoader(TensorDataset(images, labels), batch_size=64, shuffle=True)

    Raises RuntimeError if files are missing or their sum is wrong, ValueError for damaged ones; both name the file.
    """

    mirrors: ClassVar[Sequence[str]] = (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    )
    # As in torchvision: names on the mirrors (or whole addresses) and MD5 of the packed files.
    resources: ClassVar[Any] = [
        ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
        ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
        ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
    ]
    # SHA-256 of the unpacked bytes, which count where they are known: mirrors pack the same bytes differently.
    unpacked_sums: ClassVar[dict[str, str]] = {
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    }
    classes: Sequence[str] = [
        "0 - zero",
        "1 - one",
        "2 - two",
        "3 - three",
        "4 - four",
        "5 - five",
        "6 - six",
        "7 - seven",
        "8 - eight",
        "9 - nine",
    ]

    def __init__(
        self,
        root: str | os.PathLike[str],
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        if download:
            self.download()
        missing = [name for name in self._names() if self._find(name) is None]
        if missing:
            raise RuntimeError(
                "Dataset not found. You can use download=True to download it. "
                f"{self.raw_folder} lacks {' and '.join(missing)} (unpacked or packed)"
            )
        self.data, self.targets = self._load_data()
        if self.data.shape[0] != self.targets.shape[0]:
            images, labels = self._names()
            raise ValueError(f"{images} has {self.data.shape[0]} images, but {labels} {self.targets.shape[0]} labels")

    # ---------------------------------------------------------------- files

    @property
    def raw_folder(self) -> str:
        """The folder of the IDX files: root/<class name>/raw."""
        return os.path.join(self.root, type(self).__name__, "raw")

    @property
    def processed_folder(self) -> str:
        """The folder where torchvision kept tensors before its version 0.9: root/<class name>/processed."""
        return os.path.join(self.root, type(self).__name__, "processed")

    def _names(self) -> tuple[str, str]:
        """Return the unpacked files' names of images and labels that this half needs."""
        half = "train" if self.train else "t10k"
        return f"{half}-images-idx3-ubyte", f"{half}-labels-idx1-ubyte"

    def _find(self, name: str) -> str | None:
        """Return the path of a file, unpacked or else packed; None if there is neither."""
        for ending in ("", ".gz", ".xz"):
            path = os.path.join(self.raw_folder, name + ending)
            if os.path.isfile(path):
                return path
        return None

    def _check_exists(self) -> bool:
        return all(self._find(name) for name in self._names())

    def _verified(self, name: str, path: str) -> bytearray:
        """Return the unpacked bytes of a file; RuntimeError if they are not the ones they should be.

        Where their own sum is not known, that of the packed file counts; unpacked files then have none.
        """
        expected = self.unpacked_sums.get(name)
        data = read_unpacked(path, self._size_limit(name))
        if expected is not None:
            found = hashlib.sha256(data).hexdigest()
            if found != expected:
                raise RuntimeError(
                    f"{path}: File not found or corrupted: the unpacked bytes ({len(data)}) have SHA-256 {found}, "
                    f"expected {expected}"
                )
        elif os.path.basename(path) != name and not check_integrity(path, self._md5(name)):
            raise RuntimeError(f"{path}: File not found or corrupted: its MD5 is not {self._md5(name)}")
        return data

    def _size_limit(self, name: str) -> int:
        """Return how many bytes a file can have at most, unpacked."""
        share = 1 if name.startswith("train") else 6
        whole, header = (_IMAGES, 16) if "images" in name else (_LABELS, 8)
        return (whole - header) // share + header

    def _resources(self) -> list[tuple[str, str]]:
        """Return the files to fetch and their MD5."""
        return list(self.resources)

    def _md5(self, name: str) -> str | None:
        """Return the MD5 of a packed file."""
        return next((md5 for file, md5 in self._resources() if _stem(file) == name), None)

    def _array(self, name: str, ndim: int, dtype: Any = np.uint8) -> Any:
        """Return the array of a file; ValueError if it has another rank or type."""
        path = self._find(name)
        assert path is not None
        return expect_array(parse_idx(self._verified(name, path), path), path, ndim, dtype)

    def _load_data(self) -> tuple[Tensor, Tensor]:
        images, labels = self._names()
        return wrap(self._array(images, 3)), wrap(self._array(labels, 1).astype(np.int64))

    def download(self) -> None:
        """Fetch the files that are missing or damaged; RuntimeError naming the file if no mirror has it."""
        from tinygrad_cnn.vision.datasets.download import download_file

        for file, _ in self._resources():
            name = _stem(file)
            path = self._find(name)
            if path is not None:
                try:
                    self._verified(name, path)
                    continue
                except (RuntimeError, ValueError):
                    # An unpacked file goes first when reading, so that one that is damaged has to go.
                    if os.path.basename(path) == name:
                        os.unlink(path)
            download_file(
                [file] if "://" in file else [mirror + file for mirror in self.mirrors],
                os.path.join(self.raw_folder, os.path.basename(file)),
                check=functools.partial(self._verified, name),
                # gzip makes incompressible data a little longer, never more.
                max_bytes=self._size_limit(name) + (1 << 16),
            )

    # ---------------------------------------------------------------- samples

    @property
    def class_to_idx(self) -> dict[str, int]:
        """From the names of the classes to their numbers."""
        return {name: index for index, name in enumerate(self.classes)}

    def _renamed(self, old: str, new: str) -> Tensor:
        warnings.warn(f"{old} has been renamed {new}", stacklevel=3)
        found: Tensor = getattr(self, new)
        return found

    @property
    def train_labels(self) -> Tensor:
        """The old name of `targets`, which warns."""
        return self._renamed("train_labels", "targets")

    @property
    def test_labels(self) -> Tensor:
        """The old name of `targets`, which warns."""
        return self._renamed("test_labels", "targets")

    @property
    def train_data(self) -> Tensor:
        """The old name of `data`, which warns."""
        return self._renamed("train_data", "data")

    @property
    def test_data(self) -> Tensor:
        """The old name of `data`, which warns."""
        return self._renamed("test_data", "data")

    def __len__(self) -> int:
        return int(self.data.shape[0])

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._transformed(as_image(self.data._array[index], "L"), int(self.targets._array[index]))

    def normalized(self, mean: float = 0.1307, std: float = 0.3081) -> tuple[Tensor, Tensor]:
        """Return all images as float32 (N, 1, 28, 28), scaled to [0, 1] and normalised, and the targets (N,).

        Bit for bit what ToTensor() and Normalize((mean,), (std,)) make of each image, but in a tenth of a second
        instead of several. `transform` is not applied. ValueError if std is zero.
        """
        if std == 0:
            raise ValueError("std is zero, leading to division by zero.")
        count, height, width = self.data.shape
        images = core.empty((count, 1, height, width))
        block = 256  # images at once: 800 kB, which stay in the cache through the three passes
        for start in range(0, count, block):
            part = images[start : start + block, 0]
            np.divide(self.data._array[start : start + block], np.float32(255), out=part, dtype=np.float32)
            part -= np.float32(mean)
            part /= np.float32(std)
        return wrap(images), wrap(self.targets._array.copy())

    def extra_repr(self) -> str:
        """Return the line that tells which half this is."""
        return f"Split: {'Train' if self.train is True else 'Test'}"


# ---------------------------------------------------------------- files by themselves


def expect_array(array: Any, path: str, ndim: int, dtype: Any) -> Any:
    """Return an array of a file; ValueError if it has another rank or type."""
    if array.ndim != ndim or array.dtype != dtype:
        wanted = np.dtype(dtype)
        raise ValueError(f"{path}: expected {wanted} of {ndim} dimensions, got {array.dtype} of {array.ndim}")
    return array


def read_image_file(path: str) -> Tensor:
    """Return the uint8 images (N, H, W) of an IDX file; ValueError for another rank or type."""
    return wrap(expect_array(read_idx(path, MAX_BYTES), path, 3, np.uint8))


def read_label_file(path: str) -> Tensor:
    """Return the labels (N,) of an IDX file of bytes, as int64; ValueError for another rank or type."""
    return wrap(expect_array(read_idx(path, MAX_BYTES), path, 1, np.uint8).astype(np.int64))
