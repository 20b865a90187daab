"""The optimizers that are rules of the core, against formulas written out in NumPy and against PyTorch."""

import copy

import numpy as np
import pytest

import tinygrad_cnn as ours_torch
from tests.optim.test_trajectories import compare_state, make_params, options_grid, run
from tinygrad_cnn import optim
from tinygrad_cnn.data import tensor

DECAY = {"weight_decay": [0, 0.1], "maximize": [False, True]}
OPTIONS = {
    "Adamax": options_grid(lr=[0.01], betas=[(0.9, 0.999), (0.5, 0.8)], eps=[1e-8, 1e-2], **DECAY),
    "NAdam": options_grid(
        lr=[0.01], betas=[(0.9, 0.999), (0.4, 0.8)], momentum_decay=[4e-3, 0.3], decoupled_weight_decay=[False, True],
        **DECAY,
    ),
    "RAdam": options_grid(lr=[0.01], betas=[(0.9, 0.999), (0.4, 0.8)], decoupled_weight_decay=[False, True], **DECAY),
    "Adadelta": options_grid(lr=[1.0, 0.3], rho=[0.9, 0.0, 1.0], **DECAY),
    "Adagrad": options_grid(lr=[0.05], lr_decay=[0, 0.1], initial_accumulator_value=[0, 0.5], **DECAY),
    "RMSprop": options_grid(lr=[0.01], alpha=[0.99, 0.4], momentum=[0, 0.9], centered=[False, True], **DECAY),
    "Rprop": options_grid(
        lr=[0.01], etas=[(0.5, 1.2), (0.3, 3.0)], step_sizes=[(1e-6, 50), (0.005, 0.02)], maximize=[False, True]
    ),
    "ASGD": options_grid(lr=[0.05], lambd=[1e-4, 0.1], t0=[1e6, 2], alpha=[0.75, 0.3], **DECAY),
}  # fmt: skip
CASES = [pytest.param(name, options, id=f"{name}-{options}") for name, grid in OPTIONS.items() for options in grid]


class Reference:
    """One parameter's trajectory in float64, formula by formula."""

    def __init__(self, name, p, options):
        self.o, self.t, self.p = options, 0, p.astype(np.float64)
        self.rule = getattr(self, name.lower())
        self.a = self.b = self.c = np.zeros_like(self.p)
        self.mu_product, self.eta, self.mu = 1.0, options["lr"], 1.0
        if name == "Adagrad":
            self.a = self.a + options["initial_accumulator_value"]
        if name == "Rprop":
            self.b = self.b + options["lr"]

    def step(self, g):
        o = self.o
        self.t += 1
        g = -g.astype(np.float64) if o["maximize"] else g.astype(np.float64)
        if o.get("decoupled_weight_decay"):
            self.p = self.p * (1 - o["lr"] * o["weight_decay"])
        else:
            g = g + o.get("weight_decay", 0) * self.p
        with np.errstate(invalid="ignore", divide="ignore"):
            self.rule(o, g)

    def adamax(self, o, g):
        b1, b2 = o["betas"]
        self.a = b1 * self.a + (1 - b1) * g
        self.b = np.maximum(b2 * self.b, abs(g) + o["eps"])
        self.p = self.p - o["lr"] / (1 - b1**self.t) * self.a / self.b

    def nadam(self, o, g):
        b1, b2 = o["betas"]
        mu, after = (b1 * (1 - 0.5 * 0.96 ** (t * o["momentum_decay"])) for t in (self.t, self.t + 1))
        self.mu_product *= mu
        self.a = b1 * self.a + (1 - b1) * g
        self.b = b2 * self.b + (1 - b2) * g * g
        m = after * self.a / (1 - self.mu_product * after) + (1 - mu) * g / (1 - self.mu_product)
        self.p = self.p - o["lr"] * m / (np.sqrt(self.b / (1 - b2**self.t)) + 1e-8)

    def radam(self, o, g):
        b1, b2 = o["betas"]
        self.a = b1 * self.a + (1 - b1) * g
        self.b = b2 * self.b + (1 - b2) * g * g
        longest = 2 / (1 - b2) - 1
        length = longest - 2 * self.t * b2**self.t / (1 - b2**self.t)
        step = o["lr"] * self.a / (1 - b1**self.t)
        if length > 5:
            r = np.sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length))
            step = step * r * np.sqrt(1 - b2**self.t) / (np.sqrt(self.b) + 1e-8)
        self.p = self.p - step

    def adadelta(self, o, g):
        self.a = o["rho"] * self.a + (1 - o["rho"]) * g * g
        d = np.sqrt(self.b + 1e-6) / np.sqrt(self.a + 1e-6) * g
        self.b = o["rho"] * self.b + (1 - o["rho"]) * d * d
        self.p = self.p - o["lr"] * d

    def adagrad(self, o, g):
        self.a = self.a + g * g
        self.p = self.p - o["lr"] / (1 + (self.t - 1) * o["lr_decay"]) * g / (np.sqrt(self.a) + 1e-10)

    def rmsprop(self, o, g):
        self.a = o["alpha"] * self.a + (1 - o["alpha"]) * g * g
        self.b = o["alpha"] * self.b + (1 - o["alpha"]) * g
        square = self.a - self.b**2 if o["centered"] else self.a
        self.c = o["momentum"] * self.c + g / (np.sqrt(square) + 1e-8)
        self.p = self.p - o["lr"] * self.c

    def rprop(self, o, g):
        change = np.sign(g * self.a)
        self.b = np.clip(
            self.b * np.where(change > 0, o["etas"][1], np.where(change < 0, o["etas"][0], 1)), *o["step_sizes"]
        )
        g = np.where(change < 0, 0, g)
        self.p = self.p - np.sign(g) * self.b
        self.a = g

    def asgd(self, o, g):
        self.p = self.p * (1 - o["lambd"] * self.eta) - self.eta * g
        self.a = self.p if self.mu == 1 else self.a + (self.p - self.a) * self.mu
        self.eta = o["lr"] / (1 + o["lambd"] * o["lr"] * self.t) ** o["alpha"]
        self.mu = 1 / max(1, self.t - o["t0"])


