"""The loader: batches, PyTorch's order bit for bit, options and their messages."""

import numpy as np
import pytest

from tinygrad_cnn import random
from tinygrad_cnn.data import tensor
from tinygrad_cnn.utils import data
from tinygrad_cnn.utils.data import BatchSampler, DataLoader, Dataset, IterableDataset, SequentialSampler, TensorDataset


class Squares(Dataset):
    def __init__(self, count=10):
        self.count = count

    def __getitem__(self, index):
        if not 0 <= index < self.count:
            raise IndexError(index)
        return index, float(index**2)

    def __len__(self):
        return self.count


class Stream(IterableDataset):
    def __init__(self, count, length=None):
        self.count, self.length = count, length

    def __iter__(self):
        return iter(range(self.count))

    def __len__(self):
        if self.length is None:
            raise TypeError("no length")
        return self.length


def plain(batches):
    return [[part.tolist() for part in batch] if isinstance(batch, list) else batch.tolist() for batch in batches]


# What torch 2.13 yields after manual_seed(0) from TensorDataset(arange(10)), batch_size=4, shuffle=True, two passes.
GOLDEN = [[[6, 7, 1, 4], [2, 0, 9, 8], [3, 5]], [[2, 4, 7, 0], [8, 9, 5, 3], [6, 1]]]


def test_golden_shuffle():
    random.manual_seed(0)
    loader = DataLoader(TensorDataset(tensor(list(range(10)))), batch_size=4, shuffle=True)
    assert [[batch[0].tolist() for batch in loader] for _ in range(2)] == GOLDEN


def test_batches():
    loader = DataLoader(Squares(5), batch_size=2)
    assert len(loader) == 3 and plain(loader) == [[[0, 1], [0.0, 1.0]], [[2, 3], [4.0, 9.0]], [[4], [16.0]]]
    loader = DataLoader(Squares(5), batch_size=2, drop_last=True)
    assert len(loader) == 2 and len(list(loader)) == 2
    assert plain(DataLoader(Squares(2))) == [[[0], [0.0]], [[1], [1.0]]]
    assert len(iter(DataLoader(Squares(5), batch_size=2))) == 3


def test_without_batching():
    assert list(DataLoader(Squares(3), batch_size=None)) == [[0, 0.0], [1, 1.0], [2, 4.0]]
    (item,) = DataLoader([np.array([1, 2])], batch_size=None)
    assert item.tolist() == [1, 2]
    assert list(DataLoader(Squares(3), batch_size=None, collate_fn=lambda sample: sample)) == [
        (0, 0.0),
        (1, 1.0),
        (2, 4.0),
    ]


def test_samplers_and_collate():
    assert plain(DataLoader(Squares(), sampler=[3, 1], batch_size=2)) == [[[3, 1], [9.0, 1.0]]]
    sampler = BatchSampler(SequentialSampler(range(3)), 2, False)
    loader = DataLoader(Squares(), batch_sampler=sampler)
    assert len(loader) == 2 and loader.batch_size is None and plain(loader)[1] == [[2], [4.0]]
    assert list(DataLoader(Squares(3), batch_size=2, collate_fn=len)) == [2, 1]
    calls = []

    class Batched(Squares):
        def __getitems__(self, indices):
            calls.append(indices)
            return [self[i] for i in indices]

    assert len(list(DataLoader(Batched(4), batch_size=2))) == 2 and calls == [[0, 1], [2, 3]]


def test_custom_collate_sees_the_samples_of_a_tensor_dataset():
    seen = []
    loader = DataLoader(TensorDataset(tensor([1, 2, 3])), batch_size=2, collate_fn=lambda batch: seen.append(batch))
    list(loader)
    assert [len(batch) for batch in seen] == [2, 1] and seen[0][1][0].item() == 2


def test_an_extended_collate_map_is_honoured(monkeypatch):
    from tinygrad_cnn.tensor import Tensor
    from tinygrad_cnn.utils.data._utils.collate import default_collate_fn_map

    monkeypatch.setitem(default_collate_fn_map, Tensor, lambda batch, *, collate_fn_map=None: "mine")
    assert list(DataLoader(TensorDataset(tensor([1, 2])), batch_size=2)) == [["mine"]]


