"""Reverse-mode automatic differentiation (`torch.autograd`).

`grad_mode` comes first: `tinygrad_cnn.tensor` needs it, and all that follows here needs `tinygrad_cnn.tensor`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import grad_mode  # isort: skip
from . import function, graph
from .anomaly import detect_anomaly, set_detect_anomaly
from .engine import backward, grad
from .function import Function
from .grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from .gradcheck import gradcheck, gradgradcheck
from .variable import Variable

if TYPE_CHECKING:
    import tinygrad_cnn.autograd.functional as functional
    import tinygrad_cnn.autograd.profiler as profiler

__all__ = [
    "Function",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "function",
    "functional",
    "grad",
    "grad_mode",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "no_grad",
    "profiler",
    "set_detect_anomaly",
    "set_grad_enabled",
]


def __getattr__(name: str) -> Any:
    """Import what few programs need when it is first asked for."""
    if name in ("functional", "profiler"):
        import importlib

        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
