"""Let allocations of Python itself fail, one in each training step: objects, lists, what cffi and NumPy ask for.

    python -m checks._objects STRIDE NET...

Run by `python -m checks memory`, where CPython has its `_testcapi`. Every STRIDE-th allocation of a step is tried. A
step may be done all the same (CPython does without some memory) or raise; parameters and what the optimizer keeps of
them are then as before or as after. Its counts of steps may be behind: a count is an object of Python's, made anew
after the parameters have changed.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

from ._allocations import State, prepared, torn
from ._training import NETS, Training

# NumPy's, where it forgets to say what failed.
THEIRS = "returned NULL without setting an exception"


def step_without(testcapi: Any, work: Training, n: int) -> str:
    """Do a step in which Python's n-th allocation fails; return how it ended."""
    try:
        testcapi.set_nomemory(n, n + 1)
        try:
            work.step()
        finally:
            testcapi.remove_mem_hooks()
    except MemoryError:
        return "MemoryError"
    except SystemError as error:
        return "SystemError of NumPy" if THEIRS in str(error) else repr(error)
    except Exception as error:
        return repr(error)
    return "done"


def arrays(work: Training) -> State:
    """Return the state without the counts."""
    return [{name: value for name, value in tensors.items() if value.ndim} for tensors in work.state()]


def failures(name: str, stride: int, ends: Counter[str]) -> list[str]:
    """Try every `stride`-th allocation of a step until a step is done so often that there are no more."""
    import _testcapi  # type: ignore[import-not-found]

    before = arrays(prepared(name, 2))
    work = prepared(name, 2)
    work.step()
    after, findings, n, done = arrays(work), [], 1, 0
    while done < 20:
        work = prepared(name, 2)
        end = step_without(_testcapi, work, n)
        ends[end] += 1
        done = done + 1 if end == "done" else 0
        if end not in ("MemoryError", "SystemError of NumPy", "done"):
            findings.append(f"{name}, allocation {n}: {end}")
        if half := torn(arrays(work), before, after):
            findings.append(f"{name}, allocation {n}: half changed are {half} ({end})")
        n += stride
    print(f"{name}: {n} allocations of a step, {dict(ends)} so far", flush=True)
    return findings


def main(stride: int, names: list[str]) -> int:
    """Try every net; return 1 if there is a finding."""
    ends: Counter[str] = Counter()
    findings = [finding for name in names for finding in failures(name, stride, ends)]
    print(*findings, sep="\n")
    numbers = ", ".join(f"{count:,} {end}" for end, count in ends.items())
    print(f"{sum(ends.values()):,} failures of Python's own allocations ({numbers}), {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:] or list(NETS)))
