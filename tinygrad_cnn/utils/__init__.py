"""Utilities, as `torch.utils` names them; each part is imported when it is first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tinygrad_cnn.utils import hooks

if TYPE_CHECKING:
    from tinygrad_cnn.utils import checkpoint, data, model_zoo, safetensors, tensorboard

_LAZY = ("checkpoint", "data", "model_zoo", "safetensors", "tensorboard")

__all__ = ["checkpoint", "data", "hooks", "model_zoo", "safetensors", "tensorboard"]


def __getattr__(name: str) -> Any:
    """Import a part of the package when it is first used."""
    if name in _LAZY:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
