"""Convolution and its gradients, arrays to arrays, in one, two and three dimensions, of floats and of integers.

The core convolves planes of floats. A line is a plane of height 1. A volume is cut into slabs of output depths, whose
input depths are gathered beside the channels: with columns[n, o, (c, r)] = x[n, c, o stride + r dilation - padding] a
slab is a batch of planes with C R channels, and weight (K, C, R, S, T) is (K, C R, S, T) as it lies in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from tinygrad_cnn import core
from tinygrad_cnn.core import ADD, FLOATS, Array
from tinygrad_cnn.core import conv as planes
from tinygrad_cnn.core.conv import ConvShape

from . import conv_integers as integers

__all__ = ["convolve", "input_gradient", "weight_gradient"]

MOST_COLUMNS = 1 << 20  # elements gathered at once: some megabytes, which the caches hold


def convolve(shape: ConvShape, x: Array, weight: Array, bias: Array | None, relu: bool = False) -> Array:
    """Return y = x * weight (+ bias (K,)), or max(y, 0) if `relu`."""
    if x.dtype not in FLOATS:
        return integers.convolve(shape, x, weight, bias)
    if len(shape.x) == 4:
        return planes.conv2d(shape, x, weight, bias, relu)
    flat = _flat(shape)
    if flat is not None:
        return planes.conv2d(flat, x.reshape(flat.x), weight.reshape(flat.weight), bias, relu).reshape(shape.y)
    y = core.empty(shape.y, x.dtype)
    for slab in _slabs(shape):
        part = planes.conv2d(slab.planes, slab.gather(x), weight.reshape(slab.planes.weight), bias, relu)
        core.copy_into(slab.split(part), y[:, :, slab.depths])
    return y


def input_gradient(shape: ConvShape, dy: Array, weight: Array) -> Array:
    """Return dx, the gradient of sum(y * dy) by x."""
    if dy.dtype not in FLOATS:
        return integers.input_gradient(shape, dy, weight)
    if len(shape.x) == 4:
        return planes.conv2d_input_grad(shape, dy, weight)
    flat = _flat(shape)
    if flat is not None:
        return planes.conv2d_input_grad(flat, dy.reshape(flat.y), weight.reshape(flat.weight)).reshape(shape.x)
    dx = core.zeros(shape.x, dy.dtype)
    for slab in _slabs(shape):
        columns = planes.conv2d_input_grad(slab.planes, slab.cut(dy), weight.reshape(slab.planes.weight))
        slab.scatter(columns, dx)
    return dx


def weight_gradient(shape: ConvShape, dy: Array, x: Array, bias: bool = False) -> Array | tuple[Array, Array]:
    """Return dweight, the gradient of sum(y * dy) by weight; with `bias`, also that by the bias (K,)."""
    if len(shape.x) == 4:
        return planes.conv2d_weight_grad(shape, dy, x, bias)
    flat = _flat(shape)
    if flat is not None:
        grads = planes.conv2d_weight_grad(flat, dy.reshape(flat.y), x.reshape(flat.x), bias)
        return (grads[0].reshape(shape.weight), grads[1]) if bias else grads.reshape(shape.weight)  # type: ignore[union-attr]
    dweight = core.zeros(shape.weight, dy.dtype)
    dbias = core.zeros(shape.weight[:1], dy.dtype)
    for slab in _slabs(shape):
        grads = planes.conv2d_weight_grad(slab.planes, slab.cut(dy), slab.gather(x), bias)
        part = grads[0] if bias else grads
        core.binary(ADD, dweight, part.reshape(shape.weight), dweight)  # type: ignore[union-attr]
        if bias:
            core.binary(ADD, dbias, grads[1], dbias)
    return (dweight, dbias) if bias else dweight


@lru_cache(maxsize=1024)
def _flat(shape: ConvShape) -> ConvShape | None:
    """Return the sizes of a convolution of planes that is this one in other words; None if there is none.

    There is for lines, and for volumes if the kernel is one cell deep and high: depth and height are one dimension.
    """
    if len(shape.x) == 3:
        numbers = [(neutral, size) for neutral, (size,) in zip((1, 0, 1), shape[3:6], strict=True)]
        return _planes([(n, c, 1, size) for n, c, size in shape[:3]], numbers, shape.groups)
    if shape.weight[2:4] != (1, 1) or shape.stride[:2] != (1, 1) or shape.padding[:2] != (0, 0):
        return None
    if shape.x[2:4] != shape.y[2:4]:  # a transposed convolution's output_padding lies between the rows
        return None
    sizes = [(n, c, depth * height, width) for n, c, depth, height, width in shape[:3]]
    return _planes(sizes, [numbers[1:] for numbers in shape[3:6]], shape.groups)


def _planes(sizes: Sequence[tuple[int, ...]], numbers: Sequence[tuple[int, ...]], groups: int) -> ConvShape:
    """Return the sizes of a convolution of x, weight, y with stride, padding, dilation."""
    x, weight, y = sizes
    stride, padding, dilation = numbers
    return ConvShape(x, weight, y, stride, padding, dilation, groups)


class _Slab(NamedTuple):
    """Output depths `first` to `first + number - 1` of a convolution of volumes, as a convolution of `planes`."""

    planes: ConvShape
    first: int
    number: int
    shape: ConvShape

    @property
    def depths(self) -> slice:
        """Its output depths."""
        return slice(self.first, self.first + self.number)

    def taps(self) -> Iterator[tuple[int, slice, slice]]:
        """Yield (r, outputs, inputs): output depths of the slab, and the depths of x under the kernel's cell r."""
        depth, stride = self.shape.x[2], self.shape.stride[0]
        for r in range(self.shape.weight[2]):
            start = self.first * stride + r * self.shape.dilation[0] - self.shape.padding[0]
            begin, end = max(0, -(start // stride)), min(self.number, -((start - depth) // stride))
            if begin < end:
                yield r, slice(begin, end), slice(start + begin * stride, start + (end - 1) * stride + 1, stride)

    def _columns(self) -> tuple[int, ...]:
        n, c, _, h, w = self.shape.x
        return n, self.number, c, self.shape.weight[2], h, w

    def gather(self, x: Array) -> Array:
        """Return the columns (N number, C R, H, W): zeros where the kernel is outside."""
        columns = core.empty(self._columns(), x.dtype)
        inside = [slice(0, 0)] * self.shape.weight[2]
        for r, outputs, inputs in self.taps():
            core.copy_into(x[:, :, inputs].swapaxes(1, 2), columns[:, outputs, :, r])
            inside[r] = outputs
        for r, outputs in enumerate(inside):
            columns[:, : outputs.start, :, r] = 0
            columns[:, outputs.stop :, :, r] = 0
        return columns.reshape(self.planes.x)

    def scatter(self, columns: Array, dx: Array) -> None:
        """Add the columns to the depths of dx that they were gathered from."""
        columns = columns.reshape(self._columns())
        for r, outputs, inputs in self.taps():
            dx[:, :, inputs] += columns[:, outputs, :, r].swapaxes(1, 2)

    def cut(self, y: Array) -> Array:
        """Return the slab of y (N, K, OD, OH, OW) as a batch of planes."""
        part = y[:, :, self.depths].swapaxes(1, 2)
        return core.contiguous(part).reshape(self.planes.y)

    def split(self, part: Array) -> Array:
        """Return a batch of planes as a slab of y: the reverse of `cut`."""
        return part.reshape(self.shape.x[0], self.number, *self.planes.y[1:]).swapaxes(1, 2)


@lru_cache(maxsize=1024)
def _slabs(shape: ConvShape) -> list[_Slab]:
    """Return the slabs that a convolution of volumes is made of: cut by its sizes only."""
    n, c, _, h, w = shape.x
    k, channels, r, s, t = shape.weight
    depth, oh, ow = shape.y[2:]
    most = max(1, MOST_COLUMNS // max(1, n * c * r * h * w))
    slabs = []
    for start in range(0, depth, most):
        count = min(most, depth - start)
        sizes = (n * count, c * r, h, w), (k, channels * r, s, t), (n * count, k, oh, ow)
        flat = _planes(sizes, [numbers[1:] for numbers in shape[3:6]], shape.groups)
        slabs.append(_Slab(flat, start, count, shape))
    return slabs
