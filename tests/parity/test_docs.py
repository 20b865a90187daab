"""The tables of what is here are what the code gives: README's counts of names, and the list of operations."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("expecttest")

from tests.conftest import ROOT


def tool(name):
    """Return a module of `tools`."""
    spec = importlib.util.spec_from_file_location(f"tools_{name}", Path(ROOT) / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parity
def test_names_that_readme_counts():
    names = tool("names")
    text = (Path(ROOT) / "README.md").read_text(encoding="utf-8")
    found = {name: pair for name, pair in names.compare().items() if name.startswith("torch.") or name == "torch"}
    for row in names.summary(found).splitlines()[2:]:
        assert row in text, f"run `python -m tools.names`: {row}"


@pytest.mark.parity
def test_operations_that_the_document_lists():
    document = (Path(ROOT) / "docs" / "operators.md").read_text(encoding="utf-8")
    assert document == tool("operators").document(), "run `python -m tools.operators`"
