"""Verdicts in a file, so that a run of hours that was cut goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path


class Kept:
    """What became of faults, by their names, as lines of JSON; the first says of which sources.

    Raises:
        ValueError: the file is of other sources, whose faults are others.
    """

    def __init__(self, path: Path | None, files: dict[str, str]) -> None:
        self.path = path
        self.verdicts: dict[str, dict] = {}
        if path is None:
            return
        sources = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
        if path.exists():
            first, *rest = map(json.loads, path.read_text(encoding="utf-8").splitlines())
            if first != {"sources": sources}:
                raise ValueError(f"{path} keeps verdicts on other sources of the core: begin another file")
            self.verdicts = {each.pop("name"): each for each in rest}
        else:
            path.write_text(json.dumps({"sources": sources}) + "\n", encoding="utf-8")

    def add(self, name: str, **verdict: str | float) -> None:
        """Keep one more."""
        self.verdicts[name] = verdict
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"name": name, **verdict}) + "\n")