def test_iterable():
    assert plain(DataLoader(Stream(5), batch_size=2)) == [[0, 1], [2, 3], [4]]
    assert plain(DataLoader(Stream(5), batch_size=2, drop_last=True)) == [[0, 1], [2, 3]]
    assert list(DataLoader(Stream(3), batch_size=None)) == [0, 1, 2]
    assert plain(DataLoader(Stream(0), batch_size=2)) == []
    for drop, want in ((False, 3), (True, 2)):
        assert len(DataLoader(Stream(5, 5), batch_size=2, drop_last=drop)) == want
    assert len(DataLoader(Stream(5, 5), batch_size=None)) == 5
    with pytest.raises(TypeError):
        len(DataLoader(Stream(5)))
    loader = DataLoader(Stream(3, 1))
    assert len(loader) == 1
    with pytest.warns(UserWarning, match=r"was reported to be 1.*but [23] samples have been fetched"):
        list(loader)


def test_two_iterators_are_independent():
    loader = DataLoader(Squares(4), batch_size=2)
    first, second = iter(loader), iter(loader)
    assert plain([next(first)]) == plain([next(second)]) and len(list(first)) == 1


@pytest.mark.parity
@pytest.mark.parametrize(
    "options",
    [
        {"shuffle": True},
        {"shuffle": True, "batch_size": 3},
        {"shuffle": True, "batch_size": 3, "drop_last": True},
        {"batch_size": 4},
        {"shuffle": True, "batch_size": None},
    ],
    ids=str,
)
@pytest.mark.parametrize("own", [False, True], ids=["default", "generator"])
def test_order_is_torchs(options, own):
    torch = pytest.importorskip("torch")
    torch.manual_seed(11)
    random.manual_seed(11)
    theirs, ours = (torch.Generator().manual_seed(9), random.Generator().manual_seed(9)) if own else (None, None)
    reference = torch.utils.data.DataLoader(Squares(100), generator=theirs, **options)
    loader = DataLoader(Squares(100), generator=ours, **options)
    for _ in range(3):
        if options.get("batch_size", 1) is None:
            assert list(loader) == list(reference)
        else:
            assert plain(loader) == plain(reference)
        # A pass that is broken off after the first batch.
        next(iter(loader)), next(iter(reference))
        assert random.rand(2).tolist() == torch.rand(2).tolist()


@pytest.mark.parity
@pytest.mark.parametrize(
    ("stream", "options"),
    [
        (False, {"num_workers": -1}),
        (False, {"timeout": -1}),
        (False, {"prefetch_factor": 2}),
        (False, {"persistent_workers": True}),
        (False, {"multiprocessing_context": "spawn"}),
        (False, {"sampler": [0], "shuffle": True}),
        (False, {"batch_sampler": [[0]], "shuffle": True}),
        (False, {"batch_sampler": [[0]], "batch_size": 2}),
        (False, {"batch_sampler": [[0]], "drop_last": True}),
        (False, {"batch_sampler": [[0]], "sampler": [0]}),
        (False, {"batch_size": None, "drop_last": True}),
        (False, {"batch_size": 0}),
        (False, {"batch_size": 2.0}),
        (False, {"drop_last": 1}),
        (True, {"shuffle": True}),
        (True, {"sampler": [0]}),
        (True, {"batch_sampler": [[0]]}),
        (False, {"unknown": 1}),
    ],
    ids=str,
)
def test_messages_are_torchs(stream, options):
    torch = pytest.importorskip("torch")

    class TheirStream(torch.utils.data.IterableDataset):
        __iter__ = None

    class OurStream(IterableDataset):
        __iter__ = None

    with pytest.raises((TypeError, ValueError)) as theirs:
        torch.utils.data.DataLoader(TheirStream() if stream else Squares(), **options)
    with pytest.raises(type(theirs.value)) as ours:
        DataLoader(OurStream() if stream else Squares(), **options)
    assert str(ours.value) == str(theirs.value)


def test_options_without_workers():
    with pytest.raises(AssertionError, match="timeout == 0"):
        iter(DataLoader(Squares(), timeout=1))
    with pytest.warns(UserWarning, match="'pin_memory' argument is set as true but no accelerator is found"):
        iter(DataLoader(Squares(), pin_memory=True))


def test_attributes_are_fixed():
    loader = DataLoader(Squares())
    for name in ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"):
        with pytest.raises(ValueError, match=f"{name} attribute should not be set after DataLoader is initialized"):
            setattr(loader, name, None)
    loader.collate_fn = len
    assert next(iter(loader)) == 1


def test_exports():
    assert all(hasattr(data, name) for name in data.__all__)
