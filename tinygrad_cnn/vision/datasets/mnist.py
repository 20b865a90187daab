"""MNIST (`torchvision.datasets.MNIST`): handwritten digits, 60,000 to train with and 10,000 to test, 28 x 28."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.tensor import Tensor, wrap
from tinygrad_cnn.vision.datasets.download import download_file
from tinygrad_cnn.vision.datasets.idx import parse_idx, read_unpacked
from tinygrad_cnn.vision.datasets.vision import VisionDataset

__all__ = ["MNIST"]


def _image_class() -> Any:
    """Return Pillow's Image module, None where Pillow is not installed."""
    try:
        from PIL import Image
    except ImportError:
        return None
    return Image


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

    Raises RuntimeError if files are missing or their SHA-256 is wrong, ValueError for damaged ones; both name the file.
    """

    mirrors: ClassVar[Sequence[str]] = (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    )
    # Sums and sizes of the unpacked bytes: mirrors pack the same bytes differently.
    resources: ClassVar[dict[str, tuple[str, int]]] = {
        "train-images-idx3-ubyte": ("ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", 47040016),
        "train-labels-idx1-ubyte": ("65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", 60008),
        "t10k-images-idx3-ubyte": ("0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", 7840016),
        "t10k-labels-idx1-ubyte": ("ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", 10008),
    }
    classes: ClassVar[list[str]] = [
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
        images, labels = [name for name in self.resources if name.startswith("train" if train else "t10k")]
        if download:
            self.download()
        missing = [name for name in (images, labels) if self._find(name) is None]
        if missing:
            raise RuntimeError(
                "Dataset not found. You can use download=True to download it. "
                f"{self.raw_folder} lacks {' and '.join(missing)} (unpacked or .gz)"
            )
        self.data = self._tensor(images, 3, np.uint8)
        self.targets = self._tensor(labels, 1, np.int64)
        if self.data.shape[0] != self.targets.shape[0]:
            raise ValueError(f"{images} has {self.data.shape[0]} images, but {labels} {self.targets.shape[0]} labels")

    # ---------------------------------------------------------------- files

    @property
    def raw_folder(self) -> str:
        """The folder of the IDX files: root/<class name>/raw."""
        return os.path.join(self.root, type(self).__name__, "raw")

    def _find(self, name: str) -> str | None:
        """Return the path of a file, unpacked or else gzipped; None if there is neither."""
        for candidate in (name, name + ".gz"):
            path = os.path.join(self.raw_folder, candidate)
            if os.path.isfile(path):
                return path
        return None

    def _check_exists(self) -> bool:
        return all(self._find(name) for name in self.resources)

    def _verified(self, name: str, path: str) -> bytearray:
        """Return the unpacked bytes of a file; RuntimeError if they are not the ones they should be."""
        expected, size = self.resources[name]
        data = read_unpacked(path, size)
        found = hashlib.sha256(data).hexdigest()
        if found != expected:
            raise RuntimeError(
                f"{path}: File not found or corrupted: the unpacked bytes ({len(data)}) have SHA-256 {found}, "
                f"expected {expected} ({size} bytes)"
            )
        return data

    def _tensor(self, name: str, ndim: int, dtype: Any) -> Tensor:
        path = self._find(name)
        assert path is not None
        array = parse_idx(self._verified(name, path), path)
        if array.ndim != ndim or array.dtype != np.uint8:
            raise ValueError(f"{path}: expected uint8 of {ndim} dimensions, got {array.dtype} of {array.ndim}")
        return wrap(array.astype(dtype, copy=False))

    def download(self) -> None:
        """Fetch the files that are missing or damaged; RuntimeError naming the file if no mirror has it."""
        for name, (_, size) in self.resources.items():
            path = self._find(name)
            if path is not None:
                try:
                    self._verified(name, path)
                    continue
                except (RuntimeError, ValueError):
                    # An unpacked file goes first when reading, so that one that is damaged has to go.
                    if not path.endswith(".gz"):
                        os.unlink(path)
            download_file(
                [mirror + name + ".gz" for mirror in self.mirrors],
                os.path.join(self.raw_folder, name + ".gz"),
                check=functools.partial(self._verified, name),
                # gzip makes incompressible data a little longer, never more.
                max_bytes=size + (1 << 16),
            )

    # ---------------------------------------------------------------- samples

    @property
    def class_to_idx(self) -> dict[str, int]:
        """From the names of the classes to their numbers."""
        return {name: index for index, name in enumerate(self.classes)}

    def __len__(self) -> int:
        return int(self.data.shape[0])

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        pixels = self.data._array[index]
        pillow = _image_class()
        image = pixels if pillow is None else pillow.fromarray(pixels)
        target = int(self.targets._array[index])
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

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
        return f"Split: {'Train' if self.train else 'Test'}"
