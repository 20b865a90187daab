"""Several Python threads in the core at once, while the pool changes its size and the process forks.

    python -m checks._callers SECONDS

Run by `python -m checks sanitizers thread` on a core under ThreadSanitizer. Each thread trains a net of its
own and must get the same losses as alone.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time

import tinygrad_cnn as torch
from tinygrad_cnn.core import runtime
from tinygrad_cnn.core.buffers import lib

from ._training import NETS, training

THREADS, STEPS = 4, 3


def losses(name: str, weights: threading.Lock) -> list[float]:
    """Return the losses of a few steps.

    Initial weights come from one generator, which the threads share: one at a time. Dropout does without it.
    """
    with weights:
        work = training(name, batch=4)
    for module in work.model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return [work.step() for _ in range(STEPS)]


def disturb(stop: threading.Event, done: list[int]) -> None:
    """Change what may be changed while kernels run: the pool's size, the cache's bound; ask for the counters."""
    choice = random.Random(0)
    while not stop.is_set():
        runtime.set_num_threads(choice.randint(1, 9))
        lib.tc_alloc_set_cap(choice.choice((0, 2**16, 2**30)))
        runtime.trim_memory()
        runtime.memory_stats()
        runtime.reset_peak_memory()
        done.append(1)
        time.sleep(choice.random() * 0.01)


def main(seconds: float) -> int:
    """Run until the time is over; print how much was done, return 1 if a loss was wrong or a child failed."""
    weights, names = threading.Lock(), list(NETS)[:THREADS]
    wanted = {name: losses(name, weights) for name in names}
    stop = threading.Event()
    wrong: list[str] = []
    trained: list[str] = []
    disturbed: list[int] = []

    def train(name: str) -> None:
        while not stop.is_set():
            if losses(name, weights) != wanted[name]:
                wrong.append(name)
            trained.append(name)

    threads = [threading.Thread(target=train, args=(name,)) for name in names]
    threads.append(threading.Thread(target=disturb, args=(stop, disturbed)))
    for thread in threads:
        thread.start()
    ends, children = time.monotonic() + seconds, 0
    while time.monotonic() < ends:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(120)  # a hang becomes a failure
            x = torch.ones(150, 150)
            os._exit(0 if float((x @ x).sum()) == 150.0**3 else 1)
        children += 1
        if os.waitpid(child, 0)[1] != 0:
            wrong.append("child")
        time.sleep(0.2)
    stop.set()
    for thread in threads:
        thread.join(120)
    hung = sum(thread.is_alive() for thread in threads)
    print(f"{len(trained)} trainings on {THREADS} threads, {len(disturbed)} changes of the pool, {children} forks")
    if wrong or hung:
        print(f"WRONG: {wrong}, {hung} threads hang")
    return 1 if wrong or hung else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
