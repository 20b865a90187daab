"""The harness: processes, rounds, medians, and what happens when a library cannot do a task."""

from __future__ import annotations

import pytest

from benchmarks import harness
from benchmarks.harness import Plan, Result, Task
from benchmarks.library import KEEP_MEMORY, OURS, Library, get_library
from tests.benchmarks import workloads

PLAN = Plan(rounds=3, seconds=0.0)


def task(setup, *args):
    return Task("family", "group", "name", setup, args)


@pytest.fixture(scope="module")
def ours():
    with harness.workers([get_library(OURS)]) as started:
        yield started


def test_every_round_is_one_call_and_one_that_wakes_the_threads(ours, tmp_path):
    result = harness.measure(task(workloads.counting, str(tmp_path / "calls")), 1, ours, PLAN)
    rounds = result.rounds[OURS]
    assert len(rounds) == 3
    assert all(seconds > 0 for seconds in rounds)
    assert sorted(rounds)[1] == result.seconds(OURS)
    calls = len((tmp_path / "calls").read_text())
    assert 2 + 3 <= calls <= 2 + 3 * harness.PATIENCE


def test_each_task_has_a_process_of_its_own_and_the_threads_it_asks_for(ours, tmp_path):
    for threads in (1, 2):
        harness.measure(task(workloads.pid, str(tmp_path / "pids")), threads, ours, PLAN)
    (first, one), (second, two) = (line.split() for line in (tmp_path / "pids").read_text().splitlines())
    assert first != second
    assert (one, two) == ("1", "2")


@pytest.mark.parametrize(
    ("setup", "message"), [(workloads.raising, "ValueError: not today"), (workloads.dying, "its process died")]
)
def test_what_cannot_be_set_up_is_reported_and_the_next_task_runs(ours, tmp_path, setup, message):
    result = harness.measure(task(setup), 1, ours, PLAN)
    assert result.errors == {OURS: message}
    assert result.seconds(OURS) is None
    assert harness.measure(task(workloads.counting, str(tmp_path / "calls")), 1, ours, PLAN).seconds(OURS) > 0


def test_a_process_that_dies_while_it_is_timed_is_reported(ours, tmp_path):
    result = harness.measure(task(workloads.dying_later, str(tmp_path)), 1, ours, PLAN)
    assert result.errors == {OURS: "its process died"}
    assert result.seconds(OURS) is None
    assert harness.measure(task(workloads.counting, str(tmp_path / "calls")), 1, ours, PLAN).seconds(OURS) > 0


def test_the_quietest_rounds_count_in_their_order_however_long_they_took(monkeypatch):
    rounds = iter([(5.0, 0.0), (1.0, 0.4), (2.0, 0.2), (7.0, 0.001), (3.0, 0.0)])

    class Fake:
        library = get_library(OURS)
        prepare = finish = lambda *args: None

        def time(self):
            return next(rounds)

    result = harness.measure(task(None), 1, [Fake()], PLAN)
    assert result.rounds[OURS] == [5.0, 7.0, 3.0]
    assert result.disturbed == 0


def test_patience_ends_and_the_result_says_so():
    class Fake:
        library = get_library(OURS)
        calls = 0
        prepare = finish = lambda *args: None

        def time(self):
            self.calls += 1
            return 1.0, 0.5

    fake = Fake()
    result = harness.measure(task(None), 1, [fake], PLAN)
    assert fake.calls == 3 * harness.PATIENCE
    assert len(result.rounds[OURS]) == 3
    assert result.disturbed == 1


def test_a_ratio_above_one_means_that_ours_is_faster():
    result = Result(task(None), 1, {OURS: [1.0, 2.0, 9.0], "torch": [4.0]})
    assert result.seconds(OURS) == 2
    assert result.ratio("torch") == 2
    assert result.ratio("onnxruntime") is None


def test_libraries_that_are_not_installed_are_refused_by_name():
    with pytest.raises(ValueError, match="no_such_library needs the package no_such_library"):
        get_library("no_such_library")


def test_the_tuned_column_keeps_its_memory():
    torch = pytest.importorskip("torch")
    library = get_library("torch-tuned")
    assert library.environment == KEEP_MEMORY
    assert library.optimizer_options() == {"fused": True}
    assert library.place(torch.zeros(2, 3, 4, 4)).is_contiguous(memory_format=torch.channels_last)
    assert library.place(torch.zeros(2, 3)).is_contiguous()
    assert not Library("torch", "torch").environment
