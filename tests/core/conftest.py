"""What every test of the core leaves as it found it."""

from __future__ import annotations

import pytest

from tinygrad_cnn._core import lib


@pytest.fixture(autouse=True)
def restore_threads():
    """Restore the number of threads, which tests of reproducibility change half way."""
    before = lib.tc_get_num_threads()
    yield
    lib.tc_set_num_threads(before)
