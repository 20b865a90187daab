"""Bad input: linear algebra, creation, devices, random numbers."""

CASES = r"""
# linear algebra
torch.linalg.inv(torch.zeros(2))
    RuntimeError: linalg.inv: The input tensor A must have at least 2 dimensions.
torch.linalg.inv(torch.zeros(2,2).int())
    RuntimeError: linalg.inv: Expected a floating point or complex tensor as input. Got Int
torch.linalg.inv(torch.zeros(2,3))
    RuntimeError: linalg.inv: A must be batches of square matrices, but they are 2 by 3 matrices
torch.linalg.qr(torch.zeros(2,2), mode="full")
    RuntimeError: qr received unrecognized mode 'full' but expected one of 'reduced' (default), 'r', or 'complete'
torch.linalg.qr(torch.ones(2,2,requires_grad=True), mode="r")[1].sum().backward()
    RuntimeError: The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use...
torch.linalg.qr(torch.ones(3,2,requires_grad=True), mode="complete")[1].sum().backward()
    RuntimeError: The QR decomposition is not differentiable when mode='complete' and nrows > ncols
torch.linalg.eigh(torch.zeros(2,2), UPLO="X")
    RuntimeError: Expected UPLO argument to be 'L' or 'U', but got X
torch.linalg.lu_factor(torch.zeros(2,2), pivot=False)
    RuntimeError: linalg.lu_factor: LU without pivoting is not implemented on the CPU
torch.linalg.householder_product(torch.zeros(2,3), torch.zeros(2))
    RuntimeError: torch.linalg.householder_product: input.shape[-2] must be greater than or equal to input.shape[-1]
torch.linalg.vector_norm(torch.zeros(2).int())
    RuntimeError: linalg.vector_norm: Expected a floating point or complex tensor as input. Got Int
torch.linalg.vector_norm(torch.zeros(0), -1)
    RuntimeError: linalg.vector_norm cannot compute the -1 norm on an empty tensor because the operation does not...
torch.linalg.matrix_norm(torch.zeros(2,2), dim=(0,))
    RuntimeError: linalg.matrix_norm: dim must be a 2-tuple. Got...
torch.linalg.matrix_norm(torch.zeros(2,2), dim=(0,0))
    RuntimeError: linalg.matrix_norm: dims must be different. Got (0, 0)
torch.linalg.matrix_norm(torch.zeros(2,2), 3)
    RuntimeError: linalg.matrix_norm: Order 3 not supported.
torch.linalg.norm(torch.zeros(2,2,2), 2)
    RuntimeError: linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got 3D.
torch.linalg.solve(torch.eye(2), torch.zeros(3))
    RuntimeError: linalg.solve: Incompatible shapes of A and B for the equation AX = B (2x2 and 3x1)
torch.linalg.solve_triangular(torch.eye(2), torch.zeros(3,2), upper=True)
    RuntimeError: linalg.solve_triangular: Incompatible shapes of A and B for the equation AX = B (2x2 and 3x2)
torch.linalg.lstsq(torch.zeros(2,2), torch.zeros(3))
    RuntimeError: torch.linalg.lstsq: input.size(-2) should match other.size(-1)
torch.linalg.lstsq(torch.zeros(2,2), torch.zeros(2,2), driver="fast")
    RuntimeError: torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)...
torch.linalg.tensorinv(torch.zeros(2,2), 0)
    RuntimeError: Expected a strictly positive integer for 'ind'
torch.linalg.tensorinv(torch.zeros(2,3), 1)
    RuntimeError: Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but...
torch.linalg.tensorsolve(torch.zeros(2,3), torch.zeros(2))
    RuntimeError: Expected self to satisfy the requirement prod(self.shape[other.ndim:]) ==...
# creation and numbers
torch.zeros(2, layout="strided")
    TypeError: zeros(): argument 'layout' must be torch.layout...
torch.zeros(2, out=1)
    TypeError: zeros(): argument 'out' must be Tensor, not int
torch.zeros(2, size=(2,))
    TypeError: zeros() got multiple values for argument 'size'
torch.asarray(np.zeros(2), dtype=torch.float32, copy=False)
    ValueError: can't alias tensor with dtype '...
torch.asarray(torch.zeros(2), dtype=torch.float64, copy=False)
    ValueError: can't alias tensor with dtype '...
torch.device("cpu:x")
    RuntimeError: Invalid device string: 'cpu:x'
torch.set_default_tensor_type(torch.IntTensor)
    TypeError: only floating-point types are supported as the default type
torch.zeros(2).pin_memory()
    RuntimeError: Cannot access accelerator device when none is available.
torch.numel(1)
    TypeError: numel(): argument 'input' (position 1) must be Tensor, not int
torch.zeros(()).size(0)
    IndexError: Dimension specified as 0 but tensor has no dimensions
torch.zeros(2,2,2).H
    RuntimeError: tensor.H is only supported on matrices (2-D tensors). Got 3-D tensor.
torch.zeros(2).mT
    RuntimeError: tensor.mT is only supported on matrices or batches of matrices. Got 1-D tensor.
torch.zeros(2, requires_grad=True).map_(torch.zeros(2), lambda a, b: a)
    RuntimeError: Can't call map_() on Variable that requires grad. Use var.detach().map_() instead.
torch.autograd.Variable(1)
    TypeError: Variable data has to be a tensor, but got int
torch.cuda.nothing
    AttributeError: module 'torch.cuda' has no attribute 'nothing'
torch.autograd.nothing
    AttributeError: module 'torch.autograd' has no attribute 'nothing'
torch.utils.nothing
    AttributeError: module 'torch.utils' has no attribute 'nothing'
torch.autograd.functional.hvp(lambda x: x, torch.zeros(2), torch.zeros(2))
    RuntimeError: The Tensor returned by the function given to hvp should contain a single element
torch.func.stack_module_state([nn.Linear(1,1), nn.Linear(1,1).requires_grad_(False)])
    RuntimeError: Expected weight from each model to have the same .requires_grad
torch.set_num_threads("2")
    RuntimeError: set_num_threads expects an int, but got str
torch.set_num_interop_threads(0)
    RuntimeError: set_num_interop_threads expects a positive integer
torch.set_num_interop_threads("2")
    RuntimeError: set_num_interop_threads expects an int, but got str
torch.zeros(2, pin_memory=True)
    RuntimeError: pin_memory=True requires a CUDA or other accelerator backend; no pinned memory allocator...
torch.tensor([1, torch.zeros(2)])
    ValueError: only one element tensors can be converted to Python scalars
torch.tensor([[1], np.array(2)])
    TypeError: not a sequence
torch.set_grad_enabled("yes")
    TypeError: set_grad_enabled(): argument 'enabled' (position 1) must be bool, not str
torch.autograd.set_detect_anomaly(1)
    TypeError: set_anomaly_enabled(): argument 'enabled'...
torch.set_anomaly_enabled(True, 1)
    TypeError: set_anomaly_enabled(): argument 'check_nan'...
torch.linalg.norm(torch.zeros(2,2,2), 2, dim=(0,1,2))
    RuntimeError: linalg.norm: If dim is specified, it must be of length 1 or 2. Got [0, 1, 2]
torch.linalg.norm(torch.zeros(2,2,2), "fro")
    RuntimeError: linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got 3D
torch.cholesky_solve(torch.zeros(2,2), torch.zeros(3,3))
    RuntimeError: Incompatible matrix sizes for cholesky_solve: each A matrix...
torch.einsum(torch.zeros(2), [60])
    ValueError: einsum(): subscript in subscript list is not within the valid range [0, 52)
torch.einsum(torch.zeros(2), [-1])
    ValueError: einsum(): subscript in subscript list is not within the valid range [0, 52)
torch.is_complex(1)
    TypeError: is_complex(): argument 'input' (position 1) must be Tensor, not int
torch.is_conj(1)
    TypeError: is_conj(): argument 'input' (position 1) must be Tensor, not int
torch.cuda.set_device("cpu")
    ValueError: Expected a cuda device, but got: cpu
torch.amp.custom_fwd(device_type=3)
    ValueError: Expected `device_type` of type `str`, got: `<class 'int'>`
torch.autocast(1)
    ValueError: Expected `device_type` of type `str`, got: `<class 'int'>`
# random numbers
torch.multinomial(torch.tensor([-1.0,1]), 2, True)
    RuntimeError: invalid multinomial distribution (encountering probability entry < 0)
torch.multinomial(torch.tensor([-1.0,1]), 1, True)
    RuntimeError: probability tensor contains either `inf`, `nan` or element < 0
torch.zeros(2).uniform_(-3e38, 3e38)
    RuntimeError: uniform_ expects to-from <= std::numeric_limits<...
torch.rand_like(1)
    TypeError: rand_like(): argument 'input' (position 1) must be Tensor, not int
torch.randint(1,2,3,(2,))
    TypeError: randint() received an invalid combination of arguments...
torch.randint(0.5, (2,))
    TypeError: randint(): argument 'high'...
torch.randperm(3, dtype=torch.bool)
    NotImplementedError: "randperm" not implemented for 'Bool'
torch.zeros(2).bool().geometric_(0.5)
    NotImplementedError: "geometric_cpu" not implemented for 'Bool'
torch.multinomial(1, 1)
    TypeError: multinomial(): argument 'input' (position 1) must be Tensor, not int
torch.multinomial(torch.ones(2**24+1), 1)
    RuntimeError: number of categories cannot exceed 2^24
torch.multinomial(torch.ones(2), 1, out=torch.zeros(1))
    RuntimeError: multinomial expects Long tensor out, got: Float
torch.poisson(1)
    TypeError: poisson(): argument 'input' (position 1) must be Tensor, not int
"""
