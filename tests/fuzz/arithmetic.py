"""Elementwise functions with broadcasting in all dtypes, products of matrices, and in-place changes through views."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_cnn as tc
from tinygrad_cnn.nn import functional as F

from .compare import EPS, MOST, TINY, Refused, agree, both, sum_bound
from .draw import Draw
from .values import FLOATS, HALVES, INTEGERS, Operand, elements, kind_of, operand, shape_of

Function = Callable[..., Any]

# name: the function in float64, its derivative given x and y (None: none here), roundings, where it is defined
UNARY: dict[str, tuple[Function, Function | None, float, tuple[float, float]]] = {
    "neg": (np.negative, lambda x, y: -np.ones_like(x), 0, (-np.inf, np.inf)),
    "abs": (np.abs, lambda x, y: np.sign(x), 0, (-np.inf, np.inf)),
    "square": (np.square, lambda x, y: 2 * x, 1, (-np.inf, np.inf)),
    "sqrt": (np.sqrt, lambda x, y: 0.5 / y, 4, (0.01, np.inf)),
    "rsqrt": (lambda x: 1 / np.sqrt(x), lambda x, y: -0.5 * y / x, 6, (0.01, np.inf)),
    "reciprocal": (np.reciprocal, lambda x, y: -y * y, 4, (0.01, np.inf)),
    "exp": (np.exp, lambda x, y: y, 6, (-50, 50)),
    "expm1": (np.expm1, lambda x, y: y + 1, 6, (-50, 50)),
    "log": (np.log, lambda x, y: 1 / x, 6, (0.01, np.inf)),
    "log1p": (np.log1p, lambda x, y: 1 / (1 + x), 6, (-0.9, np.inf)),
    "sin": (np.sin, lambda x, y: np.cos(x), 6, (-1e4, 1e4)),
    "cos": (np.cos, lambda x, y: -np.sin(x), 6, (-1e4, 1e4)),
    "tanh": (np.tanh, lambda x, y: 1 - y * y, 6, (-np.inf, np.inf)),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), lambda x, y: y * (1 - y), 6, (-50, np.inf)),
    "relu": (lambda x: np.where(x < 0, 0, x), lambda x, y: np.where(x > 0, 1.0, 0.0), 0, (-np.inf, np.inf)),
    "floor": (np.floor, None, 0, (-np.inf, np.inf)),
    "ceil": (np.ceil, None, 0, (-np.inf, np.inf)),
    "round": (np.rint, None, 0, (-np.inf, np.inf)),
    "trunc": (np.trunc, None, 0, (-np.inf, np.inf)),
    "erf": (np.vectorize(math.erf, [float]), lambda x, y: 2 / math.sqrt(math.pi) * np.exp(-x * x), 6, (-9, 9)),
}


def unary(draw: Draw) -> None:
    """Functions of one operand, of floats with every special value, and their derivatives."""
    name = draw.note("function", draw.choose(tuple(UNARY)))
    function, slope, roundings, (low, high) = UNARY[name]
    dtype = draw.choose((*FLOATS, *HALVES))
    kind = draw.choose(("normal", "special", "extreme")) if low == -np.inf and high == np.inf else "normal"
    if kind != "normal" and name in ("floor", "ceil"):
        kind = "infinite"  # a denormal is as good as 0
    shape = shape_of(draw, 3, 40)
    if kind == "normal" and not (low < -40 and high > 40):
        values = np.clip(abs(elements(draw, shape, dtype, kind)), max(low, 0.05), high).astype(
            "f4" if dtype == "b2" else dtype
        )
        tensor = (
            tc.tensor(values).to({"f2": tc.float16, "b2": tc.bfloat16}.get(dtype))
            if dtype in HALVES
            else tc.tensor(values)
        )
        x = Operand(tensor.detach().double().numpy(), tensor.requires_grad_())
    else:
        x = operand(draw, shape, dtype, kind, grad=True)
    out = getattr(tc, name)(x.tensor)
    assert out.dtype is x.tensor.dtype
    with np.errstate(all="ignore"):
        expected = function(x.values) if x.values.size else x.values.copy()
        last = EPS[dtype] / 2 if dtype in HALVES else 0.0
        # a denormal operand may have been taken for 0
        bound = (roundings * EPS["f4" if dtype in HALVES else dtype] + last) * abs(expected) + 4 * TINY[dtype]
        agree(out, expected, bound, name, MOST[dtype])
        if slope is None or kind != "normal":
            return
        g = operand(draw, shape, dtype, "exact")
        out.backward(g.tensor)
        derivative = g.values * slope(x.values, expected)
        cancels = name in ("tanh", "sigmoid", "erf", "expm1")  # with a 1
        reach = abs(g.values) * (abs(slope(x.values, expected)) + cancels)
        agree(
            x.tensor.grad, derivative, (16 * EPS[dtype]) * reach + 8 * TINY[dtype], f"derivative of {name}", MOST[dtype]
        )


BINARY: dict[str, Function] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "ge": np.greater_equal,
    "div": np.divide,
    "fmod": np.fmod,
    "remainder": np.remainder,
    "where": lambda a, b: np.where(a > b, a, b),
    "hypot": np.hypot,
    "atan2": np.arctan2,
}
COMPARISONS = ("eq", "ne", "lt", "ge")
ROUNDED = ("add", "sub", "mul", "div", "hypot", "atan2")


def _cast_down(draw: Draw, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape that broadcasts to this one, or now and then does not."""
    kept = shape[draw.below(len(shape) + 1) :]
    return tuple([1 if draw.flag(4) else size + draw.flag(60) for size in kept])


