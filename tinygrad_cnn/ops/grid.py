"""Sampling an image at places that a grid gives: each value is a weighted sum of a few places of the image.

With an image x (N, C, L), weights w (K, N * P) and places `index` (K, N * P), counted through all images, the sum of
dy[n,c,p] * w[k,np] * x[c, index[k,np]] is linear in each of dy, w and x. Its derivatives by dy (`Sample`), x
(`SampleGradInput`) and w (`SampleGradWeights`) are therefore each other's derivatives, and the family is closed. The K
places of a value come first: NumPy's inner loops run over all values then.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.core import Array
from tinygrad_cnn.sequences import linspace
from tinygrad_cnn.tensor import Tensor, wrap

from .base import check_tensor, scalar_name
from .halves import in_float32
from .joining import cat, stack
from .places import add_columns

__all__ = ["affine_grid_generator", "grid_sampler", "grid_sampler_2d", "grid_sampler_3d"]

BILINEAR, NEAREST, BICUBIC = 0, 1, 2
ZEROS, BORDER, REFLECTION = 0, 1, 2


def _channels(x: Array) -> Array:
    """Return (N, C, L) as (C, N * L)."""
    return core.copy(x.transpose(1, 0, 2)).reshape(x.shape[1], x.shape[0] * x.shape[2])


def _images(x: Array, batch: int, length: int) -> Array:
    """Return (C, N * L) as (N, C, L)."""
    return core.copy(x.reshape(len(x), batch, length).transpose(1, 0, 2))


class Sample(Operation):
    """y[n, c, p] = sum over k of w[k, np] * x[c, index[k, np]]."""

    def forward(self, x: Array, weights: Array, *, index: Array, grad_name: str) -> Array:
        """Gather and add."""
        self.grad_name, self.params = grad_name, {"index": index, "grad_name": grad_name}
        self.length = x.shape[2]
        self.save_for_backward(x, weights)
        channels = _channels(x)
        y = np.zeros((x.shape[1], index.shape[1]), x.dtype)
        part = np.empty_like(y)
        with np.errstate(invalid="ignore"):
            for places, factor in zip(index, weights, strict=True):
                np.take(channels, places, 1, part, "clip")
                part *= factor
                y += part
        return _images(y, len(x), index.shape[1] // max(len(x), 1))

    def backward(self, grad: Any) -> Any:
        """Return the gradients by x and the weights."""
        x, weights = self.saved_tensors
        by_x = by_weights = None
        if self.needs_input_grad[0]:
            by_x = SampleGradInput.apply(weights, grad, length=self.length, **self.params)
        if self.needs_input_grad[1]:
            by_weights = SampleGradWeights.apply(x, grad, **self.params)
        return by_x, by_weights


class SampleGradInput(Operation):
    """dx[n, c, j] = sum of w[k, np] * dy[n, c, p] over the (k, np) whose index is j of image n."""

    def forward(self, weights: Array, dy: Array, *, index: Array, length: int, grad_name: str) -> Array:
        """Add up where it came from."""
        self.grad_name, self.params = grad_name, {"index": index, "grad_name": grad_name}
        self.save_for_backward(weights, dy)
        batch, channels = dy.shape[:2]
        with np.errstate(invalid="ignore"):
            parts = _channels(dy)[:, None] * weights
            dx = add_columns(parts.reshape(channels, index.size), index.ravel(), batch * length)
        return _images(dx, batch, length)

    def backward(self, grad: Any) -> Any:
        """Return the gradients by the weights and dy."""
        weights, dy = self.saved_tensors
        by_weights = by_dy = None
        if self.needs_input_grad[0]:
            by_weights = SampleGradWeights.apply(grad, dy, **self.params)
        if self.needs_input_grad[1]:
            by_dy = Sample.apply(grad, weights, **self.params)
        return by_weights, by_dy


class SampleGradWeights(Operation):
    """dw[k, np] = sum over c of x[c, index[k, np]] * dy[n, c, p]."""

    def forward(self, x: Array, dy: Array, *, index: Array, grad_name: str) -> Array:
        """Gather and multiply."""
        self.grad_name, self.params = grad_name, {"index": index, "grad_name": grad_name}
        self.length = x.shape[2]
        self.save_for_backward(x, dy)
        channels, outer = _channels(x), _channels(dy)
        dw, part = np.empty(index.shape, dy.dtype), np.empty_like(outer)
        with np.errstate(invalid="ignore"):
            for places, into in zip(index, dw, strict=True):
                np.take(channels, places, 1, part, "clip")
                part *= outer
                part.sum(0, out=into)
        return dw

    def backward(self, grad: Any) -> Any:
        """Return the gradients by x and dy."""
        x, dy = self.saved_tensors
        by_x = by_dy = None
        if self.needs_input_grad[0]:
            by_x = SampleGradInput.apply(grad, dy, length=self.length, **self.params)
        if self.needs_input_grad[1]:
            by_dy = Sample.apply(x, grad, **self.params)
        return by_x, by_dy


# ---- from the grid to places and weights ----


class Coordinate(Operation):
    """Where in the image a coordinate in [-1, 1] lies, in pixels, drawn inside by the padding: piecewise linear."""

    grad_name = "GridSamplerBackward0"

    def forward(self, grid: Array, *, size: int, padding: int, align: bool, flat: bool) -> Array:
        """Map, and keep the slope, which is 0 where the border cuts.

        Rounded as PyTorch rounds it in images (flat: product and difference at once) and in volumes: where a grid meets
        the centres of pixels, as the identity does, the last bit decides between which two a place lies, and so its
        gradient.
        """
        scale = grid.dtype.type((size - 1) / 2 if align else size / 2)
        if flat:
            wide = np.float64 if grid.dtype == np.float32 else np.longdouble
            y = (grid + 1) * scale if align else ((grid + 1).astype(wide) * scale - 0.5).astype(grid.dtype)
        else:
            y = (grid + 1) / 2 * (size - 1) if align else ((grid + 1) * size - 1) / 2
        y, sign = _inside(y, size, padding, align)
        self.save_for_backward(np.broadcast_to(scale, y.shape) if sign is None else sign * scale)
        return y

    def backward(self, grad: Any) -> Any:
        """Multiply by the slope."""
        (slope,) = self.saved_tensors
        return grad * slope


def _inside(y: Array, size: int, padding: int, align: bool) -> tuple[Array, Array | None]:
    """Return coordinates in pixels, clipped or reflected into the image, and the sign of the slope (None: all 1)."""
    if padding == ZEROS:
        return y, None
    sign = np.ones_like(y)
    if padding == REFLECTION:  # at the centres of the corner pixels, or at their edges
        low = 0.0 if align else -0.5
        span = size - 1 if align else size
        if span == 0:
            return np.zeros_like(y), np.zeros_like(y)
        distance = np.abs(y - low)
        odd = np.floor(distance / span) % 2 != 0
        rest = np.fmod(distance, span)
        sign = np.where((y < low) != odd, -1, 1).astype(y.dtype)
        y = (np.where(odd, span - rest, rest) + low).astype(y.dtype)
    y = np.nan_to_num(y)
    return np.clip(y, 0, size - 1), sign * ((y > 0) & (y < size - 1))


def _in_image(places: Array, size: int, padding: int, align: bool) -> tuple[Array, Array | None]:
    """Return whole coordinates as int64 places of the image, and where they are (zeros padding) in it at all."""
    if padding != ZEROS:
        places = _inside(places, size, padding, align)[0]
        return places.astype(np.int64), None
    valid = (places >= 0) & (places <= size - 1)
    return np.where(valid, places, 0).astype(np.int64), valid


def _axis(y: Tensor, size: int, mode: int, padding: int, align: bool) -> tuple[Array, Tensor, Array | None]:
    """Return (index, weights, valid) of one axis, each (taps, ...), for coordinates y (...) in pixels.

    valid: where the index is meant, None for everywhere; elsewhere the weight is 0.
    """
    if mode == NEAREST:
        index, valid = _in_image(np.rint(y._array)[None], size, padding, align)
        weights = wrap(np.ones(index.shape, y._array.dtype) if valid is None else valid.astype(y._array.dtype))
        if y.requires_grad:  # the gradient by the grid is 0, not absent
            weights = weights + y.unsqueeze(0).masked_fill(wrap(np.ones((), np.bool_)), 0)
        return index, weights, valid
    first = np.floor(y._array)
    t = y - wrap(first)
    weights = stack([1 - t, t], 0) if mode == BILINEAR else _cubic(t)
    offsets = (0, 1) if mode == BILINEAR else (-1, 0, 1, 2)
    places = first + np.asarray(offsets, first.dtype)[:, None]
    if mode == BILINEAR and padding != ZEROS:  # y is inside; behind its last pixel the weight is 0
        return np.minimum(places, size - 1).astype(np.int64), weights, places <= size - 1
    index, valid = _in_image(places, size, padding, align)
    return index, weights if valid is None else weights.masked_fill(wrap(~valid), 0), valid


def _cubic(t: Tensor, a: float = -0.75) -> Tensor:
    """Keys's cubic convolution for the four pixels around a place, t in [0, 1) behind the second."""

    def near(d: Tensor) -> Tensor:
        return ((a + 2) * d - (a + 3)) * d * d + 1

    def far(d: Tensor) -> Tensor:
        return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a

    return stack([far(t + 1), near(t), near(1 - t), far(2 - t)], 0)


