"""SVHN (`torchvision.datasets.SVHN`): house numbers in photographs, one digit in the middle, 32 x 32."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from tinygrad_cnn.vision._extras import require
from tinygrad_cnn.vision.datasets.utils import check_integrity, download_url, verify_str_arg
from tinygrad_cnn.vision.datasets.vision import VisionDataset, as_image

__all__ = ["SVHN"]


class SVHN(VisionDataset):
    """House numbers (Netzer et al., 2011): sample i is (image, digit).

    root: the folder of the .mat files. split: train (73,257), test (26,032) or extra (531,131). download: fetch the
    file if it is missing or damaged. `data` is an array (N, 3, 32, 32) uint8, `labels` one of int64. Needs scipy, which
    reads the files. RuntimeError if a file is missing or damaged.
    """

    split_list: ClassVar[dict[str, list[str]]] = {
        "train": [
            "http://ufldl.stanford.edu/housenumbers/train_32x32.mat",
            "train_32x32.mat",
            "e26dedcc434d2e4c54c9b2d4a06d8373",
        ],
        "test": [
            "http://ufldl.stanford.edu/housenumbers/test_32x32.mat",
            "test_32x32.mat",
            "eb5a983be6a315427106f1b164d9cef3",
        ],
        "extra": [
            "http://ufldl.stanford.edu/housenumbers/extra_32x32.mat",
            "extra_32x32.mat",
            "a93ce644f1a588dc4d68dda5feec44a7",
        ],
    }

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.split = verify_str_arg(split, "split", tuple(self.split_list))
        self.url, self.filename, self.file_md5 = self.split_list[split]
        if download:
            self.download()
        if not self._check_integrity():
            raise RuntimeError("Dataset not found or corrupted. You can use download=True to download it")
        matlab = require("scipy.io", "scipy", "svhn", "SVHN, whose files are MATLAB's,")
        found = matlab.loadmat(os.path.join(self.root, self.filename))
        self.data = np.transpose(found["X"], (3, 2, 0, 1))
        self.labels = found["y"].astype(np.int64).squeeze()
        self.labels[self.labels == 10] = 0  # the file calls the digit 0 class 10

    def _check_integrity(self) -> bool:
        return check_integrity(os.path.join(self.root, self.filename), self.file_md5)

    def download(self) -> None:
        """Fetch the file of the split, unless it is there with the right sum."""
        download_url(self.url, self.root, self.filename, self.file_md5)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._transformed(as_image(self.data[index].transpose(1, 2, 0)), int(self.labels[index]))

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        """Return the line that tells which part this is."""
        return f"Split: {self.split}"
