"""Sizes, strides and offsets about 2^31, 2^32 and 2^63: requests beyond the address space raise, and nothing wraps.

Each line is refused here and by PyTorch, with the same type of exception; where PyTorch's allocator gives up with a
RuntimeError, this package raises MemoryError. Nothing of the kind is really allocated, and each takes milliseconds.
"""

from __future__ import annotations

import pytest

import tinygrad_cnn
from tests.compare import outcome

REFUSED = """
torch.zeros(2**62)
torch.zeros(2**31, 2**31)
torch.zeros(2**32, 2**32)
torch.zeros(2**33, 2**31)
torch.empty(2**62, 4)
torch.empty(2**60)
torch.zeros(2**62, dtype=torch.uint8)
torch.zeros(2**60, dtype=torch.float64)
torch.zeros((2**32, 2**31), dtype=torch.bool)
torch.ones(2**32, 2**32)
torch.full((2**61,), 1)
torch.rand(2**32, 2**32)
torch.randn(2**62)
torch.randint(0, 2, (2**33, 2**33))
torch.randperm(2**60)
torch.eye(2**32)
torch.arange(2**62)
torch.arange(0.0, 1e30)
torch.arange(0, 1, 1e-300)
torch.linspace(0, 1, 2**62)
torch.logspace(0, 1, 2**62)
torch.hann_window(2**61)
torch.empty_strided((2**32, 2**32), (2**32, 1))
torch.empty_strided((3,), (2**62,))
torch.triu_indices(2**32, 2**32)
torch.vander(torch.ones(2), 2**62)
torch.Tensor(2**32, 2**32)
torch.ones(4).new_zeros(2**32, 2**32)
torch.ones(4).resize_(2**32, 2**32)
torch.nn.Linear(2**32, 2**32)
torch.nn.Embedding(2**32, 2**32)
torch.nn.Conv2d(2**20, 2**20, 2**13)
torch.nn.BatchNorm2d(2**62)
torch.ones(1, 1).expand(2**31, 2**32).numel()
torch.ones(1, 1).expand(2**32, 2**32)
torch.ones(3).repeat(2**62)
torch.ones(4).repeat(2**62)
torch.ones(2, 2).repeat(2**32, 2**32)
torch.ones(4).tile(2**62)
torch.ones(2).repeat_interleave(2**62)
torch.ones(4).repeat_interleave(2**62)
torch.ones(8).repeat_interleave(2**61)
torch.ones(2).repeat_interleave(torch.tensor([2**62, 2**62]))
torch.nn.functional.pad(torch.ones(1, 1, 1), (2**61, 2**61))
torch.nn.functional.pad(torch.ones(1, 1, 1), (2**62, 2**62))
torch.nn.functional.pad(torch.ones(1, 1, 1, 1), (2**31, 0, 2**31, 0))
torch.nn.functional.pad(torch.ones(1, 1, 1, 1), (2**31, 0, 2**31, 0), mode='replicate')
torch.nn.functional.conv2d(torch.ones(1, 1, 1, 1), torch.ones(1, 1, 1, 1), padding=2**31)
torch.nn.functional.conv2d(torch.ones(1, 1, 1, 1), torch.ones(1, 1, 1, 1), padding=2**62)
torch.nn.functional.conv2d(torch.ones(1, 1, 4, 4), torch.ones(1, 1, 2, 2), dilation=2**62)
torch.nn.functional.conv1d(torch.ones(1, 1, 4), torch.ones(1, 1, 2), padding=2**61)
torch.nn.functional.conv3d(torch.ones(1, 1, 1, 1, 1), torch.ones(1, 1, 1, 1, 1), padding=2**20)
torch.nn.functional.conv_transpose2d(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 1, 1), stride=2**31)
torch.nn.functional.conv_transpose2d(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 1, 1), stride=2**62)
torch.nn.functional.max_pool2d(torch.ones(1, 1, 4, 4), 2**62)
torch.nn.functional.max_pool2d(torch.ones(1, 1, 4, 4), 2, stride=2**62)
torch.nn.functional.max_pool2d(torch.ones(1, 1, 4, 4), 2, dilation=2**62)
torch.nn.functional.max_pool2d(torch.ones(1, 1, 4, 4), 2, padding=2**62)
torch.nn.functional.max_pool2d(torch.ones(1, 1, 4, 4), 2**33, padding=2**32)
torch.nn.functional.avg_pool2d(torch.ones(1, 1, 4, 4), 2**62)
torch.nn.functional.avg_pool2d(torch.ones(1, 1, 4, 4), 2**33, 1, padding=2**32)
torch.nn.functional.lp_pool2d(torch.ones(1, 1, 4, 4), 2, 2**62)
torch.nn.functional.max_pool3d(torch.ones(1, 1, 4, 4, 4), 2**62)
torch.nn.functional.adaptive_avg_pool2d(torch.ones(1, 1, 2, 2), 2**31)
torch.nn.functional.adaptive_avg_pool2d(torch.ones(1, 1, 2, 2), 2**32)
torch.nn.functional.adaptive_avg_pool1d(torch.ones(1, 1, 2), 2**62)
torch.nn.functional.unfold(torch.ones(1, 1, 4, 4), 2, padding=2**31)
torch.nn.functional.unfold(torch.ones(1, 1, 4, 4), 2**62)
torch.nn.functional.fold(torch.ones(1, 4, 1), (2**32, 2**32), 2)
torch.nn.functional.interpolate(torch.ones(1, 1, 2, 2), size=2**31)
torch.nn.functional.interpolate(torch.ones(1, 1, 2, 2), size=(2**62, 2), mode='bilinear')
torch.nn.functional.interpolate(torch.ones(1, 1, 2, 2), scale_factor=1e30)
torch.nn.functional.interpolate(torch.ones(1, 1, 2), scale_factor=2**61)
torch.nn.PixelShuffle(2**31)(torch.ones(1, 4, 2, 2))
torch.nn.PixelShuffle(2**32)(torch.ones(1, 4, 2, 2))
torch.nn.functional.one_hot(torch.tensor([0, 1]), 2**62)
torch.nn.functional.one_hot(torch.tensor([2**63 - 1]))
torch.nn.functional.one_hot(torch.zeros(2**10, dtype=torch.int64), 2**55)
torch.ones(1, 1).expand(2**31, 1) @ torch.ones(1, 1).expand(1, 2**31)
torch.bmm(torch.ones(1, 1, 1).expand(2**20, 2**20, 1), torch.ones(1, 1, 1).expand(2**20, 1, 2**20))
torch.nn.functional.linear(torch.ones(1, 1).expand(2**32, 1), torch.ones(1, 1).expand(2**32, 1))
torch.einsum('i,j->ij', torch.ones(1).expand(2**32), torch.ones(1).expand(2**32))
torch.cat([torch.ones(1).expand(2**59), torch.ones(1).expand(2**59)])
torch.stack([torch.ones(1).expand(2**59)] * 2)
torch.ones(2**10, 1) + torch.ones(1).expand(2**53)
torch.where(torch.ones(2**10, 1) > 0, torch.ones(1).expand(2**53), 0)
torch.diag(torch.ones(1).expand(2**32))
torch.diag_embed(torch.ones(2), 2**62)
torch.diag(torch.ones(2), 2**63 - 1)
torch.bincount(torch.tensor([2**62]))
torch.bincount(torch.tensor([2**63 - 1]))
torch.bincount(torch.tensor([1]), minlength=2**62)
torch.bincount(torch.tensor([1]), minlength=-1)
torch.histc(torch.ones(3), bins=2**62)
torch.multinomial(torch.ones(3), 2**62, replacement=True)
torch.ones(4).as_strided((2,), (2**62,))
torch.ones(4).as_strided((2,), (2**63 - 1,))
torch.ones(4).as_strided((5,), (2**62,))
torch.ones(4).as_strided((9,), (2**61,))
torch.ones(4).as_strided((2**62,), (1,))
torch.ones(4).as_strided((2**32, 2**32), (0, 0))
torch.ones(4).as_strided((2**32, 2**32), (2**32, 1))
torch.ones(4).as_strided((2,), (1,), 2**62)
torch.ones(4).as_strided((2,), (1,), 2**63 - 1)
torch.ones(4).as_strided((1,), (1,), 2**61)
torch.ones(4).as_strided((2,), (1,), -1)
torch.ones(4)[2:].as_strided((2,), (1,), -2)
torch.ones(4).as_strided((2,), (-1,), 2)
torch.ones(4).as_strided((2,), (2**32 + 1,))
torch.ones(4).as_strided((2, 2), (2**62, 2**62))
torch.ones(4).view(2**32, 2**32)
torch.ones(4).view(-1, 2**62)
torch.ones(4).reshape(2**31, 2**33, 1)
torch.ones(4).unflatten(0, (2**32, 2**32))
torch.ones(4).unfold(0, 2**62, 1)
torch.ones(4).narrow(0, 2**62, 1)
torch.ones(4).narrow(0, 1, 2**63 - 1)
torch.ones(4)[2**62]
torch.ones(4)[torch.tensor([2**62])]
torch.ones(4)[torch.tensor([-2**63])]
torch.ones(4).select(0, 2**62)
torch.ones(4).index_select(0, torch.tensor([2**62]))
torch.ones(4).gather(0, torch.tensor([2**62]))
torch.ones(4).gather(0, torch.tensor([-2**63]))
torch.ones(4).take(torch.tensor([2**62]))
torch.ones(4).scatter(0, torch.tensor([2**62]), 1.0)
torch.ones(4).put_(torch.tensor([2**62]), torch.ones(1))
torch.ones(4).index_fill(0, torch.tensor([2**62]), 1.0)
torch.from_numpy(np.arange(4)[::-1])
torch.tensor(np.ones((2, 3))[:, ::-1])
torch.ones(4).as_strided((2,), (1,), 3)
torch.ones(4)[1:3].as_strided((4,), (1,))
torch.ones(4).as_strided_scatter(torch.ones(2), (2,), (1,), 3)
torch.ones(3, 3)[torch.tensor([0]), torch.tensor([-2**63])]
torch.ones(3).index_add(0, torch.tensor([2**62]), torch.ones(1))
torch.ones(3).scatter_add(0, torch.tensor([2**62]), torch.ones(1))
torch.searchsorted(torch.tensor([2.0, 1.0, 3.0]), torch.tensor([1.5]), sorter=torch.tensor([1, 0, 7]))
torch.searchsorted(torch.tensor([2.0, 1.0, 3.0]), torch.tensor([1.5]), sorter=torch.tensor([1, 0, -1]))
torch.nn.functional.embedding(torch.tensor([2**62]), torch.ones(3, 2))
torch.nn.functional.embedding_bag(torch.tensor([[2**62]]), torch.ones(3, 2))
torch.nn.functional.cross_entropy(torch.ones(2, 3), torch.tensor([0, 2**62]))
torch.nn.functional.max_unpool2d(torch.ones(1, 1, 2, 2), torch.full((1, 1, 2, 2), 2**32), 2)
torch.nn.functional.max_unpool3d(torch.ones(1, 1, 1, 1, 1), torch.full((1, 1, 1, 1, 1), 2**32 + 1), 2)
torch.ones(4).split([2**62, 2**62])
torch.ones(4).tensor_split(2**62)
torch.ones(4).topk(2**62)
torch.ones(4).kthvalue(2**62)
""".strip().splitlines()

