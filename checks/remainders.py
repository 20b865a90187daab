"""Every kernel at every remainder of its tiles, on each instruction set, with operands against forbidden pages.

Sizes go from 1 to twice the largest tile and 1 in each dimension, through `tests/core/raw.py`. Small integers make
results exact, so that they must agree to the bit; where a function rounds, to a bound. Each operand, inputs too, ends
at a page that can be neither read nor written, and is then put behind one: a kernel that touches what is not its own
ends its process, which the check reports like any other finding.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.remainders.worker import FAMILIES
from tinygrad_cnn._core import ffi, lib

from ._away import away
from .outcome import Outcome

DTYPES = ("f4", "f8")


def options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this check."""
    isas = ffi.string(lib.tc_isa_available()).decode().split()
    parser.add_argument("--only", choices=FAMILIES, help="run one family alone")
    parser.add_argument("--isa", choices=isas, action="append", help="run on this one alone (each that the CPU has)")
    parser.add_argument("--dtype", choices=DTYPES, help="run with this one alone")
    parser.add_argument("--case", type=int, help="run the one case that a finding names")
    parser.add_argument("--every", type=int, default=1, help="run each so-many-th case (%(default)s: all)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="at a time (%(default)s)")
    parser.set_defaults(isas=isas)


def job(family: str, isa: str, dtype: str, every: int, case: int | None) -> tuple[int, list[str]]:
    """Run a family in a process; return the number of calls, and findings with their commands."""
    numbers = [str(every), "0"] if case is None else ["1", str(case), str(case + 1)]
    with tempfile.NamedTemporaryFile() as place:
        place.write(bytes(8))
        place.flush()
        words = [sys.executable, "-m", "tests.remainders.worker", place.name, family, isa, dtype, *numbers]
        process = subprocess.run(words, capture_output=True, text=True, check=False, **away())
        *lines, last = process.stdout.splitlines() or [""]
        if not last.startswith("done "):
            number = int.from_bytes(Path(place.name).read_bytes(), "little")
            why = process.stderr.strip().splitlines()[-1:] if process.returncode > 0 else [""]
            lines = [*filter(None, [*lines, last]), f"{number} ended with status {process.returncode} {''.join(why)}"]
            last = "done 0 1"
    command = f"python -m checks remainders --only {family} --isa {isa} --dtype {dtype} --case"
    return int(last.split()[1]), [f"{line}\n    {command} {line.split()[0]}" for line in lines]


def run(args: argparse.Namespace) -> Outcome:
    """Run every family on every instruction set with both dtypes, each in a process."""
    families = [args.only] if args.only else list(FAMILIES)
    isas = args.isa or args.isas
    jobs = list(itertools.product(families, isas, [args.dtype] if args.dtype else DTYPES))
    total, failed = 0, 0
    with ThreadPoolExecutor(args.processes) as pool:
        results = pool.map(lambda one: job(one[0], one[1], one[2], args.every, args.case), jobs)
        for (family, isa, dtype), (calls, findings) in zip(jobs, results, strict=True):
            total, failed = total + calls, failed + len(findings)
            print(f"{family}, {isa}, {dtype}: {calls:,} runs, {len(findings) or 'no'} findings", flush=True)
            for finding in findings:
                print(f"  {finding}", flush=True)
    figures = f"{total:,} runs of {len(families)} families of kernels on {', '.join(isas)}: {failed or 'no'} findings."
    return Outcome(not failed, figures)
