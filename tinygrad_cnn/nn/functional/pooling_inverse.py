"""Max unpooling: values back to the places that max pooling took them from."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn.nn.functional._arguments import check_tensor, int_tuple, not_implemented_for, scalar_name
from tinygrad_cnn.nn.functional._pool_arguments import check_cells
from tinygrad_cnn.ops.pool import PoolShape
from tinygrad_cnn.ops.pool_gather import MaxUnpool
from tinygrad_cnn.tensor import Tensor

__all__ = ["max_unpool1d", "max_unpool2d", "max_unpool3d"]


def _tuple(value: Any, count: int) -> tuple[Any, ...]:
    return tuple(value) if hasattr(value, "__iter__") else (value,) * count


def _output_size(x: tuple[int, ...], kernel: Any, stride: Any, padding: Any, output_size: Any) -> Any:
    """Return the sizes that were pooled: the smallest that give x, or `output_size` if it is near."""
    count = len(kernel)
    usual = [(x[d - count] - 1) * stride[d] + kernel[d] - 2 * padding[d] for d in range(count)]
    if output_size is None:
        output_size = usual
    else:
        if len(output_size) == count + 2:
            output_size = output_size[2:]
        if len(output_size) != count:
            raise ValueError(
                f"output_size should be a sequence containing {count} or {count + 2} elements, but it has a length of "
                f"'{len(output_size)}'"
            )
        for d, (size, step, given) in enumerate(zip(usual, stride, output_size, strict=False)):
            if not size - step < given < size + step:
                raise ValueError(
                    f'invalid output_size "{output_size}" (dim {d} must be between {size - step} and {size + step})'
                )
    for d, size in enumerate(output_size):
        if size < 0:
            raise ValueError(
                "max_unpooling: output_size must contain non-negative spatial dimensions, but got "
                f"output_size[{d}]={size}"
            )
    return output_size


def _check(input: Tensor, indices: Any, sizes: tuple[int, ...], stride: Any) -> None:
    """Check input (..., spatial) and indices against the output's sizes."""
    count = len(sizes)
    function, x = f"max_unpool{count}d", input._array.shape
    dtype = scalar_name(check_tensor(indices, function, "indices", 2).dtype)
    if dtype != "Long":
        got = f" but got: {dtype}" if count == 2 else ""
        raise RuntimeError(f"elements in indices should be type int64{got}")
    if len(x) not in (count + 1, count + 2):
        raise RuntimeError(
            f"Input to max_unpooling{count}d should be a {count + 1}d or {count + 2}d Tensor, but got a tensor with "
            f"{len(x)} dimensions."
        )
    if count == 3 and min(stride) <= 0:
        raise RuntimeError(f"strides should be greater than zero, but got stride: {list(stride)}")
    if indices._array.shape != x:
        raise RuntimeError(
            f"Expected shape of indices to be same as that of the input tensor ({list(x)}) but got indices tensor with "
            f"shape: {list(indices.shape)}"
        )
    for dim in range(len(x) - count - 1, len(x)):
        if x[dim] == 0:
            raise RuntimeError(
                f"max_unpooling{count}d_forward_out_cpu(): Expected input to have non-zero size for non-batch "
                f"dimensions, but got {list(x)} with dimension {dim} being empty."
            )
    if not input.is_floating_point():
        raise not_implemented_for(function, input)


def _unpool(input: Any, indices: Any, kernel: Any, stride: Any, padding: Any, output_size: Any, count: int) -> Tensor:
    """Check the arguments of an unpooling to `count` dimensions, and unpool; lines as planes of width 1."""
    function = f"max_unpool{count}d"
    check_tensor(input, function)
    kernel = _tuple(kernel, count)
    stride = kernel if stride is None else _tuple(stride, count)
    sizes = _output_size(input._array.shape, kernel, stride, _tuple(padding, count), output_size)
    if count == 1:
        check_tensor(indices, function, "indices", 2)
        input, indices, sizes = input.unsqueeze(-1), indices.unsqueeze(-1), (*sizes, 1)
    sizes = int_tuple(tuple(sizes), f"max_unpool{max(count, 2)}d", "output_size", 3)
    _check(input, indices, sizes, stride)
    shape = PoolShape((*input._array.shape[: -len(sizes)], *sizes), input._array.shape, (1,) * len(sizes))
    check_cells(shape.x, len(sizes))
    cells, places = int(np.prod(sizes)), indices._array
    wrong = places[(places < 0) | (places >= cells)]
    if wrong.size:
        raise RuntimeError(
            f"Found an invalid max index: {wrong[0]} (output volumes are of size {'x'.join(map(str, sizes))})"
        )
    result = MaxUnpool.apply(input, indices, shape=shape)
    return result.squeeze(-1) if count == 1 else result


def max_unpool1d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """max_unpool2d of one dimension (`F.max_unpool1d`): input (N, C, L) or (C, L)."""
    return _unpool(input, indices, kernel_size, stride, padding, output_size, 1)


def max_unpool2d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """Put values back where max_pool2d with `return_indices` took them from, zeros elsewhere (`F.max_unpool2d`).

    input, a float (N, C, H, W) or (C, H, W), and int64 indices of its shape. Returns planes of height (H - 1) stride -
    2 padding + kernel_size, or of `output_size`, the planes' or the whole shape, which may differ by less than the
    stride. Of indices that repeat the last one stays.

    Raises RuntimeError for an index outside, an input that does not fit the indices and wrong ranks, ValueError for an
    output_size that is not possible, NotImplementedError for integers.
    """
    return _unpool(input, indices, kernel_size, stride, padding, output_size, 2)


def max_unpool3d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """max_unpool2d of three dimensions (`F.max_unpool3d`): input (N, C, D, H, W) or (C, D, H, W)."""
    return _unpool(input, indices, kernel_size, stride, padding, output_size, 3)
