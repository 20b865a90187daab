"""Arithmetic, products, reductions and indexing of random shapes and strides against NumPy."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_cnn as torch
from tests.fuzz.cases import agree, examples, shapes, strided

BINARY = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "lt": np.less,
    "eq": np.equal,
    "ge": np.greater_equal,
}


@examples(150)
@given(shapes(), st.sampled_from(sorted(BINARY)), st.sampled_from(["f4", "f8", "i8", "i4"]), st.data())
def test_broadcast_binary(shape, name, dtype, data):
    def operand():
        kept = shape[data.draw(st.integers(0, len(shape)), label="leading") :]
        return strided(data, [1 if data.draw(st.integers(0, 3), label="one") == 0 else size for size in kept], dtype)

    (a, a_t), (b, b_t) = operand(), operand()
    expected = BINARY[name](a, b)
    out = getattr(torch, name)(a_t, b_t)
    assert out.numpy().dtype == expected.dtype
    np.testing.assert_array_equal(out.numpy(), expected)
    if name in ("add", "sub", "mul") and dtype[0] == "f":
        a_t, b_t = a_t.detach().requires_grad_(), b_t.detach().requires_grad_()
        getattr(torch, name)(a_t, b_t).sum().backward()
        ones = np.ones_like(expected)
        of_a, of_b = {"add": (ones, ones), "sub": (ones, -ones), "mul": (b * ones, a * ones)}[name]
        for tensor, array, full in ((a_t, a, of_a), (b_t, b, of_b)):
            full = full.sum(tuple(range(full.ndim - array.ndim)))
            full = full.sum(tuple(i for i in range(array.ndim) if array.shape[i] == 1), keepdims=True)
            np.testing.assert_array_equal(tensor.grad.numpy(), full)


@examples(120)
@given(st.lists(st.integers(0, 3), max_size=2), st.tuples(*[st.integers(0, 40)] * 3), st.data())
def test_matmul(batch, sizes, data):
    n, k, m = sizes
    integer = data.draw(st.booleans(), label="exact")

    def operand(rows, columns):
        kept = batch[data.draw(st.integers(0, len(batch)), label="leading") :]
        lead = [1 if data.draw(st.integers(0, 3), label="one") == 0 else size for size in kept]
        return strided(data, [*lead, rows, columns], integer=integer)

    (a, a_t), (b, b_t) = operand(n, k), operand(k, m)
    if not a.shape[:-2] and data.draw(st.booleans(), label="vector") and n:
        a, a_t = a[0], a_t[0]
    expected = np.matmul(a.astype(np.float64), b.astype(np.float64))
    magnitude = np.matmul(abs(a).astype(np.float64), abs(b).astype(np.float64))
    agree(a_t @ b_t, expected, magnitude, k, integer)


REDUCTIONS = {
    "sum": (np.sum, True),
    "mean": (np.mean, False),
    "amax": (np.max, False),
    "amin": (np.min, False),
    "any": (np.any, True),
    "all": (np.all, True),
}


@examples(150)
@given(shapes(7), st.sampled_from(sorted(REDUCTIONS)), st.booleans(), st.data())
def test_reductions(shape, name, keepdim, data):
    function, of_nothing = REDUCTIONS[name]
    if not of_nothing:
        shape = [max(1, size) for size in shape]
    array, tensor = strided(data, shape)
    axes = data.draw(st.sets(st.integers(0, max(0, len(shape) - 1)), min_size=1), label="dim") if shape else set()
    dims = [axis - len(shape) if data.draw(st.booleans(), label="negative") else axis for axis in axes]
    if not dims:
        # a list of no dimensions means all of them
        dims = [0]
        array, tensor = array[None], tensor[None]
    expected = function(array.astype(np.float64), axis=tuple(dims), keepdims=keepdim)
    out = getattr(tensor, name)(tuple(dims), keepdim=keepdim).numpy()
    count = math.prod(array.shape[dim] for dim in dims)
    agree(out, expected.astype(np.float64), abs(expected) + 1, count, name != "mean")


@st.composite
def indices(draw, shape):
    """Draw an index for `shape` that means the same in NumPy and PyTorch: basic, or basic with one array."""
    advanced = draw(st.sampled_from(["none", "array", "mask"]))
    place = draw(st.integers(0, len(shape) - 1))
    index = []
    for axis, size in enumerate(shape):
        kind = draw(st.sampled_from(["slice", "slice", "int", "new", "all"]))
        if axis == place and advanced == "array" and size:
            index.append(np.array(draw(st.lists(st.integers(-size, size - 1), min_size=1, max_size=5))))
        elif axis == place and advanced == "mask":
            index.append(np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size)), bool))
        elif kind == "int" and advanced == "none" and size:
            index.append(draw(st.integers(-size, size - 1)))
        elif kind == "slice":
            bound = st.none() | st.integers(-size - 2, size + 2)
            index.append(slice(draw(bound), draw(bound), draw(st.none() | st.integers(1, 3))))
        else:
            index.extend([None, slice(None)] if kind == "new" else [slice(None)])
    if draw(st.booleans()) and isinstance(index[-1], slice):
        index[-1] = Ellipsis
    return tuple(index)


@examples(200)
@given(shapes(6, least=1), st.data())
def test_indexing(shape, data):
    array, tensor = strided(data, shape)
    index = data.draw(indices(shape), label="index")
    ours = tuple(torch.tensor(part) if isinstance(part, np.ndarray) else part for part in index)
    np.testing.assert_array_equal(tensor[ours].numpy(), array[index])

    x = tensor.detach().requires_grad_()
    chosen = x[ours]
    upstream = np.arange(1, array[index].size + 1, dtype=np.float32).reshape(array[index].shape)
    chosen.backward(torch.tensor(upstream))
    gradient = np.zeros(array.shape, np.float32)
    np.add.at(gradient, index, upstream)
    np.testing.assert_array_equal(x.grad.numpy(), gradient)

    changed, copy = array.copy(), tensor.clone()
    changed[index] = 9
    copy[ours] = 9
    np.testing.assert_array_equal(copy.numpy(), changed)
