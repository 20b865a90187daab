"""Random shapes, strides, dtypes and values against float64 references: the suite's properties with other seeds.

The properties are those of `tests/fuzz`, which the suite runs with 5,000 cases and a fixed seed. A case that fails is
made small, and the command that repeats it is printed.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from tests.fuzz.properties import PROPERTIES, Finding, repeat
from tests.fuzz.properties import run as run_case

from .outcome import Outcome

CHUNK = 500  # cases of one property that a process takes at a time
MOST_FINDINGS = 5  # of one property that are made small


def options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this check."""
    parser.add_argument("--cases", type=int, default=1_000_000, help="how many, over all properties (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of all cases (%(default)s)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="at a time (%(default)s)")
    parser.add_argument("--only", choices=sorted(PROPERTIES), metavar="PROPERTY", help="run one property alone")
    parser.add_argument("--repeat", metavar="CHOICES", help="run the one case of --only that a finding names")


def chunk(name: str, seed: int, first: int, count: int) -> list[Finding]:
    """Run some cases of a property; return what failed, each made small."""
    found: list[Finding] = []
    for index in range(first, first + count):
        finding = run_case(name, seed, index)
        if finding is not None:
            found.append(finding)
            if len(found) >= MOST_FINDINGS:
                break
    return found


def _alone() -> None:
    """Keep a process from starting threads: there is one process for each CPU."""
    from tinygrad_cnn import set_num_threads

    set_num_threads(1)


def run(args: argparse.Namespace) -> Outcome:
    """Run the cases in processes, as evenly over the properties as their number allows."""
    if args.repeat:
        if not args.only:
            raise SystemExit("--repeat needs the property, --only")
        finding = repeat(args.only, [int(choice) for choice in args.repeat.split(".")])
        return Outcome(finding is None, str(finding) if finding else "The case passes.")
    names = [args.only] if args.only else sorted(PROPERTIES)
    each = -(-args.cases // len(names))
    jobs = [(name, first, min(CHUNK, each - first)) for first in range(0, each, CHUNK) for name in names]
    failed: Counter[str] = Counter()
    done, last, started = 0, 0.0, time.monotonic()
    with ProcessPoolExecutor(args.processes, get_context("spawn"), _alone) as pool:
        running = {pool.submit(chunk, name, args.seed, first, count): count for name, first, count in jobs}
        for future in as_completed(running):
            done += running[future]
            for finding in future.result():
                failed[finding.name] += 1
                if failed[finding.name] <= MOST_FINDINGS:
                    print(f"\n{finding}", flush=True)
            seconds = time.monotonic() - started
            if seconds - last > 10 or done == each * len(names):
                last = seconds
                print(f"{done:,} of {each * len(names):,} cases, {done / seconds:,.0f} a second", flush=True)
    figures = f"{each * len(names):,} cases of {len(names)} properties, seed {args.seed}: "
    return Outcome(
        not failed, figures + (f"{failed.total()} findings in {', '.join(failed)}." if failed else "no finding.")
    )
