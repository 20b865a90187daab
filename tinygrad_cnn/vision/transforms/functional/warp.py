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
from tinygrad_cnn.tensor import Tensor
from tinygrad_cnn.vision._extras import pillow

from ._grid import Matrix, affine_grid, check_arguments, perspective_grid, sample, turned_size
from ._image import (
    InterpolationMode,
    check_mode,
    check_pillow,
    fill_for,
    get_dimensions,
    mode_from_int,
    pil_modes_mapping,
)
from .filters import through_tensor

__all__ = ["affine", "elastic_transform", "perspective", "rotate"]


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
    check_arguments(img, mode, fill)
    height, width = img.shape[-2:]
    size = turned_size(matrix, width, height) if expand else (width, height)
    return sample(img, affine_grid(matrix, img, size), mode, fill)


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
    check_arguments(img, mode, fill)
    return sample(img, affine_grid(matrix, img, (width, height)), mode, fill)


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
    check_arguments(img, mode, fill)
    return sample(img, perspective_grid(coefficients, img), mode, fill)


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
        return sample(tensor, own + displacement, mode, fill)

    return through_tensor(img, moved)
