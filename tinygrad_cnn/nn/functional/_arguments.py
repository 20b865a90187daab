"""Checks of arguments that the functions of this package share, with PyTorch's exception types and messages."""

from __future__ import annotations

import warnings
from typing import Any

from tinygrad_cnn.autograd.grad_mode import mode
from tinygrad_cnn.dtypes import dtype
from tinygrad_cnn.dtypes import scalar_name as _scalar_name
from tinygrad_cnn.tensor import Tensor

# The core counts in int64; a single size beyond this cannot be meant, and sums of a few of them cannot overflow.
LARGEST = 2**60


def scalar_name(dtype: dtype) -> str:
    """Return PyTorch's C++ name of a dtype: 'Float', 'Double', 'Long', ..."""
    return _scalar_name(dtype)


def check_tensor(value: Any, function: str, argument: str = "input", position: int = 1) -> Tensor:
    """Return `value` if it is a Tensor, else raise TypeError."""
    if not isinstance(value, Tensor):
        raise TypeError(
            f"{function}(): argument '{argument}' (position {position}) must be Tensor, not {type(value).__name__}"
        )
    return value


def check_tensors(function: str, input: Any, weight: Any, bias: Any) -> None:
    """Raise TypeError unless the operands of a layer are Tensors; `bias` may be None."""
    if isinstance(input, Tensor) and isinstance(weight, Tensor) and (bias is None or isinstance(bias, Tensor)):
        return
    check_tensor(input, function)
    check_tensor(weight, function, "weight", 2)
    check_tensor(bias, function, "bias", 3)


def check_constant(function: str, **arguments: Tensor | None) -> None:
    """Raise RuntimeError for an argument that requires a gradient, which PyTorch's function does not have for it."""
    for name, tensor in arguments.items():
        if tensor is not None and tensor.requires_grad and mode.enabled:
            raise RuntimeError(
                f"The function '{function}' is not differentiable with respect to argument '{name}'. This input cannot "
                "have requires_grad True."
            )


def as_floats(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return two operands of a difference, one of bool in the other's floating dtype."""
    if input._array.dtype.kind == "b" and target.is_floating_point():
        return input.to(target.dtype), target
    if target._array.dtype.kind == "b" and input.is_floating_point():
        return input, target.to(input.dtype)
    return input, target


def _as_int(value: Any) -> int | None:
    """Return an int, or None for what is not an integer (a bool counts as none)."""
    if type(value) is int:
        return value
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        return None
    try:
        return int(value.__index__())
    except TypeError:
        return None


def int_tuple(value: Any, function: str, argument: str, position: int) -> tuple[int, ...]:
    """Return an int or a sequence of ints as a tuple; TypeError for anything else, ValueError if one is too large."""
    sequence = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    numbers = []
    for i, item in enumerate(sequence):
        number = _as_int(item)
        if number is None:
            got = (
                f"but found element of type {type(item).__name__} at pos {i}"
                if isinstance(value, (tuple, list))
                else f"not {type(item).__name__}"
            )
            raise TypeError(f"{function}(): argument '{argument}' (position {position}) must be tuple of ints, {got}")
        if LARGEST < abs(number) < 2**63:
            raise RuntimeError(f"{function}(): {argument}={number} is too large: sizes are computed in 64 bits")
        if abs(number) > LARGEST:
            raise ValueError(f"Overflow when unpacking long long: {argument}={number} in {function}()")
        numbers.append(number)
    return tuple(numbers)


def check_int(value: Any, function: str, argument: str, position: int) -> int:
    """Return an int; TypeError for anything else, ValueError if 64 bits do not hold it."""
    number = _as_int(value)
    if number is None:
        raise TypeError(
            f"{function}(): argument '{argument}' (position {position}) must be int, not {type(value).__name__}"
        )
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"Overflow when unpacking long long: {argument}={number} in {function}()")
    return number


def check_bool(value: Any, function: str, argument: str, position: int) -> bool:
    """Return a bool; TypeError for anything else."""
    if type(value) is not bool:
        raise TypeError(
            f"{function}(): argument '{argument}' (position {position}) must be bool, not {type(value).__name__}"
        )
    return value


def not_implemented_for(kernel: str, tensor: Tensor) -> NotImplementedError:
    """Return the error that says that an operation does not exist for a tensor's dtype."""
    return NotImplementedError(f"\"{kernel}\" not implemented for '{scalar_name(tensor.dtype)}'")


def legacy_reduction(size_average: Any, reduce: Any, reduction: Any) -> str:
    """Return the reduction that the old arguments `size_average` and `reduce` mean, with PyTorch's warning.

    Raises ValueError unless it is 'none', 'mean' or 'sum'.
    """
    if size_average is not None or reduce is not None:
        average = True if size_average is None else size_average
        reduced = True if reduce is None else reduce
        reduction = "none" if not reduced else "mean" if average else "sum"
        warnings.warn(
            f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.",
            stacklevel=4,
        )
    return reduction


def check_reduction(reduction: Any) -> str:
    """Return 'none', 'mean' or 'sum'; ValueError for anything else."""
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def warn_of_sizes(input: Tensor, target: Tensor, stacklevel: int) -> None:
    """Warn, as PyTorch does, where a target has another shape than the input, with which it will be broadcast."""
    if target.shape != input.shape:
        warnings.warn(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). This will "
            "likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
            stacklevel=stacklevel + 1,
        )
