"""tc_conv2d and its gradients against plain loops, and against PyTorch for larger shapes."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from tests.builds import failing_memory, needs_failing_memory
from tests.core import reference_conv as reference
from tests.core.raw import Guarded, code, ptr
from tests.core.reference_conv import Geometry
from tinygrad_cnn._core import ffi, lib

GEOMETRIES = {
    "plain": Geometry((2, 3, 7, 8), 4, (3, 3)),
    "one channel": Geometry((2, 1, 9, 9), 6, (5, 5), pad=(2, 2, 2, 2)),
    "many filters": Geometry((1, 5, 5, 6), 37, (3, 2)),
    "many channels": Geometry((1, 70, 4, 5), 3, (3, 3), pad=(1, 1, 1, 1)),
    "stride 2": Geometry((2, 3, 9, 8), 5, (3, 3), stride=(2, 2), pad=(1, 1, 1, 1)),
    "stride 3, 2": Geometry((1, 2, 11, 10), 3, (4, 3), stride=(3, 2)),
    "stride past the kernel": Geometry((2, 2, 10, 11), 3, (2, 1), stride=(3, 4)),
    "stride past the image": Geometry((1, 2, 3, 3), 3, (2, 2), stride=(7, 9)),
    "dilation": Geometry((1, 2, 11, 12), 3, (3, 3), dilation=(2, 3)),
    "dilation and stride": Geometry((1, 2, 13, 12), 3, (3, 3), stride=(2, 3), dilation=(2, 2), pad=(1, 2, 2, 1)),
    "dilation over a common stride": Geometry(
        (1, 2, 17, 14), 2, (4, 3), stride=(4, 6), dilation=(6, 4), pad=(9, 0, 3, 1)
    ),
    "asymmetric padding": Geometry((2, 2, 6, 5), 3, (3, 4), pad=(0, 3, 2, 1)),
    "windows wholly in padding": Geometry((1, 2, 4, 3), 3, (2, 2), pad=(5, 4, 6, 3)),
    "image smaller than the kernel": Geometry((1, 2, 2, 3), 3, (5, 4), pad=(2, 2, 1, 2)),
    "kernel is the image": Geometry((3, 4, 5, 5), 7, (5, 5)),
    "one pixel": Geometry((2, 3, 1, 1), 4, (1, 1)),
    "row kernel": Geometry((1, 3, 4, 20), 5, (1, 7), pad=(0, 0, 3, 3)),
    "column kernel": Geometry((1, 3, 20, 4), 5, (7, 1), pad=(3, 3, 0, 0)),
    "pointwise": Geometry((3, 5, 6, 7), 9, (1, 1)),
    "pointwise, stride": Geometry((2, 5, 7, 8), 9, (1, 1), stride=(2, 2)),
    "pointwise, padding": Geometry((2, 3, 4, 4), 3, (1, 1), pad=(1, 0, 2, 1)),
    "pointwise, groups": Geometry((2, 6, 4, 5), 9, (1, 1), groups=3),
    "groups": Geometry((2, 6, 6, 7), 9, (3, 3), pad=(1, 1, 1, 1), groups=3),
    "groups and stride": Geometry((1, 4, 9, 8), 6, (3, 3), stride=(2, 3), pad=(1, 1, 1, 1), groups=2),
    "depthwise": Geometry((2, 5, 8, 20), 5, (3, 3), pad=(1, 1, 1, 1), groups=5),
    "depthwise, stride": Geometry((2, 3, 9, 19), 3, (3, 3), stride=(2, 2), pad=(1, 1, 1, 1), groups=3),
    "depthwise, stride of rows": Geometry((2, 3, 9, 37), 3, (3, 2), stride=(2, 1), pad=(1, 1, 0, 1), groups=3),
    "depthwise, large stride of rows": Geometry((1, 2, 11, 9), 2, (2, 1), stride=(3, 1), groups=2),
    "depthwise, multiplier 2": Geometry((1, 3, 7, 9), 6, (3, 3), groups=3),
    "depthwise, multiplier 5": Geometry((1, 2, 7, 9), 10, (3, 3), groups=2),
    "depthwise, dilation": Geometry((2, 3, 9, 30), 3, (3, 2), dilation=(2, 3), pad=(1, 2, 3, 1), groups=3),
    "depthwise, dilation and stride": Geometry(
        (1, 2, 14, 37), 2, (3, 4), stride=(3, 2), dilation=(2, 3), pad=(2, 1, 3, 4), groups=2
    ),
    "depthwise, stride past the image": Geometry((1, 2, 3, 3), 2, (2, 2), stride=(7, 9), groups=2),
    "depthwise, large kernel": Geometry((1, 2, 9, 21), 2, (7, 5), pad=(3, 3, 2, 2), groups=2),
    "small images side by side": Geometry((9, 17, 4, 5), 7, (3, 3), pad=(1, 1, 1, 1)),
    "channels and stride": Geometry((2, 20, 9, 8), 5, (3, 3), stride=(2, 2), pad=(1, 1, 1, 1)),
    "channels and dilation": Geometry((2, 19, 9, 10), 5, (3, 3), dilation=(2, 2)),
    "channels, pointwise, stride": Geometry((3, 18, 7, 9), 8, (1, 1), stride=(2, 3)),
    "pointwise, stride, images": Geometry((9, 5, 7, 8), 6, (1, 1), stride=(2, 2)),
    "pointwise, stride, pixels left over": Geometry((8, 3, 8, 11), 4, (1, 1), stride=(3, 4)),
    "pointwise, stride of columns": Geometry((8, 3, 4, 40), 4, (1, 1), stride=(1, 2)),
    "channels and groups": Geometry((2, 36, 6, 5), 8, (3, 3), pad=(1, 1, 1, 1), groups=2),
}


@pytest.fixture(autouse=True)
def directly():
    """Leave Winograd's way, whose fractions are not exact, to test_conv_winograd.py."""
    before = lib.tc_get_winograd()
    lib.tc_set_winograd(lib.TC_WINOGRAD_OFF)
    yield
    lib.tc_set_winograd(before)


