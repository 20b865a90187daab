"""New tensors from sizes and from data: values, dtypes, errors; against PyTorch, and by hand."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as torch
from tests.compare import check
from tests.creation_expressions import EXPRESSIONS


@pytest.mark.parity
@pytest.mark.parametrize("expression", EXPRESSIONS.strip().splitlines())
def test_as_pytorch(expression):
    check(pytest.importorskip("torch"), expression)


# The same exception; the message lists other dtypes, or other ways to call.
SAME_TYPE = """
torch.tensor(np.ones(2, object))
torch.tensor(np.array(["a"]))
torch.tensor()
torch.from_numpy(np.ones(3, object))
torch.Tensor(2, dtype=torch.float64)
torch.FloatTensor(torch.tensor([1, 2]))
torch.linspace(0, 1)
torch.tensor(HasIndex())
torch.tensor(HasArray())
"""


@pytest.mark.parity
@pytest.mark.parametrize("expression", SAME_TYPE.strip().splitlines())
def test_same_exception_as_pytorch(expression):
    check(pytest.importorskip("torch"), expression, with_message=False)


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (3, torch.int64),
        (3.0, torch.float32),
        (True, torch.bool),
        ([], torch.float32),
        ([1, 2.0], torch.float32),
        ([True, 2], torch.int64),
        (np.float64(3), torch.float64),
        ([np.float32(1), np.float32(2)], torch.float32),
        (np.zeros(2, np.uint8), torch.uint8),
        (range(3), torch.int64),
    ],
)
def test_dtype_of_data(data, dtype):
    assert torch.tensor(data).dtype is dtype


def test_default_dtype():
    torch.set_default_dtype(torch.float64)
    try:
        assert torch.tensor([1.0]).dtype is torch.float64
        assert torch.zeros(2).dtype is torch.float64
        assert torch.tensor(1).dtype is torch.int64
        assert repr(torch.ones(1)) == "tensor([1.])"
        assert torch.finfo().bits == 64
    finally:
        torch.set_default_dtype(torch.float32)


def test_large_lists():
    rows = np.random.default_rng(0).normal(size=(300, 40))
    np.testing.assert_array_equal(torch.tensor(rows.tolist(), dtype=torch.float64).numpy(), rows)
    assert torch.tensor(rows.tolist()).dtype is torch.float32


def test_tensor_copies_and_from_numpy_shares():
    array = np.arange(6.0).reshape(2, 3)
    copied, shared, wrapped = torch.tensor(array), torch.from_numpy(array), torch.as_tensor(array)
    array[0, 0] = 100
    assert copied[0, 0].item() == 0
    assert shared[0, 0].item() == 100
    assert wrapped[0, 0].item() == 100
    shared[1, 1] = 7
    assert array[1, 1] == 7
    assert torch.from_numpy(array.T).stride() == (1, 3)


def test_as_tensor_keeps_a_tensor_and_its_graph():
    x = torch.ones(2, requires_grad=True) * 2
    assert torch.as_tensor(x) is x
    assert torch.as_tensor(x, dtype=torch.float64).grad_fn is not None
    assert torch.asarray(x) is x
    with pytest.raises(ValueError, match="alias"):
        torch.asarray([1, 2], copy=False)


def test_read_only_array():
    array = np.ones(3)
    array.flags.writeable = False
    torch.data._warned_read_only.clear()
    with pytest.warns(UserWarning, match="not writable"):
        x = torch.from_numpy(array)
    with pytest.raises((RuntimeError, ValueError)):
        x.add_(1)
    assert array.tolist() == [1, 1, 1]


def test_frombuffer():
    memory = bytearray(np.arange(4, dtype=np.float32).tobytes())
    x = torch.frombuffer(memory, dtype=torch.float32, offset=4, count=2)
    assert x.tolist() == [1, 2]
    x[0] = 9
    assert np.frombuffer(memory, np.float32)[1] == 9
    with pytest.raises(ValueError, match="multiple of element size"):
        torch.frombuffer(memory, dtype=torch.float64, offset=4)
    with pytest.raises(ValueError, match="must not be greater"):
        torch.frombuffer(memory, dtype=torch.float32, count=5)


@pytest.mark.parametrize("function", [torch.empty, torch.zeros, torch.ones, torch.rand])
@pytest.mark.parametrize(
    ("size", "error"),
    [
        ((-1,), RuntimeError),
        ((-2, -3), RuntimeError),
        ((2**32, 2**32), RuntimeError),
        ((2**63,), RuntimeError),
        ((2**62, 4), RuntimeError),
        ((2**45,), MemoryError),
        ((1,) * 65, RuntimeError),
        ((2.5,), TypeError),
        (("a",), TypeError),
        ((2, None), TypeError),
        ((True,), TypeError),
    ],
)
def test_bad_sizes(function, size, error):
    with pytest.raises(error):
        function(*size)
    with pytest.raises(error):
        function(size)


def test_out():
    out = torch.zeros(3)
    assert torch.ones(3, out=out) is out
    assert out.tolist() == [1, 1, 1]
    assert torch.arange(5, out=out) is out
    assert out.tolist() == [0, 1, 2, 3, 4]
    assert out.dtype is torch.float32
    leaf = torch.zeros(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        torch.ones(2, out=leaf)


def test_like_keeps_order_in_memory():
    x = torch.zeros(2, 3, 4).permute(2, 0, 1)
    for function in (torch.empty_like, torch.zeros_like, torch.ones_like, torch.rand_like):
        assert function(x).stride() == x.stride()
    assert torch.zeros_like(torch.zeros(1).expand(3)).stride() == (1,)


def test_empty_strided():
    x = torch.empty_strided((2, 3), (1, 2))
    assert x.shape == (2, 3)
    assert x.stride() == (1, 2)


def test_from_dlpack():
    array = np.arange(3.0)
    x = torch.from_dlpack(array)
    x[0] = 5
    assert array[0] == 5


@pytest.mark.parametrize(("start", "end", "steps"), [(0, 1, 5), (-3.3, 8.1, 1000), (2, -7, 13), (1, 1, 1), (0, 1, 0)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_linspace(start, end, steps, dtype):
    x = torch.linspace(start, end, steps, dtype=dtype).numpy()
    expected = np.linspace(start, end, steps)
    np.testing.assert_allclose(x, expected, rtol=1e-6, atol=1e-6)
    if steps > 1:
        assert (x[0], x[-1]) == (x.dtype.type(start), x.dtype.type(end))


def test_arange_values():
    np.testing.assert_array_equal(torch.arange(-3, 9, 2).numpy(), np.arange(-3, 9, 2))
    np.testing.assert_array_equal(torch.arange(2**40, 2**40 + 3).numpy(), np.arange(2**40, 2**40 + 3))
    np.testing.assert_allclose(torch.arange(0, 1, 0.1, dtype=torch.float64).numpy(), np.arange(0, 1, 0.1))


def test_kinds_of_numpy_arrays(tmp_path):
    # What is like an array but of another class is an array all the same, on the same memory.
    class Other(np.ndarray):
        pass

    mapped = np.memmap(tmp_path / "numbers", np.float32, "w+", shape=(2, 3))
    for source in (mapped, np.zeros((2, 3), np.float32).view(Other)):
        x = torch.from_numpy(source)
        x += 1.5
        assert (np.asarray(source) == 1.5).all()
        assert (x + x).tolist() == [[3.0] * 3] * 2
