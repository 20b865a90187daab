"""Reading pickles of Python 2 that hold dictionaries, lists, numbers, strings and NumPy arrays of bytes.

CIFAR is published so. Nothing that a file names is called: arrays are rebuilt by the three steps below, each of which
checks what it is given.
"""

from __future__ import annotations

import math
import os
import pickle
from typing import IO, Any

import numpy as np

from tinygrad_cnn.serialization.unpickler import Instruction, Unpickler

__all__ = ["parse_python2_pickle", "read_python2_pickle"]


class _Array:
    """An array that the file has announced (REDUCE) and then fills (BUILD)."""

    pixels: Any = None

    def fill(self, state: Any) -> None:
        """Take (version, shape, dtype, order, data), the state of NumPy's arrays; data are characters 0 to 255."""
        _, shape, dtype, is_fortran, data = state
        if dtype is not _BYTES or type(data) is not str:
            raise ValueError("an array of something else than bytes")
        if type(shape) is not tuple or not all(type(size) is int and size >= 0 for size in shape):
            raise ValueError("the shape of an array is not one")
        raw = data.encode("latin-1")
        if math.prod(shape) != len(raw):
            raise ValueError(f"an array of shape {shape} with {len(raw)} bytes")
        self.pixels = np.frombuffer(bytearray(raw), np.uint8).reshape(shape, order="F" if is_fortran else "C")


class _Name:
    """A name that the file may mention; two of them stand for functions."""

    def __init__(self, name: str) -> None:
        self.name = name


_RECONSTRUCT, _NDARRAY, _DTYPE, _BYTES = (_Name(name) for name in ("reconstruct", "ndarray", "dtype", "dtype of bytes"))
_NAMES = {
    "numpy.core.multiarray._reconstruct": _RECONSTRUCT,
    "numpy._core.multiarray._reconstruct": _RECONSTRUCT,
    "numpy.ndarray": _NDARRAY,
    "numpy.dtype": _DTYPE,
}


class _Python2Unpickler(Unpickler):
    """The allow-list unpickler with Python 2's strings, and with NumPy's arrays of bytes as the only objects."""

    def do_global(self) -> None:
        """Push what one of NumPy's three names means."""
        name = self._name()
        if name not in _NAMES:
            raise pickle.UnpicklingError(f"the file names {name}, which such files have no use for")
        self._push(_NAMES[name])

    def do_reduce(self) -> None:
        """Announce an array, or give the dtype of bytes."""
        arguments, function = self._pop(), self._pop()
        if function is _RECONSTRUCT and arguments and arguments[0] is _NDARRAY:
            self._push(_Array())
        elif function is _DTYPE and arguments and arguments[0] in ("u1", "uint8"):
            self._push(_BYTES)
        else:
            raise pickle.UnpicklingError("the file calls something that is not allowed")

    def do_build(self) -> None:
        """Fill an array; the byte order of bytes does not matter."""
        state = self._pop()
        target = self._stack[-1]
        if isinstance(target, _Array):
            if type(state) is not tuple:
                raise pickle.UnpicklingError(f"the state of an array is a {type(state).__name__}")
            self._budget.charge_copy(state)
            target.fill(state)
        elif target is not _BYTES:
            raise pickle.UnpicklingError("the file sets attributes of something that is no array")

    def _text(self, form: str) -> None:
        """Push a string of Python 2: bytes, taken for characters 0 to 255."""
        self._push(self._read(self._unpack(form)).decode("latin-1"))


def _refuse(u: Any) -> None:
    raise pickle.UnpicklingError("the file makes an object, which such files have no use for")


_OWN: dict[bytes, Instruction] = {
    pickle.GLOBAL: lambda u: u.do_global(),
    pickle.REDUCE: lambda u: u.do_reduce(),
    pickle.BUILD: lambda u: u.do_build(),
    pickle.NEWOBJ: _refuse,
    pickle.SHORT_BINSTRING: lambda u: u._text("<B"),  # type: ignore[attr-defined]
    pickle.BINSTRING: lambda u: u._text("<I"),  # type: ignore[attr-defined]
}
_Python2Unpickler.instructions = Unpickler.instructions | {code[0]: step for code, step in _OWN.items()}


def _no_storages(identifier: Any) -> Any:
    raise pickle.UnpicklingError("the file refers to data outside of itself")


def parse_python2_pickle(file: IO[bytes], name: str) -> dict[str, Any]:
    """Return the dictionary that an open file holds; pickle.UnpicklingError, with `name` in front, for anything else.

    Values of the dictionary may be arrays, which are not looked for any deeper.
    """
    try:
        found = _Python2Unpickler(file, _no_storages).load()
    except (pickle.UnpicklingError, EOFError) as error:
        raise pickle.UnpicklingError(f"{name}: {error}") from error
    if type(found) is not dict:
        raise pickle.UnpicklingError(f"{name}: it holds {type(found).__name__} instead of a dictionary")
    values = {key: value.pixels if isinstance(value, _Array) else value for key, value in found.items()}
    if any(isinstance(found[key], _Array) and value is None for key, value in values.items()):
        raise pickle.UnpicklingError(f"{name}: it announces an array and never fills it")
    return values


def read_python2_pickle(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the dictionary of a file at `path`; see `parse_python2_pickle`."""
    with open(path, "rb") as file:
        return parse_python2_pickle(file, os.fspath(path))
