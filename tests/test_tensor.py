"""What a tensor tells about itself, and how it becomes and comes from other objects; against PyTorch, and by hand."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import tinygrad_cnn as torch
from tests.compare import check

EXPRESSIONS = """
torch.Tensor(torch.ones(2).double())
torch.FloatTensor
isinstance(torch.ones(2), torch.FloatTensor)
isinstance(torch.ones(2), torch.LongTensor)
torch.FloatTensor.dtype
torch.FloatTensor.__name__
torch.ones(2).type()
torch.ones(2).type(torch.LongTensor)
torch.ones(2).type('torch.LongTensor')
torch.ones(2).type('LongTensor')
torch.ones(2).type('torch.HalfTensor2')
torch.ones(2).type(torch.int32)
torch.ones(2).type(int)
torch.ones(2).type(torch.FloatTensor)
torch.ones(2).type(torch.Tensor)
torch.is_tensor(3)
torch.numel(torch.ones(3))
torch.finfo(torch.float32)
torch.finfo()
torch.finfo(torch.int32)
torch.iinfo(torch.int64)
torch.iinfo(torch.uint8)
torch.iinfo(torch.bool)
torch.iinfo(torch.float32)
torch.ones_like(torch.ones(2,3).t()).stride()
torch.range(1,3)
torch.ones(2).new_zeros(3)
torch.ones(2).new_zeros((3,))
torch.ones(2).new_zeros(3, 4, dtype=torch.int64)
torch.ones(2).new_tensor([1,2])
torch.ones(2,dtype=torch.int64).new_tensor([1.5,2])
torch.ones(2).new_full((2,),7)
torch.ones(2,dtype=torch.int64).new_full((2,),7.5)
torch.ones(2).new([2,3])
torch.ones(2).new(torch.Size([2,3])).shape
torch.ones(2).new_ones(2)
torch.ones(2).new_zeros(size=(2,))
torch.tensor(3).numpy()
torch.tensor([1.],requires_grad=True).numpy()
torch.tensor([1.],requires_grad=True).numpy(force=True)
np.asarray(torch.tensor([1.],requires_grad=True))
torch.tensor([1.]).__array__(np.float64)
np.add(np.ones(2),torch.ones(2))
np.exp(torch.ones(2))
np.sin(torch.ones(2,requires_grad=True))
torch.ones(2)*np.ones(2)
np.float64(2)*torch.ones(2)
torch.ones(2)*np.float64(2)
torch.tensor(3.).item()
torch.tensor([3.]).item()
torch.tensor([3.,1]).item()
torch.tensor([]).item()
int(torch.tensor(3.7))
float(torch.tensor([3.7]))
float(torch.tensor([3.7,1]))
bool(torch.tensor([]))
bool(torch.tensor([1,2]))
bool(torch.tensor([0]))
[1,2,3][torch.tensor(1)]
[1,2,3][torch.tensor(1.)]
[1,2,3][torch.tensor([1])]
range(10)[torch.tensor(1):torch.tensor(3)]
f"{torch.tensor(3.14159):.2f}"
f"{torch.tensor([3.14159]):.2f}"
"%.3f" % torch.tensor(3.14159)
"%d" % torch.tensor(3)
f"{torch.tensor(3)}"
f"{torch.tensor(3.5, requires_grad=True)}"
str(torch.tensor(3))
round(torch.tensor(3.6))
len(torch.tensor(3))
list(torch.tensor([1,2]))
list(torch.tensor(1))
torch.ones(2) in [torch.ones(2)]
1 in torch.tensor([1,2])
"a" in torch.tensor([1,2])
torch.ones(2).tolist()
torch.tensor(2).tolist()
torch.ones(2,requires_grad=True).tolist()
torch.ones(2).cuda()
torch.ones(2).to("cuda")
torch.ones(2).to("cpu")
torch.ones(2).to(torch.float64)
torch.ones(2).to("cpu",torch.float64)
torch.ones(2).to(torch.ones(1,dtype=torch.int32))
torch.ones(2).to(3)
torch.ones(2).to("float")
torch.ones(2).to()
torch.ones(2).to(torch.float64, non_blocking=True, copy=True)
torch.ones(2).to(dtype=torch.float64,device="cpu")
torch.ones(2).cpu()
torch.ones(2).is_pinned()
torch.ones(2).is_cuda
torch.ones(2).get_device()
torch.ones(2).element_size()
torch.ones(2).nbytes
torch.ones(2).itemsize
torch.ones(2,3).stride()
torch.ones(2,3).stride(0)
torch.ones(2,3).stride(5)
torch.ones(2,3)[1:].storage_offset()
torch.ones(2,3).layout
torch.ones(2,3).is_sparse
torch.ones(2,3).names
torch.ones(2,3).is_complex()
torch.ones(2,3).is_signed()
torch.ones(2,3).is_contiguous()
torch.ones(2,3).dim()
torch.ones(2,3).size()
torch.ones(2,3).size(1)
torch.ones(2,3).size(5)
torch.ones(2,3).nelement()
torch.ones(2,3).ndimension()
torch.ones(2,3).is_set_to(torch.ones(1))
torch.ones(2,3).is_shared()
torch.ones(2,3).share_memory_()
np.from_dlpack(torch.ones(2,3))
np.from_dlpack(torch.ones(2,3,requires_grad=True))
torch.from_dlpack(np.ones(2))
torch.ones(2).is_inference()
torch.ones(2).T
torch.ones(2).real
torch.ones(2).__len__()
torch.ones(2).__reversed__()
torch.ones(2).has_names()
torch.ones(2).is_meta
torch.ones(2).is_quantized
torch.ones(2).is_mps
torch.ones(2).is_mkldnn
torch.ones(2).device
torch.is_floating_point(torch.ones(2))
torch.result_type(torch.ones(2),1.5)
torch.result_type(torch.ones(2,dtype=torch.int32),1.5)
torch.promote_types(torch.uint8,torch.int32)
torch.is_nonzero(torch.ones(1))
torch.strided
torch.contiguous_format
torch.channels_last
torch.Size([1,2])
torch.Size((1,2))+(3,)
torch.Size([1,2])[1:]
torch.Size([1])*2
(3,)+torch.Size([1])
torch.Size([2,3]).numel()
torch.device("cpu",0)
torch.device("cpu",index=1)
torch.device(0)
torch.device("cuda","0")
torch.device(type="cuda",index=1)
torch.float32.itemsize
torch.can_cast(torch.float32,torch.int64)
"""


@pytest.mark.parity
@pytest.mark.parametrize("expression", EXPRESSIONS.strip().splitlines())
def test_as_pytorch(expression):
    check(pytest.importorskip("torch"), expression)


def test_numpy_shares_memory():
    x = torch.zeros(2, 3)
    array = x.numpy()
    array[0, 0] = 5
    assert x[0, 0].item() == 5
    x[1, 2] = 7
    assert array[1, 2] == 7
    assert np.shares_memory(np.asarray(x), array)
    assert np.shares_memory(np.from_dlpack(x), array)
    assert not np.shares_memory(np.array(x), array)
    with pytest.raises(ValueError, match="copy"):
        np.array(x, dtype=np.float64, copy=False)


def test_numpy_functions_take_tensors():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    array = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert isinstance(array * x, torch.Tensor)
    assert isinstance(x * array, torch.Tensor)
    assert (array * x).dtype is torch.float64
    assert (array - x).abs().sum().item() == 0
    assert isinstance(np.exp(x), torch.Tensor)
    assert np.sum(x) == 10
    assert np.concatenate([x, array]).shape == (4, 2)
    assert (np.float64(2) * x).dtype is torch.float32
    assert np.testing.assert_allclose(x, array) is None
    array += x
    assert isinstance(array, np.ndarray)
    assert array[1, 1] == 8
    assert (array > x).all()


def test_array_times_tensor_is_differentiable():
    x = torch.ones(2, dtype=torch.float64, requires_grad=True)
    (np.array([2.0, 3.0]) * x).sum().backward()
    assert x.grad.tolist() == [2, 3]
    with pytest.raises(RuntimeError, match="requires grad"):
        np.exp(x)


def test_negative_strides_are_copied_where_they_must_be():
    array = np.arange(3.0)[::-1]
    with pytest.raises(ValueError, match="negative"):
        torch.from_numpy(array)
    assert (array * torch.ones(3, dtype=torch.float64)).tolist() == [2, 1, 0]


def test_python_numbers():
    x = torch.tensor(3.7)
    assert (int(x), float(torch.tensor(2)), complex(torch.tensor(2)), bool(x)) == (3, 2.0, 2 + 0j, True)
    assert [10, 20, 30][torch.tensor(1)] == 20
    assert f"{torch.tensor(0.123456, requires_grad=True):.3f}" == "0.123"
    assert "%.2f" % torch.tensor(1.239) == "1.24"  # noqa: UP031
    assert list(torch.tensor([1, 2])) == [1, 2]
    assert len(torch.zeros(4, 2)) == 4


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(protocol):
    x = torch.arange(6.0).reshape(2, 3).t().requires_grad_()
    y, z = pickle.loads(pickle.dumps([x, torch.tensor([True, False])], protocol))
    assert y.tolist() == x.tolist()
    assert y.requires_grad
    assert z.dtype is torch.bool
    assert pickle.loads(pickle.dumps(torch.float32)) is torch.float32
    assert pickle.loads(pickle.dumps(torch.device("cuda:1"))) == torch.device("cuda", 1)
    assert pickle.loads(pickle.dumps(x.shape)) == x.shape


def test_copy_and_deepcopy():
    x = torch.arange(3.0, requires_grad=True)
    (x * 2).sum().backward()
    shallow, deep = copy.copy(x), copy.deepcopy(x)
    with torch.no_grad():
        x.add_(10)
    assert shallow.tolist() == [10, 11, 12]
    assert deep.tolist() == [0, 1, 2]
    assert deep.grad.tolist() == [2, 2, 2]
    assert deep.grad.data_ptr() != x.grad.data_ptr()
    assert (shallow.requires_grad, deep.requires_grad) == (True, True)


def test_subclass():
    class Mine(torch.Tensor):
        pass

    x = Mine([1.0, 2.0])
    assert type(x) is Mine
    assert repr(x) == "Mine([1., 2.])"
    assert isinstance(x * 2, torch.Tensor)


def test_data_and_detach():
    x = torch.ones(2, requires_grad=True)
    x.data.mul_(3)
    assert x.tolist() == [3, 3]
    assert x._version == 0
    x.detach().mul_(2)
    assert x._version == 1
    x.data = torch.zeros(5)
    assert x.shape == (5,)
    with pytest.raises(TypeError):
        x.data = 3


def test_storage():
    x = torch.zeros(4, 5)
    view = x[1:, 2]
    assert view.storage_offset() == 7
    assert view.stride() == (5,)
    assert view.untyped_storage() == x.untyped_storage()
    assert x.untyped_storage().nbytes() == 80
    assert view.data_ptr() == x.data_ptr() + 28
    assert not view.is_contiguous()


def test_devices():
    x = torch.ones(2)
    assert x.to("cpu") is x
    assert x.cpu() is x
    assert not torch.cuda.is_available()
    assert torch.cuda.device_count() == 0
    for call in (x.cuda, lambda: x.to("cuda:0"), lambda: torch.ones(1, device="cuda"), torch.cuda.current_device):
        with pytest.raises(AssertionError, match="Torch not compiled with CUDA enabled"):
            call()
    with pytest.raises(NotImplementedError):
        x.cfloat()
