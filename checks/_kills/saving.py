"""Kills while a checkpoint is saved: afterwards the old or the new one loads whole."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tinygrad_cnn as torch
from tinygrad_cnn import serialization
from tinygrad_cnn.utils import files

from .example import load_example
from .victim import Notes, die_at_line, lines_of, run_and_kill

STAGES = ("between two saves", "writing", "flushing the file", "naming it", "moving it", "flushing the folder")
_STEPS = {"fsync": 2, "link": 3, "replace": 4}  # functions of the system, and the stages that they are


class Kind:
    """A way of saving: what is saved says its number in every element, so that a mixture shows."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.path = name, folder / f"{name}.file"

    def state(self, number: int) -> Any:
        """Return what is saved under a number."""
        return {"weight": torch.full((50_000,), float(number)), "bias": torch.full((10,), number)}

    def save(self, number: int) -> None:
        """Save what belongs to a number."""
        torch.save(self.state(number), self.path)

    def numbers(self) -> set[float]:
        """Return the numbers that the file holds: one, if it is whole."""
        return {number for tensor in torch.load(self.path).values() for number in tensor.unique().tolist()}


class Legacy(Kind):
    """PyTorch's format before 1.6."""

    def save(self, number: int) -> None:
        """Save what belongs to a number."""
        torch.save(self.state(number), self.path, _use_new_zipfile_serialization=False)


class Safetensors(Kind):
    """The format of the package safetensors."""

    def save(self, number: int) -> None:
        """Save what belongs to a number."""
        from tinygrad_cnn.utils.safetensors import save_file

        save_file(self.state(number), self.path)

    def numbers(self) -> set[float]:
        """Return the numbers that the file holds."""
        from tinygrad_cnn.utils.safetensors import load_file

        return {number for tensor in load_file(self.path).values() for number in tensor.unique().tolist()}


class Example(Kind):
    """The checkpoint of `examples/train_mnist.py`."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name, folder)
        example = load_example()
        arguments = example.parse_arguments(["--out", str(folder), "--seed", "0"])
        self.path = arguments.checkpoint
        self._run = example.Run(arguments, steps_per_epoch=10)

    def save(self, number: int) -> None:
        """Save what belongs to a number."""
        with torch.no_grad():
            for parameter in self._run.net.parameters():
                parameter.fill_(number)
        self._run.history.losses = [float(number)] * 1000
        self._run.save()

    def numbers(self) -> set[float]:
        """Return the numbers that the file holds."""
        state = torch.load(self.path)
        return {number for tensor in (*state["net"].values(), state["losses"]) for number in tensor.unique().tolist()}


KINDS: dict[str, type[Kind]] = {"zip": Kind, "legacy": Legacy, "safetensors": Safetensors, "example": Example}


def _note_steps(notes: Notes) -> None:
    """Have the functions of the system that replace a file note that they were reached (in a child: for good)."""

    def noting(function: Callable[..., Any], stage: int) -> Callable[..., Any]:
        def noted(*arguments: Any, **options: Any) -> Any:
            last = stage == 2 and notes[Notes.STAGE] == 4  # the second flush of a save is the folder's
            notes[Notes.STAGE] = 5 if last else stage
            return function(*arguments, **options)

        return noted

    for name, stage in _STEPS.items():
        setattr(os, name, noting(getattr(os, name), stage))


class Campaign:
    """Kills of one kind of saving, in one folder, as in the life of one checkpoint."""

    def __init__(self, kind: Kind, nameless: bool, seed: int) -> None:
        self.kind, self._nameless = kind, nameless
        self._rng = random.Random(f"{kind.name} {nameless} {seed}")
        self.stages: Counter[str] = Counter()
        self.findings: list[str] = []
        self.new = 0  # kills in a save after which the file was the new one
        self.left = 0  # kills after which a temporary file was there
        kind.path.parent.mkdir(parents=True, exist_ok=True)
        self._last = 0
        begun = time.perf_counter()
        for _ in range(3):
            kind.save(0)
        self._seconds = (time.perf_counter() - begun) / 3
        # Half of the kills fall at any time, which is mostly a flush; the others at any line, of all that saves or of
        # what replaces the file.
        self._places = [str(Path(str(serialization.__file__)).parent), str(files.__file__)]
        self._lines = [lines_of(place, lambda: kind.save(0)) for place in self._places]

    def _child(self, place: str, line: int) -> Callable[[Notes], None]:
        def work(notes: Notes) -> None:
            if not self._nameless and hasattr(os, "O_TMPFILE"):
                del os.O_TMPFILE
            _note_steps(notes)
            if line:
                die_at_line(place, line)
            number = notes[Notes.BEGUN] = notes[Notes.ENDED] = self._last
            while True:
                number += 1
                notes[Notes.BEGUN], notes[Notes.STAGE] = number, 1
                self.kind.save(number)
                notes[Notes.ENDED], notes[Notes.STAGE] = number, 0

        return work

    def kill_once(self) -> None:
        """Have one process killed; look at what it left."""
        which = self._rng.randrange(2)
        if self._rng.random() < 0.5 or not self._lines[which]:
            delay = self._rng.uniform(0, 3 * self._seconds)
            _, notes = run_and_kill(self._child("", 0), delay)
            moment = f"after {1000 * delay:.1f} ms"
        else:
            line = self._rng.randint(1, 2 * self._lines[which])
            _, notes = run_and_kill(self._child(self._places[which], line), None)
            moment = f"at line {line} of {Path(self._places[which]).name}"
        ended, begun = max(notes[Notes.ENDED], self._last), max(notes[Notes.BEGUN], self._last)
        self.stages[STAGES[notes[Notes.STAGE]]] += 1
        where = f"{self.kind.name}, killed {moment}, {STAGES[notes[Notes.STAGE]]}"
        try:
            found = self.kind.numbers()
        except Exception as error:
            self.findings.append(f"{where}: {type(error).__name__}: {error}")
            self.kind.save(self._last)
            return
        if found not in ({float(ended)}, {float(begun)}):
            self.findings.append(f"{where}: saved were {ended} and {begun}, the file has {sorted(found)[:5]}")
        self._last = int(found.pop())
        self.new += ended < self._last
        left = len(os.listdir(self.kind.path.parent)) - 1
        self.left += left > 0
        if left > 1:
            self.findings.append(f"{where}: {left} files beside the checkpoint")

    def finish(self) -> None:
        """Save once more: what was left must be gone."""
        self.kind.save(self._last)
        if names := sorted(set(os.listdir(self.kind.path.parent)) - {self.kind.path.name}):
            self.findings.append(f"{self.kind.name}: still there after another save: {names}")
