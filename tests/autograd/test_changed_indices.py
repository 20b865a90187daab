"""Index tensors that are changed in place between an operation and its backward, where PyTorch raises.

The gradient is that of the index as it was, or backward raises as well; it is never that of the changed index.
"""

from __future__ import annotations

import pytest

import tinygrad_cnn as tg

F = tg.nn.functional
ROWS, PLACES = [0, 2], [[0, 1, 2, 3], [1, 1, 0, 0], [2, 2, 2, 2]]


def rows():
    return tg.tensor(ROWS)


def places():
    return tg.tensor(PLACES)


def classes():
    return tg.tensor([0, 2, 3])


def written(x, source, index):
    y = x * 1
    y[index] = source[:2]
    return y


# The index, or None where the operation returns it beside its values, and the operation.
CASES = {
    "x[rows]": (rows, lambda x, s, i: x[i]),
    "x[:, columns]": (rows, lambda x, s, i: x[:, i]),
    "x[rows, columns]": (rows, lambda x, s, i: x[i, i]),
    "x[rows] = y": (rows, written),
    "index_put": (rows, lambda x, s, i: x.index_put((i,), s[0])),
    "put": (rows, lambda x, s, i: x.put(i, s[0, :2])),
    "take": (places, lambda x, s, i: x.take(i)),
    "gather": (places, lambda x, s, i: x.gather(1, i)),
    "scatter": (places, lambda x, s, i: x.scatter(1, i, s)),
    "scatter_add": (places, lambda x, s, i: x.scatter_add(1, i, s)),
    "scatter_reduce, prod": (places, lambda x, s, i: x.scatter_reduce(1, i, s, "prod")),
    "scatter_reduce, amax": (places, lambda x, s, i: x.scatter_reduce(1, i, s, "amax")),
    "index_select": (rows, lambda x, s, i: x.index_select(0, i)),
    "index_add": (rows, lambda x, s, i: x.index_add(0, i, s[:2])),
    "index_copy": (rows, lambda x, s, i: x.index_copy(0, i, s[:2])),
    "index_fill": (rows, lambda x, s, i: x.index_fill(0, i, 3.0)),
    "embedding": (rows, lambda x, s, i: F.embedding(i, x)),
    "embedding_bag": (lambda: places()[:, :2], lambda x, s, i: F.embedding_bag(i, x)),
    "max_unpool2d": (lambda: tg.tensor([[[0, 3], [8, 11]]]), lambda x, s, i: F.max_unpool2d(x[None, :2, :2], i, 2)),
    "nll_loss": (classes, lambda x, s, i: F.nll_loss(x, i, reduction="none")),
    "cross_entropy": (classes, lambda x, s, i: F.cross_entropy(x, i, reduction="none")),
    "topk": (None, lambda x, s: x.topk(2)),
    "sort": (None, lambda x, s: x.sort(1, descending=True)),
    "max": (None, lambda x, s: x.max(1)),
    "max, keepdim": (None, lambda x, s: x.max(1, keepdim=True)),
    "median": (None, lambda x, s: x.median(0)),
    "kthvalue": (None, lambda x, s: x.kthvalue(2, 0)),
    "mode": (None, lambda x, s: x.mode(0)),
    "cummax": (None, lambda x, s: x.cummax(0)),
    "max_pool2d": (None, lambda x, s: F.max_pool2d(x[None, None], 2, return_indices=True)),
}  # fmt: skip


def gradients(case, change):
    make, operation = CASES[case]
    x, source = tg.arange(12.0).reshape(3, 4).clone().requires_grad_(), tg.ones(3, 4, requires_grad=True)
    y, index = operation(x, source) if make is None else (None, make())
    if y is None:
        y = operation(x, source, index)
    if change:
        index.fill_(1)
    (y * tg.arange(1.0, y.numel() + 1).reshape(y.shape)).sum().backward()
    return [None if leaf.grad is None else leaf.grad.tolist() for leaf in (x, source)]


@pytest.mark.parametrize("case", CASES)
def test_the_gradient_is_that_of_the_index_as_it_was(case):
    expected = gradients(case, change=False)
    try:
        found = gradients(case, change=True)
    except RuntimeError as error:
        assert "modified by an inplace operation" in str(error)
    else:
        assert found == expected
