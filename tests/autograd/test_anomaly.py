"""Anomaly detection names the forward call, and finds NaN."""

from __future__ import annotations

import pytest

import tinygrad_cnn as torch


def test_nan_in_backward_is_found_and_its_origin_shown():
    x = torch.tensor(0.0, requires_grad=True)
    with pytest.warns(UserWarning, match="Anomaly Detection has been enabled"):
        context = torch.autograd.detect_anomaly()
    with context:
        y = (x * 0).sqrt() * 0  # the line to be shown
        with (
            pytest.warns(UserWarning, match=r"Error detected in SqrtBackward0[\s\S]*the line to be shown"),
            pytest.raises(RuntimeError, match="Function 'SqrtBackward0' returned nan values in its 0th output"),
        ):
            y.backward()


def test_error_in_backward_shows_its_origin():
    class Failing(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            raise ValueError("mine")

    with torch.autograd.set_detect_anomaly(True, check_nan=False):
        y = Failing.apply(torch.tensor(0.0, requires_grad=True))
        with (
            pytest.warns(UserWarning, match="Error detected in FailingBackward"),
            pytest.raises(ValueError, match="mine"),
        ):
            y.backward()


def test_made_before_the_mode():
    y = torch.tensor(0.0, requires_grad=True).sqrt() * 0
    with (
        torch.autograd.set_detect_anomaly(True),
        pytest.warns(UserWarning, match="No forward pass information"),
        pytest.raises(RuntimeError, match="nan"),
    ):
        y.backward()
    z = torch.tensor(0.0, requires_grad=True).sqrt() * 0
    z.backward()  # off again: no check