def binary(draw: Draw) -> None:
    """Functions of two operands that are broadcast, in one dtype, with every special value; and their gradients."""
    name = draw.note("function", draw.choose(tuple(BINARY)))
    integers = name not in ("div", "fmod", "remainder", "hypot", "atan2")
    dtype = draw.choose((*FLOATS, *HALVES, *(INTEGERS if integers else ())))
    floating = dtype not in INTEGERS
    kind = (
        draw.choose(("exact", "normal", "special", "extreme"))
        if name not in ("fmod", "remainder", "hypot")
        else "normal"
    )
    shape = shape_of(draw, 4, 6)
    a, b = (operand(draw, _cast_down(draw, shape), dtype, kind, grad=floating) for _ in "ab")
    if kind in ("special", "extreme") and name in (*COMPARISONS, "where", "mul", "div", "atan2"):
        # denormals are as good as 0 in a comparison, and as a factor of infinity
        a, b = (operand(draw, x.values.shape, dtype, "infinite", grad=floating) for x in (a, b))
    draw.note("shapes", (a.values.shape, b.values.shape, dtype))
    call = getattr(tc, name) if name != "where" else lambda x, y: tc.where(x > y, x, y)

    def reference() -> np.ndarray:
        try:
            np.broadcast_shapes(a.values.shape, b.values.shape)
        except ValueError:
            raise Refused("the shapes do not go together") from None
        with np.errstate(all="ignore"):
            result = BINARY[name](a.values, b.values)
        return result.astype(np.uint8).astype(np.int64) if dtype == "u1" and name not in COMPARISONS else result

    found = both(lambda: call(a.tensor, b.tensor), reference)
    if found is None:
        return
    out, expected = found
    assert out.dtype is (tc.bool if name in COMPARISONS else a.tensor.dtype)
    bound: Any = 0.0
    if floating and name not in COMPARISONS:
        with np.errstate(all="ignore"):
            rounding = (4 if name in ("hypot", "atan2") else 1) * EPS[dtype] if name in ROUNDED else 0.0
            bound = rounding * abs(expected) + 4 * TINY[dtype] * (
                1 + (max(a.largest, b.largest) if name == "mul" else 0)
            )
            if name in ("fmod", "remainder"):  # near a whole number of divisors it may be one more or fewer
                bound = 4 * EPS[dtype] * (abs(a.values) + abs(b.values)) + np.where(
                    abs(abs(np.fmod(a.values, b.values)) % abs(b.values)) < 8 * EPS[dtype] * (abs(a.values) + 1),
                    abs(b.values),
                    0,
                )
    agree(out, expected, bound, name, MOST.get(dtype, np.inf))
    if dtype in FLOATS and kind == "exact" and name in ("add", "sub", "mul"):
        g = operand(draw, out.shape, dtype)
        out.backward(g.tensor)
        slopes = {"add": (1, 1), "sub": (1, -1), "mul": (b.values, a.values)}[name]
        for x, slope in zip((a, b), slopes, strict=True):
            full = g.values * slope
            full = full.sum(tuple(range(full.ndim - x.values.ndim)))
            full = full.sum(tuple(i for i in range(x.values.ndim) if x.values.shape[i] == 1), keepdims=True)
            agree(x.tensor.grad, full.reshape(x.values.shape), 0.0, f"gradient of {name}")


def in_place(draw: Draw) -> None:
    """Changes through a view: x[...] += y and the like change what NumPy's change, and nothing else."""
    dtype = draw.choose(("f4", "f8", "i8", "i4", "u1"))
    base = operand(draw, shape_of(draw, 3, 6, 1), dtype, dense=True)
    order = draw.permutation(base.values.ndim)
    cut = tuple(slice(draw.integer(0, 2), None, draw.integer(1, 3)) for _ in order)
    array, copy = base.values.copy(), base.tensor.clone()
    part, view = array.transpose(order)[cut], copy.permute(order)[cut]
    name = draw.note("change", draw.choose(("add_", "mul_", "copy_", "fill_", "zero_", "sub_", "clamp_")))
    y = operand(draw, [1 if draw.flag(4) else size for size in part.shape], dtype)
    changes: dict[str, tuple[Function, Function]] = {
        "add_": (lambda: view.add_(y.tensor), lambda: part + y.values),
        "sub_": (lambda: view.sub_(y.tensor), lambda: part - y.values),
        "mul_": (lambda: view.mul_(y.tensor), lambda: part * y.values),
        "copy_": (lambda: view.copy_(y.tensor), lambda: y.values),
        "fill_": (lambda: view.fill_(3), lambda: 3),
        "zero_": (lambda: view.zero_(), lambda: 0),
        "clamp_": (lambda: view.clamp_(1, 2), lambda: np.clip(part, 1, 2)),
    }
    ours, theirs = changes[name]
    ours()
    part[...] = theirs()
    agree(copy, array.astype(dtype).astype(array.dtype), 0.0, name)