@pytest.fixture(params=GEOMETRIES, ids=lambda name: name.replace(" ", "_"))
def geometry(request):
    return GEOMETRIES[request.param]


def params(g: Geometry, relu=0):
    p = ffi.new("tc_conv2d_params *")
    p.n, p.c, p.h, p.w = g.x_shape
    p.k, p.r, p.s = g.filters, *g.kernel
    p.oh, p.ow = g.y_shape[2:]
    p.stride_h, p.stride_w = g.stride
    p.pad_h, p.pad_w = g.pad[0], g.pad[2]
    p.dilation_h, p.dilation_w = g.dilation
    p.groups = g.groups
    p.relu = relu
    return p


def forward(g, x, weight, bias=None, offset=0, relu=0):
    out = Guarded(g.y_shape, x.dtype, offset)
    assert lib.tc_conv2d(code(x), params(g, relu), ptr(x), ptr(weight), ptr(bias), ptr(out.array)) == lib.TC_OK
    return out.check()


def input_grad(g, dy, weight, offset=0):
    out = Guarded(g.x_shape, dy.dtype, offset)
    assert lib.tc_conv2d_input_grad(code(dy), params(g), ptr(dy), ptr(weight), ptr(out.array)) == lib.TC_OK
    return out.check()


def weight_grad(g, dy, x, offset=0):
    out = Guarded(g.weight_shape, dy.dtype, offset)
    assert lib.tc_conv2d_weight_grad(code(dy), params(g), ptr(dy), ptr(x), ptr(out.array), ffi.NULL) == lib.TC_OK
    return out.check()


def weight_and_bias_grad(g, dy, x, offset=0):
    out, bias = Guarded(g.weight_shape, dy.dtype, offset), Guarded((g.filters,), dy.dtype, offset)
    status = lib.tc_conv2d_weight_grad(code(dy), params(g), ptr(dy), ptr(x), ptr(out.array), ptr(bias.array))
    assert status == lib.TC_OK
    return out.check(), bias.check()


