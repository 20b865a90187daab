"""scaled_dot_product_attention and MultiheadAttention, against PyTorch; numerical gradients."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tc
from tests.nn.twin import check_twin
from tests.ops.compare import check, check_error, gradients, parametrize, sample
from tinygrad_cnn.nn import functional as F

CASES = [
    ("plain", {}, ["f:2,3,4", "f:2,5,4", "f:2,5,6"]),
    ("matrices", {"scale": 0.3}, ["f:3,4", "f:5,4", "f:5,2"]),
    ("causal", {"is_causal": True}, ["f:2,3,4", "f:2,5,4", "f:2,5,6"]),
    ("bool mask", {}, ["f:2,3,4", "f:2,5,4", "f:2,5,6", "b:3,5"]),
    ("numbers", {}, ["f:2,3,4", "f:2,5,4", "f:2,5,6", "f:3,5"]),
    ("shared heads", {"enable_gqa": True}, ["f:1,4,3,2", "f:1,2,5,2", "f:1,2,5,2"]),
    ("broadcast", {}, ["f:2,1,3,4", "f:1,3,5,4", "f:2,3,5,4"]),
    ("no queries", {}, ["f:2,0,4", "f:2,5,4", "f:2,5,6"]),
]


@pytest.mark.parity
@parametrize([(name, options, specs) for name, options, specs in CASES])
def test_attention_equals_pytorch(call, specs):
    pytest.importorskip("torch")
    arrays = [sample(spec, k) for k, spec in enumerate(specs)]
    check(lambda T, *x: T.nn.functional.scaled_dot_product_attention(*x, **call), arrays)


@parametrize([case for case in CASES if case[0] not in ("no queries", "broadcast")])
def test_attention_gradients_numerically(call, specs):
    gradients(lambda T, *x: T.nn.functional.scaled_dot_product_attention(*x, **call), specs)


def test_a_query_that_sees_nothing_gets_zero():
    q = tc.tensor(sample("f:2,3"))
    mask = tc.tensor([[False, False], [True, False]])
    assert F.scaled_dot_product_attention(q, q, q, mask)[0].tolist() == [0, 0, 0]


def multi(options, call):
    """Build the same module in both packages and return what `call` makes of it."""

    def code(T):
        T.manual_seed(2)
        layer = T.nn.MultiheadAttention(4, 2, **options)
        state = {name: tuple(value.shape) for name, value in layer.state_dict().items()}
        made = layer.in_proj_weight if layer.in_proj_weight is not None else layer.v_proj_weight
        inputs = [T.tensor(sample(f"f:{size}", k)) for k, size in enumerate(("3,2,4", "5,2,4", "5,2,4"))]
        return repr(layer), state, made, call(T, layer, *inputs)

    return code


MODULES = {
    "plain": multi({}, lambda T, m, q, k, v: m(q, k, v)),
    "heads": multi({"bias": False}, lambda T, m, q, k, v: m(q, k, v, average_attn_weights=False)),
    "no weights": multi({"batch_first": True}, lambda T, m, q, k, v: m(k, k, k, need_weights=False)),
    "sizes": multi({"kdim": 3, "vdim": 2}, lambda T, m, q, k, v: m(q, k[..., :3], v[..., :2])),
    "padding": multi(
        {"add_bias_kv": True}, lambda T, m, q, k, v: m(q, k, v, T.tensor([[True] + [False] * 4, [False] * 5]))
    ),
    "masks": multi(
        {"add_zero_attn": True},
        lambda T, m, q, k, v: m(q, k, v, attn_mask=T.ones(3, 5).tril() == 0, need_weights=False),
    ),
    "causal": multi(
        {}, lambda T, m, q, k, v: m(k, k, k, attn_mask=T.ones(5, 5).tril() == 0, need_weights=False, is_causal=True)
    ),
    "single": multi({}, lambda T, m, q, k, v: m(q[:, 0], k[:, 0], v[:, 0])),
    "dropout": multi({"dropout": 0.4}, lambda T, m, q, k, v: m(q, k, v)),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", MODULES)
def test_multihead_equals_pytorch(name):
    pytest.importorskip("torch")
    check_twin(MODULES[name], 1e-5, 1e-6)


ERRORS = {
    "ranks": lambda T, q: T.nn.functional.scaled_dot_product_attention(q[0, 0], q[0, 0], q[0, 0]),
    "dtypes": lambda T, q: T.nn.functional.scaled_dot_product_attention(q, q.double(), q),
    "mask": lambda T, q: T.nn.functional.scaled_dot_product_attention(q, q, q, T.ones(3, 3).long()),
    "multi, sizes": lambda T, q: T.nn.MultiheadAttention(5, 2),
    "multi, zero": lambda T, q: T.nn.MultiheadAttention(0, 2),
    "multi, rank": lambda T, q: T.nn.MultiheadAttention(4, 2)(q[0, 0], q, q),
    "multi, key": lambda T, q: T.nn.MultiheadAttention(4, 2)(q, q[0], q),
    "multi, embedding": lambda T, q: T.nn.MultiheadAttention(2, 2)(q, q, q),
    "multi, mask": lambda T, q: T.nn.MultiheadAttention(4, 2)(q, q, q, attn_mask=T.ones(2, 2)),
    "multi, padding": lambda T, q: T.nn.MultiheadAttention(4, 2)(q, q, q, T.ones(1)),
    "multi, hint": lambda T, q: T.nn.MultiheadAttention(4, 2)(q, q, q, is_causal=True),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", ERRORS)
def test_errors_equal_pytorch(name):
    pytest.importorskip("torch")
    check_error(lambda T: ERRORS[name](T, T.ones(3, 3, 4)))


def test_multihead_gradients_reach_every_parameter():
    layer = tc.nn.MultiheadAttention(4, 2, add_bias_kv=True)
    x = tc.tensor(sample("f:3,2,4"))
    layer(x, x, x)[0].square().sum().backward()
    assert all(np.abs(parameter.grad).sum() > 0 for parameter in layer.parameters())
