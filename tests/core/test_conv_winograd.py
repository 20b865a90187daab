"""Winograd's convolution and its gradients against plain sums in float64, its errors against the direct kernels'."""

from __future__ import annotations

import numpy as np
import pytest

from tests.builds import failing_memory, needs_failing_memory
from tests.core.raw import code, ptr
from tests.core.reference_conv import Geometry
from tests.core.test_conv import forward, input_grad, operands, params, weight_grad
from tinygrad_cnn._core import ffi, lib

PADS = [(0, 0, 0, 0), (1, 1, 1, 1), (2, 2, 2, 2)]
GEOMETRIES = {
    "one output": Geometry((1, 1, 3, 3), 1, (3, 3)),
    "one pixel": Geometry((2, 3, 1, 1), 2, (3, 3), pad=(1, 1, 1, 1)),
    "one tile": Geometry((3, 5, 6, 6), 7, (3, 3)),
    "cut tiles": Geometry((2, 9, 7, 12), 17, (3, 3), pad=(1, 1, 1, 1)),
    "wide": Geometry((1, 3, 4, 150), 5, (3, 3), pad=(1, 1, 1, 1)),
    "high": Geometry((1, 3, 90, 3), 5, (3, 3), pad=(1, 1, 1, 1)),
    "asymmetric padding": Geometry((2, 4, 9, 8), 6, (3, 3), pad=(0, 3, 2, 1)),
    "more padding than kernel": Geometry((2, 4, 5, 6), 6, (3, 3), pad=(4, 5, 3, 6)),
    "channels cut away": Geometry((2, 33, 10, 9), 34, (3, 3), pad=(1, 1, 1, 1)),
    "sums of several pieces": Geometry((2, 70, 9, 8), 20, (3, 3), pad=(1, 1, 1, 1)),
    "several panels": Geometry((1, 10, 9, 8), 101, (3, 3)),
    "blocks over images": Geometry((70, 12, 5, 5), 10, (3, 3), pad=(1, 1, 1, 1)),
    "many blocks": Geometry((6, 20, 40, 38), 24, (3, 3), pad=(1, 1, 1, 1)),
    "blocks of a part of a row": Geometry((1, 96, 6, 300), 18, (3, 3), pad=(1, 1, 1, 1)),
}
# Shapes where it is used of itself, on every instruction set.
USED = {
    "example's net": Geometry((64, 32, 26, 26), 64, (3, 3)),
    "16 channels": Geometry((64, 16, 32, 32), 16, (3, 3), pad=(1, 1, 1, 1)),
    "64 channels": Geometry((16, 64, 56, 56), 64, (3, 3), pad=(1, 1, 1, 1)),
}
# Small ones, which may take more for each output.
SMALL = {
    "one image of the example's net": Geometry((1, 32, 26, 26), 64, (3, 3)),
    "one image of 16 channels": Geometry((1, 16, 32, 32), 16, (3, 3), pad=(1, 1, 1, 1)),
    "8 images of 64 channels": Geometry((8, 64, 8, 8), 64, (3, 3), pad=(1, 1, 1, 1)),
}
# The weights' gradient alone: slices of filters and channels, shared by threads or not, and parts of the batch.
WEIGHTS = {
    "slices that threads share": Geometry((64, 32, 16, 16), 32, (3, 3), pad=(1, 1, 1, 1)),
    "slices of odd sizes": Geometry((400, 39, 10, 9), 70, (3, 3), pad=(1, 1, 1, 1)),
    "parts of the batch": Geometry((8, 16, 32, 32), 16, (3, 3), pad=(1, 1, 1, 1)),
    "parts and slices": Geometry((5, 33, 31, 18), 37, (3, 3)),
}
SMALL_BYTES = 1 << 20  # of the outputs and the memory beside them


@pytest.fixture(autouse=True)
def restore_switch():
    before = lib.tc_get_winograd()
    yield
    lib.tc_set_winograd(before)


def windows(array, pad):
    """Return all 3x3 windows (n, c, i, j, 3, 3) of padded images in float64."""
    top, bottom, left, right = pad
    padded = np.pad(array.astype(float), [(0, 0), (0, 0), (top, bottom), (left, right)])
    return np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))


