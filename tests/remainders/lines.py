"""Kernels along lines of elements: elementwise functions, copies, reductions, softmax and the losses of classes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.core.raw import code, i64, ptr, strides
from tests.core.reference_elementwise import BINARY, COMPARE, UNARY, ulp_error
from tinygrad_cnn._core import ffi, lib

from .case import Case, near, same, status
from .fence import Fence

# past twice two vectors of 16 elements, and about the strips and blocks of 128 and 256
LENGTHS = (*range(1, 68), 127, 128, 129, 255, 256, 257, 260)


def _whole(count: int, seed: int, low: int = -4) -> np.ndarray:
    """Return small integers as float64."""
    return np.random.default_rng(seed).integers(low, 5, count).astype(np.float64)


def _unary(name: str, count: int, fence: Fence, dtype: np.dtype) -> None:
    function: Callable[[Any], Any] = UNARY[name][0]  # type: ignore[assignment]
    ulp: float = UNARY[name][1]
    x = fence.put(
        (_whole(count, count) + (5 if "LOG" in name or "SQRT" in name or "REC" in name else 0.25)).astype(dtype)
    )
    y = fence.out((count,), dtype)
    lib.tc_unary(getattr(lib, f"TC_{name}"), code(dtype), count, ptr(x), ptr(y))
    error = ulp_error(y, np.asarray(function(x.astype(np.float64 if dtype == np.float32 else np.longdouble))))
    assert (error <= max(ulp, 0.5)).all(), f"{error.max()} ulp"
    again = fence.both(np.array(x))
    lib.tc_unary(getattr(lib, f"TC_{name}"), code(dtype), count, ptr(again), ptr(again))
    same(again, y, "in place")


def _close(y: np.ndarray, expected: np.ndarray, name: str) -> None:
    if name in ("POW", "ATAN2", "DIV"):
        error = ulp_error(y, expected)
        assert (error <= 4).all(), f"{error.max()} ulp"
    else:
        same(y, expected)


def _binary(name: str, count: int, layout: str, fence: Fence, dtype: np.dtype) -> None:
    """Compare lines, a line and one value (and the other way round), and rows with one line and with one column."""
    a_shape, b_shape = {
        "lines": ((count,), (count,)),
        "value": ((count,), (1,)),
        "first": ((1,), (count,)),
        "line": ((3, count), (1, count)),
        "column": ((3, count), (3, 1)),
        "turned": ((count, 3), (3, count)),
    }[layout]
    a = fence.put(_whole(math.prod(a_shape), count, 1 if name == "POW" else -4).reshape(a_shape).astype(dtype))
    b = fence.put(
        (_whole(math.prod(b_shape), count + 1) + (0.5 if name != "MUL" else 0)).reshape(b_shape).astype(dtype)
    )
    left, right = np.broadcast_arrays(a.T if layout == "turned" else a, b)
    y = fence.out(left.shape, dtype)
    lib.tc_binary(getattr(lib, f"TC_{name}"), code(dtype), y.ndim, i64(y.shape), ptr(a), strides(left), ptr(b),
                  strides(right), ptr(y))  # fmt: skip
    _close(y, BINARY[name](left.astype(np.float64), right.astype(np.float64)), name)
    if layout == "value":
        for first in (False, True):
            z = fence.out((count,), dtype)
            lib.tc_binary_scalar(getattr(lib, f"TC_{name}"), code(dtype), count, ptr(a), float(b[0]), first, ptr(z))
            wide = (float(b[0]), a.astype(np.float64))
            if not (first and name in ("POW", "DIV", "FMOD", "REMAINDER")):  # a may be 0 or negative
                _close(z, BINARY[name](*(wide if first else wide[::-1])), name)


def _compare(count: int, layout: str, fence: Fence, dtype: np.dtype) -> None:
    """Compare the comparisons, a + alpha * b, a times a slope, and where."""
    x, other = (_whole(count, count + seed).astype(dtype) for seed in (0, 1))
    a = fence.put(x)
    b = fence.put(other[:1] if layout == "value" else other)
    left, right = np.broadcast_arrays(a, b)
    for name, function in COMPARE.items():
        y = fence.out((count,), np.bool_)
        lib.tc_compare(getattr(lib, f"TC_{name}"), code(dtype), 1, i64([count]), ptr(a), strides(left), ptr(b),
                       strides(right), ptr(y))  # fmt: skip
        same(y, function(left, right), name)
    z = fence.out((count,), dtype)
    lib.tc_add_scaled(code(dtype), 1, i64([count]), ptr(a), strides(left), ptr(b), strides(right), 3.0, ptr(z))
    same(z, left + 3 * right, "a + 3 b")
    if layout != "value":
        lib.tc_bend(code(dtype), count, ptr(a), ptr(b), -1.0, 2.0, 0.0, 3.0, -2.0, ptr(z))
        same(z, np.where(b >= 2, -2 * a, np.where(b > -1, 3 * a, 0)), "a times the slope at b")
    fence.check()
    fence.begin(fence.at_end)
    for element in (dtype, np.dtype("i8"), np.dtype("i4"), np.dtype("?")):
        mask, p, q, w = fence.put(x > 0), fence.put(x.astype(element)), fence.put(other.astype(element)), None
        w = fence.out((count,), element)
        one = i64([1])
        lib.tc_where(code(element), 1, i64([count]), ptr(mask), one, ptr(p), one, ptr(q), one, ptr(w))
        same(w, np.where(mask, p, q), f"where of {element}")
        fence.check()
        fence.begin(fence.at_end)


def _copy(rows: int, cols: int, element: str, fence: Fence, dtype: np.dtype) -> None:
    """Compare copies out of and into transposed and stepped memory."""
    source = fence.put((np.arange(rows * cols * 2).reshape(cols, rows, 2) % 251).astype(element))
    for view in (source[..., 0].T, source[:, ::-1, 1].T):
        dense = fence.out((rows, cols), element)
        lib.tc_copy(code(dense), 2, i64(dense.shape), ptr(view), strides(view), ptr(dense), strides(dense))
        same(dense, view, "copy")
    turned = fence.out((cols, rows), element)
    lib.tc_copy(code(turned), 2, i64(dense.shape), ptr(dense), strides(dense), ptr(turned), strides(turned.T))
    same(turned, dense.T, "transposed copy")
    if np.dtype(element).kind == "f":
        filled = fence.out((rows * cols,), element)
        lib.tc_fill(code(filled), filled.size, 2.5, ptr(filled))
        same(filled, np.full(filled.size, 2.5))


REDUCE: dict[str, Callable[..., Any]] = {
    "SUM": np.sum,
    "MEAN": np.mean,
    "PROD": np.prod,
    "AMAX": np.max,
    "AMIN": np.min,
}


def _reduce(shape: tuple[int, ...], axes: tuple[int, ...], fence: Fence, dtype: np.dtype) -> None:
    flags = ffi.new("uint8_t[]", [axis in axes for axis in range(len(shape))])
    whole = _whole(math.prod(shape), math.prod(shape)).reshape(shape)
    for name, function in REDUCE.items():
        x = fence.put((2 ** np.sign(whole) if name == "PROD" else whole).astype(dtype))
        expected = function(x.astype(np.float64), axis=axes)
        y = fence.out(expected.shape, dtype)
        status(lib.tc_reduce(getattr(lib, f"TC_{name}"), code(dtype), len(shape), i64(shape), flags, ptr(x), ptr(y)))
        with np.errstate(over="ignore", under="ignore"):
            same(y, expected.astype(dtype), name)


def _argmax(outer: int, length: int, inner: int, smallest: bool, fence: Fence, dtype: np.dtype) -> None:
    x = fence.put(_whole(outer * length * inner, length).reshape(outer, length, inner).astype(dtype))
    values, indices = fence.out((outer, inner), dtype), fence.out((outer, inner), np.int64)
    lib.tc_argmax(smallest, code(dtype), outer, length, inner, ptr(x), ptr(values), ffi.cast("int64_t *", ptr(indices)))
    same(indices, (np.argmin if smallest else np.argmax)(x, axis=1), "indices")
    same(values, (np.min if smallest else np.max)(x, axis=1), "values")


def _softmax(outer: int, length: int, inner: int, logarithm: bool, fence: Fence, dtype: np.dtype) -> None:
    shape = (outer, length, inner)
    x = fence.put(_whole(math.prod(shape), length).reshape(shape).astype(dtype))
    y, dx = fence.out(shape, dtype), fence.out(shape, dtype)
    status(lib.tc_softmax(logarithm, code(dtype), *shape, ptr(x), ptr(y)))
    wide = x.astype(np.longdouble)
    shares = np.exp(wide - wide.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    # 8 roundings beside those of the sum; the logarithm is of a number from 1 to the length
    eps = (8 + length) * float(np.finfo(dtype).eps)
    expected = np.log(shares) if logarithm else shares
    near(y, expected, eps * (1 + abs(expected) if logarithm else expected), "softmax")
    dy, known = fence.put(_whole(math.prod(shape), 1).reshape(shape).astype(dtype)), fence.put(expected.astype(dtype))
    status(lib.tc_softmax_grad(logarithm, code(dtype), *shape, ptr(dy), ptr(known), ptr(dx)))
    share = 1 if logarithm else shares
    total, reach = (dy * share).sum(1, keepdims=True), (abs(dy) * share).sum(1, keepdims=True)
    slope = dy - shares * total if logarithm else shares * (dy - total)
    near(dx, slope, 2 * eps * (abs(dy) + shares * reach if logarithm else shares * (abs(dy) + reach)), "gradient")


def _classes(n: int, classes: int, inner: int, fence: Fence, dtype: np.dtype) -> None:
    """Compare cross-entropy and negative log-likelihood with weights and an ignored class, and their gradients."""
    rng = np.random.default_rng(n * classes + inner)
    x, w = rng.integers(-4, 5, (n, classes, inner)).astype(dtype), rng.integers(1, 5, classes).astype(dtype)
    target = rng.integers(0, classes, (n, inner))
    target[rng.random((n, inner)) < 0.2] = -100
    p = ffi.new("tc_cross_entropy_params *", (n, classes, inner, -100, 0.0, lib.TC_LOSS_NONE))
    x_, w_, t_ = fence.put(x), fence.put(w), fence.put(target)
    targets, total = ffi.cast("int64_t *", ptr(t_)), ffi.new("double *")
    wide = x.astype(np.longdouble)
    lse = np.log(np.exp(wide).sum(1))
    kept, chosen = target >= 0, np.maximum(target, 0)
    of_class = np.where(kept, w[chosen], 0).astype(np.float64)
    picked = np.take_along_axis(wide, chosen[:, None], 1)[:, 0]
    eps = (16 + classes) * float(np.finfo(dtype).eps)

    losses, lse_ = fence.out((n, inner), dtype), fence.out((n, inner), dtype)
    status(lib.tc_cross_entropy(code(dtype), p, ptr(x_), targets, ptr(w_), ptr(losses), ptr(lse_), total))
    near(lse_, lse, eps * (1 + abs(lse)), "log-sum-exp")
    near(losses, of_class * (lse - picked), eps * of_class * 12, "losses")
    assert total[0] == of_class.sum()
    g, dx = fence.put(rng.integers(1, 5, (n, inner)).astype(dtype)), fence.out(x.shape, dtype)
    arguments = (targets, ptr(w_), ptr(lse_), ptr(dx))
    status(lib.tc_cross_entropy_grad(code(dtype), p, ptr(g), True, 1.0, ptr(x_), *arguments))
    one = np.arange(classes)[:, None] == target[:, None]
    slope = (of_class * g)[:, None] * (np.exp(wide - lse[:, None]) - one)
    near(dx, slope, eps * 12 * (of_class * g)[:, None], "gradient of cross-entropy")

    status(lib.tc_nll_loss(code(dtype), p, ptr(x_), targets, ptr(w_), ptr(losses), total))
    same(losses, -of_class * picked.astype(np.float64), "negative log-likelihood")
    status(lib.tc_nll_loss_grad(code(dtype), p, ptr(g), True, 1.0, targets, ptr(w_), ptr(dx)))
    same(dx, np.where(one, -(of_class * g)[:, None], 0), "gradient of negative log-likelihood")


def elementwise() -> Iterator[Case]:
    """Yield every elementwise function and copy."""
    for count in LENGTHS:
        for name in UNARY:
            yield Case(_unary, name, count)
        for name, layout in itertools.product(BINARY, ("lines", "value", "first", "line", "column", "turned")):
            yield Case(_binary, name, count, layout)
        for layout in ("lines", "value"):
            yield Case(_compare, count, layout)
    for rows, cols in itertools.product(range(1, 36), repeat=2):
        yield Case(_copy, rows, cols, ("f4", "f8", "i8", "i4", "u1", "?")[(rows * 3 + cols) % 6])


def reductions() -> Iterator[Case]:
    """Yield every reduction, softmax and loss."""
    for length, other in itertools.product(LENGTHS, (1, 2, 3, 8, 17)):
        for axes in ((0,), (1,), (0, 1)):
            yield Case(_reduce, (length, other), axes)
            yield Case(_reduce, (other, length), axes)
        yield Case(_reduce, (2, length, other), (1,))
        for smallest in (False, True):
            yield Case(_argmax, 2, length, other, smallest)
            yield Case(_argmax, 2, other, length, smallest)
        for logarithm in (False, True):
            yield Case(_softmax, 2, length, other, logarithm)
            yield Case(_softmax, 2, other, length, logarithm)
        yield Case(_classes, 2, length, other)
        yield Case(_classes, 2, other, length)
        yield Case(_classes, length, other, 1)
