"""Lines and branches of C sources as gcov counts them, merged over all compilations of a line.

A template is compiled for every instruction set and dtype: a line of it counts as covered if one of them ran. Of a
branch, the arcs of equal number are the same ones in each compilation; where the compiler saw constants and dropped
some, the compilations with most arcs say which there are.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Line:
    """How often a line ran, and for each number of arcs that compilations of it have, how often each was taken."""

    count: int = 0
    compilations: dict[int, list[int]] = field(default_factory=dict)

    def add(self, count: int, arcs: list[int]) -> None:
        """Merge one compilation of the line."""
        self.count += count
        before = self.compilations.setdefault(len(arcs), [0] * len(arcs))
        before[:] = map(int.__add__, before, arcs)

    @property
    def arcs(self) -> list[int]:
        """How often each arc of the line's branches was taken."""
        return self.compilations[max(self.compilations)]


Lines = dict[int, Line]


def documents(objects: Path) -> Iterator[dict]:
    """Yield what gcov says of each object file below a folder."""
    for data in sorted(objects.rglob("*.gcda")):
        command = ["gcov", "--json-format", "--branch-probabilities", "--stdout", data.name]
        done = subprocess.run(command, cwd=data.parent, check=True, capture_output=True, text=True)
        for line in done.stdout.splitlines():
            if line.startswith("{"):
                yield json.loads(line)


def read(objects: Path, sources: Path) -> dict[str, Lines]:
    """Return the lines of each file of the folder `sources` that were compiled into the objects."""
    files: dict[str, Lines] = {}
    for document in documents(objects):
        for file in document["files"]:
            path = Path(document["current_working_directory"], file["file"]).resolve()
            if path.parent != sources.resolve():
                continue
            lines = files.setdefault(path.name, {})
            for entry in file["lines"]:
                arcs = [branch["count"] for branch in entry["branches"]]
                lines.setdefault(entry["line_number"], Line()).add(entry["count"], arcs)
    return dict(sorted(files.items()))


@dataclass
class Shares:
    """Lines and arcs of some files, and how many of them ran."""

    lines: int = 0
    ran: int = 0
    arcs: int = 0
    taken: int = 0

    def add(self, lines: Lines) -> Shares:
        """Count the lines of a file, too; return these shares."""
        for line in lines.values():
            self.lines += 1
            self.ran += line.count > 0
            self.arcs += len(line.arcs)
            self.taken += sum(count > 0 for count in line.arcs)
        return self

    def percent(self) -> tuple[float, float]:
        """Return the shares of lines and of arcs; all of none ran."""
        return percent(self.ran, self.lines), percent(self.taken, self.arcs)


def percent(part: int, whole: int) -> float:
    """Return a share; that of nothing is 100."""
    return 100 * part / whole if whole else 100.0