def references(g, x, weight, dy):
    """Return y, dx, dweight in float64: three sums over windows."""
    seen = windows(x, g.pad)
    y = np.einsum("ncijrs,kcrs->nkij", seen, weight.astype(float), optimize=True)
    dweight = np.einsum("ncijrs,nkij->kcrs", seen, dy.astype(float), optimize=True)
    # Padding beyond the kernel meets no pixel: dy is cut instead of padded.
    pad = [2 - amount for amount in g.pad]
    top, bottom, left, right = (max(-amount, 0) for amount in pad)
    inside = dy[:, :, top : dy.shape[2] - bottom, left : dy.shape[3] - right]
    turned = weight[:, :, ::-1, ::-1].astype(float)
    dx = np.einsum("nkijrs,kcrs->ncij", windows(inside, [max(amount, 0) for amount in pad]), turned, optimize=True)
    return y, dx, dweight


def compute(g, x, weight, dy, state, bias=None):
    """Return y, dx, dweight as the core computes them with the switch in a state."""
    lib.tc_set_winograd(state)
    return forward(g, x, weight, bias), input_grad(g, dy, weight), weight_grad(g, dy, x)


def assert_near(got, expected, g):
    """Compare by the size of the sums: single results may be near 0."""
    for array, wanted in zip(got, expected, strict=True):
        scale = np.sqrt(np.mean(np.square(wanted))) + 1
        assert np.abs(array - wanted).max() < 1e-4 * scale


@pytest.mark.parametrize("name", GEOMETRIES)
def test_agrees_with_plain_sums(isa, threads, name, rng):
    g = GEOMETRIES[name]
    x, weight, bias, dy = operands(g, rng, np.float32, exact=False)
    y, dx, dweight = references(g, x, weight, dy)
    assert_near(compute(g, x, weight, dy, lib.TC_WINOGRAD_FORCED), (y, dx, dweight), g)
    assert_near([forward(g, x, weight, bias, offset=4)], [y + bias[:, None, None]], g)
    assert_near([input_grad(g, dy, weight, 4), weight_grad(g, dy, x, 4)], (dx, dweight), g)


@pytest.mark.parametrize("pad", PADS)
def test_every_size_of_the_image(isa, pad, rng):
    lib.tc_set_winograd(lib.TC_WINOGRAD_FORCED)
    for size in range(1, 19):
        if size + 2 * pad[0] < 3:
            continue
        g = Geometry((2, 3, size, 19 - size if 19 - size + 2 * pad[0] >= 3 else size), 4, (3, 3), pad=pad)
        x, weight, _, dy = operands(g, rng, np.float32, exact=False)
        assert_near(compute(g, x, weight, dy, lib.TC_WINOGRAD_FORCED), references(g, x, weight, dy), g)


@pytest.mark.parametrize("count", [*range(1, 18), 29, 31, 32, 33, 48, 65])
def test_every_number_of_filters_and_channels(isa, count, rng):
    for g in (Geometry((2, 3, 8, 7), count, (3, 3)), Geometry((2, count, 8, 7), 3, (3, 3))):
        x, weight, _, dy = operands(g, rng, np.float32, exact=False)
        assert_near(compute(g, x, weight, dy, lib.TC_WINOGRAD_FORCED), references(g, x, weight, dy), g)


@pytest.mark.parametrize(
    "name",
    [
        "one tile",
        "channels cut away",
        "several panels",
        "blocks over images",
        "many blocks",
        "blocks of a part of a row",
    ],
)
def test_same_bits_for_any_number_of_threads(isa, name, rng):
    g = GEOMETRIES[name]
    x, weight, _, dy = operands(g, rng, np.float32, exact=False)
    results = set()
    for count in (1, 2, 3, 8):
        lib.tc_set_num_threads(count)
        results.add(b"".join(out.tobytes() for out in compute(g, x, weight, dy, lib.TC_WINOGRAD_FORCED)))
    assert len(results) == 1


@pytest.mark.parametrize("name", USED)
def test_errors_stay_within_four_times_the_direct_ones(isa, name, rng):
    g = USED[name]._replace(x_shape=(8, *USED[name].x_shape[1:]))
    x, weight, _, dy = operands(g, rng, np.float32, exact=False)
    expected = references(g, x, weight, dy)
    direct = compute(g, x, weight, dy, lib.TC_WINOGRAD_OFF)
    quick = compute(g, x, weight, dy, lib.TC_WINOGRAD_FORCED)
    for wanted, slow, fast in zip(expected, direct, quick, strict=True):
        slow, fast = slow - wanted, fast - wanted
        assert np.sqrt(np.mean(fast**2)) <= 4 * np.sqrt(np.mean(slow**2))
        assert np.abs(fast).max() <= 4 * np.abs(slow).max()


