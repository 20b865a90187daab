"""float16 and bfloat16: sums and layers computed in float32 from exact operands, and rounded once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import tinygrad_cnn as tc
from tinygrad_cnn.nn import functional as F

from .compare import MOST, agree, sum_bound
from .draw import Draw
from .values import DTYPES, HALVES, operand

Values = Callable[..., np.ndarray]
# name: the function of two tensors, the same of arrays, which is a sum of products in each; how many terms
WAYS: dict[str, tuple[Callable[..., tc.Tensor], Values, Callable[[int, int], int]]] = {
    "matmul": (tc.matmul, np.matmul, lambda n, k: k),
    "linear": (lambda a, b: F.linear(a, b.t()), np.matmul, lambda n, k: k),
    "einsum": (lambda a, b: tc.einsum("ij,jk->ki", a, b), lambda a, b: (a @ b).T, lambda n, k: k),
    "sum": (lambda a, b: a.sum(0), lambda a, b: a.sum(0), lambda n, k: n),
    "mean": (lambda a, b: a.mean(1), lambda a, b: a.mean(1), lambda n, k: k + 1),
    "conv1d": (
        lambda a, b: F.conv1d(a[:, None], b.t()[:, None])[..., 0],
        np.matmul,
        lambda n, k: k,
    ),
    "avg_pool1d": (lambda a, b: F.avg_pool1d(a, a.shape[1]), lambda a, b: a.mean(1, keepdims=True), lambda n, k: k + 1),
    "add": (lambda a, b: a + a.flip(0), lambda a, b: a + a[::-1], lambda n, k: 1),
}


def halves(draw: Draw) -> None:
    """Sums of products in half precision: dtype, value within one rounding to it, and the gradient's dtype."""
    name, dtype = draw.note("function", draw.choose(tuple(WAYS))), draw.note("dtype", draw.choose(HALVES))
    n, k, m = draw.integers(3, 1, 20)
    a, b = operand(draw, (n, k), dtype, "normal", grad=True), operand(draw, (k, m), dtype, "normal")
    ours, reference, terms = WAYS[name]
    out, expected = ours(a.tensor, b.tensor), reference(a.values, b.values)
    magnitude = reference(abs(a.values), abs(b.values))
    assert out.dtype is DTYPES[dtype]
    agree(out, expected, sum_bound(dtype, terms(n, k), magnitude, b.largest), name, MOST[dtype])
    out.backward(tc.ones_like(out))
    assert a.tensor.grad.dtype is DTYPES[dtype] and a.tensor.grad.shape == (n, k)
    if name in ("matmul", "linear"):
        slope = np.broadcast_to(b.values.sum(1), (n, k))
        bound = sum_bound(dtype, m, np.broadcast_to(abs(b.values).sum(1), (n, k)))
        agree(a.tensor.grad, slope, bound, f"gradient of {name}", MOST[dtype])


PROPERTIES = (halves,)
