"""Cases of the functions that take NumPy's arrays, with inputs of other strides, or broadcast."""

from __future__ import annotations

import numpy as np

from tinygrad_cnn._core import ffi, lib

from .calls import Call, case
from .kernels import LONG
from .layers import adaptive, convolutions, poolings, winners


def turned(call: Call, *shape: int) -> np.ndarray:
    """Return an input whose last two dimensions lie in memory the other way round."""
    return call.values(*shape[:-2], shape[-1], shape[-2]).swapaxes(-1, -2)


def _pair(call: Call) -> tuple[np.ndarray, np.ndarray]:
    """Return two operands, one turned, the other broadcast to its shape."""
    a, b, c = call.size(5), call.size(290), call.size(97)
    return turned(call, a, b, c), call.values(b, 1)


def succeeds(status: int) -> None:
    """Check what a function returned."""
    assert status == lib.TC_OK


@case
def tc_ndarray_copy(call: Call) -> None:
    x, _ = _pair(call)
    succeeds(lib.tc_ndarray_copy(id(x), id(call.out(*x.shape))))


@case
def tc_ndarray_unary(call: Call) -> None:
    for x in (_pair(call)[0], call.values(call.size(LONG))):
        succeeds(lib.tc_ndarray_unary(lib.TC_TANH, id(x), id(call.out(*x.shape))))


@case
def tc_ndarray_binary(call: Call) -> None:
    a, b = _pair(call)
    succeeds(lib.tc_ndarray_binary(lib.TC_DIV, id(a), id(b), id(call.out(*a.shape))))


@case
def tc_ndarray_binary_scalar(call: Call) -> None:
    x, _ = _pair(call)
    succeeds(lib.tc_ndarray_binary_scalar(lib.TC_POW, id(x), 2.5, 0, id(call.out(*x.shape))))


@case
def tc_ndarray_add_scaled(call: Call) -> None:
    a, b = _pair(call)
    succeeds(lib.tc_ndarray_add_scaled(id(a), id(b), 0.7, id(call.out(*a.shape))))


@case
def tc_ndarray_bend(call: Call) -> None:
    n = call.size(LONG)
    g, x = call.values(n), call.values(n)
    succeeds(lib.tc_ndarray_bend(id(g), id(x), -0.3, 0.9, 0.0, 1.7, -0.6, id(call.out(n))))


@case
def tc_ndarray_compare(call: Call) -> None:
    a, b = _pair(call)
    succeeds(lib.tc_ndarray_compare(lib.TC_LT, id(a), id(b), id(call.out(*a.shape, dtype=np.bool_))))


@case
def tc_ndarray_where(call: Call) -> None:
    a, b = _pair(call)
    mask = call.integers(2, a.shape[-1], dtype=np.bool_)
    succeeds(lib.tc_ndarray_where(id(mask), id(a), id(b), id(call.out(*a.shape))))


@case
def tc_ndarray_reduce(call: Call) -> None:
    x, _ = _pair(call)
    for dims in (0b100, 0b011, 0b101):
        kept = [size for d, size in enumerate(x.shape) if not dims >> d & 1]
        succeeds(lib.tc_ndarray_reduce(lib.TC_MEAN, dims, id(x), id(call.out(*kept))))


@case
def tc_ndarray_gemm(call: Call) -> None:
    for batch, m, n, k in ((1, 300, 400, 300), (7, 40, 70, 60)):
        batch, m, n, k = (call.size(size) for size in (batch, m, n, k))
        a, b, bias, c = turned(call, batch, m, k), call.values(batch, k, n), call.values(n), call.out(batch, m, n)
        succeeds(lib.tc_ndarray_gemm(id(a), id(b), id(bias), id(c)))


# ---- layers ----


@case
def tc_ndarray_conv2d(call: Call) -> None:
    for p, x, weight, y in convolutions(call):
        arrays = turned(call, *x), call.values(*weight), call.values(y[1]), call.out(*y)
        succeeds(lib.tc_ndarray_conv2d(p, *map(id, arrays)))


@case
def tc_ndarray_conv2d_input_grad(call: Call) -> None:
    for p, x, weight, y in convolutions(call):
        arrays = turned(call, *y), call.values(*weight), call.out(*x)
        succeeds(lib.tc_ndarray_conv2d_input_grad(p, *map(id, arrays)))


@case
def tc_ndarray_conv2d_weight_grad(call: Call) -> None:
    for p, x, weight, y in convolutions(call):
        arrays = turned(call, *y), call.values(*x), call.out(*weight), call.out(y[1])
        succeeds(lib.tc_ndarray_conv2d_weight_grad(p, *map(id, arrays)))


