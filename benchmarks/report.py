"""Results as a table for people (Markdown, aligned) and as JSON for programs."""

from __future__ import annotations

import math
from collections.abc import Iterable

from .harness import Result
from .library import OURS

# Other processes' share of the machine above which a line is marked, for its figures are worth little.
DISTURBED = 0.03


def duration(seconds: float | None) -> str:
    """Return a time in a readable unit."""
    if seconds is None:
        return "-"
    for factor, unit in ((1e6, "us"), (1e3, "ms")):
        if seconds * factor < 1000:
            return f"{seconds * factor:.{2 if seconds * factor < 100 else 0}f} {unit}"
    return f"{seconds:.2f} s"


def speed(result: Result) -> str:
    """Return images a second, GFLOP/s or GB/s of ours, whichever says most."""
    seconds = result.seconds(OURS)
    if not seconds:
        return "-"
    task = result.task
    if task.images:
        return f"{task.images / seconds:.0f} images/s"
    if task.flops:
        return f"{task.flops / seconds / 1e9:.1f} GFLOP/s"
    return f"{task.bytes / seconds / 1e9:.1f} GB/s" if task.bytes else "-"


def geometric_mean(values: Iterable[float]) -> float:
    """Return the geometric mean of positive numbers."""
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs))


def row(cells: Iterable[str], width: int) -> str:
    """Return a line of a Markdown table, its first cell `width` wide."""
    first, *rest = cells
    return "| " + " | ".join([f"{first:<{width}}", *(f"{cell:>15}" for cell in rest)]) + " |"


def header(peers: list[str], width: int) -> list[str]:
    """Return the first two lines of the table."""
    names = ["workload", "threads", OURS, "speed"]
    for peer in peers:
        names += [peer, f"x {peer}"]
    return [row(names, width), row([":" + "-" * (width - 1), *["-" * 14 + ":"] * (len(names) - 1)], width)]


def line(result: Result, peers: list[str], width: int) -> str:
    """Return the line of one result."""
    noise = " (!)" if result.disturbed > DISTURBED else ""
    cells = [result.task.name + noise, str(result.threads), duration(result.seconds(OURS)), speed(result)]
    for peer in peers:
        ratio = result.ratio(peer)
        cells += [duration(result.seconds(peer)), f"{ratio:.2f}x" if ratio else "-"]
    return row(cells, width)


def means(results: list[Result], peers: list[str], width: int) -> list[str]:
    """Return a line with the geometric mean of the ratios for each group and number of threads."""
    lines = []
    groups = dict.fromkeys((result.task.group, result.threads) for result in results)
    for group, threads in groups:
        cells = [f"geometric mean, {group}", str(threads), "", ""]
        for peer in peers:
            ratios = [
                result.ratio(peer) for result in results if (result.task.group, result.threads) == (group, threads)
            ]
            known = [ratio for ratio in ratios if ratio]
            cells += ["", f"{geometric_mean(known):.2f}x" if known else "-"]
        lines.append(row(cells, width))
    return lines
