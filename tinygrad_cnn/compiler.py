"""`torch.compile` and `torch.compiler`: nothing is compiled at run time, the core is compiled already.

What scripts compile runs as it is, with the same results.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

__all__ = [
    "allow_in_graph",
    "assume_constant_result",
    "compile",
    "cudagraph_mark_step_begin",
    "disable",
    "is_compiling",
    "is_dynamo_compiling",
    "is_exporting",
    "list_backends",
    "reset",
    "set_stance",
]


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: str | Callable[..., Any] = "inductor",
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    disable: bool = False,
) -> Any:
    """Return `model` itself, or a decorator that returns its function: nothing is compiled (`torch.compile`).

    PyTorch returns a wrapper, whose state_dict has `_orig_mod.` in front of each name; here the names stay.
    RuntimeError for both mode and options, as in PyTorch.
    """
    if mode is not None and options is not None:
        raise RuntimeError("Either mode or options can be specified, but both can't be specified at the same time.")
    if model is None:
        return lambda function: function
    return model


def is_compiling() -> bool:
    """Return False."""
    return False


is_dynamo_compiling = is_exporting = is_compiling


def reset() -> None:
    """Do nothing: there is nothing compiled to forget."""


def cudagraph_mark_step_begin() -> None:
    """Do nothing."""


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """Return `fn` itself, or a decorator that does."""
    return (lambda function: function) if fn is None else fn


def allow_in_graph(fn: Any) -> Any:
    """Return `fn` itself."""
    return fn


assume_constant_result = substitute_in_graph = allow_in_graph


def list_backends(exclude_tags: Any = ("debug", "experimental")) -> list[str]:
    """Return []."""
    return []


def set_stance(stance: Any = "default", *, skip_guard_eval_unsafe: bool = False, force_backend: Any = None) -> Any:
    """Return a context that changes nothing."""
    return contextlib.nullcontext()
