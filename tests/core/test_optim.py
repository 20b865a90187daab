"""Optimizer steps: trajectories against torch.optim and against the formulas in wide arithmetic, threads, edges."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.core.raw import Guarded, code, ffi, i64, ptr
from tinygrad_cnn._core import lib

SIZES = [1, 7, 64, 0, 33, 130]
SGD_OPTIONS = [
    {
        "lr": 0.1,
        "momentum": momentum,
        "dampening": dampening,
        "weight_decay": decay,
        "nesterov": nesterov,
        "maximize": maximize,
    }
    for momentum, dampening, decay, nesterov, maximize in itertools.product(
        (0, 0.9), (0, 0.3), (0, 0.01), (False, True), (False, True)
    )
    if not (nesterov and (momentum == 0 or dampening != 0))
]
ADAM_OPTIONS = [
    {
        "lr": 0.01,
        "betas": betas,
        "eps": 1e-8,
        "weight_decay": decay,
        "amsgrad": amsgrad,
        "maximize": maximize,
        "decoupled": decoupled,
    }
    for betas, decay, amsgrad, maximize, decoupled in itertools.product(
        ((0.9, 0.999), (0.3, 0.6)), (0, 0.02), (False, True), (False, True), (False, True)
    )
]


def pointers(guarded):
    """Return a `void *[]` to the arrays (NULL for None)."""
    return ffi.NULL if guarded is None else ffi.new("void *[]", [ptr(one.array) for one in guarded])


def guard(arrays):
    """Return guarded copies."""
    copies = [Guarded(array.shape, array.dtype, offset=array.itemsize) for array in arrays]
    for one, array in zip(copies, arrays, strict=True):
        one.array[:] = array
    return copies


class Sgd:
    """Parameters, state and steps of tc_sgd."""

    def __init__(self, params, options):
        self.params, self.options = guard(params), options
        self.buffers = guard([np.full_like(param, np.nan) for param in params]) if options["momentum"] else None
        self.first = True

    def step(self, grads):
        """Make one step and check the guards."""
        o = self.options
        p = ffi.new(
            "tc_sgd_params *",
            [o["lr"], o["momentum"], o["dampening"], o["weight_decay"], o["nesterov"], o["maximize"], self.first],
        )
        sizes = i64(one.array.size for one in self.params)
        grads = guard(grads)
        lib.tc_sgd(
            code(grads[0].array),
            p,
            len(self.params),
            sizes,
            pointers(self.params),
            pointers(grads),
            pointers(self.buffers),
        )
        self.first = False
        for one in grads + (self.buffers or []):
            one.check()
        return [one.check() for one in self.params]


class Adam:
    """Parameters, state and steps of tc_adam."""

    def __init__(self, params, options):
        self.params, self.options, self.steps = guard(params), options, 0
        self.state = [guard([np.zeros_like(param) for param in params]) for _ in range(3)]

    def step(self, grads):
        """Make one step and check the guards."""
        o, self.steps = self.options, self.steps + 1
        p = ffi.new(
            "tc_adam_params *",
            [
                o["lr"],
                *o["betas"],
                o["eps"],
                o["weight_decay"],
                o["decoupled"],
                o["amsgrad"],
                o["maximize"],
                self.steps,
            ],
        )
        sizes = i64(one.array.size for one in self.params)
        grads = guard(grads)
        largest = self.state[2] if o["amsgrad"] else None
        arrays = [pointers(group) for group in (self.params, grads, *self.state[:2], largest)]
        lib.tc_adam(code(grads[0].array), p, len(self.params), sizes, *arrays)
        for one in itertools.chain(grads, *self.state):
            one.check()
        return [one.check() for one in self.params]


def sgd_reference(param, grads, o):
    """The formulas of torch.optim.SGD's documentation, in the dtype of param."""
    buffer = None
    for grad in grads:
        grad = -grad if o["maximize"] else grad
        grad = grad + o["weight_decay"] * param
        if o["momentum"]:
            buffer = grad if buffer is None else o["momentum"] * buffer + (1 - o["dampening"]) * grad
            grad = grad + o["momentum"] * buffer if o["nesterov"] else buffer
        param = param - o["lr"] * grad
    return param


def adam_reference(param, grads, o):
    """The formulas of torch.optim.Adam's and AdamW's documentation, in the dtype of param."""
    mean, square, largest = np.zeros_like(param), np.zeros_like(param), np.zeros_like(param)
    beta1, beta2 = o["betas"]
    for step, grad in enumerate(grads, 1):
        grad = -grad if o["maximize"] else grad
        if o["decoupled"]:
            param = param - o["lr"] * o["weight_decay"] * param
        else:
            grad = grad + o["weight_decay"] * param
        mean = beta1 * mean + (1 - beta1) * grad
        square = beta2 * square + (1 - beta2) * grad * grad
        largest = np.maximum(largest, square)
        corrected = (largest if o["amsgrad"] else square) / (1 - beta2**step)
        param = param - o["lr"] * (mean / (1 - beta1**step)) / (np.sqrt(corrected) + o["eps"])
    return param


