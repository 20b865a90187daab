"""The long check of processes runs, and notices a step that is half done."""

from __future__ import annotations

import argparse
import os

import pytest

from checks import processes

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system"),
    pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning"),
]


def test_a_short_run(monkeypatch):
    monkeypatch.setattr(processes, "RUNS", {"lenet5": processes.RUNS["lenet5"]})
    monkeypatch.setattr(processes, "THREADS", (2,))
    parser = argparse.ArgumentParser()
    processes.options(parser)
    found = processes.run(parser.parse_args(["--forks", "1", "--interrupts", "4", "--rounds", "1", "--exits", "1"]))
    assert found.passed and "0 findings" in found.figures


def test_a_half_step_is_found():
    training = processes.Interrupted("lenet5", "SGD")
    step = training.training.step

    def half(*batch):
        step(*batch)
        parameter = next(training.training.model.parameters())
        parameter.data.copy_(training.saved[0][0]["0.weight"])
        raise KeyboardInterrupt

    training.training.step = half
    with pytest.raises(KeyboardInterrupt):  # from doing it again
        training.interrupt(0, 100)
    assert training.kinds(training.save()) not in (training.kinds(training.saved[0]), training.kinds(training.saved[1]))
