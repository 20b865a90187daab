"""Dropout's law, embedding bags, one_hot and the steps of optimizers on parameters of any memory layout."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

import tinygrad_cnn as tc
from tinygrad_cnn.nn import functional as F

from .compare import EPS, agree, sum_bound
from .draw import Draw
from .values import FLOATS, operand, shape_of


def dropout(draw: Draw) -> None:
    """Each element is 0 or x / (1 - p), of channels all or none; the gradient has the same mask; as many as p says."""
    name = draw.note("function", draw.choose(("dropout", "dropout1d", "dropout2d", "dropout3d")))
    p = draw.note("p", draw.choose((0.5, 0.0, 0.25, 1.0)))
    rest = {"dropout": 0, "dropout1d": 1, "dropout2d": 2, "dropout3d": 3}[name]
    shape = (*draw.integers(2, 1, 12), *draw.integers(rest, 1, 4))
    dtype = draw.choose(FLOATS)
    x = operand(draw, shape, dtype, "normal", grad=True)
    tc.manual_seed(draw.below(1 << 16))
    out = getattr(F, name)(x.tensor, p, training=True)
    kept = out.detach().numpy() != 0
    scale = 1 / (1 - p) if p < 1 else 0.0
    agree(out, np.where(kept, x.values * scale, 0), 2 * EPS[dtype] * abs(x.values) * scale, name)
    channels = kept.reshape(*shape[:2], -1)
    if rest:
        assert (channels.all(-1) == channels.any(-1)).all(), "a part of a channel was dropped"
    drawn = channels[..., 0]
    # Hoeffding: further away than this is one case in 10^12
    far = math.sqrt(math.log(2e12) / 2 / drawn.size)
    assert abs(drawn.mean() - (1 - p)) <= far, f"{drawn.mean()} of {drawn.size} are kept, not {1 - p}"
    g = operand(draw, shape, dtype)
    out.backward(g.tensor)
    agree(
        x.tensor.grad,
        np.where(kept, g.values * scale, 0),
        2 * EPS[dtype] * abs(g.values) * scale,
        f"gradient of {name}",
    )


def bags(draw: Draw) -> None:
    """embedding_bag of every mode against rows taken one by one, its gradient, and one_hot."""
    count, width = draw.integer(1, 8), draw.integer(1, 5)
    weight = operand(draw, (count, width), "f4", grad=True)
    index = draw.rng().integers(0, count, draw.integers(2, 1, 5))
    mode = draw.note("mode", draw.choose(("sum", "mean", "max")))
    out = F.embedding_bag(tc.tensor(index), weight.tensor, mode=mode)
    rows = weight.values[index]
    expected = getattr(np, mode)(rows, axis=1)
    bound = sum_bound("f4", index.shape[1], abs(rows).mean(1)) if mode == "mean" else 0.0
    agree(out, expected, bound, "embedding_bag")
    if mode == "sum":
        g = operand(draw, out.shape, "f4")
        out.backward(g.tensor)
        sums = np.zeros_like(weight.values)
        np.add.at(sums, index, g.values[:, None])
        agree(weight.tensor.grad, sums, 0.0, "gradient of embedding_bag")
    agree(F.one_hot(tc.tensor(index), count), (index[..., None] == np.arange(count)).astype(np.int64), 0.0, "one_hot")


def _sgd(p: np.ndarray, grads: list[np.ndarray]) -> np.ndarray:
    kept = np.zeros_like(p)
    for step, grad in enumerate(grads):
        g = grad + 0.01 * p
        kept = g if step == 0 else 0.9 * kept + g
        p = p - 0.1 * (g + 0.9 * kept)
    return p


def _adam(p: np.ndarray, grads: list[np.ndarray], decoupled: bool = False) -> np.ndarray:
    m, v = np.zeros_like(p), np.zeros_like(p)
    for step, grad in enumerate(grads, 1):
        g = grad if decoupled else grad + 0.01 * p
        p = p * (1 - 0.1 * 0.01) if decoupled else p
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
        p = p - 0.1 * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.99**step)) + 1e-3)
    return p


def _rmsprop(p: np.ndarray, grads: list[np.ndarray]) -> np.ndarray:
    v = np.zeros_like(p)
    for grad in grads:
        v = 0.9 * v + 0.1 * grad * grad
        p = p - 0.1 * grad / (np.sqrt(v) + 1e-3)
    return p


def _adagrad(p: np.ndarray, grads: list[np.ndarray]) -> np.ndarray:
    v = np.zeros_like(p)
    for grad in grads:
        v = v + grad * grad
        p = p - 0.1 * grad / (np.sqrt(v) + 1e-3)
    return p


RULES: dict[str, tuple[Callable[..., tc.optim.Optimizer], Callable[..., np.ndarray]]] = {
    "SGD": (lambda p: tc.optim.SGD(p, 0.1, 0.9, 0, 0.01, True), _sgd),
    "Adam": (lambda p: tc.optim.Adam(p, 0.1, (0.9, 0.99), 1e-3, 0.01), _adam),
    "AdamW": (lambda p: tc.optim.AdamW(p, 0.1, (0.9, 0.99), 1e-3, 0.01), lambda p, g: _adam(p, g, True)),
    "RMSprop": (lambda p: tc.optim.RMSprop(p, 0.1, 0.9, 1e-3), _rmsprop),
    "Adagrad": (lambda p: tc.optim.Adagrad(p, 0.1, eps=1e-3), _adagrad),
}


def optimizers(draw: Draw) -> None:
    """A few steps on parameters that are views of others, with gradients of any layout; the rest stays as it was."""
    name = draw.note("rule", draw.choose(tuple(RULES)))
    dtype = draw.choose(FLOATS)
    base = operand(draw, shape_of(draw, 3, 6, 1), dtype, "normal", dense=True)
    order = draw.permutation(base.values.ndim)
    cut = tuple(slice(draw.below(2), None, draw.integer(1, 2)) for _ in order)
    values, whole = base.values.copy(), base.tensor.clone()
    part = values.transpose(order)[cut]
    parameter = whole.permute(order)[cut].requires_grad_()
    optimizer = RULES[name][0]([parameter])
    grads = []
    for _ in range(draw.integer(1, 3)):
        g = operand(draw, part.shape, dtype, "normal")
        parameter.grad = g.tensor
        optimizer.step()
        grads.append(g.values)
    part[...] = RULES[name][1](part.copy(), grads)
    agree(whole, values, 512 * EPS[dtype] * (1 + abs(values)), name)


PROPERTIES = (dropout, bags, optimizers)
