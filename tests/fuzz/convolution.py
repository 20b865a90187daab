"""Convolutions and transposed ones of one to three dimensions, and all their gradients."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from tinygrad_cnn.nn import functional as F

from . import windows
from .compare import Refused, agree, both, sum_bound
from .draw import Draw
from .values import FLOATS, kind_of, operand


class Geometry(NamedTuple):
    """A convolution of images of these sizes."""

    sizes: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    after: tuple[int, ...] = ()  # padding behind, where it is another

    def outputs(self) -> tuple[int, ...]:
        """Return the sizes of the output."""
        behind = self.after or self.padding
        return tuple(
            (size + low + high - gap * (taps - 1) - 1) // step + 1
            for size, low, high, gap, taps, step in zip(
                self.sizes, self.padding, behind, self.dilation, self.kernel, self.stride, strict=True
            )
        )

    def places(self) -> np.ndarray:
        """Return the table of the windows."""
        return windows.table(self.sizes, self.outputs(), self.kernel, self.stride, self.dilation, self.padding)


def columns(p: Geometry, x: np.ndarray) -> np.ndarray:
    """Return (n, groups, channels of one, outputs, taps)."""
    flat = windows.flat(x, len(p.sizes))
    return windows.look(flat.reshape(len(x), p.groups, x.shape[1] // p.groups, flat.shape[-1]), p.places())


def by_group(p: Geometry, w: np.ndarray) -> np.ndarray:
    """Return the weight as (groups, filters of one, channels of one, taps)."""
    return w.reshape(p.groups, w.shape[0] // p.groups, w.shape[1], math.prod(p.kernel))


def forward(p: Geometry, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Return the output."""
    out = np.einsum("ngcok,gfck->ngfo", columns(p, x), by_group(p, w))
    return out.reshape(len(x), w.shape[0], *p.outputs())


