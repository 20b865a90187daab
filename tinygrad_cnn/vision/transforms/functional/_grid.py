"""Tensors read at places: grids of where each output pixel comes from, and sampling by them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

import tinygrad_cnn as torch
from tinygrad_cnn.nn import functional as nnF
from tinygrad_cnn.tensor import Tensor, wrap

from ._image import InterpolationMode, as_batch, check_tensor, computing_dtype, from_batch, get_dimensions

__all__ = ["affine_grid", "check_arguments", "perspective_grid", "sample", "turned_size"]

Matrix = list[float]  # [a, b, c, d, e, f]: from the output's (x, y) to the input's


def _lattice(width: int, height: int, x_first: float, y_first: float, dtype: Any) -> tuple[Any, Any]:
    """Return the coordinates of a lattice of step 1, to be broadcast: x (1, width), y (height, 1)."""
    return np.arange(width, dtype=dtype)[None, :] + dtype(x_first), np.arange(height, dtype=dtype)[:, None] + dtype(
        y_first
    )


def _mapped(row: Any, x: Any, y: Any) -> Any:
    """Return a x + b y + c; no matrix product, whose last bit may differ, which counts on ties between pixels."""
    return x * row[0] + y * row[1] + row[2]


def affine_grid(matrix: Matrix, img: Tensor, size: tuple[int, int]) -> Tensor:
    """Return where the pixels of an output of `size` (width, height) come from, (1, height, width, 2) in [-1, 1].

    Pixels are counted from the middles of both images, so that an output of another size stays centred.
    """
    width, height = size
    dtype = computing_dtype(img)._numpy.type
    half = np.array([[0.5 * img.shape[-1]], [0.5 * img.shape[-2]]], dtype)
    rows = np.array(matrix, dtype).reshape(2, 3) / half
    x, y = _lattice(width, height, -width * 0.5 + 0.5, -height * 0.5 + 0.5, dtype)
    return wrap(np.stack([_mapped(row, x, y) for row in rows], axis=-1)[None])


def perspective_grid(coefficients: Matrix, img: Tensor) -> Tensor:
    """Return where the pixels of an output of the same size come from, as `affine_grid`."""
    height, width = img.shape[-2:]
    dtype = computing_dtype(img)._numpy.type
    half = np.array([[0.5 * width], [0.5 * height]], dtype)
    rows = np.array(coefficients[:6], dtype).reshape(2, 3) / half
    x, y = _lattice(width, height, 0.5, 0.5, dtype)
    with np.errstate(divide="ignore", invalid="ignore"):  # the horizon
        below = _mapped(np.array([*coefficients[6:], 1.0], dtype), x, y)
        places = [_mapped(row, x, y) / below - dtype(1) for row in rows]
    return wrap(np.stack(places, axis=-1)[None])


def check_arguments(img: Tensor, mode: InterpolationMode, fill: Any) -> None:
    check_tensor(img)
    if fill is not None and not isinstance(fill, (int, float, tuple, list)):
        warnings.warn("Argument fill should be either int, float, tuple or list", stacklevel=3)
    channels = get_dimensions(img)[0]
    if isinstance(fill, (tuple, list)) and len(fill) > 1 and len(fill) != channels:
        raise ValueError(
            "The number of elements in 'fill' cannot broadcast to match the number of channels of the image "
            f"({len(fill)} != {channels})"
        )
    if mode not in (InterpolationMode.NEAREST, InterpolationMode.BILINEAR):
        raise ValueError(f"Interpolation mode '{mode.value}' is unsupported with Tensor input")


def sample(img: Tensor, grid: Tensor, mode: InterpolationMode, fill: Any) -> Tensor:
    """Return the image read at the places of a grid (1, H, W, 2); `fill` (None: 0) is the colour outside.

    A channel of ones is read along: where it is not 1, part of the pixel lies outside.
    """
    batch = as_batch(img, grid.dtype)
    count = batch.shape[0]
    if fill is not None:
        inside = torch.ones(count, 1, batch.shape[2], batch.shape[3], dtype=batch.dtype)
        batch = torch.cat([batch, inside], dim=1)
    out = nnF.grid_sample(
        batch, grid.expand(count, *grid.shape[1:]), mode=mode.value, padding_mode="zeros", align_corners=False
    )
    if fill is not None:
        out, inside = out[:, :-1], out[:, -1:]
        colors = fill if isinstance(fill, (tuple, list)) else [float(fill)]
        color = torch.tensor(colors, dtype=out.dtype).view(1, -1, 1, 1)
        if mode is InterpolationMode.NEAREST:
            out = torch.where(inside < 0.5, color, out)
        else:
            out = out * inside + (1.0 - inside) * color
    return from_batch(out, img)


def turned_size(matrix: Matrix, width: int, height: int) -> tuple[int, int]:
    """Return the (width, height) of the box around the turned corners; 1e-4 of a pixel is rounding."""
    corners = np.array([[x * width, y * height, 1.0] for x in (-0.5, 0.5) for y in (-0.5, 0.5)], np.float32)
    middle = np.array([0.5 * width, 0.5 * height], np.float32)
    turned = corners @ np.array(matrix, np.float32).reshape(2, 3).T
    step = np.float32(1e-4)
    last = np.ceil(np.trunc((turned.max(0) + middle) / step) * step)
    first = np.floor(np.trunc((turned.min(0) + middle) / step) * step)
    columns, rows = last - first
    return int(columns), int(rows)