def operands(g, rng, dtype, exact=True):
    """Return x, weight, bias, dy: small integers, whose sums are exact, or normal numbers."""
    shapes = (g.x_shape, g.weight_shape, (g.filters,), g.y_shape)
    if exact:
        return [rng.integers(-3, 4, shape).astype(dtype) for shape in shapes]
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


@cache
def exact_problem(g: Geometry):
    """Return exact operands in float64, and y without bias, dx and dweight by plain loops."""
    x, weight, bias, dy = operands(g, np.random.default_rng(0), np.float64)
    return (x, weight, bias, dy), (reference.conv2d(g, x, weight), *reference.conv2d_grads(g, x, weight, dy))


def test_agrees_with_plain_loops(isa, dtype, threads, geometry):
    exact, (y, dx, dweight) = exact_problem(geometry)
    x, weight, bias, dy = (array.astype(dtype) for array in exact)
    offset = x.itemsize
    assert np.array_equal(forward(geometry, x, weight, offset=offset), y)
    y = y + bias[:, None, None]
    assert np.array_equal(forward(geometry, x, weight, bias), y)
    assert np.array_equal(forward(geometry, x, weight, bias, relu=1), np.maximum(y, 0))
    assert np.array_equal(input_grad(geometry, dy, weight, offset), dx)
    assert np.array_equal(weight_grad(geometry, dy, x, offset), dweight)
    with_bias = weight_and_bias_grad(geometry, dy, x, offset)
    assert np.array_equal(with_bias[0], dweight)
    assert np.array_equal(with_bias[1], dy.sum((0, 2, 3)))


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_every_width_of_a_depthwise_image(isa, dtype, stride, rng):
    for width in (*range(1, 38), 63, 64, 65, 66, 70):
        g = Geometry((1, 2, 3, width), 2, (3, 3), stride=(1, stride), pad=(1, 1, 1, 1), groups=2)
        x, weight, _, dy = operands(g, rng, dtype)
        dx, dweight = reference.conv2d_grads(g, x, weight, dy)
        assert np.array_equal(forward(g, x, weight), reference.conv2d(g, x, weight)), width
        assert np.array_equal(input_grad(g, dy, weight), dx), width
        assert np.array_equal(weight_grad(g, dy, x), dweight), width


@pytest.mark.parametrize("left", range(5))
@pytest.mark.parametrize("right", [0, 1, 4])
def test_pairs_of_columns_at_every_width(isa, dtype, left, right, rng):
    """A stride of 2 sorts pixels into two planes at once, whichever of them has the first pixel, and the last."""
    for width in (*range(1, 20), 31, 32, 33, 34):
        for kernel in (2, 3):
            if width + left + right < kernel:
                continue
            g = Geometry((1, 2, 4, width), 2, (2, kernel), stride=(2, 2), pad=(1, 0, left, right), groups=width % 2 + 1)
            x, weight, _, dy = operands(g, rng, dtype)
            dweight = reference.conv2d_grads(g, x, weight, dy)[1]
            assert np.array_equal(forward(g, x, weight), reference.conv2d(g, x, weight)), (width, kernel)
            assert np.array_equal(weight_grad(g, dy, x), dweight), (width, kernel)


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
def test_every_width_of_the_output(isa, dtype, kernel, rng):
    for ow in range(1, 36):
        g = Geometry((1, 2, kernel + 1, ow + kernel - 1), 3, (kernel, kernel))
        x, weight, _, dy = operands(g, rng, dtype)
        windows = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), axis=(2, 3))
        assert np.array_equal(forward(g, x, weight), np.einsum("ncijrs,kcrs->nkij", windows, weight)), ow
        assert np.array_equal(weight_grad(g, dy, x), np.einsum("ncijrs,nkij->kcrs", windows, dy)), ow
        padded = np.pad(dy, [(0, 0), (0, 0), (kernel - 1,) * 2, (kernel - 1,) * 2])
        windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(2, 3))
        dx = np.einsum("nkijrs,kcrs->ncij", windows, weight[..., ::-1, ::-1])
        assert np.array_equal(input_grad(g, dy, weight), dx), ow


