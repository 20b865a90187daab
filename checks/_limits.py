"""Train with an address space of so many bytes: done, or MemoryError, and nothing else.

    python -m checks._limits NET BATCH THREADS [BYTES]

Run by `python -m checks memory`, one process for each limit. Prints the size of the address space after the import and
the largest one, then how it ended.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import tinygrad_cnn as torch

from ._training import training


def size(name: str) -> int:
    """Return a size of this process that Linux counts, in bytes."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


def main(net: str, batch: int, threads: int, limit: int | None) -> None:
    """Limit this process and train."""
    training(net, batch=1).step()  # what is imported when it is used, is in use now
    imported = size("VmSize")
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    torch.set_num_threads(threads)
    end = "done"
    try:
        work = training(net, batch)
        for _ in range(3):
            work.step()
    except MemoryError:
        work = None
        end = "MemoryError"
        torch.ones(10).sum().item()  # the program goes on
    print(imported, size("VmPeak"), end)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else None)
