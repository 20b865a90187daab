"""Bad input: sequences, search, parts of tensors."""

CASES = r"""
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
torch.searchsorted(torch.zeros(3), torch.zeros(1), side="middle")
    RuntimeError: torch.searchsorted(): side can only be 'left' or 'right' but got middle
torch.searchsorted(torch.zeros(3), torch.zeros(1), side="left", right=True)
    RuntimeError: torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True
torch.searchsorted(torch.zeros(3), torch.zeros(1), sorter=torch.zeros(3).int())
    RuntimeError: torch.searchsorted(): sorter must be a tensor of long dtype but got dtype Int
torch.searchsorted(torch.zeros(2,3), 1)
    RuntimeError: torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1, but...
torch.searchsorted(torch.zeros(2,3), torch.zeros(3,1))
    RuntimeError: torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of...
torch.histc(torch.zeros(2), 0)
    RuntimeError: torch.histogram(): bins must be > 0, but got 0 for dimension 0
torch.histogram(torch.zeros(2).int(), 2)
    NotImplementedError: "histogramdd" not implemented for 'Int'
torch.nanmedian(torch.tensor([True]))
    NotImplementedError: "median_cpu" not implemented for 'Bool'
torch.nanmedian(torch.tensor([True]), 0)
    NotImplementedError: "median_out" not implemented for 'Bool'
torch.mode(torch.zeros(0,2), 0)
    IndexError: mode(): Expected reduction dim 0 to have non-zero size.
torch.quantile(torch.tensor([1]), 0.5)
    RuntimeError: quantile() input tensor must be either float or double dtype
torch.quantile(torch.zeros(2), torch.zeros(2,2))
    RuntimeError: quantile() q must be a scalar or 1D tensor
torch.quantile(torch.zeros(2), torch.zeros(2).double())
    RuntimeError: quantile() q tensor must be same dtype as the input tensor
torch.quantile(torch.zeros(0), 0.5)
    RuntimeError: quantile() input tensor must be non-empty
torch.quantile(torch.zeros(2), torch.tensor([1.5]))
    RuntimeError: quantile() q values must be in the range [0, 1]
torch.quantile(torch.zeros(2), 0.5, interpolation="cubic")
    RuntimeError: quantile() interpolation must be one of linear, lower, higher, midpoint or nearest, but got cubic
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
torch.broadcast_shapes((2,), (-1,))
    RuntimeError: Attempting to broadcast a dimension of length -1 at -1! Mismatching argument at index 1 had...
torch.zeros(2,2).t().view(torch.float64)
    RuntimeError: self.stride(-1) must be 1 to view Float as Double (different element sizes), but got 2
# indexing
torch.scatter_reduce(torch.zeros(2), 0, torch.tensor([0]), torch.zeros(1), "max2")
    RuntimeError: reduce argument must be either sum, prod, mean, amax or amin, got max2
torch.median(torch.zeros(0,2), 0)
    IndexError: median(): Expected reduction dim 0 to have non-zero size.
torch.movedim(torch.zeros(2,2), (0,1), (0,))
    RuntimeError: movedim: Invalid source or destination dims: source ([0, 1] dims) should contain the same number of...
torch.unravel_index(torch.tensor([0]), None)
    TypeError: expected 'shape' to be int or sequence of ints, but got <class 'NoneType'>
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
torch.zeros(2).put(torch.tensor([0]), torch.zeros(1).int())
    RuntimeError: put_(): self and source expected to have the same dtype, but got self.dtype = Float and...
torch.zeros(2).put(torch.tensor([0]), torch.zeros(2))
    IndexError: put_(): Expected source and index to have the same number of elements, but got source.numel() = 2,...
torch.zeros(2).put(torch.tensor([2]), torch.zeros(1))
    IndexError: out of range: tried to access index 2 on a tensor of 2 elements.
torch.nonzero_static(torch.zeros(2), size=-1)
    RuntimeError: nonzero_static: 'size' must be an non-negative integer
torch.unravel_index(torch.zeros(1), (2,))
    TypeError: expected 'indices' to be integer dtype, but got torch.float32
torch.unravel_index(torch.tensor([0]), "2")
    TypeError: expected 'shape' sequence to only contain ints, but got <class 'str'>
torch.unravel_index(torch.tensor([0]), (-1,))
    ValueError: 'shape' cannot have negative values, but got (-1,)
torch.dropout(torch.zeros(2), "a", True)
    TypeError: dropout(): argument 'p' (position 2) must be float, not str
torch.broadcast_shapes((1,),(-2,))
    ValueError: Attempting to broadcast a dimension with negative length!...
"""
