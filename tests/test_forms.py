"""Every form that stands beside an operation is offered, and the stubs for type checkers are up to date."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

import tinygrad_cnn as tc
from tests.conftest import ROOT
from tinygrad_cnn.ops import forms


def stubs():
    """Return the module that writes them."""
    spec = importlib.util.spec_from_file_location("stubs", Path(ROOT) / "tools" / "stubs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["functions.pyi", "methods.pyi"])
def test_stubs_are_what_the_tool_writes(name):
    module = stubs()
    installed = Path(tc.__file__).with_name(name)
    assert installed.read_text(encoding="utf-8") == module.STUBS[name](), "run `python tools/stubs.py`"


def test_every_form_is_offered_under_its_name():
    for name, function in forms.FUNCTIONS.items():
        assert getattr(tc, name) is function, name
    for name in forms.METHODS:
        assert callable(getattr(tc.Tensor, name)), name


def test_inplace_forms_write_into_the_tensor():
    x = tc.tensor([1.5, -2.5])
    for name in ("abs_", "round_", "sub_", "clamp_min_"):
        args = (1,) if name in ("sub_", "clamp_min_") else ()
        y = x.clone()
        memory = y.data_ptr()
        assert getattr(y, name)(*args) is y
        assert y.data_ptr() == memory
        assert tc.equal(y, getattr(x, name[:-1])(*args))
