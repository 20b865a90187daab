"""Adding into a leaf's `grad`: whose memory it is decides whether that is done in place; the sum is the same."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as torch


def leaf(n=6):
    return torch.arange(float(n)).requires_grad_()


def expected(*gradients):
    return np.sum([np.asarray(gradient, np.float32) for gradient in gradients], axis=0)


def test_first_gradient_is_kept_when_nobody_else_has_it():
    x = leaf()
    (x * 3).backward(torch.ones(6))
    kept = x.grad
    (x * 2).backward(torch.ones(6))
    assert x.grad is kept and kept._version == 1
    np.testing.assert_array_equal(x.grad.numpy(), expected([3.0] * 6, [2.0] * 6))


def test_two_leaves_with_one_gradient_do_not_share_memory():
    x, y = leaf(), leaf()
    (x + y).backward(torch.ones(6))
    x.grad.add_(5)
    np.testing.assert_array_equal(y.grad.numpy(), np.ones(6))


def test_gradient_of_the_caller_is_not_taken():
    x, start = leaf(), torch.ones(6)
    (x + 0).backward(start)
    start.zero_()
    (x + 0).backward(torch.ones(6))
    np.testing.assert_array_equal(x.grad.numpy(), np.full(6, 2.0))
    assert not start.numpy().any()


@pytest.mark.parametrize("shift", [0, 1])
def test_gradient_in_the_memory_of_grad(shift):
    x = leaf()
    memory = torch.arange(7.0)
    x.grad = memory[:6]
    (x + 0).backward(memory[shift : shift + 6])
    np.testing.assert_array_equal(x.grad.numpy(), np.arange(6.0) + np.arange(shift, shift + 6.0))


def test_grad_passed_as_the_gradient():
    x = leaf()
    x.grad = torch.arange(6.0)
    (x + 0).backward(x.grad)
    np.testing.assert_array_equal(x.grad.numpy(), 2 * np.arange(6.0))


@pytest.mark.parametrize("make", [
    lambda: torch.zeros(6, 2)[:, 0],
    lambda: torch.zeros(12)[::2],
    lambda: torch.from_numpy(np.zeros(6, np.float32)),
], ids=["column", "stride", "numpy"])  # fmt: skip
def test_grad_of_any_memory(make):
    x = leaf()
    x.grad = make()
    before = x.grad
    x.sum().backward()  # a gradient that is one number, repeated
    (x * 2).backward(torch.ones(6))
    assert x.grad is before
    np.testing.assert_array_equal(x.grad.numpy(), np.full(6, 3.0))


def test_broadcast_operands_get_sums():
    x, row, number = torch.ones(3, 4).requires_grad_(), torch.ones(4).requires_grad_(), torch.ones(()).requires_grad_()
    column = torch.ones(3, 1).requires_grad_()
    (x + row + number + column).backward(torch.ones(3, 4))
    assert [tuple(t.grad.shape) for t in (x, row, number, column)] == [(3, 4), (4,), (), (3, 1)]
    assert row.grad.tolist() == [3.0] * 4 and number.grad.item() == 12 and column.grad.tolist() == [[4.0]] * 3


def test_backward_of_a_leaf_itself():
    x = torch.ones(()).requires_grad_()
    x.backward()
    x.backward(torch.ones(()) * 2)
    assert x.grad.item() == 3


def test_versions_of_saved_tensors_begin_late():
    """A tensor has no version counter before something needs one; a change after it was saved is noticed still."""
    for change in (lambda t: t.add_(1), lambda t: t.view(2, 3).mul_(2), lambda t: t.detach().zero_()):
        x = leaf()
        y = x * 1
        z = y * y
        with torch.no_grad():
            change(y)
        with pytest.raises(RuntimeError, match="is at version 1; expected version 0"):
            z.sum().backward()
