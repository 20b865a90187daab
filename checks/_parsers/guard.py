"""What a reader may do with bytes from a stranger: nothing but compute, in bounded time and memory.

An audit hook sees every file, socket, process, import and piece of code that Python touches. It stays for the life of
the process, so that readers run guarded only in processes of their own.
"""

from __future__ import annotations

import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

from .formats import Format

__all__ = ["SECONDS", "Finding", "run"]

SECONDS = 1.0  # of this thread's processor time, for files of a few kilobytes

# Beginnings of the names of events (docs.python.org/3/library/audit_events.html).
FORBIDDEN = (
    *("os.", "subprocess.", "socket.", "import", "exec", "compile", "open", "ctypes.", "shutil.", "pty.", "marshal."),
    *("code.", "function.", "tempfile.", "urllib.", "http.", "ftplib.", "webbrowser.", "pdb.", "builtins.input"),
    *("signal.", "mmap.", "glob.", "pathlib.", "resource.", "syslog.", "sys.set", "cpython.run", "fcntl.", "sqlite3."),
)

_armed = False
_installed = False
_seen: list[str] = []


class Finding(AssertionError):
    """A reader did what it must not do."""


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _armed and event.startswith(FORBIDDEN):
        _seen.append(f"{event} {arguments!r:.200}")


def _install(form: Format) -> None:
    """Read the whole files once, so that all modules are there, and watch from then on."""
    global _installed
    for seed in form.seeds:
        form.check(form.parse(seed))
    if not _installed:
        sys.addaudithook(_hook)
        _installed = True


_ready: set[str] = set()


def _guarded(form: Format, data: bytes) -> tuple[Any, Exception | None]:
    global _armed
    _seen.clear()
    _armed = True
    try:
        return form.parse(data), None
    except form.allowed as error:
        return None, error
    finally:
        _armed = False


def _peak(call: Callable[[], Any]) -> tuple[Any, int]:
    tracemalloc.start()
    try:
        result = call()
        return result, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def run(form: Format, data: bytes, measured: bool = True) -> tuple[Any, Exception | None, int]:
    """Read `data`; return the result or the documented exception, and the peak of memory in bytes.

    measured: watch memory as well, which takes time. Raises Finding, or whatever undocumented exception came out.
    """
    if form.name not in _ready:
        _install(form)
        _ready.add(form.name)
    started = time.thread_time()
    if measured:
        (result, error), peak = _peak(lambda: _guarded(form, data))
    else:
        (result, error), peak = _guarded(form, data), 0
    took = time.thread_time() - started
    if _seen:
        raise Finding(f"it did {_seen}")
    if took > SECONDS:
        raise Finding(f"it took {took:.1f} s of processor time for {len(data)} bytes")
    if peak > form.factor * len(data) + form.constant:
        raise Finding(f"it took {peak} bytes of memory for a file of {len(data)}, more than {form.factor} each")
    if error is None:
        form.check(result)
    elif isinstance(error, RecursionError) or not str(error):
        raise Finding(f"no clear error: {error!r}") from error
    return result, error, peak
