"""resize_, resize_as_, set_, fill and empty tensors of given strides, against PyTorch."""

import pytest

import tinygrad_cnn as tc
from tests.compare import check

EXPRESSIONS = (
    *("torch.arange(6).resize_(2, 2)", "torch.arange(6).resize_((3,))", "torch.arange(6)[2:].resize_(2, 2)"),
    *("torch.arange(6).resize_(10)[:6]", "torch.arange(6).resize_(0)", "torch.arange(6).view(2, 3).t().resize_(4)"),
    *("torch.ones(3).resize_as_(torch.ones(1, 2))", "torch.ones(3, requires_grad=True).resize_(2)"),
    *("torch.ones(3).set_(torch.zeros(2, 2))", "torch.ones(3).set_()", "torch.ones(3).set_(torch.zeros(2).half())"),
    *("torch.ones(3).set_(torch.arange(6.), 1, (2, 2), (2, 1))"),
    "torch.ones(3, requires_grad=True).set_(torch.ones(2))",
    *("torch.ones(3).set_(torch.arange(6.).untyped_storage(), 1, (2, 2))"),
    "torch.fill(torch.ones(2), torch.tensor(3))",
    *("torch.fill(torch.ones(2, dtype=torch.int8), 3)", "torch.fill(torch.ones(2), torch.ones(2))"),
    *("torch.empty_permuted((2, 3, 4), (1, 0, 2)).stride()", "torch.empty_permuted((2, 3), (0, 0))"),
    *("torch.empty_permuted((2,), (0, 1))", "torch.empty_permuted((2,), (3,))"),
    *("torch.ones(2).half().new_empty_strided((2, 3), (1, 2)).stride()"),
    "torch.ones(2).new_empty_strided((2,), (1,)).dtype",
    *("torch.arange(0, 64, 0.5, dtype=torch.int64)", "torch.linspace(torch.ones(2), 3, 4)"),
    *("torch.linspace(torch.tensor(1.), torch.tensor(3), 4)", "torch.linspace(4.3, -3, 50, dtype=torch.int8)"),
    *("torch.logspace(4.3, 1.2, 4, 3.0, dtype=torch.int16)", "torch.logspace(0, torch.tensor(1.5), 2)"),
)


@pytest.mark.parity
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_is_pytorchs(expression):
    check(pytest.importorskip("torch"), expression)


def test_resized_tensor_shares_memory_while_it_suffices():
    x = tc.arange(6)
    y = x.view(2, 3)
    assert x.resize_(2) is x
    x[0] = 7
    assert y[0, 0] == 7


def test_part_outside_of_memory_is_refused():
    with pytest.raises(RuntimeError, match="out of bounds for storage of size 24"):
        tc.ones(3).set_(tc.arange(6.0), 4, (2, 2), (2, 1))


def test_set_tensors_share_changes():
    x, y = tc.ones(3), tc.zeros(2)
    x.set_(y)
    x.add_(1)
    assert y.tolist() == [1, 1]
