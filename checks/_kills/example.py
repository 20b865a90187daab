"""`examples/train_mnist.py` as a module, and on a few random images in place of MNIST."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import tinygrad_cnn as torch
from tinygrad_cnn.utils.data import TensorDataset

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def load_example() -> ModuleType:
    """Return the script as a module."""
    if str(EXAMPLES) not in sys.path:
        sys.path.append(str(EXAMPLES))
    return importlib.import_module("train_mnist")


def small_example(images: int) -> Any:
    """Return the script's `main`, with random images: `images` to train with, a quarter of that to test with."""
    example = load_example()
    generator = torch.Generator().manual_seed(0)

    def random_images(count: int) -> TensorDataset:
        pixels = torch.randn(count, 1, 28, 28, generator=generator)
        return TensorDataset(pixels, torch.randint(0, 10, (count,), generator=generator))

    parts = {True: random_images(images), False: random_images(images // 4)}

    def main(argv: list[str]) -> int:
        example.load = lambda root, train, download: parts[train]  # type: ignore[attr-defined]
        return int(example.main(argv))

    return main
