"""Let every allocation of the core fail in turn, in training steps and in the suite's tests.

    python -m checks._allocations NET...

Run by `python -m checks memory` on a test build. Writes one line for each finding, then the figures.
"""

from __future__ import annotations

import gc
import re
import sys
from collections.abc import Iterator

import numpy as np
import pytest

import tinygrad_cnn as torch
from tests.builds import allocations, failing_memory, sites
from tinygrad_cnn.core.buffers import lib
from tinygrad_cnn.core.runtime import memory_stats

from ._scratch import ROOT
from ._training import NETS, Training, training

State = list[dict[str, np.ndarray]]
# The first step makes the optimizer's state, the later ones change it.
STEPS_BEFORE = (0, 2)


def prepared(name: str, steps: int) -> Training:
    """Return a training some steps old."""
    work = training(name, batch=4)
    for _ in range(steps):
        work.step()
    torch.manual_seed(5)
    return work


def equal(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> bool:
    """Whether the tensors of one parameter are as `wanted`; there may be more, which the optimizer has just made."""
    return all(name in found and np.array_equal(found[name], value) for name, value in wanted.items())


def torn(found: State, before: State, after: State) -> list[int]:
    """Return the parameters and buffers that are neither as before the step nor as after it."""
    triples = enumerate(zip(found, before, after, strict=True))
    return [i for i, (now, old, new) in triples if not equal(now, old) and not equal(now, new)]


def failures(name: str, steps: int) -> Iterator[str | None]:
    """Fail each allocation of a step, alone and with all later ones; yield for each None, or what was wrong."""
    before = prepared(name, steps).state()  # of its own: to look at parameters changes what the next step allocates
    work, start = prepared(name, steps), allocations()
    loss = work.step()
    count, after = allocations() - start, work.state()
    del work
    gc.collect()
    in_use = memory_stats()["in_use"]
    for n in range(1, count + 1):
        for all_later in (False, True):
            where = f"{name}, after {steps} steps, allocation {n} of {count}{' and all later' if all_later else ''}"
            work = prepared(name, steps)
            try:
                with failing_memory(n, all_later):
                    work.step()
                yield f"{where}: no MemoryError"
                continue
            except MemoryError:
                pass
            if half := torn(work.state(), before, after):
                yield f"{where}: half changed are {half}"
                continue
            work.step()  # goes on from there
            work = prepared(name, steps)
            if work.step() != loss or torn(work.state(), after, after):
                yield f"{where}: the next step is not what it was"
                continue
            del work
            gc.collect()
            lost = memory_stats()["in_use"] - in_use
            yield f"{where}: {lost} bytes lost" if lost else None


def pool_refused() -> list[str]:
    """Refuse the pool, which is not yet there, its memory, then its threads; return what was wrong."""
    torch.set_num_threads(2)
    x, findings = torch.ones(3_000_000), []
    for n in (1, 2):
        lib.tc_pool_fail_at(n, 1)
        if (x * 2).sum().item() != 6_000_000:
            findings.append(f"a sum is wrong where the pool has no {'memory' if n == 1 else 'threads'}")
        lib.tc_pool_fail_at(0, 0)
    return findings


def places() -> set[tuple[str, int]]:
    """Return the places in the sources of the core that allocate."""
    found = set()
    for file in (ROOT / "core").glob("*.c"):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            code = re.sub(r"/\*.*|^ \*.*", "", line)
            if re.search(r"\btc_alloc\(|\bTC_POOL_REFUSED\b", code) and file.name != "alloc_testing.c":
                found.add((file.name, number))
    return found


def main(names: list[str]) -> int:
    """Run everything; return 1 if there is a finding."""
    count, findings = 0, pool_refused()
    torch.set_num_threads(3)  # more than were refused: the pool asks again
    for name in names:
        for steps in STEPS_BEFORE:
            results = list(failures(name, steps))
            count += len(results)
            findings += [result for result in results if result]
            print(f"{name}, after {steps} steps: {len(results)} failures", flush=True)
    arguments = ["-q", "--no-header", "-p", "no:cacheprovider", "-k", "memory or alloc"]
    tests = pytest.main([*arguments, str(ROOT / "tests/core"), str(ROOT / "tests/test_memory_failures.py")])
    if tests != 0:
        findings.append("the suite's tests of this fail")
    failed = {place for place, (_, failed) in sites().items() if failed}
    for file, line in sorted(places() - failed):
        findings.append(f"core/{file}:{line} was never made to fail")
    print(*findings, sep="\n")
    print(
        f"{count:,} failures in steps of {len(names)} nets, {len(findings)} findings; "
        f"{len(places() & failed)} of {len(places())} places that allocate have failed, "
        f"{sum(failed for _, failed in sites().values()):,} times"
    )
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(NETS)))
