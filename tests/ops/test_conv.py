"""Convolution: the lecture's figures, a naive reference, PyTorch, numerical gradients, errors."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tinygrad_cnn as tg
from tests.nn.twin import check_twin, from_numpy_pair
from tinygrad_cnn import nn
from tinygrad_cnn.autograd import gradcheck, gradgradcheck
from tinygrad_cnn.nn import functional as F

IMAGE = [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]
KERNEL = [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
PADDED_IMAGE = ["1110000", "0110101", "0011000", "1100001", "0011000", "0000111", "0001101"]


def naive_conv2d(x, weight, bias, stride, padding, dilation, groups):
    """Sum over every window, in float64; padding is (top, bottom, left, right)."""
    n, _, h, w = x.shape
    k, c, r, s = weight.shape
    top, bottom, left, right = padding
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (top, bottom), (left, right)))
    oh = (h + top + bottom - dilation[0] * (r - 1) - 1) // stride[0] + 1
    ow = (w + left + right - dilation[1] * (s - 1) - 1) // stride[1] + 1
    y = np.zeros((n, k, oh, ow))
    for b, o, i, j in np.ndindex(y.shape):
        first = o // (k // groups) * c
        rows = slice(i * stride[0], i * stride[0] + dilation[0] * (r - 1) + 1, dilation[0])
        columns = slice(j * stride[1], j * stride[1] + dilation[1] * (s - 1) + 1, dilation[1])
        y[b, o, i, j] = (padded[b, first : first + c, rows, columns] * weight[o]).sum()
    return y if bias is None else y + bias[:, None, None]


@pytest.mark.parametrize("dtype", [tg.float32, tg.float64, tg.int64, tg.int32, tg.uint8])
def test_the_lectures_figure(dtype):
    image, kernel = tg.tensor([[IMAGE]], dtype=dtype), tg.tensor([[KERNEL]], dtype=dtype)
    y = F.conv2d(image, kernel)
    assert y.dtype is dtype
    assert y[0, 0].tolist() == [[4, 3, 4], [2, 4, 3], [2, 3, 4]]


def test_the_lectures_padded_figure():
    image = tg.tensor([[[[float(c) for c in row] for row in PADDED_IMAGE]]])
    y = F.conv2d(image, tg.tensor([[KERNEL]]).float(), stride=3, padding=1)
    assert y[0, 0].tolist() == [[2, 2, 0], [1, 2, 1], [0, 2, 2]]
    layer = nn.Conv2d(in_channels=1, out_channels=1, kernel_size=(3, 3), stride=(2, 2), padding=1)
    assert tuple(layer(image).shape) == (1, 1, 4, 4)


GRID = list(
    itertools.product(
        [(1, 1), (2, 3)],  # stride
        [(0, 0), (1, 2)],  # padding
        [(1, 1), (2, 1)],  # dilation
        [(4, 6, 1), (4, 6, 2), (4, 4, 4)],  # in, out, groups
        [(1, 1), (3, 3), (2, 3)],  # kernel
    )
)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_against_the_naive_reference(dtype, rng):
    """Small integers: the sums are exact, so the tolerance is 0."""
    for stride, padding, dilation, (c, k, groups), kernel in GRID:
        x = rng.integers(-3, 4, (2, c, 7, 8)).astype(dtype)
        weight = rng.integers(-3, 4, (k, c // groups, *kernel)).astype(dtype)
        bias = rng.integers(-3, 4, k).astype(dtype)
        args = [tg.from_numpy(a) for a in (x, weight, bias)]
        got = F.conv2d(*args, stride, padding, dilation, groups).numpy()
        p = (padding[0], padding[0], padding[1], padding[1])
        expected = naive_conv2d(x, weight, bias, stride, p, dilation, groups)
        np.testing.assert_array_equal(got, expected)
        assert got.dtype == dtype


@pytest.mark.parametrize("kernel", [(1, 1), (2, 3), (4, 5), (3, 6)])
@pytest.mark.parametrize("dilation", [1, 2])
def test_same_padding(kernel, dilation, rng):
    x = rng.integers(-3, 4, (2, 2, 9, 8)).astype(np.float64)
    weight = rng.integers(-3, 4, (3, 2, *kernel)).astype(np.float64)
    padding = []
    for size in kernel:  # the extra one of an odd amount is below and on the right
        total = dilation * (size - 1)
        padding += [total // 2, total - total // 2]
    expected = naive_conv2d(x, weight, None, (1, 1), padding, (dilation, dilation), 1)
    got = F.conv2d(tg.from_numpy(x), tg.from_numpy(weight), padding="same", dilation=dilation)
    assert got.shape[2:] == x.shape[2:]
    np.testing.assert_array_equal(got.numpy(), expected)


@pytest.mark.parity
def test_forward_and_gradients_as_torch(rng):
    torch = pytest.importorskip("torch")
    for stride, padding, dilation, (c, k, groups), kernel in GRID[::5]:
        arrays = [rng.standard_normal(s) for s in ((2, c, 7, 8), (k, c // groups, *kernel), (k,))]
        grads = []
        for library, function in ((tg, F.conv2d), (torch, torch.nn.functional.conv2d)):
            tensors = [library.tensor(a.tolist(), dtype=library.float64, requires_grad=True) for a in arrays]
            y = function(*tensors, stride, padding, dilation, groups)
            (y * y).sum().backward()
            grads.append([y.detach().numpy(), *[tensor.grad.numpy() for tensor in tensors]])
        for ours, theirs in zip(*grads, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("options", "shapes"),
    [
        ({}, ((2, 2, 5, 4), (3, 2, 3, 2), (3,))),
        ({"stride": (2, 1), "padding": (1, 2)}, ((1, 2, 5, 4), (2, 2, 2, 3), (2,))),
        ({"dilation": (2, 1), "padding": 1, "groups": 2}, ((2, 4, 5, 4), (2, 2, 2, 2), (2,))),
        ({"padding": "same"}, ((2, 4, 3), (2, 2, 2, 4), (2,))),
    ],
)
def test_gradients_numerically(options, shapes, rng):
    shapes = list(shapes)
    if len(shapes[0]) == 3:
        shapes[0] = (2, *shapes[0][1:])
    inputs = [tg.tensor(rng.standard_normal(shape).tolist(), dtype=tg.float64, requires_grad=True) for shape in shapes]

    def function(x, weight, bias):
        return F.conv2d(x, weight, bias, **options)

    assert gradcheck(function, inputs)
    assert gradgradcheck(function, inputs)


def test_the_biass_gradient_differentiated_alone(rng):
    x, weight, bias = (
        tg.tensor(rng.standard_normal(shape).tolist(), dtype=tg.float64, requires_grad=True)
        for shape in ((2, 2, 5, 4), (3, 2, 3, 2), (3,))
    )
    y = F.conv2d(x, weight, bias)
    (dbias,) = tg.autograd.grad((y * y * y).sum(), [bias], create_graph=True)
    (second,) = tg.autograd.grad(dbias.sum(), [bias])
    np.testing.assert_allclose(dbias.detach().numpy(), (3 * y.detach().numpy() ** 2).sum((0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(second.numpy(), (6 * y.detach().numpy()).sum((0, 2, 3)), rtol=1e-12)


def test_only_wanted_gradients(rng):
    x = tg.tensor(rng.standard_normal((1, 1, 4, 4)).tolist())
    weight = tg.ones(1, 1, 2, 2, requires_grad=True)
    node = F.conv2d(x, weight).grad_fn
    assert node.name() == "ConvolutionBackward0"
    assert node.needs_input_grad == (False, True, False)
    dx, dweight, dbias = node.run([tg.ones(1, 1, 3, 3)])
    assert dx is None and dbias is None and tuple(dweight.shape) == (1, 1, 2, 2)


def test_views_and_strides(rng):
    x = rng.integers(-3, 4, (2, 6, 6, 3)).astype(np.float32)
    weight = rng.integers(-3, 4, (2, 3, 3, 3)).astype(np.float32)
    nchw = tg.from_numpy(x).permute(0, 3, 1, 2)[:, :, ::2]
    w = tg.from_numpy(weight).flip(2)
    got = F.conv2d(nchw, w, padding=1)
    expected = naive_conv2d(x.transpose(0, 3, 1, 2)[:, :, ::2], weight[:, :, ::-1], None, (1, 1), (1,) * 4, (1, 1), 1)
    np.testing.assert_array_equal(got.numpy(), expected)


def test_empty_batch_and_channels():
    weight = tg.ones(3, 2, 3, 3, requires_grad=True)
    x = tg.zeros(0, 2, 5, 5, requires_grad=True)
    y = F.conv2d(x, weight, tg.ones(3))
    assert tuple(y.shape) == (0, 3, 3, 3)
    y.sum().backward()
    assert tuple(x.grad.shape) == (0, 2, 5, 5) and (weight.grad == 0).all()
    no_channels = F.conv2d(tg.zeros(2, 0, 4, 4), tg.zeros(3, 0, 3, 3), tg.ones(3))
    assert (no_channels == 1).all()


@pytest.mark.parametrize(
    "options", [{}, {"stride": 2, "output_padding": 1}, {"padding": 1, "dilation": 2}, {"groups": 2, "stride": (1, 2)}]
)
def test_transposed(options, rng):
    groups = options.get("groups", 1)
    arrays = [rng.standard_normal(s) for s in ((2, 4, 3, 4), (4, 3, 2, 3), (3 * groups,))]
    inputs = [tg.tensor(a.tolist(), dtype=tg.float64, requires_grad=True) for a in arrays]

    def function(x, weight, bias):
        return F.conv_transpose2d(x, weight, bias, **options)

    assert gradcheck(function, inputs)
    assert gradgradcheck(function, inputs)
    torch = pytest.importorskip("torch")
    expected = torch.nn.functional.conv_transpose2d(*[torch.from_numpy(a) for a in arrays], **options)
    np.testing.assert_allclose(function(*inputs).detach().numpy(), expected.numpy(), rtol=1e-10, atol=1e-12)


# ---------------------------------------------------------------- errors


def conv(x=(2, 4, 6, 6), w=(8, 4, 3, 3), b=None, dtypes=("float32",) * 3, **options):
    """A case: call conv2d on zeros of these shapes."""

    def code(torch):
        tensors = [
            None if shape is None else torch.zeros(shape, dtype=getattr(torch, dtype))
            for shape, dtype in zip((x, w, b), dtypes, strict=True)
        ]
        return tuple(torch.nn.functional.conv2d(*tensors, **options).shape)

    return code


ERRORS = {
    "bias_size": conv(b=(7,)),
    "bias_rank": conv(b=(8, 1)),
    "channels": conv(w=(8, 3, 3, 3)),
    "rank_2": conv(x=(6, 6)),
    "rank_5": conv(x=(1, 2, 4, 6, 6)),
    "groups_divide": conv(w=(9, 2, 3, 3), groups=2),
    "groups_zero": conv(w=(8, 2, 3, 3), groups=0),
    "groups_negative": conv(groups=-1),
    "groups_channels": conv(w=(9, 1, 3, 3), groups=3),
    "kernel_larger": conv(w=(8, 4, 7, 7)),
    "kernel_larger_padded": conv(w=(8, 4, 7, 3), padding=(0, 1)),
    "dilated_larger": conv(dilation=4),
    "stride_zero": conv(stride=0),
    "stride_negative": conv(stride=-1),
    "padding_negative": conv(padding=-1),
    "dilation_zero": conv(dilation=0),
    "stride_length": conv(stride=(1, 2, 3)),
    "padding_string": conv(padding="foo"),
    "same_strided": conv(padding="same", stride=2),
    "same": conv(padding="same"),
    "valid": conv(padding="valid"),
    "weight_dtype": conv(b=(8,), dtypes=("float64", "float32", "float32")),
    "bias_dtype": conv(b=(8,), dtypes=("float32", "float32", "float64")),
    "batchless": conv(x=(4, 6, 6)),
    "no_images": conv(x=(0, 4, 6, 6)),
    "no_channels": conv(x=(2, 0, 6, 6)),
    "no_kernels": conv(w=(0, 4, 3, 3)),
    "no_rows": conv(x=(2, 4, 0, 6)),
    "list": conv(stride=[2], padding=(1,)),
    "bool": conv(dtypes=("bool", "bool", "bool")),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", ERRORS)
def test_errors_as_torch(name):
    pytest.importorskip("torch")
    check_twin(ERRORS[name])


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"stride": 1.5}, TypeError, r"conv2d\(\): argument 'stride' \(position 4\) must be tuple of ints, not float"),
        ({"stride": True}, TypeError, "must be tuple of ints, not bool"),
        ({"padding": [[1]]}, TypeError, "found element of type list at pos 0"),
        ({"groups": 1.0}, TypeError, "argument 'groups' .* must be int, not float"),
        ({"padding": 2**40}, RuntimeError, "overflow"),
        ({"stride": 2**70}, ValueError, "Overflow when unpacking long long"),
    ],
)
def test_arguments(options, error, text):
    with pytest.raises(error, match=text):
        F.conv2d(tg.zeros(2, 4, 6, 6), tg.zeros(8, 4, 3, 3), **options)


def test_not_tensors():
    with pytest.raises(TypeError, match=r"argument 'input' \(position 1\) must be Tensor, not ndarray"):
        F.conv2d(np.zeros((1, 1, 3, 3)), tg.zeros(1, 1, 2, 2))
    with pytest.raises(TypeError, match=r"argument 'weight' \(position 2\) must be Tensor, not list"):
        F.conv2d(tg.zeros(1, 1, 3, 3), [1])
    with pytest.raises(RuntimeError, match="weight should have at least three dimensions"):
        F.conv2d(tg.zeros(1, 1, 3, 3), tg.zeros(1, 1))


TRANSPOSED_ERRORS = {
    "channels": lambda t: t.nn.functional.conv_transpose2d(t.zeros(2, 4, 6, 6), t.zeros(5, 3, 3, 3)),
    "output_padding": lambda t: t.nn.functional.conv_transpose2d(
        t.zeros(2, 4, 6, 6), t.zeros(4, 3, 3, 3), output_padding=1
    ),
    "output_padding_negative": lambda t: t.nn.functional.conv_transpose2d(
        t.zeros(2, 4, 6, 6), t.zeros(4, 3, 3, 3), output_padding=-1
    ),
    "bias": lambda t: t.nn.functional.conv_transpose2d(t.zeros(2, 4, 6, 6), t.zeros(4, 3, 3, 3), t.zeros(4)),
    "groups": lambda t: t.nn.functional.conv_transpose2d(t.zeros(2, 4, 6, 6), t.zeros(4, 3, 3, 3), groups=3),
    "no_images": lambda t: t.nn.functional.conv_transpose2d(t.zeros(0, 4, 6, 6), t.zeros(4, 3, 3, 3)),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", TRANSPOSED_ERRORS)
def test_transposed_errors_as_torch(name):
    pytest.importorskip("torch")
    check_twin(TRANSPOSED_ERRORS[name])


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parity
@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("padding", [0, (2, 1), "same", "valid"])
def test_padding_modes_of_the_layer(mode, padding, rng):
    torch = pytest.importorskip("torch")
    x, tx = from_numpy_pair(rng.standard_normal((2, 2, 6, 5)).astype(np.float32))
    results = []
    for library, data in ((tg, x), (torch, tx)):
        library.manual_seed(1)
        layer = library.nn.Conv2d(2, 3, (3, 2), padding=padding, padding_mode=mode)
        y = layer(data)
        (y * y).sum().backward()
        results.append([t.detach().numpy() for t in (y, layer.weight.grad, layer.bias.grad)])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
