"""One run of the benchmarks: the families in turn, printed as they come, then written and drawn."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import conv, gemm, infer, machine, memory, ops, overhead, peak, plot, report, scaling, train
from .harness import Plan, Result, Task, measure, workers
from .library import Library

# What each measures, and how to read its table.
FAMILIES: dict[str, str] = {
    "gemm": "Matrix products; of peak: of multiply-adds.",
    "conv": "Convolutions: forward, with all gradients (train), and first layers without that of the image (first).",
    "ops": "Pooling, normalisation, activations, losses, optimizers; of peak: of copying that many bytes.",
    "overhead": "Tiny tensors: what an operation costs besides its arithmetic, forward, and with autograd (backward).",
    "train": "Training steps: zero_grad, forward, loss, backward, SGD with momentum; of peak: of multiply-adds.",
    "infer": "Forward passes in eval mode without gradients; of peak: of multiply-adds.",
    "memory": "Memory of training in a process of its own, and of convolutions besides their operands and results.",
    "scaling": "Training steps by batch, by pixels and by threads; small work by size.",
}
TASKS: dict[str, Callable[[], list[Task]]] = {
    "conv": conv.tasks, "ops": ops.tasks, "overhead": overhead.tasks, "train": train.tasks, "infer": infer.tasks,
    "scaling": scaling.tasks,
}  # fmt: skip


class Run:
    """What is measured, with what, and what came out of it."""

    def __init__(self, libraries: list[Library], threads: list[int], plan: Plan, only: list[str] | None) -> None:
        self.libraries, self.threads, self.plan, self.only = libraries, threads, plan, only
        self.tasks: dict[str, list[Task]] = {}
        self.results: list[Result] = []
        self.memory: list[dict[str, Any]] = []
        self.lines: list[str] = []

    def prepare(self, families: list[str], sizes: list[str] | None = None, dtype: str = "float32") -> None:
        """Collect the workloads; sizes and dtype are of products. ValueError if there are none, or a size is none."""
        if sizes and "gemm" not in families:
            raise ValueError("--size is for gemm")
        for family in families:
            made = gemm.tasks(sizes, dtype) if family == "gemm" else TASKS.get(family, list)()
            self.tasks[family] = [
                task for task in made if not self.only or any(part in task.name for part in self.only)
            ]
        if not any(self.tasks.values()) and "memory" not in families:
            raise ValueError(f"no workload has {' or '.join(map(repr, self.only or []))} in its name")

    def execute(self, command: str, json_path: str | None, plot_path: str | None, write_path: str | None) -> None:
        """Measure all, and write what was asked for; the command is what the arguments were."""
        start = time.time()
        described = machine.describe(self.libraries)
        dtypes = list(dict.fromkeys(task.dtype for tasks in self.tasks.values() for task in tasks)) or ["float32"]
        self.peaks = peak.measure(self.threads, dtypes, min(0.02, self.plan.seconds))
        self._print("; ".join(f"{key}: {value}" for key, value in described.items()) + ".", "")
        self._print(*report.peaks_text(self.peaks))
        for family in self.tasks:
            self._print("", f"## {family}", "", FAMILIES[family], "")
            self._memory() if family == "memory" else self._family(family)
        if json_path:
            results = [report.to_json(result, self.peaks) for result in self.results]
            found = {"machine": described, "peaks": self.peaks.to_json(), "results": results, "memory": self.memory}
            Path(json_path).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        if write_path:
            when = f"on {time.strftime('%d %B %Y', time.gmtime(start))}, in {time.time() - start:.0f} s."
            title = ["# What was measured", "", f"`python -m benchmarks {command}`", when, ""]
            Path(write_path).write_text("\n".join(title + self.lines) + "\n", encoding="utf-8")
        if plot_path:
            plot.draw(plot_path, self.results, self.peaks)

    def _print(self, *lines: str) -> None:
        self.lines += lines
        for line in lines:
            print(line, flush=True)

    def _memory(self) -> None:
        if not memory.STATUS.exists():
            self._print("Not measured: resident memory is read from Linux's /proc.")
            return
        libraries = [library for library in self.libraries if library.package != "onnxruntime"]
        self.memory = memory.measure(libraries, self.threads, self.only)
        self._print(*memory.tables(self.memory))

    def _family(self, family: str) -> None:
        libraries = [library for library in self.libraries if family == "infer" or library.package != "onnxruntime"]
        table = report.Table(
            [task.name for task in self.tasks[family]], [library.name for library in libraries[1:]], self.peaks
        )
        results = []
        self._print(*table.start())
        with workers(libraries) as started:
            for task in self.tasks[family]:
                for threads in self.threads:
                    results.append(measure(task, threads, started, self.plan))
                    self._print(table.line(results[-1]))
        self._print(*table.end(results))
        if family == "scaling":
            self._print(*scaling.tables(results))
        self.results += results
