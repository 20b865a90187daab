"""Buffers that end, or begin, at a page that can be neither read nor written."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Sequence
from typing import Any

import numpy as np

PAGE = mmap.PAGESIZE
BAND = 64  # bytes on the open side of a buffer that must stay as they are
PATTERN = bytes([0x5A]) * BAND
BUFFERS = 12


def _forbid(address: int) -> None:
    """Take all access to a page away.

    Raises:
        OSError: the system refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(PAGE), 0) != 0:
        raise OSError(ctypes.get_errno(), "mprotect")


class Fence:
    """Memory for the operands of one call after the other, each between two forbidden pages.

    `at_end` places them against the page behind them, else against the one before them. An access beyond it ends the
    process; `check()` sees what was written on the other side, and whether inputs were changed.
    """

    def __init__(self, size: int = 128 * PAGE):
        self._size = size
        self._maps = [mmap.mmap(-1, size + 2 * PAGE) for _ in range(BUFFERS)]
        for memory in self._maps:
            first = ctypes.addressof(ctypes.c_char.from_buffer(memory))
            _forbid(first)
            _forbid(first + PAGE + size)
        self.begin(True)

    def begin(self, at_end: bool) -> None:
        """Forget the operands of the last call."""
        self.at_end = at_end
        self._bands: list[int] = []
        self._inputs: list[tuple[np.ndarray, bytes]] = []

    def out(self, shape: Sequence[int], dtype: Any) -> np.ndarray:
        """Return a buffer to write to, of NaN or of 0x5a bytes."""
        dtype = np.dtype(dtype)
        memory = self._maps[len(self._bands)]
        count = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        assert count + BAND <= self._size, "the operand is larger than a buffer"
        first = PAGE + self._size - count if self.at_end else PAGE
        band = first - BAND if self.at_end else first + count
        memory[band : band + BAND] = PATTERN
        self._bands.append(band)
        array: np.ndarray = np.ndarray(tuple(shape), dtype, memory, first)
        if dtype.kind == "f":
            array.fill(np.nan)
        else:
            memory[first : first + count] = PATTERN[:1] * count
        return array

    def both(self, values: np.ndarray) -> np.ndarray:
        """Return a dense copy of an operand that is read and written."""
        array = self.out(values.shape, values.dtype)
        array[...] = values
        return array

    def put(self, values: np.ndarray) -> np.ndarray:
        """Return a dense copy of an input, which must stay as it is."""
        array = self.both(values)
        self._inputs.append((array, array.tobytes()))
        return array

    def check(self) -> None:
        """Assert that the call wrote nothing but its outputs."""
        for number, band in enumerate(self._bands):
            assert self._maps[number][band : band + BAND] == PATTERN, f"written outside of operand {number}"
        for array, before in self._inputs:
            assert array.tobytes() == before, "an input was changed"
