"""The check without memory: how a training's end is told, and what counts as half changed."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from checks import _allocations, memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs RLIMIT_AS and /proc")


def test_a_training_ends_well_or_with_memory_error():
    imported, peak, end = memory.limited("plain:512:1")
    assert end == "done" and imported < peak
    assert memory.limited("plain:512:1", imported + 2**20)[2] == "MemoryError"


def test_any_other_end_is_a_finding_with_the_command_that_repeats_it():
    figures: list[str] = []
    with pytest.raises(
        RuntimeError, match=r"KeyError: 'no-such-net'(.|\n)*again: python -m checks._limits no-such-net 1 1"
    ):
        memory.limits(["no-such-net:1:1"], 8, figures)


def test_half_changed_is_neither_before_nor_after():
    before = [{"weight": np.zeros(2)}, {"weight": np.zeros(3), "momentum": np.zeros(3)}]
    after = [{"weight": np.ones(2)}, {"weight": np.ones(3), "momentum": np.ones(3)}]
    assert _allocations.torn(before, before, after) == _allocations.torn([before[0], after[1]], before, after) == []
    assert _allocations.torn([after[0], {**before[1], "momentum": np.ones(3)}], before, after) == [1]


def test_every_place_that_allocates_is_found():
    files = {file for file, _ in _allocations.places()}
    assert {"gemm_packed.c", "alloc_numpy.c", "conv_winograd.c", "threads.c", "threads_worker.c"} <= files
    assert "alloc.c" not in files and "alloc_testing.c" not in files
