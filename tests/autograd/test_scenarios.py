"""The graph behaves as PyTorch's: results, exception types and messages of many small experiments."""

from __future__ import annotations

import re
import warnings

import pytest

import tinygrad_cnn
from tests.autograd import (
    scenarios_backward,
    scenarios_function,
    scenarios_hooks,
    scenarios_outputs,
    scenarios_tensors,
)

MODULES = (scenarios_backward, scenarios_function, scenarios_hooks, scenarios_outputs, scenarios_tensors)
SCENARIOS = [scenario for module in MODULES for scenario in module.SCENARIOS]

NAMES = [f"{scenario.__module__.rpartition('.')[2]}-{scenario.__name__}" for scenario in SCENARIOS]

# Where only the exception's type is compared: PyTorch's message speaks of an attribute that does not exist here.
FREE_MESSAGES = {"assign_wrong_grad_dtype"}
# What PyTorch lets pass: a gradient too many is ignored there.
STRICTER = {"outputs_and_gradients_mismatch": RuntimeError}


def plain(value):
    """Return a result as something that can be compared: tensors become their text."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (bool, int, str, type(None))):
        return value
    if isinstance(value, float):
        return pytest.approx(value, rel=1e-12)
    return repr(value.detach() if value.grad_fn is not None else value)


def outcome(torch, scenario):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return plain(scenario(torch)), None
        except (RuntimeError, TypeError, ValueError, AttributeError, IndexError) as error:
            return type(error), re.sub(r"\s+", " ", str(error))


@pytest.mark.parity
@pytest.mark.parametrize("scenario", SCENARIOS, ids=NAMES)
def test_as_pytorch(scenario):
    torch = pytest.importorskip("torch")
    ours, theirs = outcome(tinygrad_cnn, scenario), outcome(torch, scenario)
    if scenario.__name__ in STRICTER:
        assert ours[0] is STRICTER[scenario.__name__]
        return
    if scenario.__name__ in FREE_MESSAGES:
        ours, theirs = ours[0], theirs[0]
    assert ours == theirs
