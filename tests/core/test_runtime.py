"""The core's runtime: instruction sets, threads, fork, signals and floating-point state."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cnn._core
import tinygrad_cnn._version
from tests.builds import unsanitized
from tests.core.raw import code, ptr
from tinygrad_cnn._core import ffi, lib


def text(result) -> str | None:
    """Return a C string as str, NULL as None."""
    return None if result == ffi.NULL else ffi.string(result).decode()


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Multiply two matrices in the core: blocked, parallel, with memory of its own."""
    (m, k), n = a.shape, b.shape[1]
    c = np.full((m, n), np.nan, a.dtype)
    p = ffi.new("tc_gemm_params *", {"batch": 1, "m": m, "n": n, "k": k, "alpha": 1, "beta": 0})
    p.a_row, p.b_row, p.c_row, p.a_col, p.b_col, p.c_col = k, n, n, 1, 1, 1
    assert lib.tc_gemm(code(a), p, ptr(a), ptr(b), ffi.NULL, ptr(c)) == lib.TC_OK
    return c


def total(x: np.ndarray) -> np.ndarray:
    """Sum over the first dimension in the core."""
    y = np.full(x.shape[1], np.nan, x.dtype)
    shape, reduced = ffi.new("int64_t[]", x.shape), ffi.new("uint8_t[]", [1, 0])
    assert lib.tc_reduce(lib.TC_SUM, code(x), 2, shape, reduced, ptr(x), ptr(y)) == lib.TC_OK
    return y


def times(x: np.ndarray, factor: float) -> np.ndarray:
    """Multiply by a number in the core."""
    y = np.full_like(x, np.nan)
    lib.tc_binary_scalar(lib.TC_MUL, code(x), x.size, ptr(x), factor, 0, ptr(y))
    return y


def in_new_process(script: str, **environment: str) -> list[str]:
    """Run Python with `lib` and `ffi` of the compiled module alone and return the lines that it prints."""
    env = {k: v for k, v in os.environ.items() if k not in ("OMP_NUM_THREADS", "TINYGRAD_CNN_ISA")} | environment
    header = f"""
import importlib.util, os
spec = importlib.util.spec_from_file_location("_core", {tinygrad_cnn._core.__file__!r})
_core = importlib.util.module_from_spec(spec)
spec.loader.exec_module(_core)
ffi, lib = _core.ffi, _core.lib
"""
    command = [sys.executable, "-W", "ignore", "-c", header + script]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


@pytest.fixture
def several_threads():
    """Set three threads, whatever the machine has."""
    before = lib.tc_get_num_threads()
    lib.tc_set_num_threads(3)
    yield
    lib.tc_set_num_threads(before)


class TestIdentity:
    """Version, compiler, messages, instruction set."""

    def test_version_is_the_package_s(self):
        assert text(lib.tc_version()) == tinygrad_cnn._version.__version__

    def test_compiler_names_compiler_and_flags(self):
        assert any(name in text(lib.tc_compiler()).lower() for name in ("gcc", "clang"))
        assert "-ffp-contract=fast" in text(lib.tc_compiler())

    def test_each_status_has_its_message(self):
        codes = [lib.TC_OK, lib.TC_ENOMEM, lib.TC_EINVAL, lib.TC_EINDEX, lib.TC_ESTOPPED, 99]
        messages = [text(lib.tc_strerror(status)) for status in codes]
        assert len(set(messages)) == 6 and all(messages)

    def test_available_begins_with_generic_and_holds_the_one_in_use(self):
        available = text(lib.tc_isa_available()).split()
        assert available[0] == "generic" and text(lib.tc_isa()) in available
        assert len(set(available)) == len(available)

    def test_default_is_the_best(self):
        assert in_new_process("print(ffi.string(lib.tc_isa()).decode())") == [text(lib.tc_isa_available()).split()[-1]]

    @pytest.mark.parametrize("name", text(lib.tc_isa_available()).split())
    def test_environment_forces_a_table(self, name):
        script = "print(ffi.string(lib.tc_isa()).decode(), lib.tc_isa_rejected() == ffi.NULL)"
        assert in_new_process(script, TINYGRAD_CNN_ISA=name) == [f"{name} True"]

    @pytest.mark.parametrize("name", ["sse9", "AVX2", "neon " * 40])
    def test_a_name_that_does_not_exist_is_reported(self, name):
        script = "print(ffi.string(lib.tc_isa_rejected()).decode()); print(ffi.string(lib.tc_isa()).decode())"
        rejected, used = in_new_process(script, TINYGRAD_CNN_ISA=name)
        assert name.startswith(rejected) and len(rejected) >= min(len(name), 63)
        assert used == text(lib.tc_isa_available()).split()[-1]

    def test_the_package_raises_for_such_a_name(self, tmp_path):
        # Away from this folder, whose package may be without its compiled module when another one is installed.
        env = os.environ | {"TINYGRAD_CNN_ISA": "sse9", "PYTHONPATH": str(Path(tinygrad_cnn.__file__).parents[1])}
        command = [sys.executable, "-c", "import tinygrad_cnn"]
        done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 1
        assert "RuntimeError" in done.stderr and "sse9" in done.stderr and "generic" in done.stderr

    def test_set_isa_refuses_what_is_not_there(self):
        before = text(lib.tc_isa())
        assert lib.tc_set_isa(b"sse9") == lib.tc_set_isa(ffi.NULL) == lib.TC_EINVAL
        assert text(lib.tc_isa()) == before


