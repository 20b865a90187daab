"""Errors for names of PyTorch that are not here: they say so, and where to look."""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable
from importlib import import_module
from types import FrameType, ModuleType
from typing import Any

from tinygrad_cnn._version import __version__
from tinygrad_cnn.compat.names import elsewhere, torch_name

__all__ = ["adopt_loaded_modules", "missing_module"]

_ADVICE = (
    "tinygrad_cnn stands in for PyTorch here and lacks this name; what it has, and where to ask for more: README, "
    '"What differs from PyTorch"'
)
_IMPORT_FROM = dis.opmap["IMPORT_FROM"]


def missing_module(name: str) -> ModuleNotFoundError:
    """Return the error for a module."""
    return ModuleNotFoundError(f"No module named {name!r}: {_ADVICE}", name=name)


def adopt_loaded_modules() -> None:
    """Enter our modules that are loaded by now under PyTorch's names.

    Were they left for `import torch.autograd.gradcheck` to find, Python would then set that module as an attribute of
    its package, over the function of the same name.
    """
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "tinygrad_cnn" and isinstance(module, ModuleType) and "_core" not in name:
            sys.modules.setdefault(torch_name(name), module)
            _explain_missing(module)


def _explain_missing(module: ModuleType) -> None:
    """Let `module` raise errors with advice for names that it lacks."""
    names = vars(module)
    if isinstance(names.get("__getattr__"), _Explained):
        return
    if names.get("__version__") == __version__:
        from tinygrad_cnn.compat import TORCH_VERSION

        module.__version__ = TORCH_VERSION  # type: ignore[attr-defined]
    module.__getattr__ = _Explained(module, names.get("__getattr__"))  # type: ignore[method-assign]


class _Explained:
    """The `__getattr__` of a module: asks the module's own first, and raises with advice what that does not find."""

    def __init__(self, module: ModuleType, own: Callable[[str], Any] | None) -> None:
        self._module, self._own = module, own

    def __call__(self, name: str) -> Any:
        module = self._module
        place = torch_name(module.__name__)
        if (other := elsewhere(f"{place}.{name}")) is not None:
            return import_module(other)
        if self._own is not None:
            try:
                value = self._own(name)
            except AttributeError as error:
                if str(error) != f"module {module.__name__!r} has no attribute {name!r}":
                    raise  # a mistake elsewhere
            else:
                if isinstance(value, ModuleType):  # imported just now
                    adopt_loaded_modules()
                return value
        if name.startswith("__"):
            raise AttributeError(f"module {place!r} has no attribute {name!r}")
        if _imports(sys._getframe(1)):
            raise ImportError(f"cannot import name {name!r} from {place!r}: {_ADVICE}", name=place) from None
        raise AttributeError(f"module {place!r} has no attribute {name!r}: {_ADVICE}", name=name, obj=module) from None


def _imports(frame: FrameType) -> bool:
    """Tell whether the frame is at `from module import name`: an AttributeError of ours would be swallowed there."""
    return frame.f_lasti >= 0 and frame.f_code.co_code[frame.f_lasti] == _IMPORT_FROM
