"""Schedules: the rates by formula, value by value as PyTorch's, resuming, warnings and messages."""

import copy
import gc
import math
import weakref

import pytest

from tinygrad_cnn.data import tensor
from tinygrad_cnn.optim import SGD, Adam, lr_scheduler
from tinygrad_cnn.optim.lr_scheduler import (
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
    StepLR,
)


class Halve:
    """A callable object with state, for LambdaLR."""

    def __init__(self, base=0.5):
        self.base = base

    def __call__(self, epoch):
        return self.base**epoch


CASES = [
    ("StepLR", {"step_size": 3}),
    ("StepLR", {"step_size": 1, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [2, 5, 5, 11], "gamma": 0.3}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("LambdaLR", {"lr_lambda": lambda epoch: 0.95**epoch}),
    ("LambdaLR", {"lr_lambda": [lambda epoch: 1 / (1 + epoch), lambda epoch: epoch // 3]}),
    ("CosineAnnealingLR", {"T_max": 7}),
    ("CosineAnnealingLR", {"T_max": 5, "eta_min": 0.01}),
    ("CosineAnnealingLR", {"T_max": 1, "eta_min": 0.01}),
    ("OneCycleLR", {"max_lr": 0.3, "total_steps": 20}),
    ("OneCycleLR", {"max_lr": [0.3, 0.1], "epochs": 4, "steps_per_epoch": 5, "anneal_strategy": "linear"}),
    ("OneCycleLR", {"max_lr": 0.3, "total_steps": 20, "three_phase": True, "pct_start": 0.4}),
    (
        "OneCycleLR",
        {"max_lr": 0.3, "total_steps": 20, "cycle_momentum": False, "div_factor": 10.0, "final_div_factor": 3.0},
    ),
    ("OneCycleLR", {"max_lr": 0.3, "total_steps": 20, "base_momentum": [0.7, 0.8], "max_momentum": 0.9}),
    ("OneCycleLR", {"max_lr": 0.3, "total_steps": 20, "pct_start": 0.0}),
    ("OneCycleLR", {"max_lr": 0.3, "total_steps": 20, "pct_start": 1.0}),
    ("MultiplicativeLR", {"lr_lambda": lambda epoch: 0.95}),
    ("MultiplicativeLR", {"lr_lambda": [lambda epoch: 1 / (1 + epoch), lambda epoch: 0.9]}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.5, "total_iters": 3}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.25, "end_factor": 0.5, "total_iters": 7}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 7}),
    ("PolynomialLR", {}),
    ("PolynomialLR", {"total_iters": 9, "power": 2.5}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4}),
    (
        "CyclicLR",
        {"base_lr": [0.01, 0.02], "max_lr": 0.1, "step_size_up": 2, "step_size_down": 5, "mode": "triangular2"},
    ),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": [0.1, 0.3], "step_size_up": 3, "mode": "exp_range", "gamma": 0.9}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3, "cycle_momentum": False}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3, "scale_fn": lambda x: 0.5 / x}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3, "scale_fn": Halve(), "scale_mode": "iterations"}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3, "base_momentum": [0.5, 0.6], "max_momentum": 0.8}),
    ("CosineAnnealingWarmRestarts", {"T_0": 4}),
    ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2, "eta_min": 0.01}),
]
# Those that have no closed form, or go to an epoch that PyTorch refuses.
WITHOUT_EPOCHS = ("OneCycleLR", "CyclicLR", "MultiplicativeLR")

IDS = [f"{name}-{number}" for number, (name, _) in enumerate(CASES)]  # the same in every process, unlike the reprs


def make(cls, make_tensor, **options):
    groups = [
        {"params": [make_tensor([1.0]).requires_grad_()]},
        {"params": [make_tensor([2.0]).requires_grad_()], "lr": 0.05},
    ]
    return cls(groups, lr=0.1, **options)


