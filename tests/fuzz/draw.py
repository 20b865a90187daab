"""A random case as the list of choices that made it, which makes it repeatable and small.

Properties ask a `Draw` for everything that is random. Each answer is one number below a bound; the numbers of a case
are all there is to it, so a failing case is repeated from them and made smaller by making them smaller (0 is always the
simplest choice). Hypothesis works like that, too, but takes 90 us for a choice where this takes 0.3: several times as
long as a whole case.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


class Draw:
    """Makes the choices of one case, from a generator or from a list of earlier ones (0 where the list has ended)."""

    def __init__(self, source: random.Random | Sequence[int]):
        self._source = source
        self.choices: list[int] = []
        self.notes: list[str] = []
        self.error: Exception | None = None

    def below(self, count: int) -> int:
        """Choose one of 0...count - 1."""
        if isinstance(self._source, random.Random):
            # quicker than randrange, and as good for counts far below 2**53
            chosen = int(self._source.random() * count)
        else:
            place = len(self.choices)
            chosen = min(self._source[place], count - 1) if place < len(self._source) else 0
        self.choices.append(chosen)
        return chosen

    def integer(self, low: int, high: int) -> int:
        """Choose one of low...high; low is the simplest."""
        return low + self.below(high - low + 1)

    def integers(self, count: int, low: int, high: int) -> tuple[int, ...]:
        """Choose several numbers of low...high."""
        return tuple([low + self.below(high - low + 1) for _ in range(count)])

    def flag(self, one_in: int = 2) -> bool:
        """Choose True in one of so many cases."""
        return self.below(one_in) == one_in - 1

    def choose(self, among: Sequence[T]) -> T:
        """Choose one; the first is the simplest."""
        return among[self.below(len(among))]

    def some(self, among: Sequence[T], least: int = 0) -> list[T]:
        """Choose at least so many of them, in their order."""
        found = [item for item in among if self.flag()]
        return found if len(found) >= least else list(among[:least])

    def permutation(self, count: int) -> list[int]:
        """Choose an order of 0...count - 1."""
        left = list(range(count))
        return [left.pop(self.below(len(left))) for _ in range(count)]

    def rng(self) -> np.random.Generator:
        """Return a generator of array elements."""
        return np.random.Generator(np.random.PCG64(self.below(1 << 16)))

    def note(self, text: Any, value: T) -> T:
        """Say in the report of a failure what was drawn; return it."""
        self.notes.append(f"{text}={value!r}")
        return value


Property = Callable[[Draw], None]


def attempt(case: Property, draw: Draw) -> Draw:
    """Run a case and return it, with the exception if it failed."""
    try:
        case(draw)
    except Exception as error:
        draw.error = error
    return draw


def minimise(case: Property, choices: Sequence[int], tries: int = 2000) -> Draw:
    """Return the smallest failing case found by leaving out choices and lessening them, in so many tries."""
    best = attempt(case, Draw(choices))
    kind = type(best.error)

    def better(changed: list[int]) -> bool:
        nonlocal best, tries
        tries -= 1
        draw = attempt(case, Draw(changed))
        if type(draw.error) is not kind:
            return False
        if (len(draw.choices), draw.choices) >= (len(best.choices), best.choices):
            return False
        best = draw
        return True

    improved = True
    while improved and tries > 0:
        improved = False
        for length in (8, 4, 2, 1):
            place = len(best.choices) - length
            while place >= 0 and tries > 0:
                if better(best.choices[:place] + best.choices[place + length :]):
                    improved = True
                place = min(place - 1, len(best.choices) - length)
        for place in range(len(best.choices)):
            while place < len(best.choices) and best.choices[place] and tries > 0:
                value = best.choices[place]
                smaller = (0, value // 2, value - 1)
                if not any(better([*best.choices[:place], less, *best.choices[place + 1 :]]) for less in smaller):
                    break
                improved = True
    return best
