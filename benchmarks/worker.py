"""The process of one library: imports it once, then forks a fresh copy of itself for each task.

A task thus finds the library as a program finds it after the import: no thread started, no memory cached by an earlier
task. The pipe, whose descriptor is the argument, brings tasks as (library, threads, setup, arguments, seconds a round).
A task answers ("ready", None) when it is set up, then each True with ("round", (seconds of one call, share of the time
in which a thread waited for a processor)), until False; trouble with ("failed", text). ("done", None) follows in any
case.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from .library import Library

# Threads of this library that were stopped as they spun (harness.py) spin on for some milliseconds, and would take a
# core from the others; so a turn begins with a wait.
SPIN = 0.008


def _time(run: Callable[[], Any], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        run()
    return (time.perf_counter() - start) / calls


def _waited() -> int:
    """Return the nanoseconds that threads of this process were ready to run while others ran (Linux; else 0).

    A thread of ours that waits holds up the whole parallel region: the figure says how far a round can be trusted.
    """
    total = 0
    for path in Path("/proc/self/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):  # a thread that ended
            total += int(path.read_text().split()[1])
    return total


def set_threads(library: Library, threads: int) -> None:
    """Give the library that many threads, and a fixed seed, if it has PyTorch's names for both."""
    if hasattr(library.module, "set_num_threads"):
        library.module.set_num_threads(threads)
        library.module.manual_seed(0)


def _work(pipe: Connection, library: Library, threads: int, setup: Callable[..., Any], args: tuple[Any, ...],
          seconds: float) -> None:  # fmt: skip
    set_threads(library, threads)
    run = setup(library, threads, *args)
    run()
    once = max(_time(run, 1), 1e-7)
    if once < seconds:
        once = max(_time(run, min(100, int(seconds / once))), 1e-7)
    calls = max(1, int(seconds / once))
    pipe.send(("ready", None))
    while pipe.recv():
        time.sleep(SPIN if threads > 1 else 0)
        if calls > 1:
            run()  # wakes the threads
        before = _waited()
        once = _time(run, calls)
        pipe.send(("round", (once, (_waited() - before) / 1e9 / (once * calls))))


def main() -> None:
    """Serve tasks until the other end of the pipe closes."""
    pipe = Connection(int(sys.argv[1]))
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        task[0].load()
        child = os.fork()
        if child == 0:
            try:
                _work(pipe, *task)
            except EOFError:
                pass
            except BaseException as error:
                pipe.send(("failed", "".join(traceback.format_exception_only(error)).strip()))
            os._exit(0)
        os.waitpid(child, 0)
        pipe.send(("done", None))
