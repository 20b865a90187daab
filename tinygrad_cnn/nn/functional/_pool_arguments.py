"""What all poolings ask of their arguments: PyTorch's checks, in its order and words, and the output sizes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from tinygrad_cnn.nn.functional._arguments import int_tuple
from tinygrad_cnn.ops.pool import PoolShape

Sizes = tuple[int, ...]
INT_MAX = 2**31 - 1
_WORDS = {2: "two", 3: "three"}


def spatial(value: Any, argument: str, function: str, position: int, count: int) -> Sizes:
    """Return `count` numbers of an int, a sequence of one, or one of `count`."""
    # By far the most frequent first, for they are checked on every call.
    if type(value) is int and -INT_MAX <= value <= INT_MAX:
        return (value,) * count
    if type(value) is tuple and len(value) == count:
        for number in value:
            if type(number) is not int or not -INT_MAX <= number <= INT_MAX:
                break
        else:
            return value
    numbers = int_tuple(value, function, argument, position)
    if len(numbers) not in (1, count):
        raise RuntimeError(_wrong_count(argument, function, len(numbers), count))
    if any(abs(number) > INT_MAX for number in numbers):
        raise RuntimeError("value cannot be converted to type int without overflow")
    return numbers if len(numbers) == count else numbers * count


def strides(value: Any, function: str, kernel: Sizes) -> Sizes:
    """Return the numbers of the argument `stride`: the kernel's sizes if it is missing."""
    if type(value) is not int and (value is None or value == [] or value == ()):
        return kernel
    return spatial(value, "stride", function, 3, len(kernel))


def _wrong_count(argument: str, function: str, got: int, count: int) -> str:
    omitted = argument == "stride"
    if count == 1 and "avg" in function:
        return f"{function}() argument '{argument}' should contain one int (got {got})"
    if count == 1:
        comma = "," if argument in ("stride", "padding") else ""
        kinds = f"{'None, ' if omitted else ''}an int, list of ints{comma} or"
        return f"{function}() {argument} must be {kinds} tuple of ints of size 1 but got size {got}"
    must = "must be" if function == "avg_pool3d" else "must be either" if argument == "dilation" else "must either be"
    kinds = f"{'omitted, ' if omitted else ''}a single int, or a tuple of {_WORDS[count]} ints"
    return f"{function}: {argument} {must} {kinds}"


def _named(prefix: str, numbers: Sizes) -> str:
    return " ".join([f"{prefix}{way}: {n}" for way, n in zip("THW"[-len(numbers) :], numbers, strict=True)])


def check_windows(kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> None:
    """Check the numbers of planar or spatial windows."""
    if 0 in stride:
        raise RuntimeError("stride should not be zero")
    if min(kernel) <= 0:
        raise RuntimeError(f"kernel size should be greater than zero, but got {_named('k', kernel)}")
    if min(stride) <= 0:
        raise RuntimeError(f"stride should be greater than zero, but got {_named('d', stride)}")
    if min(dilation) <= 0:
        raise RuntimeError(f"dilation should be greater than zero, but got {_named('dilation', dilation)}")
    for pad, size, step in zip(padding, kernel, dilation, strict=True):
        if pad < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {pad}")
        if pad > ((size - 1) * step + 1) // 2:
            raise RuntimeError(
                f"pad should be at most half of effective kernel size, but got pad={pad}, kernel_size={size} and "
                f"dilation={step}"
            )


def output_size(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    """Return the number of windows along one dimension."""
    span = size + 2 * padding - dilation * (kernel - 1) - 1
    count = (span + (stride - 1 if ceil_mode else 0)) // stride + 1
    # The last window must not start beyond the input and its padding on the left: it would hold nothing but padding.
    if ceil_mode and (count - 1) * stride >= size + padding:
        count -= 1
    return count


@lru_cache(maxsize=4096)
def pool_shape(
    function: str, x: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool
) -> PoolShape:
    """Check all sizes of a pooling of planes or volumes and return them."""
    check_windows(kernel, stride, padding, dilation)
    count = len(kernel)
    if len(x) not in (count + 1, count + 2) or 0 in x[-count - 1 :]:
        raise RuntimeError(_not_pooled(function, x, count))
    inside = x[-count:]
    sizes = [
        output_size(*numbers, ceil_mode) for numbers in zip(inside, kernel, stride, padding, dilation, strict=True)
    ]
    if function == "avg_pool3d" and any(size < extent for size, extent in zip(inside, kernel, strict=True)):
        raise RuntimeError(f"input image ({_named('', inside)}) smaller than kernel size ({_named('k', kernel)})")
    if min(sizes) < 1:
        channels = x[-count - 1]
        raise RuntimeError(
            f"Given input size: ({'x'.join(map(str, (channels, *inside)))}). Calculated output size: "
            f"({'x'.join(map(str, (channels, *sizes)))}). Output size is too small"
        )
    return PoolShape(x, (*x[:-count], *sizes), kernel, stride, padding, dilation)


def _not_pooled(function: str, x: Sizes, count: int) -> str:
    """Return what is wrong with an input of another rank, or without cells."""
    if count == 3:
        if function != "avg_pool3d":
            function += "_with_indices_out_cpu_template"
        return (
            f"{function}(): Expected input's non-batch dimensions to have positive length, but input has a shape of "
            f"{list(x)} and non-batch dimension 0 has length zero!"
        )
    return (
        "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:"
        f"[{', '.join(map(str, x))}]"
    )


def check_cells(x: Sizes, count: int = 2) -> None:
    """Raise NotImplementedError for planes or volumes so large that 32 bits do not count their cells."""
    cells = 1
    for size in x[-count:]:
        cells *= size
    if cells > INT_MAX:
        raise NotImplementedError(f"max pooling of planes of more than 2^31 - 1 cells: {list(x)}")
