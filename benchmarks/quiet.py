"""How much of the machine others used during a measurement: a ratio measured on a busy machine says little."""

from __future__ import annotations

import os
import time
from pathlib import Path

PROC = Path("/proc")


class Disturbance:
    """Watch the processors from construction on; processes of this process group count as ours (Linux only)."""

    def __init__(self) -> None:
        self.start = time.perf_counter()
        self.busy, self.own = _busy(), _own()

    def share(self) -> float:
        """Return the share of all processors' time that went to other processes or other machines; 0 if unknown."""
        elapsed = (time.perf_counter() - self.start) * (os.cpu_count() or 1)
        ticks = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
        return max(0.0, (_busy() - self.busy) - (_own() - self.own)) / ticks / elapsed


def _busy() -> int:
    """Return the ticks in which a processor worked: user, nice, system, interrupts, and stolen by the host."""
    try:
        words = [int(word) for word in (PROC / "stat").read_text().split("\n", 1)[0].split()[1:]]
    except OSError:
        return 0
    return sum(words[:8]) - words[3] - words[4]


def _own() -> int:
    """Return the ticks of the processes of this group, and of their children that have ended."""
    ticks, group = 0, os.getpgrp()
    for path in PROC.glob("[0-9]*/stat"):
        try:
            words = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended
        if int(words[2]) == group:
            ticks += sum(int(word) for word in words[11:15])
    return ticks
