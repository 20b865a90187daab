"""The methods and properties of Tensor that are not arithmetic: what it is, how it is printed, filled, converted.

One list for Python (`methods.install` puts it into Tensor) and for type checkers (for which Tensor inherits from it).
"""

from __future__ import annotations

from . import interop, like, metadata, printing, resizing
from .autograd import engine
from .random import discrete, in_place


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
    is_pinned = is_shared = is_inference = is_conj = is_neg = is_distributed = metadata.never
    dim_order, module_load, as_subclass = metadata.dim_order, metadata.module_load, metadata.as_subclass
    get_device, share_memory_ = metadata.get_device, metadata.share_memory_
    is_same_size, is_set_to = metadata.is_same_size, metadata.is_set_to
    _is_view, _base = metadata.is_view, metadata.BASE
    nbytes, itemsize, real = metadata.NBYTES, metadata.ITEMSIZE, metadata.REAL
    layout, is_cpu = metadata.LAYOUT, metadata.IS_CPU
    is_cuda = is_sparse = is_quantized = is_meta = is_mps = is_mkldnn = is_xpu = is_nested = metadata.ABSENT
    is_ipu = is_maia = is_mtia = is_xla = metadata.ABSENT

    resize_, resize_as_, set_ = resizing.resize_, resizing.resize_as_, resizing.set_

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
    uniform_, normal_, random_ = in_place.uniform_, in_place.normal_, in_place.random_
    bernoulli_, exponential_, cauchy_ = in_place.bernoulli_, in_place.exponential_, in_place.cauchy_
    geometric_, log_normal_ = in_place.geometric_, in_place.log_normal_
    bernoulli, multinomial = discrete.bernoulli, discrete.multinomial

    # devices, dtypes that do not exist here, and new tensors
    cuda, pin_memory = like.cuda, like.pin_memory
    cfloat, cdouble, chalf = like.absent("cfloat"), like.absent("cdouble"), like.absent("chalf")
    new, new_tensor, new_full = like.new, like.new_tensor, like.new_full
    new_empty_strided = like.new_empty_strided
    new_empty, new_zeros, new_ones = like.new_empty, like.new_zeros, like.new_ones
