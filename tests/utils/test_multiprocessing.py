"""torch.multiprocessing: Python's module, and spawn with its errors."""

import os
import pickle
import signal
import time

import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import multiprocessing as mp


def put(index, queue, value):
    queue.put((index, (value * index).tolist()))


def fail(index, how):
    if index == 0:
        time.sleep(30)
    if how == "raise":
        raise ValueError("bad worker")
    if how == "exit":
        os._exit(3)
    os.kill(os.getpid(), signal.SIGKILL)


def test_names_of_pythons_module():
    for name in ("Process", "Queue", "Pool", "Lock", "Manager", "cpu_count", "set_start_method", "current_process"):
        assert callable(getattr(mp, name))
    mp.set_sharing_strategy("file_system")
    assert mp.get_sharing_strategy() == "file_system" and mp.get_all_sharing_strategies()
    mp.set_sharing_strategy("file_descriptor")
    with pytest.raises(AssertionError):
        mp.set_sharing_strategy("other")


def test_tensors_travel():
    queue = mp.get_context("spawn").SimpleQueue()
    mp.spawn(put, (queue, tg.arange(3)), nprocs=2)
    assert sorted(queue.get() for _ in range(2)) == [(0, [0, 0, 0]), (1, [0, 1, 2])]


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
@pytest.mark.parametrize(
    ("how", "kind", "message"),
    [
        ("raise", mp.ProcessRaisedException, r"(?s)-- Process 1 terminated with the following error:.*ValueError: bad"),
        ("exit", mp.ProcessExitedException, "^process 1 terminated with exit code 3$"),
        ("kill", mp.ProcessExitedException, "^process 1 terminated with signal SIGKILL$"),
    ],
)
def test_a_failure_ends_the_others(how, kind, message):
    context = mp.start_processes(fail, (how,), nprocs=2, join=False, start_method="fork")
    assert len(context.pids()) == 2
    start = time.monotonic()
    with pytest.raises(kind, match=message) as caught:
        while not context.join(grace_period=0.1):
            pass
    assert time.monotonic() - start < 20 and not any(process.is_alive() for process in context.processes)
    error = pickle.loads(pickle.dumps(caught.value))
    assert type(error) is kind and error.error_index == 1 and error.error_pid == context.pids()[1]


def test_another_start_method_warns():
    with pytest.warns(FutureWarning, match="only supports start_method=spawn"):
        assert mp.spawn(print, nprocs=0, start_method="fork") is None
