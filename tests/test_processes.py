"""Forks, processes of all kinds, threads that train at once, and programs that end while kernels run."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
from functools import partial

import numpy as np
import pytest

import tinygrad_cnn as tg
from tests.bits.calls import threads
from tests.processes import (
    busy_threads,
    child,
    ended_well,
    exit_code,
    family,
    in_thread,
    job,
    train_alone,
    train_at_once,
)

has_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
linux = pytest.mark.skipif(sys.platform != "linux", reason="affinity and cgroups are Linux's")
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")


def run(script: str, *before: str, **environment: str) -> str:
    """Run a program, which has a minute; return what it printed if it ended well and complained of nothing."""
    env = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"} | environment
    command = [*before, sys.executable, "-W", "ignore", "-c", script]
    done = subprocess.run(command, env=env, cwd=tempfile.gettempdir(), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


# ---- forks ----


@has_fork
@pytest.mark.parametrize("caller", [lambda work: work(), in_thread], ids=["main thread", "another thread"])
@pytest.mark.parametrize("count", [1, 3])
def test_forks_while_other_threads_compute(caller, count):
    expected, shared = job(), tg.Generator()
    with threads(count), busy_threads(2, shared):
        for _ in range(2):
            assert caller(lambda: ended_well(child(partial(family, expected, shared))))
            assert job() == expected


@has_fork
def test_a_child_finds_generators_whole():
    """The thread that draws is not there any more: its lock would stay closed, or its numbers half written."""
    shared, stop = tg.Generator(), threading.Event()

    def draw():
        while not stop.is_set():
            tg.rand(200_000, generator=shared)

    thread = threading.Thread(target=draw)
    thread.start()
    try:
        for _ in range(20):
            assert ended_well(
                child(lambda: shared.clone_state() is not None and tg.rand(9, generator=shared).sum() > 0)
            )
    finally:
        stop.set()
        thread.join()


@has_fork
def test_a_child_becomes_another_program():
    job()
    number = os.fork()
    if number == 0:
        os.execv(sys.executable, [sys.executable, "-c", "raise SystemExit(0)"])
    assert ended_well(number)


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_pools_of_processes_compute_what_their_parent_does(method):
    expected = job()
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(exit_code, [expected] * 4) == [0] * 4


@has_fork
def test_a_handler_may_draw_and_go_back_amid_a_draw():
    generator = tg.Generator()
    with generator._lock:  # where a handler finds its own thread
        assert tg.rand(3, generator=generator).numel() == 3
        assert ended_well(child(lambda: tg.rand(3, generator=generator).numel() == 3))


# ---- threads ----


def test_eight_threads_train_eight_models_at_once():
    networks = ["lenet5", "lenet5", "resnet20", "lenet5"] * 2
    with threads(3):
        assert train_at_once(networks, 1) == train_alone(networks, 1)


def test_generators_of_threads_are_their_own():
    alone = [tg.randn(50_000, generator=tg.Generator().manual_seed(seed)).numpy() for seed in range(8)]
    found = {}

    def draw(seed):
        found[seed] = tg.randn(50_000, generator=tg.Generator().manual_seed(seed)).numpy()

    drawing = [threading.Thread(target=draw, args=(seed,)) for seed in range(8)]
    for thread in drawing:
        thread.start()
    for thread in drawing:
        thread.join()
    assert all(np.array_equal(alone[seed], found[seed]) for seed in range(8))


# ---- how many threads ----

SHOW = "import tinygrad_cnn as tg; print(tg.get_num_threads())"


@linux
def test_the_number_of_threads_follows_affinity():
    allowed = sorted(os.sched_getaffinity(0))
    here = f"import os, tinygrad_cnn as tg; os.sched_setaffinity(0, [{allowed[0]}]); print(tg.get_num_threads())"
    assert run(SHOW, "taskset", "-c", str(allowed[-1])) == "1\n"
    assert run(here) == "1\n", "set after the import, before the first operation"
    later = here.replace("os.sched_setaffinity", "n = tg.get_num_threads(); tg.rand(9).exp(); os.sched_setaffinity")
    assert run(later.replace("print(tg.get_num_threads())", "print(tg.get_num_threads() == n)")) == "True\n"


@linux
def test_the_number_of_threads_follows_a_quota(tmp_path):
    """A file of a cgroup in the place of the system's, for this program alone."""
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    (tmp_path / "membership").write_text("0::/\n")
    mounts = f"mount --bind {tmp_path} /sys/fs/cgroup && mount --bind {tmp_path}/membership /proc/$$/cgroup"
    inside = ["unshare", "-m", "sh", "-c", f'{mounts} && exec "$@"', "sh"]
    try:
        possible = subprocess.run([*inside, "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        possible = False
    if not possible:
        pytest.skip("this user may not mount anything")
    assert run(SHOW, *inside) == "1\n"
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert int(run(SHOW, *inside)) == len(os.sched_getaffinity(0))


# ---- ends ----

ENDINGS = {
    "daemons in kernels": "",
    "an error in a daemon": "sys.stderr = open(os.devnull, 'w'); threading.Thread(target=lambda: 1 / 0).start()",
    "work at exit": "import atexit; atexit.register(job)",
    "sleeping pool": "import time; time.sleep(0.05)",
    "a child first": "subprocess.run([sys.executable, '-c', 'pass'])",
}


@pytest.mark.parametrize("name", ENDINGS)
def test_a_program_ends_while_threads_are_in_kernels(name):
    script = f"""
import os, subprocess, sys, threading
import tinygrad_cnn as tg
from tests.processes import job
tg.set_num_threads(3)
expected = job()
def work():
    while True:
        job()
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
{ENDINGS[name]}
print(job() == expected)
"""
    assert run(script) == "True\n"


@has_fork
@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_no_process_is_left_behind():
    script = """
import multiprocessing, os
import tinygrad_cnn as tg
from tests.processes import job
from tinygrad_cnn.utils.data import DataLoader, TensorDataset
data = DataLoader(TensorDataset(tg.arange(64)), 8, num_workers=2)
for _ in data: job()
next(iter(data))
with multiprocessing.get_context("fork").Pool(2) as pool:
    pool.map(job, range(4))
pool.join()
del pool, _
try:
    print(os.waitpid(-1, os.WNOHANG))
except ChildProcessError:
    print("none")
"""
    assert run(script) == "none\n"
