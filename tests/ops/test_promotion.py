"""Dtypes of results: every pair of dtypes, as tensors with dimensions, 0-d tensors and numbers, against PyTorch."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tinygrad_cnn as tc
from tests.ops.compare import check

NAMES = ["float32", "float64", "int64", "int32", "uint8", "bool"]
NUMBERS = [2.5, 3, True]


def operand(T, name, shape):
    return T.ones(shape, dtype=getattr(T, name))


@pytest.mark.parity
@pytest.mark.parametrize("operator", ["add", "mul", "true_divide", "maximum", "eq", "where", "atan2", "pow"])
def test_pairs_of_tensors(operator):
    torch = pytest.importorskip("torch")
    for (a, b), (s, t) in itertools.product(
        itertools.product(NAMES, NAMES), [((2,), (2,)), ((2,), ()), ((), (2,)), ((), ())]
    ):
        if operator == "pow" and a == b == "bool":
            continue
        results = []
        for T in (tc, torch):
            x, y = operand(T, a, s), operand(T, b, t)
            results.append(T.where(x > 0, x, y) if operator == "where" else getattr(T, operator)(x, y))
        assert str(results[0].dtype) == str(results[1].dtype), (operator, a, s, b, t)
        assert results[0].tolist() == results[1].tolist(), (operator, a, s, b, t)
        assert str(tc.result_type(operand(tc, a, s), operand(tc, b, t))) == str(
            torch.result_type(operand(torch, a, s), operand(torch, b, t))
        )


@pytest.mark.parity
@pytest.mark.parametrize("default", ["float32", "float64"])
def test_tensor_and_number(default):
    torch = pytest.importorskip("torch")
    calls = [
        lambda x, n: x + n,
        lambda x, n: n * x,
        lambda x, n: x / n,
        lambda x, n: n / x,
        lambda x, n: x == n,
        lambda x, n: x < n,
        lambda x, n: x.sqrt() * n,
        lambda x, n: n * x.long(),
    ]
    try:
        for T in (tc, torch):
            T.set_default_dtype(getattr(T, default))
        for call, name, number, shape in itertools.product(calls, NAMES, NUMBERS, [(2,), ()]):
            ours, theirs = (call(operand(T, name, shape), number) for T in (tc, torch))
            assert str(ours.dtype) == str(theirs.dtype), (name, number, shape)
            np.testing.assert_allclose(ours.numpy(), theirs.numpy(), 1e-6)
    finally:
        for T in (tc, torch):
            T.set_default_dtype(T.float32)


@pytest.mark.parity
def test_gradients_keep_the_dtype_of_their_tensor():
    pytest.importorskip("torch")
    x, y = np.array([1.5, -2.0], np.float32), np.array([0.5, 3.0])
    for call in (
        lambda T, x, y: x * y,
        lambda T, x, y: x + y,
        lambda T, x, y: x / y,
        lambda T, x, y: x.double() * 2,
        lambda T, x, y: y.float() + x,
        lambda T, x, y: T.cat([x, y]),
        lambda T, x, y: T.where(x > 0, x, y),
        lambda T, x, y: x * T.tensor([2, 3]),
        lambda T, x, y: x + T.tensor(1.0, dtype=T.float64),
        lambda T, x, y: T.maximum(x, y),
        lambda T, x, y: x.sum(dtype=T.float64) + y,
    ):
        check(call, [x, y])


@pytest.mark.parity
def test_casts():
    torch = pytest.importorskip("torch")
    values = [0.0, -0.5, 1.9, -1.9, 254.7, 2.0**30]
    for source, target in itertools.product(NAMES, NAMES):
        data = values if source.startswith("float") else [0, 1, 5, 200]
        ours, theirs = (T.tensor(data, dtype=getattr(T, source)).to(getattr(T, target)).tolist() for T in (tc, torch))
        if target == "uint8" and source.startswith("float"):
            ours, theirs = ours[:-1], theirs[:-1]  # 2**30 does not fit: undefined
        assert ours == theirs, (source, target)


@pytest.mark.parity
def test_integer_arithmetic_wraps_round():
    pytest.importorskip("torch")
    for call in (
        lambda T: T.tensor([255, 7], dtype=T.uint8) + 1,
        lambda T: T.tensor([3], dtype=T.uint8) - 5,
        lambda T: T.tensor([2**31 - 1], dtype=T.int32) + 1,
        lambda T: T.tensor([2**62]) * 4,
        lambda T: T.tensor([100], dtype=T.uint8) * 300,
        lambda T: -T.tensor([1], dtype=T.uint8),
        lambda T: T.tensor([2], dtype=T.int32) ** 40,
        lambda T: T.tensor([-(2**63)]).abs(),
    ):
        check(lambda T, call=call: call(T), [])


@pytest.mark.parity
def test_a_number_may_come_first():
    """In sums, differences, products and quotients, alone or before a tensor; elsewhere it is a TypeError."""
    torch = pytest.importorskip("torch")
    for name in ("add", "sub", "mul", "div", "subtract", "multiply", "divide", "true_divide", "floor_divide"):
        for number, other in itertools.product((7, 2.5), (2, 1.5, [1, 2], [0.5, 4.0], 3)):
            results = []
            for T in (tc, torch):
                result = getattr(T, name)(number, T.tensor(other) if isinstance(other, list) else other)
                results.append((result.tolist(), str(result.dtype).split(".")[-1], tuple(result.shape)))
            assert results[0] == results[1], (name, number, other)
    assert tc.add(1, 2, alpha=3).item() == 7
    assert tc.div(7, 2, rounding_mode="floor").item() == 3
    for name in ("remainder", "fmod", "pow", "eq", "maximum", "rsub"):
        with pytest.raises(TypeError):
            getattr(tc, name)(7, 2)


@pytest.mark.parity
def test_shift_operators():
    pytest.importorskip("torch")
    for call in (
        lambda T, x: x << 3,
        lambda T, x: x >> 1,
        lambda T, x: x << x.abs(),
        lambda T, x: 2 << x.abs(),
        lambda T, x: 64 >> x.abs(),
        lambda T, x: x.int() >> 1,
        lambda T, x: x.bool() << 1,
        lambda T, x: x.clone().__ilshift__(2),
        lambda T, x: x.clone().__irshift__(1),
    ):
        check(call, [np.array([1, -8, 3])])