# What ends a process with PyTorch 2.13.
REFUSED_HERE = """
torch.ones(4).repeat_interleave(torch.tensor([2**62, 2**62, 2**62, 2**62]))
torch.nn.functional.ctc_loss(torch.zeros(5, 1, 3), torch.tensor([[2**40, 1]]), torch.tensor([5]), torch.tensor([2]))
""".strip().splitlines()

# Numbers as large that ask for nothing large.
TAKEN = """
torch.ones(4).as_strided((1,), (2**63 - 1,), 0)
torch.ones(4).as_strided((1,), (2**31,), 3)
torch.ones(4).as_strided((0,), (2**62,), 2**62)
torch.ones(4).as_strided((0, 2), (2**62, 2**62), 1)
torch.arange(4).unfold(0, 2, 2**62)
torch.arange(4).unfold(0, 2, 2**63 - 1)
torch.arange(4)[2**62:]
torch.arange(4)[-2**62:]
torch.arange(4)[::2**62]
torch.arange(4).roll(2**62 + 1)
torch.ones(2, 2).rot90(2**62)
torch.ones(4).split(2**62)
torch.ones(4).chunk(2**62)
torch.arange(4).tensor_split([2**62])
torch.ones(2, 2).tril(2**63 - 1)
torch.ones(2, 2).tril(-2**62)
torch.ones(2, 2).triu(-2**62)
torch.ones(2, 2).triu(2**63 - 1)
torch.ones(2, 2).diagonal(2**62)
torch.ones(2, 2).diagonal(-2**62)
torch.ones(2, 2).diagonal(2**31)
torch.triu_indices(2, 2, -2**62)
torch.zeros(0, 2**31, 2**29)
torch.ones(1, 1, 1).expand(2**20, 2**20, 2**20).numel()
torch.ones(1).expand(2**32)[2**31 + 7].item()
torch.ones(1, 1).expand(2**31, 2**29).stride()
torch.zeros(2).expand(2**40, 2)[2**39:, 1:].shape
torch.unravel_index(torch.tensor(2**62 + 5), (2**31, 2**32))
torch.nn.functional.avg_pool2d(torch.ones(1, 1, 4, 4), 2, divisor_override=2**40)
torch.nn.functional.max_pool2d(torch.ones(1, 1, 4, 4), 2, stride=2**31 - 1)
torch.nn.functional.conv2d(torch.ones(1, 1, 4, 4), torch.ones(1, 1, 2, 2), stride=2**40)
""".strip().splitlines()