@pytest.mark.parametrize("count", [*range(1, 18), 29, 33, 97, 100])
def test_every_number_of_filters_and_channels(isa, dtype, count, rng):
    for g in (Geometry((1, 2, 4, 6), count, (2, 3)), Geometry((1, count, 4, 6), 2, (2, 3))):
        x, weight, _, dy = operands(g, rng, dtype)
        dx, dweight = reference.conv2d_grads(g, x, weight, dy)
        assert np.array_equal(forward(g, x, weight), reference.conv2d(g, x, weight))
        assert np.array_equal(input_grad(g, dy, weight), dx)
        assert np.array_equal(weight_grad(g, dy, x), dweight)


LARGE = {
    "several slices of channels": Geometry((2, 130, 6, 7), 20, (3, 3), pad=(1, 1, 1, 1)),
    "several blocks of filters": Geometry((2, 8, 9, 9), 210, (3, 3), pad=(1, 1, 1, 1)),
    "several bands": Geometry((1, 20, 90, 70), 70, (3, 3), pad=(1, 1, 1, 1)),
    "large kernel": Geometry((1, 2, 60, 50), 3, (31, 29), pad=(15, 15, 14, 14)),
    "large stride": Geometry((2, 16, 60, 60), 24, (7, 7), stride=(4, 4), pad=(3, 3, 3, 3)),
    "long rows": Geometry((1, 3, 5, 3000), 4, (3, 3), pad=(1, 1, 1, 1)),
    "small deep planes": Geometry((9, 70, 7, 7), 150, (3, 3), pad=(1, 1, 1, 1)),
    "small deep planes, stride": Geometry((5, 40, 14, 13), 130, (3, 3), stride=(2, 2), pad=(1, 1, 1, 1)),
    "small deep planes, groups": Geometry((3, 60, 9, 8), 80, (3, 2), groups=2),
    "blocks of filters, one image": Geometry((1, 300, 7, 7), 290, (3, 3), pad=(1, 1, 1, 1)),
    "a band is a run of tiles": Geometry((1, 24, 60, 40), 64, (3, 3), dilation=(1, 8)),
    "large kernel, several slices": Geometry((2, 9, 30, 21), 40, (21, 15), pad=(3, 2, 4, 5)),
    "image without padding": Geometry((5, 6, 14, 14), 16, (5, 5)),
    "rows that fill tiles": Geometry((4, 12, 62, 62), 70, (3, 3), stride=(2, 2), pad=(1, 1, 1, 1)),
    "rows that fill tiles, groups": Geometry((3, 6, 9, 33), 10, (3, 3), pad=(2, 1, 0, 1), groups=2),
    "two filters": Geometry((2, 20, 12, 70), 2, (3, 3), pad=(1, 1, 1, 1)),
    "much padding": Geometry((2, 7, 12, 11), 20, (3, 3), pad=(9, 7, 5, 6)),
    "depthwise": Geometry((2, 40, 40, 41), 40, (5, 5), pad=(2, 2, 2, 2), groups=40),
    "depthwise, stride over bands": Geometry((2, 8, 150, 90), 8, (3, 3), stride=(2, 2), pad=(1, 1, 1, 1), groups=8),
    "depthwise, few channels": Geometry((20, 2, 30, 31), 4, (4, 5), groups=2),
    "strips of columns": Geometry((1, 20, 3, 900), 9, (3, 3), pad=(1, 1, 1, 1)),
    "parts of the batch": Geometry((40, 18, 12, 13), 30, (3, 3), pad=(1, 1, 1, 1)),
    "sums past the cache": Geometry((2, 40, 16, 15), 60, (11, 9), pad=(5, 5, 4, 4)),
    "first layer in parts": Geometry((40, 3, 20, 21), 40, (5, 5), stride=(2, 2), pad=(2, 2, 2, 2)),
}


@cache
def pytorch_problem(name: str):
    """Return exact operands in float64, and PyTorch's y, dx and dweight."""
    torch = pytest.importorskip("torch")
    g = LARGE[name]
    exact = operands(g, np.random.default_rng(0), np.float64)
    x, weight, bias, dy = (torch.tensor(array, requires_grad=True) for array in exact)
    top, bottom, left, right = g.pad
    padded = torch.nn.functional.pad(x, (left, right, top, bottom))
    y = torch.nn.functional.conv2d(padded, weight, bias, g.stride, 0, g.dilation, g.groups)
    dx, dweight = torch.autograd.grad(y, [x, weight], dy)
    return exact, (y.detach().numpy(), dx.numpy(), dweight.numpy())


