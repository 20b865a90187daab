"""Train at full speed for an hour: memory, open files, threads and processes stay as they are after the warm-up.

A round trains LeNet-5 (with dropout, by two workers that are started anew) and ResNet-20 (with batch normalisation) for
an epoch with each of six sizes of batches, leaves another pass early, evaluates, saves a checkpoint and goes on from it
with new objects. After each round the process is looked at. The first tenth of the time is warm-up. What must be flat
within 1 % afterwards is the resident memory: its growth over the rest of the run, by a straight line through all
samples, and the difference between its highest and its lowest sample.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

import tinygrad_cnn as torch

from ._soak_work import Work
from .outcome import Outcome

MIB = 1 << 20


@dataclass
class Sample:
    """What the process holds at a moment."""

    minutes: float
    resident: int
    allocated: int
    reserved: int
    files: int
    threads: int
    children: int


def sample(begun: float) -> Sample:
    """Return what the process holds now."""
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    children = 0
    tasks = os.listdir("/proc/self/task")
    for task in tasks:
        with open(f"/proc/self/task/{task}/children") as file:
            children += len(file.read().split())
    return Sample(
        minutes=(time.monotonic() - begun) / 60,
        resident=pages * resource.getpagesize(),
        allocated=torch.cpu.memory_allocated(),
        reserved=torch.cpu.memory_reserved(),
        files=len(os.listdir("/proc/self/fd")),
        threads=len(tasks),
        children=children,
    )


def drift(minutes: list[float], values: list[int]) -> tuple[float, float]:
    """Return how much a line through the values rises from the first to the last, and their range: both in percent."""
    slope = float(np.polyfit(minutes, values, 1)[0]) if len(values) > 1 else 0.0
    mean = float(np.mean(values)) or 1.0
    return 100 * slope * (minutes[-1] - minutes[0]) / mean, 100 * (max(values) - min(values)) / mean


def judge(samples: list[Sample], limit: float = 1.0) -> tuple[list[str], list[str]]:
    """Return the figures of the samples after the warm-up, and what is not flat."""
    warm = [one for one in samples if one.minutes >= samples[-1].minutes / 10][1:] or samples[-1:]
    minutes = [one.minutes for one in warm]
    rise, spread = drift(minutes, [one.resident for one in warm])
    mean = float(np.mean([one.resident for one in warm]))
    grown = f"{rise:+.2f} % ({rise / 100 * mean / 1024:+.0f} KiB)"
    lines = [f"Resident memory {mean / MIB:.1f} MiB; a line through it rises by {grown}, range {spread:.2f} %."]
    findings = [lines[0]] if abs(rise) > limit or spread > limit else []
    if len(warm) < 3:
        findings.append(f"{len(warm)} samples after the warm-up are too few: let it run longer")
    rise, spread = drift(minutes, [one.allocated for one in warm])
    if abs(rise) > limit:
        findings.append(f"allocated memory rises by {rise:+.2f} %")
    for name in ("files", "threads", "children"):
        values = [getattr(one, name) for one in warm]
        lines.append(f"{name}: {min(values)}" + (f" to {max(values)}" if max(values) > min(values) else ""))
        if max(values) > min(values):
            findings.append(lines[-1])
    return [lines[0], f"Open {', '.join(lines[1:])}; {len(warm)} samples after the warm-up."], findings


def draw(samples: list[Sample], path: Path) -> None:
    """Write a picture of all that was sampled."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (above, below) = plt.subplots(2, 1, figsize=(10, 6), sharex=True, layout="constrained")
    minutes = [one.minutes for one in samples]
    for field in fields(Sample)[1:]:
        values = np.array([getattr(one, field.name) for one in samples], float)
        large = field.name in ("resident", "allocated", "reserved")
        (above if large else below).plot(minutes, values / MIB if large else values, label=field.name)
    above.set(ylabel="MiB", ylim=(0, None), title="Memory after each round of training")
    below.set(xlabel="minutes", ylabel="number", ylim=(0, None))
    for axes in (above, below):
        axes.axvspan(0, minutes[-1] / 10, color="0.9", label="warm-up")
        axes.legend(loc="center right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--minutes", type=float, default=60, help="how long to train (default 60)")
    parser.add_argument("--seed", type=int, default=0, help="of weights, images and the order of things")
    parser.add_argument("--threads", type=int, help="of an operation (default: the CPUs of this process)")
    parser.add_argument("--plot", type=Path, help="a PNG to write what was sampled to (needs matplotlib)")


def run(args: argparse.Namespace) -> Outcome:
    """Train and look, round after round."""
    if args.threads:
        torch.set_num_threads(args.threads)
    samples, steps, rounds = [], 0, 0
    with tempfile.TemporaryDirectory() as folder:
        work = Work(Path(folder), args.seed)
        begun = shown = time.monotonic()
        while time.monotonic() - begun < 60 * args.minutes or rounds < 2:
            steps, rounds = work.round(), rounds + 1
            samples.append(sample(begun))
            if time.monotonic() - shown > 60:
                shown = time.monotonic()
                print(
                    f"{samples[-1].minutes:.0f} min, {steps:,} steps, {samples[-1].resident / MIB:.1f} MiB", flush=True
                )
    figures, findings = judge(samples)
    for finding in findings:
        print(f"not flat: {finding}")
    if args.plot:
        draw(samples, args.plot)
    head = f"{steps:,} training steps in {rounds:,} rounds, {samples[-1].minutes:.0f} minutes."
    return Outcome(not findings, "\n".join([head, *figures]))
