"""`backends.winograd`: the switch, its context manager, its environment variable, and what it changes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

import pytest

import tinygrad_cnn as torch
from tinygrad_cnn.backends import winograd
from tinygrad_cnn.nn import functional as F


@pytest.fixture(autouse=True)
def restore():
    before = winograd.enabled
    yield
    winograd.enabled = before


def test_reading_and_writing():
    assert torch.backends.winograd is winograd
    winograd.enabled = False
    assert winograd.enabled is False
    assert winograd.set_flags(True) == (False,)
    assert winograd.enabled is True


def test_flags_come_back_even_after_an_error():
    winograd.enabled = True
    with winograd.flags(enabled=False):
        assert not winograd.enabled
        with winograd.flags(True):
            assert winograd.enabled
        assert not winograd.enabled
    assert winograd.enabled
    with pytest.raises(ZeroDivisionError), winograd.flags():
        raise ZeroDivisionError
    assert winograd.enabled


@pytest.mark.parametrize("value", [0, 1, None, "off"])
def test_only_bools(value):
    with pytest.raises(TypeError, match="expects a bool"):
        winograd.enabled = value
    with pytest.raises(TypeError, match="expects a bool"), winograd.flags(value):
        pass


@pytest.mark.parametrize(("value", "enabled"), [(None, True), ("", True), ("1", True), ("0", False)])
def test_environment_variable(value, enabled):
    environment = {name: text for name, text in os.environ.items() if name != "TINYGRAD_CNN_WINOGRAD"}
    if value is not None:
        environment["TINYGRAD_CNN_WINOGRAD"] = value
    code = "from tinygrad_cnn.backends import winograd; print(winograd.enabled)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=tempfile.gettempdir(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(enabled)


def test_it_changes_how_and_not_what_is_computed():
    torch.manual_seed(0)
    x, weight = torch.randn(64, 16, 32, 32), torch.randn(16, 16, 3, 3)
    results = []
    for enabled in (False, True):
        a, b = x.clone().requires_grad_(), weight.clone().requires_grad_()
        with winograd.flags(enabled=enabled):
            y = F.conv2d(a, b, padding=1)
            (y * y).sum().backward()
        results.append((y.detach(), a.grad, b.grad))
    for direct, quick in zip(*results, strict=True):
        assert not torch.equal(direct, quick)
        assert float((direct - quick).abs().max()) < 1e-4 * float(direct.abs().max())
