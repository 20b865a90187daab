"""The long check of bits runs, and notices a kernel whose bits depend on the number of threads."""

from __future__ import annotations

import argparse

import numpy as np
import pytest

from checks import bits
from tests.bits import calls
from tinygrad_cnn._core import lib


def outcome(*arguments: str):
    parser = argparse.ArgumentParser()
    bits.options(parser)
    return bits.run(parser.parse_args(arguments))


def test_a_short_run_of_kernels():
    found = outcome("--minutes", "0", "--seed", "3", "--cases", "tc_softmax", "--repeats", "1")
    assert found.passed and "eps (tc_softmax" in found.figures


@pytest.mark.filterwarnings("ignore:This DataLoader will create", "ignore:.*use of fork:DeprecationWarning")
def test_a_short_run_of_a_training():
    found = outcome("--cases", "lenet5-SGD", "--batches", "1")
    assert found.passed and " trainings on 1, 2, 3, 8, 16 threads; other bits: 0" in found.figures


def test_a_kernel_that_depends_on_threads_is_found(monkeypatch):
    def case(call):
        call.keep(np.array([float(lib.tc_get_num_threads())]))

    monkeypatch.setitem(calls.CASES, "tc_dependent", case)
    found = outcome("--minutes", "0", "--cases", "tc_dependent", "--batches", "0")
    assert not found.passed
    assert "python -m checks bits --seed 0 --cases tc_dependent" in found.figures
    with pytest.raises(KeyError):
        calls.run("tc_absent", np.float32)
