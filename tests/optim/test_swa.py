"""Averages of weights, and the optimizers Adafactor, Muon and SparseAdam, step by step against PyTorch."""

import copy

import numpy as np
import pytest

import tinygrad_cnn as tg
from tests.nn.twin import check_twin

SHAPES = [(3, 4), (5,), (2, 3, 4, 5), (), (4, 3)]


def numbers(t, *shape, seed=0.0):
    return (t.arange(int(np.prod(shape)), dtype=t.float64).reshape(shape) * 0.7 + seed).sin()


def network(t):
    t.manual_seed(3)
    return t.nn.Sequential(t.nn.Conv2d(1, 2, 3), t.nn.BatchNorm2d(2), t.nn.Flatten(), t.nn.Linear(8, 3)).double()


def averaged(t, steps=4, **options):
    """An average over some steps of training, with its state."""
    swa = t.optim.swa_utils
    options = {name: make(swa) if callable(make) else make for name, make in options.items()}
    model = network(t)
    average = swa.AveragedModel(model, **options)
    optimizer = t.optim.SGD(model.parameters(), lr=0.1)
    for step in range(steps):
        (model(numbers(t, 4, 1, 4, 4, seed=step)) ** 2).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        average.update_parameters(model)
    return [dict(average.state_dict()), repr(average), average.eval()(numbers(t, 2, 1, 4, 4))]


def statistics(t):
    model = network(t)
    batches = [[numbers(t, 4, 1, 4, 4, seed=k), None] for k in range(3)]
    model(batches[0][0])
    model.eval()
    t.optim.swa_utils.update_bn(batches, model, "cpu")
    t.optim.swa_utils.update_bn([], t.nn.Linear(1, 1))
    return [dict(model.state_dict()), model.training, model[1].momentum]


def rates(t, *args, epochs=7, load=False, **options):
    groups = [{"params": [t.zeros(1, requires_grad=True)], "lr": lr} for lr in (0.1, 0.5)]
    optimizer = t.optim.SGD(groups, lr=0.1)
    schedule = t.optim.swa_utils.SWALR(optimizer, *args, **options)
    found = []
    for epoch in range(epochs):
        optimizer.step()
        schedule.step()
        found.append([group["lr"] for group in optimizer.param_groups])
        if load and epoch == 3:
            state = schedule.state_dict()
            schedule = t.optim.swa_utils.SWALR(optimizer, *args, **options)
            schedule.load_state_dict(copy.deepcopy(state))
    return [found, schedule.get_last_lr()]


def old_name(t):
    class Halved(t.optim.lr_scheduler._LRScheduler):
        def get_lr(self):
            return [group["lr"] / 2 for group in self.optimizer.param_groups]

    schedule = Halved(t.optim.SGD([t.zeros(1, requires_grad=True)], lr=1.0))
    schedule.optimizer.step()
    schedule.step()
    return [schedule.get_last_lr(), isinstance(schedule, t.optim.lr_scheduler.LRScheduler)]


def trained(t, name, shapes=SHAPES, steps=5, dtype="float64", **options):
    """Parameters and states after steps with given gradients."""
    params = [numbers(t, *shape, seed=1.0).to(getattr(t, dtype)).requires_grad_() for shape in shapes]
    unused = t.zeros(2, 2, requires_grad=True)
    optimizer = getattr(t.optim, name)([*params, unused], **options)
    for step in range(steps):
        for k, p in enumerate(params):
            p.grad = numbers(t, *p.shape, seed=k + 2.0 * step).to(p.dtype)
        optimizer.step()
    state = optimizer.state_dict()
    twin = getattr(t.optim, name)([*params, unused], **options)
    twin.load_state_dict(state)
    for p in params:
        p.grad = numbers(t, *p.shape, seed=7.0).to(p.dtype)
    twin.step()
    return [params, [state["state"][k] for k in sorted(state["state"])], repr(optimizer)]


