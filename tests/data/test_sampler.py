"""Samplers: what they yield, their messages, and PyTorch's own draws bit for bit."""

import pytest

from tinygrad_cnn import random
from tinygrad_cnn.utils import data
from tinygrad_cnn.utils.data import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)


def test_sequential_and_batches():
    assert list(SequentialSampler(range(4))) == [0, 1, 2, 3] and len(SequentialSampler(range(4))) == 4
    for drop, want in ((False, [[0, 1, 2], [3, 4, 5], [6]]), (True, [[0, 1, 2], [3, 4, 5]])):
        sampler = BatchSampler(SequentialSampler(range(7)), 3, drop)
        assert list(sampler) == want and len(sampler) == len(want)
    assert list(BatchSampler(iter([5, 6]), 3, False)) == [[5, 6]]
    with pytest.raises(NotImplementedError):
        iter(Sampler())


def test_random_sampler():
    assert sorted(RandomSampler(range(10))) == list(range(10))
    assert len(list(RandomSampler(range(10), num_samples=25))) == 25
    assert set(RandomSampler(range(3), replacement=True, num_samples=100)) == {0, 1, 2}
    assert sorted(SubsetRandomSampler([5, 7, 9])) == [5, 7, 9]
    assert set(WeightedRandomSampler([0.0, 1.0, 0.0, 3.0], 50)) == {1, 3}
    assert sorted(WeightedRandomSampler([0.5, 1.0, 0.1], 3, replacement=False)) == [0, 1, 2]


# What torch 2.13 yields after manual_seed(0): RandomSampler(range(10)), then, from the same generator, a second pass.
GOLDEN = [[6, 9, 0, 7, 3, 5, 4, 2, 1, 8], [6, 7, 1, 4, 2, 0, 9, 8, 3, 5]]


def test_golden_order():
    random.manual_seed(0)
    assert [list(RandomSampler(range(10))) for _ in range(2)] == GOLDEN


SAMPLERS = [
    ("RandomSampler", (range(10),), {}),
    ("RandomSampler", (range(1000),), {"num_samples": 2500}),
    ("RandomSampler", (range(100),), {"replacement": True, "num_samples": 77}),
    ("RandomSampler", (range(5),), {"replacement": True}),
    ("SubsetRandomSampler", ([3, 1, 4, 1, 5, 9],), {}),
    ("WeightedRandomSampler", ([0.1, 0.9, 0.4, 0.7, 3.0, 0.6], 50), {}),
    ("WeightedRandomSampler", (list(range(1, 3000)), 20), {"replacement": False}),
    ("WeightedRandomSampler", ([0.1, 0.9, 0.4, 0.7, 3.0, 0.6], 6), {"replacement": False}),
]


@pytest.mark.parity
@pytest.mark.parametrize(("name", "args", "options"), SAMPLERS, ids=lambda v: str(v)[:30])
@pytest.mark.parametrize("own", [False, True], ids=["default", "generator"])
def test_draws_are_torchs(name, args, options, own):
    torch = pytest.importorskip("torch")
    from tinygrad_cnn.utils import data

    torch.manual_seed(5)
    random.manual_seed(5)
    theirs, ours = (torch.Generator().manual_seed(9), random.Generator().manual_seed(9)) if own else (None, None)
    reference = getattr(torch.utils.data, name)(*args, **options, generator=theirs)
    sampler = getattr(data, name)(*args, **options, generator=ours)
    for _ in range(2):
        assert list(sampler) == list(reference)
    assert random.rand(3).tolist() == torch.rand(3).tolist()  # the default generators are in the same place


@pytest.mark.parity
@pytest.mark.parametrize(
    ("name", "args", "options"),
    [
        ("RandomSampler", (range(3),), {"replacement": 1}),
        ("RandomSampler", (range(3),), {"num_samples": 0}),
        ("RandomSampler", (range(3),), {"num_samples": 2.5}),
        ("RandomSampler", ([],), {}),
        ("WeightedRandomSampler", ([1.0], True), {}),
        ("WeightedRandomSampler", ([1.0], -1), {}),
        ("WeightedRandomSampler", ([1.0], 1), {"replacement": 0}),
        ("WeightedRandomSampler", ([[1.0]], 1), {}),
        ("BatchSampler", (range(3), 0, False), {}),
        ("BatchSampler", (range(3), True, False), {}),
        ("BatchSampler", (range(3), 2, 1), {}),
    ],
    ids=str,
)
def test_messages_are_torchs(name, args, options):
    torch = pytest.importorskip("torch")
    from tinygrad_cnn.utils import data

    with pytest.raises((TypeError, ValueError)) as theirs:
        getattr(torch.utils.data, name)(*args, **options)
    with pytest.raises(type(theirs.value)) as ours:
        getattr(data, name)(*args, **options)
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parity
@pytest.mark.parametrize("count", [1, 2, 7, 8, 20])
@pytest.mark.parametrize("options", [{}, {"shuffle": False}, {"drop_last": True}, {"seed": 5}], ids=str)
def test_shares_of_processes_are_torchs(count, options):
    torch = pytest.importorskip("torch")
    for rank in range(3):
        theirs = torch.utils.data.DistributedSampler(range(count), num_replicas=3, rank=rank, **options)
        ours = data.DistributedSampler(range(count), num_replicas=3, rank=rank, **options)
        for epoch in (0, 1):
            theirs.set_epoch(epoch)
            ours.set_epoch(epoch)
            assert (len(ours), list(ours)) == (len(theirs), list(theirs))


def test_shares_need_a_number_of_processes():
    with pytest.raises(RuntimeError, match="Requires distributed package to be available"):
        data.DistributedSampler(range(3))
    with pytest.raises(ValueError, match=r"Invalid rank 2, rank should be in the interval \[0, 1\]"):
        data.DistributedSampler(range(3), num_replicas=2, rank=2)
