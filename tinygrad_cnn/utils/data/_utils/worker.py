"""A worker process of the loader: what it knows about itself, and its loop."""

from __future__ import annotations

import os
import random
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_cnn.config import set_num_threads
from tinygrad_cnn.random import manual_seed
from tinygrad_cnn.utils.data._utils import channel
from tinygrad_cnn.utils.data._utils.fetch import fetcher
from tinygrad_cnn.utils.data.dataset import IterableDataset

__all__ = ["BATCH", "END", "FAILED", "RESUME", "Failure", "Task", "WorkerInfo", "get_worker_info", "run"]

CHECK_INTERVAL = 5.0  # seconds between looks at whether the other process is there, as PyTorch's

# What a worker answers to task n: (n, BATCH, batch), (n, FAILED, Failure) or (n, END, None) when its stream has ended.
BATCH, FAILED, END = range(3)
RESUME = "resume"  # the task that begins a new pass; it is answered

Task = Any  # (number, indices), RESUME, or None: the end


class WorkerInfo:
    """What `get_worker_info` returns: `id` of `num_workers`, the `seed` and the copy of the `dataset` of this worker.

    `worker_method` is "multiprocessing"; `rng` belongs to workers that are threads, and is None.
    """

    __slots__ = ("dataset", "id", "num_workers", "rng", "seed", "worker_method")
    id: int
    num_workers: int
    seed: int
    dataset: Any

    def __init__(self, id: int, num_workers: int, seed: int, dataset: Any) -> None:
        values = {"id": id, "num_workers": num_workers, "seed": seed, "dataset": dataset}
        for name, value in {**values, "rng": None, "worker_method": "multiprocessing"}.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"cannot assign to field {name!r}")

    def __repr__(self) -> str:
        order = ("id", "num_workers", "seed", "dataset", "rng", "worker_method")
        return f"WorkerInfo({', '.join(f'{name}={getattr(self, name)!r}' for name in order)})"


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """Return what a worker process of a DataLoader should know about itself; None in any other process."""
    return _info


class _Message(str):
    """The text of a KeyError, which shows its argument's repr: for this one, the lines as they are."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class Failure:
    """An exception of a worker, to be raised in the loader's process: its type, and its traceback as text."""

    def __init__(self, error: BaseException, where: str) -> None:
        import traceback

        self.kind = type(error)
        lines = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        self.message = f"Caught {self.kind.__name__} {where}.\nOriginal {lines}"

    def _error(self) -> BaseException:
        if self.kind is KeyError:
            return KeyError(_Message(self.message))
        try:
            return self.kind(self.message)
        except Exception:
            return RuntimeError(self.message)

    def reraise(self) -> None:
        """Raise an exception of the same type, RuntimeError if it is not made of a message alone."""
        # Not by a variable: with its traceback that would be a cycle, which kept the workers until the next collection.
        raise self._error()


class _Inbox(threading.Thread):
    """Takes tasks from the pipe as they come, so that the loader never waits for a worker that is busy.

    Sees to the end of the loader, too: a worker does not outlive it, even if it is killed.
    """

    def __init__(self, connection: Any) -> None:
        import queue

        super().__init__(daemon=True)
        self._connection = connection
        self._parent = os.getppid()
        self._tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
        self.closed = False
        self.get = self._tasks.get

    def run(self) -> None:
        """Take tasks until there are no more."""
        task: Task = RESUME
        while task is not None:
            try:
                while not self._connection.poll(CHECK_INTERVAL):
                    if os.getppid() != self._parent:
                        os._exit(1)
                task = self._connection.recv()
            except (EOFError, OSError):
                task = None
            self.closed = task is None
            self._tasks.put(task)


def _seed(base_seed: int, worker_id: int) -> int:
    """Seed the generators of this process as PyTorch does, and return the seed."""
    seed = base_seed + worker_id
    random.seed(seed)
    manual_seed(seed)
    # Not the same seed for NumPy, whose generator is that of `random`.
    words = np.random.SeedSequence([worker_id, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]).generate_state(4)
    np.random.seed(words)
    return seed


def run(
    connection: Any,
    worker_id: int,
    num_workers: int,
    base_seed: int,
    init_fn: Callable[[int], Any] | None,
    fetching: tuple[Any, bool, Callable[[Any], Any], bool],
) -> None:
    """Be worker `worker_id`: answer tasks until there are no more. `fetching`: the arguments of `fetcher`."""
    global _info
    try:
        inbox = _Inbox(connection)
        inbox.start()
        set_num_threads(1)
        dataset = fetching[0]
        _info = WorkerInfo(worker_id, num_workers, _seed(base_seed, worker_id), dataset)
        _answer_all(connection, inbox, init_fn, fetching)
    except (KeyboardInterrupt, BrokenPipeError, ConnectionError):
        # The process that loads gets the interrupt as well, or is gone.
        sys.exit(0)


def _answer_all(connection: Any, inbox: _Inbox, init_fn: Any, fetching: tuple[Any, bool, Any, bool]) -> None:
    assert _info is not None
    where = f"in DataLoader worker process {_info.id}"
    failure: Failure | None = None
    ended = False

    def start() -> Any:
        nonlocal failure
        try:
            return fetcher(*fetching)
        except Exception as error:
            failure = Failure(error, where)

    try:
        if init_fn is not None:
            init_fn(_info.id)
    except Exception as error:
        failure = Failure(error, where)
    fetch = start() if failure is None else None
    while (task := inbox.get()) is not None and not inbox.closed:
        if task == RESUME:
            fetch, ended = start(), False
            _reply(connection, RESUME, BATCH, None, where)
        elif not ended:
            number, indices = task
            kind, result = (FAILED, failure) if failure else _fetched(fetch, fetching[0], indices, where)
            ended = kind == END
            _reply(connection, number, kind, result, where)
            del result


def _fetched(fetch: Any, dataset: Any, indices: Any, where: str) -> tuple[int, Any]:
    try:
        return BATCH, fetch(indices)
    except Exception as error:
        if isinstance(error, StopIteration) and isinstance(dataset, IterableDataset):
            return END, None
        return FAILED, Failure(error, where)


def _reply(connection: Any, number: Any, kind: int, result: Any, where: str) -> None:
    """Send an answer; if it cannot be pickled, that."""
    try:
        encoded = channel.encode((number, kind, result))
    except Exception as error:
        failure = Failure(error, where)
        if kind == FAILED:  # of a type that has no name to be found by
            failure.kind, failure.message = RuntimeError, result.message
        encoded = channel.encode((number, FAILED, failure))
    channel.send(connection, encoded)
