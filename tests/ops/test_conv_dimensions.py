"""Convolutions of lines and volumes, and transposed ones: against naive loops and PyTorch, edge sizes, errors."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tinygrad_cnn as tg
from tests.nn.twin import check_twin
from tinygrad_cnn.autograd import gradcheck, gradgradcheck
from tinygrad_cnn.nn import functional as F
from tinygrad_cnn.ops import conv_kernels

CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
SIZES = {1: (7,), 2: (7, 6), 3: (5, 6, 4)}


def windows(x_size, weight, stride, dilation, place):
    """Return where in the padded input the window of an output place lies."""
    return tuple(
        slice(i * s, i * s + d * (k - 1) + 1, d)
        for i, s, d, k in zip(place, stride, dilation, weight.shape[2:], strict=True)
    )


def naive_conv(x, weight, bias, stride, padding, dilation, groups):
    """Sum over every window."""
    padded = np.pad(x, [(0, 0), (0, 0), *[(p, p) for p in padding]])
    sizes = [
        (size - d * (k - 1) - 1) // s + 1
        for size, d, k, s in zip(padded.shape[2:], dilation, weight.shape[2:], stride, strict=True)
    ]
    k, c = weight.shape[:2]
    y = np.zeros((len(x), k, *sizes), x.dtype)
    for n, o, *place in np.ndindex(y.shape):
        channels = slice(o // (k // groups) * c, o // (k // groups) * c + c)
        part = padded[(n, channels, *windows(x.shape, weight, stride, dilation, place))]
        y[(n, o, *place)] = (part * weight[o]).sum() + bias[o]
    return y


def naive_transposed(x, weight, bias, stride, padding, output_padding, dilation, groups):
    """Add each input value, weighted by the kernel, to the window that it stands for."""
    sizes = [
        (size - 1) * s + d * (k - 1) + 1 + extra
        for size, s, d, k, extra in zip(x.shape[2:], stride, dilation, weight.shape[2:], output_padding, strict=True)
    ]
    c, k = weight.shape[:2]
    y = np.zeros((len(x), k * groups, *sizes), x.dtype)
    for n, i, *place in np.ndindex(x.shape):
        group = i // (c // groups)
        where = windows(x.shape, weight, stride, dilation, place)
        y[(n, slice(group * k, group * k + k), *where)] += x[(n, i, *place)] * weight[i]
    inside = tuple(slice(p, size - p) for p, size in zip(padding, sizes, strict=True))
    return y[(slice(None), slice(None), *inside)] + bias.reshape(-1, *[1] * len(stride))


def arguments(dim, seed):
    """Return small random sizes, strides, paddings, dilations and groups."""
    rng = np.random.default_rng(seed)
    numbers = [tuple(int(v) for v in rng.integers(low, high, dim)) for low, high in ((1, 4), (1, 3), (0, 3), (1, 3))]
    return (*numbers, int(rng.integers(1, 3)), rng)


@pytest.mark.parametrize(("dim", "dtype"), [*itertools.product((1, 3), (np.float32, np.float64, np.int64))])
def test_against_naive_loops(dim, dtype, monkeypatch):
    """Small integers: the sums are exact, so the tolerance is 0. Slabs of one, two and all depths."""
    for seed in range(8):
        monkeypatch.setattr(conv_kernels, "MOST_COLUMNS", (1, 1000, 1 << 20)[seed % 3])
        conv_kernels._slabs.cache_clear()
        kernel, stride, padding, dilation, groups, rng = arguments(dim, seed)
        padding = tuple(max(p, d * (k - 1) // 2) for p, d, k in zip(padding, dilation, kernel, strict=True))
        x = rng.integers(-3, 4, (2, 2 * groups, *SIZES[dim])).astype(dtype)
        weight = rng.integers(-3, 4, (2 * groups, 2, *kernel)).astype(dtype)
        bias = rng.integers(-3, 4, 2 * groups).astype(dtype)
        y = CONV[dim](*map(tg.from_numpy, (x, weight, bias)), stride, padding, dilation, groups)
        assert y.numpy().dtype == dtype
        np.testing.assert_array_equal(y.numpy(), naive_conv(x, weight, bias, stride, padding, dilation, groups))
    conv_kernels._slabs.cache_clear()


@pytest.mark.parametrize(("dim", "dtype"), [*itertools.product((1, 2, 3), (np.float64, np.int64))])
def test_transposed_against_naive_loops(dim, dtype):
    for seed in range(6):
        kernel, stride, _, dilation, groups, rng = arguments(dim, seed)
        padding = tuple(min(1, d * (k - 1)) for d, k in zip(dilation, kernel, strict=True))
        extra = tuple(max(s, d) - 1 for s, d in zip(stride, dilation, strict=True))
        x = rng.integers(-3, 4, (2, 2 * groups, *[size - 3 for size in SIZES[dim]])).astype(dtype)
        weight = rng.integers(-3, 4, (2 * groups, 2, *kernel)).astype(dtype)
        bias = rng.integers(-3, 4, 2 * groups).astype(dtype)
        y = TRANSPOSED[dim](*map(tg.from_numpy, (x, weight, bias)), stride, padding, extra, groups, dilation)
        expected = naive_transposed(x, weight, bias, stride, padding, extra, dilation, groups)
        np.testing.assert_array_equal(y.numpy(), expected)


@pytest.mark.parametrize("dim", [1, 3])
@pytest.mark.parametrize("options", [{}, {"stride": 2, "padding": 1}, {"dilation": 2, "padding": 2, "groups": 2}])
def test_gradients_numerically(dim, options, rng, monkeypatch):
    monkeypatch.setattr(conv_kernels, "MOST_COLUMNS", 100)
    conv_kernels._slabs.cache_clear()
    groups, size = options.get("groups", 1), (5,) if dim == 1 else (3, 4, 3)
    shapes = (2, 2, *size), (2, 2 // groups, *(2, 3, 2)[:dim]), (2,)
    inputs = [tg.tensor(rng.standard_normal(shape)).requires_grad_() for shape in shapes]
    for function in (CONV[dim], TRANSPOSED[dim]):
        if function is TRANSPOSED[dim]:
            inputs[2] = tg.tensor(rng.standard_normal(2 // groups * groups)).requires_grad_()
        assert gradcheck(lambda x, w, b, f=function: f(x, w, b, **options), inputs)
        assert gradgradcheck(lambda x, w, b, f=function: f(x, w, b, **options), inputs)
    conv_kernels._slabs.cache_clear()


@pytest.mark.parametrize("dim", [1, 3])
def test_views_and_strides(dim, rng):
    x, weight = rng.standard_normal((2, *SIZES[dim], 3)), rng.standard_normal((*(3, 2, 2)[:dim], 4, 3))
    last = tuple(range(1, dim + 1))
    lead = tg.from_numpy(x).permute(0, dim + 1, *last)
    kernel = tg.from_numpy(weight).permute(dim, dim + 1, *range(dim))
    dense = CONV[dim](lead.contiguous(), kernel.contiguous(), padding=1)
    np.testing.assert_array_equal(CONV[dim](lead, kernel, padding=1).numpy(), dense.numpy())


@pytest.mark.parametrize("dim", [1, 3])
def test_a_convolution_is_one_node_and_saves_only_its_inputs(dim):
    x, w = tg.ones(1, 2, *SIZES[dim], requires_grad=True), tg.ones(3, 2, *[1] * dim, requires_grad=True)
    y = CONV[dim](x, w)
    assert y.grad_fn.name() == "ConvolutionBackward0"
    assert y.grad_fn.next_functions[0][0].name() == y.grad_fn.next_functions[1][0].name()  # both lead to leaves


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_empty(dim):
    x, w = tg.zeros(0, 2, *SIZES[dim], requires_grad=True), tg.ones(3, 2, *[2] * dim, requires_grad=True)
    y = CONV[dim](x, w)
    assert tuple(y.shape) == (0, 3, *[size - 1 for size in SIZES[dim]])
    y.sum().backward()
    assert x.grad.shape == x.shape and (w.grad == 0).all()
    assert (CONV[dim](tg.zeros(2, 0, *SIZES[dim]), tg.zeros(3, 0, *[2] * dim), tg.ones(3)) == 1).all()
    assert TRANSPOSED[dim](x, tg.ones(2, 3, *[2] * dim)).shape[0] == 0
    with pytest.raises(RuntimeError, match="the kernel has no elements"):
        TRANSPOSED[dim](tg.zeros(1, 2, *SIZES[dim]), tg.ones(2, 3, *[0] * dim))


ERRORS = {
    "rank": lambda t, f, n: f(t.zeros(4), t.zeros(6, 4, *[1] * n)),
    "weight_rank": lambda t, f, n: f(t.zeros(2, 4, *[5] * n), t.zeros(6, 4, *[1] * (n + 1))),
    "weight_rank_2": lambda t, f, n: f(t.zeros(2, 4, *[5] * n), t.zeros(6, 4)),
    "channels": lambda t, f, n: f(t.zeros(3, *[5] * n), t.zeros(6, 4, *[1] * n)),
    "groups": lambda t, f, n: f(t.zeros(2, 4, *[5] * n), t.zeros(6, 4, *[1] * n), groups=5),
    "groups_0": lambda t, f, n: f(t.zeros(2, 4, *[5] * n), t.zeros(6, 4, *[1] * n), groups=0),
    "bias": lambda t, f, n: f(t.zeros(2, 4, *[5] * n), t.zeros(4, 4, *[1] * n), t.zeros(5)),
    "stride": lambda t, f, n: f(t.zeros(2, 4, *[5] * n), t.zeros(4, 4, *[1] * n), stride=0),
    "stride_count": lambda t, f, n: f(t.zeros(2, 4, *[5] * n), t.zeros(4, 4, *[1] * n), stride=(1,) * (n + 1)),
    "padding": lambda t, f, n: f(t.zeros(2, 4, *[5] * n), t.zeros(4, 4, *[1] * n), padding=-1),
    "dilation": lambda t, f, n: f(t.zeros(2, 4, *[5] * n), t.zeros(4, 4, *[1] * n), dilation=-1),
    "no_length": lambda t, f, n: f(t.zeros(2, 4, *[0] * n), t.zeros(4, 4, *[1] * n), padding=1),
    "bool": lambda t, f, n: f(t.zeros(2, 4, *[5] * n).bool(), t.zeros(4, 4, *[1] * n).bool()),
}


@pytest.mark.parity
@pytest.mark.parametrize(("name", "dim"), [*itertools.product(ERRORS, (1, 2, 3))])
def test_errors_as_torch(name, dim):
    pytest.importorskip("torch")
    for kind in (f"conv{dim}d", f"conv_transpose{dim}d"):
        if (name, kind[:6]) == ("dilation", "conv_t") or (name, dim) == ("bool", 3):
            continue  # messages that depend on the sizes
        check_twin(lambda t, kind=kind: ERRORS[name](t, getattr(t.nn.functional, kind), dim))


OUTPUT_SIZES = [None, (9,), [10], (2, 3, 9), (8,), (11,), (1, 9)]


@pytest.mark.parity
@pytest.mark.parametrize("output_size", OUTPUT_SIZES)
def test_output_size_of_transposed_layers(output_size):
    pytest.importorskip("torch")
    check_twin(lambda t: tuple(t.nn.ConvTranspose1d(4, 3, 3, stride=2, padding=1)(t.zeros(2, 4, 5), output_size).shape))
    if output_size is not None and len(output_size) == 1:
        size = tuple(output_size) * 3
        check_twin(lambda t: tuple(t.nn.ConvTranspose3d(4, 3, 3, stride=2, padding=1)(t.zeros(4, 5, 5, 5), size).shape))


CONV_TBC = {
    "rank": ((5, 2), (2, 3, 4), (4,), 0),
    "weight": ((5, 2, 3), (3, 4), (4,), 0),
    "channels": ((5, 2, 3), (2, 2, 4), (4,), 0),
    "bias": ((5, 2, 3), (2, 3, 4), (5,), 0),
    "length": ((1, 2, 3), (4, 3, 4), (4,), 0),
    "good": ((5, 2, 3), (2, 3, 4), (4,), 1),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", CONV_TBC)
def test_conv_tbc_as_torch(name):
    pytest.importorskip("torch")
    *shapes, pad = CONV_TBC[name]
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape) for shape in shapes]
    check_twin(lambda t: t.nn.functional.conv_tbc(*[t.tensor(a) for a in arrays], pad), 1e-12, 1e-12)


def test_output_padding_of_a_kernel_of_one_cell():
    import tinygrad_cnn as torch

    x = torch.tensor([3.0, 2.0]).reshape(1, 1, 2, 1, 1)
    y = torch.nn.functional.conv_transpose3d(x, torch.ones(1, 1, 1, 1, 1), dilation=(1, 2, 1), output_padding=(0, 1, 0))
    assert y.flatten().tolist() == [3, 0, 2, 0]
