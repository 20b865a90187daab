"""The dtype in which operands meet: PyTorch's rules (`torch.result_type`), and the cast that is differentiable.

Operands fall into three groups: tensors with dimensions, 0-d tensors, Python numbers. A later group decides only where
its category (bool < integer < floating) is higher than that of the groups before: `float32 tensor * 0-d float64 tensor`
and `float32 tensor * 2.5` stay float32, `int64 tensor * 2.5` becomes the default float.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn import dtypes
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.casts import cast_array
from tinygrad_cnn.dtypes import dtype as DType
from tinygrad_cnn.dtypes import from_numpy_dtype, get_default_dtype, promote_types
from tinygrad_cnn.tensor import Tensor

Number = Any  # int, float or bool
NUMBERS = (float, int, np.generic)  # bool is an int
OPERANDS = (Tensor, *NUMBERS)
BOOL, I64 = np.dtype(np.bool_), np.dtype(np.int64)


def is_number(value: Any) -> bool:
    """Return whether `value` is what PyTorch calls a Number: a Python or NumPy scalar (complex ones excepted)."""
    return isinstance(value, NUMBERS) and not isinstance(value, np.complexfloating)


def python_number(value: Any) -> Any:
    """Return a NumPy scalar as the Python number of its kind, other numbers as they are."""
    return value.item() if isinstance(value, np.generic) else value


def number_dtype(value: Number) -> DType:
    """Return the dtype that a Python number would have as a tensor."""
    if isinstance(value, bool):
        return dtypes.bool
    return dtypes.int64 if isinstance(value, int) else get_default_dtype()


def _combine(higher: DType | None, lower: DType | None) -> DType | None:
    if higher is None or lower is None:
        return lower if higher is None else higher
    if higher.is_floating_point:
        return higher
    if higher is dtypes.bool or lower.is_floating_point:
        return promote_types(higher, lower)
    return higher


def common_dtype(*operands: Any) -> DType:
    """Return the dtype in which tensors and numbers are combined."""
    groups: list[DType | None] = [None, None, None]
    for operand in operands:
        if isinstance(operand, Tensor):
            group, dtype = int(operand._array.ndim == 0), from_numpy_dtype(operand._array.dtype)
        else:
            group, dtype = 2, number_dtype(python_number(operand))
        known = groups[group]
        groups[group] = dtype if known is None else promote_types(known, dtype)
    found = _combine(groups[0], _combine(groups[1], groups[2]))
    assert found is not None
    return found


def result_type(tensor1: Any, tensor2: Any) -> DType:
    """Return the dtype of an arithmetic operation on two tensors or numbers (`torch.result_type`)."""
    return common_dtype(tensor1, tensor2)


class Cast(Operation):
    """Conversion to another dtype; the gradient is converted back."""

    grad_name = "ToCopyBackward0"
    moves_only = True

    def forward(self, x: Any, numpy_dtype: Any, grad_name: str = "") -> Any:
        """Return x in another dtype."""
        self.source = x.dtype
        if grad_name:
            self.grad_name = grad_name
        return cast_array(x, numpy_dtype)

    def backward(self, grad: Tensor) -> Any:
        """Convert the gradient back."""
        return Cast.apply(grad, numpy_dtype=self.source)


def cast(tensor: Tensor, dtype: DType) -> Tensor:
    """Return `tensor` in `dtype`: itself if it has that already."""
    if tensor._array.dtype is dtype._numpy or tensor._array.dtype == dtype._numpy:
        return tensor
    if not dtype.is_floating_point:
        array = tensor._array
        return _wrap_constant(cast_array(array, dtype._numpy))
    return Cast.apply(tensor, numpy_dtype=dtype._numpy)


def _wrap_constant(array: Any) -> Tensor:
    from tinygrad_cnn.tensor import wrap

    return wrap(array)


def as_number(value: Any, dtype: DType) -> Any:
    """Return a number as the Python type of a dtype's category (int(True) for an integer dtype, and so on)."""
    value = python_number(value)
    return float(value) if dtype.is_floating_point else bool(value) if dtype is dtypes.bool else int(value)


def promoted(a: Any, b: Any, floating: bool = False) -> tuple[Any, Any]:
    """Return both operands in their common dtype; a number stays one (of the common category).

    `floating` turns an integer or bool common dtype into the default float, as division does.
    """
    dtype = common_dtype(a, b)
    if floating and not dtype.is_floating_point:
        dtype = get_default_dtype()
    return (
        cast(a, dtype) if isinstance(a, Tensor) else as_number(a, dtype),
        cast(b, dtype) if isinstance(b, Tensor) else as_number(b, dtype),
    )
