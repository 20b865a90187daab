"""Worker processes of the loader: the same batches in the same order, PyTorch's seeds, errors, deaths, clean ends."""

import contextlib
import gc
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, get_worker_info
from tinygrad_cnn.utils.data._utils import channel

pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),
    pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the tests' data sets are handed over by fork"),
]


class Numbers(Dataset):
    """Sample i is a tensor of `size` times i, and i; `act(i)` is called in the worker before."""

    def __init__(self, count=20, size=1, act=None):
        self.count, self.size, self.act = count, size, act

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if self.act is not None:
            self.act(index)
        return tg.full((self.size,), float(index)), index


class Stream(IterableDataset):
    """The numbers below `count`, dealt out to the workers."""

    def __init__(self, count):
        self.count = count

    def __iter__(self):
        info = get_worker_info()
        return iter(range(self.count) if info is None else range(info.id, self.count, info.num_workers))


def indices(loader):
    return [batch[1].tolist() for batch in loader]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"shuffle": True},
        {"shuffle": True, "drop_last": True, "prefetch_factor": 1},
        {"persistent_workers": True, "shuffle": True},
        {"num_workers": 3, "prefetch_factor": 4},
    ],
    ids=str,
)
def test_the_batches_are_those_without_workers(options):
    alone = {k: v for k, v in options.items() if k in ("shuffle", "drop_last")}
    options = {"num_workers": 2, **options}
    tg.manual_seed(5)
    plain = DataLoader(Numbers(23), batch_size=4, **alone)
    expected = [indices(plain) for _ in range(3)]
    tg.manual_seed(5)
    loader = DataLoader(Numbers(23), batch_size=4, **options)
    assert len(loader) == len(plain) and loader.prefetch_factor == options.get("prefetch_factor", 2)
    found = [indices(loader) for _ in range(3)]
    if not options.get("persistent_workers"):  # whose later passes draw no seed, in PyTorch neither
        assert found == expected
    assert found[0] == expected[0] and [len(pass_) for pass_ in found] == [len(plain)] * 3


