"""SGD, Adam and AdamW against formulas written out in NumPy, and against PyTorch, step by step."""

import itertools

import numpy as np
import pytest

import tinygrad_cnn
from tinygrad_cnn.data import tensor
from tinygrad_cnn.optim import SGD, Adam, AdamW

SHAPES = [(3, 4), (5,), (1,), (2, 3, 4, 5), (0,), ()]


def make_params(rng, dtype=np.float32, shapes=SHAPES):
    return [np.asarray(rng.standard_normal(shape), dtype) for shape in shapes]


def sgd_reference(params, grads, *, lr, momentum=0, dampening=0, weight_decay=0, nesterov=False, maximize=False):
    """One list of gradients a step; returns the parameters after the last, computed in float64."""
    params = [p.astype(np.float64) for p in params]
    buffers = [None] * len(params)
    for step in grads:
        for i, g in enumerate(step):
            g = -g.astype(np.float64) if maximize else g.astype(np.float64)
            g = g + weight_decay * params[i]
            if momentum:
                buffers[i] = g if buffers[i] is None else momentum * buffers[i] + (1 - dampening) * g
                g = g + momentum * buffers[i] if nesterov else buffers[i]
            params[i] = params[i] - lr * g
    return params


def adam_reference(
    params, grads, *, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, maximize=False, w=False
):
    """The same for Adam, and for AdamW with w=True."""
    params = [p.astype(np.float64) for p in params]
    m = [np.zeros_like(p) for p in params]
    v = [np.zeros_like(p) for p in params]
    top = [np.zeros_like(p) for p in params]
    for t, step in enumerate(grads, 1):
        for i, g in enumerate(step):
            g = -g.astype(np.float64) if maximize else g.astype(np.float64)
            if w:
                params[i] = params[i] - lr * weight_decay * params[i]
            else:
                g = g + weight_decay * params[i]
            m[i] = betas[0] * m[i] + (1 - betas[0]) * g
            v[i] = betas[1] * v[i] + (1 - betas[1]) * g * g
            top[i] = np.maximum(top[i], v[i])
            second = (top[i] if amsgrad else v[i]) / (1 - betas[1] ** t)
            params[i] = params[i] - lr / (1 - betas[0] ** t) * m[i] / (np.sqrt(second) + eps)
    return params


def run(cls, params, grads, **options):
    ours = [tensor(p).requires_grad_() for p in params]
    optimizer = cls(ours, **options)
    for step in grads:
        for p, g in zip(ours, step, strict=True):
            p.grad = tensor(g)
        optimizer.step()
    return ours, optimizer


def options_grid(**choices):
    return [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]


SGD_OPTIONS = [
    o
    for o in options_grid(
        momentum=[0, 0.9], dampening=[0, 0.3], weight_decay=[0, 0.1], nesterov=[False, True], maximize=[False, True]
    )
    if not (o["nesterov"] and (o["momentum"] == 0 or o["dampening"] != 0))
    and not (o["dampening"] and not o["momentum"])
]
ADAM_OPTIONS = options_grid(
    betas=[(0.9, 0.999), (0.5, 0.8)],
    eps=[1e-8, 1e-3],
    weight_decay=[0, 0.1],
    amsgrad=[False, True],
    maximize=[False, True],
)


@pytest.mark.parametrize("options", SGD_OPTIONS, ids=str)
def test_sgd_against_the_formula(rng, dtype, options):
    params = make_params(rng, dtype)
    grads = [make_params(rng, dtype) for _ in range(5)]
    ours, _ = run(SGD, params, grads, lr=0.1, **options)
    for got, want in zip(ours, sgd_reference(params, grads, lr=0.1, **options), strict=True):
        np.testing.assert_allclose(
            got.detach().numpy(),
            want,
            rtol=1e-5 if dtype == np.float32 else 1e-13,
            atol=1e-6 if dtype == np.float32 else 1e-14,
        )


@pytest.mark.parametrize("options", ADAM_OPTIONS, ids=str)
@pytest.mark.parametrize("cls", [Adam, AdamW])
def test_adam_against_the_formula(rng, dtype, cls, options):
    params = make_params(rng, dtype)
    grads = [make_params(rng, dtype) for _ in range(5)]
    ours, _ = run(cls, params, grads, lr=0.05, **options)
    for got, want in zip(ours, adam_reference(params, grads, lr=0.05, w=cls is AdamW, **options), strict=True):
        tolerance = 2e-5 if dtype == np.float32 else 1e-12
        np.testing.assert_allclose(got.detach().numpy(), want, rtol=tolerance, atol=tolerance)


