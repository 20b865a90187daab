"""Padding: every mode against NumPy and PyTorch, numerical gradients, dropout's mask."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tinygrad_cnn as tg
from tests.nn.twin import check_twin
from tinygrad_cnn.autograd import gradcheck, gradgradcheck
from tinygrad_cnn.nn import functional as F

NUMPY_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@pytest.mark.parametrize("mode", NUMPY_MODES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_against_numpy(mode, dtype, rng):
    x = rng.integers(-9, 9, (2, 3, 4, 5)).astype(dtype)
    for left, right, top, bottom in [(1, 2, 3, 0), (4, 4, 3, 3), (0, 0, 0, 0)]:
        got = F.pad(tg.from_numpy(x), (left, right, top, bottom), mode).numpy()
        expected = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), NUMPY_MODES[mode])
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("mode", NUMPY_MODES)
def test_gradients_numerically(mode, rng):
    x = tg.tensor(rng.standard_normal((2, 3, 4)).tolist(), dtype=tg.float64, requires_grad=True)
    for amounts in [(1, 2, 2, 1), (-1, 2, 0, -1)]:
        assert gradcheck(lambda v, a=amounts: F.pad(v, a, mode), [x])
        assert gradgradcheck(lambda v, a=amounts: F.pad(v, a, mode) ** 2, [x])


def case(shape, amounts, mode, value=None, dtype="float32"):
    def code(torch):
        x = (torch.arange(int(np.prod(shape))) % 11).reshape(shape).to(getattr(torch, dtype))
        if value is None:
            return torch.nn.functional.pad(x, amounts, mode)
        return torch.nn.functional.pad(x, amounts, mode, value)

    return code


CASES = {}
for _mode, (_shape, _amounts) in itertools.product(
    NUMPY_MODES,
    [
        ((2, 3, 4, 5), (1, 2, 3, 1)),
        ((2, 3, 4, 5), (1, 2)),
        ((2, 3, 4, 5), (1,)),
        ((2, 3, 4, 5), ()),
        ((2, 3, 4, 5), (5, 0, 0, 0)),
        ((2, 3, 4, 5), (6, 0, 0, 0)),
        ((2, 3, 4, 5), (-1, -2, 0, 1)),
        ((2, 3, 4, 5), (-5, 0, 0, 0)),
        ((2, 3, 4, 5), (-2, 4, 0, 0)),
        ((3, 4, 5), (1, 1, 1, 1)),
        ((3, 4, 5), (1, 1)),
        ((4, 5), (1, 1)),
        ((4, 5), (1, 1, 1, 1)),
        ((2, 3, 4, 5), (1, 1, 1, 1, 1, 1)),
        ((2, 2, 3, 4, 5), (1, 1, 2, 1, 0, 1)),
        ((2, 3, 4, 5), (1, 1) * 4),
        ((2, 3, 4, 5), (1, 1) * 5),
        ((5,), (1, 1)),
        ((0, 3, 4, 5), (1, 1, 1, 1)),
        ((2, 0, 4, 5), (1, 1, 1, 1)),
        ((2, 3, 0, 5), (1, 1, 1, 1)),
    ],
):
    CASES[f"{_mode}-{_shape}-{_amounts}"] = case(_shape, _amounts, _mode)
    CASES[f"{_mode}-value"] = case((2, 3, 4, 5), (1, 1, 1, 1), _mode, 1.5)
    CASES[f"{_mode}-bool"] = case((2, 3, 4, 5), (1, 1, 1, 1), _mode, dtype="bool")
    CASES[f"{_mode}-long"] = case((2, 3, 4, 5), (1, 1, 1, 1), _mode, dtype="int64")
CASES["unknown"] = case((2, 3, 4, 5), (1, 1), "foo")
CASES["int"] = case((2, 3, 4, 5), 1, "constant")


@pytest.mark.parity
@pytest.mark.parametrize("name", CASES)
def test_as_torch(name):
    pytest.importorskip("torch")
    check_twin(CASES[name])


def test_crop_to_less_than_nothing():
    for mode in NUMPY_MODES:
        with pytest.raises(RuntimeError):
            F.pad(tg.zeros(1, 1, 3, 3), (-2, -2, 0, 0), mode)


@pytest.mark.parametrize("shape", [(1, 1, 3, 3), (0, 1, 3, 3)])
def test_a_result_larger_than_the_address_space(shape):
    with pytest.raises(RuntimeError, match="Storage size calculation overflowed"):
        F.pad(tg.zeros(shape), (2**44, 2**44, 0, 0))


class TestDropout:
    def test_mask_and_scale(self):
        tg.manual_seed(0)
        x = tg.ones(10000, dtype=tg.float64, requires_grad=True)
        y = F.dropout(x, 0.25)
        kept = y != 0
        assert 0.73 < kept.double().mean().item() < 0.77
        assert (y[kept] == 1 / 0.75).all()
        y.sum().backward()
        assert (x.grad == y).all()

    def test_repeats_after_the_same_seed_only(self):
        def draw(seed):
            tg.manual_seed(seed)
            return F.dropout(tg.ones(100)), F.dropout(tg.ones(100))

        a, b = draw(1), draw(1)
        assert (a[0] == b[0]).all() and (a[1] == b[1]).all()
        assert (a[0] != a[1]).any() and (a[0] != draw(2)[0]).any()

    def test_edges(self):
        x = tg.ones(50)
        assert F.dropout(x, 0.0) is x
        assert F.dropout(x, 0.5, training=False) is x
        assert (F.dropout(x, 1.0) == 0).all()
        assert tuple(F.dropout(tg.ones(0, 3)).shape) == (0, 3)
        with pytest.raises(ValueError, match=r"between 0 and 1, but got 1.5"):
            F.dropout(x, 1.5)
        with pytest.raises(RuntimeError, match="result type Float can't be cast"):
            F.dropout(x.long(), 0.5)

    def test_in_place(self):
        x = tg.ones(1000)
        assert F.dropout(x, 0.5, inplace=True) is x
        assert set(x.tolist()) == {0.0, 2.0}
        leaf = tg.ones(1000, requires_grad=True)
        y = leaf * 1
        F.dropout(y, 0.5, inplace=True).sum().backward()
        assert (leaf.grad == y).all()

    def test_gradients_numerically(self):
        x = tg.ones(20, dtype=tg.float64, requires_grad=True)

        def function(v):
            tg.manual_seed(3)
            return F.dropout(v, 0.5) ** 2

        assert gradcheck(function, [x])
        assert gradgradcheck(function, [x])

    def test_layer(self):
        layer = tg.nn.Dropout(0.5)
        x = tg.ones(100)
        assert (layer(x) == 0).any()
        assert layer.eval()(x) is x
