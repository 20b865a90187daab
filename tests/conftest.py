"""Fixtures that all levels share: every ISA of this machine, both float dtypes, one and several threads."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

# The installed package is what is tested: the source tree, which has no compiled core of its own unless it was built in
# place, comes last. It is needed all the same, for `tests` itself and for `benchmarks`.
ROOT = str(Path(__file__).resolve().parent.parent)
sys.path[:] = [path for path in sys.path if path not in ("", ROOT)] + [ROOT]

import numpy as np  # noqa: E402
import pytest  # noqa: E402

import tinygrad_cnn  # noqa: E402
from tinygrad_cnn._core import ffi, lib  # noqa: E402

# Programs that tests start find the same package, and `tests` and `checks` behind it; but not if they start in the
# folder of the sources, which Python would look into first.
PACKAGE = str(Path(tinygrad_cnn.__file__).resolve().parent.parent)
os.environ["PYTHONPATH"] = os.pathsep.join([PACKAGE, *filter(None, [os.environ.get("PYTHONPATH")]), ROOT])

# A shell lets its jobs in the background ignore Ctrl-C, and they hand that on: the tests, and what they start, do not.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# All tables that this machine can run, or the one that it is made to.
ISAS = (os.environ.get("TINYGRAD_CNN_ISA") or ffi.string(lib.tc_isa_available()).decode()).split()


@pytest.fixture(params=ISAS)
def isa(request):
    """Force one instruction set for the test, then restore the one in use."""
    before = lib.tc_isa()
    assert lib.tc_set_isa(request.param.encode()) == lib.TC_OK
    yield request.param
    lib.tc_set_isa(before)


@pytest.fixture(params=[1, 3], ids=["1thread", "3threads"])
def threads(request):
    """Set the number of threads for the test, then restore it."""
    before = lib.tc_get_num_threads()
    lib.tc_set_num_threads(request.param)
    yield request.param
    lib.tc_set_num_threads(before)


@pytest.fixture(params=[np.float32, np.float64], ids=["f32", "f64"])
def dtype(request):
    """One of the two dtypes in which the core computes."""
    return request.param


@pytest.fixture
def rng():
    """A NumPy generator with a fixed seed."""
    return np.random.default_rng(0)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Let a worker of `pytest -n` that has nothing left take tests from the others: a few of them are long."""
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)