class TestNumberOfThreads:
    """Defaults, limits, and results that do not depend on it."""

    SHOW = "print(lib.tc_get_num_threads())"

    @pytest.mark.parametrize(("value", "expected"), [("3", "3"), ("5,2", "5"), (" 2 ", "2"), ("100000", "256")])
    def test_omp_num_threads(self, value, expected):
        assert in_new_process(self.SHOW, OMP_NUM_THREADS=value) == [expected]

    @pytest.mark.parametrize("value", ["", "0", "-2", "many", "3x"])
    def test_omp_num_threads_that_is_no_number_is_ignored(self, value):
        assert in_new_process(self.SHOW, OMP_NUM_THREADS=value) == in_new_process(self.SHOW)

    @pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no CPU affinity on this system")
    def test_default_is_within_affinity(self):
        cpus = sorted(os.sched_getaffinity(0))
        assert 1 <= int(in_new_process(self.SHOW)[0]) <= len(cpus)
        assert in_new_process(f"os.sched_setaffinity(0, [{cpus[-1]}])\n" + self.SHOW) == ["1"]

    def test_limits(self):
        before = lib.tc_get_num_threads()
        for asked, got in [(0, 1), (-5, 1), (7, 7), (10**6, 256)]:
            lib.tc_set_num_threads(asked)
            assert lib.tc_get_num_threads() == got
        lib.tc_set_num_threads(before)

    def test_result_is_bitwise_the_same(self, dtype, rng):
        a, b, x = rng.standard_normal((150, 170)), rng.standard_normal((170, 130)), rng.standard_normal((100_000, 7))
        a, b, x = a.astype(dtype), b.astype(dtype), x.astype(dtype)
        before = lib.tc_get_num_threads()
        lib.tc_set_num_threads(1)
        expected = product(a, b), total(x)
        for n in [2, 3, 8, 1, 5, 2]:
            lib.tc_set_num_threads(n)
            for _ in range(5):
                assert (product(a, b) == expected[0]).all() and (total(x) == expected[1]).all()
        lib.tc_set_num_threads(before)

    def test_most_threads_that_can_be_asked_for(self):
        script = """
lib.tc_set_num_threads(256)
x = ffi.new("float[]", [1.0] * 4_000_000)
lib.tc_binary_scalar(lib.TC_MUL, lib.TC_F32, 4_000_000, x, 2.0, 0, x)
print(min(x), max(x))
"""
        assert in_new_process(script) == ["2.0 2.0"]

    @unsanitized
    @pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_NPROC does not bound threads on this system")
    def test_threads_that_the_system_refuses_are_done_without(self):
        # An address space too small for 255 stacks makes pthread_create fail, for root as well.
        script = """
import resource
pages = int(open("/proc/self/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
resource.setrlimit(resource.RLIMIT_AS, (pages + 64 * 2**20, resource.getrlimit(resource.RLIMIT_AS)[1]))
lib.tc_set_num_threads(256)
x = ffi.new("float[]", [1.0] * 1_000_000)
lib.tc_binary_scalar(lib.TC_MUL, lib.TC_F32, 1_000_000, x, 2.0, 0, x)
print(min(x), max(x), len(os.listdir("/proc/self/task")) < 256)
"""
        assert in_new_process(script) == ["2.0 2.0 True"]


