"""Memory: of training LeNet-5 at batch 64, in a process of its own; and what a convolution needs besides its output.

`main` is what that process runs; it prints what it measured as JSON. Peak resident memory is the kernel's high-water
mark (VmHWM), with the import of the library and above it; page faults are those without input or output, after warm-up.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from . import conv, train
from .harness import command
from .library import OURS, Library, get_library
from .report import table
from .worker import set_threads

WARM_UP, STEPS = 5, 10
PASSES = ("forward", "input gradient", "weight gradient")
TRAININGS = (("lenet5", 64), ("resnet20", 64))
STATUS = Path("/proc/self/status")


def resident(field: str) -> int:
    """Return VmRSS (now) or VmHWM (the most so far) of this process in bytes."""
    for line in STATUS.read_text(encoding="utf-8").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"{STATUS} does not know {field}")


def training(library: Library, name: str, batch: int, threads: int) -> dict[str, float]:
    """Train for some steps and return peak resident memory and page faults, and what our allocator says."""
    library.load()
    imported = resident("VmRSS")
    set_threads(library, threads)
    step = train.setup(library, threads, name, batch)
    for _ in range(WARM_UP):
        step()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(STEPS):
        step()
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    peak = resident("VmHWM")
    found: dict[str, float] = {
        "peak": peak, "import": imported, "above import": peak - imported, "faults per step": faults / STEPS,
    }  # fmt: skip
    if library.package == OURS:
        found |= {f"core {key}": value for key, value in _core().items()}
    return found


def _core() -> dict[str, int]:
    stats: dict[str, int] = importlib.import_module(f"{OURS}.core.runtime").memory_stats()
    return stats


def convolution(name: str, kind: str, threads: int) -> dict[str, float]:
    """Return what our core holds at most in a pass of a convolution besides operands and result, and the output's size.

    The allocator counts blocks rounded up to its buckets.
    """
    library = get_library(OURS)
    torch, runtime = library.module, importlib.import_module(f"{OURS}.core.runtime")
    set_threads(library, threads)
    tensors, forward = conv.operands(library, conv.SHAPES[name])
    output = forward()
    held: dict[str, int] = {"output": output.numel() * output.element_size()}
    run = forward
    if kind != "forward":
        wanted = tensors[PASSES.index(kind) - 1].requires_grad_()
        output, dy = forward(), torch.randn(*output.shape)
        run = lambda: torch.autograd.grad(output, wanted, dy)  # noqa: E731
    runtime.reset_peak_memory()
    before = _core()["in_use"]
    result = run()
    after = _core()
    del result
    return {**held, "extra": after["peak"] - max(before, after["in_use"])}


def _measure(library: Library, *args: object) -> list[dict[str, Any]]:
    made = subprocess.run(
        command("memory", library.name, *args),
        check=True,
        stdout=subprocess.PIPE,
        env={**os.environ, **library.environment},
    )
    measured: list[dict[str, Any]] = json.loads(made.stdout)
    return measured


def measure(libraries: list[Library], threads: list[int], only: list[str] | None = None) -> list[dict[str, Any]]:
    """Measure training with each library, and our convolutions; each line says what it is of."""

    def wanted(name: str) -> bool:
        return not only or any(part in name for part in only)

    lines = []
    for name, batch in TRAININGS:
        for count in threads if wanted(name) else []:
            for library in libraries:
                line = {"workload": f"{name} batch {batch}", "library": library.name, "threads": count}
                lines += [line | found for found in _measure(library, "training", count, name, batch)]
    pairs = [(name, mode) for name in conv.SHAPES for mode in PASSES if wanted(f"{name} {mode}")]
    words = [word for pair in pairs for word in pair]
    measured = _measure(get_library(OURS), "convolutions", max(threads), *words)
    for (name, mode), found in zip(pairs, measured, strict=True):
        lines.append({"workload": f"{name} {mode}", "library": OURS, "threads": max(threads), **found})
    return lines


def _mib(value: float) -> str:
    return f"{value / 2**20:.1f} MiB"


def tables(lines: list[dict[str, Any]]) -> list[str]:
    """Return the two tables of `measure`'s lines."""
    trained = [line for line in lines if "peak" in line]
    ours = {(line["workload"], line["threads"]): line for line in trained if line["library"] == OURS}
    rows = [["training", "library", "threads", "peak resident", "above import", "faults/step", "peak / ours"]]
    for line in trained:
        share = line["peak"] / ours[line["workload"], line["threads"]]["peak"]
        rows.append([line["workload"], line["library"], str(line["threads"]), _mib(line["peak"]),
                     _mib(line["above import"]), f"{line['faults per step']:.1f}", f"{share:.2f}x"])  # fmt: skip
    text = table(rows) if trained else []
    for line in ours.values():
        text += ["", f"{line['workload']}, {line['threads']} threads: the core held at most {_mib(line['core peak'])}, "
                     f"and keeps {_mib(line['core cached'])} for reuse."]  # fmt: skip
    rows = [["convolution", "threads", "output", "workspace", "share of output"]]
    for line in lines:
        if "extra" in line:
            share = line["extra"] / line["output"]
            rows.append(
                [line["workload"], str(line["threads"]), _mib(line["output"]), _mib(line["extra"]), f"{share:.0%}"]
            )
    return text + ([""] if text else []) + table(rows) if len(rows) > 1 else text


def main() -> None:
    """Measure what the arguments say, in this process."""
    library, kind, threads, *words = sys.argv[1:]
    if kind == "training":
        found = [training(get_library(library), words[0], int(words[1]), int(threads))]
    else:
        pairs = zip(words[::2], words[1::2], strict=True)
        found = [convolution(name, mode, int(threads)) for name, mode in pairs]
    print(json.dumps(found))
