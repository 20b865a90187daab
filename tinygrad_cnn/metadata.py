"""What a tensor tells about itself: sizes, strides, memory, device; methods of Tensor and a few functions."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

from ._arguments import contiguous_format, memory_format, strided
from .dtypes import Size
from .ops.strided import memory_of
from .tensor import Tensor

__all__ = [
    "is_complex",
    "is_conj",
    "is_distributed",
    "is_floating_point",
    "is_inference",
    "is_neg",
    "is_nonzero",
    "is_signed",
    "is_storage",
    "is_tensor",
    "numel",
    "typename",
]


def _wrap_dim(dim: Any, ndim: builtins.int) -> builtins.int:
    index: builtins.int = dim.__index__()
    bound = ndim or 1
    if not -bound <= index < bound:
        allowed = f"[{-bound}, {bound - 1}]"
        raise IndexError(f"Dimension out of range (expected to be in range of {allowed}, but got {index})")
    if not ndim:
        raise IndexError(f"Dimension specified as {index} but tensor has no dimensions")
    return index


def size(self: Tensor, dim: Any = None) -> Any:
    """Return the sizes, or the one of dimension `dim`; IndexError if there is no such dimension."""
    shape = self._array.shape
    return Size(shape) if dim is None else shape[_wrap_dim(dim, len(shape))]


def stride(self: Tensor, dim: Any = None) -> Any:
    """Return the strides in elements, or the one of dimension `dim`."""
    array = self._array
    itemsize = array.itemsize
    strides = array.strides
    if array.flags.c_contiguous:
        # NumPy may keep any stride along a dimension of size 1 or of an empty array; PyTorch's are those of a dense
        # tensor.
        strides, step = [], itemsize
        for n in reversed(array.shape):
            strides.append(step)
            step *= max(n, 1)
        strides.reverse()
    found = tuple([step // itemsize for step in strides])
    return found if dim is None else found[_wrap_dim(dim, array.ndim)]


def dim(self: Tensor) -> builtins.int:
    """Return the number of dimensions."""
    return self._array.ndim


def numel(input: Tensor) -> builtins.int:
    """Return the number of elements (`torch.numel`)."""
    if not isinstance(input, Tensor):
        raise TypeError(f"numel(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    return input._array.size


def element_size(self: Tensor) -> builtins.int:
    """Return the bytes of one element."""
    return self._array.itemsize


def is_contiguous(self: Tensor, memory_format: Any = contiguous_format) -> builtins.bool:
    """Return whether the elements lie in memory one after the other, in the order of `memory_format`."""
    if memory_format is contiguous_format:
        return self._array.flags.c_contiguous
    order = {"channels_last": (0, 2, 3, 1), "channels_last_3d": (0, 2, 3, 4, 1)}.get(memory_format._name)
    if order is None:
        raise RuntimeError("is_contiguous(): preserve memory format is unsupported by the contiguous operator")
    return self._array.ndim == len(order) and self._array.transpose(order).flags.c_contiguous


def is_view(self: Tensor) -> builtins.bool:
    """Return whether this was made as a view of another tensor's memory (`Tensor._is_view`)."""
    return self._view_base is not None


def data_ptr(self: Tensor) -> builtins.int:
    """Return the address of the first element, 0 for an empty tensor."""
    return self._array.__array_interface__["data"][0] if self._array.size else 0


def storage_offset(self: Tensor) -> builtins.int:
    """Return how many elements the first one lies behind the start of the memory that it is part of."""
    root = memory_of(self._array)
    first, start = (array.__array_interface__["data"][0] for array in (self._array, root))
    return (first - start) // self._array.itemsize


class UntypedStorage:
    """The memory of a tensor and all its views: where it is, and how large (`torch.UntypedStorage`, read-only here)."""

    is_cuda = False

    def __init__(self, tensor: Tensor):
        self._root = memory_of(tensor._array)

    def data_ptr(self) -> builtins.int:
        """Return the address of the first byte."""
        return self._root.__array_interface__["data"][0]

    def nbytes(self) -> builtins.int:
        """Return the size in bytes."""
        return self._root.nbytes

    size = nbytes
    __len__ = nbytes

    def __eq__(self, other: object) -> builtins.bool:
        return isinstance(other, UntypedStorage) and self.data_ptr() == other.data_ptr()

    def __hash__(self) -> builtins.int:
        return self.data_ptr()


def untyped_storage(self: Tensor) -> UntypedStorage:
    """Return the memory that this tensor shares with its views."""
    return UntypedStorage(self)


def is_tensor(obj: Any) -> builtins.bool:
    """Return whether `obj` is a Tensor (`torch.is_tensor`)."""
    return isinstance(obj, Tensor)


def is_floating_point(input: Tensor) -> builtins.bool:
    """Return whether the dtype is float32 or float64 (`torch.is_floating_point`)."""
    return input.is_floating_point()


def is_complex(input: Tensor) -> builtins.bool:
    """Return False: there are no complex tensors here (`torch.is_complex`)."""
    _check(input, "is_complex")
    return False


