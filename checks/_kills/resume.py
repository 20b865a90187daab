"""Kills of `examples/train_mnist.py`: a run that is resumed ends with the bits of one that was never killed."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tinygrad_cnn as torch
from tinygrad_cnn.utils import files

from .example import small_example
from .victim import Notes, die_at_line, run_and_kill

EPOCHS, IMAGES, FILES = 3, 400, ("checkpoint.pt", "weights.pt")
_SAVES = EPOCHS + 2  # before the first epoch, after each, and the weights
_LINES = 60  # of files.py in one save, about


def same(left: Any, right: Any) -> bool:
    """Tell whether two states are equal to the bit; files need not be, they note which equal strings are one object."""
    if type(left) is not type(right):
        return False
    if isinstance(left, torch.Tensor):
        return (left.dtype, left.shape) == (
            right.dtype,
            right.shape,
        ) and left.numpy().tobytes() == right.numpy().tobytes()
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


class Runs:
    """Training runs that start alike, of which all but the first are killed."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self._rng = folder, random.Random(seed)
        self._main = small_example(IMAGES)
        self.kills = 0
        self.findings: list[str] = []
        begun = time.monotonic()
        run_and_kill(self._child(folder / "whole"), None)
        self._seconds = time.monotonic() - begun
        self._expected = self._states(folder / "whole")

    def _child(self, out: Path, line: int = 0) -> Callable[[Notes], None]:
        arguments = ["--seed", "3", "--epochs", str(EPOCHS), "--batch-size", "32", "--lr", "0.02", "--threads", "2"]

        def work(notes: Notes) -> None:
            if line:
                die_at_line(str(files.__file__), line)
            status = self._main([*arguments, "--out", str(out), "--resume"])
            if status:
                raise RuntimeError(f"the example ended with status {status}")

        return work

    @staticmethod
    def _states(out: Path) -> list[Any]:
        return [torch.load(out / name) for name in FILES]

    def kill_one(self, most: int) -> None:
        """Kill and resume a run one to `most` times at random moments, let it end then, and compare."""
        out = self._folder / f"killed{self.kills}"
        moments = []
        for _ in range(self._rng.randint(1, most)):
            if self._rng.random() < 0.7:
                delay = self._rng.uniform(0, self._seconds)
                moments.append(f"{delay:.3f} s")
                status, _ = run_and_kill(self._child(out), delay)
            else:
                line = self._rng.randint(1, _SAVES * _LINES)
                moments.append(f"line {line} of a save")
                status, _ = run_and_kill(self._child(out, line), None)
            self.kills += status != 0
        where = f"resume, killed after {', '.join(moments)}"
        run_and_kill(self._child(out), None)
        for name, found, expected in zip(FILES, self._states(out), self._expected, strict=True):
            if not same(found, expected):
                self.findings.append(f"{where}: other bits in {name}")
        if left := set(os.listdir(out)) - set(FILES):
            self.findings.append(f"{where}: left are {sorted(left)}")
        shutil.rmtree(out)
