"""A step that fails for want of memory has not been: numbers and counters are as before, the next step is right.

The arrays of a first step's state, and the rounded ones of half precision, come from memory that may not be there.
"""

from __future__ import annotations

import pytest

import tinygrad_cnn as torch
from tests.builds import allocations, failing_memory, needs_failing_memory
from tinygrad_cnn import core, optim

OPTIMIZERS = {
    "sgd": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.5),
    "adam": lambda p: optim.Adam(p, lr=0.1, amsgrad=True, weight_decay=0.01),
    "adamw": lambda p: optim.AdamW(p, lr=0.1),
    "nadam": lambda p: optim.NAdam(p, lr=0.1),
    "asgd": lambda p: optim.ASGD(p, lr=0.1, t0=1),
    "rprop": lambda p: optim.Rprop(p, lr=0.1),
    "adagrad": lambda p: optim.Adagrad(p, lr=0.1),
    "rmsprop": lambda p: optim.RMSprop(p, lr=0.1, momentum=0.5, centered=True),
    "adafactor": lambda p: optim.Adafactor(p, lr=0.1, weight_decay=0.1),
    "muon": lambda p: optim.Muon(p, lr=0.1),
}


def training(name, dtype, steps):
    """Return the parameters and the optimizer after some steps, with gradients for the next."""
    torch.manual_seed(0)
    params = [torch.nn.Parameter(torch.randn(60, 50).to(dtype)) for _ in range(3)]
    optimizer = OPTIMIZERS[name](params)
    for _ in range(steps + 1):
        for param in params:
            param.grad = (param.detach() * 0.5 + 1).to(dtype)
        if steps:
            optimizer.step()
            steps -= 1
    return params, optimizer


def values(params, optimizer):
    """Return all numbers of the parameters and their states, those of a state not yet begun as None."""
    found = []
    for param in params:
        state = optimizer.state.get(param, {})
        progress = state.get("step", state.get("momentum_buffer"))
        begun = progress is not None and bool((progress != 0).any())
        found.append((param.tolist(), {key: value.tolist() for key, value in state.items()} if begun else None))
    return found


def stepped(params, optimizer):
    """Return the numbers after one more step."""
    optimizer.step()
    return values(params, optimizer)


@pytest.mark.parametrize("name", ["sgd", "adam", "rmsprop"])
@pytest.mark.parametrize("failing", [1, 2, 3])
def test_no_memory_for_a_state_leaves_none_half_made(monkeypatch, name, failing):
    expected = stepped(*training(name, torch.float32, 0))
    params, optimizer = training(name, torch.float32, 0)
    before, made = values(params, optimizer), []

    def no_memory(make):
        def wrapped(*arguments):
            made.append(arguments)
            if len(made) == failing:
                raise MemoryError
            return make(*arguments)

        return wrapped

    with monkeypatch.context() as patch:
        patch.setattr(core, "zeros", no_memory(core.zeros))
        patch.setattr(core, "empty", no_memory(core.empty))
        with pytest.raises(MemoryError):
            optimizer.step()
    assert values(params, optimizer) == before
    assert stepped(params, optimizer) == expected


@needs_failing_memory
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=["f32", "f16"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_allocation_of_a_step_can_fail(name, dtype):
    for steps in (0, 2):
        params, optimizer = training(name, dtype, steps)
        before, first = values(params, optimizer), allocations()
        optimizer.step()
        count = allocations() - first
        expected = values(params, optimizer)
        for n in range(1, count + 1):
            params, optimizer = training(name, dtype, steps)
            with failing_memory(n), pytest.raises(MemoryError):
                optimizer.step()
            found = values(params, optimizer)
            whole = [one in (old, new) for one, old, new in zip(found, before, expected, strict=True)]
            assert all(whole), f"allocation {n} of {count} after {steps} steps"
            if found == before:
                assert stepped(params, optimizer) == expected
