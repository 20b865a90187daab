"""What a table of figures must say about where it was measured."""

from __future__ import annotations

import importlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .library import OURS, Library


def processor() -> str:
    """Return the name of the processor."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def cores() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe(libraries: list[Library]) -> dict[str, str]:
    """Return the machine, the core's build, and the versions of what is compared."""
    runtime = importlib.import_module(f"{OURS}.core.runtime")
    described = {
        "processor": f"{processor()}, {cores()} cores",
        "instruction set": f"{runtime.isa()} (available: {', '.join(runtime.isa_available())})",
        "compiler": runtime.compiler(),
        "Python": f"{platform.python_version()} on {platform.system()}",
    }
    for library in libraries:
        try:
            described[library.package] = version(library.package)
        except PackageNotFoundError:
            described[library.package] = str(getattr(library.module, "__version__", "unknown"))
    return described
