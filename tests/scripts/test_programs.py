"""Whole programs written for PyTorch run unchanged, and print the numbers that they print under PyTorch.

`programs/` holds them, a folder for each field, written as people write them. A program prints lines of JSON. Under
PyTorch and under ours the same source must print the same keys, text and whole numbers, and the same other numbers to
1e-4 (in a list: of the largest). Where that cannot be, the program's docstring says so in a line that begins with
`Random stream:`; then keys, shapes and finiteness are compared, and that the loss falls.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FIELDS = sorted(folder.name for folder in (HERE / "programs").iterdir() if any(folder.glob("*.py")))
HAS_TORCH = importlib.util.find_spec("torch") is not None
RELATIVE, ABSOLUTE = 1e-4, 1e-6
OURS = ["-m", "tinygrad_cnn", "--force"]


def start(command: list[str], folder: Path) -> subprocess.Popen:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "default"}
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finish(process: subprocess.Popen) -> dict[str, dict]:
    """What each program reported, by its name."""
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    reports = [json.loads(line) for line in out.splitlines()]
    return {Path(report["program"]).stem: report for report in reports}


def difference(ours, theirs, loose: bool, place: str = "") -> str | None:
    """Where and how two printed values differ, None if they agree."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        if list(ours) != list(theirs):
            return f"{place}: keys {list(ours)}, not {list(theirs)}"
        return next(filter(None, (difference(ours[k], theirs[k], loose, f"{place}.{k}") for k in theirs)), None)
    if isinstance(theirs, list) and isinstance(ours, list):
        flat_ours, flat_theirs = list(flat(ours)), list(flat(theirs))
        if shape(ours) != shape(theirs) or len(flat_ours) != len(flat_theirs):
            return f"{place}: {ours}, not {theirs}"
        scale = max([abs(x) for x in flat_theirs if isinstance(x, float) and math.isfinite(x)], default=0.0)
        pairs = zip(flat_ours, flat_theirs, strict=True)
        return next(filter(None, (number(a, b, loose, f"{place}[{i}]", scale) for i, (a, b) in enumerate(pairs))), None)
    return number(ours, theirs, loose, place)


def number(ours, theirs, loose: bool, place: str, scale: float = 0.0) -> str | None:
    """Whether two single values differ."""
    if type(ours) is not type(theirs):
        return f"{place}: {ours!r}, not {theirs!r}"
    if loose:
        agree = not isinstance(ours, float) or math.isfinite(ours) == math.isfinite(theirs)
    elif isinstance(theirs, float):  # a NaN agrees with nothing: a program that goes astray compares nothing either
        agree = ours == theirs or abs(ours - theirs) <= RELATIVE * max(abs(theirs), scale) + ABSOLUTE
    else:
        agree = ours == theirs
    return None if agree else f"{place}: {ours!r}, not {theirs!r}"


def flat(values):
    for value in values:
        yield from flat(value) if isinstance(value, list) else [value]


def shape(value):
    return [shape(item) for item in value] if isinstance(value, list) else None


def failure(name: str, ours: dict, theirs: dict | None, loose: bool) -> str | None:
    """What is wrong with a program's report."""
    if ours["error"]:
        return f"{name} fails:\n{ours['error']}"
    lines = ours["lines"]
    if not lines:
        return f"{name} prints nothing"
    if theirs is not None:
        if theirs["error"]:
            return f"{name} fails under PyTorch:\n{theirs['error']}"
        if len(lines) != len(theirs["lines"]):
            return f"{name} prints {len(lines)} lines, under PyTorch {len(theirs['lines'])}"
        for i, (a, b) in enumerate(zip(lines, theirs["lines"], strict=True)):
            if found := difference(a, b, loose):
                return f"{name}, line {i}{found}"
    losses = [line["loss"] for line in lines if "loss" in line]
    if (loose or theirs is None) and not (all(map(math.isfinite, losses)) and losses[-1:] <= losses[:1]):
        return f"{name}: the loss does not fall: {losses}"
    return None


@pytest.mark.parametrize("field", FIELDS)
def test_programs_print_what_they_print_under_pytorch(field, tmp_path):
    programs = sorted((HERE / "programs" / field).glob("*.py"))
    command = [str(HERE / "run_programs.py"), *map(str, programs)]
    processes = [start([*OURS, *command], tmp_path)] + ([start(command, tmp_path)] if HAS_TORCH else [])
    ours, theirs = ([finish(process) for process in processes] + [None])[:2]
    loose = {program.stem for program in programs if "\nRandom stream:" in program.read_text()}
    failures = "\n\n".join(
        filter(None, (failure(name, ours[name], theirs and theirs[name], name in loose) for name in ours))
    )
    assert not failures, failures
    assert len(ours) == len(programs)


def test_a_program_gives_the_same_alone_and_with_arguments(tmp_path):
    program = HERE / "programs" / "classify" / "mnist_basic.py"
    alone = start([*OURS, str(program), "--epochs", "1", "--seed", "1"], tmp_path)
    among = finish(start([*OURS, str(HERE / "run_programs.py"), str(program)], tmp_path))[program.stem]
    out, errors = alone.communicate(timeout=300)
    assert alone.returncode == 0, errors
    lines = [json.loads(line) for line in out.splitlines()]
    assert lines[:-1] == among["lines"][: len(lines) - 1]
    assert lines[-1] == {"lr": 0.7}
