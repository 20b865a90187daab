"""Adaptive pooling: windows chosen for a given output size."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.nn.functional._arguments import check_tensor, int_tuple, not_implemented_for
from tinygrad_cnn.nn.functional.pooling import check_plane
from tinygrad_cnn.ops.pool import POOL_MAX, AdaptiveAvgPool2d, AdaptiveMaxPool2d, PoolShape
from tinygrad_cnn.tensor import Tensor

__all__ = ["adaptive_avg_pool2d", "adaptive_max_pool2d", "adaptive_max_pool2d_with_indices"]


def _adaptive_shape(input: Tensor, output_size: Any, function: str) -> PoolShape:
    """Return the sizes for `output_size`: an int, or a pair in which None keeps a size."""
    x = input._array.shape
    entries = list(output_size) if isinstance(output_size, (tuple, list)) else [output_size]
    if len(x) not in (3, 4):
        colon = ":" if function == "adaptive_max_pool2d" else ""
        raise RuntimeError(f"{function}(): Expected 3D or 4D tensor, but got{colon} {list(x)}")
    if len(entries) == 1 and not isinstance(output_size, (tuple, list)):
        if entries[0] is None or isinstance(entries[0], float):
            raise TypeError(f"object of type '{type(entries[0]).__name__}' has no len()")
        entries = entries * 2
    if len(entries) != 2:
        if function == "adaptive_max_pool2d":
            raise RuntimeError("adaptive_max_pool2d(): internal error: output_size.size() must be 2")
        raise RuntimeError(f"{function}: output_size must be 2")
    kept = [size if entry is None else entry for entry, size in zip(entries, x[-2:], strict=True)]
    sizes = int_tuple(kept, function, "output_size", 2)
    if min(sizes) < 0:
        if function == "adaptive_max_pool2d":
            raise RuntimeError(f"Trying to create tensor with negative dimension {min(sizes)}: {[*x[:-2], *sizes]}")
        raise RuntimeError(
            f"{function}: elements of output_size must be greater than or equal to 0 but received "
            f"{{{sizes[0]}, {sizes[1]}}}"
        )
    return PoolShape(x, (*x[:-2], *sizes))


def _check_not_empty(x: tuple[int, ...], function: str, dims: range) -> None:
    for dim in dims:
        if x[dim] == 0:
            raise RuntimeError(
                f"{function}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes "
                f"{list(x)} with dimension {dim} being empty"
            )


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """Average over windows chosen so that the output has a given size (`F.adaptive_avg_pool2d`).

    input (N, C, H, W) or (C, H, W), float. output_size is an int or (OH, OW), in which None keeps the input's. Row i
    covers rows floor(i H / OH) to ceil((i + 1) H / OH) - 1; columns alike. OH may be 0, or larger than H.

    Raises RuntimeError for wrong ranks and sizes, NotImplementedError for integers.
    """
    name = "adaptive_avg_pool2d"
    shape = _adaptive_shape(check_tensor(input, name), output_size, name)
    _check_not_empty(shape.x, name, range(len(shape.x) - 2, len(shape.x)))
    if not input.is_floating_point():
        raise not_implemented_for(name, input)
    return AdaptiveAvgPool2d.apply(input, shape=shape)


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Keep the largest value of windows chosen so that the output has a given size (`F.adaptive_max_pool2d`).

    Sizes and errors as adaptive_avg_pool2d's; ties, NaN and indices as max_pool2d's.
    """
    name = "adaptive_max_pool2d"
    shape = _adaptive_shape(check_tensor(input, name), output_size, name)
    _check_not_empty(shape.x, name, range(1, len(shape.x)))
    if not input.is_floating_point():
        raise not_implemented_for(name, input)
    check_plane(shape.x)
    return AdaptiveMaxPool2d.apply(input, shape=shape, op=POOL_MAX, adaptive=True, return_indices=bool(return_indices))


def adaptive_max_pool2d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """adaptive_max_pool2d that always returns (values, indices)."""
    return adaptive_max_pool2d(input, output_size, True)
