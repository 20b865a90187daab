"""Matrix products: parity with PyTorch over ranks, layouts and dtypes; derivatives; errors."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tc
from tests.ops.compare import check, check_error, gradients, parametrize, sample
from tinygrad_cnn.ops.matmul import Mm

CASES = [
    ("mm", lambda T, a, b: T.mm(a, b), ["f:3,4", "f:4,5"]),
    ("matmul", lambda T, a, b: a @ b, ["f:3,4", "f:4,5"]),
    ("transposed", lambda T, a, b: a.t() @ b.t(), ["f:4,3", "f:5,4"]),
    ("vectors", lambda T, a, b: a @ b, ["f:4", "f:4"]),
    ("dot", lambda T, a, b: T.dot(a, b), ["f:4", "f:4"]),
    ("mv", lambda T, a, b: T.mv(a, b), ["f:3,4", "f:4"]),
    ("matrix_vector", lambda T, a, b: a @ b, ["f:3,4", "f:4"]),
    ("vector_matrix", lambda T, a, b: a @ b, ["f:3", "f:3,4"]),
    ("bmm", lambda T, a, b: T.bmm(a, b), ["f:2,3,4", "f:2,4,5"]),
    ("batch", lambda T, a, b: T.matmul(a, b), ["f:2,3,4", "f:2,4,5"]),
    ("batch_matrix", lambda T, a, b: a @ b, ["f:2,3,4", "f:4,5"]),
    ("matrix_batch", lambda T, a, b: a @ b, ["f:3,4", "f:2,4,5"]),
    ("batch_vector", lambda T, a, b: a @ b, ["f:2,3,4", "f:4"]),
    ("vector_batch", lambda T, a, b: a @ b, ["f:4", "f:2,4,5"]),
    ("broadcast", lambda T, a, b: a @ b, ["f:2,1,3,4", "f:3,4,5"]),
    ("outer", lambda T, a, b: T.outer(a, b), ["f:3", "f:4"]),
    ("ger", lambda T, a, b: a.ger(b), ["f:3", "f:4"]),
    ("inner", lambda T, a, b: T.inner(a, b), ["f:3,4", "f:2,4"]),
    ("inner_vectors", lambda T, a, b: T.inner(a, b), ["f:4", "f:4"]),
    ("addmm", lambda T, c, a, b: T.addmm(c, a, b), ["f:3,5", "f:3,4", "f:4,5"]),
    ("addmm_factors", lambda T, c, a, b: T.addmm(c, a, b, beta=0.5, alpha=2), ["f:5", "f:3,4", "f:4,5"]),
    ("addmm_beta0", lambda T, c, a, b: c.addmm(a, b, beta=0), ["f:3,5", "f:3,4", "f:4,5"]),
    ("baddbmm", lambda T, c, a, b: T.baddbmm(c, a, b, alpha=2), ["f:1,3,5", "f:2,3,4", "f:2,4,5"]),
    ("linear", lambda T, x, w, b: T.nn.functional.linear(x, w, b), ["f:3,4", "f:5,4", "f:5"]),
    ("linear_no_bias", lambda T, x, w: T.nn.functional.linear(x, w), ["f:3,4", "f:5,4"]),
    ("linear_vector", lambda T, x, w, b: T.nn.functional.linear(x, w, b), ["f:4", "f:5,4", "f:5"]),
    ("linear_many", lambda T, x, w, b: T.nn.functional.linear(x, w, b), ["f:2,3,4", "f:5,4", "f:5"]),
    ("same_twice", lambda T, a: a @ a, ["f:3,3"]),
    ("expanded", lambda T, a, b: a.expand(3, 4) @ b, ["f:4", "f:4,2"]),
]
EMPTY = [
    ("no_rows", lambda T, a, b: a @ b, ["f:0,4", "f:4,5"]),
    ("no_columns", lambda T, a, b: a @ b, ["f:3,4", "f:4,0"]),
    ("no_inner", lambda T, a, b: a @ b, ["f:3,0", "f:0,5"]),
    ("no_batch", lambda T, a, b: a @ b, ["f:0,3,4", "f:0,4,5"]),
    ("linear_no_rows", lambda T, x, w, b: T.nn.functional.linear(x, w, b), ["f:0,4", "f:5,4", "f:5"]),
]


@pytest.mark.parity
@parametrize(CASES + EMPTY)
@pytest.mark.parametrize("dense", [True, False], ids=["dense", "strided"])
def test_parity(call, specs, dense):
    pytest.importorskip("torch")
    for kind in ("f", "d"):
        check(call, [sample(spec.replace("f:", f"{kind}:"), k) for k, spec in enumerate(specs)], dense=dense)


@pytest.mark.parity
@parametrize([case for case in CASES if "linear" not in case[0] and "factors" not in case[0]])
def test_integers(call, specs):
    pytest.importorskip("torch")
    for kind in "isy":
        check(call, [sample(spec.replace("f:", f"{kind}:"), k) for k, spec in enumerate(specs)])


@parametrize(CASES)
def test_derivatives(call, specs):
    gradients(call, specs)


ERRORS = [
    ("mm", lambda T: T.ones(3, 2) @ T.ones(3, 2)),
    ("mm_rank", lambda T: T.mm(T.ones(3), T.ones(3))),
    ("dot", lambda T: T.ones(3) @ T.ones(4)),
    ("dot_rank", lambda T: T.dot(T.ones(3, 1), T.ones(3))),
    ("bmm", lambda T: T.bmm(T.ones(2, 3, 4), T.ones(3, 4, 5))),
    ("bmm_rank", lambda T: T.bmm(T.ones(2, 3), T.ones(2, 3, 4))),
    ("batches", lambda T: T.ones(2, 3, 4) @ T.ones(3, 4, 5)),
    ("batch_inner", lambda T: T.ones(2, 3, 4) @ T.ones(2, 5, 6)),
    ("mv", lambda T: T.ones(3, 2) @ T.ones(3)),
    ("vm", lambda T: T.ones(3) @ T.ones(2, 2)),
    ("dtypes", lambda T: T.ones(3, 2) @ T.ones(2, 3).double()),
    ("scalar", lambda T: T.tensor(1.0) @ T.ones(3)),
    ("outer", lambda T: T.outer(T.ones(2, 2), T.ones(2))),
    ("number", lambda T: T.ones(2, 2) @ 2),
    ("not_a_tensor", lambda T: T.matmul([1], T.ones(1))),
    ("batch_times_matrix", lambda T: T.ones(2, 3, 4) @ T.ones(5, 6)),
    ("out_grad", lambda T: T.mm(T.ones(2, 2, requires_grad=True), T.ones(2, 2), out=T.ones(2, 2))),
    ("dot_dtypes", lambda T: T.dot(T.ones(2), T.ones(2).double())),
]


@pytest.mark.parity
@pytest.mark.parametrize("call", [case[1] for case in ERRORS], ids=[case[0] for case in ERRORS])
def test_errors(call):
    pytest.importorskip("torch")
    check_error(call)


def test_out():
    out = tc.empty(2, 3)
    memory = out._array
    assert tc.mm(tc.ones(2, 4), tc.ones(4, 3), out=out) is out
    assert out._array is memory
    assert (out == 4).all()


def test_exact_integers_in_floats():
    a, b = sample("i:17,33"), sample("i:33,9")
    product = tc.tensor(a.astype(np.float32)) @ tc.tensor(b.astype(np.float32))
    np.testing.assert_array_equal(product.numpy(), (a @ b).astype(np.float32))


@pytest.mark.parametrize("tb", [False, True])
@pytest.mark.parametrize("ta", [False, True])
@pytest.mark.parametrize("batch", [(), (2,)])
def test_transposed_operands_to_the_second_order(batch, ta, tb):
    rng = np.random.default_rng(4)
    a = rng.standard_normal((*batch, 4, 3) if ta else (*batch, 3, 4))
    b = rng.standard_normal((*batch, 5, 4) if tb else (*batch, 4, 5))
    want = np.matmul(a.swapaxes(-1, -2) if ta else a, b.swapaxes(-1, -2) if tb else b)
    tensors = [tc.tensor(x).requires_grad_() for x in (a, b)]

    def product(x, y):
        return Mm.apply(x, y, ta=ta, tb=tb)

    np.testing.assert_allclose(product(*tensors).detach().numpy(), want, rtol=1e-12)
    assert tc.autograd.gradcheck(product, tensors)
    assert tc.autograd.gradgradcheck(product, tensors)