@pytest.mark.parametrize("g", [*USED.values(), *SMALL.values()], ids=[*USED, *SMALL])
def test_memory_stays_within_a_tenth_of_the_outputs_or_is_small(isa, g, rng):
    x, weight, _, dy = operands(g, rng, np.float32, exact=False)
    direct = compute(g, x, weight, dy, lib.TC_WINOGRAD_OFF)
    y, dx, dweight = (np.empty_like(array) for array in (dy, x, weight))
    calls = [
        lambda: lib.tc_conv2d(code(x), params(g), ptr(x), ptr(weight), ffi.NULL, ptr(y)),
        lambda: lib.tc_conv2d_input_grad(code(x), params(g), ptr(dy), ptr(weight), ptr(dx)),
        lambda: lib.tc_conv2d_weight_grad(code(x), params(g), ptr(dy), ptr(x), ptr(dweight), ffi.NULL),
    ]
    lib.tc_set_winograd(lib.TC_WINOGRAD_ON)
    lib.tc_set_num_threads(2)
    stats = ffi.new("tc_alloc_stats *")
    for call in calls:
        lib.tc_alloc_reset_peak()
        lib.tc_get_alloc_stats(stats)
        before = stats.in_use
        assert call() == lib.TC_OK
        lib.tc_get_alloc_stats(stats)
        assert 0 < stats.peak - before <= max(y.nbytes / 10, SMALL_BYTES - y.nbytes)
    for slow, fast in zip(direct, (y, dx, dweight), strict=True):
        assert not np.array_equal(slow, fast), "Winograd's way was not taken"


LENDING = [
    Geometry((64, 64, 8, 8), 64, (3, 3), pad=(1, 1, 1, 1)),
    Geometry((17, 40, 25, 23), 33, (3, 3), pad=(1, 1, 1, 1)),
]


@pytest.mark.parametrize("g", LENDING)
def test_outputs_of_images_computed_later_lend_their_memory(isa, g, rng):
    x, weight, bias, dy = operands(g, rng, np.float32, exact=False)
    y, dx, _ = references(g, x, weight, dy)
    lib.tc_set_winograd(lib.TC_WINOGRAD_OFF)
    direct = forward(g, x, weight, bias), input_grad(g, dy, weight)
    lib.tc_set_winograd(lib.TC_WINOGRAD_ON)
    results = set()
    stats = ffi.new("tc_alloc_stats *")
    for count in (1, 2, 3, 8):
        lib.tc_set_num_threads(count)
        lib.tc_alloc_reset_peak()
        lib.tc_get_alloc_stats(stats)
        before = stats.in_use
        got = forward(g, x, weight, bias), input_grad(g, dy, weight)
        lib.tc_get_alloc_stats(stats)
        assert count > 2 or stats.peak - before <= dy.nbytes / 10
        results.add(b"".join(array.tobytes() for array in got))
    assert len(results) == 1
    assert_near(got, (y + bias[:, None, None], dx), g)
    assert_near([forward(g, x, weight, bias, offset=4), input_grad(g, dy, weight, 4)], got, g)
    for slow, fast in zip(direct, got, strict=True):
        assert not np.array_equal(slow[0], fast[0]), "Winograd's way was not taken"


@pytest.mark.parametrize("name", WEIGHTS)
def test_gradient_of_weights_in_little_memory(isa, name, rng):
    g = WEIGHTS[name]
    x, weight, _, dy = operands(g, rng, np.float32, exact=False)
    _, _, dweight = references(g, x, weight, dy)
    lib.tc_set_winograd(lib.TC_WINOGRAD_OFF)
    direct = weight_grad(g, dy, x)
    lib.tc_set_winograd(lib.TC_WINOGRAD_ON)
    results = set()
    stats = ffi.new("tc_alloc_stats *")
    for count in (1, 2, 3, 8):
        lib.tc_set_num_threads(count)
        lib.tc_alloc_reset_peak()
        lib.tc_get_alloc_stats(stats)
        before = stats.in_use
        got = weight_grad(g, dy, x)
        lib.tc_get_alloc_stats(stats)
        assert count > 2 or stats.peak - before <= max(dy.nbytes / 10, SMALL_BYTES - dy.nbytes)
        results.add(got.tobytes())
    assert len(results) == 1
    assert_near([got], [dweight], g)
    assert_near([weight_grad(g, dy, x, 4)], [got], g)
    assert not np.array_equal(got, direct), "Winograd's way was not taken"