def is_nonzero(input: Tensor) -> builtins.bool:
    """Return whether the only element is not 0 (`torch.is_nonzero`); RuntimeError if there is not exactly one."""
    return builtins.bool(input)


def _check(input: Any, name: str) -> Tensor:
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    return input


def is_signed(input: Tensor) -> builtins.bool:
    """Return whether the dtype has negative numbers (`torch.is_signed`)."""
    return _check(input, "is_signed").dtype.is_signed


def never(self: Tensor) -> builtins.bool:
    """Return False: no tensor here is such."""
    return False


def _never(name: str) -> Callable[[Tensor], builtins.bool]:
    def answer(input: Tensor) -> builtins.bool:
        return never(_check(input, name))

    answer.__name__ = answer.__qualname__ = name
    answer.__doc__ = f"Return False: no tensor here is such (`torch.{name}`)."
    return answer


is_conj, is_distributed, is_inference, is_neg = map(_never, ("is_conj", "is_distributed", "is_inference", "is_neg"))


def is_storage(obj: Any) -> builtins.bool:
    """Return whether `obj` is the memory of a tensor (`torch.is_storage`)."""
    return type(obj) is UntypedStorage


def typename(obj: Any) -> str:
    """Return 'torch.FloatTensor' or the like for a tensor, for others the dotted name of the object, or of its class
    if it has none (`torch.typename`)."""
    if isinstance(obj, Tensor):
        return obj.type()
    named = obj if hasattr(obj, "__qualname__") or hasattr(obj, "__name__") else type(obj)
    name: str = getattr(named, "__qualname__", None) or named.__name__
    module = getattr(named, "__module__", None) or ""
    return name if module in ("", "builtins") else f"{module}.{name}"


def dim_order(self: Tensor, *, ambiguity_check: Any = False) -> tuple[builtins.int, ...]:
    """Return the dimensions from the one with the largest stride to the one with the smallest.

    ambiguity_check: raise RuntimeError where dimensions of size 1 or of equal strides leave several orders; given
    memory formats, only unless exactly one of them fits. TypeError for anything else.
    """
    formats = ambiguity_check if isinstance(ambiguity_check, list) else []
    known = isinstance(ambiguity_check, (builtins.bool, list))
    if not known or not all(isinstance(item, memory_format) for item in formats):
        raise TypeError("The ambiguity_check argument must be a bool or a list of memory formats.")
    steps, sizes = stride(self), self._array.shape
    several = 1 in sizes or len(set(steps)) < len(steps)
    if ambiguity_check is not False and several and sum(is_contiguous(self, item) for item in formats) != 1:
        raise RuntimeError(
            "The tensor does not have unique dim order, or cannot map to exact one of the given memory formats."
        )
    return tuple(sorted(range(len(sizes)), key=lambda dim: -steps[dim]))


def as_subclass(self: Tensor, cls: Any) -> Any:
    """Return the same elements as a tensor of the class `cls`, part of the graph; TypeError unless it is a subclass."""
    if not isinstance(cls, type):
        raise TypeError(f"cls must be a type (got {type(cls).__name__})")
    if not issubclass(cls, Tensor):
        raise TypeError(
            "Creating a Tensor subclass from a class that does not inherit from Tensor is not possible. Make sure your "
            "class inherits from Tensor."
        )
    view = self.view_as(self)
    view.__class__ = cls
    return view


def module_load(self: Tensor, other: Tensor, assign: builtins.bool = False) -> Tensor:
    """Return what `load_state_dict` puts in the place of this tensor: `other` copied into it, or `other` itself."""
    return other.detach() if assign else self.copy_(other).detach()


def get_device(self: Tensor) -> builtins.int:
    """Return -1, PyTorch's number for the CPU."""
    return -1


def share_memory_(self: Tensor) -> Tensor:
    """Return the tensor: nothing here moves memory between processes."""
    return self


def is_same_size(self: Tensor, other: Tensor) -> builtins.bool:
    """Return whether the shapes are equal (`torch.is_same_size`)."""
    return self._array.shape == other._array.shape


def is_set_to(self: Tensor, tensor: Tensor) -> builtins.bool:
    """Return whether both tensors are the same piece of memory with the same sizes and strides."""
    a, b = self._array, tensor._array
    return a.dtype == b.dtype and (a.shape, stride(self), data_ptr(self)) == (b.shape, stride(tensor), data_ptr(tensor))


def _property(value: Callable[[Any], Any], text: str) -> Any:
    return property(value, doc=text)


BASE = _property(lambda self: self._view_base, "The tensor whose memory this is a view of, else None.")
NBYTES = _property(lambda self: self._array.nbytes, "The bytes of all elements.")
ITEMSIZE = _property(lambda self: self._array.itemsize, "The bytes of one element.")
REAL = _property(lambda self: self, "The tensor itself: it has no imaginary part.")
LAYOUT = _property(lambda self: strided, "Always `torch.strided`.")
IS_CPU = _property(lambda self: True, "Always True.")
ABSENT = _property(lambda self: False, "Always False: tensors here are dense and on the CPU.")
