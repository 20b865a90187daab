"""What the machine can do, measured in the same run: multiply-adds a second, and bytes a second of a copy.

`peak.c` is compiled for the instruction set that the core uses, so that the share of the peak is that of its table;
without a C compiler there are no shares. The best of several attempts counts: a peak is what the machine reaches
undisturbed. The copy is measured at several sizes, each thread on its part of blocks that stay the same from one copy
to the next, as an operation finds its tensors when it is measured; traffic counts what is read and what is written.
"""

from __future__ import annotations

import ctypes
import importlib
import math
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .library import OURS

WIDTHS = {"generic": 16, "avx2": 32, "avx512": 64, "neon": 16}  # bytes of a vector
FLAGS = {"avx2": ["-mavx2", "-mfma"], "avx512": ["-mavx512f", "-mfma"]}
SIZES = [2**k for k in range(18, 29, 2)]  # bytes read and written, 256 KiB to 256 MiB
DTYPES = {"float32": ctypes.c_float, "float64": ctypes.c_double}


@dataclass
class Peaks:
    """FLOP/s by (dtype, threads), and bytes/s by (traffic in bytes, threads) of one instruction set."""

    isa: str
    flops: dict[tuple[str, int], float] = field(default_factory=dict)
    copies: dict[tuple[int, int], float] = field(default_factory=dict)

    def copy(self, traffic: float, threads: int) -> float | None:
        """Return the bandwidth of a copy with that traffic, between the two sizes that were measured next to it."""
        sizes = sorted(size for size, count in self.copies if count == threads)
        if not sizes or traffic <= 0:
            return None
        traffic = min(max(traffic, sizes[0]), sizes[-1])
        above = next(size for size in sizes if size >= traffic)
        below = max((size for size in sizes if size <= traffic), default=above)
        part = math.log(traffic / below) / math.log(above / below) if below < above else 0.0
        return (1 - part) * self.copies[below, threads] + part * self.copies[above, threads]

    def to_json(self) -> dict[str, object]:
        """Return what JSON can hold."""
        return {
            "isa": self.isa,
            "flops": [{"dtype": d, "threads": t, "per_second": v} for (d, t), v in self.flops.items()],
            "copies": [{"bytes": b, "threads": t, "per_second": v} for (b, t), v in self.copies.items()],
        }


def compile_kernels(isa: str) -> ctypes.CDLL | None:
    """Return peak.c compiled for an instruction set; None without a compiler."""
    compiler = next(filter(None, (shutil.which(name) for name in (os.environ.get("CC") or "cc", "gcc", "clang"))), None)
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "peak.so"
        source = Path(__file__).with_suffix(".c")
        command = [compiler, "-O2", "-std=gnu11", "-ffp-contract=fast", "-shared", "-fPIC", f"-DVBYTES={WIDTHS[isa]}",
                   *FLAGS.get(isa, []), str(source), "-o", str(library)]  # fmt: skip
        if subprocess.run(command, check=False).returncode != 0:
            return None
        kernels = ctypes.CDLL(str(library))
    for name, kind in DTYPES.items():
        function = getattr(kernels, f"fma_{name}")
        function.restype, function.argtypes = ctypes.c_double, [ctypes.c_long, kind, kind, ctypes.POINTER(kind)]
    kernels.copy.restype = None
    kernels.copy.argtypes = [ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    return kernels


def _together(threads: int, work: Callable[[int], None]) -> float:
    """Return the seconds that `work(index)` takes on that many threads at once, without their start and end.

    The work is a call by ctypes, which runs without the GIL.
    """
    gate = threading.Barrier(threads)
    spans = [(0.0, 0.0)] * threads

    def run(index: int) -> None:
        gate.wait()
        start = time.perf_counter()
        work(index)
        spans[index] = start, time.perf_counter()

    started = [threading.Thread(target=run, args=(index,)) for index in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    return max(end for _, end in spans) - min(start for start, _ in spans)


def measure(threads: list[int], dtypes: list[str], seconds: float) -> Peaks:
    """Measure the machine with these numbers of threads, each figure nine times for some seconds."""
    runtime = importlib.import_module(f"{OURS}.core.runtime")
    peaks = Peaks(runtime.isa())
    kernels = compile_kernels(peaks.isa)
    if kernels is None:
        return peaks
    for count in threads:
        for dtype in dtypes:
            peaks.flops[dtype, count] = _fma(kernels, dtype, count, seconds)
        for size in SIZES:
            peaks.copies[size, count] = _copy(kernels, size, count, seconds)
    return peaks


def _rate(run: Callable[[int], float], seconds: float, attempts: int = 9) -> float:
    """Return the most repetitions a second of `run(n)`, which repeats something n times and returns the seconds."""
    n = 1
    while (taken := min(run(n) for _ in range(3))) < seconds / 4:
        n *= 4
    n = max(1, int(n * seconds / taken))
    return n / min(run(n) for _ in range(attempts))


def _fma(kernels: ctypes.CDLL, dtype: str, threads: int, seconds: float) -> float:
    kind, function = DTYPES[dtype], getattr(kernels, f"fma_{dtype}")
    out = kind()
    each = function(1, 0.5, 1.0, ctypes.byref(out))
    batch = 100_000

    def run(n: int) -> float:
        return _together(threads, lambda _: function(n * batch, 0.5, 1.0, ctypes.byref(kind())))

    return _rate(run, seconds) * batch * each * threads


def _copy(kernels: ctypes.CDLL, size: int, threads: int, seconds: float) -> float:
    part = size // 2 // threads
    blocks = [(ctypes.create_string_buffer(part), ctypes.create_string_buffer(part)) for _ in range(threads)]

    def run(n: int) -> float:
        return _together(threads, lambda index: kernels.copy(n, *blocks[index], part))

    return _rate(run, seconds) * 2 * part * threads
