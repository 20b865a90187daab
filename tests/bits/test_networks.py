"""Training gives the same bits for any number of threads, cold or warm, again and again, with any number of workers."""

from __future__ import annotations

import pytest

import tinygrad_cnn as tg
from tests.bits.calls import threads
from tests.bits.networks import OPTIMIZERS, RUNS, Training
from tinygrad_cnn._core import lib


@pytest.mark.parametrize(("network", "optimizer"), list(zip(RUNS, OPTIMIZERS, strict=True)))
def test_training_does_not_depend_on_threads_or_the_allocator(network, optimizer):
    with threads(1):
        expected = Training(network, optimizer).run(2).digest()
    for count in (2, 3, 8, 16, 3):
        with threads(count):
            assert Training(network, optimizer).run(2).digest() == expected, f"{count} threads"
        if count % 2:
            lib.tc_alloc_trim()  # the next one starts cold


@pytest.mark.parametrize("isa_of_run", ["generic", "best"])
def test_training_repeats_on_each_instruction_set(isa_of_run):
    before = tg.core.runtime.isa()
    if isa_of_run == "generic":
        tg.core.runtime.set_isa("generic")
    try:
        digests = set()
        for count in (1, 3):
            with threads(count):
                digests.add(Training("lenet5", "Adam").run(2).digest())
    finally:
        tg.core.runtime.set_isa(before)
    assert len(digests) == 1


@pytest.mark.filterwarnings("ignore:This DataLoader will create", "ignore:.*use of fork:DeprecationWarning")
def test_training_does_not_depend_on_the_loader_s_workers():
    digests = {Training("lenet5", "SGD").run(5, workers).digest() for workers in (0, 1, 3)}
    assert len(digests) == 1


def test_another_seed_gives_other_bits():
    assert Training("lenet5", "SGD", 0).run(1).digest() != Training("lenet5", "SGD", 1).run(1).digest()
