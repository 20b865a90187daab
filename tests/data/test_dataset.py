"""Data sets: TensorDataset, Subset, ConcatDataset, ChainDataset, random_split."""

import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.data import tensor
from tinygrad_cnn.random import Generator, manual_seed
from tinygrad_cnn.utils.data import (
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    Subset,
    TensorDataset,
    random_split,
)


class Numbers(Dataset):
    def __init__(self, *numbers):
        self.numbers = numbers

    def __getitem__(self, index):
        return self.numbers[index]

    def __len__(self):
        return len(self.numbers)


class Stream(IterableDataset):
    def __init__(self, *numbers):
        self.numbers = numbers

    def __iter__(self):
        return iter(self.numbers)

    def __len__(self):
        return len(self.numbers)


def test_tensor_dataset():
    dataset = TensorDataset(tensor([[1, 2], [3, 4]]), tensor([5, 6]))
    assert len(dataset) == 2
    x, y = dataset[1]
    assert x.tolist() == [3, 4] and y.item() == 6
    with pytest.raises(AssertionError, match="Size mismatch between tensors"):
        TensorDataset(tensor([1]), tensor([1, 2]))
    with pytest.raises(IndexError):
        dataset[2]


def test_base_classes():
    with pytest.raises(NotImplementedError):
        Dataset()[0]
    with pytest.raises(TypeError, match="abstract"):
        IterableDataset()
    with pytest.raises(TypeError):
        len(Dataset())
    assert Dataset[int] is not None  # subscriptable, for annotations


def test_subset():
    subset = Subset(Numbers(10, 11, 12, 13), [3, 1])
    assert len(subset) == 2 and [subset[0], subset[1]] == [13, 11]
    assert subset.__getitems__([1, 0]) == [11, 13]

    class Batched(Numbers):
        def __getitems__(self, indices):
            return [("batched", self.numbers[i]) for i in indices]

    assert Subset(Batched(10, 11), [1]).__getitems__([0]) == [("batched", 11)]

    class Half(Subset):
        def __getitem__(self, index):
            return 0

    with pytest.raises(NotImplementedError, match="Half overrides __getitem__ but not __getitems__"):
        Half(Numbers(1), [0])


def test_concat():
    dataset = Numbers(1, 2) + Numbers() + Numbers(3)
    assert isinstance(dataset, ConcatDataset) and len(dataset) == 3
    nested = ConcatDataset([Numbers(1, 2), Numbers(), Numbers(3, 4, 5)])
    assert [nested[i] for i in range(5)] == [1, 2, 3, 4, 5] and nested[-1] == 5 and nested[-5] == 1
    assert nested.cumulative_sizes == [2, 2, 5]
    with pytest.raises(ValueError, match="absolute value of index should not exceed dataset length"):
        nested[-6]
    with pytest.raises(IndexError):
        nested[5]
    with pytest.raises(AssertionError, match="datasets should not be an empty iterable"):
        ConcatDataset([])
    with pytest.raises(AssertionError, match="ConcatDataset does not support IterableDataset"):
        ConcatDataset([Stream(1)])


def test_chain():
    dataset = Stream(1, 2) + Stream(3)
    assert isinstance(dataset, ChainDataset) and list(dataset) == [1, 2, 3] and len(dataset) == 3
    with pytest.raises(AssertionError, match="ChainDataset only supports IterableDataset"):
        list(ChainDataset([Numbers(1)]))
    with pytest.raises(AssertionError, match="ChainDataset only supports IterableDataset"):
        len(ChainDataset([Numbers(1)]))


def test_random_split():
    dataset = Numbers(*range(10))
    first, second = random_split(dataset, [3, 7], Generator().manual_seed(1))
    assert len(first) == 3 and len(second) == 7 and sorted([*first, *second]) == list(range(10))
    assert [len(part) for part in random_split(dataset, [0.5, 0.25, 0.25])] == [6, 2, 2]
    with pytest.warns(UserWarning, match="Length of split at index 1 is 0"):
        random_split(Numbers(1), [0.5, 0.5])
    with pytest.raises(ValueError, match="Sum of input lengths does not equal"):
        random_split(dataset, [3, 3])
    with pytest.raises(ValueError, match="Fraction at index 0 is not between 0 and 1"):
        random_split(dataset, [1.5, -0.5])


@pytest.mark.parity
@pytest.mark.parametrize("lengths", [[3, 7], [0.5, 0.25, 0.25], [10], [0.1, 0.1, 0.8]], ids=str)
def test_random_split_is_torchs(lengths):
    torch = pytest.importorskip("torch")
    torch.manual_seed(3)
    manual_seed(3)
    for _ in range(2):
        theirs = torch.utils.data.random_split(range(10), lengths)
        ours = random_split(range(10), lengths)
        assert [part.indices for part in ours] == [part.indices for part in theirs]


def test_indexed_batches_are_what_stacking_gives():
    """The loader indexes a TensorDataset once a batch; that must not show."""
    x, y = tensor([[float(i), -i] for i in range(10)]), tensor(list(range(10)))

    class Slow(TensorDataset):  # the same, but not the exact class, so it takes the ordinary way
        pass

    def batches(kind):
        whole = kind(x, y)
        subset = Subset(Subset(whole, [9, 3, 4, 5, -1]), [4, 0, 1])
        for dataset in (whole, subset):
            yield from DataLoader(dataset, batch_size=4)

    for fast, slow in zip(batches(TensorDataset), batches(Slow), strict=True):
        assert type(fast) is type(slow) is list and len(fast) == len(slow) == 2
        for a, b in zip(fast, slow, strict=True):
            assert a.tolist() == b.tolist() and a.dtype is b.dtype and a.is_contiguous()
    with pytest.raises(IndexError):
        next(iter(DataLoader(TensorDataset(x), sampler=[10])))
    assert next(iter(DataLoader(TensorDataset(y), batch_sampler=[[-1, 0]])))[0].tolist() == [9, 0]


def test_batches_do_not_alias_the_data_set():
    x = tensor([1.0, 2.0])
    for dataset in (TensorDataset(x), TensorDataset(tensor([[1.0, 2.0], [3.0, 4.0]]).t())):
        (batch,) = next(iter(DataLoader(dataset, batch_size=2)))
        batch.fill_(0.0)
        assert dataset.tensors[0].tolist() not in ([0.0, 0.0], [[0.0, 0.0], [0.0, 0.0]])


def test_gradients_flow_through_batches():
    x = tensor([1.0, 2.0, 3.0]).requires_grad_()
    (batch,) = next(iter(DataLoader(TensorDataset(x), batch_size=2)))
    batch.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0, 0.0]


@pytest.mark.parity
@pytest.mark.parametrize("named", [False, True])
def test_stacked_data_sets_are_torchs(named):
    torch = pytest.importorskip("torch")

    class Several(list):
        def __getitems__(self, indices):
            return [self[i] for i in indices] if 9 not in indices else []

    parts = {"a": [1, 2, 3], "b": Several("xyz")}
    found = []
    for library in (tg, torch):
        make = library.utils.data.StackDataset
        stacked = make(**parts) if named else make(*parts.values())
        errors = []
        for wrong in (
            lambda make=make: make(),
            lambda make=make: make([1], b=[1]),
            lambda make=make: make([1], [1, 2]),
            lambda make=make: make(Several("x")).__getitems__([9]),
        ):
            with pytest.raises(ValueError) as caught:
                wrong()
            errors.append(str(caught.value))
        found.append((len(stacked), stacked[1], stacked.__getitems__([2, 0]), errors))
    assert found[0] == found[1]
