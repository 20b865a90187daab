"""Handles by which a registered hook can be taken out again (PyTorch's `torch.utils.hooks`)."""

from __future__ import annotations

import itertools
import weakref
from collections import OrderedDict
from collections.abc import Callable, MutableMapping
from typing import Any

__all__ = ["RemovableHandle", "register"]

_ids = itertools.count()


def _reference(mapping: Any) -> Callable[[], Any]:
    """Refer to the mapping weakly, so that a handle kept for long does not keep a dead object's hooks alive. A plain
    dict cannot be referred to weakly; it is held."""
    try:
        return weakref.ref(mapping)
    except TypeError:
        return lambda: mapping


class RemovableHandle:
    """What `register_*_hook` returns: `remove()` takes the hook out; as a context manager, at the end of the block.

    `hooks_dict` is the dictionary that the hook is entered into under `handle.id`; `extra_dict` is another one (or a
    list of them) whose entry of the same id goes with it. Removing twice is harmless.
    """

    def __init__(self, hooks_dict: MutableMapping[int, Any], *, extra_dict: Any = None) -> None:
        extra = [] if extra_dict is None else [extra_dict] if isinstance(extra_dict, dict) else list(extra_dict)
        self.id = next(_ids)
        self._references = [_reference(mapping) for mapping in (hooks_dict, *extra)]

    def remove(self) -> None:
        """Take the hook out of its dictionaries."""
        for reference in self._references:
            hooks = reference()
            if hooks is not None:
                hooks.pop(self.id, None)

    def __getstate__(self) -> tuple[int, list[Any]]:
        return self.id, [reference() for reference in self._references]

    def __setstate__(self, state: tuple[int, list[Any]]) -> None:
        global _ids
        self.id, mappings = state
        self._references = [_reference(OrderedDict() if mapping is None else mapping) for mapping in mappings]
        _ids = itertools.count(max(next(_ids), self.id + 1))

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


def register(
    hooks: MutableMapping[int, Any],
    hook: Callable[..., Any],
    prepend: bool = False,
    flags: tuple[OrderedDict[int, bool], ...] = (),
) -> RemovableHandle:
    """Add `hook` to `hooks` and return its handle; `prepend` puts it in front (of an OrderedDict), `flags` mark it."""
    handle = RemovableHandle(hooks, extra_dict=list(flags))
    hooks[handle.id] = hook
    if prepend:
        hooks.move_to_end(handle.id, last=False)  # type: ignore[attr-defined]
    for flag in flags:
        flag[handle.id] = True
    return handle
