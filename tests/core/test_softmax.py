"""softmax and log_softmax of the core against float64 formulas."""

from __future__ import annotations

import numpy as np
import pytest

from tests.core.raw import Guarded, code, ptr
from tinygrad_cnn._core import lib

SHAPES = [
    (1, 1, 1),
    (5, 10, 1),
    (523, 10, 1),
    (131, 32, 1),
    (9, 33, 1),
    (3, 1, 1),
    (2, 1000, 1),
    (7, 4, 3),
    (2, 21, 70),
    (3, 5, 64),
    (1, 3, 129),
    (1, 4100, 5),  # more terms than the buffer for positions side by side has room for
    (0, 4, 1),
    (4, 3, 0),
]


def softmax(x: np.ndarray, logarithm: bool) -> np.ndarray:
    """Call the core along the middle dimension."""
    y = Guarded(x.shape, x.dtype, x.itemsize)
    assert lib.tc_softmax(logarithm, code(x), *x.shape, ptr(x), ptr(y.array)) == lib.TC_OK
    return y.check()


def softmax_grad(dy: np.ndarray, y: np.ndarray, logarithm: bool) -> np.ndarray:
    """Call the core's gradient."""
    dx = Guarded(y.shape, y.dtype, y.itemsize)
    assert lib.tc_softmax_grad(logarithm, code(y), *y.shape, ptr(dy), ptr(y), ptr(dx.array)) == lib.TC_OK
    return dx.check()


def reference(x: np.ndarray, logarithm: bool) -> np.ndarray:
    """Return the definition in float64."""
    x = x.astype(np.float64)
    x = x - x.max(1, keepdims=True) if x.size else x
    log_sum = np.log(np.exp(x).sum(1, keepdims=True))
    return x - log_sum if logarithm else np.exp(x - log_sum)


@pytest.mark.parametrize("logarithm", [False, True], ids=["softmax", "log_softmax"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_softmax_and_gradient(isa, dtype, threads, shape, logarithm, rng):
    x = (5 * rng.standard_normal(shape)).astype(dtype)
    terms = shape[1] if shape[2] > 1 else 0  # positions side by side add theirs one after the other
    tolerance = (16 + terms / 32) * np.finfo(dtype).eps
    y, expected = softmax(x, logarithm), reference(x, logarithm)
    np.testing.assert_allclose(y, expected, rtol=tolerance, atol=tolerance if logarithm else 0)
    dy = rng.standard_normal(shape).astype(dtype)
    total = (dy * (1 if logarithm else expected)).sum(1, keepdims=True)
    slope = dy - np.exp(expected) * total if logarithm else expected * (dy - total)
    np.testing.assert_allclose(
        softmax_grad(dy, y, logarithm), slope, rtol=0, atol=tolerance * (1 + np.abs(total).max(initial=0))
    )


def test_nothing_to_sum(dtype):
    nothing = np.empty((3, 0, 2), dtype)
    assert softmax(nothing, False).size == softmax_grad(nothing, nothing, True).size == 0


@pytest.mark.parametrize("inner", [1, 2, 40])
def test_every_length(isa, dtype, inner, rng):
    """Row lengths around every vector length (inner == 1), and numbers of positions (inner > 1)."""
    for length in range(1, 36):
        x = rng.standard_normal((3, length, inner) if inner < 40 else (2, 3, length)).astype(dtype)
        for logarithm in (False, True):
            np.testing.assert_allclose(softmax(x, logarithm), reference(x, logarithm), rtol=1e-5, atol=1e-6)


ROWS = [
    ([-np.inf, 0.0], [0, 1], [-np.inf, 0]),
    ([-np.inf, -np.inf], [np.nan, np.nan], [np.nan, np.nan]),
    ([np.inf, 0], [np.nan, np.nan], [np.nan, np.nan]),
    ([np.nan, 0], [np.nan, np.nan], [np.nan, np.nan]),
    ([3, 3], [0.5, 0.5], [-np.log(2), -np.log(2)]),
    ([1e30, -1e30], [1, 0], [0, -2e30]),
    ([0, -200, 0], [0.5, 0, 0.5], [-np.log(2), -200 - np.log(2), -np.log(2)]),
    ([7], [1], [0]),
]


@pytest.mark.parametrize("values, plain, logarithm", ROWS)
def test_special_rows(isa, dtype, values, plain, logarithm):
    """As one row, as equal columns beside each other, and far along a long row that is -inf elsewhere."""
    for expected, is_log in ((plain, False), (logarithm, True)):
        tolerance = {"rtol": 1e-6, "atol": 1e-30}
        np.testing.assert_allclose(
            softmax(np.array([values], dtype)[:, :, None], is_log)[0, :, 0], expected, **tolerance
        )
        columns = softmax(np.repeat(np.array([values], dtype)[:, :, None], 19, 2), is_log)
        np.testing.assert_allclose(columns[0], np.repeat(np.array(expected)[:, None], 19, 1), **tolerance)
        long = np.concatenate([np.full(37, -np.inf), values]).astype(dtype)[None, :, None]
        np.testing.assert_allclose(softmax(long, is_log)[0, 37:, 0], expected, **tolerance)


@pytest.mark.parity
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_softmax_as_pytorch(dtype, shape, rng):
    torch = pytest.importorskip("torch")
    x = torch.from_numpy((3 * rng.standard_normal(shape)).astype(dtype)).requires_grad_()
    for function, logarithm in ((torch.softmax, False), (torch.log_softmax, True)):
        expected = function(x, 1)
        y = softmax(x.detach().numpy(), logarithm)
        tolerance = 20 * np.finfo(dtype).eps
        np.testing.assert_allclose(y, expected.detach().numpy(), rtol=tolerance, atol=tolerance)
        dy = torch.from_numpy(rng.standard_normal(shape).astype(dtype))
        (dx,) = torch.autograd.grad(expected, x, dy)
        np.testing.assert_allclose(softmax_grad(dy.numpy(), y, logarithm), dx.numpy(), atol=10 * tolerance)


def test_threads_do_not_change_a_bit(isa, dtype, rng):
    results, before = [], lib.tc_get_num_threads()
    inputs = [rng.standard_normal(shape).astype(dtype) for shape in ((3000, 37, 1), (9, 21, 700))]
    for count in (1, 2, 5):
        lib.tc_set_num_threads(count)
        results.append([softmax(x, logarithm).tobytes() for x in inputs for logarithm in (False, True)])
    lib.tc_set_num_threads(before)
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("length", [3, 10, 32, 33, 70])
def test_a_row_does_not_depend_on_its_place(isa, dtype, length, rng):
    """The same bits wherever a row stands in a batch, and in whatever batch."""
    rows = rng.standard_normal((300, length, 1)).astype(dtype)
    dy = rng.standard_normal(rows.shape).astype(dtype)
    for logarithm in (False, True):
        whole = softmax(rows, logarithm)
        slopes = softmax_grad(dy, whole, logarithm)
        for first, last in ((0, 1), (5, 8), (290, 300)):
            part = softmax(rows[first:last].copy(), logarithm)
            assert part.tobytes() == whole[first:last].tobytes()
            assert softmax_grad(dy[first:last].copy(), part, logarithm).tobytes() == slopes[first:last].tobytes()
