"""Square brackets, gather and scatter: parity with PyTorch, views or copies, derivatives, errors."""

from __future__ import annotations

import warnings
from collections import deque

import numpy as np
import pytest

import tinygrad_cnn as tc
from tests.ops.compare import check, check_error, gradients, parametrize, sample


def indices(T):
    """Return (name, index) for a tensor of shape (3, 4, 5), with the tensors of package T."""
    t = T.tensor
    mask3 = t([True, False, True])
    mask34 = t(sample("b:3,4", 3))
    return [
        ("int", 1),
        ("negative", -1),
        ("two", (1, 2)),
        ("all_ints", (0, -1, 2)),
        ("slice", slice(1, 3)),
        ("step", (slice(None), slice(0, 4, 2))),
        ("beyond", slice(1, 100)),
        ("empty_slice", slice(3, 1)),
        ("none", None),
        ("none_inside", (slice(None), None, 1)),
        ("ellipsis", (..., 0)),
        ("ellipsis_mid", (0, ..., slice(1, 2))),
        ("nothing", ()),
        ("all", slice(None)),
        ("dots", ...),
        ("list", [0, 2]),
        ("tuple_of_lists", ([0, 2], [1, 3])),
        ("tensor", t([2, 0, 1])),
        ("tensor_2d", t([[0, 1], [2, 2]])),
        ("negative_tensor", t([-1, -3])),
        ("scalar_tensor", t(1)),
        ("array", np.array([0, 2])),
        ("numpy_int", np.int64(1)),
        ("mask", mask3),
        ("mask_2d", mask34),
        ("mask_list", [True, False, True]),
        ("mask_array", np.array([True, False, True])),
        ("mask_then_int", (mask3, 1)),
        ("mask_slice", (mask3, slice(1, 3))),
        ("slice_tensor", (slice(None), t([0, 3]))),
        ("int_slice_tensor", (0, slice(None), t([1, 2]))),
        ("separated", (t([0, 1]), slice(None), t([1, 2]))),
        ("adjacent", (slice(None), t([0, 1]), t([1, 2]))),
        ("broadcast", (t([[0], [1]]), t([1, 2]))),
        ("tensor_int_last", (t([0, 1]), slice(None), 2)),
        ("none_tensor", (None, t([0, 1]))),
        ("tensor_none", (t([0, 1]), None)),
        ("ellipsis_tensor", (..., t([0, 4]))),
        ("int32", t([0, 1], dtype=T.int32)),
        ("true", True),
        ("false", False),
        ("true_inside", (slice(None), True)),
        ("empty_list", []),
        ("empty_tensor", t([], dtype=T.int64)),
        ("repeated", t([1, 1, 1])),
        ("mask_none", mask3 & False),
        ("range", range(2)),
        ("ranges", (range(2), range(1, 3))),
        ("slice_range", (slice(None), range(1, 3))),
        ("empty_range", range(0)),
        ("deque", deque([0, 2])),
        ("list_of_slices", [slice(0, 2), slice(1, 3)]),
        ("scalar_bool", t(True)),
    ]


NAMES = [name for name, _ in indices(tc)]


def index(T, name):
    return dict(indices(T))[name]


@pytest.mark.parity
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dense", [True, False], ids=["dense", "strided"])
def test_getitem(name, dense):
    pytest.importorskip("torch")
    check(lambda T, x: x[index(T, name)], [sample("f:3,4,5")], dense=dense)
    check(lambda T, x: x[index(T, name)], [sample("i:3,4,5")], dense=dense)


@pytest.mark.parity
@pytest.mark.parametrize("name", NAMES)
def test_setitem(name):
    pytest.importorskip("torch")

    def number(T, x):
        y = x.clone()
        y[index(T, name)] = 2.5
        return y * y

    def tensor(T, x, v):
        y = x * 2
        z = y * y
        y[index(T, name)] = v.sum()
        return y * x + z

    def whole(T, x):
        y = x.clone()
        part = y[index(T, name)]
        y[index(T, name)] = part.detach() * 3
        return y

    if name == "repeated":
        return  # which of several values stays is not defined
    for call in (number, whole):
        check(call, [sample("f:3,4,5")])
    try:
        check(tensor, [sample("f:3,4,5"), sample("f:2", 9)])
    except RuntimeError as error:  # z needs y as it was
        assert "modified by an inplace operation" in str(error)


def test_basic_indexing_is_a_view():
    x = tc.zeros(3, 4)
    x[1] = 1
    row = x[1]
    row += 1
    x[:, 0].fill_(7)
    x[..., None][0, 1] = 5
    assert x.tolist() == [[7, 5, 0, 0], [7, 2, 2, 2], [7, 0, 0, 0]]
    copy = x[[0, 1]]
    copy.zero_()
    assert x[0, 0] == 7


