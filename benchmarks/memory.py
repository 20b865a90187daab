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

from . import conv, nets, train
from .harness import command
from .library import OURS, Library, get_library
from .report import table
from .worker import set_threads

WARM_UP, STEPS = 20, 50
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


def convolution(name: str, mode: str, threads: int) -> dict[str, float]:
    """Return what our core holds at most in a convolution besides operands and results, and the size of its output.

    The allocator's peak is of the whole process, hence a process for each; its counters are those of rounded-up blocks.
    """
    library = get_library(OURS)
    set_threads(library, threads)
    run = conv.setup(library, threads, conv.SHAPES[name], mode)
    batch, _, size, filters, kernel, stride, padding, _ = conv.SHAPES[name]
    out = (size + 2 * padding - kernel) // stride + 1
    before = _core()
    results = run()
    after = _core()
    held = after["in_use"] - before["in_use"]
    # In training the output lives until backward has passed it, and is no workspace either.
    output = 4 * batch * filters * out * out
    kept = held + (output if mode != "forward" else 0)
    del results
    return {"output": output, "extra": max(0, after["peak"] - before["in_use"] - kept)}


def _measure(library: Library, *args: object) -> dict[str, Any]:
    made = subprocess.run(command("memory", library.name, *args), check=True, stdout=subprocess.PIPE,
                          env={**os.environ, **library.environment})  # fmt: skip
    measured: dict[str, Any] = json.loads(made.stdout)
    return measured


def measure(libraries: list[Library], threads: list[int], only: list[str] | None = None) -> list[dict[str, Any]]:
    """Measure training with each library, and our convolutions; each line says what it is of."""
    lines = []
    for count in threads:
        for name, batch in (("lenet5", 64), ("resnet20", 64)):
            for library in libraries:
                if not only or any(part in name for part in only):
                    line = {"workload": f"{name} batch {batch}", "library": library.name, "threads": count}
                    lines.append(line | _measure(library, "training", name, batch, count))
    for name in conv.SHAPES:
        for mode in ("forward", "train"):
            if not only or any(part in f"{name} {mode}" for part in only):
                line = {"workload": f"{name} {mode}", "library": OURS, "threads": max(threads)}
                lines.append(line | _measure(get_library(OURS), "convolution", name, mode, max(threads)))
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
    return text + ["", *table(rows)] if len(rows) > 1 else text


def main() -> None:
    """Measure what the arguments say, in this process."""
    library, kind, name, *rest = sys.argv[1:]
    if kind == "training":
        batch, threads = map(int, rest)
        assert name in nets.BUILDERS
        found = training(get_library(library), name, batch, threads)
    else:
        mode, count = rest
        found = convolution(name, mode, int(count))
    print(json.dumps(found))
