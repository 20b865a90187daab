"""Figures of the last run of each check, kept between two comments of `TESTING.md`."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

from benchmarks.machine import cores, processor

from . import ROOT
from .outcome import Outcome

TESTING = ROOT / "TESTING.md"


def block(key: str, lines: str) -> str:
    """Return what stands in the file for the check `key`."""
    return f"<!-- {key} -->\n{lines}\n<!-- end -->"


def write(name: str, command: str, seconds: float, outcome: Outcome, file: Path = TESTING) -> None:
    """Put the figures of a run in the place of those of the last one.

    Raises:
        LookupError: the file has no place for this check.
    """
    key = " ".join(filter(None, [name, outcome.part]))
    today = datetime.date.today()
    took = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
    head = f"`{command}`, {today.day} {today:%B %Y}, {took}, {processor()}, {cores()} cores:"
    text = file.read_text(encoding="utf-8")
    place = re.compile(rf"<!-- {re.escape(key)} -->\n.*?<!-- end -->", re.DOTALL)
    if not place.search(text):
        raise LookupError(f"{file.name} has no lines <!-- {key} --> and <!-- end -->, between which the figures go")
    lines = f"{head}\n{'passed' if outcome.passed else 'failed'}. {outcome.figures.strip()}"
    file.write_text(place.sub(lambda _: block(key, lines), text), encoding="utf-8")