@pytest.mark.parity
def test_views_and_their_base_in_the_graph():
    pytest.importorskip("torch")

    def through_view(T, x):
        y = x * 1
        row = y[1]
        row.mul_(3)
        y[:, 0] = row[0] * 2
        return y, row

    def through_base(T, x):
        y = x * 1
        row = y[1]
        y.mul_(3)
        return row * row

    def two_levels(T, x):
        y = x * 1
        y[1:][:, 1:].t().add_(x[0, 0])
        return y * y

    def leaf_base(T, x):
        y = T.zeros(3, 4).to(x.dtype)
        y[1] = x[0]
        y[2, 1:3] = x[1, 1:3] ** 2
        return y

    def reshaped(T, x):
        y = x * 1
        y.view(-1)[3:5].mul_(x[0, :2])
        y.view(2, 6).t()[0].mul_(2)
        return y

    for call in (through_view, through_base, two_levels, leaf_base, reshaped):
        check(call, [sample("f:3,4")])
        gradients(call, ["f:3,4"])


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in NAMES
        if name not in ("false", "empty_slice", "empty_list", "empty_tensor", "empty_range", "mask_none")
    ],
)
def test_derivatives(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gradients(lambda T, x: x[index(T, name)], ["f:3,4,5"])


GATHER = [
    ("gather", lambda T, x, i: T.gather(x, 1, i), ["f:3,4", "n:3,2"]),
    ("gather_0", lambda T, x, i: x.gather(0, i.clamp(0, 2)), ["f:3,4", "n:2,4"]),
    ("gather_smaller", lambda T, x, i: x.gather(-1, i.clamp(max=3)), ["f:3,4", "n:2,3"]),
    ("gather_repeated", lambda T, x, i: x.gather(1, i * 0), ["f:3,4", "n:3,3"]),
    ("gather_scalar", lambda T, x, i: x.gather(0, i * 0), ["f:", "n:"]),
    ("take_along_dim", lambda T, x, i: T.take_along_dim(x, i.clamp(max=3), 1), ["f:3,4", "n:3,2"]),
    ("index_select", lambda T, x, i: T.index_select(x, 1, i.clamp(max=3)), ["f:3,4", "n:5"]),
    ("index_select_0", lambda T, x, i: x.index_select(0, i.clamp(max=2)), ["f:3,4", "n:2"]),
    ("take", lambda T, x, i: T.take(x, i), ["f:3,4", "n:2,2"]),
    ("scatter", lambda T, x, s: x.scatter(1, T.tensor([[0, 2], [1, 3], [3, 0]]), s), ["f:3,4", "f:3,2"]),
    ("scatter_value", lambda T, x: T.scatter(x, 1, T.tensor([[0], [1], [3]]), 2.5), ["f:3,4"]),
    ("scatter_larger_source", lambda T, x, s: x.scatter(1, T.tensor([[0, 2], [1, 3]]), s.detach()), ["f:3,4", "f:3,4"]),
    ("scatter_add", lambda T, x, s: T.scatter_add(x, 0, T.tensor([[0, 1, 1, 2], [0, 0, 1, 2]]), s), ["f:3,4", "f:2,4"]),
    (
        "scatter_reduce_add",
        lambda T, x, s: x.detach().scatter(1, T.tensor([[0, 0], [1, 1], [3, 0]]), s.detach(), reduce="add"),
        ["f:3,4", "f:3,2"],
    ),
    (
        "scatter_reduce_multiply",
        lambda T, x: x.detach().scatter(1, T.tensor([[0, 0], [1, 1], [3, 0]]), 2.0, reduce="multiply"),
        ["f:3,4"],
    ),
    ("index_add", lambda T, x, s: T.index_add(x, 0, T.tensor([0, 2, 0]), s, alpha=2), ["f:3,4", "f:3,4"]),
    ("index_fill", lambda T, x: x.index_fill(1, T.tensor([0, 2]), -1.0), ["f:3,4"]),
    ("index_put", lambda T, x, v: T.index_put(x, (T.tensor([0, 2]), T.tensor([1, 1])), v), ["f:3,4", "f:2"]),
    ("index_put_add", lambda T, x, v: x.index_put((T.tensor([0, 0, 2]),), v, accumulate=True), ["f:3,4", "f:4"]),
    ("index_put_mask", lambda T, x, v: x.index_put((x > 0,), v.sum()), ["f:3,4", "f:2"]),
    ("masked_select", lambda T, x: T.masked_select(x, x > 0), ["f:3,4"]),
    ("masked_select_broadcast", lambda T, x: x.masked_select(T.tensor([True, False, True, True])), ["f:3,4"]),
    ("masked_scatter", lambda T, x, s: x.masked_scatter(x > 0, s), ["f:3,4", "f:12"]),
    ("masked_fill", lambda T, x: x.masked_fill(x > 0, -1), ["f:3,4"]),
    ("masked_fill_tensor", lambda T, x, v: x.masked_fill(x > 0, v), ["f:3,4", "f:"]),
    ("where_numbers", lambda T, x: T.where(x > 0, 1.0, 0.0), ["f:3,4"]),
]


@pytest.mark.parity
@parametrize(GATHER)
@pytest.mark.parametrize("dense", [True, False], ids=["dense", "strided"])
def test_gather_and_scatter(call, specs, dense):
    pytest.importorskip("torch")
    arrays = [sample(spec, k) for k, spec in enumerate(specs)]
    if any("n:" in spec for spec in specs):
        arrays[1] = np.minimum(arrays[1], 3)
    check(call, arrays, dense=dense)


@parametrize([case for case in GATHER if not any(word in case[0] for word in ("reduce", "numbers", "larger_source"))])
def test_gather_derivatives(call, specs):
    gradients(lambda T, *xs: call(T, *[x if x.is_floating_point() else x.clamp(max=3) for x in xs]), specs)


@pytest.mark.parity
@parametrize(
    [
        ("nonzero", lambda T, x: x.nonzero(), ["r:3,4"]),
        ("nonzero_tuple", lambda T, x: T.nonzero(x, as_tuple=True), ["r:3,4"]),
        ("nonzero_scalar", lambda T, x: T.nonzero(x), ["r:"]),
        ("where", lambda T, x: T.where(x), ["r:3,4"]),
        ("argwhere", lambda T, x: T.argwhere(x), ["i:3,4"]),
    ]
)
def test_places(call, specs):
    pytest.importorskip("torch")
    check(call, [sample(spec) for spec in specs])


def _set(T, index, value):
    x = T.ones(3, 4)
    x[index] = value


ERRORS = [
    ("range", lambda T: T.ones(3)[3]),
    ("range_negative", lambda T: T.ones(3)[-4]),
    ("range_second", lambda T: T.ones(3, 4)[0, 4]),
    ("too_many", lambda T: T.ones(3)[0, 0]),
    ("step", lambda T: T.ones(3)[::-1]),
    ("step_zero", lambda T: T.ones(3)[::0]),
    ("tensor_range", lambda T: T.ones(3)[T.tensor([5])]),
    ("tensor_negative", lambda T: T.ones(3)[T.tensor([-4])]),
    ("mask_shape", lambda T: T.ones(3, 2)[T.ones(2) > 0]),
    ("string", lambda T: T.ones(3)["a"]),
    ("bytes", lambda T: T.ones(3)[b"a"]),
    ("dict", lambda T: T.ones(3)[{0: 1}]),
    ("float", lambda T: T.ones(3)[1.5]),
    ("scalar", lambda T: T.tensor(1.0)[0]),
    ("float_tensor", lambda T: T.ones(3)[T.ones(2)]),
    ("shapes", lambda T: T.ones(3, 4)[T.tensor([0, 1]), T.tensor([0, 1, 2])]),
    ("set_shape", lambda T: _set(T, 0, T.ones(3))),
    ("set_rank", lambda T: _set(T, 0, T.ones(2, 4))),
    ("set_tensor_shape", lambda T: _set(T, T.tensor([0, 1]), T.ones(3, 4))),
    ("set_range", lambda T: _set(T, 5, 1)),
    ("set_string", lambda T: _set(T, 0, "a")),
    ("gather_range", lambda T: T.ones(2, 2).gather(1, T.tensor([[2]]))),
    ("gather_rank", lambda T: T.ones(2, 2).gather(1, T.tensor([0]))),
    ("gather_size", lambda T: T.ones(2, 2).gather(1, T.tensor([[0], [0], [0]]))),
    ("gather_dtype", lambda T: T.ones(2, 2).gather(1, T.ones(2, 2))),
    ("index_select", lambda T: T.ones(2, 2).index_select(0, T.tensor([2]))),
    ("scatter_range", lambda T: T.zeros(2, 2).scatter(1, T.tensor([[2]]), 1.0)),
    ("scatter_dtype", lambda T: T.zeros(2, 2).scatter(1, T.tensor([[0]]), T.ones(1, 1).double())),
    ("masked_select", lambda T: T.ones(2).masked_select(T.ones(2))),
    ("index_put_dtype", lambda T: T.ones(2).index_put((T.tensor([0]),), T.tensor([1]))),
    ("leaf", lambda T: T.ones(2, requires_grad=True).__setitem__(0, 1)),
]


@pytest.mark.parity
@pytest.mark.parametrize("call", [case[1] for case in ERRORS], ids=[case[0] for case in ERRORS])
def test_errors(call):
    pytest.importorskip("torch")
    check_error(call)