@pytest.mark.parametrize("expression", REFUSED + REFUSED_HERE)
def test_too_much_is_refused(expression):
    raised, message = outcome(tinygrad_cnn, expression)
    assert raised in (RuntimeError, MemoryError, IndexError, ValueError), (raised, message)
    assert message, "the error does not say what was wrong"


@pytest.mark.parity
def test_refused_as_torch():
    torch = pytest.importorskip("torch")
    for expression in REFUSED:
        (ours, _), (theirs, message) = outcome(tinygrad_cnn, expression), outcome(torch, expression)
        no_memory = "can't allocate memory" in (message or "") or "overflow" in (message or "")
        assert ours is theirs or (ours is MemoryError and theirs is RuntimeError and no_memory), (
            expression,
            ours,
            theirs,
        )


@pytest.mark.parity
def test_taken_as_torch():
    torch = pytest.importorskip("torch")
    for expression in TAKEN:
        ours, theirs = outcome(tinygrad_cnn, expression), outcome(torch, expression)
        assert ours == theirs and isinstance(ours[0], str), (expression, ours, theirs)


@pytest.mark.parametrize("expression", TAKEN)
def test_large_numbers_that_ask_for_little(expression):
    text, message = outcome(tinygrad_cnn, expression)
    assert isinstance(text, str), message
