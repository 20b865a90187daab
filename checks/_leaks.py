"""Train for many steps and count what is kept, in the core and in the whole process; then ask LeakSanitizer.

    python -m checks._leaks STEPS

Run by `python -m checks sanitizers leaks` on a core under AddressSanitizer, with Python's objects from malloc one by
one: so the sanitizer counts and sees all of them.
"""

from __future__ import annotations

import ctypes
import gc
import sys

from tinygrad_cnn.core.runtime import memory_stats, trim_memory

from ._training import NETS, Training, training

WARM_UP = 10
# Tables of Python's own may still grow a little; what each step loses is an object of 16 bytes at least.
TABLES, LEAST = 4096, 8


def counters(sanitizer: ctypes.CDLL) -> dict[str, int]:
    """Return what must not grow: bytes that the core has handed out, bytes of the process, objects of Python."""
    gc.collect()
    trim_memory()
    count = sanitizer.__sanitizer_get_current_allocated_bytes
    count.restype = ctypes.c_size_t
    return {"bytes of the core": memory_stats()["in_use"], "bytes": count(), "objects": len(gc.get_objects())}


def growth(work: Training, steps: int, sanitizer: ctypes.CDLL) -> dict[str, int]:
    """Return by how much the counters that grow with every step have grown, the first steps left out."""
    for _ in range(WARM_UP):
        work.step()
    before = counters(sanitizer)
    for _ in range(steps):
        work.step()
    grown = {name: after - before[name] for name, after in counters(sanitizer).items()}
    limits = {"bytes of the core": 0, "bytes": TABLES + LEAST * steps, "objects": steps // 2}
    print(f"  {grown}", flush=True)
    return {name: amount for name, amount in grown.items() if amount > limits[name]}


def main(steps: int) -> int:
    """Train every net and print what grew; return 1 if anything did. The sanitizer reports what nobody points to."""
    sanitizer = ctypes.CDLL(None)
    grown = []
    for name in NETS:
        print(name, flush=True)
        for counter, amount in growth(training(name), steps, sanitizer).items():
            grown.append(f"{name}: {amount} more {counter} after {steps} steps")
    gc.collect()
    in_use = memory_stats()["in_use"]
    sanitizer.__lsan_do_recoverable_leak_check()
    print(*grown, sep="\n")
    print(
        f"{len(NETS)} nets, {steps:,} steps each: {len(grown)} counters grow, "
        f"{in_use:,} bytes of the core in use afterwards"
    )
    return 1 if grown or in_use else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
