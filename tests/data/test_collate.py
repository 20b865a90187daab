"""default_collate and default_convert: every kind of sample, as PyTorch joins it."""

import collections

import numpy as np
import pytest

from tinygrad_cnn.data import tensor
from tinygrad_cnn.tensor import Tensor
from tinygrad_cnn.utils.data import default_collate, default_convert

Point = collections.namedtuple("Point", ["x", "y"])


class Items(list):
    """A list with an attribute, which a copy keeps."""


class Frozen(collections.abc.Mapping):
    def __init__(self, items):
        self._items = dict(items)

    def __getitem__(self, key):
        return self._items[key]

    def __iter__(self):
        return iter(self._items)

    def __len__(self):
        return len(self._items)


SAMPLES = [
    [1, 2, 3],
    [1.5, 2.5],
    [True, False],
    ["a", "b"],
    [b"a", b"b"],
    [(1, 2.0), (3, 4.0)],
    [[1, "a"], [3, "b"]],
    [{"a": 1, "b": [1.0, 2.0]}, {"a": 2, "b": [3.0, 4.0]}],
    [Point(1, 2.0), Point(3, 4.0)],
    [np.float64(1), np.float64(2)],
    [np.float32(1), np.float32(2)],
    [np.int64(1), np.int64(2)],
    [np.bool_(True), np.bool_(False)],
    [np.array([1.0, 2.0]), np.array([3.0, 4.0])],
    [np.array(1, np.float32), np.array(2, np.float32)],
    [collections.OrderedDict(a=1), collections.OrderedDict(a=2)],
    [Frozen({"a": 1}), Frozen({"a": 2})],
    [Items([1, 2]), Items([3, 4])],
    [range(2), range(2)],
    [collections.defaultdict(list, {"a": 1}), collections.defaultdict(list, {"a": 2})],
    [{}, {}],
    [(), ()],
]
REFUSED = [
    [object(), object()],
    [None, None],
    [np.array(["a"]), np.array(["b"])],
    [np.array([object()])] * 2,
    [(1, 2), (1,)],
    [[1], [1, 2]],
    [{1}, {2}],
]
DATA = [
    1,
    "a",
    None,
    (1, np.array([1.0])),
    [np.float32(1)],
    {"a": np.array([1])},
    Point(np.array(1), 2),
    np.array(["a"]),
    Items([np.array(1)]),
]


def comparable(value):
    """A structure of plain values in which Tensors show dtype and content."""
    if hasattr(value, "tolist") and hasattr(value, "requires_grad"):
        return "tensor", str(value.dtype), tuple(value.shape), value.tolist()
    if isinstance(value, collections.abc.Mapping):
        return type(value), {key: comparable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value), [comparable(item) for item in value]
    return type(value), value.tolist() if isinstance(value, np.ndarray) else value


@pytest.mark.parity
@pytest.mark.parametrize("batch", SAMPLES, ids=map(str, range(len(SAMPLES))))
def test_collate_is_torchs(batch):
    torch = pytest.importorskip("torch")
    assert comparable(default_collate(batch)) == comparable(torch.utils.data.default_collate(batch))


@pytest.mark.parity
@pytest.mark.parametrize("batch", REFUSED, ids=map(str, range(len(REFUSED))))
def test_collate_errors_are_torchs(batch):
    torch = pytest.importorskip("torch")
    with pytest.raises((TypeError, RuntimeError)) as theirs:
        torch.utils.data.default_collate(batch)
    with pytest.raises(type(theirs.value)) as ours:
        default_collate(batch)
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parity
@pytest.mark.parametrize("value", DATA, ids=map(str, range(len(DATA))))
def test_convert_is_torchs(value):
    torch = pytest.importorskip("torch")
    assert comparable(default_convert(value)) == comparable(torch.utils.data.default_convert(value))


def test_tensors():
    batch = default_collate([tensor([1, 2]), tensor([3, 4])])
    assert isinstance(batch, Tensor) and batch.tolist() == [[1, 2], [3, 4]]
    with pytest.raises(RuntimeError):
        default_collate([tensor([1]), tensor([1, 2])])
    kept = Items([1, 2])
    kept.note = "kept"
    assert default_collate([kept, kept]).note == "kept"
    value = tensor([1])
    assert default_convert(value) is value
