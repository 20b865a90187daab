"""Data sets of images, transforms, networks and pictures, as torchvision names them: `import ... as torchvision`."""

import importlib as _importlib
import typing as _typing

if _typing.TYPE_CHECKING:
    from tinygrad_cnn.vision import datasets, io, transforms, utils

_PARTS = ("datasets", "io", "models", "ops", "transforms", "utils")

# The release whose names and arguments these are.
__version__ = "0.28.0"
__all__ = ["datasets", "get_image_backend", "io", "set_image_backend", "transforms", "utils"]


def get_image_backend() -> str:
    """Return the name of the library that reads images: Pillow's."""
    return "PIL"


def set_image_backend(backend: str) -> None:
    """Accept "PIL"; NotImplementedError for "accimage", ValueError for others (`torchvision.set_image_backend`)."""
    if backend == "accimage":
        raise NotImplementedError("images are read by Pillow; accimage is not supported")
    if backend != "PIL":
        raise ValueError(f"Invalid backend '{backend}'. Options are 'PIL' and 'accimage'")


def disable_beta_transforms_warning() -> None:
    """Do nothing, as torchvision does since its version 0.17."""


def __getattr__(name: str) -> _typing.Any:
    """Import a part when it is first used."""
    if name in _PARTS:
        try:
            return _importlib.import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
