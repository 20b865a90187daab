"""What the suite runs of the package: lines, branches, and the `raise` statements, by coverage.py.

Programs and workers that tests start are measured too. A `raise` is covered when its line ran; those that did not run
are printed with their file and line.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib.util
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from . import ROOT
from .outcome import Outcome

PACKAGE = ROOT / "tinygrad_cnn"
ENOUGH = 95.0
TESTS_FAILED = 1  # pytest's exit status
# They measure time, of which the measurement takes its own part, or where the package's lines come from.
LEFT_OUT = ("tests/test_import.py", "tests/test_packaging.py", "tests/test_steady_state.py", "tests/benchmarks")
CONFIGURATION = """
[run]
branch = True
parallel = True
sigterm = True
patch = subprocess, fork, _exit
source_pkgs = tinygrad_cnn
data_file = {folder}/data
disable_warnings = no-data-collected, module-not-imported, module-not-measured
[report]
ignore_errors = True
"""


def options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the part `package`."""
    parser.add_argument("--tests", nargs="*", default=["tests"], help="files or folders of tests, all by default")
    parser.add_argument("--workers", type=int, default=2, help="processes that run tests at once")
    parser.add_argument("--keep", type=Path, help="a folder for the data, to which a later run adds its own")
    parser.add_argument("--lines", action="store_true", help="print the lines that did not run as well")


def run(args: argparse.Namespace) -> Outcome:
    """Run the tests under coverage.py, print what did not run, and return the shares."""
    if importlib.util.find_spec("coverage") is None:
        raise ModuleNotFoundError("this check measures with coverage.py: pip install 'coverage>=7.10'")
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep.resolve() if args.keep else Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        status = measure(folder, args.tests, args.workers)
        report = combined(folder)
    raises = {name: sites(PACKAGE.parent / name) for name in report}
    missed = {name: [line for line in lines if not ran(report[name], line)] for name, lines in raises.items()}
    print_files(report, raises, missed, args.lines)
    return outcome(report, raises, missed, status, args.tests)


def measure(folder: Path, tests: list[str], workers: int) -> int:
    """Run tests with their data in `folder`; return pytest's exit status, of what failed without the measurement."""
    configuration = folder / "coveragerc"
    configuration.write_text(CONFIGURATION.format(folder=folder), encoding="utf-8")
    pytest = ["-m", "pytest", "-q", "-o", f"cache_dir={folder / 'cache'}", *tests]
    pytest += [*(f"--ignore={path}" for path in LEFT_OUT), *(["-n", str(workers)] if workers > 1 else [])]

    def status(*command: str) -> int:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, check=False).returncode

    measured = status("-m", "coverage", "run", f"--rcfile={configuration}", *pytest)
    if measured != TESTS_FAILED:
        return measured
    print(
        "what failed, without the measurement, which may itself fail where a test forks or sends signals:", flush=True
    )
    return status(*pytest, "--last-failed")


def combined(folder: Path) -> dict[str, dict]:
    """Return what coverage.py reports of each file, by its path from the root."""
    drop_broken(folder)
    configured = [f"--rcfile={folder / 'coveragerc'}", "-q"]
    for command in (["combine", "--append", *configured], ["json", *configured, "-o", str(folder / "report.json")]):
        subprocess.run([sys.executable, "-m", "coverage", *command], cwd=ROOT, check=True)
    files = json.loads((folder / "report.json").read_text(encoding="utf-8"))["files"]
    return dict(sorted(files.items()))


def drop_broken(folder: Path) -> None:
    """Remove the data of processes that were killed, or whose files might not grow, while they wrote it, and say so."""
    for file in sorted(folder.glob("data.*")):
        try:
            with contextlib.closing(sqlite3.connect(file)) as data:
                whole = data.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        except sqlite3.DatabaseError:
            whole = False
        if not whole:
            print(f"left out, not whole: {file.name}")
            file.unlink()


def sites(file: Path) -> list[int]:
    """Return the lines of the `raise` statements of a file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return sorted(node.lineno for node in ast.walk(tree) if isinstance(node, ast.Raise))


def ran(report: dict, line: int) -> bool:
    """Whether a line of a file ran; those that the report leaves out count as run."""
    return line not in report["missing_lines"]


def print_files(report: dict, raises: dict, missed: dict, lines: bool) -> None:
    """Print a table of the files that were not covered wholly, and the places."""
    print(f"\n{'covered':>8} {'raises':>9}  file")
    for name, found in report.items():
        covered, count = found["summary"]["percent_covered"], len(raises[name])
        if covered < 100 or missed[name]:
            print(f"{covered:7.1f}% {count - len(missed[name]):4}/{count:<4}  {name}")
            if lines and found["missing_lines"]:
                print(f"{'':20}lines {', '.join(map(str, found['missing_lines']))}")
    print("\nraise statements that no test reaches:")
    for name, places in missed.items():
        text = (ROOT / name).read_text(encoding="utf-8").splitlines()
        for line in places:
            print(f"  {name}:{line}: {text[line - 1].strip()}")


def outcome(report: dict, raises: dict, missed: dict, status: int, tests: list[str]) -> Outcome:
    """Return the shares of lines, branches and raise statements."""

    def share(part: str, whole: str) -> tuple[float, int]:
        total = sum(found["summary"][whole] for found in report.values())
        return 100 * sum(found["summary"][part] for found in report.values()) / total, total

    lines, line_count = share("covered_lines", "num_statements")
    branches, branch_count = share("covered_branches", "num_branches")
    count, absent = sum(map(len, raises.values())), sum(map(len, missed.values()))
    errors = 100 * (count - absent) / count
    figures = (
        f"{len(report)} files: {lines:.1f} % of {line_count:,} statements, {branches:.1f} % of {branch_count:,} "
        f"branches, {errors:.1f} % of {count:,} `raise` statements"
    )
    if status:
        again = " ".join(["pytest", *tests])
        figures += f". pytest ended with status {status}: `{again}` repeats it without the measurement"
    return Outcome(min(lines, errors) >= ENOUGH and status == 0, figures + ".", "package")
