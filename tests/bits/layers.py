"""Cases of convolution, pooling, padding, softmax, losses and normalisation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tests.core.raw import i64, ptr
from tinygrad_cnn._core import ffi, lib

from .calls import Call, case


def ints(array: np.ndarray, kind: str = "int32_t *"):
    """Return a pointer of another type than `void *`."""
    return ffi.cast(kind, ptr(array))


# ---- convolution ----


class Conv(NamedTuple):
    """The sizes of a convolution, from which the others follow."""

    n: int
    c: int
    h: int
    k: int
    r: int
    stride: int = 1
    pad: int = 0
    dilation: int = 1
    groups: int = 1


# Each way of conv.c: bands of planes, panels, Winograd, products (1x1, whole image), strided 1x1, depthwise, groups.
CONVOLUTIONS = [
    Conv(4, 3, 32, 16, 3, pad=1), Conv(4, 6, 14, 16, 5), Conv(3, 32, 32, 32, 3, pad=1), Conv(16, 64, 8, 64, 3, pad=1),
    Conv(4, 16, 33, 24, 3, stride=2, pad=1), Conv(6, 20, 19, 12, 3, pad=2, dilation=2), Conv(6, 24, 18, 40, 1),
    Conv(8, 32, 20, 48, 1, stride=2), Conv(32, 16, 6, 50, 6), Conv(6, 24, 24, 24, 3, pad=1, groups=24),
    Conv(5, 12, 30, 24, 5, stride=2, pad=2, groups=12), Conv(4, 24, 17, 36, 3, groups=3),
    Conv(2, 1, 70, 6, 7, stride=3),
]  # fmt: skip

# Sums in several parts, and filters of Winograd's way that are worth a region of their own.
LARGE = [Conv(32, 16, 28, 32, 5), Conv(32, 256, 12, 256, 3, pad=1)]


def convolutions(call: Call):
    """Yield the C struct, the shapes of x, weight and y, for each way."""
    for base in CONVOLUTIONS + (LARGE if call.large else []):
        fixed = base in LARGE
        n, c, k = (size if fixed else call.size(size) for size in (base.n, base.c, base.k))
        if base.groups > 1:
            c, k = base.c, base.k
        whole = base.r == base.h
        h = base.h if fixed or whole else call.size(base.h, base.dilation * (base.r - 1) + 1)
        o = (h + 2 * base.pad - base.dilation * (base.r - 1) - 1) // base.stride + 1
        sizes = (n, c, h, h, k, base.r, base.r, o, o, *[base.stride] * 2, *[base.pad] * 2, *[base.dilation] * 2)
        for relu in (base.c % 2,) if call.seed == 0 else (0, 1):
            p = ffi.new("tc_conv2d_params *", (*sizes, base.groups, relu))
            yield p, (n, c, h, h), (k, c // base.groups, base.r, base.r), (n, k, o, o)


@case
def tc_conv2d(call: Call) -> None:
    for p, x, weight, y in convolutions(call):
        inputs = call.values(*x), call.values(*weight), call.values(y[1])
        assert lib.tc_conv2d(call.code, p, *map(ptr, inputs), ptr(call.out(*y))) == lib.TC_OK


@case
def tc_conv2d_input_grad(call: Call) -> None:
    for p, x, weight, y in convolutions(call):
        dy, w = call.values(*y), call.values(*weight)
        assert lib.tc_conv2d_input_grad(call.code, p, ptr(dy), ptr(w), ptr(call.out(*x))) == lib.TC_OK


@case
def tc_conv2d_weight_grad(call: Call) -> None:
    for p, x, weight, y in convolutions(call):
        dy, inputs, dw, db = call.values(*y), call.values(*x), call.out(*weight), call.out(y[1])
        assert lib.tc_conv2d_weight_grad(call.code, p, ptr(dy), ptr(inputs), ptr(dw), ptr(db)) == lib.TC_OK


# ---- pooling ----


class Pool(NamedTuple):
    """The sizes of a pooling."""

    planes: int
    h: int
    kernel: int
    stride: int
    pad: int = 0
    dilation: int = 1


POOLINGS = [Pool(300, 28, 2, 2), Pool(200, 31, 3, 2, 1), Pool(150, 30, 3, 1, 1), Pool(120, 24, 3, 2, 1, 2)]


def poolings(call: Call, dilated: bool = True):
    """Yield the C struct, planes and the sides of x and y."""
    for base in POOLINGS[: None if dilated else -1]:
        planes, h = call.size(base.planes), call.size(base.h, base.dilation * (base.kernel - 1) + 1)
        o = (h + 2 * base.pad - base.dilation * (base.kernel - 1) - 1) // base.stride + 1
        doubled = (size for size in base[2:] for _ in range(2))
        yield ffi.new("tc_pool2d_params *", (planes, h, h, o, o, *doubled)), planes, h, o


def adaptive(call: Call):
    """Yield the same for adaptive windows, one of them all of the image."""
    for side in (7, 1):
        planes, h = call.size(600), call.size(23)
        yield ffi.new("tc_pool2d_params *", {"planes": planes, "h": h, "w": h, "oh": side, "ow": side}), planes, h, side


@case
def tc_max_pool2d(call: Call) -> None:
    for p, planes, h, o in poolings(call):
        x = call.values(planes, h, h)
        for op in (lib.TC_POOL_MAX, lib.TC_POOL_MIN):
            y, indices = call.out(planes, o, o), call.out(planes, o, o, dtype=np.int32)
            lib.tc_max_pool2d(op, call.code, p, ptr(x), ptr(y), ints(indices))


@case
def tc_adaptive_max_pool2d(call: Call) -> None:
    for p, planes, h, o in adaptive(call):
        x = call.values(planes, h, h)
        for op in (lib.TC_POOL_MAX, lib.TC_POOL_MIN):
            y, indices = call.out(planes, o, o), call.out(planes, o, o, dtype=np.int32)
            lib.tc_adaptive_max_pool2d(op, call.code, p, ptr(x), ptr(y), ints(indices))


def winners(call: Call, p, planes: int, h: int, o: int) -> np.ndarray:
    """Return the indices of a max pooling."""
    x, y, indices = call.values(planes, h, h), np.empty((planes, o, o), call.dtype), np.empty((planes, o, o), np.int32)
    lib.tc_max_pool2d(lib.TC_POOL_MAX, call.code, p, ptr(x), ptr(y), ints(indices))
    return call.place(indices)


@case
def tc_pool_gather(call: Call) -> None:
    for p, planes, h, o in poolings(call):
        indices, x = winners(call, p, planes, h, o), call.values(planes, h, h)
        lib.tc_pool_gather(call.code, planes, h * h, o * o, ints(indices), ptr(x), ptr(call.out(planes, o, o)))


@case
def tc_pool_scatter(call: Call) -> None:
    for p, planes, h, o in poolings(call):
        indices, dy, relu = winners(call, p, planes, h, o), call.values(planes, o, o), call.values(planes, h, h)
        dx = call.out(planes, h, h)
        lib.tc_pool_scatter(call.code, planes, h * h, o * o, ints(indices), ptr(dy), ptr(relu), ptr(dx))


@case
def tc_max_pool2d_grad(call: Call) -> None:
    for p, planes, h, o in poolings(call):
        indices, dy = winners(call, p, planes, h, o), call.values(planes, o, o)
        for relu in (None, call.values(planes, h, h)):
            lib.tc_max_pool2d_grad(call.code, p, ints(indices), ptr(dy), ptr(relu), ptr(call.out(planes, h, h)))


@case
def tc_avg_pool2d(call: Call) -> None:
    for p, planes, h, o in poolings(call, dilated=False):
        for include in (0, 1):
            x, y = call.values(planes, h, h), call.out(planes, o, o)
            lib.tc_avg_pool2d(call.code, p, include, 0, ptr(x), ptr(y))


@case
def tc_avg_pool2d_grad(call: Call) -> None:
    for p, planes, h, o in poolings(call, dilated=False):
        for include in (0, 1):
            dy, dx = call.values(planes, o, o), call.out(planes, h, h)
            lib.tc_avg_pool2d_grad(call.code, p, include, 0, ptr(dy), ptr(dx))


@case
def tc_adaptive_avg_pool2d(call: Call) -> None:
    for p, planes, h, o in adaptive(call):
        lib.tc_adaptive_avg_pool2d(call.code, p, ptr(call.values(planes, h, h)), ptr(call.out(planes, o, o)))


@case
def tc_adaptive_avg_pool2d_grad(call: Call) -> None:
    for p, planes, h, o in adaptive(call):
        lib.tc_adaptive_avg_pool2d_grad(call.code, p, ptr(call.values(planes, o, o)), ptr(call.out(planes, h, h)))


# ---- padding ----


def _maps(call: Call):
    """Yield planes, the sides, and index maps that repeat pixels, turn them back, or leave them out."""
    planes, h = call.size(500), call.size(24, 4)
    inside = np.arange(h)
    for before, after in ((inside[2:0:-1], inside[-2:-4:-1]), ([-1, -1], [-1]), ([0, 0], [h - 1])):
        maps = np.concatenate([before, inside, after]).astype(np.int64)
        yield planes, h, len(maps), i64(maps)


@case
def tc_pad2d(call: Call) -> None:
    for planes, h, o, maps in _maps(call):
        x, y = call.values(planes, h, h), call.out(planes, o, o)
        lib.tc_pad2d(call.code, planes, h, h, o, o, maps, maps, 0.5, ptr(x), ptr(y))


@case
def tc_pad2d_grad(call: Call) -> None:
    for planes, h, o, maps in _maps(call):
        dy, dx = call.values(planes, o, o), call.out(planes, h, h)
        assert lib.tc_pad2d_grad(call.code, planes, h, h, o, o, maps, maps, ptr(dy), ptr(dx)) == lib.TC_OK


# ---- softmax and losses ----


def _positions(call: Call):
    """Yield outer, length and inner: rows, and positions side by side."""
    yield call.size(17_000), call.size(10, 2), 1
    yield call.size(12), call.size(11, 2), call.size(900)


@case
def tc_softmax(call: Call) -> None:
    for sizes in _positions(call):
        x = call.values(*sizes, low=-20, high=20)
        for logarithm in (0, 1):
            assert lib.tc_softmax(logarithm, call.code, *sizes, ptr(x), ptr(call.out(*sizes))) == lib.TC_OK


@case
def tc_softmax_grad(call: Call) -> None:
    for sizes in _positions(call):
        dy, y = call.values(*sizes), call.values(*sizes, low=-3, high=0)
        for logarithm in (0, 1):
            assert (
                lib.tc_softmax_grad(logarithm, call.code, *sizes, ptr(dy), ptr(y), ptr(call.out(*sizes))) == lib.TC_OK
            )


def _losses(call: Call):
    """Yield the C struct of each reduction, its sizes, logits, targets (some ignored) and weights."""
    for sizes in [*_positions(call), *[(70_000, 3, 1)] * call.large]:
        logits, target = call.values(*sizes, low=-20, high=20), call.integers(sizes[1], sizes[0], sizes[2])
        target[call.integers(10, *target.shape) == 0] = -100
        weight = call.values(sizes[1], low=0.1)
        for reduction in (lib.TC_LOSS_NONE, lib.TC_LOSS_SUM, lib.TC_LOSS_MEAN):
            p = ffi.new("tc_cross_entropy_params *", (*sizes, -100, 0.1, reduction))
            positions = (sizes[0], sizes[2]) if reduction == lib.TC_LOSS_NONE else (1,)
            yield p, sizes, positions, logits, ints(target, "int64_t *"), ptr(weight)


@case
def tc_cross_entropy(call: Call) -> None:
    for p, (n, _, inner), positions, logits, target, weight in _losses(call):
        losses, lse, total = call.out(*positions), call.out(n, inner), call.keep(np.zeros(1))
        out = ints(total, "double *")
        assert lib.tc_cross_entropy(call.code, p, ptr(logits), target, weight, ptr(losses), ptr(lse), out) == lib.TC_OK


@case
def tc_cross_entropy_grad(call: Call) -> None:
    for p, (n, classes, inner), positions, logits, target, weight in _losses(call):
        each, g = len(positions) == 2, call.values(*positions)
        lse, dx = call.values(n, inner, low=18, high=21), call.out(n, classes, inner)
        done = lib.tc_cross_entropy_grad(
            call.code, p, ptr(g), each, 0.3, ptr(logits), target, weight, ptr(lse), ptr(dx)
        )
        assert done == lib.TC_OK


@case
def tc_nll_loss(call: Call) -> None:
    for p, _, positions, logits, target, weight in _losses(call):
        losses, total = call.out(*positions), call.keep(np.zeros(1))
        out = ints(total, "double *")
        assert lib.tc_nll_loss(call.code, p, ptr(logits), target, weight, ptr(losses), out) == lib.TC_OK


@case
def tc_nll_loss_grad(call: Call) -> None:
    for p, sizes, positions, _, target, weight in _losses(call):
        each, g, dx = len(positions) == 2, call.values(*positions), call.out(*sizes)
        assert lib.tc_nll_loss_grad(call.code, p, ptr(g), each, 0.3, target, weight, ptr(dx)) == lib.TC_OK


# ---- batch normalisation ----


def _channels(call: Call):
    """Yield n, c and inner: long planes, short ones, vectors."""
    yield call.size(16), call.size(24), call.size(900)
    yield call.size(32), call.size(64), call.size(49)
    yield call.size(900), call.size(130), 1


def _lines(call: Call, c: int) -> list[np.ndarray]:
    """Return mean, variance, weight and bias."""
    return [call.values(c), call.values(c, low=0.5), call.values(c), call.values(c)]


@case
def tc_batch_norm_stats(call: Call) -> None:
    for n, c, inner in _channels(call):
        x, mean, var = call.values(n, c, inner), call.out(c), call.out(c)
        running = call.keep(call.values(c)), call.keep(call.values(c, low=0.5))
        pointers = map(ptr, (x, *running, mean, var))
        assert lib.tc_batch_norm_stats(call.code, n, c, inner, 0.1, *pointers) == lib.TC_OK


@case
def tc_batch_norm(call: Call) -> None:
    for n, c, inner in _channels(call):
        for relu in (0, 1):
            arrays = call.values(n, c, inner), *_lines(call, c), call.out(n, c, inner)
            assert lib.tc_batch_norm(relu, call.code, n, c, inner, 1e-5, *map(ptr, arrays)) == lib.TC_OK


@case
def tc_batch_norm_grad(call: Call) -> None:
    for n, c, inner in _channels(call):
        for training, relu in ((0, 0), (1, 0), (1, 1)):
            inputs = call.values(n, c, inner), call.values(n, c, inner), *_lines(call, c)
            outputs = call.out(n, c, inner), call.out(c), call.out(c)
            pointers = map(ptr, (*inputs, *outputs))
            assert lib.tc_batch_norm_grad(training, relu, call.code, n, c, inner, 1e-5, *pointers) == lib.TC_OK


@case
def tc_fold_batch_norm(call: Call) -> None:
    filters, depth = call.size(64), call.size(600)
    arrays = call.values(filters, depth), call.values(filters), *_lines(call, filters)
    outputs = call.out(filters, depth), call.out(filters)
    lib.tc_fold_batch_norm(call.code, filters, depth, 1e-5, *map(ptr, (*arrays, *outputs)))