@pytest.mark.parity
@pytest.mark.parametrize("name", LARGE)
def test_large_shapes_agree_with_pytorch(isa, dtype, threads, name):
    g = LARGE[name]
    exact, (y, dx, dweight) = pytorch_problem(name)
    x, weight, bias, dy = (array.astype(dtype) for array in exact)
    assert np.array_equal(forward(g, x, weight, bias), y)
    assert np.array_equal(forward(g, x, weight, bias, offset=x.itemsize, relu=1), np.maximum(y, 0))
    assert np.array_equal(input_grad(g, dy, weight), dx)
    assert np.array_equal(weight_grad(g, dy, x), dweight)
    with_bias = weight_and_bias_grad(g, dy, x)
    assert np.array_equal(with_bias[0], dweight)
    assert np.array_equal(with_bias[1], dy.sum((0, 2, 3)))


@pytest.mark.parametrize("name", ["plain", "stride 2", "groups", "depthwise", "many channels"])
def test_rounding_stays_within_the_bound(isa, dtype, name, rng):
    g = GEOMETRIES[name]
    x, weight, bias, dy = operands(g, rng, dtype, exact=False)
    bound = 8 * np.finfo(dtype).eps
    assert (
        np.abs(forward(g, x, weight, bias) - reference.conv2d(g, x, weight, bias))
        <= bound * reference.conv2d(g, abs(x), abs(weight), abs(bias))
    ).all()
    truth = reference.conv2d_grads(g, x, weight, dy)
    scale = reference.conv2d_grads(g, abs(x), abs(weight), abs(dy))
    assert (np.abs(input_grad(g, dy, weight) - truth[0]) <= bound * scale[0]).all()
    assert (np.abs(weight_grad(g, dy, x) - truth[1]) <= bound * scale[1]).all()


SHAPES = [
    Geometry((20, 1, 28, 28), 6, (5, 5), pad=(2, 2, 2, 2)),
    Geometry((3, 32, 28, 28), 64, (3, 3), pad=(1, 1, 1, 1)),
    Geometry((2, 16, 33, 31), 16, (3, 3), stride=(2, 2), groups=16),
    Geometry((9, 70, 7, 7), 150, (3, 3), pad=(1, 1, 1, 1)),
    Geometry((1, 130, 14, 14), 70, (3, 3), stride=(2, 2), pad=(1, 1, 1, 1)),
    Geometry((40, 18, 12, 13), 30, (3, 3), pad=(1, 1, 1, 1)),
    Geometry((40, 2, 30, 31), 4, (3, 3), groups=2),
]


@pytest.mark.parametrize("g", SHAPES)
def test_same_bits_for_any_number_of_threads(isa, dtype, g, rng):
    x, weight, bias, dy = operands(g, rng, dtype, exact=False)
    before = lib.tc_get_num_threads()
    results = []
    for count in (1, 2, 3, 8):
        lib.tc_set_num_threads(count)
        outs = forward(g, x, weight, bias), input_grad(g, dy, weight), *weight_and_bias_grad(g, dy, x)
        results.append(b"".join(out.tobytes() for out in outs))
    lib.tc_set_num_threads(before)
    assert len(set(results)) == 1


