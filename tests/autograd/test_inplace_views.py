"""In-place changes of views and bases: gradients of small programs as PyTorch's, to second order."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn
from tests.autograd.programs import PROGRAMS
from tinygrad_cnn.autograd import gradcheck, gradgradcheck

START = np.random.default_rng(3).uniform(0.3, 1.7, (3, 4)) * np.where(np.arange(12).reshape(3, 4) % 5, 1, -1)


def run(torch, program):
    x = torch.tensor(START, requires_grad=True)
    out = program(torch, x)
    (first,) = torch.autograd.grad(out.sum(), x, create_graph=True)
    second = None
    if first.requires_grad:
        (second,) = torch.autograd.grad((first * first).sum(), x, allow_unused=True)
    values = [out, first, second]
    return [None if value is None else value.detach().numpy() for value in values]


@pytest.mark.parity
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_as_pytorch(program):
    torch = pytest.importorskip("torch")
    ours_all = run(tinygrad_cnn, program)
    try:
        theirs_all = run(torch, program)
    except RuntimeError as error:  # an operand that is the target itself: PyTorch refuses, here the old value is kept
        assert program.__name__ in ("view_of_view", "multiplied_by_itself"), error
        return
    for ours, theirs in zip(ours_all, theirs_all, strict=True):
        ours = np.zeros(()) if ours is None else ours
        theirs = np.zeros(()) if theirs is None else theirs
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_against_differences(program):
    if program.__name__ in ("change_under_no_grad", "detached_alias"):
        pytest.skip("changes its values behind the back of the graph")
    x = tinygrad_cnn.tensor(START, requires_grad=True)
    function = lambda value: program(tinygrad_cnn, value)  # noqa: E731
    assert gradcheck(function, x)
    assert gradgradcheck(function, x)