@case
def tc_ndarray_max_pool2d(call: Call) -> None:
    for is_adaptive, windows in ((0, poolings(call)), (1, adaptive(call))):
        for p, planes, h, o in windows:
            arrays = turned(call, planes, h, h), call.out(planes, o, o), call.out(planes, o, o, dtype=np.int32)
            succeeds(lib.tc_ndarray_max_pool2d(lib.TC_POOL_MAX, is_adaptive, p, *map(id, arrays)))


@case
def tc_ndarray_pool_gather(call: Call) -> None:
    for p, planes, h, o in poolings(call):
        arrays = winners(call, p, planes, h, o), turned(call, planes, h, h), call.out(planes, o, o)
        succeeds(lib.tc_ndarray_pool_gather(*map(id, arrays)))


@case
def tc_ndarray_pool_scatter(call: Call) -> None:
    for p, planes, h, o in poolings(call):
        indices = winners(call, p, planes, h, o)
        for windows in (p, ffi.NULL):
            arrays = indices, turned(call, planes, o, o), call.values(planes, h, h), call.out(planes, h, h)
            succeeds(lib.tc_ndarray_pool_scatter(windows, *map(id, arrays)))


def _normalised(call: Call) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return x (N, C, H, W) and mean, variance, weight, bias."""
    n, c, h = call.size(24), call.size(48), call.size(15)
    return turned(call, n, c, h, h), [call.values(c), call.values(c, low=0.5), call.values(c), call.values(c)]


@case
def tc_ndarray_batch_norm_stats(call: Call) -> None:
    x, (mean, var, _, _) = _normalised(call)
    running, made = (call.keep(mean), call.keep(var)), (call.out(*mean.shape), call.out(*mean.shape))
    succeeds(lib.tc_ndarray_batch_norm_stats(0.1, id(x), *map(id, running), *map(id, made)))


@case
def tc_ndarray_batch_norm(call: Call) -> None:
    x, lines = _normalised(call)
    succeeds(lib.tc_ndarray_batch_norm(1, 1e-5, id(x), *map(id, lines), id(call.out(*x.shape))))


@case
def tc_ndarray_batch_norm_grad(call: Call) -> None:
    x, lines = _normalised(call)
    dy, c = call.values(*x.shape), len(lines[0])
    outputs = call.out(*x.shape), call.out(c), call.out(c)
    succeeds(lib.tc_ndarray_batch_norm_grad(1, 1, 1e-5, id(dy), id(x), *map(id, lines), *map(id, outputs)))


# ---- softmax and losses ----


@case
def tc_ndarray_softmax(call: Call) -> None:
    x = turned(call, call.size(12), call.size(30), call.size(500))
    for dim in (1, 2):
        succeeds(lib.tc_ndarray_softmax(1, dim, id(x), id(call.out(*x.shape))))


@case
def tc_ndarray_softmax_grad(call: Call) -> None:
    dy = turned(call, call.size(12), call.size(30), call.size(500))
    for dim in (1, 2):
        y = call.values(*dy.shape)
        succeeds(lib.tc_ndarray_softmax_grad(0, dim, id(dy), id(y), id(call.out(*dy.shape))))


def _classified(call: Call) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return logits (N, classes, L), targets and weights."""
    n, classes, inner = call.size(12), call.size(11, 2), call.size(900)
    return turned(call, n, classes, inner), call.integers(classes, n, inner), call.values(classes, low=0.1)


@case
def tc_ndarray_cross_entropy(call: Call) -> None:
    logits, target, weight = _classified(call)
    for reduction, shape in ((lib.TC_LOSS_NONE, target.shape), (lib.TC_LOSS_MEAN, ())):
        losses, lse, total = call.keep(np.zeros(shape, call.dtype)), call.out(*target.shape), call.keep(np.zeros(1))
        arrays = map(id, (logits, target, weight, losses, lse))
        out = ffi.from_buffer("double *", total)
        succeeds(lib.tc_ndarray_cross_entropy(reduction, -100, 0.1, *arrays, out))


@case
def tc_ndarray_cross_entropy_grad(call: Call) -> None:
    logits, target, weight = _classified(call)
    g, lse, dx = call.values(*target.shape), call.values(*target.shape, low=1), call.out(*logits.shape)
    succeeds(lib.tc_ndarray_cross_entropy_grad(0.3, -100, 0.1, *map(id, (g, logits, target, weight, lse, dx))))
