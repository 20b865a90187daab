"""Runs the cases of one family on one instruction set and dtype, in a process of its own.

    python -m tests.remainders.worker PLACE FAMILY ISA DTYPE EVERY FIRST [LAST]

PLACE is a file of 8 bytes that always holds the number of the case in hand: where a case ends the process, by touching
what it must not, that says which it was. One line a finding goes to the output, and at last how many calls there were.
"""

from __future__ import annotations

import itertools
import mmap
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from tinygrad_cnn._core import lib

from . import convolution, gemm, lines, pooling, training
from .case import Case
from .fence import Fence

FAMILIES: dict[str, Callable[[], Iterator[Case]]] = {
    "gemm": gemm.cases,
    "convolution": convolution.cases,
    "pooling": pooling.cases,
    "elementwise": lines.elementwise,
    "reductions": lines.reductions,
    "training": training.cases,
}
MOST_FINDINGS = 10


def run(family: str, isa: str, dtype: str, numbers: range, place: bytearray | mmap.mmap) -> Iterator[str]:
    """Run cases against both pages; yield what is found, and the number of calls as the last line."""
    if lib.tc_set_isa(isa.encode()) != lib.TC_OK:
        raise ValueError(f"this machine has no {isa}")
    lib.tc_set_num_threads(1)
    fence, done, found = Fence(), 0, 0
    for number, case in enumerate(itertools.islice(FAMILIES[family](), numbers.stop)):
        if number not in numbers:
            continue
        place[:] = number.to_bytes(8, "little")
        for at_end in (True, False):
            done += 1
            try:
                case.run(fence, at_end, np.dtype(dtype))
            except Exception as error:
                found += 1
                if found <= MOST_FINDINGS:
                    yield f"{number} {case}: {type(error).__name__}: {error}"
    yield f"done {done} {found}"


def main(place: str, family: str, isa: str, dtype: str, every: str, first: str, last: str = "") -> None:
    """Do what the command line says."""
    warnings.simplefilter("ignore")
    with Path(place).open("r+b") as file, mmap.mmap(file.fileno(), 8) as memory:
        numbers = range(int(first), int(last) if last else sys.maxsize, int(every))
        for line in run(family, isa, dtype, numbers, memory):
            print(line, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
