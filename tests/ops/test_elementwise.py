"""Elementwise operations: parity with PyTorch over kinds of operands, derivatives, corner cases, errors."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tc
from tests.ops.compare import check, check_error, gradients, parametrize, sample

UNARY = [
    *[
        (name, "f:3,4")
        for name in [
            "neg",
            "abs",
            "sign",
            "floor",
            "ceil",
            "round",
            "trunc",
            "frac",
            "square",
            "exp",
            "expm1",
            "sin",
            "cos",
            "tanh",
            "sigmoid",
            "erf",
            "relu",
        ]
    ],
    *[(name, "p:3,4") for name in ["sqrt", "rsqrt", "reciprocal", "log", "log2", "log10", "log1p"]],
    *[(name, "f:3,4") for name in ["isnan", "isinf", "isfinite", "positive", "logical_not"]],
]
DIFFERENTIABLE = [pair for pair in UNARY if pair[0] not in ("isnan", "isinf", "isfinite", "logical_not", "positive")]


@pytest.mark.parity
@pytest.mark.parametrize(("name", "spec"), UNARY, ids=[name for name, _ in UNARY])
@pytest.mark.parametrize("dense", [True, False], ids=["dense", "strided"])
def test_unary_parity(name, spec, dense):
    pytest.importorskip("torch")
    for shape in ("3,4", "", "0,3", "2,1,5"):
        for kind in (spec[0], "d"):
            array = sample(f"{kind}:{shape}")
            array = np.abs(array) + array.dtype.type(0.2) if spec[0] == "p" else array
            check(lambda T, x: getattr(T, name)(x), [array], dense=dense)
    check(lambda T, x: getattr(x, name)(), [sample(spec)], dense=dense)


@pytest.mark.parity
@pytest.mark.parametrize("name", [name for name, _ in UNARY if name not in ("frac",)])
@pytest.mark.parametrize("kind", ["i", "s", "y", "b"])
def test_unary_of_integers(name, kind):
    torch = pytest.importorskip("torch")
    array = (
        sample(f"{kind}:3,4")
        if name not in ("sqrt", "rsqrt", "log", "log2", "log10")
        else np.abs(sample(f"{kind}:3,4"))
    )
    try:
        getattr(torch, name)(torch.tensor(array))
    except RuntimeError:
        with pytest.raises(RuntimeError):
            getattr(tc, name)(tc.tensor(array))
        return
    check(lambda T, x: getattr(T, name)(x), [array])


@pytest.mark.parametrize(("name", "spec"), DIFFERENTIABLE, ids=[name for name, _ in DIFFERENTIABLE])
def test_unary_derivatives(name, spec):
    gradients(lambda T, x: getattr(T, name)(x), [spec.replace("3,4", "2,3")])


@pytest.mark.parity
@pytest.mark.parametrize("name", [name for name, _ in UNARY])
def test_unary_special_values(name):
    pytest.importorskip("torch")
    values = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 0.5, -0.5, 1.5, 2.5, 1e-30, 80.0, -80.0], np.float32)
    check(lambda T, x: getattr(T, name)(x), [values], rtol=1e-5, atol=1e-6)


BINARY: list = [
    ("add", lambda T, x, y: T.add(x, y), "f"),
    ("add_alpha", lambda T, x, y: T.add(x, y, alpha=2), "f"),
    ("sub", lambda T, x, y: T.sub(x, y), "f"),
    ("sub_alpha", lambda T, x, y: x.sub(y, alpha=3), "f"),
    ("rsub", lambda T, x, y: T.rsub(x, y), "f"),
    ("mul", lambda T, x, y: x * y, "f"),
    ("div", lambda T, x, y: x / y, "p"),
    ("div_trunc", lambda T, x, y: T.div(x, y, rounding_mode="trunc"), "p"),
    ("div_floor", lambda T, x, y: T.div(x, y, rounding_mode="floor"), "p"),
    ("floor_divide", lambda T, x, y: x.detach() // y.detach(), "p"),
    ("remainder", lambda T, x, y: x % y, "p"),
    ("fmod", lambda T, x, y: T.fmod(x, y), "p"),
    ("pow", lambda T, x, y: x**y, "p"),
    ("maximum", lambda T, x, y: T.maximum(x, y), "f"),
    ("minimum", lambda T, x, y: T.minimum(x, y), "f"),
    ("max_two", lambda T, x, y: T.max(x, y), "f"),
    ("atan2", lambda T, x, y: T.atan2(x, y), "f"),
    ("where", lambda T, x, y: T.where(x > y, x, y), "f"),
    ("lerp", lambda T, x, y: T.lerp(x, y, 0.3), "f"),
    ("addcmul", lambda T, x, y: T.addcmul(x, x, y, value=0.5), "f"),
    ("addcdiv", lambda T, x, y: T.addcdiv(x, y, y + 4, value=2), "f"),
    ("clamp_tensors", lambda T, x, y: T.clamp(x, y - 0.5, y + 0.5), "f"),
    ("clamp_min_tensor", lambda T, x, y: T.clamp(x, min=y), "f"),
    ("clamp_max_tensor", lambda T, x, y: x.clamp(max=y), "f"),
    ("clamp_crossed", lambda T, x, y: T.clamp(x, y + 0.5, y - 0.5), "f"),
]
COMPARISONS = [
    (name, lambda T, x, y, name=name: getattr(T, name)(x, y), "r")
    for name in ["eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor", "isclose"]
]
SHAPES = [
    ("3,4", "3,4"),
    ("3,4", "4"),
    ("3,1", "1,4"),
    ("", "3,4"),
    ("3,4", ""),
    ("", ""),
    ("0,4", "4"),
    ("2,3,1", "1,5"),
]


@pytest.mark.parity
@pytest.mark.parametrize(
    ("call", "kind"), [case[1:] for case in BINARY + COMPARISONS], ids=[c[0] for c in BINARY + COMPARISONS]
)
@pytest.mark.parametrize("dense", [True, False], ids=["dense", "strided"])
def test_binary_parity(call, kind, dense):
    pytest.importorskip("torch")
    for a, b in SHAPES:
        check(call, [sample(f"{kind}:{a}", 1), sample(f"{kind}:{b}", 2)], dense=dense)


@pytest.mark.parametrize(("call", "kind"), [case[1:] for case in BINARY], ids=[case[0] for case in BINARY])
def test_binary_derivatives(call, kind):
    if not call(tc, tc.ones(1, requires_grad=True), tc.ones(1)).requires_grad:
        return
    gradients(call, [f"{kind}:2,3", f"{kind}:2,3"])
    gradients(call, [f"{kind}:2,1", f"{kind}:3"])


SCALARS = [
    ("add", lambda T, x: x + 2),
    ("add_float", lambda T, x: x + 2.5),
    ("radd", lambda T, x: 2 + x),
    ("sub", lambda T, x: x - 2),
    ("rsub", lambda T, x: 2.5 - x),
    ("mul", lambda T, x: x * 3),
    ("mul_float", lambda T, x: 0.1 * x),
    ("div", lambda T, x: x / 3),
    ("rdiv", lambda T, x: 3 / x),
    ("floordiv", lambda T, x: x.detach() // 2),
    ("floordiv_float", lambda T, x: x.detach() // 0.7),
    ("rfloordiv", lambda T, x: 7 // x.detach()),
    ("mod", lambda T, x: x % 2),
    ("mod_float", lambda T, x: x % 1.5),
    ("rmod", lambda T, x: 7 % x.detach()),
    ("mod_negative", lambda T, x: x % -3),
    ("fmod", lambda T, x: T.fmod(x, 2)),
    ("pow2", lambda T, x: x**2),
    ("pow3", lambda T, x: x**3),
    ("pow0", lambda T, x: x**0),
    ("pow1", lambda T, x: x**1),
    ("pow_half", lambda T, x: x**0.5),
    ("pow_minus1", lambda T, x: x**-1.0),
    ("rpow", lambda T, x: 2**x),
    ("rpow_float", lambda T, x: 1.5**x),
    ("add_alpha", lambda T, x: T.add(x, 2, alpha=3)),
    ("clamp", lambda T, x: x.clamp(1, 2)),
    ("clamp_min", lambda T, x: T.clamp_min(x, 1)),
    ("clamp_float", lambda T, x: x.clamp(max=1.5)),
    ("clamp_crossed", lambda T, x: x.clamp(2, 1)),
    ("eq", lambda T, x: x == 1),
    ("ne", lambda T, x: x != 1),
    ("lt", lambda T, x: x < 1.5),
    ("ge", lambda T, x: x <= 1.5),
    ("bool_scalar", lambda T, x: x + True),
    ("masked_fill", lambda T, x: x.masked_fill(x > 1, 2)),
    ("where", lambda T, x: T.where(x > 1, x, 0.5)),
    ("where_int", lambda T, x: T.where(x > 1, 3, x)),
    ("div_floor", lambda T, x: T.div(x, 2, rounding_mode="floor")),
    ("div_trunc", lambda T, x: T.div(x, -2, rounding_mode="trunc")),
    ("round2", lambda T, x: T.round(x, decimals=2)),
    ("numpy_scalar", lambda T, x: x * np.float32(2)),
    ("numpy_int", lambda T, x: x + np.int64(2)),
]


@pytest.mark.parity
@pytest.mark.parametrize("call", [case[1] for case in SCALARS], ids=[case[0] for case in SCALARS])
@pytest.mark.parametrize("kind", ["p", "d", "i", "s", "y", "b"])
def test_scalar_parity(call, kind):
    torch = pytest.importorskip("torch")
    for shape in ("3,4", ""):
        array = sample(f"{kind}:{shape}", 3)
        array = (
            np.where(array == 0, 1, array).astype(array.dtype)
            if kind in "isy"
            else np.abs(array) + 0.2
            if kind == "d"
            else array
        )
        try:
            call(torch, torch.tensor(array))
        except (RuntimeError, TypeError) as error:
            with pytest.raises(type(error)):
                call(tc, tc.tensor(array))
            continue
        check(call, [np.asarray(array)])


@pytest.mark.parametrize(
    "call", [case[1] for case in SCALARS if "numpy" not in case[0]], ids=[c[0] for c in SCALARS if "numpy" not in c[0]]
)
def test_scalar_derivatives(call):
    x = tc.tensor(sample("p:2,3").astype(np.float64)).requires_grad_()
    if call(tc, x).requires_grad:
        gradients(call, ["p:2,3"])


CORNERS = [
    ("relu_at_0", lambda T, x: x.relu()),
    ("abs_at_0", lambda T, x: x.abs()),
    ("clamp_at_border", lambda T, x: x.clamp(-1, 1)),
    ("pow0", lambda T, x: x**0),
    ("pow2", lambda T, x: x**2),
    ("pow1_5", lambda T, x: x**1.5),
    ("pow_minus2", lambda T, x: x**-2),
    ("pow_tensor", lambda T, x: x ** T.tensor([0.0, 1.0, 2.0, 0.0, 3.0, -1.0, 0.5])),
    ("rpow0", lambda T, x: 0.0**x),
    ("pow_both", lambda T, x: x.abs() ** x),
    ("sqrt", lambda T, x: x.sqrt()),
    ("ties", lambda T, x: T.maximum(x, -x)),
    ("ties_min", lambda T, x: T.minimum(x, -x)),
    ("atan2", lambda T, x: T.atan2(x, x)),
    ("sigmoid", lambda T, x: (100 * x).sigmoid()),
    ("fmod", lambda T, x: x.fmod(T.tensor(0.0))),
    ("remainder", lambda T, x: x % T.tensor(-2.0)),
    ("floor_by_0", lambda T, x: x.detach() // 0),
    ("clamp_equal", lambda T, x: T.clamp(x, T.zeros(7), T.zeros(7))),
]


@pytest.mark.parity
@pytest.mark.parametrize("call", [case[1] for case in CORNERS], ids=[case[0] for case in CORNERS])
def test_corner_cases(call):
    pytest.importorskip("torch")
    check(call, [np.array([0.0, -1.0, 1.0, -0.0, 2.0, np.inf, np.nan], np.float32)])


ERRORS = [
    ("broadcast", lambda T: T.ones(3) + T.ones(4)),
    ("broadcast2", lambda T: T.ones(2, 3) * T.ones(4, 1, 2)),
    ("broadcast_int", lambda T: T.ones(3).long() - T.ones(4).long()),
    ("broadcast_compare", lambda T: T.ones(3) < T.ones(4)),
    ("neg_bool", lambda T: -T.tensor([True])),
    ("sub_bool", lambda T: T.tensor([True]) - T.tensor([True])),
    ("sub_bool_scalar", lambda T: T.tensor([True]) - True),
    ("int_div_0", lambda T: T.tensor([1]) // 0),
    ("int_mod_0", lambda T: T.tensor([1]) % 0),
    ("rounding_mode", lambda T: T.div(T.ones(1), 2, rounding_mode="x")),
    ("int_pow", lambda T: T.tensor([2]) ** -1),
    ("alpha", lambda T: T.add(T.tensor([1]), 1, alpha=1.5)),
    ("clamp_nothing", lambda T: T.ones(2).clamp()),
    ("not_a_tensor", lambda T: T.exp(1.0)),
    ("not_a_tensor_2", lambda T: T.add(T.ones(2), "a")),
    ("list_operand", lambda T: T.ones(2) + [1, 2]),
    ("none_operand", lambda T: T.ones(2) * None),
    ("out_grad", lambda T: T.add(T.ones(2, requires_grad=True), 1, out=T.ones(2))),
    ("out_dtype", lambda T: T.add(T.ones(2), 1, out=T.ones(2).long())),
    ("bitwise_float", lambda T: T.ones(2) & T.ones(2)),
    ("invert_float", lambda T: ~T.ones(2)),
    ("masked_fill_mask", lambda T: T.ones(2).masked_fill(T.ones(2), 1)),
    ("masked_fill_value", lambda T: T.ones(2).masked_fill(T.ones(2) > 0, T.ones(2))),
    ("floor_divide_grad", lambda T: (T.ones(2, requires_grad=True) // 2).sum().backward()),
    ("rmod_grad", lambda T: (7 % T.ones(2, requires_grad=True)).sum().backward()),
    ("fill_nan", lambda T: T.tensor([1]).fill_(float("nan"))),
    ("masked_fill_overflow", lambda T: T.tensor([1]).to(T.uint8).masked_fill(T.tensor([True]), 300)),
    ("isclose_dtypes", lambda T: T.isclose(T.ones(2), T.ones(2).double())),
]


@pytest.mark.parity
@pytest.mark.parametrize("call", [case[1] for case in ERRORS], ids=[case[0] for case in ERRORS])
def test_errors(call):
    pytest.importorskip("torch")
    check_error(call)


@pytest.mark.parity
@parametrize(
    [
        ("and", lambda T, x, y: x & y, ()),
        ("or", lambda T, x, y: x | y, ()),
        ("xor", lambda T, x, y: x ^ y, ()),
        ("not", lambda T, x, y: ~x, ()),
        ("scalar", lambda T, x, y: x & True, ()),
        ("reflected", lambda T, x, y: True | x, ()),
    ]
)
def test_bits(call, specs):
    pytest.importorskip("torch")
    for kind in "isyb":
        check(call, [sample(f"{kind}:3,4", 1), sample(f"{kind}:4", 2)])


def test_out_writes_and_resizes():
    x, out = tc.tensor([1.0, 2.0]), tc.zeros(2)
    memory = out._array
    assert tc.exp(x, out=out) is out
    assert out._array is memory
    assert out.tolist() == x.exp().tolist()
    with pytest.warns(UserWarning, match="was resized"):
        tc.mul(x, 2, out=(grown := tc.zeros(3)))
    assert grown.tolist() == [2.0, 4.0]
    assert tc.add(x, 1, out=tc.zeros(2, dtype=tc.float64)).dtype is tc.float64


def test_equal_and_allclose():
    x = tc.tensor([1.0, float("nan")])
    assert not tc.equal(x, x)
    assert tc.allclose(x, x, equal_nan=True)
    assert not tc.allclose(x, x)
    assert tc.equal(tc.tensor([1, 2]), tc.tensor([1, 2]))
    assert not tc.equal(tc.ones(2), tc.ones(3))
