"""Libraries that only some of `vision` needs: imported when they are used, with advice where they are missing."""

from __future__ import annotations

import importlib
import sys
from typing import Any

__all__ = ["image_from_array", "is_pillow_image", "pillow", "require"]


def require(module: str, package: str, extra: str, what: str) -> Any:
    """Return a module; ImportError that tells what needs it and how to install it where it is missing."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{what} needs {package}, which is not installed: pip install {package}, or pip install "
            f"'tinygrad_cnn[{extra}]'"
        ) from error


def pillow(module: str = "Image", what: str = "this function on images") -> Any:
    """Return a module of Pillow; ImportError with advice where Pillow is missing."""
    return require(f"PIL.{module}", "pillow", "vision", what)


def is_pillow_image(value: Any) -> bool:
    """Tell whether `value` is a Pillow image; where Pillow has not been imported, nothing is."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(value, module.Image)


def image_from_array(array: Any, mode: str | None = None) -> Any:
    """Return a Pillow image of an array (H, W) or (H, W, C), whose bytes `mode` interprets (None: by type and shape).

    `Image.fromarray` has a `mode` only in some versions of Pillow; `frombytes` has it in all.
    """
    image = pillow(what="making images of arrays")
    if mode is None:
        return image.fromarray(array)
    return image.frombytes(mode, (array.shape[1], array.shape[0]), array.tobytes())
