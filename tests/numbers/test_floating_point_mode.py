"""The caller's floating-point mode: unchanged after every function of the core, without a say in what it computes."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cnn as tc
from tests.numbers.watched import PLACES

ROOT = Path(__file__).resolve().parent.parent.parent
# Declared in core_testing.h, and not in every build.
IN_TEST_BUILDS = set(re.findall(r"\b(tc_\w+)\(", (ROOT / "core" / "core_testing.h").read_text()))
CALLED_BY_OTHERS = {"tc_adaptive_max_pool2d": "tc_ndarray_max_pool2d", "tc_max_pool2d_grad": "tc_ndarray_pool_scatter"}


def report(*words: str) -> dict[str, object]:
    """Return what the program that calls every function prints."""
    command = [sys.executable, "-m", "tests.numbers.every_function", *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tempfile.gettempdir(), timeout=300)
    assert done.returncode == 0, f"{done.returncode}: {done.stderr[-2000:]}"
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.skipif(platform.machine() not in PLACES or sys.platform != "linux", reason="fenv_t is not known here")
def test_every_function_leaves_it_and_does_not_see_it():
    """One run in the usual mode, two in which each function is called with another: rounding down, trapping."""
    usual = report()
    for mode in ("rounding", "trapping"):
        watched = report(mode)
        assert not watched["changed"], watched["changed"]
        assert watched["digest"] == usual["digest"], f"python -m tests.numbers.every_function -v ({mode}) says where"
    declared = {
        name for file in (ROOT / "core").glob("core*.h") for name in re.findall(r"\b(tc_\w+)\(", file.read_text())
    } - IN_TEST_BUILDS
    called = watched["called"]
    missing = {
        name
        for name in declared
        if not {name, name.replace("tc_", "tc_ndarray_", 1), CALLED_BY_OTHERS.get(name)} & set(called)
    }
    assert not missing, f"functions that the program does not call: {sorted(missing)}"


@pytest.mark.skipif(platform.machine() not in PLACES, reason="denormals are computed with on other processors")
def test_new_threads_take_denormals_for_zeros():
    """From their first piece of work on: they start in the mode of the thread that makes them, which may be another."""
    program = """
import tinygrad_cnn as tc
tc.set_num_threads(3)
x = tc.full((1 << 20,), 1e-40)
y = x + x
assert not y.numpy().view("u4").any()
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tempfile.gettempdir(), timeout=300)
    assert done.returncode == 0, done.stderr


def test_what_is_only_handed_on_keeps_denormals():
    tiny = np.float32(1e-40)
    for made in (
        tc.full((5,), 1e-40),
        tc.zeros(5).fill_(1e-40),
        tc.nn.functional.pad(tc.zeros(1, 1, 3, 3), (1, 1), value=1e-40)[..., 0],
        tc.full((3, 3), 1e-40).t().contiguous(),
    ):
        assert (made.numpy() == tiny).all()
