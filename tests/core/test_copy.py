"""The strided copy: any permutation, step, direction and broadcast, any element size, nothing written besides."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.core.raw import Guarded, code, i64, ptr, strides
from tinygrad_cnn._core import lib

ELEMENTS = [np.float32, np.float64, np.int64, np.int32, np.uint8, np.bool_]


def copy(src, dst):
    """Call tc_copy between two arrays of one shape."""
    assert src.shape == dst.shape
    lib.tc_copy(code(src), src.ndim, i64(src.shape), ptr(src), strides(src), ptr(dst), strides(dst))


def numbers(shape, element):
    """Return distinct numbers as far as the dtype has them."""
    return (np.arange(np.prod(shape, dtype=int)) % (2 if element is np.bool_ else 251)).reshape(shape).astype(element)


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize(
    "shape", [(), (1,), (0, 3), (9,), (3, 4), (33, 65), (2, 3, 4), (5, 1, 31, 33), (2, 3, 2, 3, 2)], ids=str
)
def test_every_permutation(element, shape, threads):
    x = numbers(shape, element)
    for axes in itertools.permutations(range(x.ndim)):
        src = x.transpose(axes)
        dst = Guarded(src.shape, element)
        copy(src, dst.array)
        np.testing.assert_array_equal(dst.check(), src)
        back = Guarded(x.shape, element)  # and the other way: dense source, permuted destination
        copy(src.copy(), back.array.transpose(axes))
        np.testing.assert_array_equal(back.check(), x)


@pytest.mark.parametrize("element", [np.float32, np.float64, np.uint8])
def test_steps_directions_broadcasts(element, threads):
    x = numbers((6, 40, 70), element)
    sources = [x[::2], x[:, ::-1], x[..., ::-1], x[1:5, 3:-3, 5::3], x[::-2, ::-3, ::-1].transpose(2, 0, 1)]
    sources += [
        np.broadcast_to(x[:, :1], x.shape),
        np.broadcast_to(x[:1, :, :1], x.shape),
        np.broadcast_to(x[0, 0, 0], (3, 5)),
    ]
    for src in sources:
        dst = Guarded(src.shape, element)
        copy(src, dst.array)
        np.testing.assert_array_equal(dst.check(), src)


@pytest.mark.parametrize("element", [np.float32, np.float64, np.uint8])
def test_part_of_a_larger_destination(element, threads):
    """As cat and slice assignment write: the elements around the part stay as they were."""
    part = numbers((5, 33, 17), element)
    for place in (np.s_[1:6, 2:35, 3:20], np.s_[5:0:-1, 2:35, 3:20], np.s_[1:6, 2:35, 20:3:-1], np.s_[:5, 1:34, ::2]):
        whole = np.zeros((8, 40, 33), element)
        expected = whole.copy()
        expected[place] = part
        copy(part, whole[place])
        np.testing.assert_array_equal(whole, expected)
        copy(np.asfortranarray(part), whole[place])
        np.testing.assert_array_equal(whole, expected)


@pytest.mark.parametrize("shape", [(300_000,), (3, 100_000), (700, 900), (4, 64, 40, 40)], ids=str)
def test_large(shape, threads):
    for element in (np.float32, np.uint8):
        x = numbers(shape, element)
        for src in (x, x.T, x[..., ::-1]):
            dst = Guarded(src.shape, element)
            copy(src, dst.array)
            np.testing.assert_array_equal(dst.check(), src)


def test_bits_are_kept():
    """A copy computes nothing: NaN payloads and denormal numbers arrive as they are."""
    x = np.array([0x7FC12345, 0x00000001, 0x80000001, 0x7F800001], np.uint32).view(np.float32)
    y = np.zeros((4, 3), np.float32)
    copy(np.broadcast_to(x[:, None], (4, 3)), y)
    np.testing.assert_array_equal(y.view(np.uint32), np.broadcast_to(x.view(np.uint32)[:, None], (4, 3)))


def test_many_dimensions():
    x = numbers((2,) * 16, np.float32)
    src = x.transpose(np.random.default_rng(0).permutation(16))
    dst = Guarded(src.shape, np.float32)
    copy(src, dst.array)
    np.testing.assert_array_equal(dst.check(), src)
    ones = numbers((1,) * 60 + (2, 3, 2, 2), np.int64)
    dst = Guarded(ones.shape, np.int64)
    copy(ones, dst.array)
    np.testing.assert_array_equal(dst.check(), ones)
