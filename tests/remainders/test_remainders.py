"""A hundredth of `python -m checks remainders`, and what its fences see."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile

import numpy as np
import pytest

from checks.remainders import job

from .case import near, same
from .fence import BAND, Fence
from .worker import FAMILIES, run


@pytest.mark.parametrize("family", FAMILIES)
def test_every_so_many_th_case(family, isa, dtype):
    first = sorted(FAMILIES).index(family)
    *findings, last = run(family, isa, np.dtype(dtype).str[1:], range(first, sys.maxsize, 307), bytearray(8))
    assert not findings, "\n".join(findings)
    assert last.startswith("done ") and not last.startswith("done 0 ")


@pytest.mark.parametrize("place", ["end", "start"])
def test_an_access_beyond_a_fence_ends_the_process(place):
    program = f"""
import ctypes, numpy as np
from tests.remainders.fence import Fence
fence = Fence()
fence.begin({place == "end"})
x = fence.put(np.arange(5, dtype=np.float32))
address = x.__array_interface__["data"][0]
print(ctypes.string_at(address, 20) == x.tobytes(), flush=True)
ctypes.string_at(address + ({"20" if place == "end" else "-1"}), 1)
print("not noticed")
"""
    command = [sys.executable, "-c", program]
    # A sanitizer would end the process with a report of its own.
    options = os.environ.get("ASAN_OPTIONS", "") + ":handle_segv=0:handle_sigbus=0"
    environment = os.environ | {"ASAN_OPTIONS": options}
    ended = subprocess.run(
        command, cwd=tempfile.gettempdir(), env=environment, capture_output=True, text=True, check=False
    )
    assert ended.stdout == "True\n", ended.stderr
    assert ended.returncode in (-signal.SIGSEGV, -signal.SIGBUS)


def test_writing_on_the_open_side_and_to_inputs_is_seen():
    fence = Fence()
    for at_end in (True, False):
        fence.begin(at_end)
        x, y = fence.put(np.arange(5.0)), fence.out((3,), np.float32)
        assert np.isnan(y).all()
        y[:] = 1
        fence.check()
        memory = np.frombuffer(fence._maps[1], np.uint8, BAND, fence._bands[1])
        memory[BAND - 1 if at_end else 0] ^= 1  # the byte next to the buffer
        with pytest.raises(AssertionError, match="outside of operand 1"):
            fence.check()
        memory[BAND - 1 if at_end else 0] ^= 1
        x[2] = 7
        with pytest.raises(AssertionError, match="an input was changed"):
            fence.check()


def test_comparisons_see_what_differs():
    same(np.array([np.nan, 1, -0.0]), np.array([np.nan, 1, 0]))
    near(np.array([np.nan, 1, np.inf]), np.array([np.nan, 1.01, np.inf]), 0.02)
    for compare in (same, lambda a, b: near(a, b, 1e-3)):
        for a, b in ((np.nan, 1.0), (1.0, np.nan), (np.inf, 1.0), (1.0, 1.1)):
            with pytest.raises(AssertionError):
                compare(np.array([a, 2.0]), np.array([b, 2.0]))


def test_a_process_that_ends_is_a_finding_with_its_command():
    calls, findings = job("gemm", "none", "f4", 1, None)
    assert calls == 0 and len(findings) == 1
    assert "ended with status 1" in findings[0] and "has no none" in findings[0]
    assert "python -m checks remainders --only gemm --isa none --dtype f4 --case 0" in findings[0]
    calls, findings = job("training", "generic", "f8", 1, 3)
    assert (calls, findings) == (2, [])
