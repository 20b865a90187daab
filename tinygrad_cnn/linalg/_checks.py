"""What the functions of linear algebra share: checks with PyTorch's messages, named results, `out=`."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.ops.base import FLOATS, check_tensor, scalar_name, write_out
from tinygrad_cnn.ops.extremes import result_tuple
from tinygrad_cnn.tensor import Tensor


def matrices(name: str, x: Any, argument: str = "A") -> Tensor:
    """Return a tensor of floats with two dimensions at least; RuntimeError otherwise."""
    array = check_tensor(x, name, argument)._array
    if array.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor {argument} must have at least 2 dimensions.")
    if array.dtype not in FLOATS:
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got {scalar_name(x)}")
    return x


def square(name: str, x: Any, argument: str = "A") -> Tensor:
    """Return a tensor of square matrices; RuntimeError otherwise."""
    shape = matrices(name, x, argument)._array.shape
    if shape[-1] != shape[-2]:
        raise RuntimeError(
            f"{name}: {argument} must be batches of square matrices, but they are {shape[-2]} by {shape[-1]} matrices"
        )
    return x


def named(name: str, fields: str) -> Any:
    """Return a named tuple class of results."""
    return result_tuple(f"linalg_{name}", fields)


def into(name: str, out: Any, result: Any, *inputs: Any) -> Any:
    """Return the result, written into `out` if that is given."""
    if out is None:
        return result
    if isinstance(result, Tensor):
        return write_out(name, out, result, *inputs)
    return type(result)(*[write_out(name, target, part, *inputs) for target, part in zip(out, result, strict=True)])
