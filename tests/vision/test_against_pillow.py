"""Transforms of tensors against Pillow's own implementations, NumPy and formulas: truths that need no torchvision."""

import colorsys

import numpy as np
import pytest
from PIL import Image

import tinygrad_cnn as torch
from tests.vision.twin import pixels
from tinygrad_cnn.vision import transforms as T
from tinygrad_cnn.vision.transforms import functional as F

PHOTO = pixels(21, 30, 3)
IMAGE = Image.fromarray(PHOTO)


def tensor():
    return torch.from_numpy(np.ascontiguousarray(PHOTO.transpose(2, 0, 1)))


def gap(function):
    """The mean and the largest difference, in levels, of what a function makes of the image and of the tensor."""
    image, found = F.pil_to_tensor(function(IMAGE)), function(tensor())
    assert image.shape == found.shape and found.dtype is torch.uint8
    levels = np.abs(image.numpy().astype(int) - found.numpy().astype(int))
    return levels.mean(), levels.max()


@pytest.mark.parametrize(
    "function",
    [
        F.hflip,
        F.vflip,
        F.invert,
        F.equalize,
        lambda x: F.crop(x, -3, 5, 12, 40),
        lambda x: F.center_crop(x, (9, 50)),
        lambda x: F.pad(x, (1, 2, 3, 4), 7),
        lambda x: F.pad(x, (1, 2, 3, 4), padding_mode="edge"),
        lambda x: F.pad(x, (1, 2, 3, 4), padding_mode="reflect"),
        lambda x: F.pad(x, (5, 2, 3, 4), padding_mode="symmetric"),
        lambda x: F.posterize(x, 3),
        lambda x: F.solarize(x, 100),
        lambda x: F.rotate(x, 180),
        lambda x: F.affine(x, 0, (4, -3), 1.0, 0.0),
        lambda x: F.resize(x, (42, 60), T.InterpolationMode.NEAREST),
    ],
)
def test_exactly_as_pillow(function):
    assert gap(function)[1] == 0


@pytest.mark.parametrize(
    ("function", "mean"),
    [
        (lambda x: F.adjust_brightness(x, 1.4), 0.6),
        (lambda x: F.adjust_contrast(x, 0.6), 0.6),
        (lambda x: F.adjust_saturation(x, 1.5), 0.6),
        (lambda x: F.adjust_hue(x, 0.2), 3.0),
        (lambda x: F.adjust_gamma(x, 1.8), 0.6),
        (lambda x: F.adjust_sharpness(x, 2.0), 0.6),
        (F.autocontrast, 0.6),
        (F.rgb_to_grayscale, 0.6),
        (lambda x: F.resize(x, (9, 13)), 0.6),
        (lambda x: F.resize(x, 50), 0.6),
        (lambda x: F.resize(x, (9, 13), T.InterpolationMode.BICUBIC), 0.6),
        (lambda x: F.resize(x, (64, 64), T.InterpolationMode.BICUBIC), 0.6),
        (lambda x: F.rotate(x, 33, T.InterpolationMode.BILINEAR), 4.0),
        (lambda x: F.rotate(x, 33), 4.0),
        (lambda x: F.affine(x, 10, (2, 3), 1.2, (5, 4)), 4.0),
        (lambda x: F.perspective(x, CORNERS, [[3, 2], [25, 4], [28, 19], [1, 15]]), 5.0),
    ],
)
def test_nearly_as_pillow(function, mean):
    """Pillow works in bytes and, at the borders of what is turned, by other rules."""
    assert gap(function)[0] < mean


CORNERS = [[0, 0], [29, 0], [29, 20], [0, 20]]


def test_perspective_of_the_same_corners_is_the_image():
    np.testing.assert_array_equal(F.perspective(tensor(), CORNERS, CORNERS).numpy(), tensor().numpy())


