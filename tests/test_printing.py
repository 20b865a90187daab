"""Tensors as text: to the letter as PyTorch prints them."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn
import tinygrad_cnn as torch


@pytest.fixture(autouse=True)
def default_options():
    yield
    torch.set_printoptions(profile="default")


def test_golden():
    assert repr(torch.tensor([1.0, 2.5])) == "tensor([1.0000, 2.5000])"
    assert repr(torch.tensor([1.0, 2.0])) == "tensor([1., 2.])"
    assert repr(torch.tensor([[1, -20], [3, 4]])) == "tensor([[  1, -20],\n        [  3,   4]])"
    assert repr(torch.tensor([True, False])) == "tensor([ True, False])"
    assert repr(torch.tensor(3)) == "tensor(3)"
    assert repr(torch.tensor([])) == "tensor([])"
    assert repr(torch.zeros(2, 0)) == "tensor([], size=(2, 0))"
    assert repr(torch.zeros(2, dtype=torch.float64)) == "tensor([0., 0.], dtype=torch.float64)"
    assert repr(torch.tensor([1e-8, 1.0])) == "tensor([1.0000e-08, 1.0000e+00])"
    assert repr(torch.tensor([float("nan"), float("inf"), 1.0])) == "tensor([nan, inf, 1.])"
    assert repr(torch.ones(1, requires_grad=True)) == "tensor([1.], requires_grad=True)"
    assert repr(torch.ones(1, requires_grad=True) * 2) == "tensor([2.], grad_fn=<MulBackward0>)"
    assert str(torch.arange(2000)) == "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"
    assert repr(torch.Size([1, 2])) == "torch.Size([1, 2])"
    assert repr(torch.float32) == "torch.float32"
    assert repr(torch.device("cuda:1")) == "device(type='cuda', index=1)"


def random_array(rng):
    ndim = rng.integers(0, 5)
    largest = (3, 12, 60, 200)[rng.integers(4)] if ndim < 3 else 9
    shape = tuple(rng.integers(rng.random() > 0.1, largest, ndim).tolist())
    if np.prod(shape) > 3000:
        shape = (shape[0],)
    kind = rng.integers(8)
    if kind == 0:
        return rng.integers(0, 256, shape).astype(np.uint8)
    if kind == 1:
        return rng.integers(0, 2, shape).astype(np.bool_)
    if kind == 2:
        limit = 10 ** rng.integers(1, 9)
        return np.asarray(rng.integers(-limit, limit, shape)).astype((np.int64, np.int32)[rng.integers(2)])
    values = rng.normal(size=shape) * 10.0 ** rng.integers(-9, 9)
    if kind == 3:
        values = np.round(values)
    if kind == 4:
        values = values * 10.0 ** rng.integers(-4, 5, shape)
    if kind == 5:
        values = np.where(rng.random(shape) < 0.2, rng.choice([0, np.nan, np.inf, -np.inf, -0.0], size=shape), values)
    return np.asarray(values).astype((np.float32, np.float64)[rng.integers(2)])


def random_options(rng):
    if rng.random() < 0.6:
        return {"profile": ("default", "short", "full")[rng.integers(3)]}
    return {
        "precision": int(rng.integers(0, 8)),
        "threshold": int(rng.integers(0, 100)),
        "edgeitems": int(rng.integers(0, 4)),
        "linewidth": int(rng.integers(20, 140)),
        "sci_mode": (None, True, False)[rng.integers(3)],
    }


@pytest.mark.parity
@pytest.mark.parametrize("seed", range(8))
def test_random_tensors_as_pytorch(seed):
    reference = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    try:
        for _ in range(80):
            array, options, grad = random_array(rng), random_options(rng), rng.random() < 0.2
            texts = []
            for module in (reference, tinygrad_cnn):
                module.set_printoptions(profile="default")
                module.set_printoptions(**options)
                x = module.from_numpy(array.copy())
                if grad and array.dtype.kind == "f":
                    x = x.requires_grad_()
                    x = x * 1 if array.size % 2 else x
                texts.append(repr(x))
            assert texts[0] == texts[1]
    finally:
        reference.set_printoptions(profile="default")


def test_options():
    with torch.printing.printoptions(precision=2):
        assert repr(torch.tensor([1.2345])) == "tensor([1.23])"
    assert repr(torch.tensor([1.2345])) == "tensor([1.2345])"
    torch.set_printoptions(sci_mode=True)
    assert torch.printing.get_printoptions()["sci_mode"] is True
    assert repr(torch.tensor([1.5])) == "tensor([1.5000e+00])"


def test_printing_is_not_recorded():
    x = torch.ones(3, requires_grad=True)
    repr(x), str(x), f"{x}"
    assert x._version == 0
