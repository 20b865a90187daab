"""Kernels of training: batch normalisation, optimizers' steps, random numbers and dropout."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.core.raw import code, i64, ptr
from tinygrad_cnn._core import ffi, lib

from .case import Case, near, same, status
from .fence import Fence
from .lines import LENGTHS

EPS = 1e-5


def _norm(n: int, c: int, inner: int, relu: bool, fence: Fence, dtype: np.dtype) -> None:
    """Compare statistics, normalised values and gradients of batch normalisation, and its folding into weights."""
    rng = np.random.default_rng(n * c + inner)
    unit = float(np.finfo(dtype).eps)
    x, dy = (rng.integers(-4, 5, (n, c, inner)).astype(dtype) for _ in "ab")
    weight, bias = (rng.integers(1, 4, c).astype(dtype) for _ in "ab")
    x_, dy_, w_, b_ = (fence.put(array) for array in (x, dy, weight, bias))
    mean, var, y, dx, dw, db = (fence.out(shape, dtype) for shape in ((c,), (c,), x.shape, x.shape, (c,), (c,)))
    status(lib.tc_batch_norm_stats(code(dtype), n, c, inner, 0.1, ptr(x_), ptr(None), ptr(None), ptr(mean), ptr(var)))
    wide, count = x.astype(np.longdouble), n * inner
    m, v = wide.mean((0, 2)), wide.var((0, 2))
    near(mean, m, 4 * unit * abs(wide).mean((0, 2)), "mean")
    # the data never change, so that the usual growth of errors may be taken, with the root of the count
    near(var, v, (8 + 2 * np.sqrt(count)) * unit * (v + abs(wide).mean((0, 2)) * unit), "variance")

    m, v = mean.astype(np.longdouble), var.astype(np.longdouble)  # as rounded, from here on
    lines = lambda values: values[None, :, None]  # noqa: E731
    root = 1 / np.sqrt(v + EPS)
    hat = (wide - lines(m)) * lines(root)
    expected = hat * lines(weight) + lines(bias)
    status(
        lib.tc_batch_norm(relu, code(dtype), n, c, inner, EPS, ptr(x_), ptr(mean), ptr(var), ptr(w_), ptr(b_), ptr(y))
    )
    slack = 16 * unit * (abs(hat) * lines(weight) + lines(bias))
    near(y, np.maximum(expected, 0) if relu else expected, slack, "normalised")
    if relu and (abs(expected) <= slack).any():
        return  # the sign of what is nearly 0 is not known, nor is the gradient
    passed = np.where(expected > 0, dy, 0) if relu else dy.astype(np.longdouble)
    status(lib.tc_batch_norm_grad(True, relu, code(dtype), n, c, inner, EPS, ptr(dy_), ptr(x_), ptr(mean), ptr(var),
                                  ptr(w_), ptr(b_), ptr(dx), ptr(dw), ptr(db)))  # fmt: skip
    dot, total = (passed * hat).sum((0, 2)), passed.sum((0, 2))
    reach = (abs(passed) * (1 + abs(hat))).sum((0, 2))
    near(dw, dot, 32 * unit * reach, "gradient of weight")
    near(db, total, 8 * unit * reach, "gradient of bias")
    slope = lines(root * weight) * (passed - lines(total / count) - hat * lines(dot / count))
    scale = lines(root * weight) * (abs(passed) + (1 + abs(hat)) * lines(reach / count) * (1 + abs(hat)))
    near(dx, slope, 64 * unit * scale, "gradient")


def _fold(filters: int, depth: int, fence: Fence, dtype: np.dtype) -> None:
    rng = np.random.default_rng(filters + depth)
    weight = fence.put(rng.integers(-4, 5, (filters, depth)).astype(dtype))
    bias, mean, var, gamma, beta = (fence.put(rng.integers(1, 5, filters).astype(dtype)) for _ in range(5))
    out, shift = fence.out((filters, depth), dtype), fence.out((filters,), dtype)
    lib.tc_fold_batch_norm(code(dtype), filters, depth, EPS, ptr(weight), ptr(bias), ptr(mean), ptr(var), ptr(gamma),
                           ptr(beta), ptr(out), ptr(shift))  # fmt: skip
    unit = 8 * float(np.finfo(dtype).eps)
    scale = gamma / np.sqrt(var.astype(np.float64) + EPS)
    near(out, weight * scale[:, None], unit * abs(weight * scale[:, None]), "folded weight")
    near(shift, (bias - mean) * scale + beta, unit * ((bias + mean) * scale + beta), "folded bias")


def _sgd(p: Any, dtype: np.dtype, arrays: list[np.ndarray]) -> None:
    lib.tc_sgd(code(dtype), p, 1, i64([arrays[0].size]), *(ffi.new("void *[]", [ptr(array)]) for array in arrays[:3]))


def _adam(p: Any, dtype: np.dtype, arrays: list[np.ndarray]) -> None:
    lib.tc_adam(code(dtype), p, 1, i64([arrays[0].size]), *(ffi.new("void *[]", [ptr(array)]) for array in arrays))


def _rule(p: Any, dtype: np.dtype, arrays: list[np.ndarray]) -> None:
    lists = [ffi.new("void *[]", [ptr(array)]) for array in arrays]
    states = ffi.new("void **[]", [*lists[2:], *[ffi.NULL] * (lib.TC_OPTIM_STATES + 2 - len(lists))])
    lib.tc_optim(code(dtype), p, 1, i64([arrays[0].size]), lists[0], lists[1], states)


SGD = [ffi.new("tc_sgd_params *", numbers) for numbers in ((0.1, 0.9, 0.1, 0.01, 0, 0, 0), (0.1, 0.9, 0, 0, 1, 1, 0))]
ADAM = [
    ffi.new("tc_adam_params *", (0.1, 0.9, 0.99, 1e-8, 0.01, decoupled, decoupled, decoupled, 3))
    for decoupled in (0, 1)
]
# rule: its numbers, its states
RULES = {
    "ADAMAX": ((0.1, 0.99, 1e-8, 0.01), 2),
    "NADAM": ((0.1, 0.99, 0.01, 0.02, 1e-8, 0.3, 0.2), 2),
    "RADAM": ((0.1, 0.99, 0.01, 0.2, 0.1, 0.7, 0.3, 1e-8), 2),
    "ADADELTA": ((0.9, 0.1, 1e-6, 0.5), 2),
    "ADAGRAD": ((1e-10, 0.1), 1),
    "RMSPROP": ((0.9, 0.1, 1e-8, 0.1, 0.5), 3),
    "RPROP": ((0.5, 1.2, 1e-6, 50.0), 2),
    "ASGD": ((0.5, 0.25), 1),
}


def _step(rule: str, which: int, count: int, fence: Fence, dtype: np.dtype) -> None:
    """Compare a step of some elements with those of each element alone: the same bits."""
    rng = np.random.default_rng(count)
    states = {"sgd": 1, "adam": 3}.get(rule) or RULES[rule][1]
    values = [rng.standard_normal(count).astype(dtype) for _ in range(2)]
    # the mean of squares must be above the square of the mean that RMSPROP subtracts
    values += [(9 * (state == 0) + rng.random(count)).astype(dtype) for state in range(states)]
    if rule == "sgd":
        call, p = _sgd, SGD[which]
    elif rule == "adam":
        call, p = _adam, ADAM[which]
    else:
        numbers = [*RULES[rule][0], *[0.0] * (lib.TC_OPTIM_NUMBERS - len(RULES[rule][0]))]
        call, p = _rule, ffi.new("tc_optim_params *", (getattr(lib, f"TC_OPTIM_{rule}"), which, 0.01, 0.99, numbers))
    arrays = [fence.put(array) if i == 1 else fence.both(array) for i, array in enumerate(values)]
    call(p, dtype, arrays)
    for element in {0, count // 2, count - 1}:
        alone = [array[element : element + 1].copy() for array in values]
        call(p, dtype, alone)
        for array, one in zip(arrays, alone, strict=True):
            same(array[element : element + 1], one, f"element {element} of {count}")
    assert all(np.isfinite(array).all() for array in arrays)


def _numbers(kind: str, count: int, fence: Fence, dtype: np.dtype) -> None:
    """Compare random numbers with those of the generic kernels, which torch's own are compared with."""
    call = {
        "uniform": lambda g, y: lib.tc_uniform(g, code(y), count, -1.0, 2.0, ptr(y)),
        "normal": lambda g, y: lib.tc_normal(g, code(y), count, 1.0, 2.0, ptr(y)),
        "bernoulli": lambda g, y: lib.tc_bernoulli(g, code(y), count, 0.3, ptr(y)),
        "range": lambda g, y: lib.tc_random_range(g, count, -3, 7, ffi.cast("int64_t *", ptr(y))),
        "permutation": lambda g, y: lib.tc_randperm(g, count, ffi.cast("int64_t *", ptr(y))),
    }[kind]
    element = np.dtype(np.int64) if kind in ("range", "permutation") else dtype
    generators = [ffi.new("tc_generator *") for _ in "ab"]
    for generator in generators:
        lib.tc_generator_seed(generator, count)
    y = fence.out((count,), element)
    call(generators[0], y)
    known, isa = np.empty(count, element), lib.tc_isa()
    status(lib.tc_set_isa(b"generic"))
    try:
        call(generators[1], known)
    finally:
        status(lib.tc_set_isa(isa))
    if kind == "normal":  # logarithms and cosines of each set of instructions are within 2 ulp
        near(y, known, 16 * np.finfo(dtype).eps * (1 + abs(known)), kind)
    else:
        same(y, known, kind)
    assert lib.tc_random64(generators[0]) == lib.tc_random64(generators[1]), "the generators went apart"


