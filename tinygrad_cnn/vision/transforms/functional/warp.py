"""Rotation, affine, perspective and elastic transforms.

Every output pixel looks up where it comes from. Pillow images get the coefficients of that map from output to input;
for tensors it is written out as a grid of places, which `grid_sample` reads.
"""

from __future__ import annotations

import math
import numbers
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

import tinygrad_cnn as torch
from tinygrad_cnn.nn import functional as nnF
from tinygrad_cnn.tensor import Tensor, wrap
from tinygrad_cnn.vision._extras import pillow

from ._image import (
    InterpolationMode,
    as_batch,
    check_mode,
    check_pillow,
    check_tensor,
    computing_dtype,
    fill_for,
    from_batch,
    get_dimensions,
    mode_from_int,
    pil_modes_mapping,
)
from .filters import through_tensor

__all__ = ["affine", "elastic_transform", "perspective", "rotate"]

Matrix = list[float]


# ---------------------------------------------------------------- maps


def _inverse_affine_matrix(
    center: Sequence[float], angle: float, translate: Sequence[float], scale: float, shear: Sequence[float]
) -> Matrix:
    """Return [a, b, c, d, e, f], which map the output's (x, y) to the input's (a x + b y + c, d x + e y + f).

    The image is moved by M = T C R S Y X C^-1: to the centre, sheared along x and y, scaled by S, rotated by R, back,
    and translated. Without scale R Y X has the determinant 1, so that its inverse is its entries exchanged.
    """
    turn, shear_x, shear_y = math.radians(angle), math.radians(shear[0]), math.radians(shear[1])
    cx, cy = center
    tx, ty = translate
    a = math.cos(turn - shear_y) / math.cos(shear_y)
    b = -math.cos(turn - shear_y) * math.tan(shear_x) / math.cos(shear_y) - math.sin(turn)
    c = math.sin(turn - shear_y) / math.cos(shear_y)
    d = -math.sin(turn - shear_y) * math.tan(shear_x) / math.cos(shear_y) + math.cos(turn)
    rows = []
    for along_x, along_y, center_again in ((d / scale, -b / scale, cx), (-c / scale, a / scale, cy)):
        rows += [along_x, along_y, along_x * (-cx - tx) + along_y * (-cy - ty) + center_again]
    return rows


def _perspective_coefficients(startpoints: Sequence[Any], endpoints: Sequence[Any]) -> Matrix:
    """Return [a .. h], the map (x, y) -> (a x + b y + c, d x + e y + f) / (g x + h y + 1) of ends to starts.

    Each pair of corners gives two linear equations: a x + b y + c - g x u - h y u = u, and the same for v.
    """
    if len(startpoints) != 4 or len(endpoints) != 4:
        raise ValueError(
            f"Please provide exactly four corners, got {len(startpoints)} startpoints and {len(endpoints)} endpoints."
        )
    equations = []
    for (u, v), (x, y) in zip(startpoints, endpoints, strict=True):
        equations += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    # By least squares, so that corners on one line have an answer too.
    solution = np.linalg.lstsq(np.array(equations, np.float64), np.array(startpoints, np.float64).reshape(8), None)[0]
    return [float(value) for value in solution.astype(np.float32)]


def _from_middle(img: Any, center: Sequence[float] | None) -> list[float]:
    """Return a centre given in pixels as its distance from the middle of the image."""
    if center is None:
        return [0.0, 0.0]
    _, height, width = get_dimensions(img)
    return [1.0 * (place - size * 0.5) for place, size in zip(center, (width, height), strict=False)]


# ---------------------------------------------------------------- grids of tensors


def _lattice(width: int, height: int, x_first: float, y_first: float, dtype: Any) -> tuple[Any, Any]:
    """Return the coordinates of a lattice of step 1, to be broadcast: x (1, width), y (height, 1)."""
    return np.arange(width, dtype=dtype)[None, :] + dtype(x_first), np.arange(height, dtype=dtype)[:, None] + dtype(
        y_first
    )


def _mapped(row: Any, x: Any, y: Any) -> Any:
    """Return a x + b y + c; no matrix product, whose last bit may differ, which counts on ties between pixels."""
    return x * row[0] + y * row[1] + row[2]


