"""The core's caching allocator: alignment, reuse, cap, counters, failures."""

from __future__ import annotations

import platform
import resource
import sys
import threading

import pytest

from tests.builds import failing_memory, needs_failing_memory, unsanitized
from tinygrad_cnn._core import ffi, lib

SIZE_MAX = 2 ** (8 * ffi.sizeof("size_t")) - 1


def stats():
    """Return the allocator's counters."""
    counters = ffi.new("tc_alloc_stats *")
    lib.tc_get_alloc_stats(counters)
    return counters


@pytest.fixture
def empty_cache():
    """Start with nothing cached; restore the cap afterwards."""
    lib.tc_alloc_trim()
    assert stats().cached == 0
    yield
    lib.tc_alloc_set_cap(2**30)


class TestAllocator:
    """Alignment, reuse, cap, counters, failures."""

    SIZES = (0, 1, 63, 64, 65, 100, 128, 129, 1000, 4096, 4097, 2**20, 2**21 - 1, 2**21, 2**21 + 1, 5_000_000)

    def test_blocks_are_aligned_distinct_and_writable_to_the_end(self, empty_cache):
        blocks = [(lib.tc_alloc(n), n) for n in self.SIZES for _ in range(3)]
        for i, (block, n) in enumerate(blocks):
            assert block != ffi.NULL and int(ffi.cast("uintptr_t", block)) % 64 == 0
            ffi.buffer(block, n)[:] = bytes([i]) * n
        for i, (block, n) in enumerate(blocks):
            assert ffi.buffer(block, n)[:] == bytes([i]) * n
            lib.tc_free(block)

    def test_free_takes_null(self):
        lib.tc_free(ffi.NULL)

    @pytest.mark.parametrize("n", SIZES)
    def test_a_freed_block_is_handed_out_again(self, empty_cache, n):
        block, before = lib.tc_alloc(n), stats()
        lib.tc_free(block)
        freed = stats()
        size = freed.cached
        assert max(n, 1) <= size <= max(64, n * 1.25 + 64)
        assert freed.in_use == before.in_use - size
        again, after = lib.tc_alloc(n), stats()
        assert again == block and after.hits == before.hits + 1 and after.requests == before.requests + 1
        assert after.cached == 0 and after.in_use == before.in_use
        lib.tc_free(again)

    def test_every_size_is_served_by_a_block_that_holds_it(self, empty_cache):
        for n in [*range(1, 600), *(2**power + d for power in range(9, 22) for d in (-1, 0, 1))]:
            before = stats().in_use
            block = lib.tc_alloc(n)
            size = stats().in_use - before
            assert n <= size <= max(64, 1.25 * n + 64)
            lib.tc_free(block)

    def test_peak(self, empty_cache):
        block = lib.tc_alloc(stats().peak + 1)
        held = stats()
        assert held.peak == held.in_use
        lib.tc_free(block)
        assert stats().peak == held.peak

    def test_peak_can_be_counted_anew(self, empty_cache):
        held = lib.tc_alloc(1000)
        lib.tc_free(lib.tc_alloc(10**6))
        in_use = stats().in_use
        assert stats().peak >= in_use + 10**6
        lib.tc_alloc_reset_peak()
        assert stats().peak == stats().in_use == in_use
        lib.tc_free(lib.tc_alloc(5000))
        assert stats().peak >= in_use + 5000
        lib.tc_free(held)

    @unsanitized
    @pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
    @pytest.mark.parametrize("n", [3000, 100_000, 5_000_000])
    def test_trim_gives_pages_back(self, empty_cache, n):
        def resident():
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * resource.getpagesize()

        before, total = resident(), 40 * 2**20
        blocks = [lib.tc_alloc(n) for _ in range(total // n)]
        for block in blocks:
            ffi.memmove(block, bytes(n), n)
        assert resident() > before + total // 2
        for block in blocks[1:]:  # the first keeps the end of the heap from being the only thing that goes
            lib.tc_free(block)
        assert stats().cached >= (len(blocks) - 1) * n
        lib.tc_alloc_trim()
        if platform.libc_ver()[0] == "glibc":
            assert resident() < before + total // 4
        lib.tc_free(blocks[0])

    def test_cap_drops_the_oldest(self, empty_cache):
        lib.tc_alloc_set_cap(3 * 2**20)
        old, young, large = lib.tc_alloc(2**20), lib.tc_alloc(2**19), lib.tc_alloc(2**21)
        for block in (old, young, large):
            lib.tc_free(block)
        assert stats().cached == 2**19 + 2**21  # the first was dropped
        lib.tc_alloc_set_cap(2**21)
        assert stats().cached == 2**21
        lib.tc_alloc_set_cap(0)
        assert stats().cached == 0
        lib.tc_free(lib.tc_alloc(100))
        assert stats().cached == 0

    def test_many_blocks_in_any_order(self, empty_cache, rng):
        lib.tc_alloc_set_cap(2**20)
        in_use, held = stats().in_use, []
        for n in rng.integers(0, 100_000, 3000):
            if held and rng.random() < 0.5:
                block, size, mark = held.pop(int(rng.integers(len(held))))
                assert ffi.buffer(block, size)[:] == bytes([mark]) * size
                lib.tc_free(block)
            block, mark = lib.tc_alloc(int(n)), int(n) % 251
            ffi.buffer(block, int(n))[:] = bytes([mark]) * int(n)
            held.append((block, int(n), mark))
            assert stats().cached <= 2**20
        for block, _, _ in held:
            lib.tc_free(block)
        assert stats().in_use == in_use
        lib.tc_alloc_trim()
        assert stats().cached == 0

    @needs_failing_memory
    @pytest.mark.parametrize("n", [1, 2, 5])
    def test_injected_failure(self, empty_cache, n):
        with failing_memory(n):
            blocks = [lib.tc_alloc(100) for _ in range(n + 3)]
        assert [block == ffi.NULL for block in blocks] == [i == n - 1 for i in range(n + 3)]
        for block in blocks:
            lib.tc_free(block)

    @needs_failing_memory
    def test_sticky_injected_failure(self, empty_cache):
        with failing_memory(2, all_later=True):
            blocks = [lib.tc_alloc(100) for _ in range(5)]
        assert [block == ffi.NULL for block in blocks] == [False, True, True, True, True]
        lib.tc_free(blocks[0])
        block = lib.tc_alloc(100)
        assert block != ffi.NULL
        lib.tc_free(block)

    @pytest.mark.parametrize("n", [SIZE_MAX, SIZE_MAX - 63, SIZE_MAX - 64, SIZE_MAX // 2, SIZE_MAX // 4 + 1])
    def test_sizes_that_overflow_are_refused(self, n):
        before = stats().in_use
        assert lib.tc_alloc(n) == ffi.NULL
        assert stats().in_use == before

    def test_cache_is_dropped_before_memory_is_declared_full(self, empty_cache):
        lib.tc_free(lib.tc_alloc(1000))
        assert stats().cached > 0
        assert lib.tc_alloc(2**50) == ffi.NULL  # more than the address space
        assert stats().cached == 0

    def test_several_threads(self, empty_cache):
        in_use, wrong = stats().in_use, []

        def work(mark):
            for i in range(500):
                n = i * 97 % 5000 + 1
                block = lib.tc_alloc(n)
                ffi.buffer(block, n)[:] = bytes([mark]) * n
                if ffi.buffer(block, n)[:] != bytes([mark]) * n:
                    wrong.append(n)
                lib.tc_free(block)

        callers = [threading.Thread(target=work, args=(mark,)) for mark in range(6)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(60)
        assert not wrong and stats().in_use == in_use
