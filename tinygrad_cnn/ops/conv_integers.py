"""Convolution of integers in any number of dimensions, in NumPy: exact, wrapping as integers do; for small examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_cnn.core import Array
from tinygrad_cnn.core.conv import ConvShape


def convolve(shape: ConvShape, x: Array, weight: Array, bias: Array | None) -> Array:
    """Return y = x * weight (+ bias)."""
    n, k, groups = shape.x[0], shape.weight[0], shape.groups
    padded = np.zeros(_padded(shape), x.dtype)
    padded[_inside(shape)] = x
    kernels = weight.reshape(groups, k // groups, *weight.shape[1:])
    y = np.zeros((n, groups, k // groups, *shape.y[2:]), x.dtype)
    for cell, places in _cells(shape):
        part = padded[places].reshape(n, groups, weight.shape[1], *shape.y[2:])
        y += np.einsum("ngc...,gkc->ngk...", part, kernels[cell])
    y = y.reshape(shape.y)
    return y if bias is None else y + bias.reshape(-1, *[1] * len(shape.stride))


def input_gradient(shape: ConvShape, dy: Array, weight: Array) -> Array:
    """Return dx, the gradient of sum(y * dy) by x."""
    n, k, groups = shape.x[0], shape.weight[0], shape.groups
    padded = np.zeros(_padded(shape), dy.dtype)
    kernels = weight.reshape(groups, k // groups, *weight.shape[1:])
    dy = dy.reshape(n, groups, k // groups, *shape.y[2:])
    for cell, places in _cells(shape):
        part = np.einsum("ngk...,gkc->ngc...", dy, kernels[cell])
        padded[places] += part.reshape(*shape.x[:2], *shape.y[2:])
    return padded[_inside(shape)].copy()


def _padded(shape: ConvShape) -> tuple[int, ...]:
    """Return the sizes of x with its padding, large enough for every window."""
    sizes = []
    for size, pad, out, stride, kernel, dilation in zip(
        shape.x[2:], shape.padding, shape.y[2:], shape.stride, shape.weight[2:], shape.dilation, strict=True
    ):
        sizes.append(max(size + pad, (out - 1) * stride + (kernel - 1) * dilation + 1))
    return (*shape.x[:2], *sizes)


def _inside(shape: ConvShape) -> tuple[slice, ...]:
    """Return where x lies in its padding."""
    spans = [slice(pad, pad + size) for pad, size in zip(shape.padding, shape.x[2:], strict=True)]
    return (slice(None), slice(None), *spans)


def _cells(shape: ConvShape) -> Iterator[tuple[Any, Any]]:
    """Yield the index of each cell of the kernel, and the places of the padded x that it meets."""
    for cell in np.ndindex(*shape.weight[2:]):
        spans = [
            slice(i * dilation, i * dilation + (out - 1) * stride + 1, stride)
            for i, dilation, out, stride in zip(cell, shape.dilation, shape.y[2:], shape.stride, strict=True)
        ]
        yield (..., *cell), (slice(None), slice(None), *spans)