# The convolutions of networks for MNIST, CIFAR and ImageNet that are measured in benchmarks/.
MEASURED = [
    Geometry((64, 1, 28, 28), 6, (5, 5), pad=(2, 2, 2, 2)),
    Geometry((64, 6, 14, 14), 16, (5, 5)),
    Geometry((64, 1, 28, 28), 32, (3, 3)),
    Geometry((64, 3, 32, 32), 16, (3, 3), pad=(1, 1, 1, 1)),
    Geometry((64, 16, 32, 32), 32, (3, 3), stride=(2, 2), pad=(1, 1, 1, 1)),
    Geometry((64, 32, 16, 16), 32, (3, 3), pad=(1, 1, 1, 1)),
    Geometry((64, 64, 8, 8), 64, (3, 3), pad=(1, 1, 1, 1)),
    Geometry((64, 16, 32, 32), 32, (1, 1), stride=(2, 2)),
    Geometry((64, 32, 16, 16), 64, (3, 3), stride=(2, 2), pad=(1, 1, 1, 1)),
    Geometry((16, 256, 14, 14), 256, (3, 3), pad=(1, 1, 1, 1)),
    Geometry((16, 512, 7, 7), 512, (3, 3), pad=(1, 1, 1, 1)),
    Geometry((4, 3, 224, 224), 64, (7, 7), stride=(2, 2), pad=(3, 3, 3, 3)),
]
# Small ones may take what makes so much with the output.
SMALL_BYTES = 448 * 1024
SMALL = [
    Geometry((1, 16, 32, 32), 32, (3, 3), stride=(2, 2), pad=(1, 1, 1, 1)),
    Geometry((8, 32, 16, 16), 64, (3, 3), stride=(2, 2), pad=(1, 1, 1, 1)),
    Geometry((1, 64, 8, 8), 64, (3, 3), pad=(1, 1, 1, 1)),
    Geometry((8, 16, 16, 16), 32, (3, 3), pad=(1, 1, 1, 1)),
]


@pytest.fixture
def two_threads():
    before = lib.tc_get_num_threads()
    lib.tc_set_num_threads(2)
    yield
    lib.tc_set_num_threads(before)


@pytest.mark.parametrize("g", [*MEASURED, *SMALL], ids=lambda g: "x".join(map(str, g.x_shape)))
def test_two_threads_need_a_tenth_of_the_output_or_little(isa, g, two_threads):
    x, weight, y = (np.zeros(shape, np.float32) for shape in (g.x_shape, g.weight_shape, g.y_shape))
    dbias = np.zeros(g.filters, np.float32)
    stats = ffi.new("tc_alloc_stats *")
    for call in (
        lambda: lib.tc_conv2d(code(x), params(g), ptr(x), ptr(weight), ffi.NULL, ptr(y)),
        lambda: lib.tc_conv2d_input_grad(code(x), params(g), ptr(y), ptr(weight), ptr(x)),
        lambda: lib.tc_conv2d_weight_grad(code(x), params(g), ptr(y), ptr(x), ptr(weight), ptr(dbias)),
    ):
        lib.tc_alloc_reset_peak()
        lib.tc_get_alloc_stats(stats)
        in_use = stats.in_use
        assert call() == lib.TC_OK
        lib.tc_get_alloc_stats(stats)
        assert stats.peak - in_use <= max(y.nbytes / 10, SMALL_BYTES - y.nbytes)


def test_pixels_that_no_window_meets_are_not_read(isa, dtype, rng):
    g = Geometry((1, 2, 8, 8), 3, (2, 2), stride=(3, 3))
    x, weight, _, dy = operands(g, rng, dtype)
    expected = reference.conv2d(g, x, weight), reference.conv2d_grads(g, x, weight, dy)
    x[:, :, 2::3] = np.nan
    x[:, :, :, 2::3] = np.nan
    assert np.array_equal(forward(g, x, weight), expected[0])
    assert np.array_equal(weight_grad(g, dy, x), expected[1][1])
    assert (input_grad(g, dy, weight)[:, :, 2::3] == 0).all()


def test_nan_stays_in_its_windows(isa, dtype, rng):
    g = Geometry((2, 2, 9, 10), 3, (3, 3), pad=(1, 1, 1, 1))
    x, weight, _, dy = operands(g, rng, dtype)
    weight[weight == 0] = 1
    x[1, 1, 4, 9] = np.nan
    y = forward(g, x, weight)
    assert np.array_equal(np.isnan(forward(g, x, weight, relu=1)), np.isnan(y))
    met = np.zeros(g.y_shape, bool)
    met[1, :, 3:6, 8:] = True
    assert np.array_equal(np.isnan(y), met)
    dweight = weight_grad(g, dy, x)
    assert np.isfinite(dweight[:, 0]).all()