def _affine_grid(matrix: Matrix, img: Tensor, size: tuple[int, int]) -> Tensor:
    """Return where the pixels of an output of `size` (width, height) come from, (1, height, width, 2) in [-1, 1].

    Pixels are counted from the middles of both images, so that an output of another size stays centred.
    """
    width, height = size
    dtype = computing_dtype(img)._numpy.type
    half = np.array([[0.5 * img.shape[-1]], [0.5 * img.shape[-2]]], dtype)
    rows = np.array(matrix, dtype).reshape(2, 3) / half
    x, y = _lattice(width, height, -width * 0.5 + 0.5, -height * 0.5 + 0.5, dtype)
    return wrap(np.stack([_mapped(row, x, y) for row in rows], axis=-1)[None])


def _perspective_grid(coefficients: Matrix, img: Tensor) -> Tensor:
    """Return where the pixels of an output of the same size come from, as `_affine_grid`."""
    height, width = img.shape[-2:]
    dtype = computing_dtype(img)._numpy.type
    half = np.array([[0.5 * width], [0.5 * height]], dtype)
    rows = np.array(coefficients[:6], dtype).reshape(2, 3) / half
    x, y = _lattice(width, height, 0.5, 0.5, dtype)
    with np.errstate(divide="ignore", invalid="ignore"):  # the horizon
        below = _mapped(np.array([*coefficients[6:], 1.0], dtype), x, y)
        places = [_mapped(row, x, y) / below - dtype(1) for row in rows]
    return wrap(np.stack(places, axis=-1)[None])


def _check_grid_arguments(img: Tensor, mode: InterpolationMode, fill: Any) -> None:
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


def _sample(img: Tensor, grid: Tensor, mode: InterpolationMode, fill: Any) -> Tensor:
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


# ---------------------------------------------------------------- transforms


def rotate(
    img: Any,
    angle: float,
    interpolation: Any = InterpolationMode.NEAREST,
    expand: bool = False,
    center: Sequence[float] | None = None,
    fill: Any = None,
) -> Any:
    """Return the image turned counter-clockwise by `angle` degrees about `center` (x, y), by default the middle.

    expand: make the image as large as the turned one is. fill: the colour outside, a number or one for each channel.
    Tensors take NEAREST and BILINEAR. TypeError and ValueError for bad arguments.
    """
    mode = check_mode(interpolation)
    if not isinstance(angle, (int, float)):
        raise TypeError("Argument angle should be int or float")
    if center is not None and not isinstance(center, (list, tuple)):
        raise TypeError("Argument center should be a sequence")
    if not isinstance(img, Tensor):
        check_pillow(img)
        return img.rotate(angle, pil_modes_mapping[mode], expand, center, fillcolor=fill_for(img, fill))
    # `affine` turns clockwise.
    matrix = _inverse_affine_matrix(_from_middle(img, center), -angle, [0.0, 0.0], 1.0, [0.0, 0.0])
    _check_grid_arguments(img, mode, fill)
    height, width = img.shape[-2:]
    size = _turned_size(matrix, width, height) if expand else (width, height)
    return _sample(img, _affine_grid(matrix, img, size), mode, fill)


def _turned_size(matrix: Matrix, width: int, height: int) -> tuple[int, int]:
    """Return the (width, height) of the box around the turned corners; 1e-4 of a pixel is rounding."""
    corners = np.array([[x * width, y * height, 1.0] for x in (-0.5, 0.5) for y in (-0.5, 0.5)], np.float32)
    middle = np.array([0.5 * width, 0.5 * height], np.float32)
    turned = corners @ np.array(matrix, np.float32).reshape(2, 3).T
    step = np.float32(1e-4)
    last = np.ceil(np.trunc((turned.max(0) + middle) / step) * step)
    first = np.floor(np.trunc((turned.min(0) + middle) / step) * step)
    columns, rows = last - first
    return int(columns), int(rows)


