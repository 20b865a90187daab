"""PyTorch's names for this package: `import torch`, `import torchvision` and their parts give what is here.

`install_as_torch()` does so in the process that calls it, `python -m tinygrad_cnn script.py args...` for a whole script
that stays as it is, `%load_ext tinygrad_cnn` in a notebook. `torch.nn` then IS `tinygrad_cnn.nn`, one module under two
names, so classes are the same whichever way they are imported; packages that import torch find it, too.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["TORCH_VERSION", "install_as_torch", "load_ipython_extension"]

# What packages compare with the oldest PyTorch that they support: the release whose names and results these are. The
# part after the plus sign, a local version as in PyTorch's own "2.13.0+cpu", tells it from PyTorch.
TORCH_VERSION = "2.13.0+tinygrad.cnn"


def install_as_torch(force: bool = False) -> None:
    """Let `import torch` and `import torchvision` in this process give tinygrad_cnn and tinygrad_cnn.vision.

    Call it before anything imports torch. `torch.__version__` is then "2.13.0+tinygrad.cnn", and names that are not
    here raise errors that say so. Processes started by `multiprocessing` have the same names. Calling it again does
    nothing.

    Raises RuntimeError where PyTorch is installed, unless force=True, which hides it; always if it is already imported.
    """
    from tinygrad_cnn.compat.finder import TorchFinder, find_pytorch

    if any(isinstance(finder, TorchFinder) for finder in sys.meta_path):
        return
    if "torch" in sys.modules:
        raise RuntimeError("install_as_torch: this process has imported torch already; call it before the first import")
    place = None if force else find_pytorch()
    if place is not None:
        raise RuntimeError(
            f"PyTorch is installed here ({place}), and `import torch` would no longer give it. To use tinygrad_cnn all "
            "the same: install_as_torch(force=True), or python -m tinygrad_cnn --force script.py"
        )
    TorchFinder().install()


def load_ipython_extension(ipython: Any) -> None:
    """Do `install_as_torch()`: what IPython and Jupyter call for `%load_ext tinygrad_cnn`."""
    install_as_torch()
