"""PyTorch's CPU generator and what is drawn from it (core/random.c)."""

from __future__ import annotations

from typing import Any

import numpy as np

from .buffers import Array, code, ffi, lib, pointer

WORDS = 624  # of the Mersenne Twister's state


class GeneratorState:
    """A `tc_generator`: the Mersenne Twister's state, and the spare number of the normal distribution."""

    __slots__ = ("_c",)

    def __init__(self) -> None:
        self._c = ffi.new("tc_generator *")

    def seed(self, seed: int) -> None:
        """Start anew from an unsigned 64-bit seed."""
        lib.tc_generator_seed(self._c, seed)

    @property
    def initial_seed(self) -> int:
        """The seed it was started from."""
        return int(self._c.seed)

    def random32(self) -> int:
        """Return the next 32 bits."""
        return int(lib.tc_random32(self._c))

    def random64(self) -> int:
        """Return the next 64 bits."""
        return int(lib.tc_random64(self._c))

    def uniform(self, out: Array, low: float, high: float) -> None:
        """Fill a dense float array from [low, high)."""
        lib.tc_uniform(self._c, code(out.dtype), out.size, low, high, pointer(out))

    def normal(self, out: Array, mean: float, std: float) -> None:
        """Fill a dense float array with normal numbers; from 16 elements on by a recipe of its own, as PyTorch."""
        lib.tc_normal(self._c, code(out.dtype), out.size, mean, std, pointer(out))

    def normal_one_by_one(self, out: Array, mean: float, std: float) -> None:
        """Fill a dense float array by the recipe for less than 16 elements, however many there are."""
        flat = out.reshape(-1)
        for start in range(0, flat.size, 15):
            self.normal(flat[start : start + 15], mean, std)

    def integers(self, count: int, low: int, span: int) -> Array:
        """Return `count` int64 numbers from [low, low + span); a span of 2**64 gives all of int64."""
        out = np.empty(count, np.int64)
        lib.tc_random_range(self._c, count, low, span % 2**64, ffi.from_buffer("int64_t[]", out))
        return out

    def bernoulli(self, out: Array, p: float) -> None:
        """Fill a dense array of any dtype with 1, with probability p, and 0."""
        lib.tc_bernoulli(self._c, code(out.dtype), out.size, p, pointer(out))

    def permutation(self, count: int) -> Array:
        """Return the numbers from 0 to count - 1 in random order, int64."""
        out = np.empty(count, np.int64)
        lib.tc_randperm(self._c, count, ffi.from_buffer("int64_t[]", out))
        return out

    def read(self) -> tuple[int, Array, int, bool, float]:
        """Return seed, the 624 words, the index of the next one, and the spare: whether there is one, and its value."""
        c = self._c
        words = np.frombuffer(ffi.buffer(c.state), np.uint32).copy()
        return int(c.seed), words, int(c.next), bool(c.has_spare), float(c.spare)

    def write(self, seed: int, words: Any, next_word: int, has_spare: bool, spare: float) -> None:
        """Set what `read` returns; `next_word` must lie in [0, 624]."""
        c = self._c
        ffi.buffer(c.state)[:] = np.ascontiguousarray(words, np.uint32).tobytes()
        c.seed, c.next, c.has_spare, c.spare = seed, next_word, has_spare, spare
