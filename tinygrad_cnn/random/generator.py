"""Generator: the source of random numbers, PyTorch's CPU one bit for bit, and the default one."""

from __future__ import annotations

import os
import struct
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_cnn import dtypes
from tinygrad_cnn.core.random import WORDS, GeneratorState
from tinygrad_cnn.tensor import Tensor, wrap

__all__ = [
    "Generator",
    "default_generator",
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "seed",
    "set_rng_state",
]

# PyTorch's layout of a CPU generator's state: seed, words left, whether seeded, next word; the words, 64 bits each;
# then x, y, rho of the normal distribution, of which y is the spare one, and whether it is valid; a float spare, never
# used.
_HEAD, _TAIL = struct.Struct("<QiiQ"), struct.Struct("<dddi12x")
_SIZE = _HEAD.size + 8 * WORDS + _TAIL.size
_DEFAULT_SEED = 67280421310721  # PyTorch's, of a Generator that nobody has seeded


class _Known:
    """All generators that there are. What a thread adds or drops while another looks does no harm."""

    def __init__(self) -> None:
        self._references: dict[int, weakref.ref[Generator]] = {}

    def add(self, generator: Generator) -> None:
        """Add one, for as long as it lives."""
        key = id(generator)
        self._references[key] = weakref.ref(generator, lambda _: self._references.pop(key, None))

    def __iter__(self) -> Iterator[Generator]:
        found = [reference() for reference in list(self._references.values())]
        return iter([generator for generator in found if generator is not None])


_known = _Known()


def _check_seed(value: Any) -> int:
    number = int(value)
    if not -(2**63) <= number < 2**64:
        raise ValueError("Overflow when unpacking long long")
    return number % 2**64


class Generator:
    """A source of random numbers with a state of its own (`torch.Generator`): after the same seed PyTorch's numbers.

    Functions lock it while they draw, so that threads may share one; a handler of a signal may draw amid a draw.
    """

    def __init__(self, device: Any = "cpu"):
        dtypes.check_device(device)
        self._state = GeneratorState()
        self._state.seed(_DEFAULT_SEED)
        self._lock = threading.RLock()
        _known.add(self)

    @property
    def device(self) -> dtypes.device:
        """Always the CPU."""
        return dtypes.CPU

    def manual_seed(self, seed: int) -> Generator:
        """Start anew from a seed in [-2**63, 2**64) (negative ones count from 2**64); ValueError for another."""
        number = _check_seed(seed)
        with self._lock:
            self._state.seed(number)
        return self

    def seed(self) -> int:
        """Start anew from a seed that the operating system gives, and return it."""
        number = int.from_bytes(os.urandom(8), "little")
        self.manual_seed(number)
        return number

    def initial_seed(self) -> int:
        """Return the seed that it was last started from."""
        return self._state.initial_seed

    def get_state(self) -> Tensor:
        """Return the state as a uint8 tensor of 5056 elements, in the layout of PyTorch's CPU generator."""
        with self._lock:
            seed, words, following, has_spare, spare = self._state.read()
        fresh = following == WORDS and int(words[0]) == seed % 2**32
        left = 1 if following == WORDS else WORDS + 1 - following
        state = _HEAD.pack(seed, left, 1, 0 if fresh else following)
        state += words.astype("<u8").tobytes() + _TAIL.pack(0.0, spare if has_spare else 0.0, 0.0, has_spare)
        return wrap(np.frombuffer(state, np.uint8).copy())

    def set_state(self, new_state: Tensor) -> Generator:
        """Go to a state that `get_state`, here or in PyTorch, has returned.

        Raises TypeError for what is not a uint8 tensor, RuntimeError for another size or an invalid state.
        """
        if not isinstance(new_state, Tensor) or new_state.dtype is not dtypes.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        if new_state.numel() != _SIZE:
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {_SIZE} but found the input RNG state size to be "
                f"{new_state.numel()}"
            )
        state = new_state._array.tobytes()
        seed, left, seeded, following = _HEAD.unpack_from(state)
        words = np.frombuffer(state, "<u8", WORDS, _HEAD.size)
        _, spare, _, has_spare = _TAIL.unpack_from(state, _HEAD.size + 8 * WORDS)
        if not (seeded and 1 <= left <= WORDS and following <= WORDS and int(words.max()) < 2**32):
            raise RuntimeError("Invalid mt19937 state")
        with self._lock:
            self._state.write(seed, words, WORDS if left == 1 else following, bool(has_spare), spare)
        return self

    def clone_state(self) -> Generator:
        """Return another generator in the same state."""
        return Generator().set_state(self.get_state())

    def __reduce__(self) -> Any:
        return _rebuild, (self.get_state(),)


def _rebuild(state: Tensor) -> Generator:
    """Unpickle a Generator."""
    return Generator().set_state(state)


default_generator = Generator()
default_generator.seed()


_forking = threading.RLock()  # one thread forks at a time
_held: list[Generator] = []


def _hold() -> None:
    """Wait until no thread draws: a forked child lacks that thread, and would find a state half written."""
    _forking.acquire()
    for generator in _known:
        generator._lock.acquire()
        _held.append(generator)


def _release() -> None:
    """Let them draw again, in the parent and in the child."""
    while _held:
        _held.pop()._lock.release()
    _forking.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold, after_in_parent=_release, after_in_child=_release)


def manual_seed(seed: int) -> Generator:
    """Seed the default generator and return it (`torch.manual_seed`): weights, shuffles and noise repeat."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Seed the default generator from the operating system and return the seed (`torch.seed`)."""
    return default_generator.seed()


def initial_seed() -> int:
    """Return the seed of the default generator (`torch.initial_seed`)."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """Return the state of the default generator (`torch.get_rng_state`)."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Set the state of the default generator (`torch.set_rng_state`); errors as `Generator.set_state`."""
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(
    devices: Any = None,
    enabled: bool = True,
    _caller: str = "fork_rng",
    _devices_kw: str = "devices",
    device_type: str = "cuda",
) -> Iterator[None]:
    """Restore the default generator at the end of a `with` block (`torch.random.fork_rng`); the CPU's is the only
    one."""
    if not enabled:
        yield
        return
    state = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(state)
