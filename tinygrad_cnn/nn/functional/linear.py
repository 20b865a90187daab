"""linear, the fully connected layer, and bilinear; pdist; one_hot."""

from __future__ import annotations

import math

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.dtypes import C_NAMES
from tinygrad_cnn.nn.functional._arguments import (
    check_int,
    check_tensor,
    check_tensors,
    not_implemented_for,
    scalar_name,
)
from tinygrad_cnn.ops.base import write_out
from tinygrad_cnn.ops.linear import Linear
from tinygrad_cnn.tensor import Tensor, wrap

__all__ = ["bilinear", "linear", "one_hot", "pdist"]

_I64 = np.dtype(np.int64)


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None, *, out: Tensor | None = None) -> Tensor:
    """Return input @ weight.T + bias, in `out` if that is given (`F.linear`).

    input (..., in), weight (out, in) or (in,), bias (out,) or what broadcasts to the result. Returns (..., out),
    without `out` for a weight of one dimension. Raises RuntimeError if sizes or dtypes do not go together,
    NotImplementedError for bool.
    """
    if out is not None:
        return write_out("linear", out, linear(input, weight, bias), input, weight, bias)
    check_tensors("linear", input, weight, bias)
    x, w = input._array, weight._array
    if bias is not None:
        b, shape, dtype = bias._array, x.shape, x.dtype
        if len(shape) == 2 and w.shape == b.shape + shape[1:] and dtype is w.dtype is b.dtype and dtype in core.FLOATS:
            return Linear.apply(input, weight, bias)  # what layers ask for; the rest sorts out what may be wrong
    if x.ndim == 0 or w.ndim == 0:
        raise RuntimeError(f"both arguments to linear need to be at least 1D, but they are {x.ndim}D and {w.ndim}D")
    if w.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {w.ndim}D")
    if x.dtype != w.dtype:
        names = [scalar_name(tensor.dtype) for tensor in (input, weight)]
        if bias is not None and w.ndim == 2:
            raise RuntimeError(f"mat1 and mat2 must have the same dtype, but got {names[0]} and {names[1]}")
        names = [C_NAMES[tensor.dtype] for tensor in (input, weight)]
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {names[0]} != {names[1]}")
    if bias is not None and bias._array.dtype != w.dtype:
        got, want = scalar_name(bias.dtype), scalar_name(weight.dtype)
        raise RuntimeError(f"self and mat2 must have the same dtype, but got {got} and {want}")
    if w.ndim == 1:
        if bias is not None:
            raise RuntimeError("mat2 must be a matrix, got 1-D tensor")
        return input.matmul(weight)
    if x.shape[-1] != w.shape[1]:
        rows = x.size // x.shape[-1] if x.shape[-1] else 0
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({rows}x{x.shape[-1]} and {w.shape[1]}x{w.shape[0]})"
        )
    if x.dtype.kind == "b":
        raise not_implemented_for("addmm_impl_cpu_", input)
    return _linear(input, weight, bias)


