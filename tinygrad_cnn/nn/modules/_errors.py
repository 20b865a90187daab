"""Naming the module in which an exception arose: 'in module features.3 (Conv2d), called with [2, 4, 9, 9]'."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from tinygrad_cnn.tensor import Tensor

_ATTRIBUTE = "_tinygrad_cnn_module"
_HAS_NOTES = sys.version_info >= (3, 11)


def add_module_path(error: BaseException, module: Any, arguments: Iterable[Any]) -> None:
    """Note on `error`, which leaves a call of `module`, the dotted path of the innermost module it came from, and the
    shapes of the tensors that this was called with.

    A module does not know its own name, only its children's. So the innermost module notes its type, and each module
    further out that the exception passes puts before it the path that leads from there.
    """
    known = getattr(error, _ATTRIBUTE, None)
    if known is None:
        path, kind, note = "", (type(module).__name__, _shapes(arguments)), None
    else:
        inner, path, kind, note = known
        names = (name for name, candidate in module.named_modules() if candidate is inner)
        name = next(names, None)
        if not name:  # called from elsewhere in the program, or by itself: it is no part of this tree
            return
        path = f"{name}.{path}" if path else name
    name, shapes = kind
    new_note = (f"in module {path} ({name})" if path else f"in module {name}") + shapes
    try:
        setattr(error, _ATTRIBUTE, (module, path, kind, new_note))
    except AttributeError:  # an exception class with __slots__
        return
    _replace_note(error, note, new_note)


def _shapes(arguments: Iterable[Any]) -> str:
    """Return the shapes of the tensors among the arguments, in words."""
    shapes = [str([*argument.shape]) for argument in arguments if isinstance(argument, Tensor)]
    return f", called with {', '.join(shapes)}" if shapes else ""


def _replace_note(error: BaseException, old: str | None, new: str) -> None:
    """Put `new` in the place of `old` among the notes; before Python 3.11, at the end of the message."""
    if _HAS_NOTES:
        notes = getattr(error, "__notes__", [])
        if old in notes:
            notes[notes.index(old)] = new
        else:
            error.add_note(new)  # type: ignore[attr-defined]
        return
    if error.args and isinstance(error.args[0], str):
        message = error.args[0]
        if old is not None:
            message = message.removesuffix(f"\n{old}")
        error.args = (f"{message}\n{new}", *error.args[1:])
