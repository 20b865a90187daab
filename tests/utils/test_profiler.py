"""The profiler: rows for functions and ranges, schedules as PyTorch's, time lines."""

import json
import warnings

import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.profiler import (
    ProfilerAction,
    ProfilerActivity,
    profile,
    record_function,
    schedule,
    supported_activities,
    tensorboard_trace_handler,
)


def work():
    model = tg.nn.Conv2d(1, 2, 3)
    for _ in range(3):
        with record_function("forward"):
            loss = model(tg.ones(2, 1, 8, 8)).sum()
        loss.backward()


def test_rows_of_functions_and_ranges():
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as prof:
        work()
    rows = {row.key: row for row in prof.key_averages()}
    assert rows["forward"].count == 3 and rows["core.conv.conv2d"].count == 3
    conv = rows["nn.modules.conv.Conv2d.forward" if "nn.modules.conv.Conv2d.forward" in rows else "core.conv.conv2d"]
    assert 0 < conv.self_cpu_time_total <= conv.cpu_time_total <= rows["forward"].cpu_time_total * 1.01
    assert conv.cpu_time == conv.cpu_time_total / 3 and not any(key.startswith("profiler") for key in rows)
    table = prof.key_averages().table(sort_by="self_cpu_time_total", row_limit=4)
    lines = table.splitlines()
    assert lines[1].split()[0] == "Name" and "Self CPU %" in lines[1] and len(lines) == 9
    assert lines[-1].startswith("Self CPU time total: ")
    with pytest.raises(AttributeError):
        prof.key_averages().table(sort_by="cuda_time")


def test_nothing_is_recorded_outside():
    with record_function("alone"):
        pass
    with profile() as prof:
        pass
    work()
    assert not [row for row in prof.key_averages() if row.key == "forward"]

    @record_function("decorated")
    def function(x):
        return x + 1

    with profile() as prof:
        assert function(1) == 2
    assert [row.key for row in prof.events()] == ["decorated"]


def test_two_at_once_are_refused():
    import sys

    if sys.version_info >= (3, 12):
        with profile(), pytest.raises(RuntimeError, match="another profiler is running"), profile():
            pass


@pytest.mark.parity
@pytest.mark.parametrize(
    "options",
    [
        {"wait": 1, "warmup": 1, "active": 2, "repeat": 2},
        {"wait": 0, "warmup": 0, "active": 1},
        {"wait": 2, "warmup": 1, "active": 3, "repeat": 0, "skip_first": 4},
        {"wait": 2, "warmup": 0, "active": 1, "repeat": 1, "skip_first_wait": 1},
    ],
    ids=str,
)
def test_schedules_are_torchs(options):
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        theirs, ours = torch.profiler.schedule(**options), schedule(**options)
    assert len({str(warning.message) for warning in caught}) == (options["warmup"] == 0) == len(caught) / 2
    assert [ours(step).name for step in range(20)] == [theirs(step).name for step in range(20)]


def test_steps():
    ready = []
    with profile(
        schedule=schedule(wait=1, warmup=1, active=2, repeat=2),
        on_trace_ready=lambda prof: ready.append((prof.step_num, {row.key for row in prof.key_averages()})),
    ) as prof:
        for _ in range(9):
            tg.ones(2).exp()
            prof.step()
    assert [step for step, _ in ready] == [3, 7]
    assert {"ProfilerStep#2", "ProfilerStep#3"} <= ready[0][1] and "ProfilerStep#1" not in ready[0][1]
    with pytest.raises(AssertionError, match="Invalid profiler schedule arguments"):
        schedule(wait=0, warmup=0, active=0)
    assert supported_activities() == {ProfilerActivity.CPU} and ProfilerAction.NONE.value == 0


def test_time_lines(tmp_path):
    with profile(on_trace_ready=tensorboard_trace_handler(str(tmp_path / "log"), "me")) as prof:
        work()
    (path,) = (tmp_path / "log").iterdir()
    events = json.loads(path.read_text())["traceEvents"]
    assert path.name.startswith("me.") and path.name.endswith(".pt.trace.json")
    assert [event["name"] for event in events] == ["forward"] * 3 and all(event["dur"] > 0 for event in events)
    with pytest.raises(NotImplementedError):
        tensorboard_trace_handler(str(tmp_path), use_gzip=True)
    with pytest.raises(NotImplementedError):
        prof.export_stacks(str(tmp_path / "x"))


def test_the_older_interface():
    with tg.autograd.profiler.profile(use_cuda=False) as prof, tg.autograd.profiler.record_function("mine"):
        tg.ones(3).exp()
    assert "mine" in prof.table(sort_by="cpu_time_total") and prof.self_cpu_time_total > 0
    with tg.autograd.profiler.profile(enabled=False) as prof:
        tg.ones(3).exp()
    assert not prof.key_averages()
