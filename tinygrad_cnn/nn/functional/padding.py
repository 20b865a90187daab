"""pad: constant, reflect, replicate and circular padding; negative amounts crop."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_cnn.nn.functional._arguments import check_tensor, int_tuple, not_implemented_for
from tinygrad_cnn.ops.base import clone
from tinygrad_cnn.ops.pad import Pad2d, index_map
from tinygrad_cnn.tensor import Tensor

__all__ = ["constant_pad_nd", "pad"]

_LARGEST = 2**45  # elements: what 48 bits of addresses reach
_RANKS = {2: (2, 3), 4: (3, 4), 6: (4, 5)}
_C_NAMES = {"uint8": "uint8_t", "int8": "int8_t", "int16": "int16_t", "int32": "int", "int64": "int64_t"}


def pad(input: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> Tensor:
    """Extend dimensions, the last first: pad = (left, right, top, bottom, front, back, ...) (`F.pad`).

    mode 'constant' pads any number of dimensions with `value` (0); 'reflect' (without the edge), 'replicate' (the edge)
    and 'circular' pad the last 1, 2 or 3 dimensions of an input with one or two more. Negative amounts crop.

    Raises RuntimeError for amounts that do not fit, NotImplementedError for an unknown mode or number of dimensions.
    """
    check_tensor(input, "pad")
    if not isinstance(pad, (tuple, list)):
        raise TypeError(f"pad(): argument 'pad' (position 2) must be tuple of ints, not {type(pad).__name__}")
    amounts = int_tuple(pad, "pad", "pad", 2)
    if not isinstance(mode, str):
        raise TypeError(f"pad(): argument 'mode' (position 3) must be str, not {type(mode).__name__}")
    if value is not None and not hasattr(value, "__float__"):
        raise TypeError(f"pad(): argument 'value' (position 4) must be float, not {type(value).__name__}")
    shape = input._array.shape
    if len(amounts) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(amounts) > 2 * len(shape):
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(amounts)} and input of dimension {len(shape)}"
        )
    if mode == "constant":
        return _pad_constant(input, amounts, 0.0 if value is None else float(value))
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if value is not None and value != 0:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    _check_ranks(input, amounts, mode)
    _check_sizes(shape, amounts)
    for i in range(0, len(amounts), 2):
        _check_amounts(shape, amounts, i, mode)
    if mode != "circular":
        _check_result(shape, amounts, mode)
    return _pad_dimensions(input, amounts, mode, 0.0)


def constant_pad_nd(input: Tensor, pad: Any, value: float = 0) -> Tensor:
    """Extend dimensions by a constant, the last first; negative amounts crop (`torch.constant_pad_nd`)."""
    name = "constant_pad_nd"
    check_tensor(input, name)
    amounts = int_tuple(pad, name, "pad", 2)
    if not hasattr(value, "__float__"):
        raise TypeError(f"{name}(): argument 'value' (position 3) must be Number, not {type(value).__name__}")
    if len(amounts) % 2:
        raise RuntimeError(f"Length of pad must be even but instead it equals {len(amounts)}")
    if len(amounts) > 2 * input.ndim:
        raise RuntimeError(
            "Length of pad should be no more than twice the number of dimensions of the input. Pad length is "
            f"{len(amounts)}while the input has {input.ndim}dimensions."
        )
    return _pad_constant(input, amounts, value)


def _pad_constant(input: Tensor, amounts: tuple[int, ...], value: Any) -> Tensor:
    shape, dtype = input._array.shape, input._array.dtype
    for i in range(0, len(amounts), 2):
        if -min(amounts[i], 0) - min(amounts[i + 1], 0) > shape[len(shape) - 1 - i // 2]:
            raise RuntimeError("narrow(): length must be non-negative.")
    _check_sizes(shape, amounts)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if not limits.min <= value <= limits.max or (limits.min == 0 and value < 0):
            raise RuntimeError(f"value cannot be converted to type {_C_NAMES[dtype.name]} without overflow")
        value = int(value)
    return _pad_dimensions(input, amounts, "constant", value) if shape else clone(input)


def _check_ranks(input: Tensor, amounts: tuple[int, ...], mode: str) -> None:
    """Check the dimensions and dtype of an input that is padded by its own elements."""
    ndim = input.ndim
    if ndim not in _RANKS.get(len(amounts), ()):
        raise NotImplementedError(
            f"Padding size {len(amounts)} is not supported for {ndim}D input tensor.\n"
            "Supported combinations for non-constant padding:\n"
            "  - 2D or 3D input: padding size = 2 (pads last dimension)\n"
            "  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)\n"
            "  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"
        )
    if mode != "circular":
        padded = len(amounts) // 2
        if 0 in input.shape[-padded - 1 :] and 0 in input.shape[ndim - padded - 1 if ndim > padded + 1 else 1 :]:
            raise RuntimeError(
                f"Expected {padded + 1}D or {padded + 2}D (batch mode) tensor with possibly 0 batch size and other "
                f"non-zero dimensions for input, but got: {list(input.shape)}"
            )
        if input._array.dtype.kind == "b":
            name = "reflection" if mode == "reflect" else "replication"
            raise not_implemented_for(f"{name}_pad{padded}d", input)


def _padded(shape: tuple[int, ...], amounts: tuple[int, ...]) -> list[int]:
    sizes = list(shape)
    for i, amount in enumerate(amounts):
        sizes[len(shape) - 1 - i // 2] += amount
    return sizes


def _check_sizes(shape: tuple[int, ...], amounts: tuple[int, ...]) -> None:
    """Check the size of the result against the address space."""
    sizes = _padded(shape, amounts)
    if math.prod(max(size, 1) for size in sizes) > _LARGEST:  # the index maps of an empty result would be as large
        raise RuntimeError(f"Storage size calculation overflowed with sizes={sizes}")


def _check_amounts(shape: tuple[int, ...], amounts: tuple[int, ...], i: int, mode: str) -> None:
    """Check amounts i and i + 1 against the size of their dimension."""
    before, after = amounts[i], amounts[i + 1]
    dim = len(shape) - 1 - i // 2
    size = shape[dim]
    if mode == "reflect" and max(before, after) >= size:
        raise RuntimeError(
            f"Argument #{4 + i}: Padding size should be less than the corresponding input dimension, but got: padding "
            f"({before}, {after}) at dimension {dim} of input {list(shape)}"
        )
    if mode == "circular":
        if max(before, after) > size:
            raise RuntimeError("Padding value causes wrapping around more than once.")
        left = size + min(before, 0) + min(after, 0)
        if before + size + after < 0 or (left <= 0 and max(before, after) > 0):  # PyTorch reads unwritten memory there
            raise RuntimeError("Negative padding value is resulting in an empty dimension")


def _check_result(shape: tuple[int, ...], amounts: tuple[int, ...], mode: str) -> None:
    """Check that cropping leaves something, at least in one of the padded dimensions."""
    count = len(amounts) // 2
    sizes = _padded(shape, amounts)
    if max(sizes[-count:]) < 1:
        before = {1: "W: {}", 2: "H: {}, W: {}" if mode == "reflect" else "H: {}, W: {} ", 3: "D: {} H: {}, W: {}"}
        after = {1: "W: {}", 2: "H: {} W: {}", 3: "D: {} H: {} W: {}"}
        raise RuntimeError(
            f"input ({before[count].format(*shape[-count:])}) is too small. Calculated output "
            f"{after[count].format(*sizes[-count:])}"
        )
    if min(sizes) < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(sizes)}: {sizes}")


def _pad_dimensions(input: Tensor, amounts: tuple[int, ...], mode: str, value: float) -> Tensor:
    """Pad the last two dimensions together, then each further one as the rows of a (before, size, after) array."""
    columns = (amounts + (0, 0))[:2]
    rows = (amounts + (0, 0, 0, 0))[2:4]
    shape = list(input._array.shape)
    if len(shape) == 1:
        return _pad_planes(input.unsqueeze(0), (0, 0), columns, mode, value).squeeze(0)
    result = input
    if any(columns) or any(rows) or len(amounts) <= 4:
        result = _pad_planes(input, rows, columns, mode, value)
    for i in range(4, len(amounts), 2):
        if amounts[i] or amounts[i + 1]:
            shape = list(result._array.shape)
            dim = len(shape) - 1 - i // 2
            planes = result.reshape(math.prod(shape[:dim]), shape[dim], math.prod(shape[dim + 1 :]))
            shape[dim] += amounts[i] + amounts[i + 1]
            result = _pad_planes(planes, amounts[i : i + 2], (0, 0), mode, value).reshape(*shape)
    return result if result is not input else clone(input)


def _pad_planes(input: Tensor, rows: Any, columns: Any, mode: str, value: float) -> Tensor:
    """Pad the last two dimensions."""
    height, width = input._array.shape[-2:]
    return Pad2d.apply(
        input,
        rows=index_map(mode, height, *rows),
        columns=index_map(mode, width, *columns),
        value=value,
        mode=mode,
    )