@pytest.mark.parametrize(
    ("optimizer", "reference", "options"),
    [(Sgd, sgd_reference, options) for options in SGD_OPTIONS]
    + [(Adam, adam_reference, options) for options in ADAM_OPTIONS],
    ids=lambda value: "-".join(str(item) for item in value.values()) if isinstance(value, dict) else None,
)
def test_formulas(optimizer, reference, options, isa, dtype, rng):
    params = [rng.normal(size=size).astype(dtype) for size in SIZES]
    grads = [[rng.normal(size=size).astype(dtype) for size in SIZES] for _ in range(10)]
    run = optimizer(params, options)
    for step in grads:
        result = run.step(step)
    for i, param in enumerate(params):
        expected = reference(param.astype(np.longdouble), [step[i].astype(np.longdouble) for step in grads], options)
        np.testing.assert_allclose(result[i], expected.astype(np.float64), rtol=0, atol=60 * np.finfo(dtype).eps)


def distance_in_ulp(ours, theirs):
    """Return the largest distance in units of the last place of the largest parameter."""
    return float(np.max(np.abs(ours - theirs)) / np.spacing(np.max(np.abs(theirs))))


@pytest.mark.parametrize("options", SGD_OPTIONS, ids=lambda o: "-".join(str(value) for value in o.values()))
def test_sgd_follows_torch(options, dtype, rng):
    torch = pytest.importorskip("torch")
    start = rng.normal(size=77).astype(dtype)
    parameter = torch.tensor(start, requires_grad=True)
    theirs = torch.optim.SGD([parameter], **options, foreach=False)
    ours = Sgd([start], options)
    for _ in range(50):
        grad = rng.normal(size=77).astype(dtype)
        parameter.grad = torch.from_numpy(grad)
        theirs.step()
        (result,) = ours.step([grad])
    assert distance_in_ulp(result, parameter.detach().numpy()) <= 4


@pytest.mark.parametrize("options", ADAM_OPTIONS, ids=lambda o: "-".join(str(value) for value in o.values()))
def test_adam_follows_torch(options, dtype, rng):
    torch = pytest.importorskip("torch")
    start = rng.normal(size=77).astype(dtype)
    parameter = torch.tensor(start, requires_grad=True)
    arguments = {key: value for key, value in options.items() if key != "decoupled"}
    kind = torch.optim.AdamW if options["decoupled"] else torch.optim.Adam
    theirs = kind([parameter], **arguments, foreach=False)
    ours = Adam([start], options)
    for _ in range(50):
        grad = rng.normal(size=77).astype(dtype)
        parameter.grad = torch.from_numpy(grad)
        theirs.step()
        (result,) = ours.step([grad])
    assert distance_in_ulp(result, parameter.detach().numpy()) <= 4


@pytest.mark.parametrize(
    ("optimizer", "options"), [(Sgd, SGD_OPTIONS[-1]), (Adam, ADAM_OPTIONS[-1])], ids=["sgd", "adam"]
)
def test_threads_and_cuts(optimizer, options, isa, dtype, rng):
    """Many tensors, large and small, give the same bits on any number of threads and one by one."""
    sizes = [40_000, 3, 0, 16_384, 16_385, 1, 5_000]
    params = [rng.normal(size=size).astype(dtype) for size in sizes]
    grads = [rng.normal(size=size).astype(dtype) for size in sizes]
    lib.tc_set_num_threads(1)
    one = optimizer(params, options).step(grads)
    lib.tc_set_num_threads(4)
    many = optimizer(params, options).step(grads)
    for i, (left, right) in enumerate(zip(one, many, strict=True)):
        np.testing.assert_array_equal(left, right)
        np.testing.assert_array_equal(left, optimizer([params[i]], options).step([grads[i]])[0])


def test_nothing_to_do(dtype):
    assert Sgd([np.zeros(0, dtype)], SGD_OPTIONS[0]).step([np.zeros(0, dtype)])[0].size == 0
    p = ffi.new("tc_sgd_params *", [0.1, 0, 0, 0, 0, 0, 1])
    lib.tc_sgd(code(np.dtype(dtype)), p, 0, ffi.NULL, ffi.NULL, ffi.NULL, ffi.NULL)


def test_unused_decay_leaves_infinite_parameters(dtype):
    """Without weight decay an infinite parameter meets no 0 * inf."""
    (result,) = Sgd([np.array([np.inf, 1], dtype)], SGD_OPTIONS[0]).step([np.ones(2, dtype)])
    np.testing.assert_allclose(result, [np.inf, 0.9], rtol=1e-6)
