"""Functions whose operands have two dtypes, or whose numbers have another one than the tensor."""

from __future__ import annotations

import pytest

from tests.nn.twin import check_twin

CALLS = [
    "torch.equal(torch.tensor([1.0, 2.0]), torch.tensor([1, 2]))",
    "torch.equal(torch.tensor([1.5]), torch.tensor([1]))",
    "torch.equal(torch.tensor([True]), torch.tensor([1], dtype=torch.uint8))",
    "torch.equal(torch.zeros(2), torch.zeros(3).int())",
    "torch.searchsorted(torch.tensor([1, 2, 3]), 2.5)",
    "torch.searchsorted(torch.tensor([1, 2, 3]), torch.tensor([2.5, 0.5]), right=True)",
    "torch.searchsorted(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2, 9]))",
    "torch.bucketize(torch.tensor([2.5]), torch.tensor([1, 2, 3]))",
    "torch.bucketize(2.5, torch.tensor([1, 2, 3]))",
    "torch.addmm(torch.ones(2, 2).int(), torch.ones(2, 2).int(), torch.ones(2, 2).int(), beta=2.5, alpha=1.7)",
    "torch.addmm(torch.ones(2).int(), torch.ones(2, 2).int(), torch.ones(2, 2).int(), beta=0)",
    "torch.addr(torch.ones(2, 2).double(), torch.ones(2), torch.ones(2))",
    "torch.addr(torch.ones(2, 2).int(), torch.ones(2).long(), torch.ones(2).int(), beta=2)",
    "torch.select_scatter(torch.zeros(2, 2), torch.tensor([1, 2]), 0, 1)",
    "torch.select_scatter(torch.zeros(2, 2).int(), torch.tensor([1.5, 2.0]), 0, 0)",
    "torch.diagonal_scatter(torch.zeros(2, 2), torch.tensor([1, 2]))",
    "torch.add(torch.tensor([True]), torch.tensor([True]), alpha=True)",
    "torch.zeros(2, 2, dtype=torch.float16).view(torch.float32)",
]
# What else was wrong beside them.
CALLS += [
    "torch.broadcast_shapes((2, 3), 1, (4, 1, 3), ())",
    "torch.broadcast_shapes((0, 1), (1, 3))",
    "torch.scatter_reduce(torch.tensor([3.0, 1.0]), 0, torch.tensor([0, 1]), torch.tensor([1.0, 5.0]), 'max')",
    "torch.scatter_reduce(torch.tensor([3.0, 1.0]), 0, torch.tensor([0, 1]), torch.tensor([1.0, 5.0]), 'min')",
    "torch.zeros(4, 2, requires_grad=True).mul(1).fill_diagonal_(2.0, wrap=True)",
    "torch.zeros(7, 2).fill_diagonal_(2.0, wrap=True)",
    "torch.einsum('ii->i', torch.arange(4.0).reshape(2, 2))",
    "torch.einsum('i j, j', torch.ones(2, 3), torch.ones(3))",
]


@pytest.mark.parity
def test_as_in_pytorch():
    pytest.importorskip("torch")
    for call in CALLS:
        check_twin(lambda torch, call=call: eval(call, {"torch": torch}))


def test_the_gradient_of_a_filled_diagonal_is_zero_there():
    import tinygrad_cnn as torch

    x = torch.ones(3, 2, requires_grad=True)
    x.mul(2).fill_diagonal_(5.0).sum().backward()
    assert x.grad.tolist() == [[0, 2], [2, 0], [2, 2]]
