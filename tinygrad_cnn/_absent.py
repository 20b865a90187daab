"""What is not there: functions of devices, each of which raises what it raises in PyTorch's CPU build, and methods
that a subclass has to define."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["abstract", "refusing"]


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


def abstract(owner: Any, name: str) -> NotImplementedError:
    """Return the error of a method that a subclass has to define; owner: the object, or its class."""
    kind = owner if isinstance(owner, type) else type(owner)
    return NotImplementedError(f"a subclass has to define {name}(), and {kind.__name__} does not")
