"""Padding of lines and volumes, crops, constants of every dtype, the layers: PyTorch's values, gradients and errors."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import tinygrad_cnn as tg
from tests.nn.twin import check_twin
from tinygrad_cnn import nn
from tinygrad_cnn.autograd import gradcheck, gradgradcheck
from tinygrad_cnn.nn import functional as F

MODES = ("constant", "reflect", "replicate", "circular")
SIZES = (4, 5, 6)


@pytest.mark.parity
@pytest.mark.parametrize(("mode", "dim"), [*itertools.product(MODES, (1, 2, 3))])
def test_amounts_as_torch(mode, dim):
    """Too large ones and crops to nothing included; circular ones that PyTorch fills with unwritten memory are not."""
    pytest.importorskip("torch")
    pairs = [(1, 2), (0, 0), (3, 3), (-1, 1), (-1, -2), (-2, -2), (-3, -3), (-4, 0), (5, 5), (-1, 0)]
    if mode != "circular":
        pairs += [(2, -3), (-3, 3), (-2, 3), (3, -4)]
    for amounts in [pair * dim for pair in pairs] + [(*(0, 0) * (dim - 1), -1, 2), (*(0, 0) * (dim - 1), 1, 2)]:
        sizes = [size + sum(amounts[-2 * i - 2 : len(amounts) - 2 * i]) for i, size in enumerate(SIZES[:dim])]
        if mode == "reflect" and min(sizes) < 0 < max(sizes):
            continue  # a message of the allocator
        for shape in ((2, 3, *SIZES[:dim]), (3, *SIZES[:dim])):
            check_twin(
                lambda t, s=shape, a=amounts: t.nn.functional.pad(t.arange(math.prod(s)).reshape(s).float(), a, mode)
            )


@pytest.mark.parametrize(("mode", "dim"), [*itertools.product(MODES, (1, 3))])
def test_gradients_numerically(mode, dim, rng):
    x = tg.tensor(rng.standard_normal((2, *(3, 4, 3)[:dim]))).requires_grad_()
    for pair in ((1, 2), (-1, 1), (-1, -1)):
        assert gradcheck(lambda v, a=pair * dim: F.pad(v, a, mode), [x])
        assert gradgradcheck(lambda v, a=pair * dim: F.pad(v, a, mode) ** 2, [x])


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool", "float32"])
def test_constants_as_torch(dtype):
    pytest.importorskip("torch")
    for value in (0, 2.5, -1.7, -1, 255.0, 300, True, 2.0**31, math.inf, math.nan, None, "a"):
        check_twin(lambda t, v=value: t.nn.functional.pad(t.ones(2).to(getattr(t, dtype)), (1, 1), "constant", v))


@pytest.mark.parity
def test_constant_pad_nd_as_torch():
    pytest.importorskip("torch")
    amounts = [([1, 1], 2), ([1, -1, 2, 0], 1.5), ([], 0), ([1], 0), ([1] * 8, 0), ([-5, 0], 0)]
    for pad, value in [*amounts, ("a", 0), ([1, 1], None)]:
        check_twin(lambda t, p=pad, v=value: t.constant_pad_nd(t.ones(2, 3, 4), p, v))


def test_a_copy_even_of_no_amounts():
    for x in (tg.ones(3), tg.ones(()), tg.ones(2, 3, 4)):
        for amounts in ((), (0, 0)) if x.ndim else ((),):
            y = F.pad(x, amounts)
            y += 1
            assert (x == 1).all()


def test_empty_of_integers():
    assert F.pad(tg.ones(0, 3, dtype=tg.int64), (1, 1, 1, 1), value=7).tolist() == [[7] * 5] * 2


LAYERS = [
    f"{kind}Pad{dim}d" for kind in ("Constant", "Zero", "Reflection", "Replication", "Circular") for dim in (1, 2, 3)
]


@pytest.mark.parity
@pytest.mark.parametrize("name", LAYERS)
def test_layers_as_torch(name):
    pytest.importorskip("torch")
    dim = int(name[-2])
    value = (3.5,) if name.startswith("Constant") else ()
    for padding in (1, tuple(range(2 * dim)), [1] * 2 * dim, (1,)):
        for shape in ((2, 3, *[7] * dim), (3, *[7] * dim), (7,)):
            check_twin(
                lambda t, p=padding, s=shape: getattr(t.nn, name)(p, *value)(t.arange(math.prod(s)).reshape(s).float())
            )
            check_twin(lambda t, p=padding: getattr(t.nn, name)(p, *value))
    assert isinstance(nn.ZeroPad2d(1), nn.ConstantPad2d) and not nn.ZeroPad2d(1).state_dict()


def test_views_are_padded_as_they_read(rng):
    x = tg.from_numpy(rng.standard_normal((5, 4, 6, 3, 2))).permute(4, 3, 0, 2, 1)[:, :, ::2]
    for mode in MODES:
        np.testing.assert_array_equal(F.pad(x, (1, 2) * 3, mode), F.pad(x.contiguous(), (1, 2) * 3, mode))
