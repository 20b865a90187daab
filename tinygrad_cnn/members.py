"""The methods and properties of Tensor that are not arithmetic: what it is, how it is printed, filled, converted.

As `methods.Methods`, this is one list for Python (`methods.install` puts it into Tensor) and for mypy (for which Tensor
inherits from it).
"""

from __future__ import annotations

from . import interop, like, metadata, printing
from .autograd import engine
from .ops import inplace
from .random import discrete, fill


class Members:
    """Names of Tensor and what they are."""

    backward = engine.backward_of

    # what it is
    size, stride, dim, ndimension = metadata.size, metadata.stride, metadata.dim, metadata.dim
    numel = nelement = metadata.numel
    element_size, is_contiguous, data_ptr = metadata.element_size, metadata.is_contiguous, metadata.data_ptr
    storage_offset = metadata.storage_offset
    untyped_storage = storage = metadata.untyped_storage
    is_complex, is_nonzero, is_signed = metadata.is_complex, metadata.is_nonzero, metadata.is_signed
    is_pinned = is_shared = is_inference = is_conj = is_neg = metadata.never
    get_device, share_memory_ = metadata.get_device, metadata.share_memory_
    is_same_size, is_set_to = metadata.is_same_size, metadata.is_set_to
    nbytes, itemsize, real = metadata.NBYTES, metadata.ITEMSIZE, metadata.REAL
    layout, is_cpu = metadata.LAYOUT, metadata.IS_CPU
    is_cuda = is_sparse = is_quantized = is_meta = is_mps = is_mkldnn = is_xpu = is_nested = metadata.ABSENT

    # text
    __repr__, __format__ = printing.tensor_repr, printing.tensor_format

    # other objects
    numpy = interop.numpy
    tolist = interop.tolist
    item = interop.item
    __array__ = interop.__array__
    __array_ufunc__ = interop.__array_ufunc__
    __float__ = interop.__float__
    __int__ = interop.__int__
    __complex__ = interop.__complex__
    __bool__ = interop.__bool__
    __index__ = interop.__index__
    __len__ = interop.__len__
    __iter__ = interop.__iter__
    __reversed__ = interop.__reversed__
    __contains__ = interop.__contains__
    __hash__ = interop.__hash__
    __dlpack__ = interop.__dlpack__
    __dlpack_device__ = interop.__dlpack_device__
    __copy__ = interop.__copy__
    __deepcopy__ = interop.__deepcopy__
    __reduce_ex__ = interop.__reduce_ex__

    # random
    uniform_, normal_, random_ = fill.uniform_, fill.normal_, fill.random_
    bernoulli_, exponential_ = fill.bernoulli_, fill.exponential_
    bernoulli, multinomial = discrete.bernoulli, discrete.multinomial

    # devices, dtypes that do not exist here, and new tensors
    cuda, pin_memory = like.cuda, like.pin_memory
    half, bfloat16 = like.absent("half"), like.absent("bfloat16")
    short, char = like.absent("short"), like.absent("char")
    cfloat, cdouble, chalf = like.absent("cfloat"), like.absent("cdouble"), like.absent("chalf")
    new, new_tensor, new_full = like.new, like.new_tensor, like.new_full
    new_empty, new_zeros, new_ones = like.new_empty, like.new_zeros, like.new_ones

    # in place
    add_, sub_, mul_, div_ = inplace.add_, inplace.sub_, inplace.mul_, inplace.div_
    clamp_, fill_, zero_, fill_diagonal_ = inplace.clamp_, inplace.fill_, inplace.zero_, inplace.fill_diagonal_
    neg_, negative_, abs_, absolute_ = inplace.neg_, inplace.negative_, inplace.abs_, inplace.absolute_
    sign_, floor_, ceil_, trunc_, sqrt_ = inplace.sign_, inplace.floor_, inplace.ceil_, inplace.trunc_, inplace.sqrt_
    rsqrt_, reciprocal_, square_, exp_ = inplace.rsqrt_, inplace.reciprocal_, inplace.square_, inplace.exp_
    expm1_, log_, log2_, log10_, log1p_ = inplace.expm1_, inplace.log_, inplace.log2_, inplace.log10_, inplace.log1p_
    sin_, cos_, tanh_, sigmoid_, erf_ = inplace.sin_, inplace.cos_, inplace.tanh_, inplace.sigmoid_, inplace.erf_
    relu_, round_, frac_, pow_, fmod_ = inplace.relu_, inplace.round_, inplace.frac_, inplace.pow_, inplace.fmod_
    remainder_, floor_divide_, atan2_ = inplace.remainder_, inplace.floor_divide_, inplace.atan2_
    lerp_, addcmul_, addcdiv_, clamp_min_ = inplace.lerp_, inplace.addcmul_, inplace.addcdiv_, inplace.clamp_min_
    clamp_max_, multiply_, divide_ = inplace.clamp_max_, inplace.multiply_, inplace.divide_
    subtract_, true_divide_, clip_, eq_ = inplace.subtract_, inplace.true_divide_, inplace.clip_, inplace.eq_
    ne_, lt_, le_, gt_, ge_ = inplace.ne_, inplace.lt_, inplace.le_, inplace.gt_, inplace.ge_
    logical_and_, logical_or_, logical_xor_ = inplace.logical_and_, inplace.logical_or_, inplace.logical_xor_
    logical_not_, bitwise_and_, bitwise_or_ = inplace.logical_not_, inplace.bitwise_and_, inplace.bitwise_or_
    bitwise_xor_, bitwise_not_, masked_fill_ = inplace.bitwise_xor_, inplace.bitwise_not_, inplace.masked_fill_
    tril_, triu_, cumsum_, cumprod_ = inplace.tril_, inplace.triu_, inplace.cumsum_, inplace.cumprod_
    scatter_, scatter_add_, index_add_ = inplace.scatter_, inplace.scatter_add_, inplace.index_add_
    index_fill_, index_put_, masked_scatter_ = inplace.index_fill_, inplace.index_put_, inplace.masked_scatter_
    addmm_, baddbmm_, squeeze_, unsqueeze_ = inplace.addmm_, inplace.baddbmm_, inplace.squeeze_, inplace.unsqueeze_
    t_, transpose_ = inplace.t_, inplace.transpose_