def affine(
    img: Any,
    angle: float,
    translate: Sequence[int],
    scale: float,
    shear: Any,
    interpolation: Any = InterpolationMode.NEAREST,
    fill: Any = None,
    center: Sequence[float] | None = None,
) -> Any:
    """Return the image sheared by `shear` degrees (x, or x and y), scaled, turned clockwise by `angle` degrees about
    `center` and moved by `translate` (x, y) pixels.

    fill: the colour outside. Tensors take NEAREST and BILINEAR. TypeError and ValueError for bad arguments.
    """
    mode = check_mode(interpolation)
    if not isinstance(angle, (int, float)):
        raise TypeError("Argument angle should be int or float")
    if not isinstance(translate, (list, tuple)):
        raise TypeError("Argument translate should be a sequence")
    if len(translate) != 2:
        raise ValueError("Argument translate should be a sequence of length 2")
    if scale <= 0.0:
        raise ValueError("Argument scale should be positive")
    if not isinstance(shear, (numbers.Number, list, tuple)):
        raise TypeError("Shear should be either a single value or a sequence of two values")
    shears: list[Any] = [shear, 0.0] if isinstance(shear, numbers.Number) else list(shear)
    shears = shears * 2 if len(shears) == 1 else shears
    if len(shears) != 2:
        raise ValueError(f"Shear should be a sequence containing two values. Got {shears}")
    if center is not None and not isinstance(center, (list, tuple)):
        raise TypeError("Argument center should be a sequence")
    _, height, width = get_dimensions(img)
    if not isinstance(img, Tensor):
        # Not the middle of the pixels: so a quarter turn is that of a tensor.
        about = [width * 0.5, height * 0.5] if center is None else center
        matrix = _inverse_affine_matrix(about, angle, translate, scale, shears)
        return _transform_pillow(img, "AFFINE", matrix, mode, fill)
    moves = [1.0 * distance for distance in translate]
    matrix = _inverse_affine_matrix(_from_middle(img, center), angle, moves, scale, shears)
    _check_grid_arguments(img, mode, fill)
    return _sample(img, _affine_grid(matrix, img, (width, height)), mode, fill)


def _transform_pillow(img: Any, kind: str, coefficients: Matrix, mode: InterpolationMode, fill: Any) -> Any:
    method = pillow().Transform[kind]
    return check_pillow(img).transform(
        img.size, method, coefficients, pil_modes_mapping[mode], fillcolor=fill_for(img, fill)
    )


def perspective(
    img: Any,
    startpoints: Sequence[Sequence[int]],
    endpoints: Sequence[Sequence[int]],
    interpolation: Any = InterpolationMode.BILINEAR,
    fill: Any = None,
) -> Any:
    """Return the image in another perspective: the corners `startpoints` come to lie at `endpoints`.

    Both are four points (x, y): top left, top right, bottom right, bottom left. fill: the colour outside.
    Tensors take NEAREST and BILINEAR. TypeError and ValueError for bad arguments.
    """
    coefficients = _perspective_coefficients(startpoints, endpoints)
    mode = check_mode(interpolation)
    if not isinstance(img, Tensor):
        return _transform_pillow(img, "PERSPECTIVE", coefficients, mode, fill)
    _check_grid_arguments(img, mode, fill)
    return _sample(img, _perspective_grid(coefficients, img), mode, fill)


def elastic_transform(
    img: Any, displacement: Tensor, interpolation: Any = InterpolationMode.BILINEAR, fill: Any = None
) -> Any:
    """Return the image with pixel (i, j) read at its own place plus displacement[0, i, j], (x, y) in halves of a side.

    displacement: (1, H, W, 2), ValueError for another shape. TypeError for what is no tensor or image.
    """
    if isinstance(interpolation, int):
        warnings.warn(
            "Argument interpolation should be of type InterpolationMode instead of int. "
            "Please, use InterpolationMode enum.",
            stacklevel=2,
        )
    mode = mode_from_int(interpolation)
    if not isinstance(displacement, Tensor):
        raise TypeError("Argument displacement should be a Tensor")

    def moved(tensor: Tensor) -> Tensor:
        expected = torch.Size((1, *tensor.shape[-2:], 2))
        if displacement.shape != expected:
            raise ValueError(f"Argument displacement shape should be {expected}, but given {displacement.shape}")
        y, x = (torch.linspace((1 - size) / size, (size - 1) / size, size) for size in tensor.shape[-2:])
        own = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1).unsqueeze(0)
        return _sample(tensor, own + displacement, mode, fill)

    return through_tensor(img, moved)
