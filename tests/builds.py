"""What tests have to know of how the core was built.

In a test build (core/core_testing.h) allocations fail when a test says so; in the one that users get, tests marked
`needs_failing_memory` are skipped. The command that runs them stands in the reason, and is a step of continuous
integration. Under a sanitizer, what `unsanitized` marks would measure the sanitizer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tinygrad_cnn._core import ffi, lib

needs_failing_memory = pytest.mark.skipif(
    not hasattr(lib, "tc_alloc_fail_at"),
    reason="allocations fail on demand in a test build alone: "
    "python -m checks sanitizers address -- tests/core tests/test_memory_failures.py tests/optim/test_failed_steps.py",
)

unsanitized = pytest.mark.skipif(
    "-fsanitize" in ffi.string(lib.tc_compiler()).decode(),
    reason="a sanitizer takes memory, address space and time of its own",
)


@contextmanager
def failing_memory(n: int, all_later: bool | int = False) -> Iterator[None]:
    """Let the n-th allocation from here (1: the next) fail, and `all_later` ones too; none after the block."""
    lib.tc_alloc_fail_at(n, int(all_later))
    try:
        yield
    finally:
        lib.tc_alloc_fail_at(0, 0)


def sites() -> dict[tuple[str, int], tuple[int, int]]:
    """Return (calls, failures) of the places in the core that allocate, by file and line, as far as reached so far."""
    found: dict[tuple[str, int], tuple[int, int]] = {}
    site = ffi.new("tc_alloc_site *")
    i = 0
    while lib.tc_get_alloc_site(i, site) == lib.TC_OK:
        place = (ffi.string(site.file).decode().rpartition("/")[2], site.line)
        calls, failures = found.get(place, (0, 0))
        found[place] = (calls + site.calls, failures + site.failures)
        i += 1
    return found


def allocations() -> int:
    """Return how often `tc_alloc` was called in the core since the program began."""
    return sum(calls for (file, _), (calls, _) in sites().items() if not file.startswith("threads"))
