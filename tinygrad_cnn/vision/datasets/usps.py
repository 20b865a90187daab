"""USPS (`torchvision.datasets.USPS`): digits of postcodes, 7,291 to train with and 2,007 to test, 16 x 16."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from tinygrad_cnn.vision.datasets.idx import read_unpacked
from tinygrad_cnn.vision.datasets.utils import download_url
from tinygrad_cnn.vision.datasets.vision import VisionDataset, as_image

__all__ = ["USPS"]


_MOST = 1 << 26  # bytes of the larger file, unpacked, are half of that


def _parse(text: bytearray, name: str) -> tuple[Any, list[int]]:
    """Return images and classes. A line is a class from 1 to 10 and 256 times "index:value", values from -1 to 1."""
    try:
        rows = [line.split() for line in text.decode("ascii").splitlines()]
        values = [[entry.rpartition(":")[2] for entry in row[1:]] for row in rows]
        pixels = np.asarray(values, np.float32).reshape(len(rows), 16, 16)
        if not np.isfinite(pixels).all():
            raise ValueError("a value that is not finite")
        return ((pixels + 1) / 2 * 255).astype(np.uint8), [int(row[0]) - 1 for row in rows]
    except (ValueError, IndexError) as error:
        raise ValueError(f"{name}: damaged USPS file: {error}") from error


class USPS(VisionDataset):
    """Digits of postcodes (Hull, 1994): sample i is (image, digit).

    root: the folder of `usps.bz2` and `usps.t.bz2`. train: the first, else the second. download: fetch the file if it
    is missing. `data` is an array (N, 16, 16) uint8, `targets` a list. FileNotFoundError if the file is missing,
    ValueError naming it if it is damaged.
    """

    split_list: ClassVar[dict[str, list[str]]] = {
        "train": [
            "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/usps.bz2",
            "usps.bz2",
            "ec16c51db3855ca6c91edd34d0e9b197",
        ],
        "test": [
            "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/usps.t.bz2",
            "usps.t.bz2",
            "8ea070ee2aca1ac39742fdd1ef5ed118",
        ],
    }

    def __init__(
        self,
        root: str | os.PathLike[str],
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        url, name, md5 = self.split_list["train" if train else "test"]
        path = os.path.join(self.root, name)
        if download and not os.path.exists(path):
            download_url(url, self.root, name, md5=md5)
        self.data, self.targets = _parse(read_unpacked(path, _MOST), path)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._transformed(as_image(self.data[index], "L"), int(self.targets[index]))

    def __len__(self) -> int:
        return len(self.data)
