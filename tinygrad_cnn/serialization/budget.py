"""What reading a pickle may cost: no more than its length explains, however its parts refer to each other.

A pickle can name one value many times (its memo), so that a few kilobytes could ask for copies, or for hashes of nested
tuples, without end. Honest files name an argument once, so that each element that is copied has a byte of its own.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from typing import Any

from tinygrad_cnn.tensor import Tensor

__all__ = ["Budget", "brief"]

_DEEPEST = 1000
_HASHES_PER_BYTE = 100  # honest files share parts of keys, too
_CONTAINERS = (list, tuple, dict, set, Tensor)
_SIZED = (str, bytes, bytearray, *_CONTAINERS[:-1])


def brief(value: Any) -> str:
    """Return what a message shows of a value from a file: of containers, which may be huge if printed, the type."""
    return type(value).__name__ if isinstance(value, _CONTAINERS) else f"{value!r:.100}"


class Budget:
    """The account of one pickle. Its methods raise pickle.UnpicklingError when it is overdrawn."""

    def __init__(self) -> None:
        self.bytes = 0  # of the pickle, read so far
        self._copied = 0
        self._hashed = 0
        self._tuples: dict[int, tuple[int, int, Any]] = {}  # id: depth, elements with those inside, the tuple

    def note_tuple(self, value: tuple[Any, ...]) -> None:
        """Take note of a new tuple. The nesting is limited: hashing one a million deep would overflow the C stack."""
        depth = size = 1
        for item in value:
            if isinstance(item, tuple):
                inner = self._tuples.get(id(item))
                depth = max(depth, 1 + inner[0] if inner else 2)
                size += inner[1] if inner else 1 + len(item)
            else:
                size += 1
        if depth > _DEEPEST:
            raise pickle.UnpicklingError(f"tuples are nested more than {_DEEPEST} deep")
        self._tuples[id(value)] = depth, size, value  # held, so that the id stays its own

    def charge_copy(self, value: Any) -> None:
        """Pay for the elements of an argument, and for those of its parts if it is a tuple."""
        parts = (value, *value) if type(value) is tuple else (value,)
        self._copied += sum(len(part) for part in parts if isinstance(part, _SIZED))
        if self._copied > self.bytes:
            raise pickle.UnpicklingError("the same values are copied again and again, more than the file could hold")

    def charge_keys(self, keys: Iterable[Any]) -> None:
        """Pay for the hashes of keys, which Python computes anew for each tuple and for all that is inside."""
        for key in keys:
            if isinstance(key, tuple):
                known = self._tuples.get(id(key))
                self._hashed += known[1] if known else 1 + len(key)
        if self._hashed > _HASHES_PER_BYTE * self.bytes:
            raise pickle.UnpicklingError("the keys are tuples that repeat others, more than the file could hold")
