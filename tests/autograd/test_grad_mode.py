"""The modes: as context managers, as decorators, nested, in generators, across forks."""

from __future__ import annotations

import os
import threading
import warnings

import pytest

import tinygrad_cnn as torch
from tinygrad_cnn.autograd import run
from tinygrad_cnn.random import default_generator


def test_inference_mode():
    x = torch.ones(1, requires_grad=True)
    with torch.inference_mode():
        assert not (x * 2).requires_grad
        with torch.inference_mode(False):
            assert (x * 2).requires_grad

    @torch.inference_mode()
    def function():
        return (x * 2).requires_grad

    assert function() is False


def test_set_grad_enabled_as_decorator():
    @torch.set_grad_enabled(False)
    def function():
        return torch.is_grad_enabled()

    assert torch.is_grad_enabled()
    assert function() is False
    assert torch.is_grad_enabled()


def test_generator_keeps_values_sent_and_returned():
    @torch.no_grad()
    def generator():
        received = []
        while len(received) < 2:
            assert not torch.is_grad_enabled()
            received.append((yield len(received)))
        return received

    iterator = generator()
    assert next(iterator) == 0
    assert torch.is_grad_enabled()
    assert iterator.send("a") == 1
    with pytest.raises(StopIteration) as stop:
        iterator.send("b")
    assert stop.value.value == ["a", "b"]


def test_decorated_function_keeps_its_name():
    @torch.no_grad()
    def documented():
        """Text."""

    assert (documented.__name__, documented.__doc__) == ("documented", "Text.")


def test_new_leaves_under_no_grad():
    with torch.no_grad():
        x = torch.ones(1, requires_grad=True)
    (x * 2).backward()
    assert x.grad.item() == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_locks_are_free_after_a_fork():
    with default_generator._lock, run._accumulating, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                threading.Timer(20, os._exit, (2,)).start()
                x = torch.rand(3).requires_grad_()
                (x * 2).sum().backward()
                code = 0
            finally:
                os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
