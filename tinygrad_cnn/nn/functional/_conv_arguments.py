"""What all convolutions, transposed or not, ask of their arguments: PyTorch's checks, in its order and words."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.dtypes import C_NAMES
from tinygrad_cnn.nn.functional._arguments import int_tuple
from tinygrad_cnn.tensor import Tensor

Sizes = tuple[int, ...]


def spatial(value: Any, argument: str, function: str, position: int, count: int) -> Sizes:
    """Return `count` numbers of an int, a sequence of one, or one of `count`."""
    # By far the most frequent first, for they are checked on every call.
    if type(value) is int and -(2**31) < value < 2**31:
        return (value,) * count
    if type(value) is tuple and len(value) == count:
        for number in value:
            if type(number) is not int or not -(2**31) < number < 2**31:
                break
        else:
            return value
    numbers = int_tuple(value, function, argument, position)
    if len(numbers) == 1:
        return numbers * count
    if len(numbers) != count:
        raise _wrong_count(argument, numbers, count)
    return numbers


def _wrong_count(argument: str, numbers: Sizes, count: int) -> RuntimeError:
    return RuntimeError(
        f"expected {argument} to be a single integer value or a list of {count} values to match the convolution "
        f"dimensions, but got {argument}={list(numbers)}"
    )


def check_ranks(x: Sizes, weight: Sizes, stride: Sizes, function: str, same: bool = False) -> None:
    """Check that input and weight have the dimensions of the function; PyTorch goes by those of the weight."""
    count = len(stride)
    if len(x) not in (count + 1, count + 2):
        raise RuntimeError(
            f"Expected {count + 1}D (unbatched) or {count + 2}D (batched) input to {function}, but got input of size: "
            f"{list(x)}"
        )
    if len(weight) == count + 2:
        return
    if len(weight) < 3:
        raise RuntimeError("weight should have at least three dimensions")
    if count > 1 and not same:
        raise _wrong_count("stride", stride, len(weight) - 2)
    batched = x if len(x) == count + 2 else (1, *x)
    raise RuntimeError(
        f"Expected {len(weight)}-dimensional input for {len(weight)}-dimensional weight{'' if same else ' '}"
        f"{list(weight)}, but got {len(batched)}-dimensional input of size {list(batched)} instead"
    )


def check_numbers(stride: Sizes, padding: Sizes, dilation: Sizes, groups: int) -> None:
    """Check that the numbers are as large as makes sense."""
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    if min(padding) < 0:
        raise RuntimeError("negative padding is not supported")
    if min(stride) < 1:
        raise RuntimeError("non-positive stride is not supported")
    if min(dilation) < 0:
        raise RuntimeError("dilation should be greater than zero")


def check_channels(x: Sizes, weight: Sizes, groups: int, transposed: bool) -> None:
    """Check the channels of a batched input against the weight's and the groups."""
    kind = "transposed=1" if transposed else f"groups={groups}"
    if weight[0] < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of size "
            f"{list(weight)} instead"
        )
    if weight[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of "
            f"size [{list(weight)}] instead"
        )
    expected = weight[0] if transposed else weight[1] * groups
    if x[1] != expected:
        raise RuntimeError(
            f"Given {kind}, weight of size {list(weight)}, expected input{list(x)} to have {expected} channels, but "
            f"got {x[1]} channels instead"
        )


def check_kernel(weight: Sizes, function: str) -> None:
    """Check that the kernel is not empty."""
    if 0 in weight[2:]:
        raise RuntimeError(f"{function}: the kernel has no elements: weight of size {list(weight)}")


def check_not_empty(x: Sizes) -> None:
    """Check that a batched input is empty only for having no images or no channels."""
    if 0 in x[2:] and 0 not in x[:2]:
        planar = x if len(x) != 3 else (*x[:2], 1, x[2])
        raise RuntimeError(f"Only zero batch or zero channel inputs are supported, but got input shape: {list(planar)}")


def check_bias(bias: Tensor | None, count: int, weight: Sizes, transposed: bool) -> None:
    """Check that the bias has one number for each channel of the result."""
    if bias is not None and bias._array.shape != (count,):
        kind = "transposed=1, " if transposed else ""
        raise RuntimeError(
            f"Given {kind}weight of size {list(weight)}, expected bias to be 1-dimensional with {count} elements, but "
            f"got bias of size {list(bias.shape)} instead"
        )


def check_dtypes(input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    """Check that all have one dtype."""
    dtype = input._array.dtype
    if weight._array.dtype is dtype and (bias is None or bias._array.dtype is dtype):
        return
    if bias is not None and bias._array.dtype != dtype:
        got, want = C_NAMES[input.dtype], C_NAMES[bias.dtype]
        raise RuntimeError(f"Input type ({got}) and bias type ({want}) should be the same")
    if weight._array.dtype != dtype:
        raise RuntimeError(f"Input type ({input.type()}) and weight type ({weight.type()}) should be the same")
