"""What processes and threads compute in tests of forks, signals and exits, and what it must give."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

import tinygrad_cnn as tg
from tests.bits.networks import RUNS, Training, dataset


def job(seed: int = 0) -> str:
    """Multiply, convolve and go back, on all threads; return a hash of the results."""
    rng = np.random.default_rng(seed)
    a = tg.tensor(rng.standard_normal((200, 200), np.float32))
    x = tg.tensor(rng.standard_normal((8, 8, 20, 20), np.float32), requires_grad=True)
    weight = tg.tensor(rng.standard_normal((16, 8, 3, 3), np.float32), requires_grad=True)
    tg.nn.functional.conv2d(x, weight, padding=1).relu().sum().backward()
    noise = tg.rand(1000, generator=tg.Generator().manual_seed(seed))
    results = (a @ a, x.grad, weight.grad, noise, a.exp().sum(0))
    return hashlib.sha256(b"".join(each.numpy().tobytes() for each in results)).hexdigest()


def train(training: Training, batches: int) -> Training:
    """Train on the batches in order; without a loader, which would draw from the generator that all threads share."""
    data, size = dataset(training.network, batches), RUNS[training.network][0]
    for first in range(0, len(data), size):
        training.step(*data[first : first + size])
    return training


def weights(training: Training) -> str:
    """Return a hash of losses, weights and the optimizer's state."""
    seen = hashlib.sha256(repr(training.losses).encode())
    for array in training.arrays().values():
        seen.update(array.tobytes())
    return seen.hexdigest()


def child(work: Callable[[], bool], seconds: int = 60) -> int:
    """Fork; the child works, and exits with 0 if that gave True. Return its number. One that hangs ends by a signal."""
    number = os.fork()
    if number:
        return number
    status = 1
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(seconds)
        status = int(not work())
    finally:
        os._exit(status)


def ended_well(number: int) -> bool:
    """Wait for a child; tell whether it exited with 0."""
    return os.waitpid(number, 0)[1] == 0


def in_thread(work: Callable[[], object]) -> object:
    """Call in another thread; return what that returns."""
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


@contextmanager
def busy_threads(count: int, shared: tg.Generator) -> Iterator[None]:
    """Keep threads in kernels, in backward passes, and drawing from a generator."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            job(1)
            tg.rand(10_000, generator=shared)
            tg.rand(1000)

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def family(expected: str, shared: tg.Generator) -> bool:
    """Do in a child what may go wrong there: draw, compute, change the number of threads, fork again."""
    draws = np.isfinite(tg.rand(100, generator=shared).numpy()).all() and tg.rand(1).numel() == 1
    right = job() == expected
    tg.set_num_threads(5)
    right = right and job() == expected
    grandchild = child(lambda: job() == expected and in_thread(job) == expected)
    return bool(draws and right and job() == expected and ended_well(grandchild))


def train_at_once(networks: list[str], batches: int) -> list[str]:
    """Train one model in each of several threads at the same time; return their hashes in order."""
    trainings = [Training(name, "Adam", seed) for seed, name in enumerate(networks)]
    found = dict.fromkeys(range(len(networks)), "")
    start = threading.Barrier(len(networks))

    def work(number: int) -> None:
        start.wait()
        found[number] = weights(train(trainings[number], batches))

    threads = [threading.Thread(target=work, args=(number,)) for number in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return list(found.values())


def train_alone(networks: list[str], batches: int) -> list[str]:
    """Train the same models one after the other."""
    return [weights(train(Training(name, "Adam", seed), batches)) for seed, name in enumerate(networks)]


def exit_code(work: str) -> int:
    """For pools of processes: 0 if a process computes `job` as its parent did."""
    return int(job() != work)
