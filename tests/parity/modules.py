"""One module of PyTorch's own list (`ModuleInfo`), built and run on PyTorch's own inputs in both packages.

`python -m tests.parity.modules NAME...` says what holds for the modules whose names contain one of NAME.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch

import tinygrad_cnn as tc

from .lists import module_db
from .operators import SEED, assert_derivatives, derivatives, report, resolve
from .translate import DTYPES, Untranslatable, assert_same, ours

BY_TITLE = {info.name: info for info in module_db}


def class_of(info: Any) -> Any:
    """Return our class for a module, or None."""
    return resolve(tc, f"{info.module_cls.__module__.split('.', 1)[1].split('.modules')[0]}.{info.module_cls.__name__}")


class Twins:
    """A module of PyTorch and ours with the same constructor's arguments and the same state."""

    def __init__(self, info: Any, entry: Any, dtype: torch.dtype, training: bool):
        made = entry.constructor_input
        torch.manual_seed(SEED)
        self.theirs = info.module_cls(*made.args, **made.kwargs).to(dtype).train(training)
        tc.manual_seed(SEED)
        self.ours = class_of(info)(*ours(made.args), **ours(made.kwargs)).to(DTYPES[dtype]).train(training)
        assert repr(self.ours) == repr(self.theirs), "their texts differ"
        forward = entry.forward_input
        self.inputs = (forward.args, forward.kwargs)
        self.our_inputs = (ours(forward.args), ours(forward.kwargs))
        self.what = f"{info.name} of {made}: "

    def run(self) -> tuple[Any, Any]:
        """Return both results of one call."""
        torch.manual_seed(SEED)
        expected = self.theirs(*self.inputs[0], **self.inputs[1])
        tc.manual_seed(SEED)
        return self.ours(*self.our_inputs[0], **self.our_inputs[1]), expected

    def states(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return both state dicts."""
        return dict(self.ours.state_dict()), dict(self.theirs.state_dict())


def twins(info: Any, dtype: torch.dtype, requires_grad: bool, training: bool) -> Iterator[Twins]:
    """Yield what PyTorch's list has for a module, as far as it can be expressed here."""
    torch.manual_seed(0)
    for entry in info.module_inputs_func(info, "cpu", dtype, requires_grad, training):
        if entry.forward_input is None:
            continue
        try:
            yield Twins(info, entry, dtype, training)
        except Untranslatable:
            continue


def check_forward(info: Any, dtype: torch.dtype, training: bool) -> int:
    """Compare text, initial state, result and the state after a call (running averages); return how many there were."""
    count = 0
    for pair in twins(info, dtype, False, training):
        if not info.is_lazy:
            assert_same(*pair.states(), pair.what + "initial state")
        assert_same(*pair.run(), pair.what + "result")
        assert_same(*pair.states(), pair.what + "state after the call")
        count += 1
    return count


def check_gradients(info: Any, training: bool) -> int:
    """Compare gradients of inputs and parameters in float64, of second order where PyTorch has them."""
    count = 0
    for pair in twins(info, torch.float64, True, training):
        mine, theirs = pair.run()
        inputs = pair.our_inputs, list(pair.ours.parameters())
        their_inputs = pair.inputs, list(pair.theirs.parameters())
        expected = derivatives(torch, theirs, their_inputs, info.supports_gradgrad)
        got = derivatives(tc, mine, inputs, info.supports_gradgrad and expected[1] is not None)
        assert_derivatives(got, expected, pair.what)
        count += 1
    return count


def checks(info: Any) -> Iterator[tuple[str, Callable[[], int]]]:
    """Yield what is checked of a module: (name, function that raises AssertionError)."""
    for training in (True, False):
        mode = "training" if training else "evaluation"
        for dtype in (torch.float32, torch.float64):
            if dtype in info.supported_dtypes("cpu"):
                name = f"{mode} {str(dtype).removeprefix('torch.')}"
                yield name, lambda dtype=dtype, training=training: check_forward(info, dtype, training)
        yield f"{mode} gradients", lambda training=training: check_gradients(info, training)


if __name__ == "__main__":
    report(sys.argv[1:], BY_TITLE, lambda info: class_of(info) is None, checks)