def record(optimizer, scheduler, steps):
    """Rates and momenta over `steps` steps."""
    found = []
    for _ in range(steps):
        found.append(scheduler.get_last_lr())
        found.append([g["lr"] for g in optimizer.param_groups])
        found.append([g.get("momentum", g.get("betas")) for g in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    return found


@pytest.mark.parity
@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
def test_every_value_is_torchs(name, options, optimizer):
    torch = pytest.importorskip("torch")
    extra = {"momentum": 0.9} if optimizer == "SGD" else {}
    ours = make({"SGD": SGD, "Adam": Adam}[optimizer], tensor, **extra)
    theirs = make(getattr(torch.optim, optimizer), torch.tensor, **extra)
    try:
        reference = getattr(torch.optim.lr_scheduler, name)(theirs, **options)
    except ZeroDivisionError:
        with pytest.raises(ZeroDivisionError):
            getattr(lr_scheduler, name)(ours, **options)
        return
    scheduler = getattr(lr_scheduler, name)(ours, **options)
    steps = 19 if name == "OneCycleLR" else 30
    assert record(ours, scheduler, steps) == record(theirs, reference, steps)
    hidden = ("_schedule_phases", "lr_lambdas", "_scale_fn_custom")
    mine, other = scheduler.state_dict(), reference.state_dict()
    assert {k: v for k, v in mine.items() if k not in hidden} == {k: v for k, v in other.items() if k not in hidden}


@pytest.mark.parity
@pytest.mark.parametrize(
    ("name", "options"),
    [pytest.param(*case, id=name) for case, name in zip(CASES, IDS, strict=True) if case[0] not in WITHOUT_EPOCHS],
)
@pytest.mark.filterwarnings("ignore:The epoch parameter")
def test_step_to_an_epoch_is_torchs(name, options):
    torch = pytest.importorskip("torch")
    ours, theirs = make(SGD, tensor), make(torch.optim.SGD, torch.tensor)
    scheduler = getattr(lr_scheduler, name)(ours, **options)
    reference = getattr(torch.optim.lr_scheduler, name)(theirs, **options)
    for optimizer in (ours, theirs):
        optimizer.step()
    for epoch in (5, 2, 9, 10, 3):
        scheduler.step(epoch)
        reference.step(epoch)
        assert scheduler.get_last_lr() == reference.get_last_lr() and scheduler.last_epoch == epoch


def one(lr=0.1, **options):
    return SGD([tensor([1.0]).requires_grad_()], lr=lr, **options)


def rates(scheduler, steps):
    found = []
    for _ in range(steps):
        found += scheduler.get_last_lr()
        scheduler.optimizer.step()
        scheduler.step()
    return found


def test_formulas():
    assert rates(StepLR(one(), 2, 0.5), 5) == [0.1, 0.1, 0.05, 0.05, 0.025]
    assert rates(MultiStepLR(one(1.0), [1, 3], 0.5), 4) == [1.0, 0.5, 0.5, 0.25]
    assert rates(ExponentialLR(one(1.0), 0.5), 4) == [1.0, 0.5, 0.25, 0.125]
    assert rates(LambdaLR(one(2.0), Halve()), 3) == [2.0, 1.0, 0.5]
    for t, rate in enumerate(rates(CosineAnnealingLR(one(), 10, 0.01), 21)):
        assert rate == pytest.approx(0.01 + 0.09 * (1 + math.cos(math.pi * t / 10)) / 2, abs=1e-12)
    cycle = rates(OneCycleLR(one(momentum=0.9), 1.0, 11, pct_start=0.3), 11)
    assert cycle[0] == pytest.approx(1 / 25) and max(cycle) < 1.0 + 1e-12 and cycle[-1] == pytest.approx(1 / 25 / 1e4)
    top = cycle.index(max(cycle))
    assert (
        top == 3 and cycle[: top + 1] == sorted(cycle[: top + 1]) and cycle[top:] == sorted(cycle[top:], reverse=True)
    )


@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
def test_resuming_from_a_state_dict(name, options):
    if options.get("pct_start") == 0.0:
        return
    try:
        first = make(SGD, tensor, momentum=0.9)
        scheduler = getattr(lr_scheduler, name)(first, **options)
    except ZeroDivisionError:
        pytest.skip("PyTorch divides by zero here, too")
    record(first, scheduler, 4)
    saved = copy.deepcopy((first.state_dict(), scheduler.state_dict()))
    second = make(SGD, tensor, momentum=0.9)
    resumed = getattr(lr_scheduler, name)(second, **options)
    second.load_state_dict(saved[0])
    resumed.load_state_dict(saved[1])
    second.step()
    assert record(second, resumed, 8) == record(first, scheduler, 8)


def test_last_epoch():
    optimizer = one()
    with pytest.raises(KeyError, match=r"param 'initial_lr' is not specified in param_groups.0. when resuming"):
        StepLR(optimizer, 2, last_epoch=3)
    optimizer.param_groups[0]["initial_lr"] = 0.1
    scheduler = StepLR(optimizer, 2, 0.5, last_epoch=3)
    assert scheduler.last_epoch == 4 and scheduler.get_last_lr() == [0.05]


def test_tensor_rates_are_changed_in_place():
    rate = tensor(0.5)
    scheduler = ExponentialLR(one(rate), 0.5)
    first = scheduler.get_last_lr()[0]
    scheduler.optimizer.step()
    scheduler.step()
    assert rate.item() == 0.25 and first.item() == 0.5 and scheduler.optimizer.param_groups[0]["lr"] is rate
    first.fill_(7.0)
    assert rate.item() == 0.25


def test_warnings():
    scheduler = StepLR(one(), 2)
    with pytest.warns(UserWarning, match=r"Detected call of `lr_scheduler\.step\(\)` before `optimizer\.step\(\)`"):
        scheduler.step()
    scheduler.step()  # only once
    scheduler = StepLR(one(), 2)
    scheduler.optimizer.step = lambda closure=None: None
    with pytest.warns(UserWarning, match="has been overridden"):
        scheduler.step()
    scheduler = StepLR(one(), 2)
    with pytest.warns(UserWarning, match="please use `get_last_lr"):
        scheduler.get_lr()
    scheduler.optimizer.step()
    with pytest.warns(UserWarning, match="The epoch parameter"):
        scheduler.step(3)


def test_errors():
    with pytest.raises(TypeError, match="int is not an Optimizer"):
        LRScheduler(1)
    with pytest.raises(TypeError, match="list is not an Optimizer"):
        OneCycleLR([], 0.1, 10)
    with pytest.raises(NotImplementedError):
        LRScheduler(one())
    with pytest.raises(ValueError, match="Expected 1 lr_lambdas, but got 2"):
        LambdaLR(one(), [Halve(), Halve()])
    scheduler = OneCycleLR(one(momentum=0.9), 1.0, 2)
    scheduler.optimizer.step()
    scheduler.step()
    scheduler.step()
    with pytest.raises(ValueError, match=r"Tried to step 3 times. The specified number of total steps is 2"):
        scheduler.step()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"You must define either total_steps OR \(epochs AND steps_per_epoch\)"),
        ({"epochs": 3}, "You must define either total_steps"),
        ({"total_steps": 0}, "Expected positive integer total_steps, but got 0"),
        ({"total_steps": 2.5}, r"Expected positive integer total_steps, but got 2\.5"),
        ({"epochs": -1, "steps_per_epoch": 2}, "Expected positive integer epochs, but got -1"),
        ({"epochs": 1, "steps_per_epoch": 0}, "Expected positive integer steps_per_epoch, but got 0"),
        ({"total_steps": 5, "pct_start": 2.0}, r"Expected float between 0 and 1 pct_start, but got 2\.0"),
        ({"total_steps": 5, "pct_start": 1}, "Expected float between 0 and 1 pct_start, but got 1"),
        ({"total_steps": 5, "anneal_strategy": "x"}, "anneal_strategy must be one of 'cos' or 'linear', instead got x"),
        ({"total_steps": 5, "max_lr": [1.0, 2.0]}, r"max_lr must have the same length as optimizer\.param_groups\. "),
    ],
    ids=str,
)
def test_one_cycle_errors(options, message):
    with pytest.raises(ValueError, match=message):
        OneCycleLR(one(momentum=0.9), **{"max_lr": 1.0, **options})


def test_lambda_state_keeps_attributes_of_objects_only():
    scheduler = LambdaLR(one(), Halve(0.25))
    state = scheduler.state_dict()
    assert state["lr_lambdas"] == [{"base": 0.25}] and "optimizer" not in state
    other = LambdaLR(one(), Halve())
    other.load_state_dict(state)
    assert other.lr_lambdas[0].base == 0.25 and "lr_lambdas" in state
    assert LambdaLR(one(), lambda epoch: 1.0).state_dict()["lr_lambdas"] == [None]


def test_a_scheduler_does_not_keep_its_optimizer_in_a_cycle():
    optimizer = one()
    StepLR(optimizer, 2)
    gone = weakref.ref(optimizer)
    gc.disable()
    try:
        del optimizer
        assert gone() is None
    finally:
        gc.enable()
