"""Bad input: functions that make tensors."""

CASES = r"""
# creation and sizes
torch.empty(2**32, 2**32)
    RuntimeError: Storage size calculation overflowed with sizes=[4294967296, 4294967296]
torch.zeros(2**62)
    RuntimeError: Storage size calculation overflowed with sizes=[4611686018427387904]
torch.full((2**32, 2**32), 1.0)
    RuntimeError: Storage size calculation overflowed with sizes=[4294967296, 4294967296]
torch.zeros(-1)
    RuntimeError: zeros: Dimension size must be non-negative.
torch.zeros(2, -3)
    RuntimeError: zeros: Dimension size must be non-negative.
torch.empty(0, -1)
    RuntimeError: Trying to create tensor with negative dimension -1: [0, -1]
torch.empty(-1, 0)
    RuntimeError: Trying to create tensor with negative dimension -1: [-1, 0]
torch.zeros(0, 2**62, 2**62)
    RuntimeError
torch.zeros(1.5)
    TypeError: zeros(): argument 'size' (position 1) must be tuple of ints, not float
torch.zeros('a')
    TypeError: zeros(): argument 'size' (position 1) must be tuple of ints, not str
torch.zeros((2, 'a'))
    TypeError: zeros(): argument 'size' failed to unpack the object at pos 2 with error "type must be tuple of...
torch.zeros(None)
    TypeError: zeros(): argument 'size' (position 1) must be tuple of ints, not NoneType
torch.zeros(2, dtype='float32')
    TypeError: zeros(): argument 'dtype' must be torch.dtype, not str
torch.zeros(2, device='cuda')
    AssertionError: Torch not compiled with CUDA enabled
torch.zeros(2, device='nonsense')
    RuntimeError: Expected one of cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla,...
torch.zeros(2, nonsense=1)
    TypeError: zeros() got an unexpected keyword argument 'nonsense'
torch.full((2,), 'a')
    TypeError: full(): argument 'fill_value' (position 2) must be Number, not str
torch.full((-2,), 1)
    RuntimeError: Trying to create tensor with negative dimension -2: [-2]
torch.arange(2**62)
    RuntimeError: Storage size calculation overflowed with sizes=[4611686018427387904]
torch.arange(0, 1, 0)
    RuntimeError: step must be nonzero
torch.arange(0, 1, -1)
    RuntimeError: upper bound and lower bound inconsistent with step sign
torch.arange(0, inf)
    RuntimeError: unsupported range: 0 -> inf
torch.arange(0, nan)
    RuntimeError: unsupported range: 0 -> nan
torch.arange(nan, 1)
    RuntimeError: unsupported range: nan -> 1
torch.arange(0, 1e30)
    RuntimeError
torch.arange('a')
    TypeError: arange(): argument 'end' (position 1) must be Number, not str
torch.linspace(0, 1, -1)
    RuntimeError: number of steps must be non-negative
torch.linspace(0, 1, 2**62)
    RuntimeError: Storage size calculation overflowed with sizes=[4611686018427387904]
torch.eye(-1)
    RuntimeError: n must be greater or equal to 0, got -1
torch.rand(2**62)
    RuntimeError: Storage size calculation overflowed with sizes=[4611686018427387904]
torch.rand(-1)
    RuntimeError: Trying to create tensor with negative dimension -1: [-1]
torch.randint(0, 0, (2,))
    RuntimeError: random_ expects 'from' to be less than 'to', but got from=0 >= to=0
torch.randint(5, 2, (2,))
    RuntimeError: random_ expects 'from' to be less than 'to', but got from=5 >= to=2
torch.randint(0, 5, (-2,))
    RuntimeError: Trying to create tensor with negative dimension -2: [-2]
torch.randperm(-1)
    RuntimeError: Trying to create tensor with negative dimension -1: [-1]
torch.randperm(2**62)
    RuntimeError: Storage size calculation overflowed with sizes=[4611686018427387904]
torch.randperm(1.5)
    TypeError: randperm(): argument 'n' (position 1) must be int, not float
torch.manual_seed('a')
    ValueError: invalid literal for int() with base 10: 'a'
torch.manual_seed(2**64)
    ValueError: Overflow when unpacking long long
torch.manual_seed(-2**63-1)
    ValueError: Overflow when unpacking long long
torch.normal(0.0, -1.0, (2,))
    RuntimeError: normal expects std >= 0.0, but found std -1
torch.bernoulli(torch.tensor([1.5]))
    RuntimeError
torch.multinomial(torch.tensor([1.0, -1.0]), 1)
    RuntimeError: probability tensor contains either `inf`, `nan` or element < 0
torch.multinomial(torch.tensor([0.0, 0.0]), 1)
    RuntimeError: invalid multinomial distribution (sum of probabilities <= 0)
torch.multinomial(torch.tensor([1.0, 1.0]), 3)
    RuntimeError: cannot sample n_sample > prob_dist.size(-1) samples without replacement
torch.empty_strided((2,2), (1,))
    RuntimeError
torch.zeros(3).new_zeros(-1)
    RuntimeError: Trying to create tensor with negative dimension -1: [-1]
torch.Tensor('a')
    TypeError: new(): invalid data type 'str'
torch.Tensor(2, -1)
    RuntimeError: Trying to create tensor with negative dimension -1: [2, -1]
torch.Tensor([[1],[2,3]])
    ValueError: expected sequence of length 1 at dim 1 (got 2)
# tensor()
torch.tensor('abc')
    TypeError: new(): invalid data type 'str'
torch.tensor(['a', 'b'])
    ValueError: too many dimensions 'str'
torch.tensor([[1,2],[3]])
    ValueError: expected sequence of length 2 at dim 1 (got 1)
torch.tensor([1,[2]])
    TypeError: 'list' object cannot be interpreted as an integer
torch.tensor([[1],2])
    TypeError: not a sequence
torch.tensor([None])
    RuntimeError: Could not infer dtype of NoneType
torch.tensor(None)
    RuntimeError: Could not infer dtype of NoneType
torch.tensor(object())
    RuntimeError: Could not infer dtype of object
torch.tensor([object()])
    RuntimeError: Could not infer dtype of object
torch.tensor({})
    RuntimeError: Could not infer dtype of dict
torch.tensor({1,2})
    RuntimeError: Could not infer dtype of set
torch.tensor(2**63)
    ValueError: Overflow when unpacking long long
torch.tensor(-2**63-1)
    ValueError: Overflow when unpacking long long
torch.tensor([2**64])
    ValueError: Overflow when unpacking long long
torch.tensor(10**400)
    ValueError: Overflow when unpacking long long
torch.tensor([300], dtype=torch.uint8)
    RuntimeError: value cannot be converted to type uint8 without overflow
torch.tensor([nan], dtype=torch.int64)
    RuntimeError: value cannot be converted to type int64 without overflow
torch.tensor(np.array([1,2], dtype='>i4'))
    ValueError: given numpy array has byte order different from the native byte order. Conversion between byte...
torch.tensor([torch.zeros(2), torch.zeros(2)])
    ValueError: only one element tensors can be converted to Python scalars
torch.tensor((x for x in [1,2]))
    RuntimeError: Could not infer dtype of generator
torch.tensor([1], requires_grad=True)
    RuntimeError: Only Tensors of floating point and complex dtype can require gradients
torch.tensor([1.0], dtype='x')
    TypeError: tensor(): argument 'dtype' must be torch.dtype, not str
torch.from_numpy([1,2])
    TypeError: expected np.ndarray (got list)
torch.from_numpy(np.zeros(2, dtype='>f4'))
    ValueError: given numpy array has byte order different from the native byte order. Conversion between byte...
torch.from_numpy(np.zeros(4)[::-1])
    ValueError: At least one stride in the given numpy array is negative, and tensors with negative strides are not...
torch.as_tensor([[1],[2,3]])
    ValueError: expected sequence of length 1 at dim 1 (got 2)
torch.as_tensor('a')
    TypeError: new(): invalid data type 'str'
torch.frombuffer(b'', dtype=torch.float32)
    ValueError: both buffer length (0) and count (-1) must not be 0
torch.frombuffer(bytearray(5), dtype=torch.float32)
    ValueError: buffer length (5 bytes) after offset (0 bytes) must be a multiple of element size (4)
torch.frombuffer(bytearray(8), dtype=torch.float32, count=3)
    ValueError: requested buffer length (3 * 4 bytes) after offset (0 bytes) must not be greater than actual buffer...
torch.frombuffer(bytearray(8), dtype=torch.float32, offset=9)
    ValueError: offset (9 bytes) must be non-negative and no greater than buffer length (8 bytes) minus 1
torch.frombuffer(bytearray(8), dtype=torch.float32, count=0)
    ValueError: both buffer length (8) and count (0) must not be 0
"""
