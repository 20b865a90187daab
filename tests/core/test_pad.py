"""Padding by index maps, against NumPy's indexing and PyTorch's modes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.builds import failing_memory, needs_failing_memory
from tests.core.raw import Guarded, code, i64, ptr
from tinygrad_cnn._core import lib

# Index maps of one axis of 5 cells: -1 is the constant.
MAPS = {
    "none": [0, 1, 2, 3, 4],
    "constant": [-1, -1, 0, 1, 2, 3, 4, -1],
    "crop": [1, 2, 3],
    "reflect": [2, 1, 0, 1, 2, 3, 4, 3],
    "replicate": [0, 0, 0, 1, 2, 3, 4, 4],
    "circular": [3, 4, 0, 1, 2, 3, 4, 0, 1],
    "outside": [-1, -1],
    "reversed": [4, 3, 2, 1, 0],
    "empty": [],
}
DTYPES = [np.float32, np.float64, np.int64, np.int32, np.uint8, np.bool_]


def pad(x: np.ndarray, rows, cols, value: float) -> np.ndarray:
    """Call the core's padding of (planes, h, w)."""
    y = Guarded((x.shape[0], len(rows), len(cols)), x.dtype, x.itemsize)
    lib.tc_pad2d(code(x), *x.shape, len(rows), len(cols), i64(rows), i64(cols), value, ptr(x), ptr(y.array))
    return y.check()


def pad_grad(dy: np.ndarray, h: int, w: int, rows, cols) -> np.ndarray:
    """Call the core's gradient of padding."""
    dx = Guarded((dy.shape[0], h, w), dy.dtype, dy.itemsize)
    status = lib.tc_pad2d_grad(code(dy), dy.shape[0], h, w, len(rows), len(cols), i64(rows), i64(cols), ptr(dy),
                               ptr(dx.array))  # fmt: skip
    assert status == lib.TC_OK
    return dx.check()


def expected_pad(x: np.ndarray, rows, cols, value) -> np.ndarray:
    """Return the definition, cell by cell."""
    y = np.empty((x.shape[0], len(rows), len(cols)), x.dtype)
    for p, i, j in np.ndindex(*y.shape):
        y[p, i, j] = value if rows[i] < 0 or cols[j] < 0 else x[p, rows[i], cols[j]]
    return y


@pytest.mark.parametrize("element", DTYPES)
@pytest.mark.parametrize("rows", MAPS)
@pytest.mark.parametrize("cols", MAPS)
def test_pad(element, rows, cols, rng):
    x = rng.integers(0, 2 if element is np.bool_ else 200, (3, 5, 5)).astype(element)
    np.testing.assert_array_equal(pad(x, MAPS[rows], MAPS[cols], 7), expected_pad(x, MAPS[rows], MAPS[cols], 7))


@pytest.mark.parametrize("value", [0.0, -2.0, 1e300, np.inf, -np.inf, np.nan])
def test_constants(dtype, value):
    x = np.ones((2, 5, 5), dtype)
    with np.errstate(over="ignore"):
        expected = expected_pad(x, MAPS["constant"], MAPS["constant"], dtype(value))
    np.testing.assert_array_equal(pad(x, MAPS["constant"], MAPS["constant"], value), expected)


@pytest.mark.parametrize("rows", MAPS)
@pytest.mark.parametrize("cols", MAPS)
def test_pad_grad(isa, dtype, rows, cols, rng):
    dy = rng.integers(-9, 10, (3, len(MAPS[rows]), len(MAPS[cols]))).astype(dtype)
    expected = np.zeros((3, 5, 5))
    for p, i, j in np.ndindex(*dy.shape):
        if MAPS[rows][i] >= 0 and MAPS[cols][j] >= 0:
            expected[p, MAPS[rows][i], MAPS[cols][j]] += dy[p, i, j]
    np.testing.assert_array_equal(pad_grad(dy, 5, 5, MAPS[rows], MAPS[cols]), expected)


@pytest.mark.parametrize("width", [1, 2, 15, 16, 17, 33, 100])
def test_widths_and_threads(isa, dtype, threads, width, rng):
    """Long rows, several chunks of work: both directions at once, exact in small integers."""
    x = rng.integers(-9, 10, (40, 30, width)).astype(dtype)
    rows, cols = [-1, *range(30), 29], [0, 0, *range(width), -1]
    y = pad(x, rows, cols, 1)
    np.testing.assert_array_equal(y[:, 1:-1, 2:-1], x)
    np.testing.assert_array_equal(y[:, 1:, :2], np.concatenate([x, x[:, -1:]], 1)[:, :, :1].repeat(2, 2))
    assert (y[:, 0] == 1).all() and (y[:, :, -1] == 1).all()
    expected = x.copy()
    expected[:, -1] += x[:, -1]
    expected[:, :, 0] *= 3
    np.testing.assert_array_equal(pad_grad(y, 30, width, rows, cols), expected)


@pytest.mark.parity
@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
def test_pad_as_pytorch(mode, rng):
    torch = pytest.importorskip("torch")
    x = torch.from_numpy(rng.standard_normal((3, 1, 5, 5))).requires_grad_()
    before, after = {"circular": (2, 2)}.get(mode, (2, 1))
    expected = torch.nn.functional.pad(x, (before, after, before, after), mode)
    cells = np.pad(np.arange(5), (before, after), {"replicate": "edge", "circular": "wrap"}.get(mode, mode),
                   **({"constant_values": -1} if mode == "constant" else {}))  # fmt: skip
    y = pad(x.detach().numpy()[:, 0], cells, cells, 0)
    np.testing.assert_array_equal(y, expected.detach().numpy()[:, 0])
    dy = torch.from_numpy(rng.standard_normal(expected.shape))
    (dx,) = torch.autograd.grad(expected, x, dy)
    np.testing.assert_allclose(pad_grad(dy.numpy()[:, 0], 5, 5, cells, cells), dx.numpy()[:, 0], atol=1e-14)


@needs_failing_memory
def test_no_memory():
    """A failed allocation of the gradient is reported."""
    dy, dx, maps = np.ones((1, 3, 3), np.float32), np.ones((1, 1, 1), np.float32), i64([-1, 0, -1])
    with failing_memory(1):
        status = lib.tc_pad2d_grad(code(dy), 1, 1, 1, 3, 3, maps, maps, ptr(dy), ptr(dx))
    assert status == lib.TC_ENOMEM
