"""Adaptive pooling of lines, planes and volumes: windows chosen for a given output size."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from tinygrad_cnn.nn.functional._arguments import check_tensor, int_tuple, not_implemented_for
from tinygrad_cnn.nn.functional._pool_arguments import check_cells
from tinygrad_cnn.nn.functional.pooling_average import wrong_rank
from tinygrad_cnn.ops.halves import in_float32
from tinygrad_cnn.ops.pool import POOL_MAX, AdaptiveAvgPool2d, AdaptiveMaxPool2d, PoolShape
from tinygrad_cnn.ops.pool_volumes import adaptive_avg_pool3d as average_volumes
from tinygrad_cnn.ops.pool_volumes import max_pool3d as pool_volumes
from tinygrad_cnn.tensor import Tensor

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d",
    "adaptive_max_pool3d_with_indices",
]


def _entries(x: tuple[int, ...], output_size: Any, function: str, count: int) -> list[Any]:
    """Return `count` entries of `output_size`, those that are None replaced by the input's sizes."""
    if not isinstance(output_size, (tuple, list)):
        if output_size is None or isinstance(output_size, float):
            raise TypeError(f"object of type '{type(output_size).__name__}' has no len()")
        entries = [output_size] * count
    else:
        entries = list(output_size)
        if len(x) <= len(entries):
            raise ValueError(f"Input dimension should be at least {len(entries) + 1}")
    if len(x) not in (count + 1, count + 2):
        colon = ":" if "max" in function else ""
        raise RuntimeError(f"{function}(): Expected {count + 1}D or {count + 2}D tensor, but got{colon} {list(x)}")
    if len(entries) != count:
        if "max" in function:
            raise RuntimeError(f"{function}(): internal error: output_size.size() must be {count}")
        raise RuntimeError(f"{function}: output_size must be {count}")
    return [size if entry is None else entry for entry, size in zip(entries, x[-count:], strict=True)]


def _adaptive_shape(input: Tensor, output_size: Any, function: str, count: int) -> PoolShape:
    """Return the sizes for `output_size`: an int, or a sequence in which None keeps a size."""
    x = input._array.shape
    sizes = int_tuple(_entries(x, output_size, function, count), function, "output_size", 2)
    lead = x[:-count]
    if min(sizes) < 0:
        if "max" in function:
            raise RuntimeError(f"Trying to create tensor with negative dimension {min(sizes)}: {[*lead, *sizes]}")
        between = ", " if count == 2 else ","
        raise RuntimeError(
            f"{function}: elements of output_size must be greater than or equal to 0 but received "
            f"{{{sizes[0]}, {between.join(map(str, sizes[1:]))}}}"
        )
    return _known(x, sizes)


@lru_cache(maxsize=1024)
def _known(x: tuple[int, ...], sizes: tuple[int, ...]) -> PoolShape:
    count = len(sizes)
    return PoolShape(x, (*x[:-count], *sizes), (1,) * count, (1,) * count, (0,) * count, (1,) * count)


def _check_not_empty(x: tuple[int, ...], function: str, dims: range) -> None:
    for dim in dims:
        if x[dim] == 0:
            raise RuntimeError(
                f"{function}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes "
                f"{list(x)} with dimension {dim} being empty"
            )


def _line(input: Any, output_size: Any, function: str) -> tuple[int, int]:
    """Check the arguments of a pooling of lines; return the output size of planes of height 1."""
    sizes = int_tuple(output_size, function, "output_size", 2)
    if check_tensor(input, function)._array.ndim not in (2, 3):
        raise wrong_rank(function, input)
    if len(sizes) != 1:
        raise RuntimeError(f"{function}() argument 'output_size' should contain one int (got {len(sizes)})")
    return 1, sizes[0]


@in_float32
def _average(input: Tensor, output_size: Any, count: int) -> Tensor:
    function = f"adaptive_avg_pool{count}d"
    shape = _adaptive_shape(check_tensor(input, function), output_size, function, count)
    if shape.y[-count:] == (1,) * count and (0 in shape.x or not input.is_floating_point()):
        return input.mean(tuple(range(-count, 0)), keepdim=True)  # so does PyTorch, with NaN for no cells
    first = len(shape.x) - count - (count == 3)
    _check_not_empty(shape.x, function, range(max(first, 1 if count == 3 else 0), len(shape.x)))
    if not input.is_floating_point():
        raise not_implemented_for(f"{function}_cpu" if count == 3 else function, input)
    return average_volumes(input, shape) if count == 3 else AdaptiveAvgPool2d.apply(input, shape=shape)


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """adaptive_avg_pool2d of one dimension (`F.adaptive_avg_pool1d`): input (N, C, L) or (C, L)."""
    size = _line(input, output_size, "adaptive_avg_pool1d")
    return _average(input.unsqueeze(-2), size, 2).squeeze(-2)


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """Average over windows chosen so that the output has a given size (`F.adaptive_avg_pool2d`).

    input (N, C, H, W) or (C, H, W), float. output_size is an int or (OH, OW), in which None keeps the input's. Row i
    covers rows floor(i H / OH) to ceil((i + 1) H / OH) - 1; columns alike. OH may be 0, or larger than H.

    Raises RuntimeError for wrong ranks and sizes, ValueError for more sizes than the input has, NotImplementedError for
    integers.
    """
    return _average(input, output_size, 2)


def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """adaptive_avg_pool2d of three dimensions (`F.adaptive_avg_pool3d`): input (N, C, D, H, W) or (C, D, H, W)."""
    return _average(input, output_size, 3)


def _maximum(function: str, count: int, input: Tensor, output_size: Any, return_indices: bool) -> Any:
    if count == 1:
        size = _line(input, output_size, function)
        _check_not_empty(input._array.shape, function, range(1, input._array.ndim))
        result = _maximum("adaptive_max_pool2d", 2, input.unsqueeze(-2), size, return_indices)
        return tuple([part.squeeze(-2) for part in result]) if return_indices else result.squeeze(-2)
    shape = _adaptive_shape(check_tensor(input, function), output_size, function, count)
    _check_not_empty(shape.x, function, range(1, len(shape.x)))
    if not input.is_floating_point():
        raise not_implemented_for(f"{function}_cpu" if count == 3 else function, input)
    check_cells(shape.x, count)
    if count == 3:
        return pool_volumes(input, shape, POOL_MAX, True, return_indices)
    return AdaptiveMaxPool2d.apply(input, shape=shape, op=POOL_MAX, adaptive=True, return_indices=return_indices)


def _named(count: int, indices: bool, doc: str) -> Callable[..., Any]:
    """Return the function for a number of dimensions, and whether it always returns indices."""
    function = f"adaptive_max_pool{count}d"

    def pool(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
        return _maximum(function, count, input, output_size, indices or bool(return_indices))

    pool.__name__ = pool.__qualname__ = f"{function}_with_indices" if indices else function
    pool.__doc__ = doc
    return pool


adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = [
    _named(
        n,
        False,
        f"""Keep the largest value of windows chosen so that the output has a given size (`F.adaptive_max_pool{n}d`).

    Sizes and errors as adaptive_avg_pool{n}d's; ties, NaN and indices as max_pool{n}d's.
    """,
    )
    for n in (1, 2, 3)
]
adaptive_max_pool1d_with_indices, adaptive_max_pool2d_with_indices, adaptive_max_pool3d_with_indices = [
    _named(n, True, f"adaptive_max_pool{n}d that always returns (values, indices).") for n in (1, 2, 3)
]
