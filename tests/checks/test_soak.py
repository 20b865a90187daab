"""The long training: two short rounds run, and growth is found where there is some."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

import pytest

from checks import _soak_work, soak

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def test_a_short_run(monkeypatch, tmp_path):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(_soak_work, "BATCHES", (700, 500))
    parser = argparse.ArgumentParser()
    soak.options(parser)
    outcome = soak.run(parser.parse_args(["--minutes", "0", "--plot", str(tmp_path / "plots" / "soak.png")]))
    # Each round: 3 and 4 steps of LeNet, one of ResNet-20 with either size of batches.
    assert "18 training steps in 2 rounds" in outcome.figures
    assert not outcome.passed  # too short to tell
    assert (tmp_path / "plots" / "soak.png").stat().st_size > 10_000


STEADY = [
    soak.Sample(minutes, 100 << 20, 10 << 20, 90 << 20, files=6, threads=2, children=0) for minutes in range(1, 61)
]


def test_a_steady_run_passes():
    # What happens in the warm-up does not count.
    samples = [replace(STEADY[0], resident=50 << 20, threads=7), *STEADY[1:]]
    figures, findings = soak.judge(samples)
    assert not findings and "rises by +0.00 % (+0 KiB), range 0.00 %" in figures[0]
    assert figures[1] == "Open files: 6, threads: 2, children: 0; 54 samples after the warm-up."


@pytest.mark.parametrize(
    ("grown", "message"),
    [
        (lambda one: {"resident": one.resident + int(one.minutes * 30_000)}, "Resident memory"),
        (lambda one: {"resident": one.resident + (2 << 20) * (one.minutes == 30)}, "range 2.00 %"),
        (lambda one: {"allocated": one.allocated + int(one.minutes * 3_000)}, "allocated memory rises by"),
        (lambda one: {"files": one.files + (one.minutes > 50)}, "files: 6 to 7"),
        (lambda one: {"threads": one.threads + int(one.minutes / 20)}, "threads: 2 to 5"),
        (lambda one: {"children": int(one.minutes == 40)}, "children: 0 to 1"),
    ],
)
def test_what_grows_is_found(grown, message):
    _, findings = soak.judge([replace(one, **grown(one)) for one in STEADY])
    assert len(findings) == 1 and message in findings[0], findings
