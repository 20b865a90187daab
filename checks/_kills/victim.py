"""A fork that works until it is killed."""

from __future__ import annotations

import mmap
import os
import signal
import struct
import sys
import time
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn


class Notes:
    """Numbers that outlive the process that wrote them: in memory that parent and child share."""

    STARTED, BEGUN, ENDED, STAGE = range(4)

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)

    def __getitem__(self, place: int) -> int:
        return int(struct.unpack_from("q", self._memory, 8 * place)[0])

    def __setitem__(self, place: int, value: int) -> None:
        struct.pack_into("q", self._memory, 8 * place, value)


def _be_the_child(work: Callable[[Notes], None], notes: Notes) -> NoReturn:
    """Work without output but a traceback; end with a status that tells how."""
    status = 1
    try:
        sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
        notes[Notes.STARTED] = 1
        work(notes)
        status = 0
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
    os._exit(status)


def run_and_kill(work: Callable[[Notes], None], delay: float | None) -> tuple[int, Notes]:
    """Run `work` in a fork, kill it `delay` seconds after it started; return its exit status and what it noted.

    None: it ends by itself. The status of a killed process is -9; RuntimeError for any but that and 0.
    """
    notes = Notes()
    child = os.fork()
    if child == 0:
        _be_the_child(work, notes)
    if delay is not None:
        while not notes[Notes.STARTED]:
            time.sleep(0.0002)
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in (0, -signal.SIGKILL):
        raise RuntimeError(f"the process ended with status {status} before it was killed")
    return status, notes


def on_lines(where: str, act: Callable[[], None]) -> None:
    """Have `act` called before each line that this thread runs in the Python files whose path begins with `where`."""

    def line(frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            act()
        return line

    sys.settrace(lambda frame, event, argument: line if frame.f_code.co_filename.startswith(where) else None)


def die_at_line(where: str, number: int) -> None:
    """Have this process killed before the n-th line from now on that it runs in the files of `where`."""
    left = [number]

    def act() -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    on_lines(where, act)


def lines_of(where: str, work: Callable[[], None]) -> int:
    """Return how many lines `work()` runs in the files of `where`."""
    count = [0]

    def act() -> None:
        count[0] += 1

    before = sys.gettrace()
    on_lines(where, act)
    try:
        work()
    finally:
        sys.settrace(before)
    return count[0]
