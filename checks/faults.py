"""Faults put into the core's arithmetic, indexing and bounds: how many of them the tests notice.

Each is one change of one place of core/*.c and core/*.h: another operator, constant, index, bound of a loop, operand
or arm of a condition, a negation or statement left out (`_fault_kinds.py`). Lines are drawn at random, so files count
by their code. A change that does not compile is none, nor is one that leaves the compiled code as it was, byte for
byte, or one that somebody has looked at and found to change no result (`_fault_harmless.py`). The core is built with
-O1 for the instruction sets that this machine has; the tests that are most concerned run first (`_fault_tests.py`), and
the first failure, crash or run without end ends it.
"""

from __future__ import annotations

import argparse
import difflib
import random
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from xml.etree import ElementTree

from tinygrad_cnn.core.runtime import isa_available

from . import ROOT
from ._fault_core import Core
from ._fault_harmless import why_harmless
from ._fault_keep import Kept
from ._fault_kinds import Change, changes
from ._fault_tests import stages
from ._scratch import copy_sources
from .outcome import Outcome

ENOUGH = 90.0
TABLES = {"avx2", "avx512", "neon"}
AIDS = {"alloc_testing.c"}  # of test builds alone


def options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this check."""
    parser.add_argument("--count", type=int, default=200, help="how many faults")
    parser.add_argument("--seed", type=int, default=0, help="which ones")
    parser.add_argument("--workers", type=int, default=2, help="copies of the core that are tested at once")
    parser.add_argument("--only", nargs="+", metavar="FAULT", help="faults by name, as this check prints them")
    parser.add_argument("--stages", type=int, default=3, help="parts of the tests: 1 runs the most concerned alone")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="keep verdicts here, and go on from those it has")
    parser.add_argument("--files", nargs="+", metavar="FILE", help="draw from these files of core/ alone")


@dataclass(frozen=True)
class Fault:
    """One change of one file, and its name: file:line:column:kind."""

    file: str
    source: str
    change: Change

    @property
    def row(self) -> int:
        """How many lines stand before it."""
        return self.source.count("\n", 0, self.change.start)

    @property
    def name(self) -> str:
        """Say where and of what kind it is."""
        column = self.change.start - (self.source.rfind("\n", 0, self.change.start) + 1) + 1
        return f"{self.file}:{self.row + 1}:{column}:{self.change.kind.replace(' ', '-')}"

    @property
    def harmless(self) -> bool:
        """Whether somebody has looked at it and found that no test can notice it."""
        return bool(why_harmless(self.file, self.change.kind, self.source.splitlines()[self.row]))

    def diff(self) -> str:
        """Return it as a patch."""
        before, after = self.source.splitlines(), self.change.apply(self.source).splitlines()
        return "\n".join(difflib.unified_diff(before, after, f"core/{self.file}", f"core/{self.file}", "", "", 1, ""))


@dataclass(frozen=True)
class Verdict:
    """What became of a fault: why it is none, or the test that noticed it, or neither."""

    fault: Fault
    none: str = ""
    noticed: str = ""
    seconds: float = 0


def sources(chosen: list[str] | None) -> dict[str, str]:
    """Return the text of the core's files, all or some of them."""
    paths = [path for path in sorted((ROOT / "core").glob("*.[ch]")) if path.name in (chosen or {path.name} - AIDS)]
    return {path.name: path.read_text(encoding="utf-8") for path in paths}


def draw(files: dict[str, str], seed: int) -> Iterator[Fault]:
    """Yield faults without end: any line that may have one, one kind of those that fit there, one place."""
    lines: dict[tuple[str, int], dict[str, list[Change]]] = {}
    for file, source in files.items():
        for change in changes(source):
            line = source.count("\n", 0, change.start)
            kind = change.kind.rstrip("+-*.01")
            lines.setdefault((file, line), {}).setdefault(kind, []).append(change)
    generator, places, seen = random.Random(seed), list(lines), set()
    while True:
        place = generator.choice(places)
        kinds = lines[place]
        change = generator.choice(kinds[generator.choice(list(kinds))])
        if (place[0], change) not in seen:
            seen.add((place[0], change))
            yield Fault(place[0], files[place[0]], change)


def named(files: dict[str, str], names: list[str]) -> list[Fault]:
    """Return faults by their names."""
    wanted = {name.partition(":")[0] for name in names}
    every = [Fault(file, files[file], change) for file in wanted for change in changes(files[file])]
    found = {fault.name: fault for fault in every}
    return [found[name] for name in names]


