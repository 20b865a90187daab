"""One pass of a loader whose samples are loaded by worker processes.

Each worker has a pipe of its own, so one that dies can damage nothing that the others use. Task n goes to the workers
in turn, and its batch is received from the worker that has it: the order of the batches does not depend on who is
quicker.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any

from tinygrad_cnn.utils.data._utils import channel, worker
from tinygrad_cnn.utils.data._utils.iterator import _BaseDataLoaderIter

if TYPE_CHECKING:
    from tinygrad_cnn.utils.data.dataloader import DataLoader

__all__ = ["_MultiProcessingDataLoaderIter"]

_PICKLE_ADVICE = (
    "Got pickle error when attempting to start a worker Process. This might be because the worker Process arguments "
    "are not picklable. Python 3.14+ changed the multiprocessing start method in non-Mac POSIX platforms to "
    "'forkserver', which requires the worker Process arguments to be picklable. You can also try "
    "multiprocessing.set_start_method('fork')."
)


def _default_context() -> Any:
    """Return how workers are started: as `multiprocessing.set_start_method` says; on Linux by fork if it says nothing.

    A fork needs neither a `__main__` guard in the script nor data sets that can be pickled. The core's threads do not
    mind it.
    """
    import multiprocessing

    if sys.platform == "linux" and multiprocessing.get_start_method(allow_none=True) is None:
        return multiprocessing.get_context("fork")
    return multiprocessing.get_context()


class _Worker:
    """A worker as the loader sees it."""

    def __init__(self, context: Any, number: int, arguments: tuple[Any, ...]) -> None:
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=worker.run, args=(theirs, number, *arguments), daemon=True)
        from pickle import PicklingError

        try:
            self.process.start()
        except (TypeError, AttributeError, PicklingError):
            warnings.warn(_PICKLE_ADVICE, stacklevel=5)
            raise
        finally:
            theirs.close()
        self.active = True  # has something to do in this pass
        self.tasks = 0  # how many it has not answered

    def post(self, task: worker.Task) -> None:
        """Send a task. That a worker is gone is noticed when its answer is waited for, behind those it has sent."""
        with contextlib.suppress(OSError):
            self.connection.send(task)

    def receive(self) -> Any:
        """Return the next answer, RuntimeError if the worker has died."""
        try:
            return channel.decode(channel.receive(self.connection))
        except (EOFError, ConnectionError):
            raise RuntimeError(self.obituary()) from None

    def obituary(self) -> str:
        """Return what became of a worker that has gone without leave."""
        self.process.join(1)
        code, pid = self.process.exitcode, self.process.pid
        if code is None or code == 0:
            return f"DataLoader worker (pid(s) {pid}) exited unexpectedly"
        if code > 0:
            return (
                f"DataLoader worker (pid {pid}) exited unexpectedly with exit code {code}. Details are lost due to "
                "multiprocessing. Rerunning with num_workers=0 may give better error trace."
            )
        return f"DataLoader worker (pid {pid}) is killed by signal: {signal.strsignal(-code) or -code}. "

    def stop(self, deadline: float) -> None:
        """Wait until the worker has ended, which has been told to; take from it what it has still to say."""
        from multiprocessing.connection import wait

        sentinel = self.process.sentinel
        with contextlib.suppress(EOFError, OSError):
            while (left := deadline - time.monotonic()) > 0:
                ready = wait([self.connection, sentinel], left)
                if sentinel in ready or not ready:
                    break
                channel.drop(channel.receive(self.connection))
        self.process.join(max(0.0, deadline - time.monotonic()))
        if self.process.exitcode is None:
            self.process.terminate()
            self.process.join(worker.CHECK_INTERVAL)
        self.connection.close()


class _MultiProcessingDataLoaderIter(_BaseDataLoaderIter):
    """A pass whose samples are loaded by `num_workers` processes, `prefetch_factor` batches ahead each."""

    _closed = True  # until the workers have been started

    def __init__(self, loader: DataLoader) -> None:
        super().__init__(loader)
        import numpy.random  # noqa: F401  the workers seed it; they need not import it one by one

        assert loader.prefetch_factor is not None
        if loader.prefetch_factor <= 0:
            raise AssertionError("prefetch_factor must be greater than 0 for MultiProcessingDataLoaderIter")
        self._most = loader.prefetch_factor * loader.num_workers
        self._in_order = loader.in_order
        self._timeout = loader.timeout
        self._persistent_workers = loader.persistent_workers
        context = loader.multiprocessing_context or _default_context()
        arguments = (loader.num_workers, self._base_seed, loader.worker_init_fn, self._fetching)
        self._sent = self._received = 0
        self._tasks: dict[int, _Worker] = {}
        self._owner = os.getpid()
        self._workers: list[_Worker] = []
        self._closed = False
        for number in range(loader.num_workers):
            self._workers.append(_Worker(context, number, arguments))
        self._begin()

    def _can_go_on(self) -> bool:
        """Return whether all workers are there for another pass; stop the rest if an interrupt has ended some."""
        if not self._closed and not all(each.process.is_alive() for each in self._workers):
            self._shutdown_workers()
        return not self._closed

    def _reset(self, loader: DataLoader) -> None:
        """Begin another pass with the same workers."""
        self._reported_length = loader._reported_length
        for each in self._workers:
            each.post(worker.RESUME)
        for each in self._workers:
            while self._answer([each])[1][0] != worker.RESUME:
                pass
            each.active, each.tasks = True, 0
        self._yielded = 0
        self._begin()

    def _begin(self) -> None:
        # Once more, although a first pass has just asked for one: PyTorch does, and a sampler may draw in `__iter__`.
        self._sampler_iter = iter(self._index_sampler)
        self._sent = self._received = 0
        self._tasks.clear()
        self._turns = itertools.cycle(self._workers)
        for _ in range(self._most):
            self._post_next()

    def _post_next(self) -> None:
        """Give the next task to a worker; drop it if all have come to the end of their streams."""
        try:
            indices = next(self._sampler_iter)
        except StopIteration:
            return
        active = sum(each.active for each in self._workers)
        for each in itertools.islice(self._turns, self._num_workers):
            if each.active and (self._in_order or each.tasks < self._most // active):
                break
        else:
            return
        each.post((self._sent, indices))
        each.tasks += 1
        self._tasks[self._sent] = each
        self._sent += 1

    def _next_data(self) -> Any:
        while True:
            while self._received < self._sent:
                each = self._tasks.get(self._received)
                if each is not None and each.active:
                    break
                self._tasks.pop(self._received, None)
                self._received += 1
            else:
                if not self._persistent_workers:
                    self._shutdown_workers()
                raise StopIteration
            # Out of order, whoever is first; who has nothing to do says nothing.
            awaited = [each] if self._in_order else [each for each in self._workers if each.active and each.tasks]
            each, (number, kind, data) = self._answer(awaited)
            del self._tasks[number]
            each.tasks -= 1
            if kind == worker.END:
                each.active = False
                if not self._persistent_workers:
                    each.post(None)
            self._post_next()
            if kind == worker.FAILED:
                data.reraise()
            if kind == worker.BATCH:
                return data

    def _answer(self, awaited: list[_Worker]) -> tuple[_Worker, Any]:
        """Return the next answer of one of these workers and who gave it.

        RuntimeError if one of them has died or the timeout is over. After a death all workers are stopped.
        """
        from multiprocessing.connection import wait

        by_handle: dict[Any, _Worker] = {each.connection: each for each in awaited}
        by_handle.update({each.process.sentinel: each for each in awaited})
        limit = time.monotonic() + self._timeout if self._timeout else None
        try:
            while True:
                left = worker.CHECK_INTERVAL if limit is None else min(worker.CHECK_INTERVAL, limit - time.monotonic())
                ready = wait(by_handle, max(0.0, left))
                for each in awaited:
                    if each.connection in ready:
                        return each, each.receive()
                for each in awaited:
                    # A process that somebody else has forked may keep the sentinel from telling.
                    gone = each.process.sentinel in ready or not each.process.is_alive()
                    if gone and not each.connection.poll():
                        raise RuntimeError(each.obituary())
                if limit is not None and time.monotonic() >= limit:
                    break
        except RuntimeError:
            self._shutdown_workers()
            raise
        raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds")

    def _shutdown_workers(self) -> None:
        # A forked child has a copy of this object, but not the workers; an interpreter that ends has ended them.
        if self._closed or self._owner != os.getpid() or sys.is_finalizing():
            return
        self._closed = True
        self._tasks.clear()
        self._sent = self._received
        for each in self._workers:
            each.post(None)
        deadline = time.monotonic() + worker.CHECK_INTERVAL
        for each in self._workers:
            each.stop(deadline)

    def __del__(self) -> None:
        self._shutdown_workers()
