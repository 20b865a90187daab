"""Convolution, pooling and padding of random shapes and parameters against naive NumPy references in float64.

The references are loops over kernel positions or over windows and share nothing with the package.
"""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_cnn as torch
from tests.fuzz.cases import agree, examples, leaf, strided, values
from tinygrad_cnn.nn import functional as F

# ---------------------------------------------------------------------------------------------- convolution


def naive_conv(x, w, g, p):
    """Return output, input gradient and weight gradient of a convolution by a sum over kernel positions.

    `g` is the gradient of the output, or None for only the output. `p` holds stride, padding, dilation (pairs), groups.
    """
    (n, _, height, width), (out_channels, per_group, kh, kw) = x.shape, w.shape
    x = np.pad(x.astype(np.float64), ((0, 0), (0, 0), *((q, q) for q in p.padding)))
    w = w.astype(np.float64).reshape(p.groups, out_channels // p.groups, per_group, kh, kw)
    size = [
        (x.shape[2 + axis] - p.dilation[axis] * (w.shape[3 + axis] - 1) - 1) // p.stride[axis] + 1 for axis in (0, 1)
    ]
    grouped = x.reshape(n, p.groups, per_group, *x.shape[2:])
    out = np.zeros((n, p.groups, out_channels // p.groups, *size))
    dx, dw = np.zeros_like(grouped), np.zeros_like(w)
    for i in range(kh):
        for j in range(kw):
            rows = slice(i * p.dilation[0], i * p.dilation[0] + (size[0] - 1) * p.stride[0] + 1, p.stride[0])
            columns = slice(j * p.dilation[1], j * p.dilation[1] + (size[1] - 1) * p.stride[1] + 1, p.stride[1])
            window = grouped[:, :, :, rows, columns]
            out += np.einsum("ngchw,gfc->ngfhw", window, w[..., i, j])
            if g is not None:
                upstream = g.astype(np.float64).reshape(out.shape)
                dw[..., i, j] = np.einsum("ngchw,ngfhw->gfc", window, upstream)
                dx[:, :, :, rows, columns] += np.einsum("ngfhw,gfc->ngchw", upstream, w[..., i, j])
    top, left = p.padding
    dx = dx.reshape(x.shape)[:, :, top : top + height, left : left + width]
    return out.reshape(n, out_channels, *size), dx, dw.reshape(out_channels, per_group, kh, kw)


@st.composite
def convolutions(draw):
    """Draw shapes and parameters of a convolution with at least one output position."""
    pair = lambda low, high: (draw(st.integers(low, high)), draw(st.integers(low, high)))  # noqa: E731
    p = SimpleNamespace(stride=pair(1, 3), padding=pair(0, 3), dilation=pair(1, 3), groups=draw(st.integers(1, 3)))
    kernel = pair(1, 5)
    size = [
        max(1, p.dilation[axis] * (kernel[axis] - 1) + 1 - 2 * p.padding[axis]) + draw(st.integers(0, 9))
        for axis in (0, 1)
    ]
    per_group, filters = draw(st.integers(1, 5)), draw(st.integers(1, 9))
    x = (draw(st.integers(0, 3)), per_group * p.groups, *size)
    return x, (filters * p.groups, per_group, *kernel), p


@examples(150)
@given(convolutions(), st.booleans(), st.data())
def test_conv2d(case, with_bias, data):
    x_shape, w_shape, p = case
    out_shape = naive_conv(np.zeros(x_shape), np.zeros(w_shape), None, p)[0].shape
    exact, (x, w, b, g) = values(data, x_shape, w_shape, (w_shape[0],), out_shape)
    x_t, w_t, b_t = leaf(x), leaf(w), leaf(b) if with_bias else None
    out = F.conv2d(x_t, w_t, b_t, p.stride, p.padding, p.dilation, p.groups)
    out.backward(torch.tensor(g))
    expected = naive_conv(x, w, g, p)
    magnitudes = naive_conv(abs(x), abs(w), abs(g), p)
    shift = b[:, None, None] if with_bias else np.float32(0)
    positions = x_shape[0] * math.prod(out_shape[2:])
    agree(out, expected[0] + shift, magnitudes[0] + abs(shift), math.prod(w_shape[1:]) + 1, exact)
    agree(x_t.grad, expected[1], magnitudes[1], math.prod(w_shape[2:]) * w_shape[0] // p.groups, exact)
    agree(w_t.grad, expected[2], magnitudes[2], positions, exact)
    if with_bias:
        agree(b_t.grad, g.sum((0, 2, 3), dtype=np.float64), abs(g).sum((0, 2, 3)), positions, exact)


# -------------------------------------------------------------------------------------------------- pooling


def pooled(size, p, axis):
    """Return the output size of pooling along one axis; in ceil mode the last window must start inside."""
    k, s, pad, d = p.kernel[axis], p.stride[axis], p.padding[axis], p.dilation[axis]
    room = size + 2 * pad - d * (k - 1) - 1
    count = (-(-room // s) if p.ceil_mode else room // s) + 1
    return count - 1 if p.ceil_mode and (count - 1) * s >= size + pad else count


def windows(size, p, axis):
    """Return for every output position the input positions of its window and the count with padding."""
    found = []
    for position in range(pooled(size, p, axis)):
        start = position * p.stride[axis] - p.padding[axis]
        inside = [q for q in range(start, start + p.dilation[axis] * p.kernel[axis], p.dilation[axis]) if 0 <= q < size]
        found.append((inside, min(start + p.kernel[axis], size + p.padding[axis]) - start))
    return found


@st.composite
def poolings(draw, dilated=True):
    """Draw a shape and the parameters of a pooling with at least one output position."""
    pair = lambda low, high: (draw(st.integers(low, high)), draw(st.integers(low, high)))  # noqa: E731
    kernel = pair(1, 5)
    p = SimpleNamespace(
        kernel=kernel,
        stride=pair(1, 4),
        padding=tuple(draw(st.integers(0, k // 2)) for k in kernel),
        dilation=pair(1, 3) if dilated else (1, 1),
        ceil_mode=draw(st.booleans()),
    )
    size = [
        max(1, p.dilation[axis] * (kernel[axis] - 1) + 1 - 2 * p.padding[axis]) + draw(st.integers(0, 8))
        for axis in (0, 1)
    ]
    lead = draw(st.sampled_from([(), (0,), (1,), (2,)]))
    return (*lead, draw(st.integers(1, 3)), *size), p


@examples(150)
@given(poolings(), st.booleans(), st.data())
def test_extreme_pooling(case, smallest, data):
    shape, p = case
    _, (x,) = values(data, shape)
    rows, columns = windows(shape[-2], p, 0), windows(shape[-1], p, 1)
    flat = x.reshape(math.prod(shape[:-2]), shape[-2] * shape[-1])
    out_shape = (*shape[:-2], len(rows), len(columns))
    expected = np.full((len(flat), len(rows), len(columns)), np.inf if smallest else -np.inf, np.float32)
    where = np.full(expected.shape, -1)
    upstream = np.arange(1, expected.size + 1, dtype=np.float32).reshape(expected.shape)
    gradient = np.zeros_like(flat)
    for i, (ys, _) in enumerate(rows):
        for j, (xs, _) in enumerate(columns):
            inside = np.array([y * shape[-1] + q for y in ys for q in xs])
            for image in range(len(flat) if len(inside) else 0):
                # argmax takes the first of equal values, in row-major order of the window, as PyTorch does
                best = inside[(np.argmin if smallest else np.argmax)(flat[image, inside])]
                expected[image, i, j], where[image, i, j] = flat[image, best], best
                gradient[image, best] += upstream[image, i, j]

    x_t = leaf(x)
    pool = F.min_pool2d if smallest else F.max_pool2d
    out, indices = pool(x_t, p.kernel, p.stride, p.padding, p.dilation, p.ceil_mode, return_indices=True)
    out.backward(torch.tensor(upstream.reshape(out_shape)))
    np.testing.assert_array_equal(out.detach().numpy(), expected.reshape(out_shape))
    # where a dilated window lies wholly in the padding there is no element to point at, and none gets a gradient
    np.testing.assert_array_equal(np.where(where < 0, -1, indices.numpy().reshape(where.shape)), where)
    np.testing.assert_array_equal(x_t.grad.numpy(), gradient.reshape(shape))


@examples(120)
@given(poolings(dilated=False), st.booleans(), st.sampled_from([None, 1, 3, -2]), st.data())
def test_average_pooling(case, count_include_pad, divisor, data):
    shape, p = case
    rows, columns = windows(shape[-2], p, 0), windows(shape[-1], p, 1)
    out_shape = (*shape[:-2], len(rows), len(columns))
    _, (x, g) = values(data, shape, out_shape)
    expected, magnitude = np.zeros(out_shape), np.zeros(out_shape)
    gradient, spread = np.zeros(shape), np.zeros(shape)
    for i, (ys, high) in enumerate(rows):
        for j, (xs, wide) in enumerate(columns):
            by = divisor or (high * wide if count_include_pad else len(ys) * len(xs))
            window = x[..., ys, :][..., xs].astype(np.float64)
            expected[..., i, j] = window.sum((-2, -1)) / by
            magnitude[..., i, j] = abs(window).sum((-2, -1)) / abs(by)
            gradient[..., np.ix_(ys, xs)[0], np.ix_(ys, xs)[1]] += g[..., i, j, None, None].astype(np.float64) / by
            spread[..., np.ix_(ys, xs)[0], np.ix_(ys, xs)[1]] += abs(g[..., i, j, None, None]) / abs(by)
    x_t = leaf(x)
    out = F.avg_pool2d(x_t, p.kernel, p.stride, p.padding, p.ceil_mode, count_include_pad, divisor)
    out.backward(torch.tensor(g))
    agree(out, expected, magnitude, math.prod(p.kernel), False)
    agree(x_t.grad, gradient, spread, math.prod(p.kernel), False)


# -------------------------------------------------------------------------------------------------------------- padding

PADS = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@examples(100)
@given(st.sampled_from(sorted(PADS)), st.tuples(*[st.integers(1, 6)] * 4), st.data())
def test_pad(mode, shape, data):
    high = {"constant": 6, "replicate": 6, "reflect": -1, "circular": 0}[mode]
    amounts = [
        [data.draw(st.integers(0, high if high > 0 else size + high), label="pad") for _ in "ab"] for size in shape[2:]
    ]
    array, tensor = strided(data, shape)
    keywords = {"constant_values": 2.5} if mode == "constant" else {}
    around = ((0, 0), (0, 0), *amounts)
    expected = np.pad(array, around, PADS[mode], **keywords)
    # the gradient: every output element adds to the input element that it was copied from
    source = np.pad(
        np.arange(array.size).reshape(shape), around, PADS[mode], **({"constant_values": -1} if keywords else {})
    )
    upstream = np.arange(1, expected.size + 1, dtype=np.float32)
    gradient = np.bincount(source.ravel() + 1, upstream, array.size + 1)[1:].reshape(shape)

    x = tensor.detach().requires_grad_()
    out = F.pad(x, (*amounts[1], *amounts[0]), mode, 2.5 if keywords else None)
    out.backward(torch.tensor(upstream.reshape(expected.shape)))
    np.testing.assert_array_equal(out.detach().numpy(), expected)
    np.testing.assert_array_equal(x.grad.numpy(), gradient)
