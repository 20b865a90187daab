"""STL-10 (`torchvision.datasets.STL10`): few labelled photographs, many without labels, 96 x 96."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from tinygrad_cnn.vision.datasets.utils import check_integrity, download_and_extract_archive, verify_str_arg
from tinygrad_cnn.vision.datasets.vision import VisionDataset, as_image

__all__ = ["STL10"]


class STL10(VisionDataset):
    """Photographs of ten classes (Coates et al., 2011): sample i is (image, class), class -1 where there is none.

    root: the folder above `stl10_binary`. split: train (5,000), test (8,000), unlabeled (100,000) or train+unlabeled.
    folds: one of the ten sets of 1,000 training images, None for all. download: fetch and unpack the archive (2.6 GB)
    if files are missing or damaged. `data` is an array (N, 3, 96, 96) uint8, `labels` one of integers. RuntimeError if
    files are missing or damaged, ValueError for another split or fold.
    """

    base_folder = "stl10_binary"
    url = "http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz"
    filename = "stl10_binary.tar.gz"
    tgz_md5 = "91f7769df0f17e558f3565bffb0c7dfb"
    class_names_file = "class_names.txt"
    folds_list_file = "fold_indices.txt"
    train_list: ClassVar[list[list[str]]] = [
        ["train_X.bin", "918c2871b30a85fa023e0c44e0bee87f"],
        ["train_y.bin", "5a34089d4802c674881badbb80307741"],
        ["unlabeled_X.bin", "5242ba1fed5e4be9e1e742405eb56ca4"],
    ]
    test_list: ClassVar[list[list[str]]] = [
        ["test_X.bin", "7f263ba9f9e0b06b93213547f721ac82"],
        ["test_y.bin", "36f9794fa4beb8a2c72628de14fa638e"],
    ]
    splits = ("train", "train+unlabeled", "unlabeled", "test")

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        folds: int | None = None,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.split = verify_str_arg(split, "split", self.splits)
        self.folds = self._verify_folds(folds)
        if download:
            self.download()
        if not self._check_integrity():
            raise RuntimeError("Dataset not found or corrupted. You can use download=True to download it")
        self.data, self.labels = self._load()
        names = self._path(self.class_names_file)
        if os.path.isfile(names):
            with open(names, encoding="utf-8") as file:
                self.classes = file.read().splitlines()

    @staticmethod
    def _verify_folds(folds: Any) -> int | None:
        if folds is None or (isinstance(folds, int) and folds in range(10)):
            return folds
        if isinstance(folds, int):
            raise ValueError(f"Value for argument folds should be in the range [0, 10), but got {folds}.")
        raise ValueError(f"Expected type None or int for argument folds, but got type {type(folds)}.")

    # ---------------------------------------------------------------- files

    def _path(self, name: str) -> str:
        return os.path.join(self.root, self.base_folder, name)

    def _check_integrity(self) -> bool:
        """Tell whether the files of the split are there with the right sums."""
        needed = {"test": self.test_list, "train": self.train_list[:2], "unlabeled": self.train_list[2:]}
        return all(check_integrity(self._path(name), md5) for name, md5 in needed.get(self.split, self.train_list))

    def download(self) -> None:
        """Fetch and unpack the archive, unless the files are there with the right sums."""
        if not self._check_integrity():
            download_and_extract_archive(self.url, self.root, filename=self.filename, md5=self.tgz_md5)

    def _images(self, name: str) -> Any:
        """Return the images (N, 3, 96, 96) of a file, which has columns before rows."""
        return np.fromfile(self._path(name), np.uint8).reshape(-1, 3, 96, 96).transpose(0, 1, 3, 2)

    def _labels(self, name: str) -> Any:
        """Return the labels of a file, which counts from 1."""
        return np.fromfile(self._path(name), np.uint8) - 1

    def _load(self) -> tuple[Any, Any]:
        if self.split == "test":
            return self._images("test_X.bin"), self._labels("test_y.bin")
        if self.split == "unlabeled":
            images = self._images("unlabeled_X.bin")
            return images, np.full(len(images), -1)
        images, labels = self._images("train_X.bin"), self._labels("train_y.bin")
        if self.folds is not None:
            with open(self._path(self.folds_list_file), encoding="utf-8") as file:
                picked = np.array(file.read().splitlines()[self.folds].split(), np.int64)
            images, labels = images[picked], labels[picked]
        if self.split == "train":
            return images, labels
        others = self._images("unlabeled_X.bin")
        return np.concatenate([images, others]), np.concatenate([labels, np.full(len(others), -1)])

    # ---------------------------------------------------------------- samples

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._transformed(as_image(self.data[index].transpose(1, 2, 0)), int(self.labels[index]))

    def __len__(self) -> int:
        return int(self.data.shape[0])

    def extra_repr(self) -> str:
        """Return the line that tells which part this is."""
        return f"Split: {self.split}"
