"""Results as tables for people (Markdown, aligned) and as JSON for programs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from .harness import Result
from .library import OURS
from .peak import Peaks

# The part of the rounds that others may disturb; a line with more is marked, for its figures are worth little.
DISTURBED = 0.3


def duration(seconds: float | None) -> str:
    """Return a time in a readable unit."""
    if seconds is None:
        return "-"
    factor, unit = (1e6, "us") if seconds < 1e-3 else (1e3, "ms") if seconds < 1 else (1.0, "s")
    value = seconds * factor
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"


def speed(result: Result) -> str:
    """Return images a second, GFLOP/s or GB/s of ours, whichever says most."""
    seconds, task = result.seconds(OURS), result.task
    if not seconds:
        return "-"
    if task.images:
        return f"{task.images / seconds:.0f} images/s"
    if task.flops:
        return f"{task.flops / seconds / 1e9:.1f} GFLOP/s"
    return f"{task.bytes / seconds / 1e9:.1f} GB/s" if task.bytes else "-"


def share(result: Result, peaks: Peaks) -> float | None:
    """Return the share of the peak that ours reaches: of multiply-adds if it counts them, else of copying."""
    seconds, task = result.seconds(OURS), result.task
    work, peak = task.bytes, peaks.copy(task.bytes, result.threads)
    if task.flops:
        work, peak = task.flops, peaks.flops.get((task.dtype, result.threads))
    return work / seconds / peak if seconds and work and peak else None


def geometric_mean(values: Iterable[float]) -> float:
    """Return the geometric mean of positive numbers."""
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs))


def table(rows: Sequence[Sequence[str]], widths: Sequence[int] | None = None) -> list[str]:
    """Return a Markdown table, aligned: the first column to the left, the others to the right."""
    widths = widths or [max(2, *(len(row[i]) for row in rows)) for i in range(len(rows[0]))]
    rule = [":" + "-" * (widths[0] - 1), *("-" * (width - 1) + ":" for width in widths[1:])]
    return [_row(row, widths) for row in (rows[0], rule, *rows[1:])]


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cells[0].ljust(widths[0]),
        *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)),
    ]
    return "| " + " | ".join(padded) + " |"


class Table:
    """The table of one family, line by line as the results come."""

    def __init__(self, names: Iterable[str], peers: list[str], peaks: Peaks) -> None:
        self.peers, self.peaks = peers, peaks
        self.head = ["workload", "threads", "time", "speed", "of peak"]
        self.widths = [max([*map(len, names), 34]) + 4, 7, 8, 14, 7]
        for peer in peers:
            self.head += [peer, "ratio"]
            self.widths += [max(len(peer), 8), 7]

    def start(self) -> list[str]:
        """Return the first lines."""
        return table([self.head], self.widths)

    def line(self, result: Result) -> str:
        """Return the line of one result."""
        part = share(result, self.peaks)
        name = result.task.name + (" (!)" if result.disturbed > DISTURBED else "")
        cells = [name, str(result.threads), duration(result.seconds(OURS)), speed(result)]
        cells.append(f"{part:.0%}" if part is not None else "-")
        for peer in self.peers:
            ratio = result.ratio(peer)
            cells += [duration(result.seconds(peer)), f"{ratio:.2f}x" if ratio else "-"]
        return _row(cells, self.widths)

    def end(self, results: list[Result]) -> list[str]:
        """Return a line with the geometric mean of the ratios for each group and number of threads, and the notes."""
        lines = []
        for group, threads in dict.fromkeys((result.task.group, result.threads) for result in results):
            members = [result for result in results if (result.task.group, result.threads) == (group, threads)]
            cells = [f"geometric mean: {group}", str(threads), "", "", ""]
            for peer in self.peers:
                ratios = [ratio for ratio in (result.ratio(peer) for result in members) if ratio]
                cells += ["", f"{geometric_mean(ratios):.2f}x" if ratios else "-"]
            lines.append(_row(cells, self.widths))
        return (lines if self.peers else []) + _notes(results)


def _notes(results: list[Result]) -> list[str]:
    notes = []
    busiest = max((result.disturbed for result in results), default=0.0)
    if busiest > DISTURBED:
        notes += ["", "(!) other programs had the processors in many of the rounds: read nothing into the line."]
    for result in results:
        for name, error in result.errors.items():
            notes += ["", f"{result.task.name}, {result.threads} threads, {name}: {error}"]
    return notes


def peaks_text(peaks: Peaks) -> list[str]:
    """Return the peaks in words."""
    if not peaks.flops:
        return ["Peaks unknown (no C compiler), hence no shares."]
    lines = []
    for threads in dict.fromkeys(threads for _, threads in peaks.flops):
        flops = ", ".join(f"{v / 1e9:.0f} GFLOP/s ({d})" for (d, t), v in peaks.flops.items() if t == threads)
        copies = ", ".join(f"{v / 1e9:.0f} ({b >> 10} KiB)" for (b, t), v in peaks.copies.items() if t == threads)
        lines.append(f"Peaks of {peaks.isa}, {threads} threads: {flops}; copy, GB/s by traffic: {copies}.")
    return lines


def to_json(result: Result, peaks: Peaks) -> dict[str, Any]:
    """Return all that is known of a result, in what JSON can hold."""
    task = result.task
    peers = [name for name in result.rounds if name != OURS]
    return {
        "family": task.family, "group": task.group, "name": task.name, "threads": result.threads, "dtype": task.dtype,
        "flops": task.flops, "bytes": task.bytes, "images": task.images,
        "seconds": {name: result.seconds(name) for name in result.rounds}, "rounds": result.rounds,
        "ratios": {name: result.ratio(name) for name in peers}, "share_of_peak": share(result, peaks),
        "disturbed": round(result.disturbed, 4), "errors": result.errors,
    }  # fmt: skip
