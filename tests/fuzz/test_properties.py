"""The properties hold in 5,000 random cases, the same each time; `python -m checks shapes` runs others."""

from __future__ import annotations

import pytest

from .properties import PROPERTIES, run

CASES = 5_000


@pytest.mark.parametrize("name", PROPERTIES)
def test_property(name):
    findings = [run(name, 0, index) for index in range(-(-CASES // len(PROPERTIES)))]
    failed = [str(finding) for finding in findings if finding]
    assert not failed, "\n".join(failed)
