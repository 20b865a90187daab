"""Bad input: shapes and indices."""

CASES = r"""
# shape
torch.zeros(6).view(4)
    RuntimeError: shape '[4]' is invalid for input of size 6
torch.zeros(6).view(-1, -1)
    RuntimeError: only one dimension can be inferred
torch.zeros(6).view(-2, -3)
    RuntimeError: invalid shape dimension -2 at index 0 of shape [-2, -3]
torch.zeros(0).view(-1, 0)
    RuntimeError: cannot reshape tensor of 0 elements into shape [-1, 0] because the unspecified dimension size -1...
torch.zeros(0).reshape(-1, 0)
    RuntimeError: cannot reshape tensor of 0 elements into shape [-1, 0] because the unspecified dimension size -1...
torch.zeros(2,3).t().view(6)
    RuntimeError: view size is not compatible with input tensor's size and stride (at least one dimension spans...
torch.zeros(6).reshape(2**32, 2**32)
    RuntimeError: shape '[4294967296, 4294967296]' is invalid for input of size 6
torch.zeros(6).expand(2, 5)
    RuntimeError: The expanded size of the tensor (5) must match the existing size (6) at non-singleton dimension...
torch.zeros(2,3).expand(3)
    RuntimeError: expand(torch.FloatTensor{[2, 3]}, size=[3]): the number of sizes provided (1) must be greater or...
torch.zeros(2,3).expand(-1,-1,3)
    RuntimeError: The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension 0
torch.zeros(2,3).permute(0)
    RuntimeError: permute(sparse_coo): number of dimensions in the tensor input does not match the length of the...
torch.zeros(2,3).permute(0,0)
    RuntimeError: permute(): duplicate dims are not allowed.
torch.zeros(2,3).permute(0,2)
    IndexError: Dimension out of range (expected to be in range of [-2, 1], but got 2)
torch.zeros(2,3).transpose(0,2)
    IndexError: Dimension out of range (expected to be in range of [-2, 1], but got 2)
torch.zeros(2,3,4).t()
    RuntimeError: t() expects a tensor with <= 2 dimensions, but self is 3D
torch.zeros(2,3).unsqueeze(4)
    IndexError: Dimension out of range (expected to be in range of [-3, 2], but got 4)
torch.zeros(2,3).squeeze(3)
    IndexError: Dimension out of range (expected to be in range of [-2, 1], but got 3)
torch.zeros(2,3).repeat(2)
    RuntimeError: Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor
torch.zeros(2,3).repeat(-1,1)
    RuntimeError
torch.zeros(2,3).split(-1)
    RuntimeError: split expects split_size be non-negative, but got split_size=-1
torch.zeros(2,3).split(0)
    RuntimeError: split_size can only be 0 if dimension size is 0, but got dimension size of 2
torch.zeros(2,3).split([1,2])
    RuntimeError: split_with_sizes expects split_sizes to sum exactly to 2 (input tensor's size at dimension 0),...
torch.zeros(2,3).chunk(0)
    RuntimeError: chunk expects `chunks` to be greater than 0, got: 0
torch.zeros(2,3).narrow(0,1,5)
    RuntimeError: start (1) + length (5) exceeds dimension size (2).
torch.zeros(2,3).narrow(0,-3,1)
    IndexError: start out of range (expected to be in range of [-2, 2], but got -3)
torch.zeros(2,3).select(0,5)
    IndexError: select(): index 5 out of range for tensor of size [2, 3] at dimension 0
torch.zeros(2,3).flip(2)
    IndexError: Dimension out of range (expected to be in range of [-2, 1], but got 2)
torch.zeros(2,3).flip(0,0)
    RuntimeError: dim 0 appears multiple times in the list of dims
torch.cat([])
    ValueError: torch.cat(): expected a non-empty list of Tensors
torch.cat([torch.zeros(2), torch.zeros(2,2)])
    RuntimeError: Tensors must have same number of dimensions: got 1 and 2
torch.cat([torch.zeros(2,2), torch.zeros(2,3)])
    RuntimeError: Sizes of tensors must match except in dimension 0. Expected size 2 but got size 3 for tensor...
torch.cat([torch.zeros(2), 1])
    TypeError: expected Tensor as element 1 in argument 0, but got int
torch.cat(torch.zeros(2))
    TypeError: cat(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor
torch.cat([torch.zeros(())])
    RuntimeError: zero-dimensional tensor (at position 0) cannot be concatenated
torch.cat([torch.zeros(2)], dim=3)
    IndexError: Dimension out of range (expected to be in range of [-1, 0], but got 3)
torch.stack([])
    RuntimeError: stack expects a non-empty TensorList
torch.stack([torch.zeros(2), torch.zeros(3)])
    RuntimeError: stack expects each tensor to be equal size, but got [2] at entry 0 and [3] at entry 1
torch.stack([torch.zeros(2)], 5)
    IndexError: Dimension out of range (expected to be in range of [-2, 1], but got 5)
torch.tril(torch.zeros(2))
    RuntimeError: tril: input tensor must have at least 2 dimensions
torch.zeros(2,3).diagonal(0,0,0)
    RuntimeError: diagonal dimensions cannot be identical 0, 0
torch.broadcast_to(torch.zeros(2), (3,))
    RuntimeError: The expanded size of the tensor (3) must match the existing size (2) at non-singleton dimension...
torch.meshgrid(torch.zeros(2), torch.zeros(2,2))
    RuntimeError
torch.where(torch.zeros(2), torch.zeros(2), torch.zeros(2))
    RuntimeError: where expected condition to be a boolean tensor, but got a tensor with dtype Float
torch.where(torch.tensor([True]), torch.zeros(2), torch.zeros(3))
    RuntimeError: The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0
torch.clamp(torch.zeros(2))
    RuntimeError: torch.clamp: At least one of 'min' or 'max' must not be None
torch.zeros(2).to('cuda')
    AssertionError: Torch not compiled with CUDA enabled
torch.zeros(2).to('nonsense')
    RuntimeError: Expected one of cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla,...
torch.zeros(2).item()
    RuntimeError: a Tensor with 2 elements cannot be converted to Scalar
torch.zeros(0).item()
    RuntimeError: a Tensor with 0 elements cannot be converted to Scalar
bool(torch.zeros(2))
    RuntimeError: Boolean value of Tensor with more than one value is ambiguous
int(torch.zeros(2))
    ValueError: only one element tensors can be converted to Python scalars
float(torch.tensor([nan, 1.0]))
    ValueError: only one element tensors can be converted to Python scalars
int(torch.tensor(nan))
    ValueError: cannot convert float NaN to integer
int(torch.tensor(inf))
    OverflowError: cannot convert float infinity to integer
len(torch.zeros(()))
    TypeError: len() of a 0-d tensor
iter(torch.zeros(()))
    TypeError: iteration over a 0-d tensor
torch.zeros(2, requires_grad=True).numpy()
    RuntimeError: Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.
torch.zeros(2, dtype=torch.int64).requires_grad_()
    RuntimeError: only Tensors of floating point dtype can require gradients
# indices
torch.zeros(3)[3]
    IndexError: index 3 is out of bounds for dimension 0 with size 3
torch.zeros(3)[1.0]
    IndexError: only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices...
torch.zeros(3)['a']
    TypeError: new(): invalid data type 'str'
torch.zeros(3)[0, 0]
    IndexError: too many indices for tensor of dimension 1
torch.zeros(())[0]
    IndexError: invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to...
torch.zeros(3)[::-1]
    ValueError: step must be greater than zero
torch.zeros(3)[::0]
    ValueError: slice step cannot be zero
torch.zeros(3)[1.5:]
    TypeError: slice indices must be integers or None or have an __index__ method
torch.zeros(3)[torch.tensor([0.0])]
    IndexError: tensors used as indices must be long, int, byte or bool tensors
torch.zeros(3)[torch.tensor([True, False])]
    IndexError: The shape of the mask [2] at index 0 does not match the shape of the indexed tensor [3] at index 0
torch.zeros(2,3)[torch.zeros(3,2,dtype=torch.bool)]
    IndexError: The shape of the mask [3, 2] at index 0 does not match the shape of the indexed tensor [2, 3] at...
torch.zeros(2,3)[torch.tensor([0,1]), torch.tensor([0,1,2])]
    IndexError: shape mismatch: indexing tensors could not be broadcast together with shapes [2], [3]
torch.zeros(2,3)[0, ..., 0, 0]
    IndexError: too many indices for tensor of dimension 2
torch.zeros(2,3)[{}]
    IndexError: only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices...
torch.zeros(3).__setitem__(3, 1.0)
    IndexError: index 3 is out of bounds for dimension 0 with size 3
torch.zeros(3).__setitem__(0, 'a')
    TypeError: can't assign a str to a torch.FloatTensor
torch.zeros(3).__setitem__(slice(None), torch.zeros(2))
    RuntimeError: The expanded size of the tensor (3) must match the existing size (2) at non-singleton dimension...
torch.zeros(3).__setitem__(0, torch.zeros(2))
    RuntimeError: expand(torch.FloatTensor{[2]}, size=[]): the number of sizes provided (0) must be greater or...
torch.zeros(3, dtype=torch.uint8).__setitem__(0, 300)
    RuntimeError: value cannot be converted to type uint8_t without overflow
torch.gather(torch.zeros(2,3), 1, torch.tensor([[3]]))
    RuntimeError: index 3 is out of bounds for dimension 1 with size 3
torch.gather(torch.zeros(2,3), 2, torch.tensor([[0]]))
    IndexError: Dimension out of range (expected to be in range of [-2, 1], but got 2)
torch.gather(torch.zeros(2,3), 1, torch.tensor([0]))
    RuntimeError: Index tensor must have the same number of dimensions as input tensor
torch.gather(torch.zeros(2,3), 1, torch.tensor([[0.0]]))
    RuntimeError: gather(): Expected dtype int32/int64 for index
torch.gather(torch.zeros(2,3), 0, torch.zeros(1,4,dtype=torch.int64))
    RuntimeError: Size does not match at dimension 1 expected index [1, 4] to be no larger than self [2, 3] apart...
torch.index_select(torch.zeros(2,3), 0, torch.tensor([2]))
    IndexError: index out of range in self
torch.index_select(torch.zeros(2,3), 0, torch.tensor([[0]]))
    IndexError: index_select(): Index is supposed to be a vector
torch.index_select(torch.zeros(2,3), 0, torch.tensor([0.0]))
    RuntimeError
torch.zeros(2,3).scatter_(1, torch.tensor([[3]]), 1.0)
    RuntimeError: index 3 is out of bounds for dimension 1 with size 3
torch.zeros(2,3).scatter_(1, torch.tensor([[0]]), torch.zeros(0,1))
    RuntimeError: Expected index [1, 1] to be no larger than self [2, 3] apart from dimension 1 and to be no larger...
torch.zeros(2,3).scatter_add_(1, torch.tensor([[-1]]), torch.zeros(1,1))
    RuntimeError: index -1 is out of bounds for dimension 1 with size 3
torch.zeros(2,3).index_add_(0, torch.tensor([2]), torch.zeros(1,3))
    RuntimeError: index 2 is out of bounds for dimension 0 with size 2
torch.zeros(2,3).index_fill_(0, torch.tensor([2]), 1.0)
    IndexError: index 2 is out of bounds for dimension 0 with size 2
torch.take(torch.zeros(3), torch.tensor([3]))
    IndexError
torch.masked_select(torch.zeros(3), torch.zeros(3))
    RuntimeError: masked_select: expected BoolTensor for mask
torch.zeros(3).masked_fill(torch.zeros(3), 1.0)
    RuntimeError: masked_fill_ only supports boolean masks, but got mask with dtype float
torch.zeros(3).masked_fill(torch.zeros(2, dtype=torch.bool), 1.0)
    RuntimeError
# more of shapes and indices
torch.zeros(3)[True, 5]
    IndexError
torch.zeros(2,3)[torch.tensor(5)]
    IndexError: index 5 is out of bounds for dimension 0 with size 2
torch.zeros(2,3)[torch.tensor(1.0)]
    IndexError: tensors used as indices must be long, int, byte or bool tensors
torch.zeros(2,3).view(torch.float64)
    RuntimeError
torch.zeros(2,3).view(2**62, 2**62)
    RuntimeError: shape '[4611686018427387904, 4611686018427387904]' is invalid for input of size 6
torch.zeros(6).unflatten(0, (4, 2))
    RuntimeError: unflatten: Provided sizes [4, 2] don't multiply up to the size of dim 0 (6) in the input tensor
torch.zeros(6).expand(-1, 6)
    RuntimeError: The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension 0
torch.zeros(6).narrow(0, 0, -1)
    RuntimeError: narrow(): length must be non-negative.
torch.zeros(6).narrow(5, 0, 1)
    IndexError: Dimension out of range (expected to be in range of [-1, 0], but got 5)
torch.zeros(6).movedim(0, 5)
    IndexError: Dimension out of range (expected to be in range of [-1, 0], but got 5)
torch.zeros(6).roll(1, 5)
    IndexError: Dimension out of range (expected to be in range of [-1, 0], but got 5)
torch.zeros(6).tile(-1)
    RuntimeError
torch.zeros(6).repeat_interleave(-1)
    RuntimeError
torch.zeros(6).repeat_interleave(torch.tensor([1,2]))
    RuntimeError: repeats must have the same size as input along dim, but got repeats.size(0) = 2 and input.size(0) = 6
torch.zeros(6).scatter(0, torch.tensor([6]), torch.zeros(1))
    RuntimeError: index 6 is out of bounds for dimension 0 with size 6
torch.zeros(6).scatter(0, torch.tensor([0]), torch.zeros(1, dtype=torch.float64))
    RuntimeError: scatter(): Expected self.dtype to be equal to src.dtype
torch.zeros(6).index_add(0, torch.tensor([6]), torch.zeros(1))
    IndexError
torch.zeros(6).index_add(0, torch.tensor([0]), torch.zeros(2))
    RuntimeError
torch.zeros(6).index_put((torch.tensor([9]),), torch.zeros(1))
    IndexError: index 9 is out of bounds for dimension 0 with size 6
torch.zeros(6).masked_scatter(torch.ones(6,dtype=torch.bool), torch.zeros(2))
    RuntimeError
torch.zeros(6).copy_(torch.zeros(5))
    RuntimeError: The size of tensor a (6) must match the size of tensor b (5) at non-singleton dimension 0
torch.zeros(6).copy_([1])
    TypeError: copy_(): argument 'other' (position 1) must be Tensor, not list
torch.zeros(6).copy_(torch.zeros(2,6))
    RuntimeError
torch.zeros(1).expand(6).add_(1)
    RuntimeError: unsupported operation: more than one element of the written-to tensor refers to a single memory...
torch.zeros(1).expand(6).__setitem__(slice(None), torch.arange(6.0))
    RuntimeError: unsupported operation: more than one element of the written-to tensor refers to a single memory...
torch.zeros(1).expand(6).normal_()
    RuntimeError: unsupported operation: more than one element of the written-to tensor refers to a single memory...
torch.zeros(1).expand(6).uniform_()
    RuntimeError: unsupported operation: more than one element of the written-to tensor refers to a single memory...
torch.tensor([[1,'a']])
    TypeError: new(): invalid data type 'str'
torch.tensor([1, None])
    RuntimeError: Could not infer dtype of NoneType
torch.tensor([[[1,2],[3,4]],[[5,6],[7]]])
    ValueError: expected sequence of length 2 at dim 2 (got 1)
torch.tensor(torch.zeros)
    RuntimeError
torch.asarray('a')
    TypeError: new(): invalid data type 'str'
torch.from_numpy(5)
    TypeError: expected np.ndarray (got int)
"""