@pytest.mark.parametrize("size", [1, 100, channel.INLINE // 16, channel.INLINE])
def test_batches_of_every_size_arrive_whole(size):
    for values, index in DataLoader(Numbers(8, size), batch_size=4, num_workers=1):
        assert values.shape == (4, size) and values.dtype is tg.float32
        assert (values == index.reshape(4, 1)).all()
        values += 1  # memory of its own, that can be written
        assert values._array.base is None


def test_any_structure_travels():
    big = np.arange(40000.0).reshape(200, 200)
    sample = {
        "same": [big, big],
        "turned": big.T,
        "strided": tg.tensor(big)[::2, ::3],
        "parameter": tg.nn.Parameter(tg.ones(300)),
        "text": "x" * 200_000,
        "record": np.zeros(100, [("a", "f8"), ("b", "U3")]),
        "objects": np.array(["a", None] * 300, object),
        "dates": np.arange(1000).astype("datetime64[D]"),
        "empty": tg.empty(0, 3),
        "half": tg.ones(3000).to(tg.bfloat16),
        "scalar": tg.tensor(3.0),
    }
    (found,) = DataLoader([sample], batch_size=None, num_workers=1, collate_fn=lambda x: x)
    assert found["same"][0] is found["same"][1] and found["text"] == sample["text"]
    np.testing.assert_array_equal(found["same"][0], big)
    np.testing.assert_array_equal(found["turned"], big.T)
    np.testing.assert_array_equal(found["strided"].numpy(), big[::2, ::3])
    assert type(found["parameter"]) is tg.nn.Parameter and found["parameter"].requires_grad
    for name in ("record", "objects", "dates"):
        np.testing.assert_array_equal(found[name], sample[name])
    assert found["half"].dtype is tg.bfloat16 and found["half"].tolist() == [1.0] * 3000
    assert found["empty"].shape == (0, 3) and found["scalar"].item() == 3.0


def test_without_memfd_everything_goes_through_the_pipe(monkeypatch):
    monkeypatch.setattr(channel, "_MEMFD", False)
    for values, index in DataLoader(Numbers(8, channel.INLINE), batch_size=4, num_workers=2):
        assert (values == index.reshape(4, 1)).all()


# ---------------------------------------------------------------- what a worker knows


class Draws(Dataset):
    """What the generators of a worker give, and its seed; `library` is this package or PyTorch."""

    def __init__(self, library):
        self.library = library

    def __len__(self):
        return 8

    def __getitem__(self, index):
        info = self.library.utils.data.get_worker_info()
        draws = self.library.rand(1).item(), random.random(), float(np.random.rand())
        return (*draws, info.id, info.num_workers, info.seed % 2**40, info.dataset is self)


@pytest.mark.parity
@pytest.mark.parametrize("persistent", [False, True])
def test_seeds_are_torchs(persistent):
    torch = pytest.importorskip("torch")

    def run(library):
        library.manual_seed(7)
        loader = library.utils.data.DataLoader(
            Draws(library), num_workers=2, batch_size=2, persistent_workers=persistent
        )
        found = [[part.tolist() for part in batch] for _ in range(2) for batch in loader]
        return found, library.rand(1).item()

    assert run(tg) == run(torch)


class EagerSampler:
    """Draws its order when it is asked for an iterator."""

    def __init__(self, library):
        self.library = library

    def __iter__(self):
        return iter(self.library.randperm(6).tolist())

    def __len__(self):
        return 6


@pytest.mark.parity
def test_draws_of_the_sampler_are_torchs():
    torch = pytest.importorskip("torch")

    def run(library):
        library.manual_seed(7)
        loader = library.utils.data.DataLoader(list(range(6)), sampler=EagerSampler(library), num_workers=1)
        return [batch.item() for _ in range(2) for batch in loader], library.rand(1).item()

    assert run(tg) == run(torch)


def test_worker_info_and_init_function():
    assert get_worker_info() is None
    seen = []

    def init(worker_id):
        info = get_worker_info()
        assert (info.id, info.num_workers, info.worker_method, info.rng) == (worker_id, 2, "multiprocessing", None)
        assert repr(info).startswith(f"WorkerInfo(id={worker_id}, num_workers=2, seed={info.seed}, dataset=")
        with pytest.raises(AttributeError, match="cannot assign to field 'id'"):
            info.id = 3
        info.dataset.mark = worker_id * 10
        seen.append(worker_id)

    class Marked(Numbers):
        def __getitem__(self, index):
            return self.mark, tg.get_num_threads()

    batches = list(DataLoader(Marked(4), num_workers=2, worker_init_fn=init))
    assert [(mark.item(), threads.item()) for mark, threads in batches] == [(0, 1), (10, 1), (0, 1), (10, 1)]
    assert seen == []


# ---------------------------------------------------------------- streams


@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize(("count", "expected"), [(0, []), (1, [[0]]), (7, [[0, 3], [1, 4], [2, 5], [6]])])
def test_streams(count, expected, persistent):
    loader = DataLoader(Stream(count), batch_size=2, num_workers=3, persistent_workers=persistent)
    for _ in range(2):
        assert [batch.tolist() for batch in loader] == expected


def test_a_longer_stream_than_promised_warns():
    class Promising(Stream):
        def __len__(self):
            return 1

    loader = DataLoader(Promising(2), num_workers=1)
    assert len(loader) == 1
    with pytest.warns(UserWarning, match="not properly configuring the IterableDataset replica at each worker"):
        assert len(list(loader)) == 2


def test_out_of_order():
    def act(index):
        if index == 0:
            time.sleep(0.5)

    loader = DataLoader(Numbers(8, act=act), num_workers=2, in_order=False, batch_size=None)
    found = [index for _, index in loader]
    assert sorted(found) == list(range(8)) and found[0] != 0


# ---------------------------------------------------------------- errors


class TwoArguments(Exception):
    def __init__(self, a, b):
        super().__init__(a, b)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("bad sample"), ValueError),
        (KeyError("bad sample"), KeyError),
        (TwoArguments("bad", 2), RuntimeError),
    ],
    ids=["ValueError", "KeyError", "TwoArguments"],
)
def test_errors_come_with_their_traceback(error, kind):
    def act(index):
        if index == 3:
            raise error

    iterator = iter(DataLoader(Numbers(6, act=act), num_workers=2, batch_size=None))
    assert [next(iterator)[1] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(kind) as caught:
        next(iterator)
    name = type(error).__name__
    assert str(caught.value).startswith(f"Caught {name} in DataLoader worker process 1.\nOriginal Traceback (most rec")
    assert ", in act\n" in str(caught.value) and "bad" in str(caught.value)
    assert [index for _, index in iterator] == [4, 5]


def test_other_errors_of_workers():
    class Local(Exception):
        pass

    def raise_local(index):
        raise Local("cannot be pickled")

    with pytest.raises(RuntimeError, match="Caught Local in DataLoader worker process 0"):
        next(iter(DataLoader(Numbers(act=raise_local), num_workers=1)))
    with pytest.raises((AttributeError, TypeError, RuntimeError), match="in DataLoader worker process 0"):
        next(iter(DataLoader(Numbers(), num_workers=1, collate_fn=lambda batch: lambda: batch)))
    with pytest.raises(ZeroDivisionError, match="Caught ZeroDivisionError in DataLoader worker process 0"):
        next(iter(DataLoader(Numbers(), num_workers=1, worker_init_fn=lambda i: 1 // 0)))


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda i: os.kill(os.getpid(), signal.SIGKILL), r"DataLoader worker \(pid \d+\) is killed by signal: Killed"),
        (lambda i: os._exit(3), r"DataLoader worker \(pid \d+\) exited unexpectedly with exit code 3"),
        (lambda i: os._exit(0), r"DataLoader worker \(pid\(s\) \d+\) exited unexpectedly$"),
    ],
    ids=["killed", "exit 3", "exit 0"],
)
@pytest.mark.parametrize("persistent", [False, True])
def test_a_death_is_noticed(act, message, persistent):
    dead = []

    def die(index):
        if index == 5 and not dead:
            act(index)

    loader = DataLoader(Numbers(12, channel.INLINE, die), num_workers=2, batch_size=None, persistent_workers=persistent)
    found = []
    with pytest.raises(RuntimeError, match=message):
        for _, index in loader:
            found.append(index)
    assert found == [0, 1, 2, 3, 4]
    dead.append(True)  # new workers are forked from here
    assert [index for _, index in loader] == list(range(12))


def test_persistent_workers_that_an_interrupt_has_ended_are_replaced():
    loader = DataLoader(Numbers(4), num_workers=2, persistent_workers=True)
    assert indices(loader) == [[0], [1], [2], [3]]
    pids = [each.process.pid for each in loader._iterator._workers]
    os.kill(pids[0], signal.SIGINT)
    loader._iterator._workers[0].process.join(10)
    assert indices(loader) == [[0], [1], [2], [3]]
    assert not set(pids) & {each.process.pid for each in loader._iterator._workers}


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="batches are not handed over as open files here")
def test_too_many_open_files():
    resource = pytest.importorskip("resource")
    here, there = multiprocessing.Pipe()
    batch = channel.encode(tg.zeros(channel.INLINE))
    sender = threading.Thread(target=channel.send, args=(there, batch))
    sender.start()
    sender.join()
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (free + 1, before[1]))  # room for a socket, not for the batch
        with pytest.raises(RuntimeError, match=r"Too many open files.*increase the limit"):
            channel.receive(here)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_timeout():
    loader = DataLoader(Numbers(act=lambda i: time.sleep(0.7)), num_workers=1, timeout=0.2)
    with pytest.raises(RuntimeError, match=r"^DataLoader timed out after 0\.2 seconds$"):
        next(iter(loader))
    assert indices(DataLoader(Numbers(2), num_workers=1, timeout=30)) == [[0], [1]]