def compare_with_torch(name, params, grads, options, rtol, **flags):
    torch = pytest.importorskip("torch")
    theirs = [torch.tensor(p).requires_grad_() for p in params]
    reference = getattr(torch.optim, name)(theirs, **options, **flags)
    ours = [tensor(p).requires_grad_() for p in params]
    optimizer = {"SGD": SGD, "Adam": Adam, "AdamW": AdamW}[name](ours, **options, **flags)
    for step in grads:
        for p, q, g in zip(ours, theirs, step, strict=True):
            p.grad, q.grad = tensor(g), torch.tensor(g)
        optimizer.step()
        reference.step()
        for p, q in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=rtol, atol=rtol)
    compare_state(optimizer.state_dict(), reference.state_dict(), rtol)


def compare_state(ours, theirs, rtol):
    assert list(ours) == list(theirs)
    assert ours["param_groups"] == theirs["param_groups"]
    assert list(ours["state"]) == list(theirs["state"])
    for key, entry in theirs["state"].items():
        assert list(ours["state"][key]) == list(entry)
        for name, value in entry.items():
            mine = ours["state"][key][name]
            if value is None:
                assert mine is None
                continue
            assert tuple(mine.shape) == tuple(value.shape) and str(mine.dtype) == str(value.dtype)
            np.testing.assert_allclose(mine.numpy(), value.numpy(), rtol=rtol, atol=rtol)


@pytest.mark.parity
@pytest.mark.parametrize("options", SGD_OPTIONS, ids=str)
def test_sgd_follows_torch(rng, dtype, options):
    params, grads = make_params(rng, dtype), [make_params(rng, dtype) for _ in range(20)]
    compare_with_torch("SGD", params, grads, {"lr": 0.1, **options}, 1e-5 if dtype == np.float32 else 1e-13)


@pytest.mark.parity
@pytest.mark.parametrize("options", ADAM_OPTIONS, ids=str)
@pytest.mark.parametrize("name", ["Adam", "AdamW"])
def test_adam_follows_torch(rng, dtype, name, options):
    params, grads = make_params(rng, dtype), [make_params(rng, dtype) for _ in range(20)]
    compare_with_torch(name, params, grads, {"lr": 0.01, **options}, 1e-5 if dtype == np.float32 else 1e-12)


@pytest.mark.parity
@pytest.mark.parametrize("flags", [{"foreach": True}, {"fused": True}, {"foreach": False}], ids=str)
@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_implementation_flags_change_nothing(rng, name, flags):
    params, grads = make_params(rng, shapes=[(3, 4), (5,)]), [make_params(rng, shapes=[(3, 4), (5,)]) for _ in range(5)]
    compare_with_torch(name, params, grads, {"lr": 0.01, "weight_decay": 0.1}, 1e-5, **flags)


def test_threads_do_not_matter(rng, threads):
    params, grads = make_params(rng, shapes=[(1000, 100), (7,)]), [make_params(rng, shapes=[(1000, 100), (7,)])] * 3
    from tinygrad_cnn._core import lib

    results = []
    for count in (1, threads):
        lib.tc_set_num_threads(count)
        results.append([p.detach().numpy().copy() for p in run(Adam, params, grads, amsgrad=True)[0]])
    for one, several in zip(*results, strict=True):
        np.testing.assert_array_equal(one, several)


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize(
    "name", ["SGD", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "Adadelta", "Adagrad", "RMSprop", "Rprop", "ASGD"]
)
def test_half_precision_is_kept_but_not_computed_with(name, dtype, rng):
    torch = pytest.importorskip("torch")
    start, slopes = rng.standard_normal(40), rng.standard_normal((4, 40))
    slopes += np.sign(slopes)  # squares that float16 cannot hold make PyTorch's steps infinite
    found = []
    for package in (tinygrad_cnn, torch):
        param = package.tensor(start).to(getattr(package, dtype)).requires_grad_()
        optimizer = getattr(package.optim, name)([param], lr=0.05)
        for slope in slopes:
            param.grad = package.tensor(slope).to(param.dtype)
            optimizer.step()
        states = {key: str(value.dtype) for key, value in optimizer.state[param].items() if value is not None}
        found.append((param.detach().float().numpy(), states))
    assert found[0][1] == found[1][1]
    # PyTorch rounds after each operation, not after each step.
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=0.02, atol=0.02 if dtype == "float16" else 0.06)