@pytest.mark.parametrize("name, options", CASES)
def test_rule_against_the_formula(rng, isa, name, options):
    params = make_params(rng, np.float64)
    grads = [make_params(rng, np.float64) for _ in range(6)]
    references = [Reference(name, p, options) for p in params]
    got, _ = run(getattr(optim, name), params, grads, **options)
    for step in grads:
        for reference, g in zip(references, step, strict=True):
            reference.step(g)
    # Counters of NAdam and ASGD are float32, as PyTorch's.
    tolerance = 1e-5 if name in ("NAdam", "ASGD") else 1e-6 if options.get("centered") else 1e-11
    for p, reference in zip(got, references, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), reference.p, rtol=tolerance, atol=tolerance)


@pytest.mark.parity
@pytest.mark.parametrize("name, options", CASES)
def test_rule_follows_torch(rng, dtype, name, options):
    torch = pytest.importorskip("torch")
    params, grads = make_params(rng, dtype), [make_params(rng, dtype) for _ in range(12)]
    theirs = [torch.tensor(p).requires_grad_() for p in params]
    ours = [tensor(p).requires_grad_() for p in params]
    reference, optimizer = getattr(torch.optim, name)(theirs, **options), getattr(optim, name)(ours, **options)
    # float32: the variance of centered RMSprop is a difference of almost equal numbers.
    rtol = (1e-3 if options.get("centered") else 2e-5) if dtype == np.float32 else 1e-11
    for step in grads:
        for p, q, g in zip(ours, theirs, step, strict=True):
            p.grad, q.grad = tensor(g), torch.tensor(g)
        optimizer.step()
        reference.step()
    if options.get("centered") and dtype == np.float32:
        return
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=rtol, atol=rtol)
    compare_state(optimizer.state_dict(), reference.state_dict(), rtol)
    assert repr(optimizer) == repr(reference)


