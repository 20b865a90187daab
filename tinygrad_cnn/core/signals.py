"""Handlers of signals run while a product or a convolution takes its time, and may end it (core/stop.c).

Python runs handlers in its main thread, between two of its own instructions. So the core, in the main thread, calls a
function that has none, and what a handler raises there leaves the function: it is kept until the core has returned.
"""

from __future__ import annotations

import os
import threading
from types import TracebackType

from tinygrad_cnn._core import ffi, lib

_raised: list[BaseException] = []


def _keep(kind: type[BaseException], error: BaseException, traceback: TracebackType) -> None:
    """Take what a handler raised, and let the core be told 1: leave the rest undone."""
    _raised.append(error)


@ffi.def_extern(error=1, onerror=_keep)
def run_signal_handlers() -> int:
    """Run the handlers of signals that have come, as any call does at its start; return 0: go on."""
    return 0


def raised_by_handler() -> BaseException:
    """Return what the handler raised for which the core has stopped."""
    if _raised:
        return _raised.pop()
    return RuntimeError("a process that a handler of a signal forks amid an operation cannot finish that operation")


def _watch() -> None:
    """Name the main thread, which after a fork is the one that forked."""
    lib.tc_set_asked(lib.run_signal_handlers, threading.main_thread().ident)


_watch()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_watch)