def grid_sampler(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """Return the values of input (N, C, H, W) at the places grid (N, OH, OW, 2), (x, y) in [-1, 1]: (N, C, OH, OW).

    Likewise (N, C, D, H, W) at (N, OD, OH, OW, 3). interpolation_mode: 0 bilinear, 1 nearest, 2 bicubic (images only);
    padding_mode: 0 zeros, 1 border, 2 reflection; see `F.grid_sample` (`torch.grid_sampler`).

    Raises RuntimeError for sizes or dtypes that do not go together, NotImplementedError for integers.
    """
    _check(input, grid, interpolation_mode, align_corners)
    return _sampled(input, grid, interpolation_mode, padding_mode, align_corners)


def _with_zeros(flat_x: Tensor, index: Array, inside: Array) -> tuple[Tensor, Array]:
    """Return images (N, C, L) with a pixel of 0 behind each, and an index that points there where it was not inside.

    A weight of 0 would do, but for pixels that are infinite or NaN.
    """
    batch, channels, length = flat_x._array.shape
    image, place = np.divmod(index, length)
    zeros = wrap(np.zeros((batch, channels, 1), flat_x._array.dtype))
    return cat([flat_x, zeros], 2), image * (length + 1) + np.where(inside, place, length)


@in_float32
def _sampled(input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Tensor:
    x, places = input._array, grid._array
    spatial, batch = x.shape[2:], len(x)
    count = batch * math.prod(places.shape[1:-1])
    pull = ZEROS if interpolation_mode == BICUBIC else padding_mode  # cubic: each of the 16 pixels by itself
    index: Any = np.arange(batch).repeat(count // max(batch, 1))[None]
    weights: Any = None
    inside = np.ones((1, count), np.bool_)
    flat = grid.reshape(count, len(spatial))
    for d, size in enumerate(spatial):
        at = flat.select(-1, len(spatial) - 1 - d)  # the grid has the last dimension first
        y = Coordinate.apply(at, size=size, padding=pull, align=align_corners, flat=len(spatial) == 2)
        more, factor, valid = _axis(y, size, interpolation_mode, padding_mode, align_corners)
        if valid is not None:
            inside = (inside[:, None] & valid).reshape(len(inside) * len(valid), count)
        index = (index[:, None] * size + more).reshape(len(index) * len(more), count)
        weights = factor if weights is None else (weights.unsqueeze(1) * factor).reshape(index.shape)
    flat_x = input.reshape(batch, x.shape[1], math.prod(spatial))
    if not math.isfinite(core.reduce(core.SUM, x, tuple(range(x.ndim)), False)):
        flat_x, index = _with_zeros(flat_x, index, inside)
    y = Sample.apply(flat_x, weights, index=index, grad_name=f"GridSampler{len(spatial)}DBackward0")
    return y.reshape(*x.shape[:2], *places.shape[1:-1])


grid_sampler_2d = grid_sampler_3d = grid_sampler  # PyTorch's names for images and volumes alone


def _check(input: Tensor, grid: Tensor, mode: int, align_corners: Any) -> None:
    x = check_tensor(input, "grid_sampler")._array
    g = check_tensor(grid, "grid_sampler", "grid", 2)._array
    if type(align_corners) is not bool:
        raise TypeError(
            f"grid_sampler(): argument 'align_corners' (position 5) must be bool, not {type(align_corners).__name__}"
        )
    if g.ndim == 0 or x.ndim == 0 or len(x) != len(g):
        raise RuntimeError(
            "grid_sampler(): expected grid and input to have same batch size, but got input with sizes "
            f"{list(x.shape)} and grid with sizes {list(g.shape)}"
        )
    if g.shape[-1] != x.ndim - 2:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {x.ndim - 2} in last dimension, but got grid with sizes "
            f"{list(g.shape)}"
        )
    for d in range(2, x.ndim):
        if x.shape[d] == 0:
            raise RuntimeError(
                "grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes "
                f"{list(x.shape)} with dimension {d} being empty"
            )
    if x.ndim not in (4, 5) or x.ndim != g.ndim:
        raise RuntimeError(
            "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got input with sizes "
            f"{list(x.shape)} and grid with sizes {list(g.shape)}"
        )
    if x.ndim == 5 and mode == BICUBIC:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    if not input.is_floating_point():
        kernel = "grid_sampler_2d_cpu_kernel_impl" if x.ndim == 4 else "grid_sampler3d_cpu"
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{scalar_name(input)}'")
    if x.dtype != g.dtype:
        raise RuntimeError(f"expected scalar type {scalar_name(input)} but found {scalar_name(grid)}")


def affine_grid_generator(theta: Tensor, size: Any, align_corners: bool) -> Tensor:
    """Return the grid (N, H, W, 2) that maps by theta (N, 2, 3), or (N, D, H, W, 3) by (N, 3, 4).

    size: (N, C, H, W) or (N, C, D, H, W). Differentiable by theta (`torch.affine_grid_generator`).
    """
    spatial = tuple(size)[2:]
    dtype = theta._array.dtype
    axes = []
    for n in spatial:
        line = linspace(-1, 1, n, dtype=theta.dtype)._array if n > 1 else np.zeros(n, dtype)
        axes.append(line if align_corners else line * dtype.type(n - 1) / dtype.type(max(n, 1)))
    mesh = np.meshgrid(*axes, indexing="ij")
    base = np.stack([*reversed(mesh), np.ones(spatial, dtype)], -1).reshape(1, -1, len(spatial) + 1)
    points = wrap(np.ascontiguousarray(base)).expand(size[0], -1, -1)
    return points.bmm(theta.transpose(1, 2)).reshape(size[0], *spatial, len(spatial))
