"""In-place forms equal the functions, write into the same memory, count a version and keep the graph right."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tc
from tests.ops.compare import check, check_error, gradients, parametrize, sample

UNARY = [
    "neg",
    "abs",
    "sign",
    "floor",
    "ceil",
    "trunc",
    "square",
    "exp",
    "expm1",
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "erf",
    "relu",
    "sqrt",
    "rsqrt",
    "reciprocal",
    "log",
    "log2",
    "log10",
    "log1p",
    "round",
    "frac",
]
CASES = [
    *[(name, lambda T, x, name=name: (x, name, ()), ["p:3,4"]) for name in UNARY],
    ("add", lambda T, x, y: (x, "add", (y,)), ["f:3,4", "f:4"]),
    ("add_scalar", lambda T, x: (x, "add", (2.5,)), ["f:3,4"]),
    ("sub", lambda T, x, y: (x, "sub", (y,)), ["f:3,4", "f:3,4"]),
    ("sub_scalar", lambda T, x: (x, "sub", (1,)), ["f:3,4"]),
    ("mul", lambda T, x, y: (x, "mul", (y,)), ["f:3,4", "f:3,1"]),
    ("mul_scalar", lambda T, x: (x, "mul", (3,)), ["f:3,4"]),
    ("add_self", lambda T, x: (x, "add", (x,)), ["f:3,4"]),
    ("div", lambda T, x, y: (x, "div", (y,)), ["f:3,4", "p:3,4"]),
    ("div_scalar", lambda T, x: (x, "div", (3,)), ["f:3,4"]),
    ("pow", lambda T, x: (x, "pow", (3,)), ["f:3,4"]),
    ("pow_tensor", lambda T, x, y: (x, "pow", (y,)), ["p:3,4", "f:4"]),
    ("clamp", lambda T, x: (x, "clamp", (-0.5, 0.5)), ["f:3,4"]),
    ("clamp_min", lambda T, x: (x, "clamp_min", (0.1,)), ["f:3,4"]),
    ("remainder", lambda T, x: (x, "remainder", (2,)), ["f:3,4"]),
    ("fmod", lambda T, x: (x, "fmod", (2,)), ["f:3,4"]),
    ("lerp", lambda T, x, y: (x, "lerp", (y, 0.3)), ["f:3,4", "f:3,4"]),
    ("addcmul", lambda T, x, y: (x, "addcmul", (y, y)), ["f:3,4", "f:3,4"]),
    ("addcdiv", lambda T, x, y: (x, "addcdiv", (y, y)), ["f:3,4", "p:3,4"]),
    ("masked_fill", lambda T, x: (x, "masked_fill", (x.detach() > 0, 2.0)), ["f:3,4"]),
    ("tril", lambda T, x: (x, "tril", ()), ["f:3,4"]),
    ("cumsum", lambda T, x: (x, "cumsum", (1,)), ["f:3,4"]),
    ("scatter", lambda T, x, s: (x, "scatter", (1, T.tensor([[0, 2], [1, 3], [3, 0]]), s)), ["f:3,4", "f:3,2"]),
    ("scatter_add", lambda T, x, s: (x, "scatter_add", (1, T.tensor([[0, 2], [1, 1], [3, 0]]), s)), ["f:3,4", "f:3,2"]),
    ("index_add", lambda T, x, s: (x, "index_add", (0, T.tensor([0, 2, 0]), s)), ["f:3,4", "f:3,4"]),
    ("index_fill", lambda T, x: (x, "index_fill", (1, T.tensor([0, 2]), -1.0)), ["f:3,4"]),
    ("index_put", lambda T, x, v: (x, "index_put", ((T.tensor([0, 2]), T.tensor([1, 1])), v)), ["f:3,4", "f:2"]),
    ("masked_scatter", lambda T, x, s: (x, "masked_scatter", (x.detach() > 0, s)), ["f:3,4", "f:12"]),
    ("addmm", lambda T, x, a, b: (x, "addmm", (a, b)), ["f:3,4", "f:3,2", "f:2,4"]),
]


def changed(T, call, *arrays):
    """Return x * 1, changed in place, and something that depends on what it was before."""
    x = arrays[0] * 1
    before = x + 1
    target, name, args = call(T, x, *arrays[1:])
    memory = target.data_ptr()
    result = getattr(target, name + "_")(*args)
    assert result is target
    assert target.data_ptr() == memory
    return result * result + before


@pytest.mark.parity
@parametrize(CASES)
def test_parity(call, specs):
    pytest.importorskip("torch")
    arrays = [sample(spec, k) for k, spec in enumerate(specs)]
    check(lambda T, *xs: changed(T, call, *xs), arrays)
    check(lambda T, *xs: changed(T, call, *xs), arrays, dense=False)

    def in_view(T, *xs):
        base = T.zeros(2, 3, 4).to(xs[0].dtype) + xs[0]
        target, name, args = call(T, base[1], *xs[1:])
        if args and args[0] is target:
            args = (target.clone(), *args[1:])
        getattr(target, name + "_")(*args)
        return base * base

    check(in_view, arrays)


@parametrize(CASES)
def test_equals_the_function(call, specs):
    arrays = [tc.tensor(sample(spec, k)) for k, spec in enumerate(specs)]
    target, name, args = call(tc, arrays[0], *arrays[1:])
    expected = getattr(target, name)(*args)
    version, memory = target._version, target._array
    with tc.no_grad():
        assert getattr(target, name + "_")(*args) is target
    assert target._version == version + 1
    assert target._array is memory
    np.testing.assert_array_equal(target.numpy(), expected.numpy())


@parametrize([case for case in CASES if case[0] not in ("masked_fill", "masked_scatter")])
def test_derivatives(call, specs):
    gradients(lambda T, *xs: changed(T, call, *xs), [spec.replace("3,4", "3,4") for spec in specs])


@pytest.mark.parity
@parametrize(
    [
        ("int_add", lambda T: T.tensor([1, 2]).add_(2), []),
        ("int_mul", lambda T: T.tensor([1, 2]).mul_(T.tensor([3, 4])), []),
        ("float_add_double", lambda T: T.ones(2).add_(T.ones(2).double()), []),
        ("float_add_int", lambda T: T.ones(2).add_(T.tensor([1, 2]), alpha=2), []),
        ("iadd", lambda T: [x := T.ones(2), x.__iadd__(2)][1], []),
        ("floor_divide", lambda T: T.tensor([7, -7]).floor_divide_(2), []),
        ("comparison", lambda T: T.ones(2).eq_(1), []),
        ("bits", lambda T: T.tensor([True, False]).logical_not_(), []),
        ("fill", lambda T: T.ones(2, 2).fill_(3), []),
        ("fill_tensor", lambda T: T.ones(2).fill_(T.tensor(2)), []),
        ("zero", lambda T: T.ones(2).zero_(), []),
        ("fill_diagonal", lambda T: T.zeros(3, 2).fill_diagonal_(1), []),
        ("copy", lambda T: T.ones(2, 3).copy_(T.tensor([1, 2, 3])), []),
        ("and", lambda T: T.tensor([6]).bitwise_and_(3), []),
        ("squeeze", lambda T: T.ones(1, 2).squeeze_(), []),
        ("unsqueeze", lambda T: T.ones(2).unsqueeze_(0), []),
        ("t", lambda T: T.ones(1, 2).t_(), []),
        ("neg_int", lambda T: T.tensor([1]).neg_(), []),
        ("overlap", lambda T: [x := T.arange(6.0).view(2, 3), x[:, 1:].copy_(x[:, :-1].clone())][0], []),
    ]
)
def test_other_forms(call, specs):
    pytest.importorskip("torch")
    check(lambda T: call(T), [])


@pytest.mark.parity
@pytest.mark.parametrize(
    "call",
    [
        lambda T: T.tensor([1]).add_(1.5),
        lambda T: T.tensor([1]).div_(2),
        lambda T: T.ones(3).add_(T.ones(2, 3)),
        lambda T: T.ones(3).mul_(T.ones(4)),
        lambda T: T.ones(2, requires_grad=True).add_(1),
        lambda T: T.ones(2, requires_grad=True)[0].add_(1),
        lambda T: T.ones(2, requires_grad=True).zero_(),
        lambda T: T.tensor([True]).add_(1),
        lambda T: T.tensor([4]).sqrt_(),
        lambda T: T.ones(2).fill_(T.ones(2)),
        lambda T: T.ones(2).fill_("a"),
        lambda T: T.ones(1).expand(3).add_(1),
    ],
)
def test_errors(call):
    pytest.importorskip("torch")
    check_error(call)


@pytest.mark.parity
def test_parts_of_itself():
    pytest.importorskip("torch")
    check(lambda T, x: (x * 1).add_((x * 1)[0]), [sample("f:3,4")])

    def sgd(T, p, g):
        with T.no_grad():
            p.add_(g, alpha=-0.1)
            p -= 0.5 * g
            p[0] = 0
        return p * p

    check(sgd, [sample("f:3,4"), sample("f:3,4", 1)])


def test_operand_that_overlaps_gives_what_a_copy_gives():
    for operand in (lambda x: x[0], lambda x: x.t(), lambda x: x[:, :1]):
        x = tc.tensor(sample("f:4,4"))
        expected = x + operand(x).clone()
        x += operand(x)
        np.testing.assert_array_equal(x.numpy(), expected.numpy())
        y = tc.tensor(sample("f:4,4")).requires_grad_() * 1
        z = y.mul_(operand(y))
        z.sum().backward()


def test_saved_values_survive_or_are_reported():
    x = tc.ones(3, requires_grad=True)
    y = x * 2
    z = y * y
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()
    y = x * 2
    y.mul_(y).sum().backward()
    assert x.grad.tolist() == [8.0] * 3


def test_operation_on_itself_keeps_the_old_value_for_backward():
    """PyTorch refuses this backward; here the value from before is kept."""
    x = tc.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 1
    y.mul_(y)
    y.div_(y + 0)
    assert y.tolist() == [1.0] * 3
    gradients(lambda T, x: [y := x * 1, y.mul_(y)][1], ["f:3,4"])