def usual_seconds(core: Core, tests: list[str]) -> dict[str, float]:
    """Return how long each file of tests takes without a fault; one of which only a test is wanted, that test.

    Raises:
        RuntimeError: a test fails without one.
    """
    report = core.tree.parent / "report.xml"
    failed = core.failure(tests, 3600, f"--junitxml={report}", "-o", "junit_family=xunit1")
    if failed:
        raise RuntimeError(f"{failed} does not pass without a fault, so it cannot notice one")
    took = dict.fromkeys(tests, 0.0)
    for case in ElementTree.parse(report).iter("testcase"):
        file = case.get("file", "")
        for name in {file, f"{file}::{case.get('name')}"} & took.keys():
            took[name] += float(case.get("time", 0))
    return took


def judge(core: Core, fault: Fault, parts: int, usual: dict[str, float]) -> Verdict:
    """Put a fault in, run the tests until one notices it, and take it out again."""
    began = time.monotonic()
    unused = [f"isa_{name}.c" for name in TABLES - set(isa_available())]
    try:
        none = core.compile(fault.file, fault.change.apply(fault.source), unused)
        noticed = ""
        for tests in stages(fault.file, core.tree)[:parts] if not none else []:
            noticed = core.failure(tests, 30 + 4 * sum(usual[test] for test in tests), "-x")
            if noticed:
                break
        return Verdict(fault, none, noticed, time.monotonic() - began)
    finally:
        core.restore(fault.file, fault.source)


def judge_all(
    cores: list[Core], drawn: Iterator[Fault], count: int, parts: int, usual: dict[str, float], kept: Kept
) -> list[Verdict]:
    """Judge faults side by side until `count` of them are some; print each as it is done, or was in an earlier run."""
    lock = Lock()
    verdicts: list[Verdict] = []
    begun = 0

    def work(core: Core) -> None:
        nonlocal begun
        while True:
            with lock:
                fault = next(drawn, None) if begun < count else None
                if fault is None:
                    return
                begun += 1
            known = {"none": "harmless"} if fault.harmless else kept.verdicts.get(fault.name)
            verdict = Verdict(fault, **known) if known else judge(core, fault, parts, usual)
            with lock:
                if not known:
                    kept.add(fault.name, none=verdict.none, noticed=verdict.noticed, seconds=verdict.seconds)
                begun -= bool(verdict.none)
                verdicts.append(verdict)
                done = sum(not each.none for each in verdicts)
                what = verdict.none or (f"noticed by {verdict.noticed}" if verdict.noticed else "NOT NOTICED")
                print(f"[{done:3}/{count}] {verdict.seconds:4.0f} s  {fault.name}: {what}", flush=True)

    with ThreadPoolExecutor(len(cores)) as pool:
        list(pool.map(work, cores))
    return verdicts


def run(args: argparse.Namespace) -> Outcome:
    """Judge the faults; print those that no test noticed."""
    files = sources(args.files)
    chosen = named(files, args.only) if args.only else []
    kept = Kept(args.keep, files)
    drawn, count = (iter(chosen), len(chosen)) if chosen else (draw(files, args.seed), args.count)
    with tempfile.TemporaryDirectory() as scratch:
        first = Core.build(copy_sources(Path(scratch, "0")))
        met = {fault.file for fault in chosen} or set(files)
        parts = [part for file in met if changes(files[file]) for part in stages(file, first.tree)[: args.stages]]
        usual = usual_seconds(first, sorted({test for part in parts for test in part}))
        cores = [first, *(first.copy(Path(scratch, str(i))) for i in range(1, args.workers))]
        verdicts = judge_all(cores, drawn, count, args.stages, usual, kept)
    return outcome(verdicts)


def outcome(verdicts: list[Verdict]) -> Outcome:
    """Print the faults that no test noticed; return the share of the others."""
    faults = [verdict for verdict in verdicts if not verdict.none]
    survivors = [verdict.fault for verdict in faults if not verdict.noticed]
    for fault in survivors:
        print(f"\n{fault.diff()}\n# python -m checks faults --only '{fault.name}'")
    noticed = len(faults) - len(survivors)
    share = 100 * noticed / max(len(faults), 1)
    nones = ("does not compile", "same code", "harmless")
    broken, same, harmless = (sum(verdict.none == why for verdict in verdicts) for why in nones)
    seconds = sum(verdict.seconds for verdict in faults) / max(len(faults), 1)
    figures = (
        f"{noticed} of {len(faults)} faults noticed ({share:.1f} %), {seconds:.0f} s each; {broken} more changes did "
        f"not compile, {same} left the compiled code as it was, and {harmless} are listed as harmless."
    )
    return Outcome(share >= ENOUGH, figures)