@pytest.mark.parametrize("g", [
    Geometry((64, 1, 28, 28), 32, (3, 3)),
    Geometry((2, 512, 7, 7), 512, (3, 3), pad=(1, 1, 1, 1)),
    Geometry((64, 16, 32, 32), 16, (3, 3), stride=(2, 2)), Geometry((64, 16, 32, 32), 16, (3, 3), groups=2),
    Geometry((64, 16, 32, 32), 16, (3, 3), dilation=(2, 2)), Geometry((64, 16, 32, 32), 16, (3, 2)),
])  # fmt: skip
def test_other_convolutions_are_computed_directly(g, rng):
    x, weight, _, dy = operands(g, rng, np.float32, exact=False)
    for direct, same in zip(
        compute(g, x, weight, dy, lib.TC_WINOGRAD_OFF), compute(g, x, weight, dy, lib.TC_WINOGRAD_ON), strict=True
    ):
        assert np.array_equal(direct, same)


def test_float64_is_computed_directly(rng):
    g = GEOMETRIES["many blocks"]
    x, weight, _, dy = operands(g, rng, np.float64, exact=False)
    for direct, same in zip(
        compute(g, x, weight, dy, lib.TC_WINOGRAD_OFF), compute(g, x, weight, dy, lib.TC_WINOGRAD_FORCED), strict=True
    ):
        assert np.array_equal(direct, same)


def test_relu_cuts_negative_outputs_and_keeps_nan(isa, rng):
    g = GEOMETRIES["cut tiles"]
    lib.tc_set_winograd(lib.TC_WINOGRAD_FORCED)
    x, weight, bias, _ = operands(g, rng, np.float32, exact=False)
    x[0, 3, 0, 0] = np.nan
    y = forward(g, x, weight, bias)
    cut = forward(g, x, weight, bias, relu=True)
    assert np.isnan(y).any()
    assert np.array_equal(cut, np.where(y <= 0, 0, y), equal_nan=True)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 8e37])
def test_what_is_not_finite_stays_in_its_windows(isa, bad, rng):
    """Images that a NaN, an infinity or an overflow of the points meets are the direct way's, the others untouched."""
    g = Geometry((4, 3, 18, 17), 5, (3, 3), pad=(1, 1, 1, 1))
    x, weight, bias, dy = operands(g, rng, np.float32, exact=False)
    clean = compute(g, x, weight, dy, lib.TC_WINOGRAD_FORCED, bias)
    x[1, 2, 5, 5] = dy[2, 1, 1, 9] = bad
    direct = compute(g, x, weight, dy, lib.TC_WINOGRAD_OFF, bias)
    got = compute(g, x, weight, dy, lib.TC_WINOGRAD_FORCED, bias)
    for result, image in ((0, 1), (1, 2)):
        others = np.arange(4) != image
        assert np.array_equal(got[result][image], direct[result][image], equal_nan=True)
        assert np.array_equal(got[result][others], clean[result][others])
    assert np.array_equal(got[2], direct[2], equal_nan=True)
    met = np.zeros(g.y_shape, bool)
    met[1, :, 4:7, 4:7] = not np.isfinite(bad)
    assert np.array_equal(~np.isfinite(got[0]), met)


def test_images_that_lend_their_memory_are_computed_again_too(rng):
    g = USED["example's net"]
    x, weight, _, _ = operands(g, rng, np.float32, exact=False)
    x[::5, 2, 6, 7] = np.nan
    lib.tc_set_winograd(lib.TC_WINOGRAD_ON)
    met = np.zeros(g.y_shape, bool)
    met[::5, :, 4:7, 5:8] = True
    assert np.array_equal(np.isnan(forward(g, x, weight)), met)


@needs_failing_memory
def test_no_memory_is_reported_and_nothing_leaks(threads, rng):
    g = GEOMETRIES["several panels"]
    lib.tc_set_winograd(lib.TC_WINOGRAD_FORCED)
    x, weight, _, dy = operands(g, rng, np.float32, exact=False)
    y, dx, dweight = (np.empty_like(array) for array in (dy, x, weight))
    calls = [
        lambda: lib.tc_conv2d(code(x), params(g), ptr(x), ptr(weight), ffi.NULL, ptr(y)),
        lambda: lib.tc_conv2d_input_grad(code(x), params(g), ptr(dy), ptr(weight), ptr(dx)),
        lambda: lib.tc_conv2d_weight_grad(code(x), params(g), ptr(dy), ptr(x), ptr(dweight), ffi.NULL),
    ]
    stats = ffi.new("tc_alloc_stats *")
    for call in calls:
        lib.tc_get_alloc_stats(stats)
        in_use = stats.in_use
        for sticky in (0, 1):
            status, n = lib.TC_ENOMEM, 0
            while status == lib.TC_ENOMEM:
                n += 1
                with failing_memory(n, sticky):
                    status = call()
            assert status == lib.TC_OK
            assert n > 2
        lib.tc_get_alloc_stats(stats)
        assert stats.in_use == in_use
    assert_near((y, dx, dweight), references(g, x, weight, dy), g)
