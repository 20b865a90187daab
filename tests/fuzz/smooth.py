"""Activations, losses and layers of few lines, each beside its definition in NumPy.

Derivatives are compared with central differences of the definition in float64, in a random direction: their error is of
the order of h^2 = 1e-10, so float64 agrees within SLOPE of the magnitude of the terms, and float32 within its rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_cnn as tc
from tinygrad_cnn.nn import functional as F

from .compare import EPS, agree
from .draw import Draw
from .values import Operand, operand, shape_of

H = 1e-5
SLOPE = {"f4": 2e-4, "f8": 1e-6}
_erf = np.vectorize(math.erf, [float])


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _softplus(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0) + np.log1p(np.exp(-abs(x)))


def _directions(draw: Draw, out: tc.Tensor, function: Callable[..., Any], operands: list[Operand], dtype: str) -> None:
    """Compare the gradient along one direction of all operands with the central difference."""
    rng = draw.rng()
    g = rng.standard_normal(out.shape)
    out.backward(tc.tensor(g, dtype=out.dtype))
    values = [x.values for x in operands]
    steps = [rng.standard_normal(x.shape) for x in values]
    ahead = function(*[x + H * v for x, v in zip(values, steps, strict=True)])
    behind = function(*[x - H * v for x, v in zip(values, steps, strict=True)])
    expected = (g * (np.asarray(ahead) - np.asarray(behind)) / (2 * H)).sum()
    terms = [x.tensor.grad.double().numpy() * v for x, v in zip(operands, steps, strict=True)]
    found, reach = sum(term.sum() for term in terms), sum(abs(term).sum() for term in terms) + abs(g).sum()
    assert abs(found - expected) <= SLOPE[dtype] * reach, f"slope {found}, expected {expected}, reach {reach}"


ACTIVATIONS: dict[str, tuple[Callable[[Any], Any], Callable[[np.ndarray], np.ndarray]]] = {
    "leaky_relu": (lambda t: F.leaky_relu(t, 0.1), lambda x: np.where(x > 0, x, 0.1 * x)),
    "elu": (lambda t: F.elu(t, 1.5), lambda x: np.where(x > 0, x, 1.5 * np.expm1(np.minimum(x, 0)))),
    "celu": (lambda t: F.celu(t, 1.5), lambda x: np.maximum(x, 0) + np.minimum(0, 1.5 * np.expm1(x / 1.5))),
    "gelu": (F.gelu, lambda x: x / 2 * (1 + _erf(x / math.sqrt(2))) if x.size else x),
    "silu": (F.silu, lambda x: x * _sigmoid(x)),
    "mish": (F.mish, lambda x: x * np.tanh(_softplus(x))),
    "softplus": (F.softplus, _softplus),
    "softsign": (F.softsign, lambda x: x / (1 + abs(x))),
    "tanhshrink": (F.tanhshrink, lambda x: x - np.tanh(x)),
    "hardtanh": (F.hardtanh, lambda x: np.clip(x, -1, 1)),
    "relu6": (F.relu6, lambda x: np.clip(x, 0, 6)),
    "hardsigmoid": (F.hardsigmoid, lambda x: np.clip(x / 6 + 0.5, 0, 1)),
    "hardswish": (F.hardswish, lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    "hardshrink": (F.hardshrink, lambda x: np.where(abs(x) > 0.5, x, 0)),
    "softshrink": (F.softshrink, lambda x: np.sign(x) * np.maximum(abs(x) - 0.5, 0)),
    "logsigmoid": (F.logsigmoid, lambda x: -_softplus(-x)),
    "threshold": (lambda t: F.threshold(t, 0.3, 7.0), lambda x: np.where(x > 0.3, x, 7)),
    "atan": (tc.atan, np.arctan),
    "asinh": (tc.asinh, np.arcsinh),
    "sinh": (tc.sinh, np.sinh),
    "cosh": (tc.cosh, np.cosh),
    "sinc": (tc.sinc, np.sinc),
    "exp2": (tc.exp2, np.exp2),
    "erfc": (tc.erfc, lambda x: 1 - _erf(x) if x.size else x),
    "log2": (lambda t: tc.log2(t * t + 1), lambda x: np.log2(x * x + 1)),
    "log10": (lambda t: tc.log10(t * t + 1), lambda x: np.log10(x * x + 1)),
    "logit": (lambda t: tc.logit(tc.sigmoid(t)), lambda x: x),
    "clamp": (lambda t: tc.clamp(t, -0.5, 0.8), lambda x: np.clip(x, -0.5, 0.8)),
    "pow": (lambda t: t**3, lambda x: x**3),
    "glu": (lambda t: F.glu(tc.cat([t, t * 2], 0), 0) if t.dim() else t * 1,
            lambda x: x * _sigmoid(2 * x) if x.ndim else x),
}  # fmt: skip


def activations(draw: Draw) -> None:
    """Smooth and piecewise functions of one operand and their slopes."""
    name = draw.note("function", draw.choose(tuple(ACTIVATIONS)))
    ours, reference = ACTIVATIONS[name]
    dtype = draw.choose(("f4", "f8"))
    x = operand(draw, shape_of(draw, 3, 20), dtype, "normal", grad=True)
    out, expected = ours(x.tensor), reference(x.values)
    agree(out, expected, 64 * EPS[dtype] * (1 + abs(expected) + abs(x.values)), name)
    kinks = (-3, -1, -0.5, 0, 0.3, 0.5, 0.8, 1, 3, 6)
    if all((abs(x.values - kink) > 1e-3).all() for kink in kinks):
        _directions(draw, out, reference, [x], dtype)


# of the input and the target, without reduction
LOSSES: dict[str, tuple[Callable[..., Any], Callable[[np.ndarray, np.ndarray], np.ndarray]]] = {
    "mse_loss": (F.mse_loss, lambda x, y: (x - y) ** 2),
    "l1_loss": (F.l1_loss, lambda x, y: abs(x - y)),
    "smooth_l1_loss": (
        F.smooth_l1_loss,
        lambda x, y: np.where(abs(x - y) < 1, 0.5 * (x - y) ** 2, abs(x - y) - 0.5),
    ),
    "huber_loss": (
        lambda x, y, **o: F.huber_loss(x, y, delta=0.7, **o),
        lambda x, y: np.where(abs(x - y) < 0.7, 0.5 * (x - y) ** 2, 0.7 * (abs(x - y) - 0.35)),
    ),
    "binary_cross_entropy_with_logits": (
        F.binary_cross_entropy_with_logits,
        lambda x, y: np.maximum(x, 0) - x * y + np.log1p(np.exp(-abs(x))),
    ),
    "binary_cross_entropy": (
        lambda x, y, **o: F.binary_cross_entropy(tc.sigmoid(x), tc.sigmoid(y), **o),
        lambda x, y: -(_sigmoid(y) * np.log(_sigmoid(x)) + (1 - _sigmoid(y)) * np.log(1 - _sigmoid(x))),
    ),
    "kl_div": (lambda x, y, **o: F.kl_div(x, tc.exp(y), **o), lambda x, y: np.exp(y) * (y - x)),
    "kl_div of logarithms": (
        lambda x, y, **o: F.kl_div(x, y, log_target=True, **o),
        lambda x, y: np.exp(y) * (y - x),
    ),
    "poisson_nll_loss": (F.poisson_nll_loss, lambda x, y: np.exp(x) - y * x),
    "soft_margin_loss": (F.soft_margin_loss, lambda x, y: np.log1p(np.exp(-y * x))),
    "gaussian_nll_loss": (
        lambda x, y, **o: F.gaussian_nll_loss(x, y, x * x + 1, **o),
        lambda x, y: 0.5 * (np.log(x * x + 1) + (x - y) ** 2 / (x * x + 1)),
    ),
}


def losses(draw: Draw) -> None:
    """Losses of an input and a target of one shape, every reduction, and their slopes."""
    name = draw.note("loss", draw.choose(tuple(LOSSES)))
    ours, each = LOSSES[name]
    reduction, dtype = draw.choose(("mean", "sum", "none")), draw.choose(("f4", "f8"))
    shape = shape_of(draw, 3, 6, 1)
    x, y = operand(draw, shape, dtype, "normal", grad=True), operand(draw, shape, dtype, "normal")

    def reference(a: np.ndarray) -> Any:
        part = each(a, y.values)
        if reduction == "none":
            return part
        return part.sum() / (1 if reduction == "sum" else part.size or np.nan)

    out, expected = ours(x.tensor, y.tensor, reduction=reduction), np.asarray(reference(x.values))
    total = (abs(each(x.values, y.values)) + 1).sum() if reduction == "sum" else 1 + abs(expected)
    agree(out, expected, 256 * EPS[dtype] * total, name)
    apart = abs(x.values - y.values)
    if x.values.size and all((abs(apart - kink) > 1e-3).all() for kink in (0, 0.7, 1)) and (abs(x.values) > 1e-3).all():
        _directions(draw, out, reference, [x], dtype)


def _local_response(v: np.ndarray) -> np.ndarray:
    padded = np.pad(v * v, [(0, 0), (1, 1), *[(0, 0)] * (v.ndim - 2)])
    mean = sum(padded[:, i : i + v.shape[1]] for i in range(3)) / 3
    return v / (1 + 1e-2 * mean) ** 0.75


def layers(draw: Draw) -> None:
    """normalize, rms_norm, local_response_norm, cosine_similarity, pairwise_distance, bilinear and attention."""
    name = draw.note(
        "function",
        draw.choose(("normalize", "rms_norm", "local_response_norm", "cosine_similarity", "pairwise_distance",
                     "bilinear", "attention", "prelu")),
    )  # fmt: skip
    dtype = draw.choose(("f4", "f8"))
    n, c, d = draw.integer(1, 4), draw.integer(1, 5), draw.integer(1, 6)
    make = lambda *shape: operand(draw, shape, dtype, "normal", grad=True)  # noqa: E731
    if name == "bilinear":
        parts, bound = [make(n, c), make(n, d), make(2, c, d)], 1.0 * c * d
        call: Callable[..., Any] = F.bilinear
        reference: Callable[..., Any] = lambda a, b, w: np.einsum("ni,kij,nj->nk", a, w, b)  # noqa: E731
    elif name == "attention":
        parts, bound = [make(n, c, d), make(n, c + 1, d), make(n, c + 1, 2)], 8.0
        call = F.scaled_dot_product_attention

        def reference(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
            scores = np.exp(q @ k.swapaxes(1, 2) / math.sqrt(d))
            return scores / scores.sum(-1, keepdims=True) @ v

    elif name == "prelu":
        parts, bound = [make(n, c, d), make(c)], 1.0
        call = F.prelu
        reference = lambda x, w: np.where(x > 0, x, x * w[:, None])  # noqa: E731
    elif name in ("cosine_similarity", "pairwise_distance"):
        parts, bound = [make(n, d), make(n, d)], 4.0
        call = getattr(F, name)
        if name == "cosine_similarity":
            root = lambda x: np.sqrt((x * x).sum(-1))  # noqa: E731
            reference = lambda x, y: (x * y).sum(-1) / (root(x) * root(y))  # noqa: E731
        else:
            reference = lambda x, y: np.sqrt(((x - y + 1e-6) ** 2).sum(-1))  # noqa: E731
        if (
            min(abs(part.values).sum(-1).min() for part in parts) < 0.3
            or abs(parts[0].values - parts[1].values).max() < 0.3
        ):
            return
    else:
        parts, bound = [make(n, c, d)], 4.0
        if abs(parts[0].values).sum((1, 2)).min() < 0.3 or abs(parts[0].values).sum(1).min() < 0.3:
            return
        call, reference = {
            "normalize": (F.normalize, lambda x: x / np.sqrt((x * x).sum(1, keepdims=True))),
            "rms_norm": (
                lambda t: F.rms_norm(t, (c, d), eps=1e-5),
                lambda x: x / np.sqrt((x * x).mean((1, 2), keepdims=True) + 1e-5),
            ),
            "local_response_norm": (lambda t: F.local_response_norm(t, 3, 1e-2), _local_response),
        }[name]
    out, expected = call(*[part.tensor for part in parts]), reference(*[part.values for part in parts])
    reach = 1 + abs(np.asarray(expected)) + max(abs(part.values).max() for part in parts)
    agree(out, expected, 64 * EPS[dtype] * bound * reach * (reach if name == "bilinear" else 1), name)
    if all((abs(part.values) > 1e-3).all() for part in parts):
        _directions(draw, out, reference, parts, dtype)


PROPERTIES = (activations, losses, layers)