def input_grad(p: Geometry, g: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Return the gradient by the input."""
    upstream = g.reshape(len(g), p.groups, g.shape[1] // p.groups, math.prod(p.outputs()))
    seen = np.einsum("ngfo,gfck->ngcok", upstream, by_group(p, w))
    dx = windows.spread(seen, p.places(), math.prod(p.sizes))
    return dx.reshape(len(g), w.shape[1] * p.groups, *p.sizes)


def weight_grad(p: Geometry, g: np.ndarray, x: np.ndarray, w_shape: tuple[int, ...]) -> np.ndarray:
    """Return the gradient by the weight."""
    upstream = g.reshape(len(g), p.groups, g.shape[1] // p.groups, math.prod(p.outputs()))
    return np.einsum("ngcok,ngfo->gfck", columns(p, x), upstream).reshape(w_shape)


def _sizes(draw: Draw, p: Geometry, room: int) -> tuple[int, ...]:
    """Choose sizes of images in which, but for one case in sixteen, a window has place."""
    short = 1 if draw.flag(16) else 0
    return tuple(
        max(0 if short else 1, gap * (taps - 1) + 1 - 2 * pad - short) + draw.below(room + 1 - short * room)
        for gap, taps, pad in zip(p.dilation, p.kernel, p.padding, strict=True)
    )


def _geometry(draw: Draw) -> Geometry:
    dims = draw.choose((2, 2, 1, 3))
    each = lambda low, high: draw.integers(dims, low, high)  # noqa: E731
    kernel = each(1, (5, 5, 3)[dims - 1]) if draw.flag(3) else (draw.choose((1, 3, 2)),) * dims
    if draw.flag(2):
        p = Geometry((), kernel, each(1, 3), each(0, 3), each(1, 3), draw.choose((1, 1, 2, 3)))
    else:
        one = (1,) * dims
        p = Geometry((), kernel, one, (draw.below(2),) * dims, one, draw.choose((1, 1, 1, 2)))
    # vectors of an instruction set are up to 16 elements long
    return p._replace(sizes=_sizes(draw, p, ((40, 20, 6) if draw.flag(4) else (12, 9, 4))[dims - 1]))


def _check(
    draw: Draw, dtype: str, kind: str, out: Any, expected: np.ndarray, magnitude: Any, terms: int, *more: Any
) -> None:
    """Compare sums: exactly, or within the bound for `terms` products; more: largest factor, name, slack."""
    factor, what, slack = more
    bound = 0.0 if kind == "exact" else sum_bound(dtype, terms, magnitude(), factor) * slack
    agree(out, expected, bound, what)


def _values(draw: Draw, p: Geometry) -> str:
    """Choose the kind of values: none that are not finite where Winograd's way spreads them over its tiles."""
    kind = kind_of(draw)
    return "normal" if kind == "special" and p.kernel[-2:] == (3, 3) else kind


def _winograd(p: Geometry, channels: int, filters: int) -> bool:
    """Return whether Winograd's way may be taken, of volumes for each plane of the kernel.

    It rounds small integers, too, and its errors are two to three times those of the sum of products.
    """
    return p.kernel[-2:] == (3, 3) and min(channels, filters) * math.prod(p.kernel[:-2]) >= 8


def conv(draw: Draw) -> None:
    """conv1d, conv2d, conv3d: output and gradients by input, weight and bias."""
    p = draw.note("geometry", _geometry(draw))
    dims, dtype, kind = len(p.sizes), draw.note("dtype", draw.choose(FLOATS)), _values(draw, p)
    # now and then so many that several tiles are filled
    per_group, filters = draw.integers(2, 1, 40) if draw.flag(24) else (draw.integer(1, 5), draw.integer(1, 9))
    if _winograd(p, per_group, filters):
        kind = "normal"
    batch = () if draw.flag(8) else (draw.below(4),)
    with_bias, same = draw.flag(), draw.flag(8)
    slack = 8.0 if p.kernel[-2:] == (3, 3) else 1.0
    if same:
        total = [gap * (taps - 1) for gap, taps in zip(p.dilation, p.kernel, strict=True)]
        low = tuple(size // 2 for size in total)
        p = p._replace(stride=(1,) * dims, padding=low, after=tuple(a - b for a, b in zip(total, low, strict=True)))
    x = operand(draw, (*batch, per_group * p.groups, *p.sizes), dtype, kind, grad=True)
    w = operand(
        draw, (filters * p.groups, per_group, *p.kernel), dtype, "exact" if kind == "exact" else "normal", grad=True
    )
    b = operand(draw, (filters * p.groups,), dtype, "exact", grad=True) if with_bias else None
    images = x.values if batch else x.values[None]

    def reference() -> np.ndarray:
        if min(p.outputs()) < 1 or (0 in p.sizes and len(images)):
            raise Refused(f"a kernel does not fit: {p}")
        y = forward(p, images, w.values)
        return y if b is None else y + b.values.reshape(-1, *[1] * dims)

    call = (F.conv1d, F.conv2d, F.conv3d)[dims - 1]
    padding: Any = "same" if same else p.padding[0] if len(set(p.padding)) == 1 and draw.flag() else p.padding
    found = both(lambda: call(x.tensor, w.tensor, b and b.tensor, p.stride, padding, p.dilation, p.groups), reference)
    if found is None:
        return
    out, expected = found
    g = operand(draw, out.shape, dtype, "exact" if kind == "exact" else "normal")
    out.backward(g.tensor)
    upstream = g.values if batch else g.values[None]
    ax, aw, ag = abs(images), abs(w.values), abs(upstream)
    taps, positions = math.prod(p.kernel), len(images) * math.prod(p.outputs())
    bias = 0 if b is None else abs(b.values).reshape(-1, *[1] * dims)
    agree_sum = lambda *args: _check(draw, dtype, kind, *args, slack)  # noqa: E731
    with np.errstate(invalid="ignore", over="ignore"):
        agree_sum(
            out,
            expected if batch else expected[0],
            lambda: (forward(p, ax, aw) + bias).reshape(out.shape),
            taps * per_group + 1,
            w.largest,
            "output",
        )
        dx = input_grad(p, upstream, w.values).reshape(x.values.shape)
        agree_sum(
            x.tensor.grad,
            dx,
            lambda: input_grad(p, ag, aw).reshape(dx.shape),
            taps * filters,
            w.largest,
            "input gradient",
        )
        dw = weight_grad(p, upstream, images, w.values.shape)
        agree_sum(w.tensor.grad, dw, lambda: weight_grad(p, ag, ax, dw.shape), positions, g.largest, "weight gradient")
    if b is not None:
        over = (0, *range(2, 2 + dims))
        agree_sum(b.tensor.grad, upstream.sum(over), lambda: ag.sum(over), positions, 1.0, "bias gradient")


def conv_transpose(draw: Draw) -> None:
    """conv_transpose1d, 2d, 3d, whose output is the input gradient of a convolution, and their gradients."""
    p = _geometry(draw)
    dims, dtype, kind = len(p.sizes), draw.note("dtype", draw.choose(FLOATS)), draw.choose(("exact", "normal"))
    per_group, filters, batch = draw.integer(1, 5), draw.integer(1, 5), draw.below(3)
    if _winograd(p, per_group, filters):
        kind = "normal"
    small = draw.integers(dims, 1, 6)
    extra = tuple([draw.below(max(step, gap)) for step, gap in zip(p.stride, p.dilation, strict=True)])
    sizes = tuple(
        (size - 1) * step - 2 * pad + gap * (taps - 1) + more + 1
        for size, step, pad, gap, taps, more in zip(
            small, p.stride, p.padding, p.dilation, p.kernel, extra, strict=True
        )
    )
    p = draw.note("geometry", p._replace(sizes=sizes))
    x = operand(draw, (batch, filters * p.groups, *small), dtype, kind, grad=True)
    w = operand(draw, (filters * p.groups, per_group, *p.kernel), dtype, kind, grad=True)
    b = operand(draw, (per_group * p.groups,), dtype, kind, grad=True) if draw.flag() else None

    def over(array: np.ndarray) -> np.ndarray:
        """The outputs that the input's windows meet: those of the convolution may be more by what `extra` adds."""
        room = [(0, max(0, out - size)) for out, size in zip(p.outputs(), small, strict=True)]
        return np.pad(array, [(0, 0), (0, 0), *room])

    def reference() -> np.ndarray:
        if min(sizes) < 1:
            raise Refused(f"no output: {p}")
        y = input_grad(p, over(x.values), w.values)
        return y if b is None else y + b.values.reshape(-1, *[1] * dims)

    call = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[dims - 1]
    found = both(
        lambda: call(x.tensor, w.tensor, b and b.tensor, p.stride, p.padding, extra, p.groups, p.dilation), reference
    )
    if found is None:
        return
    out, expected = found
    g = operand(draw, out.shape, dtype, kind)
    out.backward(g.tensor)
    ax, aw, ag = abs(x.values), abs(w.values), abs(g.values)
    taps, positions = math.prod(p.kernel), batch * math.prod(small)
    bias = 0 if b is None else abs(b.values).reshape(-1, *[1] * dims)
    cut = (slice(None), slice(None), *[slice(size) for size in small])
    slack = 8.0 if p.kernel[-2:] == (3, 3) else 1.0
    agree_sum = lambda *args: _check(draw, dtype, kind, *args, slack)  # noqa: E731
    magnitude = lambda: input_grad(p, over(ax), aw) + bias  # noqa: E731
    agree_sum(out, expected, magnitude, taps * filters + 1, w.largest, "output")
    dx = forward(p, g.values, w.values)[cut]
    agree_sum(x.tensor.grad, dx, lambda: forward(p, ag, aw)[cut], taps * per_group, w.largest, "input gradient")
    dw = weight_grad(p, over(x.values), g.values, w.values.shape)
    agree_sum(
        w.tensor.grad, dw, lambda: weight_grad(p, over(ax), ag, dw.shape), positions, g.largest, "weight gradient"
    )
    if b is not None:
        axes = (0, *range(2, 2 + dims))
        agree_sum(b.tensor.grad, g.values.sum(axes), lambda: ag.sum(axes), positions, 1.0, "bias gradient")


PROPERTIES = (conv, conv_transpose)
