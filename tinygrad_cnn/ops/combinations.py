"""Sums with a product or a quotient: lerp, addcmul, addcdiv."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.casts import FLOATING
from tinygrad_cnn.tensor import Tensor

from .arithmetic import add
from .base import check_tensor, old_order, scalar_name, write_out
from .comparison import where
from .forms import public
from .halves import in_float32


@public(inplace=True)
@in_float32
def lerp(input: Tensor, end: Tensor, weight: Any, *, out: Tensor | None = None) -> Tensor:
    """Return input + weight * (end - input) (`torch.lerp`); `weight` is a number or a tensor of the same dtype.

    From weight 1/2 on it is counted from the end, so that 1 gives the end exactly, and an infinite input no NaN.
    """
    check_tensor(end, "lerp", "end", 2)
    for name, operand in (("end", end), ("weight", weight)):
        if isinstance(operand, Tensor) and operand.dtype is not check_tensor(input, "lerp").dtype:
            want, got = [scalar_name(each).lower() for each in (input, operand)]
            raise RuntimeError(f"expected dtype {want} for `{name}` but got dtype {got}")
    if isinstance(weight, Tensor):
        near = weight.abs() < 0.5
        y = where(near, input, end) + where(near, weight, weight - 1) * (end - input)
    else:
        y = input + weight * (end - input) if abs(weight) < 0.5 else end - (end - input) * (1 - weight)
    return y if out is None else write_out("lerp", out, y, input, end, weight)


@public(inplace=True)
@in_float32
def addcmul(
    input: Tensor, tensor1: Any, tensor2: Tensor, *old: Tensor, value: Any = 1, out: Tensor | None = None
) -> Tensor:
    """Return input + value * tensor1 * tensor2 (`torch.addcmul`); also with `value` second, which is deprecated."""
    if old:
        tensor1, tensor2, value = old_order("addcmul", tensor1, (tensor2, *old), 2)
    y = add(input, tensor1 * tensor2, alpha=value)
    return y if out is None else write_out("addcmul", out, y, input, tensor1, tensor2)


@public(inplace=True)
@in_float32
def addcdiv(
    input: Tensor, tensor1: Any, tensor2: Tensor, *old: Tensor, value: Any = 1, out: Tensor | None = None
) -> Tensor:
    """Return input + value * tensor1 / tensor2 (`torch.addcdiv`); also with `value` second, which is deprecated.

    RuntimeError for integer division.
    """
    if old:
        tensor1, tensor2, value = old_order("addcdiv", tensor1, (tensor2, *old), 2)
    if tensor1._array.dtype not in FLOATING and tensor2._array.dtype not in FLOATING:
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a "
            "true division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as (input + value "
            "* torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs and as (input + value * tensor1 / "
            "tensor2) for float inputs. The future addcdiv behavior is just the latter implementation: (input + value "
            "* tensor1 / tensor2), for all dtypes."
        )
    y = add(input, tensor1 / tensor2, alpha=value)
    return y if out is None else write_out("addcdiv", out, y, input, tensor1, tensor2)
