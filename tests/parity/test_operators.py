"""PyTorch's own inputs for its operators: results, forms, gradients of both orders, errors."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("expecttest")

from .differences import why_absent, why_different
from .operators import BY_TITLE, checks, function_of

COMPARED = [title for title in BY_TITLE if why_absent(title) is None]


@pytest.mark.parity
@pytest.mark.parametrize("title", COMPARED)
def test_operator_is_pytorchs(title):
    op = BY_TITLE[title]
    assert function_of(op) is not None, f"{title} is missing"
    failures = []
    for name, check in checks(op, most=8):
        if why_different(title, name):
            continue
        try:
            check()
        except AssertionError as error:
            failures.append(f"{name}: {str(error)[:2000]}")
    assert not failures, "\n".join(failures)