MATRICES = [(3, 4), (4, 4), (7, 2), (1, 3)]
CASES = {
    "mean": averaged,
    "mean_buffers": lambda t: averaged(t, use_buffers=True),
    "ema": lambda t: averaged(t, multi_avg_fn=lambda swa: swa.get_ema_multi_avg_fn(0.9)),
    "ema_each": lambda t: averaged(t, avg_fn=lambda swa: swa.get_ema_avg_fn(0.9), device="cpu"),
    "swa_lists": lambda t: averaged(t, multi_avg_fn=lambda swa: swa.get_swa_multi_avg_fn()),
    "swa_each": lambda t: averaged(t, avg_fn=lambda swa: swa.get_swa_avg_fn()),
    "both": lambda t: averaged(t, avg_fn=lambda swa: sum, multi_avg_fn=lambda swa: sum),
    "decay": lambda t: t.optim.swa_utils.get_ema_avg_fn(1.5),
    "decay_lists": lambda t: t.optim.swa_utils.get_ema_multi_avg_fn(-0.5),
    "update_bn": statistics,
    "rates": lambda t: rates(t, 0.05, 4),
    "rates_linear": lambda t: rates(t, [0.05, 1.0], 5, "linear"),
    "rates_at_once": lambda t: rates(t, 0.05, anneal_epochs=0),
    "rates_loaded": lambda t: rates(t, 0.05, 10, load=True),
    "rates_strategy": lambda t: rates(t, 0.05, anneal_strategy="x"),
    "rates_epochs": lambda t: rates(t, 0.05, -1),
    "old_name": old_name,
    "rates_count": lambda t: rates(t, [0.05], 4),
    "adafactor": lambda t: trained(t, "Adafactor"),
    "adafactor_options": lambda t: trained(
        t, "Adafactor", lr=0.1, beta2_decay=-0.5, eps=(1e-3, 0.1), d=2.0, weight_decay=0.1, maximize=True
    ),
    "adafactor_lr": lambda t: trained(t, "Adafactor", lr=-1.0),
    "adafactor_decay": lambda t: trained(t, "Adafactor", beta2_decay=1.0),
    "adafactor_eps": lambda t: trained(t, "Adafactor", eps=(-1.0, 1.0)),
    "adafactor_eps2": lambda t: trained(t, "Adafactor", eps=(None, -1.0)),
    "adafactor_d": lambda t: trained(t, "Adafactor", d=0.5),
    "adafactor_weight_decay": lambda t: trained(t, "Adafactor", weight_decay=-1.0),
    "muon_lr": lambda t: trained(t, "Muon", lr=-1.0),
    "muon_momentum": lambda t: trained(t, "Muon", momentum=-1.0),
    "muon_decay": lambda t: trained(t, "Muon", weight_decay=-1.0),
    "muon_adjust": lambda t: trained(t, "Muon", adjust_lr_fn="x"),
    "muon_vector": lambda t: trained(t, "Muon"),
    "muon_steps": lambda t: trained(t, "Muon", MATRICES, ns_steps=100),
    "sparse_adam": lambda t: trained(t, "SparseAdam"),
    "sparse_adam_lr": lambda t: trained(t, "SparseAdam", lr=0.0),
    "sparse_adam_eps": lambda t: trained(t, "SparseAdam", eps=0.0),
    "sparse_adam_beta": lambda t: trained(t, "SparseAdam", betas=(0.9, 1.0)),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", CASES)
def test_as_torch(name):
    pytest.importorskip("torch")
    # PyTorch's mean of lists weighs by a float32 number.
    single = name.startswith(("mean", "swa"))
    check_twin(CASES[name], rtol=1e-6 if single else 1e-8, atol=1e-7 if single else 1e-10)


@pytest.mark.parity
@pytest.mark.parametrize("options", [{}, {"nesterov": False}, {"adjust_lr_fn": "match_rms_adamw"}, {"momentum": 0.5}])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_muon_is_torchs_to_the_precision_of_bfloat16(options, dtype):
    torch = pytest.importorskip("torch")
    options = {"lr": 0.1, "dtype": dtype, **options}
    ours, our_state, text = trained(tg, "Muon", MATRICES, **options)
    theirs, state, their_text = trained(torch, "Muon", MATRICES, **options)
    assert text == their_text
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.detach().numpy(), other.detach().numpy(), rtol=0, atol=0.02)
    for mine, other in zip(our_state, state, strict=True):
        np.testing.assert_allclose(mine["momentum_buffer"].numpy(), other["momentum_buffer"].numpy(), rtol=1e-5)


def test_muons_direction_is_nearly_orthogonal(rng):
    from tinygrad_cnn.optim.muon import orthogonalized

    direction = orthogonalized(rng.standard_normal((6, 4)), (3.4445, -4.775, 2.0315), 5, 1e-7)
    values = np.linalg.svd(direction, compute_uv=False)
    assert values.min() > 0.5
    assert values.max() < 1.5