def products(draw: Draw) -> None:
    """matmul of vectors, matrices and batches that are broadcast, and its gradients."""
    batch = shape_of(draw, 2, 3)
    large = draw.flag(8)
    n, k, m = (draw.integer(0, 40 if large else 9) for _ in range(3))
    dtype, kind = draw.choose(FLOATS), kind_of(draw)
    second = "exact" if kind == "exact" else "normal"
    a_shape = (*_cast_down(draw, batch), n, k) if not draw.flag(8) else (k,)
    b_shape = (*_cast_down(draw, batch), k + draw.flag(40), m) if not draw.flag(8) else (k,)
    draw.note("shapes", (a_shape, b_shape, dtype))
    a, b = operand(draw, a_shape, dtype, kind, grad=True), operand(draw, b_shape, dtype, second, grad=True)

    def reference() -> np.ndarray:
        try:
            with np.errstate(all="ignore"):
                return np.asarray(np.matmul(a.values, b.values))
        except ValueError:
            raise Refused("the shapes do not go together") from None

    found = both(lambda: a.tensor @ b.tensor, reference)
    if found is None:
        return
    out, expected = found
    with np.errstate(all="ignore"):
        magnitude = np.asarray(np.matmul(abs(a.values), abs(b.values)))
        agree(out, expected, 0.0 if kind == "exact" else sum_bound(dtype, k, magnitude, b.largest), "matmul")
    if kind != "exact":
        return
    g = operand(draw, out.shape, dtype)
    out.backward(g.tensor)
    wide_a = a.values[None] if a.values.ndim == 1 else a.values
    wide_b = b.values[:, None] if b.values.ndim == 1 else b.values
    wide_g = g.values.reshape(np.matmul(wide_a, wide_b).shape)
    for x, full in ((a, np.matmul(wide_g, wide_b.swapaxes(-1, -2))), (b, np.matmul(wide_a.swapaxes(-1, -2), wide_g))):
        shape = (wide_a if x is a else wide_b).shape
        full = full.sum(tuple(range(full.ndim - len(shape))))
        full = full.sum(tuple(i for i in range(len(shape)) if shape[i] == 1 != full.shape[i]), keepdims=True)
        agree(x.tensor.grad, full.reshape(x.values.shape), 0.0, "gradient of matmul")


def contractions(draw: Draw) -> None:
    """linear with and without bias, einsum, addmm, baddbmm, outer and bilinear forms, exactly."""
    name = draw.choose(("linear", "einsum", "addmm", "baddbmm", "outer", "tensordot"))
    dtype = draw.choose(FLOATS)
    n, k, m, c = draw.integers(4, 0, 7)
    make = lambda *shape: operand(draw, shape, dtype)  # noqa: E731
    draw.note(name, (n, k, m, c))
    if name == "linear":
        x, w, b = operand(draw, (*shape_of(draw, 2, 3), k), dtype, grad=True), make(m, k), make(m)
        with_bias = draw.flag()
        out = F.linear(x.tensor, w.tensor, b.tensor if with_bias else None)
        expected = x.values @ w.values.T + (b.values if with_bias else 0)
        g = make(*out.shape)
        out.backward(g.tensor)
        agree(x.tensor.grad, g.values @ w.values, 0.0, "gradient of linear")
    elif name == "einsum":
        letters = {"i": n, "j": k, "k": m, "l": c}
        first = "".join(draw.some("ijkl", 1))
        second = "".join(draw.some("ijkl", 1))
        result = "".join(draw.some(sorted({*first, *second})))
        a, b = (make(*[letters[letter] for letter in word]) for word in (first, second))
        equation = draw.note("equation", f"{first},{second}->{result}")
        out, expected = tc.einsum(equation, a.tensor, b.tensor), np.asarray(np.einsum(equation, a.values, b.values))
    elif name == "addmm":
        s, a, b = make(1 if draw.flag() else n, m), make(n, k), make(k, m)
        out, expected = tc.addmm(s.tensor, a.tensor, b.tensor, beta=2, alpha=3), 2 * s.values + 3 * a.values @ b.values
    elif name == "baddbmm":
        s, a, b = make(c, n, m), make(c, n, k), make(c, k, m)
        out, expected = tc.baddbmm(s.tensor, a.tensor, b.tensor, beta=-1), a.values @ b.values - s.values
    elif name == "outer":
        a, b = make(n), make(k)
        out, expected = tc.outer(a.tensor, b.tensor), np.outer(a.values, b.values)
    else:
        a, b = make(n, k, m), make(m, k, c)
        out = tc.tensordot(a.tensor, b.tensor, ([1, 2], [1, 0]))
        expected = np.einsum("nkm,mkc->nc", a.values, b.values)
    agree(out, expected, 0.0, name)


PROPERTIES = (unary, binary, in_place, products, contractions)
