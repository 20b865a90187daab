"""Data sets in MNIST's format: Fashion-MNIST, Kuzushiji-MNIST, EMNIST, QMNIST."""

from __future__ import annotations

import os
import shutil
import string
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from tinygrad_cnn.tensor import Tensor, wrap
from tinygrad_cnn.vision.datasets.idx import MAX_BYTES
from tinygrad_cnn.vision.datasets.mnist import MNIST
from tinygrad_cnn.vision.datasets.utils import download_and_extract_archive, list_files, verify_str_arg
from tinygrad_cnn.vision.datasets.vision import as_image

__all__ = ["EMNIST", "KMNIST", "QMNIST", "FashionMNIST"]


class FashionMNIST(MNIST):
    """Zalando's pictures of clothes (Xiao et al., arXiv:1708.07747), in MNIST's format; see `MNIST`."""

    mirrors: ClassVar[Sequence[str]] = (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    )
    resources: ClassVar[Any] = [
        ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
        ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
        ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
    ]
    unpacked_sums: ClassVar[dict[str, str]] = {
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    }
    classes: Sequence[str] = [
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ]


class KMNIST(MNIST):
    """Ten characters of old Japanese writing (Clanuwat et al., arXiv:1812.01718), in MNIST's format; see `MNIST`."""

    mirrors: ClassVar[Sequence[str]] = ("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",)
    resources: ClassVar[Any] = [
        ("train-images-idx3-ubyte.gz", "bdb82020997e1d708af4cf47b453dcf7"),
        ("train-labels-idx1-ubyte.gz", "e144d726b3acfaa3e44228e80efcd344"),
        ("t10k-images-idx3-ubyte.gz", "5c965bf0a639b31b8f53240b1b52f4d7"),
        ("t10k-labels-idx1-ubyte.gz", "7320c461ea6c1c855c0b718fb2a4b134"),
    ]
    unpacked_sums: ClassVar[dict[str, str]] = {}
    classes: Sequence[str] = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]


_MERGED = set("cijklmopsuvwxyz")  # letters whose small and large forms look alike
_ALL = set(string.digits + string.ascii_letters)


class EMNIST(MNIST):
    """Handwritten digits and letters (Cohen et al., arXiv:1702.05373); see `MNIST`.

    split: one of `splits`: byclass (62 classes), bymerge, balanced (47), letters (1 to 26, 0 is unused), digits, mnist.
    The images are stored with rows and columns exchanged, and are left so, as in torchvision.
    """

    url = "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip"
    md5 = "58c8d27c78d21e728a6bc7b3cc06412e"
    splits = ("byclass", "bymerge", "balanced", "letters", "digits", "mnist")
    resources: ClassVar[Any] = []
    unpacked_sums: ClassVar[dict[str, str]] = {}
    classes_split_dict: ClassVar[dict[str, list[str]]] = {
        "byclass": sorted(_ALL),
        "bymerge": sorted(_ALL - _MERGED),
        "balanced": sorted(_ALL - _MERGED),
        "letters": ["N/A", *string.ascii_lowercase],
        "digits": list(string.digits),
        "mnist": list(string.digits),
    }

    def __init__(self, root: str | os.PathLike[str], split: str, **kwargs: Any) -> None:
        self.split = verify_str_arg(split, "split", self.splits)
        super().__init__(root, **kwargs)
        self.classes = self.classes_split_dict[self.split]

    def _names(self) -> tuple[str, str]:
        prefix = f"emnist-{self.split}-{'train' if self.train else 'test'}"
        return f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte"

    def _size_limit(self, name: str) -> int:
        return MAX_BYTES

    def download(self) -> None:
        """Fetch the archive of all splits (562 MB) if the files asked for are missing, and take the files out."""
        if self._check_exists():
            return
        download_and_extract_archive(self.url, self.raw_folder, md5=self.md5)
        inner = os.path.join(self.raw_folder, "gzip")
        for name in list_files(inner, ".gz"):
            os.replace(os.path.join(inner, name), os.path.join(self.raw_folder, name))
        shutil.rmtree(inner)


class QMNIST(MNIST):
    """MNIST restored from NIST's own data, with 60,000 test images (Yadav and Bottou, arXiv:1905.10498); see `MNIST`.

    what: train, test, test10k (the images of MNIST's test set), test50k (the others) or nist (all digits); by default
    what `train` says. compat: targets are digits, else all eight numbers that QMNIST notes, as a Tensor (8,).
    """

    subsets: ClassVar[dict[str, str]] = {
        "train": "train",
        "test": "test",
        "test10k": "test",
        "test50k": "test",
        "nist": "nist",
    }
    _source = "https://raw.githubusercontent.com/facebookresearch/qmnist/master/"
    resources: ClassVar[Any] = {
        "train": [
            (_source + "qmnist-train-images-idx3-ubyte.gz", "ed72d4157d28c017586c42bc6afe6370"),
            (_source + "qmnist-train-labels-idx2-int.gz", "0058f8dd561b90ffdd0f734c6a30e5e4"),
        ],
        "test": [
            (_source + "qmnist-test-images-idx3-ubyte.gz", "1394631089c404de565df7b7aeaf9412"),
            (_source + "qmnist-test-labels-idx2-int.gz", "5b5b05890a5e13444e108efe57b788aa"),
        ],
        "nist": [
            (_source + "xnist-images-idx3-ubyte.xz", "7f124b3b8ab81486c9d8c2749c17f834"),
            (_source + "xnist-labels-idx2-int.xz", "5ed0e788978e45d4a8bd4b7caec3d79d"),
        ],
    }
    unpacked_sums: ClassVar[dict[str, str]] = {}

    def __init__(
        self,
        root: str | os.PathLike[str],
        what: str | None = None,
        compat: bool = True,
        train: bool = True,
        **kwargs: Any,
    ) -> None:
        if what is None:
            what = "train" if train else "test"
        self.what = verify_str_arg(what, "what", tuple(self.subsets))
        self.compat = compat
        super().__init__(root, train, **kwargs)

    def _resources(self) -> list[tuple[str, str]]:
        return list(self.resources[self.subsets[self.what]])

    def _names(self) -> tuple[str, str]:
        images, labels = (os.path.splitext(os.path.basename(url))[0] for url, _ in self._resources())
        return images, labels

    def _size_limit(self, name: str) -> int:
        return MAX_BYTES

    def _load_data(self) -> tuple[Tensor, Tensor]:
        images, labels = self._names()
        data, targets = self._array(images, 3), self._array(labels, 2, np.int32).astype(np.int64)
        part = {"test10k": slice(10000), "test50k": slice(10000, None)}.get(self.what, slice(None))
        return wrap(data[part]), wrap(targets[part])

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        target = self.targets[index]
        return self._transformed(as_image(self.data._array[index], "L"), int(target[0]) if self.compat else target)

    def extra_repr(self) -> str:
        """Return the line that tells which part this is."""
        return f"Split: {self.what}"
