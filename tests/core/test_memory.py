"""Arrays in the core's memory (memory.py, alloc_numpy.c): whose they are, that they go back, and what can fail."""

from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest
from numpy._core.multiarray import get_handler_name

from tests.builds import failing_memory, needs_failing_memory
from tinygrad_cnn import core
from tinygrad_cnn.core.buffers import new_context
from tinygrad_cnn.core.runtime import memory_stats

SMALL = [(), (0,), (3, 0, 2), (1,), (7,), (511,)]
SHAPES = [(512,), (63, 65), (128, 1024), (3, 1024, 1024)]


@pytest.mark.parametrize("shape", SMALL)
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64, np.int32, np.uint8, np.bool_])
def test_small_arrays_are_numpys(shape, kind):
    requests = memory_stats()["requests"]
    array = core.empty(shape, np.dtype(kind))
    assert array.shape == shape and array.dtype == kind and array.flags.c_contiguous and array.flags.writeable
    assert memory_stats()["requests"] == requests


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64, np.int32, np.uint8, np.bool_])
def test_array_is_dense_aligned_and_counted_as_long_as_it_lives(shape, kind):
    before = memory_stats()
    array = core.empty(shape, np.dtype(kind))
    held = memory_stats()
    assert array.shape == shape and array.dtype == kind and array.flags.c_contiguous and array.flags.writeable
    assert array.ctypes.data % 64 == 0 and get_handler_name(array) == "tinygrad_cnn"
    assert held["in_use"] >= before["in_use"] + array.nbytes and held["requests"] == before["requests"] + 1
    array.fill(1)
    view = array.reshape(-1)[:1]
    del array
    assert memory_stats()["in_use"] == held["in_use"]  # the view holds it
    del view
    assert memory_stats()["in_use"] == before["in_use"]


def test_arrays_of_the_program_around_us_keep_their_allocator():
    core.empty((100,))
    before = memory_stats()["requests"]
    assert get_handler_name() == get_handler_name(np.empty(5000)) == "default_allocator"
    assert memory_stats()["requests"] == before


def test_the_same_memory_comes_again():
    first = core.empty((1000, 33))
    address = first.ctypes.data
    del first
    hits = memory_stats()["hits"]
    assert core.empty((1000, 33)).ctypes.data == address
    assert memory_stats()["hits"] == hits + 1


@pytest.mark.parametrize("size", [1, 100, 2000, 2_000_000])
def test_numpy_resizes_and_clears_such_memory(size):
    in_use = memory_stats()["in_use"]
    array = new_context().run(np.zeros, size, np.int64)
    assert get_handler_name(array) == "tinygrad_cnn" and not array.any()
    array[:] = np.arange(size)
    for other in (2 * size, size // 2 + 1):
        kept = min(array.size, other, size)
        array.resize(other, refcheck=False)
        assert (array[:kept] == np.arange(kept)).all() and array.ctypes.data % 64 == 0
    del array
    assert memory_stats()["in_use"] == in_use


@needs_failing_memory
def test_injected_failure_is_a_memory_error_that_names_the_shape():
    message = r"no memory for a tensor of shape \[50, 70\] \(14000 bytes\)"
    with failing_memory(1), pytest.raises(MemoryError, match=message):
        core.empty((50, 70))
    array = new_context().run(np.zeros, 10)
    with failing_memory(1), pytest.raises(MemoryError):
        new_context().run(np.zeros, 10)
    with failing_memory(1), pytest.raises(MemoryError):
        array.resize(2000, refcheck=False)
    assert array.size == 10 and not array.any()


@pytest.mark.parametrize("shape", [(-1,), (3, -2), (2**40, 2**40), (2**70,), (1,) * 65])
def test_impossible_shapes_are_refused(shape):
    in_use = memory_stats()["in_use"]
    with pytest.raises(RuntimeError):
        core.empty(shape)
    assert memory_stats()["in_use"] == in_use


def test_several_threads():
    in_use, wrong = memory_stats()["in_use"], []

    def work(mark):
        for i in range(2000):
            array = core.empty((i * 37 % 3000 + 1,))
            array.fill(mark)
            if not (array == mark).all():
                wrong.append(i)

    callers = [threading.Thread(target=work, args=(mark,)) for mark in range(6)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    assert not wrong and memory_stats()["in_use"] == in_use


def test_arrays_that_outlive_the_interpreter(tmp_path):
    script = """
import sys, tinygrad_cnn
kept = [tinygrad_cnn.ones(n) for n in (1, 100, 100_000)]
sys.modules["kept"] = [tensor.numpy() for tensor in kept]      # goes after the modules
class Cycle: pass
cycle = Cycle(); cycle.own, cycle.tensor = cycle, tinygrad_cnn.ones(5000)
print("end")
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")
