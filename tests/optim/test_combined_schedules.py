"""Schedules made of schedules, and the one that follows a metric, value by value as PyTorch's."""

import copy

import numpy as np
import pytest

import tinygrad_cnn as ours_torch


def optimizers(torch, **options):
    """SGD with two groups."""
    params = [torch.tensor([1.0], requires_grad=True), torch.tensor([2.0], requires_grad=True)]
    return torch.optim.SGD([{"params": [params[0]]}, {"params": [params[1]], "lr": 0.05}], lr=0.1, **options)


def warmup_then_decay(torch, optimizer):
    s = torch.optim.lr_scheduler
    parts = [s.LinearLR(optimizer, total_iters=3), s.ExponentialLR(optimizer, 0.9), s.StepLR(optimizer, 2, 0.5)]
    return s.SequentialLR(optimizer, parts, [3, 7])


def starts_late(torch, optimizer):
    s = torch.optim.lr_scheduler
    return s.SequentialLR(optimizer, [s.ConstantLR(optimizer, 0.1, 2), s.CosineAnnealingLR(optimizer, 5)], [0])


def chained(torch, optimizer):
    s = torch.optim.lr_scheduler
    return s.ChainedScheduler([s.ConstantLR(optimizer, 0.1, 4), s.ExponentialLR(optimizer, 0.9)], optimizer=optimizer)


def chained_in_a_sequence(torch, optimizer):
    s = torch.optim.lr_scheduler
    chain = s.ChainedScheduler([s.LinearLR(optimizer, total_iters=4), s.StepLR(optimizer, 2)])
    return s.SequentialLR(optimizer, [chain, s.PolynomialLR(optimizer, 5)], [4])


BUILDERS = [warmup_then_decay, starts_late, chained]


def record(scheduler, steps):
    found = []
    for _ in range(steps):
        found.append((scheduler.get_last_lr(), [group["lr"] for group in scheduler.optimizer.param_groups]))
        scheduler.optimizer.step()
        scheduler.step()
    return found


@pytest.mark.parity
@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.filterwarnings("ignore:Detected call of")
def test_every_value_is_torchs(build):
    torch = pytest.importorskip("torch")
    ours, theirs = build(ours_torch, optimizers(ours_torch)), build(torch, optimizers(torch))
    assert record(ours, 14) == record(theirs, 14)
    assert ours.state_dict() == theirs.state_dict()


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:Detected call of")
def test_a_chain_in_a_sequence_fails_or_works_as_torchs():
    torch = pytest.importorskip("torch")
    found = []
    for package in (ours_torch, torch):
        try:
            found.append(record(chained_in_a_sequence(package, optimizers(package)), 10))
        except AttributeError:
            found.append("no initial step")
    assert found[0] == found[1]


@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.filterwarnings("ignore:Detected call of")
def test_resuming_from_a_state_dict(build):
    first = build(ours_torch, optimizers(ours_torch))
    record(first, 4)
    saved = copy.deepcopy((first.optimizer.state_dict(), first.state_dict()))
    second = build(ours_torch, optimizers(ours_torch))
    second.optimizer.load_state_dict(saved[0])
    second.load_state_dict(saved[1])
    second.optimizer.step()
    assert record(second, 8) == record(first, 8)


PLATEAUS = [
    {"patience": 1},
    {"patience": 0, "factor": 0.5, "cooldown": 2},
    {"mode": "max", "patience": 1, "threshold": 0.1},
    {"patience": 1, "threshold": 0.2, "threshold_mode": "abs"},
    {"mode": "max", "patience": 0, "threshold": 0.2, "threshold_mode": "abs"},
    {"patience": 0, "min_lr": 0.02},
    {"patience": 0, "min_lr": [0.03, 0.01]},
    {"patience": 0, "eps": 0.01},
]


@pytest.mark.parity
@pytest.mark.parametrize("options", PLATEAUS, ids=str)
def test_plateau_is_torchs(rng, options):
    torch = pytest.importorskip("torch")
    metrics = [*np.round(rng.standard_normal(25), 1).tolist(), float("nan"), 1.0]
    ours = ours_torch.optim.lr_scheduler.ReduceLROnPlateau(optimizers(ours_torch), **options)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizers(torch), **options)
    for metric in metrics:
        ours.step(ours_torch.tensor(metric, dtype=ours_torch.float64))
        theirs.step(metric)
        assert ours.get_last_lr() == theirs.get_last_lr()
        assert ours.in_cooldown == theirs.in_cooldown
    assert ours.state_dict() == theirs.state_dict()
    again = ours_torch.optim.lr_scheduler.ReduceLROnPlateau(optimizers(ours_torch))
    again.load_state_dict(theirs.state_dict())
    assert again.state_dict() == ours.state_dict()


