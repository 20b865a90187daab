"""interpolate and grid_sample: weights of neighbours, found one axis after the other, and the gradient by the input."""

from __future__ import annotations

import math

import numpy as np

import tinygrad_cnn as tc
from tinygrad_cnn.nn import functional as F

from .compare import EPS, agree
from .draw import Draw
from .values import operand


def _linear(size: int, out: int, corners: bool) -> np.ndarray:
    """Return the weights (out, size) of linear interpolation along one axis."""
    weights = np.zeros((out, size))
    for i in range(out):
        at = i * (size - 1) / max(out - 1, 1) if corners else max((i + 0.5) * size / out - 0.5, 0.0)
        low = min(int(at), size - 1)
        weights[i, low] += 1 - (at - low)
        weights[i, min(low + 1, size - 1)] += at - low
    return weights


def _nearest(size: int, out: int, exact: bool) -> np.ndarray:
    """Return the same for the nearest element; its place is computed in float32, as PyTorch does."""
    scale = np.float32(size) / np.float32(out)
    weights = np.zeros((out, size))
    for i in range(out):
        at = (np.float32(i) + np.float32(0.5)) * scale if exact else np.float32(i) * scale
        weights[i, min(math.floor(at), size - 1)] = 1
    return weights


def _area(size: int, out: int) -> np.ndarray:
    """Return the weights of means over adaptive windows."""
    weights = np.zeros((out, size))
    for i in range(out):
        low, high = i * size // out, -(-(i + 1) * size // out)
        weights[i, low:high] = 1 / (high - low)
    return weights


def interpolate(draw: Draw) -> None:
    """nearest, nearest-exact, linear and area interpolation of one to three dimensions."""
    dims = draw.choose((2, 1, 3))
    mode = draw.note("mode", draw.choose(("nearest", "linear", "nearest-exact", "area")))
    sizes, outs = draw.integers(dims, 1, 7), draw.integers(dims, 1, 9)
    corners, dtype = draw.flag(), draw.choose(("f4", "f8"))
    draw.note("sizes", (sizes, outs, corners))
    x = operand(draw, (draw.integer(1, 2), draw.integer(1, 3), *sizes), dtype, "normal", grad=True)
    axes = {
        "nearest": lambda size, out: _nearest(size, out, False),
        "nearest-exact": lambda size, out: _nearest(size, out, True),
        "linear": lambda size, out: _linear(size, out, corners),
        "area": _area,
    }[mode]
    weights = [axes(size, out) for size, out in zip(sizes, outs, strict=True)]
    name = {1: "linear", 2: "bilinear", 3: "trilinear"}[dims] if mode == "linear" else mode
    out = F.interpolate(x.tensor, outs, mode=name, align_corners=corners if mode == "linear" else None)

    def across(values: np.ndarray, factors: list[np.ndarray]) -> np.ndarray:
        for axis, factor in enumerate(factors):
            values = np.moveaxis(np.tensordot(factor, values, (1, 2 + axis)), 0, 2 + axis)
        return values

    # a place is right to a rounding of the size, which a weight then is wrong by, for each axis; so it has up to
    # 2 neighbours whose difference counts
    eps = 0.0 if "nearest" in mode else (16 + 8 * max(*sizes, *outs)) * dims * EPS[dtype]
    largest = abs(x.values).max(initial=0.0)
    agree(out, across(x.values, weights), eps * largest * 2, name)
    g = operand(draw, out.shape, dtype, "exact")
    out.backward(g.tensor)
    back = [weight.T for weight in weights]
    reach = across(abs(g.values), [weight.sum(1, keepdims=True) * np.ones_like(weight) for weight in back])
    bound = 0.0 if "nearest" in mode else 2 * eps * reach.max(initial=1.0) * math.prod(outs)
    agree(x.tensor.grad, across(g.values, back), bound, f"gradient of {name}")


def grid_sample(draw: Draw) -> None:
    """Bilinear samples of images at places in and out of them, with zeros, the border or reflections outside."""
    n, c, h, w = draw.integer(1, 2), draw.integer(1, 3), draw.integer(1, 6), draw.integer(1, 6)
    shape = draw.integers(2, 0, 5)
    corners, padding = draw.flag(), draw.note("padding", draw.choose(("zeros", "border")))
    x = operand(draw, (n, c, h, w), "f4", "normal", grad=True)
    grid = draw.rng().uniform(-1.5, 1.5, (n, *shape, 2)).astype(np.float32)
    out = F.grid_sample(x.tensor, tc.tensor(grid), padding_mode=padding, align_corners=corners)
    wide = grid.astype(np.float64)
    sizes = np.array([w, h])
    at = (wide + 1) / 2 * (sizes - 1) if corners else ((wide + 1) * sizes - 1) / 2
    if padding == "border":
        at = np.clip(at, 0, sizes - 1)
    low = np.floor(at).astype(int)
    expected = np.zeros(out.shape)
    for dy in (0, 1):
        for dx in (0, 1):
            px, py = low[..., 0] + dx, low[..., 1] + dy
            part = (1 - abs(at[..., 0] - px)) * (1 - abs(at[..., 1] - py))
            inside = (px >= 0) & (px < w) & (py >= 0) & (py < h)
            seen = x.values[np.arange(n)[:, None, None], :, np.clip(py, 0, h - 1), np.clip(px, 0, w - 1)]
            expected += np.where(inside[..., None], part[..., None] * seen, 0).transpose(0, 3, 1, 2)
    agree(out, expected, 64 * EPS["f4"] * max(h, w) * (abs(x.values).max(initial=0.0) + 1), "grid_sample")


PROPERTIES = (interpolate, grid_sample)
