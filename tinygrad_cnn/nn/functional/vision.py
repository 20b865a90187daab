"""grid_sample and affine_grid; pixel_shuffle, pixel_unshuffle and channel_shuffle."""

from __future__ import annotations

import warnings
from typing import Any

from tinygrad_cnn.nn.functional._arguments import check_int, check_tensor, int_tuple
from tinygrad_cnn.ops.grid import affine_grid_generator, grid_sampler
from tinygrad_cnn.ops.halves import in_float32
from tinygrad_cnn.tensor import Tensor

__all__ = ["affine_grid", "channel_shuffle", "grid_sample", "pixel_shuffle", "pixel_unshuffle"]

_MODES = ("bilinear", "nearest", "bicubic")
_PADDINGS = ("zeros", "border", "reflection")


def _warn_of_corners() -> bool:
    warnings.warn(
        "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify "
        "align_corners=True if the old behavior is desired. See the documentation of grid_sample for details.",
        UserWarning,
        stacklevel=3,
    )
    return False


@in_float32
def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """Return the values of input (N, C, H, W) at the places grid (N, OH, OW, 2): (N, C, OH, OW) (`F.grid_sample`).

    A place is (x, y), -1 and 1 being the edges of the image, or the centres of its corner pixels with align_corners.
    Likewise (N, C, D, H, W) at (N, OD, OH, OW, 3), (x, y, z). mode: 'bilinear', 'nearest', 'bicubic' (images only).
    padding_mode: what is outside is 0 ('zeros'), the nearest pixel ('border'), or mirrored ('reflection').

    Raises ValueError for other modes, RuntimeError for sizes or dtypes that do not go together.
    """
    if mode not in _MODES:
        raise ValueError(
            f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'"
        )
    if padding_mode not in _PADDINGS:
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: "
            f"'{padding_mode}'"
        )
    if align_corners is None:
        align_corners = _warn_of_corners()
    return grid_sampler(input, grid, _MODES.index(mode), _PADDINGS.index(padding_mode), align_corners)


def affine_grid(theta: Tensor, size: Any, align_corners: bool | None = None) -> Tensor:
    """Return the grid (N, H, W, 2) for `grid_sample` that the affine maps theta (N, 2, 3) make (`F.affine_grid`).

    size: of the output, (N, C, H, W); or (N, C, D, H, W) for theta (N, 3, 4) and a grid (N, D, H, W, 3).

    Raises ValueError for an integer theta, another shape of it, or sizes below 1; NotImplementedError for other ranks.
    """
    if align_corners is None:
        align_corners = _warn_of_corners()
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    count = len(size) - 2
    if count not in (2, 3):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. "
            f"Got size {size}."
        )
    if theta.dim() != 3 or tuple(theta.shape[1:]) != (count, count + 1):
        raise ValueError(
            f"Expected a batch of {count}D affine matrices of shape Nx{count}x{count + 1} for size {size}. "
            f"Got {theta.shape}."
        )
    if align_corners and min(size[2:]) == 1:
        warnings.warn(
            "Since version 1.3.0, affine_grid behavior has changed for unit-size grids when align_corners=True. "
            "This is not an intended use case of affine_grid. See the documentation of affine_grid for details.",
            UserWarning,
            stacklevel=2,
        )
    elif min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    return affine_grid_generator(theta, int_tuple(size, "affine_grid_generator", "size", 2), align_corners)


def _factor(name: str, input: Tensor, factor: Any, argument: str) -> int:
    """Return the factor of a pixel shuffle, having checked it and the rank."""
    ndim = check_tensor(input, name).dim()
    factor = check_int(factor, name, argument, 2)
    if ndim < 3:
        raise RuntimeError(
            f"{name} expects input to have at least 3 dimensions, but got input with {ndim} dimension(s)"
        )
    if factor <= 0:
        raise RuntimeError(f"{name} expects a positive {argument}, but got {factor}")
    return factor


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Spread r * r channels over squares of r * r pixels: (..., C r^2, H, W) to (..., C, H r, W r).

    `F.pixel_shuffle`; Shi et al., 2016. Raises RuntimeError for a rank below 3, or channels that r^2 does not divide.
    """
    r = _factor("pixel_shuffle", input, upscale_factor, "upscale_factor")
    if r * r >= 2**63:
        raise ValueError(f"upscale factor is too large, (upscale_factor)^2 overflowed: upscale_factor={r}")
    *lead, channels, height, width = input.shape
    if channels % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            f"but input.size(-3)={channels} is not divisible by {r * r}"
        )
    k = len(lead)
    apart = input.reshape(*lead, channels // (r * r), r, r, height, width)
    apart = apart.permute(*range(k + 1), k + 3, k + 1, k + 4, k + 2)
    return apart.reshape(*lead, channels // (r * r), height * r, width * r)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """Undo pixel_shuffle: (..., C, H r, W r) to (..., C r^2, H, W) (`F.pixel_unshuffle`)."""
    r = _factor("pixel_unshuffle", input, downscale_factor, "downscale_factor")
    *lead, channels, height, width = input.shape
    for name, size, dim in (("height", height, -2), ("width", width, -1)):
        if size % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but input.size({dim})={size} is "
                f"not divisible by {r}"
            )
    k = len(lead)
    apart = input.reshape(*lead, channels, height // r, r, width // r, r)
    apart = apart.permute(*range(k + 1), k + 2, k + 4, k + 1, k + 3)
    return apart.reshape(*lead, channels * r * r, height // r, width // r)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Take the channels of (N, C, ...) from each of `groups` in turn (`F.channel_shuffle`).

    Zhang et al., 2018. Raises RuntimeError for a rank below 3, or channels that the groups do not divide.
    """
    shape = tuple(check_tensor(input, "channel_shuffle").shape)
    groups = check_int(groups, "channel_shuffle", "groups", 2)
    if len(shape) < 3:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(shape)}")
    if groups <= 0:
        raise RuntimeError(f"Number of groups to divide channels in must be positive. Value of groups:{groups}")
    batch, channels, *sizes = shape
    if channels % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {channels} channels and {groups} groups."
        )
    return input.reshape(batch, groups, channels // groups, *sizes).transpose(1, 2).reshape(shape)
