"""Bad input: operations on tensors."""

CASES = r"""
# arithmetic and comparison
torch.clamp(torch.tensor([True]), False, True)
    NotImplementedError: "clamp_scalar_cpu" not implemented for 'Bool'
torch.clamp(torch.tensor([True]), True)
    NotImplementedError: "clamp_min_scalar_cpu" not implemented for 'Bool'
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
torch.logical_and(torch.zeros(2), torch.zeros(3))
    RuntimeError: The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0
torch.addcdiv(torch.zeros(2).int(), torch.zeros(2).int(), torch.ones(2).int())
    RuntimeError: Integer division with addcdiv is no longer supported, and in a future release addcdiv will...
torch.polygamma(-1, torch.zeros(2))
    RuntimeError: polygamma(n, x) does not support negative n.
torch.mvlgamma(torch.ones(2), 0)
    RuntimeError: p has to be greater than or equal to 1
torch.igamma(torch.tensor([1]), torch.tensor([1]))
    NotImplementedError: "igamma_cpu" not implemented for 'Long'
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
torch.einsum("ij,jk", torch.zeros(2,3))
    RuntimeError: einsum(): fewer operands were provided than specified in the equation
torch.einsum("ij->i*", torch.zeros(2,3))
    RuntimeError: einsum(): invalid subscript given at index 5 in the equation string, subscripts must be in [a-zA-Z]
torch.einsum("ij->ii", torch.zeros(2,3))
    RuntimeError: einsum(): output subscript i appears more than once in the output
torch.einsum("ij->k", torch.zeros(2,3))
    RuntimeError: einsum(): output subscript k does not appear in the equation for any input operand
torch.einsum("i.", torch.zeros(2,3))
    RuntimeError: einsum(): found '.' for operand 0 that is not part of any ellipsis...
torch.einsum("ij")
    ValueError: einsum(): must specify the equation string and at least one operand, or at least one operand and its...
torch.tensordot(torch.zeros(2), torch.zeros(2), -1)
    RuntimeError: tensordot expects dims >= 0, but got dims=-1
torch.tensordot(torch.zeros(2,3), torch.zeros(2,3), ([0,1],[0]))
    RuntimeError: both dimension lists should have...
torch.tensordot(torch.zeros(2,3), torch.zeros(2,3), ([0],[1]))
    RuntimeError: contracted dimensions need to match, but first has size 2 in dim 0 and second has size 3 in dim 1
torch.addmm(torch.zeros(2,2).double(), torch.zeros(2,2), torch.zeros(2,2))
    RuntimeError: self and mat2 must have the same dtype, but got Double and Float...
torch.addmv(torch.zeros(2).double(), torch.zeros(2,2), torch.zeros(2))
    RuntimeError: addmv input tensors must have the same dtype, but got Double, Float, and Float
torch.linalg.multi_dot([torch.zeros(2,2)])
    RuntimeError: multi_dot(): expected at least 2 tensors but got 1
torch.linalg.multi_dot([torch.zeros(2,2), torch.zeros(2), torch.zeros(2,2)])
    RuntimeError: multi_dot(): tensor 1 must be 2D but got 1D
torch.linalg.multi_dot([torch.zeros(2,2), torch.zeros(3,2)])
    RuntimeError: multi_dot(): tensors 0 and 1 with shapes [2, 2] and [3, 2] cannot be multiplied
torch.cdist(torch.zeros(2,2).int(), torch.zeros(2,2))
    RuntimeError: cdist only supports floating-point dtypes, X1 got: Int
torch.cdist(torch.zeros(2,2), torch.zeros(2,3))
    RuntimeError: X1 and X2 must have the same number of columns. X1: 2 X2: 3
torch.cdist(torch.zeros(2,2), torch.zeros(2,2), -1.0)
    RuntimeError: cdist only supports non-negative p values
torch.cdist(torch.zeros(2,2), torch.zeros(2,2), compute_mode="fast")
    ValueError: fast is not a valid value for compute_mode
torch.cov(torch.zeros(2,2), fweights=torch.zeros(2))
    RuntimeError: cov(): expected fweights to have integral dtype but got fweights with Float dtype
torch.cov(torch.zeros(2,2), aweights=torch.zeros(2).int())
    RuntimeError: cov(): expected aweights to have floating point dtype but got aweights with Int dtype
torch.inner(torch.zeros(2), torch.zeros(3))
    RuntimeError: inner() the last dimension must match on both input tensors but got shapes [2] and [3]
torch.einsum("i.j->ij", torch.zeros(2,3))
    RuntimeError: einsum(): found '.' for operand 0 that is not part of any ellipsis...
torch.einsum("...i...->i", torch.zeros(2,3))
    RuntimeError: einsum(): found '.' for operand 0...
torch.einsum("ij->..i.", torch.zeros(2,3))
    RuntimeError: einsum(): found '.' for output that is not part of any ellipsis (...)
torch.einsum("...ijk->i", torch.zeros(2,3))
    RuntimeError: einsum(): the number of subscripts in the equation (3) is more than the number of dimensions...
torch.einsum("ii->i", torch.zeros(2,3))
    RuntimeError: einsum(): subscript i is repeated for operand 0 but the sizes don't match, 3 != 2
torch.einsum("ij,jk->ik", torch.zeros(2,3), torch.zeros(4,5))
    RuntimeError: einsum(): subscript j has size 4 for operand 1 which does not broadcast with previously seen size 3
torch.addr(torch.zeros(2,2).long(), torch.zeros(2).long(), torch.zeros(2).long(), alpha=0.5)
    RuntimeError: For integral input tensors, argument alpha must not be a floating point number.
torch.addr(torch.zeros(2,2).long(), torch.zeros(2).long(), torch.zeros(2).long(), beta=0.5)
    RuntimeError: For integral input tensors, argument beta must not be a floating point number.
torch.cross(torch.zeros(2,2), torch.zeros(2,2))
    RuntimeError: no dimension of size 3 in input
torch.cdist(torch.zeros(2), torch.zeros(2,2))
    RuntimeError: cdist only supports at least 2D tensors, X1 got: 1D
torch.cdist(torch.zeros(2,2), torch.zeros(2))
    RuntimeError: cdist only supports at least 2D tensors, X2 got: 1D
torch.cov(torch.tensor([[True]]))
    RuntimeError: cov(): bool dtype is not supported for input
# operands that do not go together
torch.lerp(torch.zeros(2), torch.zeros(2,dtype=torch.float64), 0.5)
    RuntimeError: expected dtype float for `end` but got dtype double
torch.lerp(torch.zeros(2), torch.zeros(2), torch.zeros(2,dtype=torch.float64))
    RuntimeError: expected dtype float for `weight` but got dtype double
torch.isclose(torch.zeros(2), torch.zeros(3))
    RuntimeError: The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0
torch.tensor([1,2]) & torch.tensor([1,2,3])
    RuntimeError: The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0
torch.dropout(torch.zeros(3), 1.5, True)
    RuntimeError: dropout probability has to be between 0 and 1, but got 1.5
torch.feature_dropout(torch.zeros(3,2), -0.5, True)
    RuntimeError: dropout probability has to be between 0 and 1, but got -0.5
torch.alpha_dropout(torch.zeros(3), 2.0, True)
    RuntimeError: dropout probability has to be between 0 and 1, but got 2
torch.zeros(3,2).index_copy(0, torch.tensor([0,1]), torch.zeros(3,2))
    IndexError: index_copy_(): Number of indices (2) should be equal to source.size(dim) (3)
torch.zeros(3).index_put((torch.tensor([0,1]),), torch.zeros(3))
    RuntimeError: shape mismatch: value tensor of shape [3] cannot be broadcast to indexing result of shape [2]
torch.zeros(3).masked_scatter(torch.tensor([1,0,1]), torch.zeros(3))
    RuntimeError: masked_scatter_ only supports boolean masks, but got mask with dtype Long
torch.zeros(()).view(torch.float64)
    RuntimeError: self.dim() cannot be 0 to view Float as Double (different element sizes)
torch.zeros(2,dtype=torch.int64).sub_(torch.tensor([1.5,1.0]))
    RuntimeError: result type Float can't be cast to the desired output type Long
torch.zeros(2,dtype=torch.int64).sigmoid_()
    RuntimeError: result type Float can't be cast to the desired output type Long
torch.zeros(2,dtype=torch.int64).div_(2)
    RuntimeError: result type Float can't be cast to the desired output type Long
"""