@pytest.mark.parity
def test_messages_of_options_are_torchs():
    torch = pytest.importorskip("torch")
    for options in (
        {"num_workers": 1, "multiprocessing_context": "threads"},
        {"num_workers": 1, "multiprocessing_context": 3},
        {"num_workers": 1, "prefetch_factor": -1},
    ):
        errors = []
        for library in (torch, tg):
            with pytest.raises((ValueError, TypeError, AssertionError)) as caught:
                iter(library.utils.data.DataLoader([1], **options))
            errors.append((caught.type, str(caught.value)))
        assert errors[0] == errors[1]


def test_nothing_ahead_is_refused():
    with pytest.raises(AssertionError, match=r"^prefetch_factor must be greater than 0 for Multi"):
        iter(DataLoader(Numbers(), num_workers=1, prefetch_factor=0))


def test_too_many_workers_warn():
    with pytest.warns(UserWarning, match="This DataLoader will create 5000 worker processes in total"):
        DataLoader(Numbers(), num_workers=5000)


# ---------------------------------------------------------------- ends


def children():
    with open(f"/proc/self/task/{threading.get_native_id()}/children") as file:
        return set(file.read().split())


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="needs /proc")
def test_nothing_is_left_behind():
    import multiprocessing

    list(DataLoader(Numbers(), num_workers=1))  # what is made once
    gc.collect()
    before, processes = len(os.listdir("/proc/self/fd")), children()
    for persistent in (False, True):
        loader = DataLoader(
            Numbers(50, channel.INLINE), num_workers=2, prefetch_factor=8, persistent_workers=persistent
        )
        indices(loader)
        iterator = iter(loader)
        next(iterator)  # the others are on their way, or wait
        start = time.monotonic()
        del iterator, loader
        assert time.monotonic() - start < 2
    assert not multiprocessing.active_children()
    assert children() <= processes and len(os.listdir("/proc/self/fd")) <= before


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="needs /proc")
def test_an_error_of_a_worker_keeps_nothing_alive():
    """Without the collector: the exception is in no cycle with the frame that raised it."""
    gc.collect()
    gc.disable()
    try:
        before, processes = len(os.listdir("/proc/self/fd")), children()
        with contextlib.suppress(ZeroDivisionError):
            list(DataLoader(Numbers(act=lambda index: 1 // (index - 3)), num_workers=2))
        assert children() <= processes and len(os.listdir("/proc/self/fd")) <= before
    finally:
        gc.enable()


def test_two_iterators_at_once_and_in_a_thread():
    loader = DataLoader(Numbers(6), num_workers=2)
    pairs = [(a[1].item(), b[1].item()) for a, b in zip(loader, loader, strict=True)]
    assert pairs == [(i, i) for i in range(6)]
    found = []
    thread = threading.Thread(target=lambda: found.append(indices(loader)))
    thread.start()
    thread.join(60)
    assert found == [[[i] for i in range(6)]]


def run_script(source, **options):
    command = [sys.executable, "-c", textwrap.dedent(source)]
    # Not in the folder of the sources, which `-c` would import before the installed package.
    folder = tempfile.gettempdir()
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder, **options)


def test_a_script_without_a_guard_after_threads_have_run():
    done = run_script(
        """
        import threading
        import tinygrad_cnn as torch
        from tinygrad_cnn.utils.data import DataLoader, TensorDataset
        torch.set_num_threads(4)
        x = torch.randn(64, 8, 16, 16)
        conv = torch.nn.Conv2d(8, 8, 3)
        stop = threading.Event()
        def work():
            while not stop.is_set():
                conv(x).sum().backward()
        thread = threading.Thread(target=work)
        thread.start()
        class Computing(TensorDataset):
            def __getitem__(self, index):
                return conv(super().__getitem__(index)[0][None]).detach()[0]
        for turn in range(5):
            total = sum(float(batch.sum()) for batch in DataLoader(Computing(x), batch_size=8, num_workers=2))
        stop.set()
        thread.join()
        assert abs(total - float(conv(x).sum())) < 1e-2 * (1 + abs(total))
        print("done")
        """
    )
    assert done.stdout == "done\n", done.stderr


def test_interrupt_ends_quietly_but_for_the_main_process():
    source = """
        import os, signal, sys, time
        from tinygrad_cnn.utils.data import DataLoader
        class Slow:
            def __len__(self): return 100
            def __getitem__(self, i):
                time.sleep(0.05)
                return i
        for i, _ in enumerate(DataLoader(Slow(), num_workers=2)):
            if i == 3:
                os.killpg(0, signal.SIGINT)
        """
    done = run_script(source, start_new_session=True)
    assert done.returncode in (130, -signal.SIGINT)
    assert done.stderr.count("Traceback") == 1 and done.stderr.rstrip().endswith("KeyboardInterrupt")


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="needs /proc")
def test_workers_do_not_outlive_the_loader():
    source = """
        import os, signal, time
        from tinygrad_cnn.utils.data import DataLoader
        from tinygrad_cnn.utils.data._utils import worker
        worker.CHECK_INTERVAL = 0.2
        class Endless:
            def __len__(self): return 100
            def __getitem__(self, i):
                if i > 1: time.sleep(100)
                return os.getpid()
        batches = iter(DataLoader(Endless(), num_workers=2))
        print(next(batches).item(), next(batches).item(), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
        """
    done = run_script(source)
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) == 2
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and any(alive(pid) for pid in pids):
        time.sleep(0.05)
    assert not any(alive(pid) for pid in pids)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_other_start_methods(method):
    x = tg.arange(12.0).reshape(6, 2)
    loader = DataLoader(TensorDataset(x), batch_size=2, num_workers=2, multiprocessing_context=method)
    assert [batch[0].tolist() for batch in loader] == [x[i : i + 2].tolist() for i in (0, 2, 4)]
    with pytest.warns(UserWarning, match="Got pickle error"), pytest.raises((AttributeError, TypeError)):
        iter(DataLoader(Numbers(act=lambda i: i), num_workers=1, multiprocessing_context=method))
