"""grid_sample and affine_grid."""

from __future__ import annotations

import warnings
from typing import Any

from tinygrad_cnn.nn.functional._arguments import int_tuple
from tinygrad_cnn.ops.grid import affine_grid_generator, grid_sampler
from tinygrad_cnn.tensor import Tensor

__all__ = ["affine_grid", "grid_sample"]

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
