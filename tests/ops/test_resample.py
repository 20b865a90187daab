"""interpolate, grid_sample and affine_grid: every mode, size 1, strided input, bytes, errors, numerical gradients."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest

import tinygrad_cnn as tc
from tests.nn.twin import check_twin
from tests.ops.compare import check, check_error, gradients, sample
from tinygrad_cnn.nn import functional as F

RANKS = {"nearest": (3, 4, 5), "nearest-exact": (3, 4, 5), "linear": (3,), "bilinear": (4,), "bicubic": (4,)}
RANKS["trilinear"] = (5,)
SHAPES = {3: [(2, 3, 7), (1, 2, 1)], 4: [(2, 3, 5, 7), (1, 2, 1, 4)], 5: [(2, 1, 3, 4, 5), (1, 2, 1, 1, 3)]}
OUTPUTS = [{"size": 1}, {"size": 9}, {"scale_factor": 1.7}, {"scale_factor": 2}]


def resized(mode, options, **more):
    return lambda T, x: T.nn.functional.interpolate(x, mode=mode, **options, **more)


@pytest.mark.parity
@pytest.mark.parametrize("mode", RANKS)
def test_interpolate_equals_pytorch(mode):
    pytest.importorskip("torch")
    corners = [{}] if mode.startswith("nearest") else [{}, {"align_corners": True}]
    for rank, options, more in itertools.product(RANKS[mode], OUTPUTS, corners):
        for dense, shape in zip((False, True), SHAPES[rank], strict=True):
            check(resized(mode, options, **more), [sample(f"f:{','.join(map(str, shape))}")], dense=dense)


@pytest.mark.parity
@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "lanczos"])
def test_antialias_equals_pytorch(mode):
    pytest.importorskip("torch")
    corners = [{}, {"align_corners": True}] if mode != "lanczos" else [{}]
    for size, more in itertools.product([(3, 4), (2, 20), (13, 3), (9, 11), (1, 6)], corners):
        check(resized(mode, {"size": size}, antialias=True, **more), [sample("f:2,3,9,11")])


@pytest.mark.parity
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "bilinear", "bicubic"])
def test_bytes_equal_pytorch(mode):
    pytest.importorskip("torch")
    image = np.random.default_rng(0).integers(0, 256, (2, 3, 9, 12), np.uint8)
    for options in ({"size": (5, 25)}, {"size": (9, 4)}, {"scale_factor": (1.05, 2.3)}):
        for more in [{}] if mode.startswith("nearest") else [{}, {"align_corners": True}, {"antialias": True}]:
            check(resized(mode, options, **more), [image], rtol=0, atol=0)


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_the_same_size_gives_a_copy(mode, dtype):
    x = tc.arange(6).reshape(1, 1, 2, 3).to(getattr(tc, dtype))
    y = F.interpolate(x, (2, 3), mode=mode)
    assert (y == x).all()
    y.zero_()
    assert x.sum() == 15


def test_antialiasing_to_one_column_treats_each_row_alike():
    """Where PyTorch 2.13 copies the first row to all others: its kernel strides by the row of one element."""
    x = tc.tensor(sample("f:1,1,6,8"))
    one = F.interpolate(x, (3, 1), mode="bilinear", antialias=True)
    rows = F.interpolate(x, (3, 8), mode="bilinear", antialias=True)
    np.testing.assert_allclose(one, F.interpolate(rows, (3, 1), mode="bilinear", antialias=True), rtol=1e-5)
    assert one.std() > 0


def test_blocks_of_a_long_axis_are_the_whole_matrix():
    """A constant stays constant, and sums of gradients are kept, over axes of many blocks."""
    x = tc.ones(1, 1, 3, 500, dtype=tc.float64, requires_grad=True)
    for size in (70, 1000):
        y = F.interpolate(x, (3, size), mode="bicubic")
        np.testing.assert_allclose(y.detach(), 1)
        (grad,) = tc.autograd.grad(y.sum(), x)
        np.testing.assert_allclose(float(grad.sum()), 3 * size)


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_interpolate_gradients_numerically(mode):
    gradients(lambda T, x: T.nn.functional.interpolate(x, (5, 2), mode=mode) ** 2, ["f:1,2,3,4"])


ERRORS = {
    "no size": lambda f, x: f.interpolate(x),
    "both": lambda f, x: f.interpolate(x, 3, 2),
    "rank of size": lambda f, x: f.interpolate(x, (3,)),
    "rank of scale": lambda f, x: f.interpolate(x, scale_factor=(3, 3, 3)),
    "float size": lambda f, x: f.interpolate(x, (3, 2.0)),
    "corners of nearest": lambda f, x: f.interpolate(x, 3, align_corners=True),
    "recompute a size": lambda f, x: f.interpolate(x, 3, recompute_scale_factor=True),
    "antialias nearest": lambda f, x: f.interpolate(x, 3, antialias=True),
    "lanczos": lambda f, x: f.interpolate(x, 3, mode="lanczos"),
    "lanczos corners": lambda f, x: f.interpolate(x, 3, mode="lanczos", antialias=True, align_corners=True),
    "linear 4d": lambda f, x: f.interpolate(x, 3, mode="linear"),
    "trilinear 4d": lambda f, x: f.interpolate(x, 3, mode="trilinear"),
    "bicubic 3d": lambda f, x: f.interpolate(x[0], 3, mode="bicubic"),
    "rank 2": lambda f, x: f.interpolate(x[0, 0], 3),
    "unknown": lambda f, x: f.interpolate(x, 3, mode="best"),
    "zero": lambda f, x: f.interpolate(x, 0),
    "negative scale": lambda f, x: f.interpolate(x, scale_factor=-1.0, mode="bilinear"),
    "infinite scale": lambda f, x: f.interpolate(x, scale_factor=float("inf")),
    "no channels": lambda f, x: f.interpolate(x[:, :0], 3),
    "integers": lambda f, x: f.interpolate(x.long(), 3, mode="bicubic"),
    "batch": lambda f, x: f.grid_sample(x, x[:1, :, :, :2], align_corners=False),
    "coordinates": lambda f, x: f.grid_sample(x, x, align_corners=False),
    "empty image": lambda f, x: f.grid_sample(x[..., :0], x[..., :2], align_corners=False),
    "mode": lambda f, x: f.grid_sample(x, x[..., :2], "best"),
    "padding": lambda f, x: f.grid_sample(x, x[..., :2], padding_mode="best"),
    "two dtypes": lambda f, x: f.grid_sample(x.double(), x[..., :2], align_corners=False),
    "integer image": lambda f, x: f.grid_sample(x.long(), x[..., :2].long(), align_corners=False),
    "corners": lambda f, x: f.grid_sample(x, x[..., :2], align_corners=1),
    "bicubic volume": lambda f, x: f.grid_sample(x[None], x[None, ..., :3], "bicubic", align_corners=False),
    "theta": lambda f, x: f.affine_grid(x[0], (2, 3, 4, 5), False),
    "integer theta": lambda f, x: f.affine_grid(x[0].long(), (2, 3, 4, 5), False),
    "rank of theta's size": lambda f, x: f.affine_grid(x[0], (2, 3, 4), False),
    "empty grid": lambda f, x: f.affine_grid(x[:, 0, :2, :3], (2, 3, 0, 4), False),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", ERRORS)
def test_errors_equal_pytorch(name):
    pytest.importorskip("torch")
    check_error(lambda T: ERRORS[name](T.nn.functional, T.ones(2, 3, 4, 5)))


@pytest.mark.parity
def test_old_names_and_modules_equal_pytorch():
    pytest.importorskip("torch")
    for code in (
        lambda T: T.nn.functional.upsample(T.ones(1, 1, 2, 2), scale_factor=2),
        lambda T: T.nn.functional.upsample_nearest(T.ones(1, 1, 2, 2), 3),
        lambda T: T.nn.functional.upsample_bilinear(T.ones(1, 1, 2, 2), 3),
        lambda T: T.nn.functional.grid_sample(T.ones(1, 1, 2, 2), T.zeros(1, 1, 1, 2)),
        lambda T: T.nn.functional.affine_grid(T.ones(1, 2, 3), (1, 1, 1, 2), True),
        lambda T: (m := T.nn.Upsample(scale_factor=(2, 3), mode="bilinear"), m(T.ones(1, 1, 2, 2)).shape),
        lambda T: (m := T.nn.UpsamplingNearest2d(3), m(T.ones(1, 1, 2, 2))),
        lambda T: (m := T.nn.UpsamplingBilinear2d(scale_factor=2), m(T.arange(4.0).reshape(1, 1, 2, 2))),
    ):
        check_twin(code, 1e-6, 1e-6)


# ---- grids ----

SAMPLING = list(itertools.product(("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection"), (True, False)))


@pytest.mark.parity
@pytest.mark.parametrize(("mode", "padding", "align"), SAMPLING)
def test_grid_sample_equals_pytorch(mode, padding, align):
    """Also of images of one pixel, far outside, and of volumes."""
    pytest.importorskip("torch")

    def call(T, x, grid):
        return T.nn.functional.grid_sample(x, grid, mode, padding, align)

    for image, grid in (("f:2,3,4,5", "f:2,3,2,2"), ("f:1,2,1,1", "f:1,2,2,2"), ("f:1,20,3,1", "f:1,20,20,2")):
        for scale in (1, 40):
            check(call, [sample(image), sample(grid, 1) * scale], dense=scale == 1, rtol=2e-4, atol=2e-4)
    if mode != "bicubic":
        check(call, [sample("f:2,3,3,4,2"), sample("f:2,2,3,2,3", 1)])
    check(call, [sample("f:0,3,4,5"), sample("f:0,3,2,2")])
    check(call, [sample("f:2,3,4,5"), sample("f:2,0,2,2")])


@pytest.mark.parametrize(("mode", "padding", "align"), [case for case in SAMPLING if case[0] != "nearest"])
def test_grid_sample_gradients_numerically(mode, padding, align):
    """First and second; PyTorch has no second ones in bicubic mode."""
    gradients(
        lambda T, x, grid: T.nn.functional.grid_sample(x, grid * 0.9 + 0.03, mode, padding, align),
        ["f:1,2,3,4", "f:1,2,2,2"],
    )


@pytest.mark.parity
@pytest.mark.parametrize("align", [True, False])
def test_affine_grid_equals_pytorch(align):
    pytest.importorskip("torch")
    for theta, size in (("f:2,2,3", (2, 1, 3, 4)), ("f:1,2,3", (1, 1, 1, 5)), ("f:2,3,4", (2, 1, 2, 3, 4))):
        check(lambda T, x, s=size: T.nn.functional.affine_grid(x, s, align), [sample(theta)])


def test_identity_grid_gives_the_image():
    x = tc.tensor(sample("f:2,3,5,6"))
    theta = tc.tensor([[[1.0, 0, 0], [0, 1, 0]]]).expand(2, 2, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for align in (True, False):
            got = F.grid_sample(x, F.affine_grid(theta, (2, 3, 5, 6), align), align_corners=align)
            np.testing.assert_allclose(got, x, atol=1e-5)


@pytest.mark.parity
@pytest.mark.parametrize("align", [True, False])
def test_identity_grid_takes_pytorchs_side_of_each_pixel(align):
    """A spatial transformer starts there: the last bit of a coordinate decides which two pixels make its gradient."""
    torch = pytest.importorskip("torch")

    def slopes(T, size):
        theta = T.eye(2, 3)[None].requires_grad_()
        x = (T.arange(size * size) * 7919 % 64).float().view(1, 1, size, size)
        grid = T.nn.functional.affine_grid(theta, x.shape, align)
        T.nn.functional.grid_sample(x, grid, align_corners=align).sum().backward()
        return theta.grad

    for size in range(2, 40):
        np.testing.assert_allclose(slopes(tc, size), slopes(torch, size), 1e-4, 0.01, err_msg=f"size {size}")
