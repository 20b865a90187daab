"""Bad input: what PyTorch accepts, refuses with another exception, or does not explain."""

CASES = r"""
# memory and sizes
torch.zeros(2**50)
    MemoryError: no memory for a tensor of shape [1125899906842624] (4503599627370496 bytes)
torch.full((2**46,), 1.0)
    MemoryError: no memory for a tensor of shape
torch.zeros(2**62, dtype=torch.uint8)
    MemoryError: no memory for a tensor of shape
torch.randn(2**46)
    MemoryError: no memory for a tensor of shape
torch.zeros(1).expand(2**46) + 1
    MemoryError: no memory for a tensor of shape
torch.zeros(1, 1).expand(2**46, 1).clone()
    MemoryError: no memory for a tensor of shape
nn.Conv2d(1, 1, 2**24)
    MemoryError: no memory for a tensor of shape
torch.zeros(0, 2**62, 2**62)
    RuntimeError: Storage size calculation overflowed with sizes=[0, 4611686018427387904, 4611686018427387904]
torch.zeros(*[1] * 65)
    RuntimeError: zeros(): a tensor has at most 64 dimensions, but got 65
torch.zeros(*[1] * 64).unsqueeze(0)
    RuntimeError: a tensor has at most 64 dimensions, but got 65
torch.zeros(1).expand(2**62)
    RuntimeError: Storage size calculation overflowed with sizes=[4611686018427387904]
F.conv2d(torch.zeros(1, 1, 5, 5), torch.zeros(1, 1, 3, 3), stride=2**62)
    RuntimeError: conv2d(): stride=4611686018427387904 is too large: sizes are computed in 64 bits
F.max_pool2d(torch.zeros(1, 1, 5, 5), 2**62)
    RuntimeError: max_pool2d(): kernel_size=4611686018427387904 is too large: sizes are computed in 64 bits
F.pad(torch.zeros(2, 3), (2**62, 2**62))
    RuntimeError: pad(): pad=4611686018427387904 is too large: sizes are computed in 64 bits
torch.zeros(3, dtype=torch.int64) == 2**70
    OverflowError: int too big to convert
torch.from_numpy(np.zeros(2, np.uint16))
    TypeError: can't convert np.ndarray of type uint16. The only supported types are: float64, float32, float16, int64,
torch.tensor(np.zeros(2, np.complex64))
    TypeError: can't convert np.ndarray of type complex64.
torch.tensor([1j])
    NotImplementedError: complex tensors are not implemented
torch.tensor([[], [1]])
    ValueError: expected sequence of length 0 at dim 1 (got 1)
# where PyTorch says less, or accepts it
F.conv2d(torch.zeros(1,2,5,5), torch.zeros(2,2,3,3).double())
    RuntimeError: Input type (torch.FloatTensor) and weight type (torch.DoubleTensor) should be the same
F.fractional_max_pool2d(torch.zeros(1,1,5,5), 0, output_size=2, _random_samples=torch.zeros(1,1,2))
    RuntimeError: fractional_max_pool2d: kernel_size must be greater than zero, but got [0, 0]
F.scaled_dot_product_attention(torch.zeros(2,3), torch.zeros(2,3), torch.zeros(2,3), torch.zeros(2,2), is_causal=True)
    RuntimeError: scaled_dot_product_attention: attn_mask must be None where is_causal is set
F.scaled_dot_product_attention(torch.zeros(2,3).long(), torch.zeros(2,3).long(), torch.zeros(2,3).long())
    RuntimeError: expected scalar type Float but found Long
F.embedding_bag(torch.tensor([0,1,2]), torch.zeros(3,2), torch.tensor([0,2,1]))
    RuntimeError: embedding_bag: offsets must not decrease
F.bilinear(torch.zeros(2,3), torch.zeros(2,3), torch.zeros(4,3))
    RuntimeError: bilinear(): weight must have 3 dimensions, but has 2
torch.pow("2", torch.zeros(2))
    TypeError: pow(): argument 'input' must be Tensor or Number, not str
torch.linalg.inv(torch.zeros(2,2))
    LinAlgError: linalg.inv: The diagonal element is zero, the inversion could not be completed because the...
torch.linalg.solve(torch.zeros(2,2), torch.zeros(2))
    LinAlgError: torch.linalg.solve: The solver failed because the input matrix is singular.
torch.linalg.cholesky(torch.zeros(2,2))
    LinAlgError: linalg.cholesky: The factorization could not be completed because the input is not...
torch.gradient(torch.zeros(3), spacing=(torch.zeros(2),))
    RuntimeError: torch.gradient expected each tensor in spacing to have one coordinate a sample, but got [2]...
torch.histc(torch.tensor([inf]))
    RuntimeError: torch.histc: range of [inf, inf] is not finite
torch.prod(torch.zeros(2,2), (0,1))
    TypeError: prod(): argument 'dim' (position 2) must be int, not tuple
torch.zeros(2).expand(-2, 2)
    RuntimeError: The expanded size of the tensor (-2) isn't allowed: sizes are not negative
torch.zeros(2).reshape("a")
    TypeError: reshape(): sizes must be ints, but got (str)
torch.gather(torch.zeros(2), 0, torch.tensor([0]), sparse_grad=True)
    NotImplementedError: gather: sparse_grad=True needs sparse tensors, which do not exist here
torch.linalg.lu(torch.zeros(2,2), pivot=False)
    RuntimeError: linalg.lu: LU without pivoting is not implemented on the CPU
torch.linalg.vander(torch.zeros(2), N=1)
    RuntimeError: N must be greater than 1, got 1.
torch.linalg.solve(torch.zeros(2,2), torch.zeros(2), left=False)
    RuntimeError: linalg.solve: Vector broadcasting of the left hand side is not supported for left=False.
torch.device(1.5)
    TypeError: device(): argument 'type' (position 1) must be str, not float
torch.arange()
    TypeError: arange() missing 1 required positional arguments: "end"
torch.arange(1,2,3,4)
    TypeError: arange() takes from 1 to 3 positional arguments but 4 were given
torch.linspace(0,1,2.5)
    TypeError: linspace(): argument 'steps' must be int, not float
torch.eye(2.5)
    TypeError: eye(): argument 'n' must be int, not float
torch.hann_window(3, 1)
    TypeError: hann_window(): argument 'periodic' (position 2) must be bool, not int
torch.set_default_tensor_type("torch.NoTensor")
    TypeError: invalid type object: 'torch.NoTensor'
torch.zeros(2).type("torch.cuda.FloatTensor")
    TypeError: type torch.cuda.FloatTensor not available. Torch not compiled with CUDA enabled.
torch.zeros(2).is_contiguous(memory_format=torch.preserve_format)
    RuntimeError: is_contiguous(): preserve memory format is unsupported by the contiguous operator
torch.zeros(2).set_(1)
    TypeError: set_(): argument 'source' (position 1) must be Tensor, not int
torch.randint(high=3)
    TypeError: randint() missing 2 required positional arguments: "high", "size"
torch.randint(size=(2,))
    TypeError: randint() missing 1 required positional arguments: "high"
torch.normal(1.0, 2.0)
    TypeError: normal() needs a tensor as mean or std, or a size
torch.rand(2, generator=1)
    TypeError: argument 'generator' must be torch.Generator, not int
torch.zeros(2).random_(1,2,3)
    TypeError: random_() takes from 0 to 2 positional arguments but 3 were given
nn.Module().get_extra_state()
    RuntimeError: Module.get_extra_state() should never be called: no subclass has overridden it.
nn.Module().set_extra_state(1)
    RuntimeError: Module.set_extra_state() should never be called: no subclass has overridden it.
nn.Unflatten("N", (2,2))
    TypeError: dim must be an int (dimensions have no names here), but found type str
nn.ParameterDict({})()
    RuntimeError: ParameterDict should not be called.
nn.parallel.replicate(nn.Linear(1,1), [0])
    NotImplementedError: replicate: there are no devices here to spread work over; the CPU's threads share each...
nn.parallel.parallel_apply([nn.Linear(1,1)], [torch.zeros(1,1)])
    NotImplementedError: parallel_apply: there are no devices here to spread work over; the CPU's threads share each...
nn.utils.prune.L1Unstructured(1).apply_mask(nn.Linear(1,1))
    AssertionError: Module Linear(in_features=1, out_features=1, bias=True) has to be pruned
nn.utils.prune.L1Unstructured(1).remove(nn.Linear(1,1))
    AssertionError: Module Linear(in_features=1, out_features=1, bias=True) has to be pruned before pruning can be...
torch.rnn_tanh(torch.zeros(1))
    TypeError: rnn_tanh() takes 9 arguments, of padded or of packed input, but 1 were given
torch.binary_cross_entropy_with_logits(torch.zeros(2), torch.zeros(2), None, None, 5)
    ValueError: 5 is not a valid value for reduction
F.ctc_loss(torch.zeros(2,1,3), torch.zeros(1,1).long(), 1, torch.ones(1).long())
    TypeError: ctc_loss(): argument 'input_lengths' must be Tensor or tuple of ints, not int
F.batch_norm(torch.zeros(1,2,3), torch.zeros(2,1), torch.zeros(2))
    RuntimeError: running_mean should have 1 dimension, but has shape [2, 1]
F.interpolate(torch.zeros(1,1,2,2), 2, mode="bilinear", align_corners=1)
    TypeError: upsample_bilinear2d(): argument 'align_corners' must be bool, not int
F.interpolate(torch.zeros(1,1,2,2), scale_factor="2")
    TypeError: upsample_nearest2d(): argument 'scale_factors' must be tuple of floats, but found element of...
models.get_model_weights(print)
    ValueError: The model print has no enum of weights.
models.resnet18(False, False, False)
    TypeError: resnet18() takes at most 2 positional arguments (3 given)
nn.modules.batchnorm._BatchNorm(2)(torch.zeros(2,2))
    NotImplementedError: a subclass has to define _check_input_dim(), and _BatchNorm does not
torch.autograd.grad(torch.zeros(()), torch.zeros(2), is_grads_batched=True)
    NotImplementedError: autograd.grad: is_grads_batched=True needs vmap, which does not exist here
torch.linalg.eig(torch.zeros(2,2))
    NotImplementedError: linalg.eig: eigenvalues of general matrices are complex numbers, which do not exist here
torch.jit.CompilationUnit("def f(x): return x")
    NotImplementedError: CompilationUnit: source code of TorchScript cannot be compiled here
F.embedding(torch.tensor([0]), torch.zeros(3,2,requires_grad=True), sparse=True)
    NotImplementedError: embedding: sparse=True needs sparse gradients, which do not exist here
F.max_pool2d(torch.zeros(1,1,1).expand(1,50000,50000), 2)
    NotImplementedError: max pooling of planes of more than 2^31 - 1 cells: [1, 50000, 50000]
torchvision.io.encode_png(torch.zeros(4,4,dtype=torch.uint8))
    RuntimeError: Input data should be a 3-dimensional tensor
models._api.register_model("resnet18")(print)
    ValueError: An entry is already registered under the name 'resnet18'.
v2.MixUp(num_classes=2)(torch.zeros(2,3,4,4), 1)
    ValueError: When using the default labels_getter, the input passed to forward must be a dictionary or a two-tuple
v2.MixUp(num_classes=2)({"image": torch.zeros(2,3,4,4)})
    ValueError: Could not infer where the labels are in the sample.
torch.atleast_1d(1)
    TypeError: atleast_1d(): expected tensors, or one list of them, but got int
F.pad(torch.zeros(1,1,2,2), (-3,1,0,0), mode="circular")
    RuntimeError: Negative padding value is resulting in an empty dimension
torch.zeros(2, requires_grad=True).unsqueeze_(0)
    NotImplementedError: unsqueeze_ of a tensor that requires grad is not implemented
torch.rnn_tanh(torch.zeros(2,2,2), torch.zeros(1,2,2), [], True, 1, 0.0, False, False, False)
    RuntimeError: rnn_tanh: 0 weights are not those of 1 layers and directions
torch.autocast("mkldnn")
    RuntimeError: User specified an unsupported autocast device_type 'mkldnn'
F.pad(torch.zeros(2, 3), (2**50, 0))
    RuntimeError: Storage size calculation overflowed with sizes=[2, 1125899906842627]
torch.zeros(3, 3)[[[0, 1], [1]], 0]
    ValueError: expected sequence of equal length in an index
torch.zeros(2).masked_fill(torch.tensor([True, False]), "a")
    TypeError: masked_fill(): argument 'value' (position 3) must be Tensor or Number, not str
torch.addr(torch.zeros(2, 2), torch.zeros(2, 1), torch.zeros(2))
    RuntimeError: addr: Expected 1-D argument vec1 and vec2, but got 2-D and 1-D
torch.cholesky_inverse(torch.stack([torch.eye(2), torch.zeros(2, 2)]))
    LinAlgError: cholesky_inverse: (Batch element 1): The diagonal element 1 is zero, the inversion could not be...
"""
