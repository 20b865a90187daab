"""What this build is and uses: `show_config()`, and `show()` and `parallel_info()` as `torch.__config__` has them."""

from __future__ import annotations

import platform
import sys

import numpy as np

from ._version import __version__
from .core.runtime import compiler, get_num_threads, isa, isa_available, memory_stats, set_num_threads, version

__all__ = ["get_num_interop_threads", "get_num_threads", "set_num_interop_threads", "set_num_threads", "show_config"]


def show() -> str:
    """Return version, compiler, instruction sets, threads and memory as text (`torch.__config__.show`)."""
    import cffi

    stats = memory_stats()
    lines = [
        f"tinygrad_cnn {__version__} (core {version()})",
        f"  compiler: {compiler()}",
        f"  instruction set: {isa()} in use; available: {', '.join(isa_available())}",
        f"  threads: {get_num_threads()}",
        f"  memory: {stats['in_use']} bytes in use, {stats['cached']} kept for reuse",
        f"  Python {sys.version.split()[0]} on {platform.system()} {platform.machine()}, NumPy {np.__version__}, "
        f"cffi {cffi.__version__}",
    ]
    return "\n".join(lines) + "\n"


def show_config() -> None:
    """Print what `show` returns."""
    print(show(), end="")


def parallel_info() -> str:
    """Return how operations are made parallel, as text (`torch.__config__.parallel_info`)."""
    return (
        f"threads of one operation: {get_num_threads()} (own pool; set_num_threads, OMP_NUM_THREADS, and the CPUs that "
        "affinity and cgroup give)\n"
    )


_interop = [1]


def get_num_interop_threads() -> int:
    """Return the number that was set; operations here run one after the other (`torch.get_num_interop_threads`)."""
    return _interop[0]


def set_num_interop_threads(count: int) -> None:
    """Accept a number of threads for running operations side by side, which never happens here.

    Raises RuntimeError for what is not an int, or is below 1.
    """
    if isinstance(count, bool) or not isinstance(count, int):
        raise RuntimeError(f"set_num_interop_threads expects an int, but got {type(count).__name__}")
    if count < 1:
        raise RuntimeError("set_num_interop_threads expects a positive integer")
    _interop[0] = count
