"""PyTorch's own inputs for its modules: text, initial state, results, gradients of both orders."""

from __future__ import annotations

import warnings

import pytest

pytest.importorskip("torch")
pytest.importorskip("expecttest")

from .modules import BY_TITLE, checks, class_of


@pytest.mark.parity
@pytest.mark.parametrize("title", BY_TITLE)
def test_module_is_pytorchs(title):
    info = BY_TITLE[title]
    assert class_of(info) is not None, f"{title} is missing"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _, check in checks(info):
            check()