def _dropout(count: int, p: float, fence: Fence, dtype: np.dtype) -> None:
    """Compare dropout with its law, and with the first elements of a longer one."""
    x = np.arange(1, 301).astype(dtype)
    long, long_mask = np.empty(300, dtype), np.empty(300, np.uint8)
    mask_pointer = lambda mask: ffi.cast("uint8_t *", ptr(mask))  # noqa: E731
    lib.tc_dropout(code(dtype), 300, p, 99, ptr(x), ptr(long), mask_pointer(long_mask))
    x_, y, mask = fence.put(x[:count]), fence.out((count,), dtype), fence.out((count,), np.uint8)
    lib.tc_dropout(code(dtype), count, p, 99, ptr(x_), ptr(y), mask_pointer(mask))
    same(mask, long_mask[:count], "mask")
    same(y, long[:count], "dropout")
    assert set(mask.tolist()) <= {0, 1}
    scale = 1 / (1 - p) if p < 1 else 0.0
    near(y, x_ * mask * scale, 2 * np.finfo(dtype).eps * x_ * scale, "dropout")
    dx = fence.out((count,), dtype)
    lib.tc_mask_scale(code(dtype), count, scale, mask_pointer(mask), ptr(x_), ptr(dx))
    near(dx, x_ * mask * scale, 2 * np.finfo(dtype).eps * x_ * scale, "gradient of dropout")


def cases() -> Iterator[Case]:
    """Yield every kernel of training."""
    for length, (n, other), relu in itertools.product(LENGTHS, ((1, 3), (3, 2), (2, 17)), (False, True)):
        yield Case(_norm, n, other, length, relu)
        if n * length > 1:
            yield Case(_norm, n, length, other, relu)
            yield Case(_norm, length, other, 1, relu)
        yield Case(_fold, other, length)
    for length, which in itertools.product(LENGTHS, (0, 1)):
        for rule in ("sgd", "adam", *RULES):
            yield Case(_step, rule, which, length)
    for length in LENGTHS:
        for kind in ("uniform", "normal", "bernoulli", "range", "permutation"):
            yield Case(_numbers, kind, length)
        for p in (0.0, 0.25, 0.5, 1.0):
            yield Case(_dropout, length, p)
