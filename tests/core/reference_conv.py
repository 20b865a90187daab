"""The convolution and its two gradients by plain loops in float64: the truth of test_conv.py."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Geometry(NamedTuple):
    """A convolution. `pad` is top, bottom, left, right."""

    x_shape: tuple[int, int, int, int]
    filters: int
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    pad: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """Return (K, C / groups, R, S)."""
        return (self.filters, self.x_shape[1] // self.groups, *self.kernel)

    @property
    def y_shape(self) -> tuple[int, int, int, int]:
        """Return (N, K, OH, OW)."""
        n, _, h, w = self.x_shape
        oh = (h + self.pad[0] + self.pad[1] - self.dilation[0] * (self.kernel[0] - 1) - 1) // self.stride[0] + 1
        ow = (w + self.pad[2] + self.pad[3] - self.dilation[1] * (self.kernel[1] - 1) - 1) // self.stride[1] + 1
        return (n, self.filters, oh, ow)


def visits(g: Geometry):
    """Yield (k, channel slice, i, j, r, s, source row, source column) for every tap of every output in the image."""
    _, _, h, w = g.x_shape
    _, k, oh, ow = g.y_shape
    channels = g.x_shape[1] // g.groups
    for f in range(k):
        group = f // (k // g.groups)
        source = slice(group * channels, (group + 1) * channels)
        for i in range(oh):
            for r in range(g.kernel[0]):
                row = i * g.stride[0] - g.pad[0] + r * g.dilation[0]
                if not 0 <= row < h:
                    continue
                for j in range(ow):
                    for s in range(g.kernel[1]):
                        col = j * g.stride[1] - g.pad[2] + s * g.dilation[1]
                        if 0 <= col < w:
                            yield f, source, i, j, r, s, row, col


def conv2d(g: Geometry, x, weight, bias=None) -> np.ndarray:
    """Return y."""
    y = np.zeros(g.y_shape)
    for f, source, i, j, r, s, row, col in visits(g):
        y[:, f, i, j] += x[:, source, row, col].astype(float) @ weight[f, :, r, s].astype(float)
    return y if bias is None else y + bias[:, None, None]


def conv2d_grads(g: Geometry, x, weight, dy) -> tuple[np.ndarray, np.ndarray]:
    """Return the gradients of sum(y * dy) by x and by weight."""
    dx, dweight = np.zeros(g.x_shape), np.zeros(g.weight_shape)
    for f, source, i, j, r, s, row, col in visits(g):
        there = dy[:, f, i, j].astype(float)
        dx[:, source, row, col] += there[:, None] * weight[f, :, r, s]
        dweight[f, :, r, s] += there @ x[:, source, row, col]
    return dx, dweight
