"""Pooling over one to three dimensions: largest, mean, power mean, adaptive, and unpooling."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

import tinygrad_cnn as tc
from tinygrad_cnn.nn import functional as F

from . import windows
from .compare import Refused, agree, both, sum_bound
from .draw import Draw
from .values import FLOATS, Operand, operand


class Windows(NamedTuple):
    """The windows of a pooling over images of these sizes."""

    sizes: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    ceil_mode: bool

    def outputs(self) -> tuple[int, ...]:
        """Return the sizes of the output; in ceil mode the last window must start inside the image or its padding."""
        found = []
        for size, taps, step, pad, gap, _ in zip(*self[:5], self.sizes, strict=True):
            room = size + 2 * pad - gap * (taps - 1) - 1
            count = (-(-room // step) if self.ceil_mode else room // step) + 1
            found.append(count - 1 if self.ceil_mode and (count - 1) * step >= size + pad else count)
        return tuple(found)

    def places(self) -> np.ndarray:
        """Return the table of the windows."""
        return windows.table(self.sizes, self.outputs(), self.kernel, self.stride, self.dilation, self.padding)

    def check(self, whole: bool = False) -> None:
        """Refuse what PyTorch refuses; `whole`: the kernel must fit in the image without its padding, too."""
        reach = [gap * (taps - 1) + 1 for gap, taps in zip(self.dilation, self.kernel, strict=True)]
        if any(2 * pad > cells for pad, cells in zip(self.padding, reach, strict=True)):
            raise Refused(f"padding is more than half of the kernel: {self}")
        if min(self.outputs()) < 1 or 0 in self.sizes:
            raise Refused(f"no output: {self}")
        if whole and any(taps > size for taps, size in zip(self.kernel, self.sizes, strict=True)):
            raise Refused(f"a kernel is larger than the image: {self}")


def _windows(draw: Draw, dilated: bool = True) -> Windows:
    dims = draw.choose((2, 2, 1, 3))
    kernel = draw.integers(dims, 1, (6, 4, 3)[dims - 1])
    stride = kernel if draw.flag(4) else draw.integers(dims, 1, 4)
    bad = draw.flag(40)
    padding = tuple([draw.below(taps // 2 + 1 + bad) for taps in kernel])
    dilation = draw.integers(dims, 1, 3) if dilated else (1,) * dims
    short = draw.flag(16)
    sizes = tuple(
        max(0 if short else 1, gap * (taps - 1) + 1 - 2 * pad - short)
        + (0 if short else draw.below((13, 9, 4)[dims - 1]))
        for taps, gap, pad in zip(kernel, dilation, padding, strict=True)
    )
    return draw.note("windows", Windows(sizes, kernel, stride, padding, dilation, draw.flag()))


def _images(draw: Draw, sizes: tuple[int, ...], dtype: str, kind: str) -> Operand:
    lead = draw.choose(((1, 2), (2, 3), (2,), (0, 2), (1, 1)))
    return operand(draw, (*lead, *sizes), dtype, kind, grad=True)


def winners(look: np.ndarray, places: np.ndarray, smallest: bool) -> np.ndarray:
    """Return the tap that wins each window (..., outputs, taps): the first of equals, the last NaN; -1 for none."""
    inside = np.broadcast_to(places >= 0, look.shape)
    score = np.where(inside, -look if smallest else look, -np.inf)
    missing = np.isnan(look) & inside
    taps = look.shape[-1]
    last_missing = taps - 1 - missing[..., ::-1].argmax(-1)
    score = np.where(missing, np.inf, score)
    # an infinity that lost to nothing but padding is the first place inside
    first = np.where(inside & (score == score.max(-1, keepdims=True)), np.arange(taps), taps).min(-1)
    best = np.where(missing.any(-1), last_missing, first)
    return np.where(inside.any(-1), best, -1)


def extreme_pool(draw: Draw) -> None:
    """max_pool and min_pool, their indices and gradients."""
    p, smallest = _windows(draw), draw.flag(4)
    dims, dtype = len(p.sizes), draw.choose(FLOATS)
    x = _images(draw, p.sizes, dtype, draw.choose(("exact", "normal", "infinite")))
    flat, pixels = windows.flat(x.values, dims), math.prod(p.sizes)

    def reference() -> tuple[np.ndarray, np.ndarray]:
        p.check()
        places = p.places()
        seen = windows.look(flat, places, math.nan)
        best = winners(seen, places, smallest)
        value = np.take_along_axis(seen, np.maximum(best, 0)[..., None], -1)[..., 0]
        where = np.where(best < 0, -1, places[np.arange(len(places)), best])
        return np.where(best < 0, np.inf if smallest else -np.inf, value), where

    name = f"{'min' if smallest else 'max'}_pool{dims}d"
    call = getattr(F, name)
    found = both(
        lambda: call(x.tensor, p.kernel, p.stride, p.padding, p.dilation, p.ceil_mode, return_indices=True), reference
    )
    if found is None:
        return
    (out, indices), (value, where) = found
    shape = (*x.values.shape[:-dims], *p.outputs())
    agree(out, value.reshape(shape), 0.0, name)
    known = where >= 0
    got = indices.numpy().reshape(where.shape)
    agree(np.where(known, got, -1), where, 0.0, f"indices of {name}")
    g = operand(draw, shape, dtype)
    out.backward(g.tensor)
    images = np.zeros((*flat.shape[:-1], pixels + 1)).reshape(-1, pixels + 1)
    rows = np.repeat(np.arange(len(images)), where.shape[-1])
    np.add.at(images, (rows, where.reshape(-1)), g.values.reshape(-1))
    agree(x.tensor.grad, images[:, :pixels].reshape(x.values.shape), 0.0, f"gradient of {name}")


def _average(
    draw: Draw,
    x: Operand,
    call: Any,
    places: np.ndarray,
    count: np.ndarray,
    shape: tuple[int, ...],
    pixels: int,
    dtype: str,
) -> None:
    """Check means over windows of which each is divided by its count."""
    out = call(x.tensor)
    flat = x.values.reshape(*shape, pixels)
    with np.errstate(invalid="ignore"):
        expected = windows.look(flat, places).sum(-1) / count
        magnitude = windows.look(abs(flat), places).sum(-1) / abs(count)
    agree(out, expected.reshape(out.shape), sum_bound(dtype, places.shape[1], magnitude).reshape(out.shape), "mean")
    g = operand(draw, out.shape, dtype, "normal")
    out.backward(g.tensor)
    share = g.values.reshape(expected.shape) / count
    share = np.broadcast_to(share[..., None], (*share.shape, places.shape[1]))
    gradient = windows.spread(share, places, pixels).reshape(x.values.shape)
    most = windows.spread(abs(share), places, pixels).reshape(x.values.shape)
    agree(x.tensor.grad, gradient, sum_bound(dtype, len(places) + 1, most), "gradient of mean")


def average_pool(draw: Draw) -> None:
    """avg_pool with every divisor, and its gradient."""
    p = _windows(draw, dilated=False)
    dims, dtype = len(p.sizes), draw.choose(FLOATS)
    include = draw.flag()
    divisor = draw.choose((None, None, 1, 3, -2)) if dims > 1 else None
    x = _images(draw, p.sizes, dtype, draw.choose(("exact", "normal", "special")))
    options = {} if dims == 1 else {"divisor_override": divisor}
    call = lambda t: getattr(F, f"avg_pool{dims}d")(t, p.kernel, p.stride, p.padding, p.ceil_mode, include, **options)  # noqa: E731
    if both(lambda: call(x.tensor), lambda: p.check(whole=dims == 3)) is None:
        return
    places = p.places()
    count = (places >= 0).sum(-1)
    if include:  # cells of the window as far as the padded image goes
        padded = tuple(size + 2 * pad for size, pad in zip(p.sizes, p.padding, strict=True))
        reach = windows.table(padded, p.outputs(), p.kernel, p.stride, p.dilation, (0,) * dims)
        count = (reach >= 0).sum(-1)
    _average(
        draw,
        x,
        call,
        places,
        np.full(len(places), divisor) if divisor else count,
        x.values.shape[:-dims],
        math.prod(p.sizes),
        dtype,
    )


def adaptive_table(sizes: tuple[int, ...], outputs: tuple[int, ...]) -> np.ndarray:
    """Return the table of adaptive windows: [floor(i * size / out), ceil((i + 1) * size / out))."""
    bounds = [
        [range(i * size // out, -(-(i + 1) * size // out)) for i in range(out)]
        for size, out in zip(sizes, outputs, strict=True)
    ]
    cells = []
    for where in np.ndindex(*outputs):
        axes = [list(bounds[axis][i]) for axis, i in enumerate(where)]
        cells.append(np.ravel_multi_index(np.meshgrid(*axes, indexing="ij"), sizes).ravel())
    taps = max((len(cell) for cell in cells), default=1)
    return np.array([[*cell, *[-1] * (taps - len(cell))] for cell in cells], np.int64).reshape(len(cells), taps)


def adaptive_pool(draw: Draw) -> None:
    """adaptive_avg_pool and adaptive_max_pool, and their gradients."""
    dims = draw.choose((2, 1, 3))
    sizes, outputs = draw.integers(dims, 1, (20, 9, 4)[dims - 1]), draw.integers(dims, 1, (9, 5, 3)[dims - 1])
    if draw.flag(4):
        outputs = (1,) * dims
    draw.note("sizes", (sizes, outputs))
    dtype, largest = draw.choose(FLOATS), draw.flag()
    x = _images(draw, sizes, dtype, draw.choose(("exact", "normal", "infinite" if largest else "special")))
    places, pixels = adaptive_table(sizes, outputs), math.prod(sizes)
    given = outputs[0] if dims == 1 else tuple(None if a == b else b for a, b in zip(sizes, outputs, strict=True))
    if not largest:
        call = lambda t: getattr(F, f"adaptive_avg_pool{dims}d")(t, given)  # noqa: E731
        _average(draw, x, call, places, (places >= 0).sum(-1), x.values.shape[:-dims], pixels, dtype)
        return
    out, indices = getattr(F, f"adaptive_max_pool{dims}d")(x.tensor, given, return_indices=True)
    seen = windows.look(windows.flat(x.values, dims), places, math.nan)
    best = winners(seen, places, False)
    value = np.take_along_axis(seen, best[..., None], -1)[..., 0]
    where = places[np.arange(len(places)), best]
    agree(out, value.reshape(out.shape), 0.0, "adaptive_max_pool")
    agree(indices.numpy().reshape(where.shape), where, 0.0, "indices of adaptive_max_pool")
    g = operand(draw, out.shape, dtype)
    out.backward(g.tensor)
    images = np.zeros((math.prod(x.values.shape[:-dims]), pixels))
    np.add.at(images, (np.repeat(np.arange(len(images)), where.shape[-1]), where.reshape(-1)), g.values.reshape(-1))
    agree(x.tensor.grad, images.reshape(x.values.shape), 0.0, "gradient of adaptive_max_pool")


def power_pool(draw: Draw) -> None:
    """lp_pool: the sum of the powers of a window, to the power of one over it."""
    p = _windows(draw, dilated=False)._replace(ceil_mode=draw.flag())
    dims = len(p.sizes)
    p = p._replace(padding=(0,) * dims)
    dtype, power = draw.choose(FLOATS), draw.choose((2.0, 1.0, 3.0))
    x = _images(draw, p.sizes, dtype, "normal")
    values = abs(x.values) + 0.5  # away from 0, where the root has no gradient

    def reference() -> np.ndarray:
        p.check(whole=dims == 3)
        return (windows.look(windows.flat(values, dims), p.places()) ** power).sum(-1)

    positive = tc.tensor(values.astype(dtype), requires_grad=True)
    values = positive.detach().numpy().astype(np.float64)
    kernel, stride = (p.kernel[0], p.stride[0]) if dims == 1 else (p.kernel, p.stride)
    found = both(lambda: getattr(F, f"lp_pool{dims}d")(positive, power, kernel, stride, p.ceil_mode), reference)
    if found is None:
        return
    out, total = found
    # the mean that PyTorch makes of it divides by the part of a window in the image and multiplies by the whole one
    count = (p.places() >= 0).sum(-1)
    expected = (total / count * math.prod(p.kernel)) ** (1 / power)
    agree(
        out,
        expected.reshape(out.shape),
        64 * sum_bound(dtype, math.prod(p.kernel), expected).reshape(out.shape),
        "lp_pool",
    )


def unpool(draw: Draw) -> None:
    """max_unpool: values go back to the places that max_pool took them from; the gradient takes them from there."""
    p = _windows(draw, dilated=False)
    dims = len(p.sizes)
    p = p._replace(stride=p.kernel, padding=(0,) * dims, ceil_mode=False)
    if min(p.outputs()) < 1 or 0 in p.sizes:
        return
    dtype = draw.choose(FLOATS)
    x = _images(draw, p.sizes, dtype, "normal")
    y, indices = getattr(F, f"max_pool{dims}d")(x.tensor, p.kernel, p.stride, return_indices=True)
    y = operand(draw, y.shape, dtype, "exact", grad=True)
    out = getattr(F, f"max_unpool{dims}d")(y.tensor, indices, p.kernel, p.stride, output_size=p.sizes)
    lead, pixels = math.prod(y.values.shape[:-dims]), math.prod(p.sizes)
    where = indices.numpy().reshape(lead, math.prod(p.outputs()))
    rows = np.arange(lead)[:, None]
    expected = np.zeros((lead, pixels))
    expected[rows, where] = y.values.reshape(where.shape)
    agree(out, expected.reshape(out.shape), 0.0, "max_unpool")
    g = operand(draw, out.shape, dtype, "exact")
    out.backward(g.tensor)
    agree(
        y.tensor.grad,
        g.values.reshape(lead, pixels)[rows, where].reshape(y.values.shape),
        0.0,
        "gradient of max_unpool",
    )


PROPERTIES = (extreme_pool, average_pool, adaptive_pool, power_pool, unpool)
