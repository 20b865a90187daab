"""Bad input: arithmetic, reductions and numbers that a dtype does not hold."""

CASES = r"""
# arithmetic
torch.zeros(2) + torch.zeros(3)
    RuntimeError: The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0
torch.zeros(2) + 'a'
    TypeError: unsupported operand type(s) for +: 'Tensor' and 'str'
torch.zeros(2) ** 'a'
    TypeError: unsupported operand type(s) for ** or pow(): 'Tensor' and 'str'
torch.tensor([True]) - torch.tensor([True])
    RuntimeError: Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or...
torch.tensor([1]) // 0
    RuntimeError: ZeroDivisionError
torch.tensor([2]) ** -1
    RuntimeError: Integers to negative integer powers are not allowed.
torch.tensor([2.0]) & 1
    NotImplementedError: "bitwise_and_cpu" not implemented for 'Float'
~torch.tensor([2.0])
    TypeError: ~ (operator.invert) is only implemented on integer and Boolean-type tensors
-torch.tensor([True])
    RuntimeError: Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a...
torch.add(torch.tensor([1]), torch.tensor([1]), alpha=1.5)
    RuntimeError: For integral input tensors, argument alpha must not be a floating point number.
torch.zeros(2).add_(torch.zeros(3))
    RuntimeError: The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0
torch.zeros(1).add_(torch.zeros(3))
    RuntimeError: output with shape [1] doesn't match the broadcast shape [3]
torch.zeros(2, dtype=torch.int64).add_(1.5)
    RuntimeError: result type Float can't be cast to the desired output type Long
torch.zeros(2, requires_grad=True).add_(1)
    RuntimeError: a leaf Variable that requires grad is being used in an in-place operation.
torch.zeros(2) @ torch.zeros(3)
    RuntimeError: inconsistent tensor size, expected tensor [2] and src [3] to have the same number of elements,...
torch.zeros(2,3) @ torch.zeros(2,3)
    RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)
torch.zeros(()) @ torch.zeros(2)
    RuntimeError: both arguments to matmul need to be at least 1D, but they are 0D and 1D
torch.zeros(2,3) @ torch.zeros(3,2,dtype=torch.float64)
    RuntimeError: expected m1 and m2 to have the same dtype, but got: float != double
torch.zeros(2,3,dtype=torch.bool) @ torch.zeros(3,2,dtype=torch.bool)
    NotImplementedError: "addmm_impl_cpu_" not implemented for 'Bool'
torch.zeros(2,3) @ 2
    TypeError: unsupported operand type(s) for @: 'Tensor' and 'int'
torch.mm(torch.zeros(2), torch.zeros(2))
    RuntimeError: self must be a matrix
torch.mm(torch.zeros(2,3), torch.zeros(2,3))
    RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)
torch.bmm(torch.zeros(2,3), torch.zeros(2,3))
    RuntimeError: batch1 must be a 3D tensor
torch.bmm(torch.zeros(2,3,4), torch.zeros(3,4,5))
    RuntimeError: Expected size for first two dimensions of batch2 tensor to be: [2, 4] but got: [3, 4].
torch.dot(torch.zeros(2), torch.zeros(3))
    RuntimeError: inconsistent tensor size, expected tensor [2] and src [3] to have the same number of elements,...
torch.zeros(1).expand(2**62) + 1
    RuntimeError: Storage size calculation overflowed with sizes=[4611686018427387904]
# reductions
torch.zeros(2,3).sum(2)
    IndexError: Dimension out of range (expected to be in range of [-2, 1], but got 2)
torch.zeros(2,3).sum((0,0))
    RuntimeError: dim 0 appears multiple times in the list of dims
torch.zeros(2,3,dtype=torch.int64).mean()
    RuntimeError: mean(): could not infer output dtype. Input dtype must be either a floating point or complex...
torch.zeros(0).max()
    RuntimeError: max(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim...
torch.zeros(0).argmax()
    IndexError: argmax(): Expected reduction dim to be specified for input.numel() == 0.
torch.zeros(0,3).max(0)
    IndexError: max(): Expected reduction dim 0 to have non-zero size.
torch.zeros(2,0).argmax(1)
    IndexError: argmax(): Expected reduction dim 1 to have non-zero size.
torch.zeros(2,3).argmax(5)
    IndexError: Dimension out of range (expected to be in range of [-2, 1], but got 5)
torch.zeros(0).min()
    RuntimeError: min(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim...
torch.zeros(2,3).amax((0,0))
    RuntimeError: dim 0 appears multiple times in the list of dims
torch.zeros(0).amax()
    RuntimeError: amax(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim...
torch.zeros(2,3).std(5)
    IndexError: Dimension out of range (expected to be in range of [-2, 1], but got 5)
torch.zeros(2,3).softmax(4)
    IndexError: Dimension out of range (expected to be in range of [-2, 1], but got 4)
torch.zeros(2,3).cumsum(2)
    IndexError: Dimension out of range (expected to be in range of [-2, 1], but got 2)
torch.zeros(2,3).topk(4)
    RuntimeError: selected index k out of range
torch.zeros(2,3).sort(7)
    IndexError: Dimension out of range (expected to be in range of [-2, 1], but got 7)
torch.zeros(2,3).norm(p='x')
    RuntimeError
# scalar overflow into integer dtypes
torch.zeros(3, dtype=torch.int64).fill_(nan)
    RuntimeError: value cannot be converted to type int64_t without overflow
torch.zeros(3, dtype=torch.uint8).fill_(300)
    RuntimeError: value cannot be converted to type uint8_t without overflow
torch.zeros(3, dtype=torch.float32).fill_(1e300)
    RuntimeError: value cannot be converted to type float without overflow
torch.zeros(3).fill_(torch.zeros(2))
    RuntimeError: fill_ only supports 0-dimension value tensor but got tensor with 1 dimensions.
torch.full((2,), 300, dtype=torch.uint8)
    RuntimeError: value cannot be converted to type uint8_t without overflow
torch.full((2,), 2**63)
    RuntimeError: value cannot be converted to type int64_t without overflow
torch.full((2,), 1e300)
    RuntimeError: value cannot be converted to type float without overflow
torch.full_like(torch.zeros(2, dtype=torch.uint8), 300)
    RuntimeError: value cannot be converted to type uint8_t without overflow
torch.zeros(3, dtype=torch.uint8).masked_fill(torch.tensor([True]*3), 300)
    RuntimeError: value cannot be converted to type uint8_t without overflow
torch.zeros(3, dtype=torch.uint8).__setitem__(slice(None), 300)
    RuntimeError: value cannot be converted to type uint8_t without overflow
torch.zeros(3, dtype=torch.int64).__setitem__(0, nan)
    RuntimeError: value cannot be converted to type int64_t without overflow
torch.zeros(3).__setitem__(0, 1e300)
    RuntimeError: value cannot be converted to type float without overflow
torch.zeros(3).__setitem__(0, None)
    TypeError: can't assign a NoneType to a torch.FloatTensor
torch.zeros(3).__setitem__('a', 1.0)
    TypeError: new(): invalid data type 'str'
torch.zeros(3).__setitem__(1.5, 1.0)
    IndexError: only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices...
torch.zeros(3).__setitem__(slice(None,None,-1), 1.0)
    ValueError: step must be greater than zero
torch.zeros(2,3).__setitem__((0,0,0), 1.0)
    IndexError: too many indices for tensor of dimension 2
torch.zeros(3).__setitem__(torch.tensor([True,False]), 1.0)
    IndexError: The shape of the mask [2] at index 0 does not match the shape of the indexed tensor [3] at index 0
torch.zeros(3).__setitem__(torch.tensor([True,False,True]), torch.zeros(3))
    RuntimeError: shape mismatch: value tensor of shape [3] cannot be broadcast to indexing result of shape [2]
torch.zeros(3).__setitem__(torch.tensor([-4]), torch.zeros(1))
    IndexError: index -4 is out of bounds for dimension 0 with size 3
torch.zeros(3, dtype=torch.int64) == 2**70
    OverflowError: int too big to convert
torch.zeros(3) * 10**400
    OverflowError
torch.zeros(3, dtype=torch.uint8).clamp(0, 300)
    RuntimeError: value cannot be converted to type uint8_t without overflow
torch.zeros(3).clamp(torch.zeros(2))
    RuntimeError: The size of tensor a (3) must match the size of tensor b (2) at non-singleton dimension 0
torch.arange(5, dtype=torch.bool)
    NotImplementedError: "arange_cpu" not implemented for 'Bool'
torch.randint(0, 300, (2,), dtype=torch.uint8)
    RuntimeError: to - 1 is out of bounds for unsigned char
torch.randint(-5, 3, (2,), dtype=torch.uint8)
    RuntimeError: from is out of bounds for unsigned char
torch.randint(0, 3, (2,), dtype=torch.bool)
    RuntimeError: to - 1 is out of bounds for bool
torch.randperm(300, dtype=torch.uint8)
    RuntimeError
torch.rand(2, dtype=torch.int64)
    NotImplementedError: "check_uniform_bounds" not implemented for 'Long'
torch.randn('a')
    TypeError: randn(): argument 'size' (position 1) must be tuple of ints, not str
torch.zeros(3, dtype=torch.int64).normal_()
    NotImplementedError: "normal_kernel_cpu" not implemented for 'Long'
torch.zeros(3).uniform_(1, 0)
    RuntimeError: uniform_ expects to return a [from, to) range, but found from=1 > to=0
torch.zeros(3).uniform_(0, inf)
    RuntimeError: to is out of bounds for float
torch.zeros(3).uniform_(nan, 1)
    RuntimeError: from is out of bounds for float
torch.zeros(3).normal_(0, -1)
    RuntimeError: normal expects std >= 0.0, but found std -1
torch.zeros(3).random_(5, 5)
    RuntimeError: random_ expects 'from' to be less than 'to', but got from=5 >= to=5
torch.zeros(3).bernoulli_(1.5)
    RuntimeError: bernoulli_ expects p to be in [0, 1], but got p=1.5
torch.zeros(3).exponential_(0)
    RuntimeError: exponential_ expects lambda > 0.0, but found lambda=0
torch.Generator().set_state(torch.zeros(3))
    TypeError: RNG state must be a torch.ByteTensor
torch.Generator().set_state(torch.zeros(3, dtype=torch.uint8))
    RuntimeError: Expected a CPUGeneratorImplState of size 5056 but found the input RNG state size to be 3
torch.Generator().set_state(torch.zeros(5056, dtype=torch.uint8))
    RuntimeError: Invalid mt19937 state
torch.set_rng_state(torch.zeros(5056, dtype=torch.uint8))
    RuntimeError: Invalid mt19937 state
torch.set_num_threads(0)
    RuntimeError: set_num_threads expects a positive integer
torch.set_num_threads(-1)
    RuntimeError: set_num_threads expects a positive integer
torch.set_default_dtype(torch.int64)
    TypeError: only floating-point types are supported as the default type
torch.set_default_dtype('a')
    TypeError: invalid dtype object: only floating-point types are supported as the default type
torch.device('a')
    RuntimeError: Expected one of cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla,...
torch.finfo(torch.int64)
    TypeError: torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'
torch.iinfo(torch.float32)
    TypeError: torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'
# tensors without elements
torch.zeros(0)[0]
    IndexError: index 0 is out of bounds for dimension 0 with size 0
torch.zeros(0)[torch.tensor([0])]
    IndexError
torch.zeros(0).topk(1)
    RuntimeError: selected index k out of range
torch.zeros(0,3).argmin(0)
    IndexError: argmin(): Expected reduction dim 0 to have non-zero size.
"""
