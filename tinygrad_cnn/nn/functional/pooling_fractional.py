"""Fractional max pooling: windows that start at random, so that sizes shrink by any ratio (Graham 2014)."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.casts import widened
from tinygrad_cnn.nn.functional._arguments import check_tensor, int_tuple, not_implemented_for
from tinygrad_cnn.nn.functional._pool_arguments import check_cells
from tinygrad_cnn.ops.halves import in_float32
from tinygrad_cnn.ops.pool_gather import fractional_max_pool
from tinygrad_cnn.random import rand
from tinygrad_cnn.tensor import Tensor

__all__ = [
    "fractional_max_pool2d",
    "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices",
]

_WAYS = ("time", "height", "width")


def _numbers(value: Any, argument: str, function: str, position: int, count: int) -> tuple[int, ...]:
    numbers = int_tuple(value, function, argument, position)
    if not isinstance(value, (tuple, list)):
        return numbers * count
    if len(numbers) != count:
        three = "three " if count == 3 else ""
        raise RuntimeError(f"{function}: {argument} must either be a single Int or tuple of {three}Ints")
    return numbers


def _sizes_of_ratio(input: Tensor, ratio: Any, function: str, count: int) -> list[int]:
    if count == 2 and len(ratio) > 2:
        raise ValueError(f"{function} requires output_ratio to either be a single Int or tuple of Ints.")
    ratios = tuple(ratio) if hasattr(ratio, "__iter__") else (ratio,) * count
    return [int(input.size(d - count) * ratios[d]) for d in range(count)]


def _check_samples(samples: Tensor, input: Tensor, batched: tuple[int, ...]) -> None:
    """Check the random samples against a batched input's sizes."""
    shape, count = samples._array.shape, len(batched) - 2
    if samples._array.dtype != input._array.dtype:
        raise RuntimeError("Expect _random_samples to have the same dtype as input")
    if len(shape) != 3:
        raise RuntimeError(f"Expect _random_samples to have 3 dimensions, got {len(shape)}")
    if shape[0] < batched[0]:
        raise RuntimeError("Expect _random_samples.size(0) no less then input batch size.")
    if shape[1] != batched[1]:
        raise RuntimeError("Expect _random_samples.size(1) equals to input channel size.")
    if shape[2] != count:
        raise RuntimeError(f"Expect _random_samples.size(2) equals to {count}; got {shape[2]}.")


def _check_sizes(x: tuple[int, ...], kernel: tuple[int, ...], out: tuple[int, ...], function: str) -> None:
    """Check input, kernel and output sizes."""
    count = len(kernel)
    label = f"{function}_out" if count == 3 else function
    if len(x) not in (count + 1, count + 2):
        raise RuntimeError(f"{label}(): Expected {count + 1}D or {count + 2}D tensor, but got: {list(x)}")
    for dim in range(len(x) - count - 1, len(x)):
        if x[dim] == 0:
            raise RuntimeError(
                f"{label}(): Expected input to have non-zero size for non-batch dimensions, but got{list(x)} with "
                f"dimension {dim} being empty."
            )
    for way, size, cells, windows in zip(_WAYS[-count:], x[-count:], kernel, out, strict=True):
        if windows + cells - 1 + (count == 3) > size:  # in volumes PyTorch wants one cell more than are needed
            raise RuntimeError(f"{label}(): pool {way} {cells} too large relative to input {way} {size}")
    if min(kernel) < 1:
        raise RuntimeError(f"{function}: kernel_size must be greater than zero, but got {list(kernel)}")
    if min(out) < 0:
        shape = [*x[:-count], *out]
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(out)}: {shape}")


def _pool(input: Any, kernel_size: Any, output_size: Any, output_ratio: Any, samples: Any, count: int) -> Any:
    """Return (values, indices) of a fractional pooling over `count` dimensions."""
    function = f"fractional_max_pool{count}d"
    check_tensor(input, function)
    if output_size is None and output_ratio is None:
        raise ValueError(f"{function} requires specifying either an output_size or an output_ratio")
    if output_size is None:
        output_size = _sizes_of_ratio(input, output_ratio, function, count)
    x = input._array.shape
    if samples is None:
        samples = rand(1 if len(x) == count + 1 else x[0], input.size(-count - 1), count, dtype=input.dtype)
    kernel = _numbers(kernel_size, "kernel_size", function, 2, count)
    out = _numbers(output_size, "output_size", function, 3, count)
    check_tensor(samples, function, "random_samples", 4)
    _check_sizes(x, kernel, out, function)
    batch = input if len(x) == count + 2 else input.unsqueeze(0)
    _check_samples(samples, input, batch._array.shape)
    if not input.is_floating_point():
        raise not_implemented_for(f"{function}_out_frame", input)
    check_cells(x, count)
    drawn = widened(samples._array[: len(batch._array)])
    # PyTorch's samples for planes are (width, height), those for volumes (time, height, width).
    result = in_float32(fractional_max_pool)(batch, kernel, out, drawn[..., ::-1] if count == 2 else drawn)
    return result if batch is input else tuple([part.squeeze(0) for part in result])


def fractional_max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """fractional_max_pool2d that always returns (values, indices)."""
    return _pool(input, kernel_size, output_size, output_ratio, _random_samples, 2)


def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """Keep the largest value of windows that start at random (`F.fractional_max_pool2d`).

    input (N, C, H, W) or (C, H, W), float. The output has `output_size`, an int or (OH, OW), or `output_ratio` (a pair)
    times the input's sizes. With `return_indices` returns (values, int64 indices row * W + column).
    `_random_samples` (N, C, 2) in [0, 1), horizontal first, says where windows start; else they are drawn as PyTorch
    draws them.

    Raises ValueError without a size, RuntimeError for sizes that do not fit, NotImplementedError for integers.
    """
    result = _pool(input, kernel_size, output_size, output_ratio, _random_samples, 2)
    return result if return_indices else result[0]


def fractional_max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """fractional_max_pool3d that always returns (values, indices)."""
    return _pool(input, kernel_size, output_size, output_ratio, _random_samples, 3)


def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """fractional_max_pool2d of three dimensions (`F.fractional_max_pool3d`); samples (N, C, 3) in their order."""
    result = _pool(input, kernel_size, output_size, output_ratio, _random_samples, 3)
    return result if return_indices else result[0]
