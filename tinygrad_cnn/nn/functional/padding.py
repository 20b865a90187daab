"""pad: constant, reflect, replicate and circular padding; negative amounts crop."""

from __future__ import annotations

import math
from typing import Any

from tinygrad_cnn.nn.functional._arguments import check_tensor, int_tuple, not_implemented_for
from tinygrad_cnn.ops.pad import Pad2d, index_map
from tinygrad_cnn.tensor import Tensor

__all__ = ["pad"]

_LARGEST = 2**45  # elements: what 48 bits of addresses reach
_RANKS = {2: (2, 3), 4: (3, 4), 6: (4, 5)}


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
    shape = input._array.shape
    if len(amounts) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(amounts) > 2 * len(shape):
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(amounts)} and input of dimension {len(shape)}"
        )
    if mode not in ("constant", "reflect", "replicate", "circular"):
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if mode != "constant":
        _check_mode(input, amounts, mode, value)
    _check_sizes(shape, amounts, mode)
    return _pad_dimensions(input, amounts, mode, 0.0 if value is None else value)


def _check_mode(input: Tensor, amounts: tuple[int, ...], mode: str, value: float | None) -> None:
    """Check what constant padding does not ask for."""
    if value is not None and value != 0:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
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


def _check_sizes(shape: tuple[int, ...], amounts: tuple[int, ...], mode: str) -> None:
    """Check the amounts of each dimension against its size, and the size of the result against the address space."""
    sizes = list(shape)
    for i, amount in enumerate(amounts):
        sizes[len(shape) - 1 - i // 2] += amount
    if math.prod(max(size, 1) for size in sizes) > _LARGEST:  # the index maps of an empty result would be as large
        raise RuntimeError(f"Storage size calculation overflowed with sizes={sizes}")
    for i in range(0, len(amounts), 2):
        before, after = amounts[i], amounts[i + 1]
        dim = len(shape) - 1 - i // 2
        size = shape[dim]
        if mode == "reflect" and max(before, after) >= size:
            raise RuntimeError(
                f"Argument #4: Padding size should be less than the corresponding input dimension, but got: padding "
                f"({before}, {after}) at dimension {dim} of input {list(shape)}"
            )
        if mode == "circular" and max(before, after) > size:
            raise RuntimeError("Padding value causes wrapping around more than once.")
        if before + size + after < 0:
            if mode == "circular":
                raise RuntimeError("Negative padding value is resulting in an empty dimension")
            raise RuntimeError(
                f"The input size {size}, plus negative padding {before} and {after}, resulted in a negative output "
                f"size, which is invalid. Check dimension {dim} of your input."
            )


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
    return result


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