def test_plateau_after_a_new_group():
    optimizer = optimizers(ours_torch)
    scheduler = ours_torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, min_lr=[0.0, 0.0])
    optimizer.add_param_group({"params": [ours_torch.zeros(1, requires_grad=True)]})
    scheduler.step(1.0)
    with pytest.raises(RuntimeError, match=r"The number of param groups in the `optimizer` \(3\) differs"):
        scheduler.step(2.0)
    follows = ours_torch.optim.lr_scheduler.ReduceLROnPlateau(optimizers(ours_torch), patience=0, min_lr=0.01)
    follows.optimizer.add_param_group({"params": [ours_torch.zeros(1, requires_grad=True)], "lr": 0.5})
    follows.step(1.0)
    follows.step(2.0)
    assert follows.get_last_lr() == pytest.approx([0.01, 0.01, 0.05])


def errors(s, optimizer, other):
    """What cannot be made, each as (name, call)."""
    step, plateau = s.StepLR(optimizer, 2), s.ReduceLROnPlateau(optimizer)
    return [
        ("no scheduler", lambda: s.SequentialLR(optimizer, [], [])),
        ("no scheduler to chain", lambda: s.ChainedScheduler([])),
        ("no schedulers", lambda: s.SequentialLR(optimizer, [1, 2], [3])),
        ("plateau", lambda: s.SequentialLR(optimizer, [step, plateau], [3])),
        ("plateau in a chain", lambda: s.ChainedScheduler([step, plateau])),
        ("milestones", lambda: s.SequentialLR(optimizer, [step, s.StepLR(optimizer, 2)], [3, 4])),
        ("factor", lambda: s.ReduceLROnPlateau(optimizer, factor=1.0)),
        ("mode", lambda: s.ReduceLROnPlateau(optimizer, mode="mean")),
        ("threshold mode", lambda: s.ReduceLROnPlateau(optimizer, threshold_mode="x")),
        ("min_lr", lambda: s.ReduceLROnPlateau(optimizer, min_lr=[0.1])),
        ("no optimizer", lambda: s.ReduceLROnPlateau(1)),
        ("constant factor", lambda: s.ConstantLR(optimizer, 1.5)),
        ("start factor", lambda: s.LinearLR(optimizer, 0.0)),
        ("end factor", lambda: s.LinearLR(optimizer, 0.5, 1.5)),
        ("no function", lambda: s.MultiplicativeLR(optimizer, 0.5)),
        ("functions", lambda: s.MultiplicativeLR(optimizer, [lambda epoch: 1.0])),
        ("cyclic mode", lambda: s.CyclicLR(optimizer, 0.1, 0.2, mode="x")),
        ("cyclic rates", lambda: s.CyclicLR(optimizer, [0.1], 0.2)),
        ("no momentum", lambda: s.CyclicLR(other, 0.1, 0.2)),
        ("no optimizer for cycles", lambda: s.CyclicLR(1, 0.1, 0.2)),
        ("T_0", lambda: s.CosineAnnealingWarmRestarts(optimizer, 0)),
        ("T_mult", lambda: s.CosineAnnealingWarmRestarts(optimizer, 1, 1.5)),
        ("eta_min", lambda: s.CosineAnnealingWarmRestarts(optimizer, 1, 1, "x")),
        ("negative epoch", lambda: s.CosineAnnealingWarmRestarts(optimizer, 2).step(-1)),
    ]


@pytest.mark.parity
def test_errors_are_torchs():
    torch = pytest.importorskip("torch")
    calls = []
    for package in (ours_torch, torch):
        other = package.optim.Rprop([package.zeros(1, requires_grad=True)])
        calls.append(errors(package.optim.lr_scheduler, optimizers(package), other))
    for (name, ours), (_, theirs) in zip(*calls, strict=True):
        with pytest.raises((ValueError, TypeError)) as expected:
            theirs()
        with pytest.raises(expected.type) as got:
            ours()
        assert str(got.value) == str(expected.value), name


def test_schedulers_of_another_optimizer_are_refused():
    s = ours_torch.optim.lr_scheduler
    one, two = optimizers(ours_torch), optimizers(ours_torch)
    with pytest.raises(ValueError, match="expects all schedulers to belong to the same optimizer"):
        s.ChainedScheduler([s.StepLR(one, 2), s.StepLR(two, 2)])


@pytest.mark.parity
def test_warm_restarts_between_epochs_are_torchs():
    torch = pytest.importorskip("torch")
    schedulers = []
    for package in (ours_torch, torch):
        optimizer = optimizers(package)
        optimizer.step()
        schedulers.append(package.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 3, 2, 0.01))
    for epoch in (0.25, 2.5, 3, 3.75, 8.9, 9.1, 30, 1):
        for scheduler in schedulers:
            scheduler.step(epoch)
        assert schedulers[0].get_last_lr() == schedulers[1].get_last_lr()