def to_torch(value):
    """The same state with PyTorch's tensors."""
    torch = pytest.importorskip("torch")
    if isinstance(value, ours_torch.Tensor):
        return torch.from_numpy(value.detach().numpy().copy())
    if isinstance(value, dict):
        return {key: to_torch(item) for key, item in value.items()}
    return [to_torch(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parity
@pytest.mark.parametrize("name", OPTIONS)
def test_torch_goes_on_from_our_state(rng, name):
    torch = pytest.importorskip("torch")
    params, grads = make_params(rng, np.float64), [make_params(rng, np.float64) for _ in range(4)]
    ours, optimizer = run(getattr(optim, name), params, grads, lr=0.01)
    theirs = [torch.tensor(p.detach().numpy()).requires_grad_() for p in ours]
    reference = getattr(torch.optim, name)(theirs, lr=0.5)
    reference.load_state_dict(to_torch(copy.deepcopy(optimizer.state_dict())))
    again = getattr(optim, name)(ours, lr=0.7)
    again.load_state_dict(optimizer.state_dict())
    for step in grads:
        for p, q, g in zip(ours, theirs, step, strict=True):
            p.grad, q.grad = tensor(g), torch.tensor(g)
        again.step()
        reference.step()
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", OPTIONS)
def test_parameters_at_different_steps(rng, name):
    """A parameter without a gradient at first is some steps behind: its numbers are its own."""
    params, grads = make_params(rng, np.float64, [(3,), (4,)]), make_params(rng, np.float64, [(3,), (4,)])
    both = [tensor(p).requires_grad_() for p in params]
    alone = [tensor(p).requires_grad_() for p in params]
    together = getattr(optim, name)(both, lr=0.01)
    apart = [getattr(optim, name)([p], lr=0.01) for p in alone]
    for turn in range(4):
        for i in range(2):
            if i == 0 or turn >= 2:
                both[i].grad, alone[i].grad = tensor(grads[i]), tensor(grads[i])
                apart[i].step()
        together.step()
    for p, q in zip(both, alone, strict=True):
        np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy())


def test_threads_do_not_matter(rng, threads):
    from tinygrad_cnn._core import lib

    params, grads = make_params(rng, shapes=[(1000, 100), (7,)]), [make_params(rng, shapes=[(1000, 100), (7,)])] * 3
    for name in OPTIONS:
        results = []
        for count in (1, threads):
            lib.tc_set_num_threads(count)
            results.append([p.detach().numpy().copy() for p in run(getattr(optim, name), params, grads)[0]])
        for one, several in zip(*results, strict=True):
            np.testing.assert_array_equal(one, several)


BAD = [
    ("Adamax", {"lr": -1}), ("Adamax", {"eps": -1}), ("Adamax", {"betas": (1.0, 0.9)}),
    ("Adamax", {"betas": (0.9, -1)}),
    ("NAdam", {"momentum_decay": -1}), ("NAdam", {"weight_decay": -1}), ("RAdam", {"lr": float("nan")}),
    ("Adadelta", {"rho": 1.5}), ("Adadelta", {"eps": -1}), ("Adadelta", {"weight_decay": -1}),
    ("Adagrad", {"lr_decay": -1}), ("Adagrad", {"initial_accumulator_value": -1}), ("Adagrad", {"eps": -1}),
    ("Adagrad", {"fused": True, "foreach": True}), ("Adagrad", {"fused": True, "differentiable": True}),
    ("RMSprop", {"momentum": -1}), ("RMSprop", {"alpha": -1}), ("Rprop", {"etas": (1.5, 1.2)}), ("Rprop", {"lr": -1}),
    ("ASGD", {"weight_decay": -1}), ("ASGD", {"lr": -1}), ("LBFGS", {"lr": -1}),
]  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize("name, options", BAD, ids=str)
def test_bad_options_fail_as_in_torch(name, options):
    torch = pytest.importorskip("torch")
    with pytest.raises((ValueError, RuntimeError)) as theirs:
        getattr(torch.optim, name)([torch.zeros(2, requires_grad=True)], **options)
    with pytest.raises(theirs.type) as ours:
        getattr(optim, name)([ours_torch.zeros(2, requires_grad=True)], **options)
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parity
@pytest.mark.parametrize("name", [name for name in OPTIONS if name != "Adagrad"])
def test_capturable_fails_at_the_step_as_in_torch(name):
    torch = pytest.importorskip("torch")
    for package in (torch, ours_torch):
        w = package.ones(2, requires_grad=True)
        optimizer = getattr(package.optim, name)([w], capturable=True, foreach=False)
        w.grad = package.ones(2)
        with pytest.raises(AssertionError, match="If capturable=True"):
            optimizer.step()


def test_differentiable_is_refused():
    with pytest.raises(NotImplementedError, match="differentiable=True"):
        optim.RMSprop([ours_torch.zeros(2, requires_grad=True)], differentiable=True)