def test_elastic_transform_by_whole_pixels():
    shift = torch.zeros(1, 21, 30, 2)
    shift[..., 0] = 2 * 4 / 30  # four columns, in halves of the width
    found = F.elastic_transform(tensor(), shift, T.InterpolationMode.NEAREST, [9]).numpy()
    np.testing.assert_array_equal(found[:, :, :26], tensor().numpy()[:, :, 4:])
    assert (found[:, :, 26:] == 9).all()


def test_hue_as_colorsys(rng):
    colors = rng.random((3, 4, 5))
    found = F.adjust_hue(torch.from_numpy(colors.astype(np.float32)), 0.3).numpy()
    for y in range(4):
        for x in range(5):
            hue, saturation, value = colorsys.rgb_to_hsv(*colors[:, y, x])
            want = colorsys.hsv_to_rgb((hue + 0.3) % 1, saturation, value)
            np.testing.assert_allclose(found[:, y, x], want, atol=1e-5)


def test_hue_of_grey_has_no_nan():
    grey = torch.full((3, 2, 2), 0.5)
    np.testing.assert_allclose(F.adjust_hue(grey, 0.3).numpy(), grey.numpy(), atol=1e-6)


def test_blur_as_a_sum_over_neighbours(rng):
    plane = rng.random((1, 6, 7))
    found = F.gaussian_blur(torch.from_numpy(plane), [3, 5], [0.8, 1.5]).numpy()
    x, y = np.exp(-0.5 * (np.arange(-1, 2) / 0.8) ** 2), np.exp(-0.5 * (np.arange(-2, 3) / 1.5) ** 2)
    kernel = np.outer(y / y.sum(), x / x.sum())
    padded = np.pad(plane[0], ((2, 2), (1, 1)), "reflect")
    want = [[(padded[i : i + 5, j : j + 3] * kernel).sum() for j in range(7)] for i in range(6)]
    np.testing.assert_allclose(found[0], want, rtol=1e-12)


def test_gradients_flow_through_transforms():
    image = torch.rand(3, 8, 9, requires_grad=True)
    for transform in (
        lambda x: F.normalize(x, [0.5] * 3, [0.25] * 3),
        lambda x: F.adjust_brightness(x, 0.7),
        lambda x: F.resize(x, (5, 6)),
        lambda x: F.affine(x, 10, (1, 0), 1.0, 0.0, T.InterpolationMode.BILINEAR),
        lambda x: F.gaussian_blur(x, 3),
        lambda x: F.hflip(F.pad(x, 2, padding_mode="reflect")),
    ):
        image.grad = None
        transform(image).sum().backward()
        assert image.grad.abs().sum() > 0


@pytest.mark.parametrize(
    "make",
    [
        lambda: T.RandomCrop(8, 2),
        lambda: T.RandomResizedCrop(8),
        lambda: T.ColorJitter(0.4, 0.4, 0.4, 0.2),
        lambda: T.RandomAffine(20, (0.1, 0.1), (0.8, 1.2), 5),
        lambda: T.TrivialAugmentWide(),
        lambda: T.Compose([T.ToTensor(), T.RandomErasing(1, value="random")]),
    ],
)
def test_the_same_seed_gives_the_same_image(make):
    found = []
    for _ in range(2):
        torch.manual_seed(3)
        result = make()(IMAGE)
        found.append(result.numpy() if isinstance(result, torch.Tensor) else np.asarray(result))
    np.testing.assert_array_equal(*found)
    torch.manual_seed(4)
    other = make()(IMAGE)
    other = other.numpy() if isinstance(other, torch.Tensor) else np.asarray(other)
    assert other.shape != found[0].shape or (other != found[0]).any()


def test_probabilities():
    torch.manual_seed(0)
    flip = T.RandomHorizontalFlip(0.3)
    image = torch.arange(2).view(1, 1, 2)
    flipped = sum(int(flip(image)[0, 0, 0]) for _ in range(1000))
    assert 250 < flipped < 350
