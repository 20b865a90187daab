"""Convolutions and their two gradients: every width, height, number of channels, filters, images and taps.

The shapes lead through every way of computing one: panels, 1x1, strided, depthwise with and without several filters,
few channels, groups, and Winograd's. That rounds; its errors are within WINOGRAD roundings of the largest sum, which a
wrong element exceeds ten thousand times.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tests.core.raw import code, ptr
from tests.fuzz.convolution import Geometry, forward, input_grad, weight_grad
from tinygrad_cnn._core import ffi, lib

from .case import Case, near, same, status
from .fence import Fence


class Shape(NamedTuple):
    """What is convolved: images, channels, filters and where."""

    n: int
    c: int
    k: int
    p: Geometry


def _geometry(
    out: tuple[int, int], kernel: tuple[int, int], steps: int | tuple[int, int], pad: int, gap: int, groups: int
) -> Geometry:
    """Return the geometry with this output."""
    strides = (steps, steps) if isinstance(steps, int) else steps
    sizes = [
        (o - 1) * step + gap * (taps - 1) + 1 - 2 * pad for o, step, taps in zip(out, strides, kernel, strict=True)
    ]
    return Geometry((sizes[0], sizes[1]), kernel, strides, (pad,) * 2, (gap,) * 2, groups)


def _params(s: Shape, relu: bool = False):
    p = ffi.new("tc_conv2d_params *")
    p.n, p.c, p.k, p.groups, p.relu = s.n, s.c, s.k, s.p.groups, relu
    p.h, p.w = s.p.sizes
    p.r, p.s = s.p.kernel
    p.oh, p.ow = s.p.outputs()
    p.stride_h, p.stride_w = s.p.stride
    p.pad_h, p.pad_w = s.p.padding
    p.dilation_h, p.dilation_w = s.p.dilation
    return p


def _convolution(s: Shape, winograd: bool, fence: Fence, dtype: np.dtype) -> None:
    rng = np.random.default_rng(math.prod(s.p.sizes) + s.c * 7 + s.k)
    x, w, bias, dy = (
        rng.integers(-3, 4, shape).astype(dtype)
        for shape in ((s.n, s.c, *s.p.sizes), (s.k, s.c // s.p.groups, *s.p.kernel), (s.k,), (s.n, s.k, *s.p.outputs()))
    )
    before = lib.tc_get_winograd()
    lib.tc_set_winograd(lib.TC_WINOGRAD_FORCED if winograd else lib.TC_WINOGRAD_OFF)
    try:
        _three(s, x, w, bias, dy, fence, WINOGRAD * float(np.finfo(dtype).eps) * 9 if winograd else 0.0)
    finally:
        lib.tc_set_winograd(before)


def _three(
    s: Shape, x: np.ndarray, w: np.ndarray, bias: np.ndarray, dy: np.ndarray, fence: Fence, rounding: float
) -> None:
    """Compare the three products."""
    wide = [array.astype(np.float64) for array in (x, w, dy)]
    relu = s.k % 2 == 1
    x_, w_, b_, y_ = fence.put(x), fence.put(w), fence.put(bias), fence.out(dy.shape, x.dtype)
    status(lib.tc_conv2d(code(x), _params(s, relu), ptr(x_), ptr(w_), ptr(b_), ptr(y_)))
    expected = forward(s.p, wide[0], wide[1]) + bias.reshape(-1, 1, 1)
    # terms of at most 3 x 3 are added
    near(y_, np.maximum(expected, 0) if relu else expected, rounding * s.c * 9, "output")
    dy_, dx_ = fence.put(dy), fence.out(x.shape, x.dtype)
    status(lib.tc_conv2d_input_grad(code(x), _params(s), ptr(dy_), ptr(w_), ptr(dx_)))
    near(dx_, input_grad(s.p, wide[2], wide[1]), rounding * s.k * 9, "input gradient")
    dw_, db_ = fence.out(w.shape, x.dtype), fence.out((s.k,), x.dtype)
    status(lib.tc_conv2d_weight_grad(code(x), _params(s), ptr(dy_), ptr(x_), ptr(dw_), ptr(db_)))
    near(dw_, weight_grad(s.p, wide[2], wide[0], w.shape), rounding * dy.size / s.k, "weight gradient")
    same(db_, wide[2].sum((0, 2, 3)), "bias gradient")


WINOGRAD = 8
WIDTHS = range(1, 66)
KERNELS = ((1, 1), (2, 2), (3, 3), (5, 5), (1, 7), (7, 1), (3, 2))


def _shapes() -> Iterator[Shape]:
    for width, kernel, stride in itertools.product(WIDTHS, KERNELS, (1, 2, 3)):
        if stride < 3 or width % 8 < 2:
            pad, gap = (min(kernel) // 2, 1) if width % 2 else (0, 1 + width // 2 % 2)
            yield Shape(1, 2, 3, _geometry((2, width), kernel, stride, pad, gap, 1))
            yield Shape(2, 2, 2, _geometry((2, width), kernel, stride, pad, gap, 2))
            # one stride of rows, another of columns: the gradient's rows lie between those of other phases
            uneven = (stride + 1, 1) if width % 2 else (1, stride + 1)
            yield Shape(2, 2, 2, _geometry((3, width), kernel, uneven, pad, gap, 2))
            yield Shape(1, 3, 2, _geometry((3, width), kernel, uneven, pad, gap, 1))
            if width % 3 == 0:
                yield Shape(1, 2, 6, _geometry((3, width), kernel, stride, pad, gap, 2))
    for count, kernel, stride in itertools.product(range(1, 66), ((1, 1), (3, 3), (3, 2)), (1, 2)):
        pad = 1 if kernel == (3, 3) else 0
        if count <= 29 or stride == 1:
            yield Shape(1, 3, count, _geometry((3, 5), kernel, stride, pad, 1, 1))
            yield Shape(2, count, 3, _geometry((3, 5), kernel, stride, pad, 1, 1))
            yield Shape(1, 1, count, _geometry((2, 9), kernel, stride, pad, 1, 1))
            yield Shape(2, 2 * (count // 2 + 1), 4, _geometry((2, 4), kernel, stride, pad, 1, 2))
        if count <= 17:
            yield Shape(count, 4, 5, _geometry((3, 3), kernel, stride, pad, 1, 1))
            yield Shape(2, 5, 7, _geometry((count, 4), kernel, stride, pad, 1, 1))
            yield Shape(1, 20, 18, _geometry((count, count), kernel, stride, pad, 1, 1))


def _tiles() -> Iterator[Shape]:
    """Yield what Winograd's way takes: tiles of 4 x 4 outputs, vectors of up to 16 tiles, channels or filters."""
    geometry = lambda out, pad: _geometry(out, (3, 3), 1, pad, 1, 1)  # noqa: E731
    for height, width in itertools.product((*range(1, 10), 13), range(1, 14)):
        yield Shape(1, 2, 3, geometry((height, width), height % 2))
    for width in range(14, 70):
        yield Shape(1, 1, 2, geometry((4, width), 1))
    for count in range(1, 34):
        yield Shape(1, count, 2, geometry((4, 5), 1))
        yield Shape(1, 2, count, geometry((5, 4), 0))
        yield Shape(count, 1, 1, geometry((3, 4), 1))


def cases() -> Iterator[Case]:
    """Yield every convolution."""
    for shape in _shapes():
        yield Case(_convolution, shape, False)
    for shape in _tiles():
        yield Case(_convolution, shape, True)
