"""Signals that come while a product or a convolution works: handlers run soon, and may end it with everything whole."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import nn
from tinygrad_cnn.core import runtime

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timer on this system")
F = nn.functional


def ones(*shape: int) -> tg.Tensor:
    """Return ones that take no memory."""
    return tg.ones(1).expand(*shape)


# Each would take seconds to hours; results are small.
ENDLESS = {
    "packed product": lambda: ones(2000, 10**7) @ ones(10**7, 2000),
    "blocked product": lambda: ones(100, 10**9) @ ones(10**9, 100),
    "convolution": lambda: F.conv2d(tg.ones(8, 64, 96, 96), tg.ones(64, 64, 45, 45)),
    "pooling": lambda: F.max_pool2d(tg.ones(8, 700, 700), 301, 1, 150),
}


class Alarm(Exception):
    """What the handler raises."""


@contextmanager
def alarm(handler, first: float, then: float = 0):
    """Call the handler for an alarm after `first` seconds and every `then` ones."""
    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, first, then)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def raise_alarm(*_):
    raise Alarm


def check_whole(in_use: int) -> None:
    """See that memory was given back, and that pool and kernels work as before."""
    assert runtime.memory_stats()["in_use"] <= in_use
    a = np.arange(300 * 300).reshape(300, 300) % 7  # of integers NumPy's products set no flags of floats
    np.testing.assert_array_equal((tg.tensor(a).float() @ tg.tensor(a).float()).numpy(), a @ a)


@pytest.mark.parametrize("name", ENDLESS)
def test_a_handler_ends_an_endless_call(name, threads):
    with tg.no_grad(), alarm(raise_alarm, 0.2):
        in_use = runtime.memory_stats()["in_use"]
        with pytest.raises(Alarm):
            ENDLESS[name]()
    check_whole(in_use)


def test_control_c(threads):
    in_use = runtime.memory_stats()["in_use"]
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        ENDLESS["packed product"]()
    timer.join()
    check_whole(in_use)


def test_the_backward_pass_is_left_as_well(threads):
    x, weight = tg.ones(1, 128, 32, 32, requires_grad=True), tg.ones(128, 128, 3, 3, requires_grad=True)
    y = F.conv2d(x, weight, padding=1)
    expected = tg.autograd.grad(y.sum(), (x, weight), retain_graph=True)
    started, seen = time.perf_counter(), []

    def handler(*_):
        seen.append(time.perf_counter())
        if len(seen) == 3:
            raise Alarm

    with alarm(handler, 0.02, 0.02), pytest.raises(Alarm):
        while time.perf_counter() < started + 60:
            tg.autograd.grad(y.sum(), (x, weight), retain_graph=True)
    again = tg.autograd.grad(y.sum(), (x, weight), retain_graph=True)
    for a, b in zip(expected, again, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_a_handler_that_returns_lets_the_call_go_on(threads):
    """It sees numbers as Python does, denormals included, may use the core meanwhile, and changes no bit."""
    a, b = tg.randn(1000, 1000), tg.randn(1000, 1000)
    expected = (a @ b).numpy()
    small, product, seen = a[:200, :200], (a[:200, :200] @ b[:200, :200]).numpy(), []

    def handler(*_):
        denormal = np.float32(1e-38) / np.float32(8)
        seen.append((denormal > 0, ((small @ b[:200, :200]).numpy() == product).all()))
        signal.setitimer(signal.ITIMER_REAL, 0.06)  # from here: a handler may be slower than that

    with alarm(handler, 0.01):
        for _ in range(200):
            assert ((a @ b).numpy() == expected).all()
            if len(seen) >= 4:
                break
    assert len(seen) >= 4 and all(map(all, seen))


def test_another_thread_s_call_is_not_stopped(threads):
    a = tg.randn(1200, 1200)
    expected, found = (a @ a).numpy(), []
    worker = threading.Thread(target=lambda: found.extend((a @ a).numpy() for _ in range(3)))
    worker.start()
    with pytest.raises(Alarm), alarm(raise_alarm, 0.03):
        time.sleep(10)
    worker.join()
    assert len(found) == 3 and all((each == expected).all() for each in found)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_process_that_a_handler_forks_amid_a_call(threads):
    """With the pool's threads gone the child cannot finish the call, and says so; the parent can, and so can others."""
    a = tg.randn(1000, 1000)
    expected, forking, children = (a @ a).numpy(), [], []

    def handler(*_):
        if not forking:  # another alarm may come meanwhile
            forking.append(True)
            children.append(os.fork())

    try:
        with alarm(handler, 0.01, 0.06):
            status = 0
            while not children:
                status |= int(((a @ a).numpy() != expected).any())
    except RuntimeError as error:
        status = 0 if children == [0] and "forks amid an operation" in str(error) else 1
    if children == [0]:
        check_whole(runtime.memory_stats()["in_use"])
        os._exit(status)
    assert status == 0
    assert os.waitpid(children[0], 0)[1] == 0
