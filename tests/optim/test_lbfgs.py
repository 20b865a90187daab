"""LBFGS: minima that are known, and PyTorch's trajectory."""

import numpy as np
import pytest

import tinygrad_cnn as ours_torch


def rosenbrock(x, y):
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def minimise(torch, steps, **options):
    """The trajectory of LBFGS on Rosenbrock's function of two separate parameters, and the optimizer."""
    x = torch.tensor(-1.5, dtype=torch.float64, requires_grad=True)
    y = torch.tensor([2.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([x, y], **options)
    calls, path = [0], []

    def closure():
        calls[0] += 1
        optimizer.zero_grad()
        loss = rosenbrock(x, y[0])
        loss.backward()
        return loss

    for _ in range(steps):
        loss = optimizer.step(closure)
        path.append((loss.item(), x.item(), y[0].item()))
    return np.array(path), calls[0], optimizer


OPTIONS = [
    {"lr": 0.01},
    {"lr": 0.05, "max_iter": 5},
    {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "history_size": 2, "max_iter": 4},
    {"line_search_fn": "strong_wolfe", "max_iter": 30, "max_eval": 7},
    {"line_search_fn": "strong_wolfe", "lr": 0.1, "tolerance_change": 1e-3},
    {"lr": 1e-3, "tolerance_grad": 100.0},
]


def test_line_search_finds_the_minimum():
    path, _, _ = minimise(ours_torch, 3, line_search_fn="strong_wolfe", max_iter=50)
    np.testing.assert_allclose(path[-1, 1:], [1, 1], atol=1e-5)


@pytest.mark.parity
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_lbfgs_follows_torch(options):
    torch = pytest.importorskip("torch")
    ours, our_calls, optimizer = minimise(ours_torch, 6, **options)
    theirs, their_calls, reference = minimise(torch, 6, **options)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-8)
    assert our_calls == their_calls
    mine, other = optimizer.state_dict(), reference.state_dict()
    assert mine["param_groups"] == other["param_groups"] and set(mine["state"]) == set(other["state"])
    assert set(mine["state"][0]) == set(other["state"][0])
    for name in ("n_iter", "func_evals"):
        assert mine["state"][0][name] == other["state"][0][name]


def test_lbfgs_goes_on_from_its_saved_state():
    whole, _, _ = minimise(ours_torch, 4, lr=0.02, max_iter=6)
    x = ours_torch.tensor(-1.5, dtype=ours_torch.float64, requires_grad=True)
    y = ours_torch.tensor([2.0], dtype=ours_torch.float64, requires_grad=True)
    state = None
    for i in range(4):
        optimizer = ours_torch.optim.LBFGS([x, y], lr=0.02, max_iter=6)
        if state is not None:
            optimizer.load_state_dict(state)

        def closure(optimizer=optimizer):
            optimizer.zero_grad()
            loss = rosenbrock(x, y[0])
            loss.backward()
            return loss

        assert abs(optimizer.step(closure).item() - whole[i, 0]) <= 1e-9 * abs(whole[i, 0])
        state = optimizer.state_dict()


def test_a_closure_is_required():
    with pytest.raises(TypeError, match="closure"):
        ours_torch.optim.LBFGS([ours_torch.zeros(2, requires_grad=True)]).step()


def test_unknown_line_search_is_refused():
    x = ours_torch.ones(2, requires_grad=True)
    optimizer = ours_torch.optim.LBFGS([x], line_search_fn="armijo")

    def closure():
        optimizer.zero_grad()
        loss = (x * x).sum()
        loss.backward()
        return loss

    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
        optimizer.step(closure)


def test_several_groups_are_refused():
    groups = [
        {"params": [ours_torch.zeros(2, requires_grad=True)]},
        {"params": [ours_torch.zeros(2, requires_grad=True)]},
    ]
    with pytest.raises(ValueError, match="per-parameter options"):
        ours_torch.optim.LBFGS(groups)
