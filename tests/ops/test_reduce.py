"""Reductions, extremes, norms, order statistics: parity with PyTorch, derivatives, ties, empty inputs, errors."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tc
from tests.ops.compare import check, check_error, gradients, parametrize, sample

SIMPLE = [
    (f"{name}_{form}", lambda T, x, name=name, args=args, kwargs=kwargs: getattr(T, name)(x, *args, **kwargs), kind)
    for name, kind in [
        ("sum", "f"),
        ("mean", "f"),
        ("amax", "f"),
        ("amin", "f"),
        ("var", "f"),
        ("std", "f"),
        ("logsumexp", "f"),
        ("norm", "f"),
    ]
    for form, args, kwargs in [
        ("dim", (), {"dim": 1}),
        ("negative", (), {"dim": -1}),
        ("dims", (), {"dim": (0, 2)}),
        ("keepdim", (), {"dim": 1, "keepdim": True}),
        ("dims_keepdim", (), {"dim": [0, -1], "keepdim": True}),
        ("axis", (), {"axis": 1}),
        ("keepdims", (), {"dim": 1, "keepdims": True}),
    ]
    if name != "norm" or form not in ("axis", "keepdims")
]
MORE = [
    ("sum", lambda T, x: x.sum(), "f"),
    ("sum_empty_dims", lambda T, x: x.sum(()), "f"),
    ("sum_double", lambda T, x: x.sum(dtype=T.float64), "f"),
    ("sum_long", lambda T, x: x.detach().sum(1, dtype=T.int64), "f"),
    ("mean", lambda T, x: x.mean(), "f"),
    ("mean_double", lambda T, x: x.mean(0, dtype=T.double), "f"),
    ("nansum", lambda T, x: T.nansum(x, 1), "f"),
    ("prod", lambda T, x: x.prod(), "p"),
    ("prod_dim", lambda T, x: x.prod(1), "p"),
    ("prod_keepdim", lambda T, x: T.prod(x, -1, keepdim=True), "p"),
    ("prod_zeros", lambda T, x: x.prod(1), "r"),
    ("prod_zeros_all", lambda T, x: x.prod(), "r"),
    ("var", lambda T, x: x.var(), "f"),
    ("var_biased", lambda T, x: x.var(unbiased=False), "f"),
    ("var_unbiased_positional", lambda T, x: x.var(False), "f"),
    ("var_dim_biased", lambda T, x: x.var(1, False), "f"),
    ("var_correction", lambda T, x: T.var(x, 1, correction=2), "f"),
    ("std", lambda T, x: x.std(), "f"),
    ("std_biased", lambda T, x: x.std((0, 1), unbiased=False, keepdim=True), "f"),
    ("var_mean", lambda T, x: T.var_mean(x, 1), "f"),
    ("std_mean", lambda T, x: T.std_mean(x, 1, correction=0), "f"),
    ("max", lambda T, x: x.max(), "f"),
    ("min", lambda T, x: x.min(), "f"),
    ("max_ties", lambda T, x: x.max(), "r"),
    ("max_dim", lambda T, x: x.max(1), "f"),
    ("min_dim", lambda T, x: T.min(x, -1, keepdim=True), "f"),
    ("max_dim_ties", lambda T, x: x.max(dim=1), "r"),
    ("max_axis", lambda T, x: x.max(axis=0), "f"),
    ("amax_ties", lambda T, x: x.amax((0, 1)), "r"),
    ("amin_all", lambda T, x: x.amin(), "r"),
    ("aminmax", lambda T, x: T.aminmax(x, dim=1), "f"),
    ("argmax", lambda T, x: x.argmax(), "r"),
    ("argmax_dim", lambda T, x: x.argmax(1), "r"),
    ("argmin", lambda T, x: T.argmin(x, dim=-1, keepdim=True), "r"),
    ("argmax_keepdim", lambda T, x: T.argmax(x, keepdim=True), "r"),
    ("any", lambda T, x: x.any(), "r"),
    ("all_dim", lambda T, x: x.all(1), "r"),
    ("any_dims", lambda T, x: T.any(x, (0, 1), keepdim=True), "r"),
    ("count_nonzero", lambda T, x: T.count_nonzero(x, 1), "r"),
    ("norm", lambda T, x: x.norm(), "f"),
    ("norm1", lambda T, x: x.norm(1), "f"),
    ("norm3", lambda T, x: x.norm(3, dim=1), "f"),
    ("norm_inf", lambda T, x: x.norm(float("inf")), "f"),
    ("norm_minus_inf", lambda T, x: x.norm(-float("inf"), 1), "f"),
    ("norm0", lambda T, x: x.norm(0), "r"),
    ("norm_half", lambda T, x: x.norm(0.5, 1), "f"),
    ("norm_zeros", lambda T, x: (x * 0).norm(dim=1), "f"),
    ("norm3_zeros", lambda T, x: (x * 0).norm(3), "f"),
    ("norm_fro", lambda T, x: T.norm(x, p="fro", dim=(1, 2), keepdim=True), "f"),
    ("norm_double", lambda T, x: T.norm(x, dtype=T.float64), "f"),
    ("dist", lambda T, x: T.dist(x, x * 2 + 1), "f"),
    ("cumsum", lambda T, x: x.cumsum(1), "f"),
    ("cumsum_dtype", lambda T, x: x.cumsum(-1, dtype=T.float64), "f"),
    ("cumprod", lambda T, x: x.cumprod(1), "f"),
    ("cumprod_zeros", lambda T, x: x.cumprod(1), "r"),
    ("cummax", lambda T, x: T.cummax(x, 1), "r"),
    ("cummin", lambda T, x: T.cummin(x, 0), "f"),
    ("sort", lambda T, x: x.sort(1), "f"),
    ("sort_down", lambda T, x: T.sort(x, dim=0, descending=True), "f"),
    ("sort_stable", lambda T, x: T.sort(x, dim=-1, stable=True), "r"),
    ("argsort", lambda T, x: x.argsort(-1), "f"),
    ("topk", lambda T, x: x.topk(2), "f"),
    ("topk_small", lambda T, x: T.topk(x, 2, dim=1, largest=False), "f"),
    ("kthvalue", lambda T, x: x.kthvalue(2, 1), "f"),
    ("median", lambda T, x: x.median(), "f"),
    ("median_dim", lambda T, x: x.median(1), "f"),
    ("unique", lambda T, x: T.unique(x.detach(), return_inverse=True, return_counts=True), "r"),
    ("sum_to_size", lambda T, x: x.sum_to_size(4, 1), "f"),
    ("msort", lambda T, x: T.msort(x), "f"),
]


@pytest.mark.parity
@pytest.mark.parametrize(
    ("call", "kind"), [case[1:] for case in SIMPLE + MORE], ids=[case[0] for case in SIMPLE + MORE]
)
@pytest.mark.parametrize("dense", [True, False], ids=["dense", "strided"])
def test_parity(call, kind, dense):
    pytest.importorskip("torch")
    check(call, [sample(f"{kind}:3,4,2", 5)], dense=dense)
    check(call, [sample(f"{kind}:3,4,2", 5).astype(np.float64)], dense=dense)


@pytest.mark.parity
@pytest.mark.parametrize(
    "name",
    [
        "sum",
        "mean",
        "prod",
        "amax",
        "amin",
        "max",
        "min",
        "argmax",
        "argmin",
        "any",
        "all",
        "norm",
        "logsumexp",
        "var",
        "std",
        "median",
    ],
)
@pytest.mark.parametrize("kind", ["f", "i", "s", "y", "b"])
def test_scalars_and_integers(name, kind):
    torch = pytest.importorskip("torch")
    for shape in ("", "5", "3,4", "0"):
        array = sample(f"{kind}:{shape}")
        calls = [lambda T, x: getattr(T, name)(x)] if name != "logsumexp" else []
        calls += [lambda T, x: getattr(T, name)(x, dim=0)]
        for call in calls:
            if name in ("var", "std") and array.size < 2 and kind == "f":
                continue  # a warning and NaN, tested below
            try:
                expected = call(torch, torch.tensor(array))
            except (RuntimeError, IndexError) as error:
                with pytest.raises(type(error)):
                    call(tc, tc.tensor(array))
                continue
            del expected
            check(call, [array])


@pytest.mark.parity
@parametrize(
    [
        ("sum", lambda T, x: x.sum(0), ["f:0,3"]),
        ("mean", lambda T, x: x.mean(0), ["f:0,3"]),
        ("prod", lambda T, x: x.prod(0), ["f:0,3"]),
        ("sum_other", lambda T, x: x.sum(1), ["f:0,3"]),
        ("amax_other", lambda T, x: x.amax(1), ["f:0,3"]),
        ("max_other", lambda T, x: x.max(1), ["f:0,3"]),
        ("cumsum", lambda T, x: x.cumsum(0), ["f:0,3"]),
        ("sort", lambda T, x: x.sort(0), ["f:0,3"]),
        ("logsumexp", lambda T, x: T.logsumexp(x, 0), ["f:0,3"]),
        ("any", lambda T, x: x.any(0), ["f:0,3"]),
        ("all", lambda T, x: x.all(), ["f:0,3"]),
        ("norm", lambda T, x: x.norm(), ["f:0,3"]),
        ("argmax_other", lambda T, x: x.argmax(1), ["f:0,3"]),
        ("topk", lambda T, x: x.topk(0), ["f:3"]),
        ("bincount", lambda T, x: T.bincount(x), ["n:20"]),
        ("bincount_weights", lambda T, x, w: T.bincount(x, w.detach(), 9), ["n:20", "f:20"]),
    ]
)
def test_empty_and_odd(call, specs):
    pytest.importorskip("torch")
    check(call, [sample(spec) for spec in specs])


@pytest.mark.parity
def test_nan_wins():
    pytest.importorskip("torch")
    x = np.array([[1.0, np.nan, 3.0], [np.inf, 2.0, -np.inf]], np.float32)
    for call in (
        lambda T, x: x.max(1),
        lambda T, x: x.min(1),
        lambda T, x: x.amax(),
        lambda T, x: x.argmax(1),
        lambda T, x: x.sort(1),
        lambda T, x: x.sort(1, descending=True),
        lambda T, x: T.logsumexp(x, 1),
        lambda T, x: x.median(1),
        lambda T, x: x.max(),
        lambda T, x: x.cummax(1),
        lambda T, x: T.nansum(x[:1]),
        lambda T, x: x.topk(2, 1),
    ):
        check(call, [x], grad=False)


DERIVATIVES = [
    case
    for case in SIMPLE + MORE
    if not any(
        word in case[0]
        for word in (
            "arg",
            "any",
            "all_dim",
            "count",
            "ties",
            "norm0",
            "unique",
            "_long",
            "norm_zeros",
            "norm3_zeros",
            "amin_all",
            "dtype",
            "double",
        )
    )
]


@pytest.mark.parametrize(("call", "kind"), [case[1:] for case in DERIVATIVES], ids=[case[0] for case in DERIVATIVES])
def test_derivatives(call, kind):
    if kind == "r":  # products with zeros, whose derivatives are the interesting ones
        x = tc.tensor([[1.5, 0.0, 2.0], [0.0, 0.0, 3.0]], dtype=tc.float64, requires_grad=True)
        if call in [case[1] for case in MORE if case[0] in ("prod_zeros", "prod_zeros_all", "cumprod_zeros")]:
            from tinygrad_cnn.autograd.gradcheck import gradcheck, gradgradcheck

            assert gradcheck(lambda x: call(tc, x), (x,))
            assert gradgradcheck(lambda x: call(tc, x), (x,))
        return
    size = "2,4,1" if "to_size" in str(call.__code__.co_names) else "2,3,2"
    gradients(call, [f"{kind}:{size}"])


@pytest.mark.parity
def test_std_of_one_value_warns_and_is_nan():
    x = tc.tensor([2.0], requires_grad=True)
    for spread in (x.std, x.var):
        with pytest.warns(UserWarning, match="degrees of freedom"):
            assert spread().isnan().item()
    assert x.var(unbiased=False).item() == 0


@pytest.mark.parity
def test_named_tuples():
    torch = pytest.importorskip("torch")
    data = [[1.0, 5.0], [3.0, 2.0]]
    for call in (
        lambda T: T.max(T.tensor(data), 1),
        lambda T: T.sort(T.tensor(data), 1),
        lambda T: T.topk(T.tensor(data), 1),
        lambda T: T.median(T.tensor(data), 0),
    ):
        ours, theirs = call(tc), call(torch)
        assert repr(ours) == repr(theirs)
        assert ours.values.tolist() == theirs.values.tolist()
        assert ours.indices.tolist() == theirs.indices.tolist()


def test_max_out():
    values, indices = tc.empty(2), tc.empty(2, dtype=tc.int64)
    result = tc.max(tc.tensor([[1.0, 5.0], [3.0, 2.0]]), 1, out=(values, indices))
    assert result.values is values
    assert values.tolist() == [5.0, 3.0]
    assert indices.tolist() == [1, 0]


ERRORS = [
    ("dim", lambda T: T.ones(2, 3).sum(2)),
    ("dim_negative", lambda T: T.ones(2, 3).mean(-3)),
    ("twice", lambda T: T.ones(2, 3).sum((0, -2))),
    ("scalar_dim", lambda T: T.ones(()).sum(1)),
    ("empty_max", lambda T: T.ones(0).max()),
    ("empty_max_dim", lambda T: T.ones(0, 2).max(0)),
    ("empty_amax", lambda T: T.ones(0, 2).amax(0)),
    ("empty_argmax", lambda T: T.ones(0).argmax()),
    ("int_mean", lambda T: T.tensor([1, 2]).mean()),
    ("int_mean_dtype", lambda T: T.ones(2).mean(dtype=T.int64)),
    ("int_var", lambda T: T.tensor([1, 2]).var()),
    ("int_norm", lambda T: T.tensor([1, 2]).norm()),
    ("topk", lambda T: T.ones(2).topk(3)),
    ("cumsum_dim", lambda T: T.ones(2).cumsum(1)),
    ("bincount", lambda T: T.bincount(T.tensor([-1]))),
    ("bincount_bool", lambda T: T.bincount(T.tensor([True]))),
    ("not_a_tensor", lambda T: T.sum([1, 2])),
    ("sum_to_size", lambda T: T.ones(2, 3).sum_to_size(2, 2)),
    ("kthvalue", lambda T: T.ones(2).kthvalue(3)),
    ("argmax_bool", lambda T: T.tensor([True]).argmax()),
]


@pytest.mark.parity
@pytest.mark.parametrize("call", [case[1] for case in ERRORS], ids=[case[0] for case in ERRORS])
def test_errors(call):
    pytest.importorskip("torch")
    check_error(call)