def _linear(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """One matrix product of checked operands, with the bias in it where it is one row."""
    x, out = input._array, weight._array.shape[0]
    fused = bias is None or bias._array.shape == (out,)
    if bias is not None and not fused:
        _check_expandable(bias._array.shape, (*x.shape[:-1], out))
    flat = input if x.ndim == 2 else input.reshape(math.prod(x.shape[:-1]), x.shape[-1])
    y = Linear.apply(flat, weight, bias if fused else None)
    if x.ndim != 2:
        y = y.reshape(*x.shape[:-1], out)
    return y if fused or bias is None else y + bias


def _check_expandable(shape: tuple[int, ...], target: tuple[int, ...]) -> None:
    """Raise RuntimeError if a bias cannot be expanded to the result."""
    padded = (1,) * (len(target) - len(shape)) + tuple(shape)
    for dim in range(len(target) - 1, -1, -1):
        if len(shape) > len(target) or padded[dim] not in (1, target[dim]):
            raise RuntimeError(
                f"The expanded size of the tensor ({target[dim]}) must match the existing size ({padded[dim]}) at "
                f"non-singleton dimension {dim}.  Target sizes: {list(target)}.  Tensor sizes: {list(shape)}"
            )


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return sum over i, j of input1[..., i] * weight[o, i, j] * input2[..., j] (+ bias[o]) for each o (`F.bilinear`).

    input1 (..., in1), input2 (..., in2), weight (out, in1, in2), bias (out,). Raises RuntimeError if sizes or dtypes
    do not go together.
    """
    a, b, w = [
        check_tensor(tensor, "bilinear", name, k + 1)._array
        for k, (name, tensor) in enumerate((("input1", input1), ("input2", input2), ("weight", weight)))
    ]
    if not a.dtype == b.dtype == w.dtype:
        given = {"input1": input1, "input2": input2, "weight": weight} | ({} if bias is None else {"bias": bias})
        listed = ", ".join([f"{name}: {C_NAMES[tensor.dtype]}" for name, tensor in given.items()])
        raise RuntimeError(f"All tensors must have the same dtype, got {listed}")
    if a.ndim != b.ndim:
        raise RuntimeError(f"bilinear(): input dimensions do not match: got {a.ndim} and {b.ndim}")
    for d in range(a.ndim - 1):
        if a.shape[d] != b.shape[d]:
            raise RuntimeError(
                f"bilinear(): input batch dimensions do not match at dim {d}: got {a.shape[d]} and {b.shape[d]}"
            )
    if w.ndim != 3:
        raise RuntimeError(f"bilinear(): weight must have 3 dimensions, but has {w.ndim}")
    for name, size, expected in (("input1", a.shape[-1], w.shape[1]), ("input2", b.shape[-1], w.shape[2])):
        if size != expected:
            raise RuntimeError(
                f"bilinear(): {name} size does not match weight size: got {size} but expected {expected}"
            )
    if bias is not None and check_tensor(bias, "bilinear", "bias", 4).shape[0] != w.shape[0]:
        raise RuntimeError(
            f"bilinear(): bias size does not match weight size: got {bias.shape[0]} but expected {w.shape[0]}"
        )
    out, left, right = w.shape
    batch = math.prod(a.shape[:-1])
    by_left = input1.reshape(batch, left).matmul(weight.transpose(0, 1).reshape(left, out * right))
    y = by_left.reshape(batch, out, right).bmm(input2.reshape(batch, right, 1)).reshape(*a.shape[:-1], out)
    return y if bias is None else y + bias


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """Return the p-norms of the differences of all pairs of rows i < j of input (N, M): (N (N - 1) / 2,) (`F.pdist`).

    Raises RuntimeError for another rank, an integer dtype or a negative p.
    """
    x = check_tensor(input, "pdist")._array
    if x.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {x.ndim}D")
    if x.dtype not in core.FLOATS:
        raise RuntimeError("pdist only supports floating-point dtypes")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    first, second = np.triu_indices(len(x), 1)
    if not len(first) or not x.shape[1]:
        return input.sum() * 0 + wrap(core.zeros((len(first),), x.dtype))
    difference = input.index_select(0, wrap(first)) - input.index_select(0, wrap(second))
    return difference.norm(p, 1)


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Return int64 (*, num_classes): 1 at each index, 0 elsewhere (`F.one_hot`); -1 is the largest index + 1.

    Raises RuntimeError unless the tensor is int64 with all values in [0, num_classes).
    """
    check_tensor(tensor, "one_hot")
    array = tensor._array
    if array.dtype != _I64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    num_classes = check_int(num_classes, "one_hot", "num_classes", 2)
    if array.size == 0:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return wrap(core.zeros((*array.shape, num_classes), _I64))
    if array.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    if num_classes == -1:
        num_classes = int(array.max()) + 1
    elif num_classes <= array.max():
        raise RuntimeError("Class values must be smaller than num_classes.")
    result = core.zeros((*array.shape, num_classes), _I64)
    np.put_along_axis(result, array[..., None], 1, axis=-1)
    return wrap(result)
