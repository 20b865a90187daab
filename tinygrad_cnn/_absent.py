"""Functions of devices that are not there: each raises what it raises in PyTorch's CPU build."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["refusing"]


def refusing(module: str, kind: type[Exception], message: str, names: str) -> dict[str, Callable[..., Any]]:
    """Return functions of these names (separated by spaces) that raise; `{}` in the message is the name."""

    def make(name: str) -> Callable[..., Any]:
        text = message.format(name)

        def refuse(*args: Any, **kwargs: Any) -> Any:
            raise kind(text)

        refuse.__name__ = refuse.__qualname__ = name
        refuse.__module__ = module
        refuse.__doc__ = f"Raise {kind.__name__}: {text}"
        return refuse

    return {name: make(name) for name in names.split()}
