"""The finder that answers `import torch...` and `import torchvision...` with the modules of this package."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from tinygrad_cnn.compat.missing import adopt_loaded_modules, missing_module
from tinygrad_cnn.compat.names import own_name

__all__ = ["TorchFinder", "find_pytorch"]


def find_pytorch() -> str | None:
    """Return where a PyTorch would be imported from, None if there is none."""
    spec = PathFinder.find_spec("torch")
    return None if spec is None else spec.origin  # a folder that merely is called torch has no origin


class TorchFinder:
    """Finder and loader of `torch` and `torchvision`: each name stands for a module of ours, imported if need be.

    The module itself is entered in `sys.modules` under PyTorch's name, not a copy.
    """

    def install(self) -> None:
        """Answer imports from now on: before the finder of files, which would load our files again under new names."""
        sys.meta_path.insert(0, self)
        adopt_loaded_modules()
        _teach_new_processes()

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        """Find the module of ours that `name` stands for; ModuleNotFoundError if PyTorch's name is not here."""
        own = own_name(name)
        if own is None:
            return None
        try:
            found = find_spec(own)
        except (ModuleNotFoundError, ValueError):  # the parent is no package, or was made by hand
            found = None
        if found is None:
            # An import gets an error with advice; `importlib.util.find_spec`, which asks only, gets None.
            if sys._getframe(1).f_back.f_code.co_name == "_find_and_load_unlocked":  # type: ignore[union-attr]
                raise missing_module(name) from None
            return None
        is_package = found.submodule_search_locations is not None
        return ModuleSpec(name, self, origin=found.origin, is_package=is_package)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Import our module."""
        module = import_module(str(own_name(spec.name)))
        spec.loader_state = module.__spec__  # for Python is about to put `spec` in its place
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Give the module, which has run before, its own specification back."""
        spec = module.__spec__
        module.__spec__ = spec.loader_state  # type: ignore[union-attr]
        adopt_loaded_modules()


class _InstallOnArrival:
    """Unpickling it installs the finder."""

    def __reduce__(self) -> Any:
        from tinygrad_cnn.compat import install_as_torch

        return install_as_torch, (True,)


def _teach_new_processes() -> None:
    """Let processes of `multiprocessing` that start anew (spawn, forkserver) install the finder.

    They import the script before they do anything else, and are told what to prepare for that by a pickled dictionary.
    """
    from multiprocessing import spawn

    prepare: Any = spawn.get_preparation_data

    def get_preparation_data(name: str) -> dict[str, Any]:
        return {**prepare(name), "tinygrad_cnn": _InstallOnArrival()}

    spawn.get_preparation_data = get_preparation_data
