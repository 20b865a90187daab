"""Reductions, orders and running sums along dimensions, softmax and what is built on it, and normalisation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import tinygrad_cnn as tc
from tinygrad_cnn.nn import functional as F

from .compare import EPS, Refused, agree, both, gamma, sum_bound
from .draw import Draw
from .values import FLOATS, kind_of, operand, shape_of

REDUCE: dict[str, Any] = {
    "sum": np.sum,
    "mean": np.mean,
    "amax": np.max,
    "amin": np.min,
    "any": np.any,
    "all": np.all,
    "var": lambda v, axis, keepdims: np.var(v, axis=axis, keepdims=keepdims, ddof=1),
    "std": lambda v, axis, keepdims: np.std(v, axis=axis, keepdims=keepdims, ddof=1),
    "logsumexp": lambda v, axis, keepdims: np.log(np.exp(v).sum(axis=axis, keepdims=keepdims)),
    "count_nonzero": None,
    "nansum": np.nansum,
}


def reduce(draw: Draw) -> None:
    """Reductions over any dimensions, and the gradient of those that are sums."""
    name = draw.note("function", draw.choose(tuple(REDUCE)))
    rounded = name in ("var", "std", "logsumexp")
    dtype = draw.choose(FLOATS) if rounded or name == "mean" else draw.choose((*FLOATS, "i8", "i4", "u1", "?"))
    if name in ("amax", "amin", "nansum") and dtype == "?":
        dtype = "i8"
    kind = "normal" if rounded else kind_of(draw)
    if name in ("amax", "amin", "any", "all", "count_nonzero") and kind == "special":
        kind = "infinite"
    shape = shape_of(draw, 4, 12 if draw.flag(4) else 5, 1)
    if draw.flag(16):  # longer than a block of the sums
        shape = (*shape[:1], draw.integer(1, 700))
    draw.note("shape", shape)
    dims = tuple(draw.some(range(len(shape)), 1))
    keep = draw.flag()
    x = operand(draw, shape, dtype, kind, grad=dtype in ("f4", "f8"))
    count = math.prod(shape[dim] for dim in dims)
    given = [dim - len(shape) if draw.flag() else dim for dim in dims]

    def reference() -> np.ndarray:
        if name in ("amax", "amin") and count == 0:
            raise Refused("there is nothing to compare")
        with np.errstate(all="ignore"):
            if name == "count_nonzero":
                return np.asarray((x.values != 0).sum(dims))
            return np.asarray(REDUCE[name](x.values, axis=dims, keepdims=keep))

    call = lambda: getattr(tc, name)(x.tensor, given, **({} if name == "count_nonzero" else {"keepdim": keep}))  # noqa: E731
    found = both(call, reference)
    if found is None:
        return
    out, expected = found
    bound: Any = 0.0
    with np.errstate(all="ignore"):
        if rounded:
            spread = abs(x.values).max(initial=1.0)
            bound = (gamma(count + 16, dtype)) * (abs(expected) + spread * spread + 1) * 2
            if name == "std":
                bound = bound / np.maximum(np.sqrt(bound), abs(expected))
        elif name in ("mean", "sum", "nansum") and dtype in ("f4", "f8"):
            total = np.nansum(abs(x.values), axis=dims, keepdims=keep) / (count if name == "mean" and count else 1)
            bound = 0.0 if kind == "exact" and name != "mean" else sum_bound(dtype, count, total)
        agree(out, expected, bound, name)
    if name in ("sum", "mean") and out.requires_grad:
        g = operand(draw, out.shape, dtype)
        out.backward(g.tensor)
        full = g.values if keep else np.expand_dims(g.values, dims)
        share = np.broadcast_to(full / (count if name == "mean" and count else 1), shape)
        agree(x.tensor.grad, share, 2 * EPS[dtype] * abs(share) if name == "mean" else 0.0, f"gradient of {name}")


def extremes(draw: Draw) -> None:
    """max, min, argmax, sort, topk, kthvalue, cummax along a dimension: values, and that the places hold them."""
    dtype = draw.choose(("f4", "f4", "f8", "i8", "i4", "u1"))
    shape = draw.note("shape", shape_of(draw, 3, 9, 1))
    if 0 in shape:
        return
    dim = draw.below(len(shape))
    x = operand(draw, shape, dtype, draw.choose(("exact", "normal", "infinite")))
    name = draw.note(
        "function", draw.choose(("max", "min", "argmax", "argmin", "sort", "topk", "kthvalue", "cummax", "unique"))
    )
    ordered, descending = np.sort(x.values, dim), draw.flag()  # NaN last
    if descending:
        ordered = np.flip(ordered, dim)
    k = draw.integer(1, shape[dim])
    if name in ("max", "min", "argmax", "argmin"):
        smallest = "min" in name
        if name.startswith("arg"):
            where = getattr(tc, name)(x.tensor, dim)
            agree(where, (np.argmin if smallest else np.argmax)(x.values, dim), 0.0, name)
            return
        values, where = getattr(tc, name)(x.tensor, dim)
        expected = (np.min if smallest else np.max)(x.values, dim)
        where, expected, values = where.unsqueeze(dim), np.expand_dims(expected, dim), values.unsqueeze(dim)
    elif name == "sort":
        values, where = tc.sort(x.tensor, dim, descending, stable=True)
        expected = ordered
        key = np.where(np.isnan(x.values), np.inf, x.values) if x.values.dtype.kind == "f" else x.values
        if not np.isnan(x.values).any() and not np.isinf(x.values).any():
            agree(where, np.argsort(-key if descending else key, dim, kind="stable"), 0.0, "places of a stable sort")
    elif name == "topk":
        values, where = tc.topk(x.tensor, k, dim, descending)
        expected = ordered.take(range(k), dim)
    elif name == "kthvalue":
        values, where = tc.kthvalue(x.tensor, k, dim, True)
        expected = np.sort(x.values, dim).take([k - 1], dim)
    elif name == "cummax":
        values, where = tc.cummax(x.tensor, dim)
        expected = np.maximum.accumulate(x.values, dim)
    else:
        values, back, counts = tc.unique(x.tensor, return_inverse=True, return_counts=True)
        if np.isnan(x.values).any():
            return
        expected, places, numbers = np.unique(x.values, return_inverse=True, return_counts=True)
        agree(back, places.reshape(shape), 0.0, "inverse of unique")
        agree(counts, numbers, 0.0, "counts of unique")
        agree(values, expected, 0.0, name)
        return
    agree(values, expected, 0.0, name)
    agree(np.take_along_axis(x.values, where.numpy(), dim), expected, 0.0, f"places of {name}")


def running(draw: Draw) -> None:
    """cumsum, cumprod, diff, and their gradients where they are sums."""
    dtype = draw.choose((*FLOATS, "i8"))
    shape = draw.note("shape", shape_of(draw, 3, 8, 1))
    dim = draw.below(len(shape))
    x = operand(draw, shape, dtype, "exact", grad=dtype != "i8")
    name = draw.note("function", draw.choose(("cumsum", "cumprod", "diff")))
    if name == "cumsum":
        out = tc.cumsum(x.tensor, dim)
        agree(out, np.cumsum(x.values, dim), 0.0, name)
        if dtype != "i8":
            g = operand(draw, shape, dtype)
            out.backward(g.tensor)
            back = np.flip(np.cumsum(np.flip(g.values, dim), dim), dim)
            agree(x.tensor.grad, back, 0.0, "gradient of cumsum")
    elif name == "cumprod":
        agree(tc.cumprod(x.tensor, dim), np.cumprod(x.values, dim), 0.0, name)
    else:
        n = draw.integer(1, 2)
        agree(tc.diff(x.tensor, n, dim), np.diff(x.values, n, dim), 0.0, name)


def _softmax(v: np.ndarray, dim: int) -> np.ndarray:
    shares = np.exp(v - v.max(dim, keepdims=True))
    return shares / shares.sum(dim, keepdims=True)


def softmax(draw: Draw) -> None:
    """softmax, log_softmax and softmin along a dimension, of large and infinite numbers too, and their gradients."""
    dtype, name = draw.choose(FLOATS), draw.note("function", draw.choose(("softmax", "log_softmax", "softmin")))
    shape = draw.note("shape", shape_of(draw, 3, 20, 1))
    dim = draw.below(len(shape))
    x = operand(draw, shape, dtype, "normal", grad=True)
    scale = draw.choose((1.0, 16.0, 1024.0))
    values = (-x.values if name == "softmin" else x.values) * scale
    out = getattr(F, name)(x.tensor * scale, dim)
    if 0 in shape:
        assert out.shape == shape
        return
    shares, eps = _softmax(values, dim), gamma(shape[dim] + 16, dtype)
    with np.errstate(divide="ignore"):
        shifted = values - values.max(dim, keepdims=True)
        log = shifted - np.log(np.exp(shifted).sum(dim, keepdims=True))
    expected = log if name == "log_softmax" else shares
    # of the logarithm, and so relative to the share
    reach = eps * (1 + abs(values) + abs(values).max(dim, keepdims=True))
    bound = 2 * reach if name == "log_softmax" else 2 * reach * shares + 2 * 2.0**-126
    agree(out, expected, bound, name)
    g = operand(draw, shape, dtype, "exact")
    out.backward(g.tensor)
    if name == "log_softmax":
        slope = g.values - shares * g.values.sum(dim, keepdims=True)
        most = abs(g.values) + shares * abs(g.values).sum(dim, keepdims=True)
    else:
        slope = shares * (g.values - (g.values * shares).sum(dim, keepdims=True)) * (-1 if name == "softmin" else 1)
        most = shares * (abs(g.values) + (abs(g.values) * shares).sum(dim, keepdims=True))
    wide = 4 * reach.max(dim, keepdims=True) * most * scale + 8 * scale * 2.0**-126 * (1 + abs(g.values)).sum(
        dim, keepdims=True
    )
    agree(x.tensor.grad, slope * scale, wide, f"gradient of {name}")


def cross_entropy(draw: Draw) -> None:
    """cross_entropy of classes with weights, ignored ones and smoothing, of shares, and nll_loss; and the gradients."""
    dtype = draw.choose(FLOATS)
    n, c = draw.integer(1, 4), draw.integer(1, 12)
    rest = draw.integers(draw.below(3), 1, 4)
    shape = draw.note("shape", (n, c, *rest))
    x = operand(draw, shape, dtype, "normal", grad=True)
    w = abs(operand(draw, (c,), dtype, "normal").values) + 0.5
    w = w.astype(dtype).astype(np.float64)
    weighted, of_shares = draw.flag(), draw.flag(4)
    smoothing, reduction = draw.choose((0.0, 0.125, 1.0)), draw.choose(("mean", "sum", "none"))
    weight = tc.tensor(w.astype(dtype)) if weighted else None
    w = w if weighted else np.ones(c)
    log = x.values - np.log(np.exp(x.values).sum(1, keepdims=True))
    across = (1, c, *[1] * len(rest))
    if of_shares:
        target = _softmax(operand(draw, shape, "f8", "normal").values, 1).astype(dtype)
        goal = tc.tensor(target)
        mix = (target * (1 - smoothing) + smoothing / c) * w.reshape(across)
        total = float(n * math.prod(rest))
    else:
        classes = draw.rng().integers(0, c, (n, *rest))
        goal_array = np.where(draw.rng().random(classes.shape) < 0.25, -100, classes)
        goal = tc.tensor(goal_array)
        one = (np.arange(c).reshape(across) == goal_array[:, None]) * 1.0
        kept = (goal_array >= 0)[:, None] * 1.0
        mix = (one * (1 - smoothing) + kept * smoothing / c) * w.reshape(across)
        total = float((one * w.reshape(across)).sum())
    out = F.cross_entropy(x.tensor, goal, weight, reduction=reduction, label_smoothing=smoothing)
    losses = -(mix * log).sum(1)
    with np.errstate(all="ignore"):
        divisor = {"mean": total, "sum": 1.0, "none": 1.0}[reduction]
        expected = losses if reduction == "none" else np.asarray(losses.sum() / divisor if divisor else np.nan)
        most = (mix * abs(log)).sum(1) + mix.sum(1)
        most = most if reduction == "none" else np.asarray(most.sum() / divisor if divisor else np.nan)
        agree(out, expected, gamma(4 * x.values.size + 64, dtype) * most, "cross_entropy")
        if not divisor:
            return
        out.sum().backward()
        slope = (np.exp(log) * mix.sum(1, keepdims=True) - mix) / divisor
        bound = gamma(4 * c + 64 + losses.size, dtype) * (np.exp(log) * mix.sum(1, keepdims=True) + mix) / divisor
        agree(x.tensor.grad, slope, bound * (1 + abs(x.values).max(initial=0)), "gradient of cross_entropy")


def normalisation(draw: Draw) -> None:
    """batch, layer, group and instance normalisation in training and the gradient by the input."""
    name = draw.note("function", draw.choose(("batch", "layer", "group", "instance")))
    dtype = draw.choose(FLOATS)
    n, groups, per = draw.integer(1, 4), draw.integer(1, 3), draw.integer(1, 3)
    c = groups * per
    rest = draw.integers(draw.integer(1, 2), 2, 6)
    shape = draw.note("shape", (n, c, *rest))
    x = operand(draw, shape, dtype, "normal", grad=True)
    lead: tuple[int, ...] | None
    lead = {"batch": None, "layer": (n, 1, -1), "group": (n, groups, -1), "instance": (n, c, -1)}[name]
    v = x.values.swapaxes(0, 1).reshape(1, c, -1) if lead is None else x.values.reshape(lead)
    mean, var = v.mean(-1, keepdims=True), v.var(-1, keepdims=True)
    count = v.size // mean.size
    root = 1 / np.sqrt(var + 1e-5)
    hat = (v - mean) * root
    if (var < 0.05).any():
        return  # the error of the variance is divided by it

    def back(array: np.ndarray) -> np.ndarray:
        return array.reshape(c, n, *rest).swapaxes(0, 1) if lead is None else array.reshape(shape)

    calls = {
        "batch": lambda t: F.batch_norm(t, None, None, training=True),
        "layer": lambda t: F.layer_norm(t, (c, *rest)),
        "group": lambda t: F.group_norm(t, groups),
        "instance": lambda t: F.instance_norm(t),
    }
    out = calls[name](x.tensor)
    eps = gamma(count + 32, dtype)
    reach = 1 + abs(v).max(-1, keepdims=True) * root
    agree(out, back(hat), back(np.broadcast_to(4 * eps * reach * reach, v.shape)), name)
    g = operand(draw, shape, dtype, "exact")
    out.backward(g.tensor)
    flat = g.values.swapaxes(0, 1).reshape(1, c, -1) if lead is None else g.values.reshape(lead)
    slope = root * (flat - flat.mean(-1, keepdims=True) - hat * (flat * hat).mean(-1, keepdims=True))
    most = root * (abs(flat) + abs(flat).mean(-1, keepdims=True) + abs(hat) * (abs(flat * hat)).mean(-1, keepdims=True))
    agree(x.tensor.grad, back(slope), back(16 * eps * reach * reach * (most + root)), f"gradient of {name}")


PROPERTIES = (reduce, extremes, running, softmax, cross_entropy, normalisation)