class TestThreadsAndSignals:
    """Several callers, fork, and signals while kernels run."""

    def test_several_callers_at_once(self, several_threads, rng):
        a, b = rng.standard_normal((2, 120, 120)).astype(np.float32)
        expected, wrong = product(a, b), []

        def work():
            for _ in range(50):
                if (product(a, b) != expected).any():
                    wrong.append(threading.get_ident())

        callers = [threading.Thread(target=work) for _ in range(6)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(60)
        assert not any(caller.is_alive() for caller in callers) and not wrong

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
    @pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Python 3.12+ warns of any fork with threads
    def test_child_and_parent_compute_after_fork(self, several_threads, rng):
        a, b = rng.standard_normal((2, 120, 120)).astype(np.float32)
        expected = product(a, b)
        for _ in range(100):
            child = os.fork()
            if child == 0:
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                signal.alarm(30)  # a hang becomes a failure
                os._exit(0 if (product(a, b) == expected).all() else 1)
            assert (product(a, b) == expected).all()
            assert os.waitpid(child, 0)[1] == 0

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    def test_fork_while_another_thread_computes_and_a_grandchild(self, several_threads, rng):
        a, b = rng.standard_normal((2, 200, 200)).astype(np.float32)
        expected, stop = product(a, b), threading.Event()

        def work():
            while not stop.is_set():
                product(a, b)

        busy = threading.Thread(target=work)
        busy.start()
        try:
            for _ in range(20):
                child = os.fork()
                if child == 0:
                    signal.signal(signal.SIGALRM, signal.SIG_DFL)
                    signal.alarm(30)
                    ok = (product(a, b) == expected).all()
                    grandchild = os.fork()
                    ok = ok and (product(a, b) == expected).all()
                    if grandchild == 0:
                        os._exit(0 if ok else 1)
                    os._exit(0 if ok and os.waitpid(grandchild, 0)[1] == 0 else 1)
                assert os.waitpid(child, 0)[1] == 0
        finally:
            stop.set()
            busy.join(30)

    @pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timer on this system")
    def test_storm_of_signals(self, several_threads, rng):
        a, b = rng.standard_normal((2, 150, 150)).astype(np.float32)
        expected, seen = product(a, b), []
        before = signal.signal(signal.SIGALRM, lambda *_: seen.append(threading.current_thread()))
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        try:
            while len(seen) < 20:
                assert (product(a, b) == expected).all()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert set(seen) == {threading.main_thread()}

    @pytest.mark.parametrize("pause", [0, 0.05])
    def test_process_ends_while_workers_watch_or_sleep(self, pause):
        script = f"""
import time
lib.tc_set_num_threads(4)
x = ffi.new("float[]", [1.0] * 1_000_000)
lib.tc_binary_scalar(lib.TC_MUL, lib.TC_F32, 1_000_000, x, 2.0, 0, x)
time.sleep({pause})
print("end")
"""
        assert in_new_process(script) == ["end"]


class TestFloatingPointState:
    """Denormals are flushed inside kernels and nowhere else."""

    @pytest.mark.parametrize("n", [1, 5, 100, 300_000])
    def test_denormals_are_flushed_inside_only(self, isa, dtype, several_threads, n):
        tiny = np.finfo(dtype).smallest_normal
        assert (times(np.full(n, tiny), 0.5) == 0).all(), "a denormal result"
        assert (times(np.full(n, tiny / 4), 4.0) == 0).all(), "a denormal operand"
        assert (times(np.full(n, tiny), 2.0) == 2 * tiny).all(), "a small normal number"
        assert tiny / dtype(2) > 0 and (np.full(8, tiny) / 2 > 0).all(), "outside"

    def test_denormals_in_other_callers_threads(self, several_threads):
        tiny, results = np.finfo(np.float32).smallest_normal, []

        def work():
            for _ in range(20):
                results.append((times(np.full(100_000, tiny), 0.5) == 0).all() and tiny / np.float32(2) > 0)

        callers = [threading.Thread(target=work) for _ in range(4)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(60)
        assert len(results) == 80 and all(results)
