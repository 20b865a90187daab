"""dtype, Size and device as PyTorch has them, and its rules of promotion.

Names print with the prefix `torch.`: after `import tinygrad_cnn as torch` that is what they are called.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from .casts import BF16, F16, HALVES, halves


class dtype:
    """An element type: one of the ten objects below, compared by identity."""

    __slots__ = ("_category", "_name", "_numpy", "is_floating_point")

    _numpy: np.dtype[Any]

    def __init__(self, name: str, numpy_dtype: np.dtype[Any], category: builtins.int):
        self._name = name
        self._numpy = numpy_dtype
        self._category = category  # 0 bool, 1 integer, 2 floating: the order of promotion
        self.is_floating_point = category == 2

    @property
    def itemsize(self) -> builtins.int:
        """Bytes of one element."""
        return self._numpy.itemsize

    @property
    def is_complex(self) -> builtins.bool:
        """Always False: there are no complex tensors here."""
        return False

    @property
    def is_signed(self) -> builtins.bool:
        """Whether negative numbers can be represented."""
        return self._category == 2 or self._numpy.kind == "i"

    def to_real(self) -> dtype:
        """Return the dtype itself."""
        return self

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> str:
        return self._name


class _HalfDtype(dtype):
    """A dtype of two bytes: whoever asks for its arrays' type is going to make some (`casts.halves`)."""

    __slots__ = ("_half",)

    @property
    def _numpy(self) -> np.dtype[Any]:
        halves.seen = True
        return self._half

    @_numpy.setter
    def _numpy(self, numpy_dtype: np.dtype[Any]) -> None:
        self._half = numpy_dtype


float32 = dtype("float32", np.dtype(np.float32), 2)
float64 = dtype("float64", np.dtype(np.float64), 2)
float16 = _HalfDtype("float16", F16, 2)
bfloat16 = _HalfDtype("bfloat16", BF16, 2)
int64 = dtype("int64", np.dtype(np.int64), 1)
int32 = dtype("int32", np.dtype(np.int32), 1)
int16 = dtype("int16", np.dtype(np.int16), 1)
int8 = dtype("int8", np.dtype(np.int8), 1)
uint8 = dtype("uint8", np.dtype(np.uint8), 1)
bool = dtype("bool", np.dtype(np.bool_), 0)
float, double, half, long, int, short = float32, float64, float16, int64, int32, int16  # PyTorch's aliases

ALL = (float64, float32, float16, bfloat16, int64, int32, int16, int8, uint8, bool)
_HALF_DTYPES = {F16: float16, BF16: bfloat16}
_FROM_NUMPY = {d._numpy: d for d in ALL if d not in (float16, bfloat16)}  # those two when they are first seen
_default = [float32]


def from_numpy_dtype(numpy_dtype: Any) -> dtype:
    """Return the dtype of a NumPy dtype; TypeError for one that tensors here cannot have."""
    found = _FROM_NUMPY.get(numpy_dtype)
    if found is None:
        if numpy_dtype in HALVES:
            halves.seen = True
            _FROM_NUMPY.update(_HALF_DTYPES)
            return _HALF_DTYPES[numpy_dtype]
        raise TypeError(
            f"can't convert np.ndarray of type {numpy_dtype}. The only supported types are: float64, float32, float16, "
            "int64, int32, int16, int8, uint8, and bool."
        )
    return found


def get_default_dtype() -> dtype:
    """Return the floating dtype of new tensors (`torch.get_default_dtype`)."""
    return _default[0]


def set_default_dtype(d: dtype) -> None:
    """Set the floating dtype of new tensors (`torch.set_default_dtype`); TypeError for another one."""
    if not isinstance(d, dtype):
        raise TypeError("invalid dtype object: only floating-point types are supported as the default type")
    if not d.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    _default[0] = d


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """Return the dtype of an operation on tensors of both (`torch.promote_types`)."""
    if type1 is type2:
        return type1
    if type1._category != type2._category:
        return type1 if type1._category > type2._category else type2
    if type1.itemsize == type2.itemsize:  # neither holds all values of the other
        return float32 if type1._category == 2 else int16
    return type1 if type1.itemsize > type2.itemsize else type2


