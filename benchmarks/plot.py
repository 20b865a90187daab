"""Pictures of results, with matplotlib: rooflines, bandwidths, and how the time of a step grows.

Each family has the picture that suits it: convolutions and products a roofline (arithmetic over arithmetic intensity,
under the lower of the two measured ceilings); operations at bandwidth the same over their traffic; networks their
images a second over the batch; scaling the time of a step over batch and over pixels. Filled marks are ours, hollow
ones the peers'.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .harness import Result
from .library import OURS
from .peak import Peaks

COLOURS = {OURS: "#0b6e4f", "torch": "#c8553d", "torch-tuned": "#e39e54", "onnxruntime": "#3d5a98"}


def _marks(axes: Any, results: list[Result], x: Callable[[Result], float], y: Callable[[Result], float],
           libraries: list[str], **style: Any) -> None:  # fmt: skip
    """Draw a mark for each result of each library, y over x divided by the seconds."""
    for library in reversed(libraries):
        known = [(x(result), y(result) / seconds) for result in results if (seconds := result.seconds(library))]
        colour = COLOURS.get(library, "#777777")
        axes.plot([a for a, _ in known], [b for _, b in known], color=colour, label=library,
                  markerfacecolor=colour if library == OURS else "none", **style)  # fmt: skip


def _roofline(axes: Any, results: list[Result], peaks: Peaks, threads: int, libraries: list[str]) -> None:
    """Draw GFLOP/s over FLOP/byte; the slanted ceiling is the copy of blocks of 4 MiB, and dashed that of 256 MiB."""
    _marks(axes, results, lambda r: r.task.flops / r.task.bytes, lambda r: r.task.flops / 1e9, libraries, marker="o",
           linestyle="none", markersize=5)  # fmt: skip
    peak = peaks.flops.get((results[0].task.dtype, threads))
    intensities = [result.task.flops / result.task.bytes for result in results]
    xs = [min(intensities) / 2 * 1.05**i for i in range(400)]
    xs = [x for x in xs if x < 2 * max(intensities)]
    for traffic, line in ((2**22, "-"), (2**28, "--")):
        copy = peaks.copy(traffic, threads)
        if peak and copy:
            axes.plot(xs, [min(peak, x * copy) / 1e9 for x in xs], color="black", linewidth=1, linestyle=line,
                      label=f"peak {peak / 1e9:.0f} GFLOP/s, copy {copy / 1e9:.0f} GB/s")  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="FLOP / byte", ylabel="GFLOP/s")


def _bandwidth(axes: Any, results: list[Result], peaks: Peaks, threads: int, libraries: list[str]) -> None:
    """Draw GB/s over the traffic, under the bandwidth of a copy of that size."""
    _marks(axes, results, lambda r: r.task.bytes, lambda r: r.task.bytes / 1e9, libraries, marker="o",
           linestyle="none", markersize=5)  # fmt: skip
    copies = sorted((size, value / 1e9) for (size, count), value in peaks.copies.items() if count == threads)
    axes.plot([x for x, _ in copies], [y for _, y in copies], color="black", linewidth=1, label="copy")
    axes.set(xscale="log", yscale="log", xlabel="bytes read and written", ylabel="GB/s")


def _batches(axes: Any, results: list[Result], peaks: Peaks, threads: int, libraries: list[str]) -> None:
    """Draw images a second over the batch, one line a network and library."""
    for group, line in zip(dict.fromkeys(r.task.group for r in results), ("-", "--", ":"), strict=False):
        members = [result for result in results if result.task.group == group]
        _marks(axes, members, lambda r: r.task.images, lambda r: r.task.images, libraries, marker="o", linestyle=line,
               markersize=4)  # fmt: skip
        last = members[-1]
        if seconds := last.seconds(OURS):
            axes.annotate(group, (last.task.images, last.task.images / seconds), textcoords="offset points",
                          xytext=(-10, 6), ha="right", fontsize=8)  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="batch", ylabel="images / s")


def _growth(axes: Any, results: list[Result], peaks: Peaks, threads: int, libraries: list[str]) -> None:
    """Draw the time of a step over its pixels, each series in multiples of its last point: cost should be y = x."""
    for group in dict.fromkeys(result.task.group for result in results if result.task.pixels):
        members = [result for result in results if result.task.group == group and result.seconds(OURS)]
        if members:
            last = members[-1]
            xs = [result.task.pixels / last.task.pixels for result in members]
            axes.plot(
                xs, [(r.seconds(OURS) or 0) / (last.seconds(OURS) or 1) for r in members], marker="o", label=group
            )
    axes.plot([0.02, 1], [0.02, 1], color="black", linewidth=1, linestyle=":", label="proportional")
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="pixels of all images, of the largest",
        ylabel="time of a step, of the largest",
    )


PICTURES = {
    "gemm": _roofline, "conv": _roofline, "ops": _bandwidth, "train": _batches, "infer": _batches, "scaling": _growth,
}  # fmt: skip


def draw(path: str | Path, results: list[Result], peaks: Peaks) -> None:
    """Write a PNG with one row a family that has a picture, and one column a number of threads.

    ModuleNotFoundError without matplotlib; ValueError if there is nothing to draw.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    families = [name for name in dict.fromkeys(result.task.family for result in results) if name in PICTURES]
    threads = list(dict.fromkeys(result.threads for result in results))
    if not families:
        raise ValueError(f"there is no picture of these results (of {', '.join(PICTURES)} there is)")
    figure, grid = pyplot.subplots(len(families), len(threads), squeeze=False, layout="constrained",
                                   figsize=(6.5 * len(threads), 4.8 * len(families)))  # fmt: skip
    for family, line in zip(families, grid, strict=True):
        for count, axes in zip(threads, line, strict=True):
            chosen = [result for result in results if result.task.family == family and result.threads == count]
            PICTURES[family](axes, chosen, peaks, count, list(dict.fromkeys(n for r in chosen for n in r.rounds)))
            axes.set_title(f"{family}, {count} thread{'s' if count > 1 else ''} ({peaks.isa})", fontsize=10)
            axes.grid(True, which="major", linewidth=0.3)
            handles, labels = axes.get_legend_handles_labels()
            unique = dict(zip(labels, handles, strict=True))
            axes.legend(unique.values(), unique.keys(), fontsize=8)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
