"""Bad input: operations on tensors."""

CASES = r"""
# arithmetic and comparison
torch.add(torch.zeros(2), torch.zeros(3), alpha=2)
    RuntimeError: The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0
torch.add(torch.zeros(2), 1, alpha=True)
    RuntimeError: Boolean alpha only supported for Boolean results.
torch.div(torch.tensor([True]), torch.tensor([True]), rounding_mode="floor")
    NotImplementedError: "div_floor_cpu" not implemented for 'Bool'
torch.div(torch.tensor([1,2]), torch.tensor([1,2,3]), rounding_mode="trunc")
    RuntimeError: The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0
torch.remainder(torch.tensor([True]), torch.tensor([True]))
    NotImplementedError: "remainder_cpu" not implemented for 'Bool'
torch.pow(torch.tensor([True]), torch.tensor([True]))
    NotImplementedError: "pow" not implemented for 'Bool'
torch.pow(torch.tensor([1,2]), torch.tensor([1,2,3]))
    RuntimeError: The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0
torch.bitwise_left_shift(torch.zeros(2).int(), torch.zeros(3).int())
    RuntimeError: The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0
torch.gcd(torch.zeros(2), torch.zeros(2))
    NotImplementedError: "gcd_cpu" not implemented for 'Float'
torch.hypot(torch.zeros(2).int(), torch.zeros(2).int())
    NotImplementedError: "hypot_cpu" not implemented for 'Int'
torch.hypot(torch.zeros(2), torch.zeros(3))
    RuntimeError: The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0
torch.nextafter(torch.zeros(2).int(), torch.zeros(2).int())
    NotImplementedError: "nextafter_cpu" not implemented for 'Int'
torch.heaviside(torch.zeros(2), torch.zeros(2).int())
    RuntimeError: heaviside is not yet implemented for tensors with different dtypes.
torch.igamma(torch.ones(2, requires_grad=True), torch.ones(2)).sum().backward()
    NotImplementedError: the derivative for 'igamma: input' is not implemented.
torch.frexp(torch.tensor([1]))
    RuntimeError: torch.frexp() only supports floating-point dtypes
torch.isin(1, 1)
    TypeError: isin() received an invalid combination of arguments
# einsum and products
torch.tensordot(torch.zeros(2), torch.zeros(2), 2)
    RuntimeError: tensordot expects dims < ndim_a or ndim_b, but got dims=2
torch.linalg.cross(torch.zeros(3), torch.zeros(2,3))
    RuntimeError: linalg.cross: inputs must have the same number of dimensions.
torch.cov(torch.zeros(2,2), fweights=torch.zeros(2,2).int())
    RuntimeError: cov(): expected fweights to have one or fewer dimensions but got fweights with 2 dimensions
torch.cov(torch.zeros(2,2), fweights=torch.tensor([-1,1]))
    RuntimeError: cov(): fweights cannot be negative
torch.mv(torch.zeros(2), torch.zeros(2))
    RuntimeError: vector + matrix @ vector expected, got 1, 1, 1
torch.trace(torch.zeros(2))
    RuntimeError: trace: expected a matrix, but got tensor with dim 1
torch.diag_embed(torch.zeros(2), 0, 0, 0)
    RuntimeError: diagonal dimensions cannot be identical 0, 0
torch.tril_indices(-1, 2)
    RuntimeError: row must be non-negative, got-1
torch.block_diag(torch.zeros(2,2,2))
    RuntimeError: torch.block_diag: Input tensors must have 2 or fewer dimensions. Input 0 has 3 dimensions
torch.cartesian_prod(torch.zeros(2,2))
    RuntimeError: Expect a 1D vector, but got shape [2, 2]
torch.combinations(torch.zeros(2,2))
    RuntimeError: Expect a 1D vector, but got shape [2, 2]
torch.combinations(torch.zeros(2), -1)
    RuntimeError: Expect a non-negative number, but got -1
torch.vander(torch.zeros(2,2))
    RuntimeError: x must be a one-dimensional tensor.
torch.vander(torch.zeros(2), -1)
    RuntimeError: N must be non-negative.
torch.ormqr(torch.zeros(2), torch.zeros(2), torch.zeros(2,2))
    RuntimeError: torch.ormqr: input must have at least 2 dimensions.
torch.ormqr(torch.zeros(2,2), torch.zeros(2), torch.zeros(3,3))
    RuntimeError: torch.ormqr: other.shape[-2] must be equal to input.shape[-2]...
torch.ormqr(torch.zeros(2,2), torch.zeros(3), torch.zeros(2,2))
    RuntimeError: torch.ormqr: tau.shape[-1] must be equal to min(other.shape[-2], input.shape[-1])
torch.renorm(torch.zeros(2,2), -1, 0, 1)
    RuntimeError: renorm: non-positive-norm not supported
torch.renorm(torch.zeros(2,2), 1, 0, -1)
    RuntimeError: renorm: expected maxnorm to be >= 0 but got -1
torch.renorm(torch.zeros(2), 1, 0, 1)
    RuntimeError: renorm: input needs at least 2 dimensions, got 1 dimensions
# sequences, differences, search
torch.diff(torch.tensor(1.0))
    RuntimeError: diff expects input to be at least one-dimensional
torch.diff(torch.zeros(2), -1)
    RuntimeError: order must be non-negative but got -1
torch.diff(torch.zeros(2), prepend=torch.zeros(1,1))
    RuntimeError: diff expects prepend or append to be the same dimension as input
torch.trapezoid(torch.zeros(3), torch.zeros(2))
    RuntimeError: trapezoid: There must be one `x` value for each sample point
torch.gradient(torch.zeros(3), edge_order=3)
    RuntimeError: torch.gradient only supports edge_order=1 and edge_order=2.
torch.gradient(torch.zeros(1))
    RuntimeError: torch.gradient expected each dimension size to be at least edge_order+1
torch.gradient(torch.zeros(3), spacing=[1.0,2.0])
    RuntimeError: torch.gradient expected spacing to be unspecified, a scalar...
torch.searchsorted(torch.zeros(3), torch.zeros(1), sorter=torch.zeros(2).long())
    RuntimeError: torch.searchsorted(): boundary and sorter must have the same size, but got boundary tensor [3]and...
torch.histc(torch.zeros(2), 2, 2, 1)
    RuntimeError: torch.histc: max must be larger than min...
torch.histogramdd(torch.zeros(2,2), [2])
    RuntimeError: histogramdd: The size of bins must be equal to the innermost dimension of the input....
torch.bincount(torch.tensor([1]), torch.zeros(2))
    RuntimeError: weights should be 1-d and have the same length as input
torch.topk(torch.tensor([True]), 1)
    RuntimeError: topk does not support bool dtypes on CPU
torch.logcumsumexp(torch.tensor([1]), 0)
    NotImplementedError: "logcumsumexp_out_cpu" not implemented for 'Long'
torch.nanmean(torch.tensor([1]))
    RuntimeError: nanmean(): expected input to have floating point or complex dtype but got Long
torch.nanmedian(torch.zeros(0,2), 0)
    IndexError: median(): Expected reduction dim 0 to have non-zero size.
torch.quantile(torch.zeros(2), 1.5)
    RuntimeError: quantile() q must be in the range [0, 1] but got 1.5
torch.aminmax(torch.zeros(0))
    RuntimeError: aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity.
torch.var(torch.zeros(2), dim=0, unbiased=True, correction=1)
    TypeError: var() received an invalid combination of arguments...
# shape
torch.meshgrid(torch.zeros(2), indexing="yx")
    RuntimeError: torch.meshgrid: indexing must be one of "xy" or "ij", but received: yx
torch.zeros(2).to(1, 2, 3, 4, 5, 6)
    TypeError: to() received an invalid combination of arguments - got (int, int, int, int, int, int)
torch.slice_scatter(torch.zeros(2), torch.zeros(2), step=0)
    RuntimeError: slice step must be positive
torch.select_scatter(torch.zeros(2,2), torch.zeros(3), 0, 0)
    RuntimeError: expected src to have a size equal to the slice of self. src size = [3], slice size = [2]
torch.roll(torch.zeros(2), ())
    RuntimeError: `shifts` required...
torch.roll(torch.zeros(2,2), (1,2))
    RuntimeError: shifts and dimensions must align. shifts: 2, dims:0
torch.roll(torch.tensor(1.0), 1, 0)
    IndexError: Dimension specified as 0 but tensor has no dimensions
torch.fliplr(torch.zeros(2))
    RuntimeError: Input must be >= 2-d.
torch.flipud(torch.tensor(1.0))
    RuntimeError: Input must be >= 1-d.
torch.rot90(torch.zeros(2,2), 1, (0,))
    RuntimeError: expected total rotation dims == 2, but got dims = 1
torch.rot90(torch.zeros(2), 1, (0,1))
    RuntimeError: expected total dims >= 2, but got total dims = 1
torch.rot90(torch.zeros(2,2), 1, (0,0))
    RuntimeError: expected rotation dims to be different, but got dim0 = 0 and dim1 = 0
torch.movedim(torch.zeros(2,2), (0,0), (0,1))
    RuntimeError: movedim: repeated dim in `source` ([0, 0])
torch.select(torch.tensor(1.0), 0, 0)
    IndexError: select() cannot be applied to a 0-dim tensor.
torch.narrow(torch.tensor(1.0), 0, 0, 1)
    RuntimeError: narrow() cannot be applied to a 0-dim tensor.
torch.narrow(torch.zeros(2), 0, torch.zeros(1), 1)
    RuntimeError: start must be an 0-dim integral Tensor.
torch.split(torch.tensor(1.0), 1)
    RuntimeError: split expects at least a 1-dimensional tensor
torch.chunk(torch.tensor(1.0), 1)
    RuntimeError: chunk expects at least a 1-dimensional tensor
torch.tensor_split(torch.tensor(1.0), 1)
    RuntimeError: tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims
torch.tensor_split(torch.zeros(2), torch.zeros(1))
    RuntimeError: tensor_split expected tensor_indices_or_sections to have dtype of long, but got...
torch.tensor_split(torch.zeros(2), torch.zeros(1,1).long())
    RuntimeError: tensor_split expected tensor_indices_or_sections to be a zero-dimensional or one-dimensional...
torch.tensor_split(torch.zeros(2), 0)
    RuntimeError: number of sections must be larger than 0, got 0
torch.hsplit(torch.tensor(1.0), 1)
    RuntimeError: torch.hsplit requires a tensor with at least 1 dimension, but got a tensor with 0 dimensions!
torch.hsplit(torch.zeros(2), 0)
    RuntimeError: torch.hsplit attempted to split along dimension 0, but the size of the dimension 2 is not...
torch.as_strided(torch.zeros(2), (3,), (1,))
    RuntimeError: setStorage: sizes [3], strides [1], storage offset 0, and itemsize 4 requiring a storage size of...
torch.as_strided(torch.zeros(2), (2,), (1,1))
    RuntimeError: mismatch in length of strides and shape
torch.as_strided(torch.zeros(2), (2,), (-1,))
    RuntimeError: as_strided: Negative strides are not supported at the moment, got strides: [-1]
torch.zeros(2).unfold(0, -1, 1)
    RuntimeError: size is -1 but must be >= 0
torch.zeros(2).unfold(0, 3, 1)
    RuntimeError: maximum size for tensor at dimension 0 is 2 but size is 3
torch.zeros(2).unfold(0, 1, 0)
    RuntimeError: step is 0 but must be > 0
torch.zeros(4).unflatten(0, ())
    RuntimeError: unflatten: sizes must be non-empty
torch.stack([torch.zeros(2), 1])
    TypeError: expected Tensor as element 1 in argument 0, but got int
torch.hstack([])
    RuntimeError: hstack expects a non-empty TensorList
# indexing
torch.take_along_dim(torch.zeros(2,2), torch.tensor([0]), 0)
    RuntimeError: torch.take_along_dim(): input and indices should have the same number of dimensions, but got 2...
torch.take_along_dim(torch.zeros(2), torch.zeros(1), 0)
    RuntimeError: torch.take_along_dim(): dtype of indices should be Long but got Float
torch.scatter_add(torch.zeros(2), 0, torch.tensor([0]), torch.zeros(1,1))
    RuntimeError: Index tensor must have the same number of dimensions as src tensor
torch.scatter(torch.zeros(2), 0, torch.tensor([0]))
    TypeError: scatter() received an invalid combination of arguments...
torch.scatter(torch.zeros(2), 0, torch.tensor([0]), torch.zeros(1), reduce="max")
    RuntimeError: reduce argument must be either add or multiply.
torch.index_add(torch.zeros(2), 0, torch.tensor([[0]]), torch.zeros(1))
    IndexError: index_add_(): Index is supposed to be a vector, but got dim: 2
torch.index_add(torch.zeros(2), 0, torch.tensor([0]), torch.zeros(1).int())
    RuntimeError: index_add_(): self (Float) and source (Int) must have the same scalar type
torch.index_add(torch.zeros(2,2), 0, torch.tensor([0]), torch.zeros(1,3))
    RuntimeError: source tensor shape must match self tensor shape, excluding the specified dimension. Got...
torch.index_fill(torch.zeros(2), 0, torch.tensor([0]), torch.zeros(1))
    RuntimeError: index_fill_ only supports a 0-dimensional value tensor, but got tensor with 1 dimension(s).
torch.index_reduce(torch.zeros(2), 0, torch.tensor([0]), torch.zeros(1), "sum")
    RuntimeError: index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got sum.
torch.zeros(2).fill_diagonal_(1)
    RuntimeError: dimensions must larger than 1
torch.zeros(2,3,2).fill_diagonal_(1)
    RuntimeError: all dimensions of input must be of equal length
torch.grid_sampler(torch.zeros(1,1,2,2), torch.zeros(1,2,2,2,2), 0, 0, True)
    RuntimeError: grid_sampler(): expected 4D...
torch.zeros(2).lerp_(torch.zeros(3,2), 0.5)
    RuntimeError: output with shape [2] doesn't match the broadcast shape [3, 2]
torch.zeros(2).rsub(torch.zeros(2),alpha=True)
    AttributeError: 'Tensor' object has no attribute 'rsub'
"""