def can_cast(from_: dtype, to: dtype) -> builtins.bool:
    """Return whether `from_` is cast to `to` on writing a result: never to a lower category (`torch.can_cast`)."""
    return from_._category <= to._category


class Size(tuple):
    """The shape of a tensor: a tuple of ints with PyTorch's repr and `numel`."""

    __slots__ = ()

    def numel(self) -> builtins.int:
        """Return the product of the sizes."""
        count = 1
        for size in self:
            count *= size
        return count

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    __str__ = __repr__

    def __getitem__(self, index: Any) -> Any:
        item = tuple.__getitem__(self, index)
        return Size(item) if isinstance(index, slice) else item

    def __add__(self, other: Any) -> Any:
        return Size(tuple.__add__(self, tuple(other)))

    def __radd__(self, other: Any) -> Any:
        return Size(tuple(other) + tuple(self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, times: Any) -> Any:
        return Size(tuple.__mul__(self, times))


class device:
    """Where a tensor lives: always the CPU. Other device types can be named, but nothing can be put there."""

    __slots__ = ("index", "type")

    _TYPES = (
        *(
            "cpu",
            "cuda",
            "ipu",
            "xpu",
            "mkldnn",
            "opengl",
            "opencl",
            "ideep",
            "hip",
            "ve",
            "fpga",
            "maia",
            "xla",
            "lazy",
        ),
        *("vulkan", "mps", "meta", "hpu", "mtia", "privateuseone"),
    )

    def __init__(self, type: Any = "cpu", index: Any = None):
        if isinstance(type, device):
            type, index = type.type, type.index
        elif not isinstance(type, str):
            if isinstance(type, (builtins.int, np.integer)) and not isinstance(type, builtins.bool):
                raise RuntimeError("Cannot access accelerator device when none is available.")
            raise TypeError(f"device(): argument 'type' (position 1) must be str, not {type.__class__.__name__}")
        elif index is not None and not isinstance(index, builtins.int):
            raise TypeError(f"device(): argument 'index' (position 2) must be int, not {index.__class__.__name__}")
        name, _, number = type.partition(":")
        if name not in self._TYPES:
            known = ", ".join(self._TYPES)
            raise RuntimeError(f"Expected one of {known} device type at start of device string: {name}")
        if number:
            if not number.isdigit():
                raise RuntimeError(f"Invalid device string: '{type}'")
            index = number
        self.type: str = name
        self.index = None if index is None else builtins.int(index)

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> Any:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> Any:
        return hash((self.type, self.index))

    def __reduce__(self) -> Any:
        return device, (str(self),)

    def __enter__(self) -> device:
        """Make new tensors here: on the CPU. Another device raises now what PyTorch's CPU build raises later."""
        check_device(self)
        return self

    def __exit__(self, *exception: object) -> None:
        pass


CPU = device("cpu")


def check_device(where: Any) -> None:
    """Raise what PyTorch's CPU build raises if `where` is a device other than the CPU; None is the CPU."""
    if where is None or where == "cpu":
        return
    found = where if isinstance(where, device) else device(where)
    if found.type == "cuda":
        raise AssertionError("Torch not compiled with CUDA enabled")
    if found.type != "cpu":
        raise RuntimeError(f"PyTorch is not linked with support for {found.type} devices")


SCALAR_NAMES = {
    float32: "Float",
    float64: "Double",
    float16: "Half",
    bfloat16: "BFloat16",
    int64: "Long",
    int32: "Int",
    int16: "Short",
    int8: "Char",
    uint8: "Byte",
    bool: "Bool",
}


# The types of C that some of its messages use.
C_NAMES = {
    float32: "float",
    float64: "double",
    float16: "c10::Half",
    bfloat16: "c10::BFloat16",
    int64: "long int",
    int32: "int",
    int16: "short int",
    int8: "signed char",
    uint8: "unsigned char",
    bool: "bool",
}


def scalar_name(d: dtype) -> str:
    """Return PyTorch's C++ name of a dtype, which its messages use."""
    return SCALAR_NAMES[d]
