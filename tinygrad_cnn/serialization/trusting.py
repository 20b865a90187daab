"""Python's own unpickler, for files that are trusted (weights_only=False): PyTorch's names are looked up here."""

from __future__ import annotations

import contextlib
import importlib
import pickle
from collections.abc import Callable
from typing import IO, Any

from tinygrad_cnn.serialization import allowlist

__all__ = ["TrustingUnpickler", "counterpart"]

_PACKAGE = __name__.split(".")[0]
_ROOTS = {"torch": _PACKAGE, "torchvision": f"{_PACKAGE}.vision"}


def counterpart(module: str, name: str) -> Any:
    """Return what stands here for a name of PyTorch's or torchvision's; None for other packages.

    `torch.nn.modules.activation.ReLU` may live in another file here, so it is looked for in the packages above, too.
    pickle.UnpicklingError if there is none.
    """
    root, *parts = module.split(".")
    if root not in _ROOTS:
        return None
    for count in range(len(parts), -1, -1):
        try:
            found: Any = importlib.import_module(".".join([_ROOTS[root], *parts[:count]]))
            for part in name.split("."):
                found = getattr(found, part)
            return found
        except (ImportError, AttributeError):
            continue
    raise pickle.UnpicklingError(f"the file needs {module}.{name}, for which there is nothing in {_PACKAGE}")


class TrustingUnpickler(pickle.Unpickler):
    """Reads one pickle; the classes of a project are imported as the file names them.

    `persistent_load` turns the ids of storages into storages.
    """

    def __init__(self, file: IO[bytes], persistent_load: Callable[[Any], Any], **options: Any) -> None:
        super().__init__(file, **options)
        self._persistent_load = persistent_load

    def persistent_load(self, identifier: Any) -> Any:
        """Return the storage of an id."""
        return self._persistent_load(identifier)

    def find_class(self, module: str, name: str) -> Any:
        """Return what a name means: on the allow-list, in this package for PyTorch's, else wherever it says."""
        with contextlib.suppress(KeyError):
            return allowlist.find(f"{module}.{name}")
        found = counterpart(module, name)
        return super().find_class(module, name) if found is None else found
