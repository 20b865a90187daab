"""What is said of memory is true: by known sizes, and by what the system says of the process."""

from __future__ import annotations

import gc
import json
import subprocess
import sys

import pytest

import tinygrad_cnn as torch
from tests.builds import unsanitized
from tinygrad_cnn import cpu

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@pytest.mark.parametrize("shape", [(1024,), (33, 77), (1000, 1000), (3, 5, 7, 64, 11)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64])
def test_allocated_is_what_the_tensors_hold(shape, dtype):
    gc.collect()
    before = cpu.memory_allocated()
    tensors = [torch.ones(shape, dtype=dtype) for _ in range(5)]
    held = cpu.memory_allocated() - before
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    assert size <= held <= 1.25 * size
    views = [tensor[..., ::2] for tensor in tensors]
    assert cpu.memory_allocated() - before == held
    del tensors
    assert cpu.memory_allocated() - before == held
    del views
    assert cpu.memory_allocated() == before


def test_peak_and_reserved():
    x = torch.ones(1 << 20)
    cpu.reset_peak_memory_stats()
    before = cpu.memory_allocated()
    assert cpu.max_memory_allocated() == before
    y = x + 1
    del y
    size = 4 << 20
    assert cpu.memory_allocated() == before and cpu.max_memory_allocated() == before + size
    assert cpu.memory_reserved() >= before + size
    stats = cpu.memory_stats()
    assert stats["allocated_bytes.all.current"] == before and stats["allocated_bytes.all.peak"] == before + size
    made = stats["allocation.all.allocated"], stats["num_device_alloc"]
    y = x + 1
    stats = cpu.memory_stats()
    assert (stats["allocation.all.allocated"], stats["num_device_alloc"]) == (made[0] + 1, made[1])
    del y
    cpu.empty_cache()
    assert cpu.memory_reserved() == cpu.memory_allocated() == before


RESIDENT = """
import gc, json, os, resource
import tinygrad_cnn as torch
from tinygrad_cnn import cpu
torch.set_num_threads(1)
page = resource.getpagesize()

def now():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * page, cpu.memory_allocated(), cpu.memory_reserved()

def cycle(make):
    "Before, with, without, and after the cache is emptied."
    rows = [now()]
    tensors = make()
    rows.append(now())
    del tensors
    rows.append(now())
    cpu.empty_cache()
    rows.append(now())
    return rows

makers = {
    "one": lambda: [torch.ones(64 << 18)],
    "large": lambda: [torch.ones(1 << 20) for _ in range(16)],
    "small": lambda: [torch.ones(4096) for _ in range(4096)],
}
for make in makers.values():
    cycle(make)
print(json.dumps({name: cycle(make) for name, make in makers.items()}))
"""


@linux
@unsanitized
@pytest.mark.parametrize("name", ["one", "large", "small"])
def test_the_system_sees_the_same(name, resident):
    """64 MiB in blocks of three sizes come, stay cached and go, in the process's resident pages as in the counters."""
    before, held, dropped, emptied = resident[name]
    size = 64 << 20
    for moment, allocated, reserved in ((held, size, size), (dropped, 0, size), (emptied, 0, 0)):
        assert moment[1] - before[1] == allocated and moment[2] - before[2] == reserved
        assert abs(moment[0] - before[0] - reserved) < size // 32, "resident pages"


@pytest.fixture(scope="module")
def resident(tmp_path_factory):
    printed = subprocess.run(
        [sys.executable, "-c", RESIDENT], cwd=tmp_path_factory.mktemp("cwd"), capture_output=True, text=True, check=True
    ).stdout
    return json.loads(printed)


MILLION = """
import gc, resource
import tinygrad_cnn as torch
page = resource.getpagesize()

def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * page, len(gc.get_objects())

x, weight = torch.ones(3), torch.ones(3, requires_grad=True)

def make(count):
    for _ in range(count // 40_000):
        kept = []
        for _ in range(10_000):
            kept.append(torch.empty(7))
            (x + 1)[1:]
            weight * 2

make(80_000)
before = resident()
make(1_000_000)
after = resident()
print(after[0] - before[0], after[1] - before[1])
"""


@linux
@unsanitized
def test_a_million_small_tensors(tmp_path):
    command = [sys.executable, "-c", MILLION]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    grown, objects = map(int, printed.split())
    assert grown < 4 << 20, "one lost object of 16 bytes for each tensor would be 16 MB"
    assert objects < 10
