"""profile: when to measure, with what, and what becomes of it."""

from __future__ import annotations

import enum
import functools
import json
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterable
from typing import Any

from tinygrad_cnn.profiler.events import EventList, FunctionEventAvg

__all__ = [
    "ProfilerAction",
    "ProfilerActivity",
    "profile",
    "record_function",
    "schedule",
    "supported_activities",
    "tensorboard_trace_handler",
]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class ProfilerAction(enum.Enum):
    """What to do in a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


class ProfilerActivity(enum.Enum):
    """What can be measured; here the CPU alone."""

    CPU = 0
    XPU = 1
    MTIA = 2
    CUDA = 3
    HPU = 4
    PrivateUse1 = 5


def supported_activities() -> set[ProfilerActivity]:
    """Return {CPU}."""
    return {ProfilerActivity.CPU}


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0
) -> Callable[[int], ProfilerAction]:
    """Return the action of each step: skip_first steps of nothing, then cycles of wait, warmup and active ones.

    `repeat` cycles, 0 for ever; skip_first_wait leaves out the wait of the first. AssertionError without active steps.
    """
    if not (wait >= 0 and warmup >= 0 and active > 0 and repeat >= 0 and skip_first >= 0):
        raise AssertionError(
            f"Invalid profiler schedule arguments. Got wait={wait} (need >= 0), warmup={warmup} (need >= 0), "
            f"active={active} (need > 0), repeat={repeat} (need >= 0), skip_first={skip_first} (need >= 0)."
        )
    if warmup == 0:
        warnings.warn("Profiler won't be using warmup, this can skew profiler results", stacklevel=2)
    length = wait + warmup + active

    def action(step: int) -> ProfilerAction:
        step -= skip_first
        if step < 0:
            return ProfilerAction.NONE
        if skip_first_wait:
            step += wait
        if repeat and step >= repeat * length:
            return ProfilerAction.NONE
        place = step % length
        if place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD_AND_SAVE if place == length - 1 else ProfilerAction.RECORD

    return action


class _Ranges(threading.local):
    """The profile that is running on this thread, to which ranges are reported."""

    running: profile | None = None


_current = _Ranges()


class record_function:
    """A context (or decorator) whose time gets a row of its own in a profile that is running; else nothing happens."""

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name

    def __enter__(self) -> record_function:
        self._start = time.perf_counter()
        return self

    def __exit__(self, *exception: object) -> None:
        running = _current.running
        if running is not None:
            running._ranges.append((self.name, self._start, time.perf_counter()))

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that runs in this context."""

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name):
                return function(*args, **kwargs)

        return wrapped


def _label(code: Any) -> str | None:
    """Return what a function of this package is called in the table; None for others."""
    filename = getattr(code, "co_filename", "")
    if not filename.startswith(_PACKAGE):
        return None
    module = filename[len(_PACKAGE) :].removesuffix(".py").replace(os.sep, ".").removesuffix(".__init__")
    name = getattr(code, "co_qualname", code.co_name)
    return None if module.startswith("profiler") else f"{module}.{name}"


class profile:
    """Measures what runs on this thread in a `with` block, or between start() and stop() (`torch.profiler.profile`).

    schedule: which of the steps, counted by step(), are measured; on_trace_ready(profile) is called after each cycle,
    or at the end. activities other than the CPU find nothing. record_shapes, profile_memory, with_stack, with_flops and
    with_modules are accepted and add nothing. RuntimeError if another profiler is running.
    """

    def __init__(
        self,
        *,
        activities: Iterable[ProfilerActivity] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[[profile], Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        **options: Any,
    ) -> None:
        self._schedule = schedule or (lambda step: ProfilerAction.RECORD)
        self._on_trace_ready = on_trace_ready
        self.step_num = 0
        self._profiler: Any = None
        self._ranges: list[tuple[str, float, float]] = []
        self._stats: list[Any] = []
        self._step_start = 0.0

    def _measures(self) -> bool:
        return self._schedule(self.step_num) in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)

    def _begin(self) -> None:
        import cProfile

        self._ranges, self._stats = [], []
        self._profiler = cProfile.Profile()
        try:
            self._profiler.enable()
        except ValueError as error:
            self._profiler = None
            raise RuntimeError(f"another profiler is running: {error}") from None
        _current.running = self

    def _end(self) -> None:
        self._profiler.disable()
        self._stats = self._profiler.getstats()
        self._profiler = _current.running = None
        if self._on_trace_ready is not None:
            self._on_trace_ready(self)

    def start(self) -> None:
        """Begin."""
        self._step_start = time.perf_counter()
        if self._measures():
            self._begin()

    def stop(self) -> None:
        """End."""
        if self._profiler is not None:
            self._end()

    def step(self) -> None:
        """Say that the next step begins."""
        now = time.perf_counter()
        if self._profiler is not None:
            self._ranges.append((f"ProfilerStep#{self.step_num}", self._step_start, now))
            if self._schedule(self.step_num) is ProfilerAction.RECORD_AND_SAVE:
                self._end()
        self.step_num += 1
        self._step_start = now
        if self._profiler is None and self._measures():
            self._begin()

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def events(self) -> EventList:
        """Return the rows, the same as `key_averages`: single calls are not kept."""
        return self.key_averages()

    def key_averages(
        self, group_by_input_shape: bool = False, group_by_stack_n: int = 0, group_by_overload_name: bool = False
    ) -> EventList:
        """Return a row for each function and each name of a range."""
        rows: dict[str, FunctionEventAvg] = {}

        def add(key: str, count: int, total: float, own: float) -> None:
            row = rows.setdefault(key, FunctionEventAvg(key, 0, 0.0, 0.0))
            row.count += count
            row.cpu_time_total += total * 1e6
            row.self_cpu_time_total += own * 1e6

        for entry in self._stats:
            label = _label(entry.code)
            if label is not None:
                # Functions in C, the kernels among them, count as part of the function that calls them.
                below = sum(call.totaltime for call in entry.calls or () if isinstance(call.code, str))
                add(label, entry.callcount, entry.totaltime, entry.inlinetime + below)
        for name, start, end in self._ranges:
            add(name, 1, end - start, 0.0)
        return EventList(rows.values())

    def export_chrome_trace(self, path: str) -> None:
        """Write the ranges of `record_function` and the steps as a time line; single operations are not in it."""
        common = {"ph": "X", "pid": os.getpid(), "tid": threading.get_native_id(), "cat": "user_annotation"}
        found = [
            {**common, "name": name, "ts": start * 1e6, "dur": (end - start) * 1e6} for name, start, end in self._ranges
        ]
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"traceEvents": found, "displayTimeUnit": "ms"}, file)

    def export_stacks(self, path: str, metric: str = "self_cpu_time_total") -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("export_stacks: stacks are not recorded")

    def add_metadata(self, key: str, value: str) -> None:
        """Do nothing: traces have no room for it."""


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False
) -> Callable[[profile], None]:
    """Return an `on_trace_ready` that writes time lines into a folder.

    NotImplementedError for use_gzip.
    """
    if use_gzip:
        raise NotImplementedError("tensorboard_trace_handler: use_gzip is not implemented")

    def handler(prof: profile) -> None:
        import socket

        os.makedirs(dir_name, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        prof.export_chrome_trace(os.path.join(dir_name, f"{worker}.{time.time_ns()}.pt.trace.json"))

    return handler
