"""What a case of the tests of bits is: one call or several of a C function, its memory placed as the test wants it.

A case draws its inputs from a seed, so that it can be called again with the same numbers elsewhere in memory, with
another number of threads, after other work. What it keeps must be the same to the last bit each time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from tests.core.raw import CODES
from tinygrad_cnn._core import lib

LINE = 64  # bytes, to which the allocator aligns


class Call:
    """The arrays of one case: sizes and values from `seed`, all buffers `offset` elements behind an aligned address.

    Seed 0 gives sizes at which the thread pool splits the work; others give any size up to half as much again, every
    eighth of them sizes that take long (`large`) as well. `like` is an earlier call of the case, whose inputs are taken
    again rather than drawn, `unsigned` without their signs: what is linear then gives the sums of its terms' sizes.
    """

    def __init__(self, dtype: type, seed: int = 0, offset: int = 0, like: Call | None = None, unsigned: bool = False):
        self.dtype = np.dtype(dtype)
        self.code = CODES[self.dtype]
        self.seed, self.offset, self.large = seed, offset, seed % 8 == 1
        self.sizes, self.numbers = np.random.default_rng(seed).spawn(2)
        self.inputs: list[np.ndarray] = []
        self.again = iter(like.inputs) if like else None
        self.unsigned = unsigned
        self.held: list[np.ndarray] = []  # kernels get addresses
        self.kept: list[np.ndarray] = []

    def size(self, most: int, least: int = 1) -> int:
        """Return `most`, or any size up to half as much again, small ones as likely as large ones."""
        if self.seed == 0:
            return most
        return round(least * (1.5 * most / least) ** self.sizes.random())

    def place(self, array: np.ndarray) -> np.ndarray:
        """Return a dense copy at `offset` elements behind the start of a cache line."""
        placed = self.room(array.shape, array.dtype)
        placed[...] = array
        return placed

    def room(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """Return memory there, which lives as long as the call."""
        nbytes, before = math.prod(shape) * dtype.itemsize, self.offset * dtype.itemsize
        memory = np.empty(nbytes + LINE + before, np.uint8)
        first = -memory.ctypes.data % LINE + before
        self.held.append(memory)
        return memory[first : first + nbytes].view(dtype).reshape(shape)

    def draw(self, make: Callable[[np.random.Generator], np.ndarray]) -> np.ndarray:
        """Return what `make` draws, or what it drew in the earlier call."""
        array = make(self.numbers) if self.again is None else next(self.again)
        self.inputs.append(array)
        return self.place(np.abs(array) if self.unsigned and array.dtype.kind == "f" else array)

    def values(self, *shape: int, low: float = -2, high: float = 2) -> np.ndarray:
        """Return an input of the case's dtype."""
        return self.draw(lambda rng: low + (high - low) * rng.random(shape, self.dtype))

    def integers(self, high: int, *shape: int, low: int = 0, dtype: type = np.int64) -> np.ndarray:
        """Return an input of integers in [low, high)."""
        return self.draw(lambda rng: rng.integers(low, high, shape).astype(dtype))

    def out(self, *shape: int, dtype: type | None = None) -> np.ndarray:
        """Return an output, which is kept."""
        return self.keep(self.room(shape, np.dtype(dtype or self.dtype)))

    def keep(self, array: np.ndarray) -> np.ndarray:
        """Keep what a call changes in place."""
        self.kept.append(array)
        return array


Case = Callable[[Call], None]
CASES: dict[str, Case] = {}


def case(function: Case) -> Case:
    """Register the case of the C function of that name."""
    CASES[function.__name__] = function
    return function


def run(
    name: str, dtype: type, seed: int = 0, offset: int = 0, like: Call | None = None, unsigned: bool = False
) -> Call:
    """Run a case; the call has what it kept."""
    call = Call(dtype, seed, offset, like, unsigned)
    CASES[name](call)
    return call


def same(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    """Tell whether two results agree to the last bit."""
    return len(a) == len(b) and all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


# Threads, elements off the alignment, and whether the allocator starts without a cache.
PLANS = [(2, 1, True), (3, 3, False), (8, 0, True), (16, 2, False)]


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Set the number of threads for a while."""
    before = lib.tc_get_num_threads()
    lib.tc_set_num_threads(count)
    try:
        yield
    finally:
        lib.tc_set_num_threads(before)


def differing(name: str, dtype: type, seed: int = 0, repeats: int = 1) -> list[tuple[int, int, bool]]:
    """Return the plans under which a case gives other bits than on one thread."""
    with threads(1):
        expected = run(name, dtype, seed)
    wrong = []
    for plan in PLANS * repeats:
        count, offset, cold = plan
        if cold:
            lib.tc_alloc_trim()
        with threads(count):
            if not same(run(name, dtype, seed, offset, expected).kept, expected.kept):
                wrong.append(plan)
    return wrong
