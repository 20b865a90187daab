"""All properties by name, and how one case of one of them is run, found again and reported."""

from __future__ import annotations

import random
import warnings
from typing import NamedTuple

from . import (
    arithmetic,
    arrangements,
    convolution,
    halves,
    indexing,
    joining,
    padding,
    pooling,
    reductions,
    sampling,
    smooth,
    steps,
    views,
)
from .draw import Draw, Property, attempt, minimise

FAMILIES = (
    *(convolution, pooling, views, joining, padding, indexing, arithmetic, smooth, arrangements, reductions),
    *(halves, sampling, steps),
)
PROPERTIES: dict[str, Property] = {case.__name__: case for family in FAMILIES for case in family.PROPERTIES}


class Finding(NamedTuple):
    """A failure, made small."""

    name: str
    choices: list[int]
    text: str

    @property
    def command(self) -> str:
        """Return the command that repeats it."""
        return f"python -m checks shapes --only {self.name} --repeat {'.'.join(map(str, self.choices))}"

    def __str__(self) -> str:
        return f"{self.text}\n    {self.command}"


def _finding(name: str, draw: Draw) -> Finding:
    error = draw.error
    return Finding(name, draw.choices, f"{name}: {', '.join(draw.notes)}\n    {type(error).__name__}: {error}")


def run(name: str, seed: int, index: int) -> Finding | None:
    """Run the case of a property that a seed and a number say; return its smallest failing form, if it fails."""
    case = PROPERTIES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        draw = attempt(case, Draw(random.Random(f"{name}:{seed}:{index}")))
        return None if draw.error is None else _finding(name, minimise(case, draw.choices))


def repeat(name: str, choices: list[int]) -> Finding | None:
    """Run a case from its choices."""
    draw = attempt(PROPERTIES[name], Draw(choices))
    return None if draw.error is None else _finding(name, draw)