@pytest.mark.parametrize("channels, groups", [(3, 1), (20, 1), (3, 3)])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_pixel_reaches_the_gradients_of_its_taps_alone(isa, dtype, channels, groups, bad, rng):
    g = Geometry((2, channels, 7, 9), 3, (3, 3), pad=(0, 1, 0, 1), groups=groups)
    x, weight, _, dy = operands(g, rng, dtype)
    dy[dy == 0] = 1
    _, expected = reference.conv2d_grads(g, np.where(np.arange(9) == 0, 0, x), weight, dy)
    x[:, :, 1:, 0] = 0
    x[:, :, 0, 0] = 0
    x[1, 0, 0, 0] = bad  # only output (0, 0) meets it, at tap (0, 0)
    met = np.zeros(g.weight_shape, bool)
    met[: 1 if groups == channels else None, 0, 0, 0] = True
    dweight = weight_grad(g, dy, x)
    assert np.array_equal(~np.isfinite(dweight), met)
    assert np.array_equal(dweight[~met], expected[~met])


@pytest.mark.parametrize("shape", [(0, 2, 5, 5), (2, 0, 5, 5), (2, 2, 0, 5)])
def test_empty_batch_channels_or_image(isa, dtype, shape, rng):
    g = Geometry(shape, 3, (2, 2), pad=(1, 1, 1, 1))
    x, weight, bias, dy = operands(g, rng, dtype)
    dx, dweight = reference.conv2d_grads(g, x, weight, dy)
    assert np.array_equal(forward(g, x, weight, bias), reference.conv2d(g, x, weight, bias))
    assert np.array_equal(input_grad(g, dy, weight), dx)
    assert np.array_equal(weight_grad(g, dy, x), dweight)
    assert np.array_equal(weight_and_bias_grad(g, dy, x)[1], dy.sum((0, 2, 3)))


def test_no_filters(isa, dtype):
    g = Geometry((2, 3, 5, 5), 0, (2, 2))
    x, weight = np.ones(g.x_shape, dtype), np.ones(g.weight_shape, dtype)
    assert forward(g, x, weight).size == 0
    assert (input_grad(g, np.ones(g.y_shape, dtype), weight) == 0).all()
    assert weight_grad(g, np.ones(g.y_shape, dtype), x).size == 0


@needs_failing_memory
@pytest.mark.parametrize(
    "name", ["plain", "pointwise", "stride 2", "depthwise", "depthwise, stride", "channels and stride"]
)
def test_no_memory_is_reported_and_nothing_leaks(dtype, threads, name, rng):
    g = GEOMETRIES[name]
    x, weight, bias, dy = operands(g, rng, dtype)
    y, dx, dweight = (np.empty(shape, dtype) for shape in (g.y_shape, g.x_shape, g.weight_shape))
    calls = {
        "forward": lambda: lib.tc_conv2d(code(x), params(g), ptr(x), ptr(weight), ptr(bias), ptr(y)),
        "input": lambda: lib.tc_conv2d_input_grad(code(x), params(g), ptr(dy), ptr(weight), ptr(dx)),
        "weight": lambda: lib.tc_conv2d_weight_grad(code(x), params(g), ptr(dy), ptr(x), ptr(dweight), ffi.NULL),
    }
    stats = ffi.new("tc_alloc_stats *")
    for call in calls.values():
        lib.tc_get_alloc_stats(stats)
        in_use = stats.in_use
        for sticky in (0, 1):
            status, n = lib.TC_ENOMEM, 0
            while status == lib.TC_ENOMEM:  # the n-th allocation fails, until there is no n-th
                n += 1
                with failing_memory(n, sticky):
                    status = call()
            assert status == lib.TC_OK
            assert n > 1
        lib.tc_get_alloc_stats(stats)
        assert stats.in_use == in_use
    expected = reference.conv2d_grads(g, x, weight, dy)
    assert np.array_equal(y, reference.conv2d(g, x, weight, bias))
    assert np.array_equal(dx, expected[0])
    assert np.array_equal(dweight, expected[1])
