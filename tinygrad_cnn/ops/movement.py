"""Copies with elements in other places or repeated."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.tensor import Tensor, wrap

from .base import check_tensor, clone, sizes_of, wrap_dim, wrap_dims
from .broadcasting import expand
from .forms import public
from .views import reshape


class Rearranged(Operation):
    """A copy with elements in other places, by a NumPy function; `inverse` brings them back."""

    grad_name = "FlipBackward0"

    def forward(self, x: Any, kind: str, params: tuple[Any, ...]) -> Any:
        """Rearrange."""
        self.kind, self.params = kind, params
        self.grad_name = f"{kind.capitalize()}Backward0"
        return core.copy(np.flip(x, params)) if kind == "flip" else np.roll(x, *params)

    def backward(self, grad: Tensor) -> Tensor:
        """Rearrange back: a flip undoes itself, a roll is undone by the opposite one."""
        params = self.params
        if self.kind == "roll":
            params = (tuple([-shift for shift in params[0]]), params[1])
        return Rearranged.apply(grad, kind=self.kind, params=params)


@public()
def flip(input: Tensor, *sizes: Any, dims: Any = None) -> Tensor:
    """Return a copy with the order reversed along `dims` (`torch.flip`)."""
    ndim = check_tensor(input, "flip")._array.ndim
    axes = sizes_of(sizes if dims is None else (dims,), "flip")
    return Rearranged.apply(input, kind="flip", params=wrap_dims(axes, ndim) if axes else ())


@public()
def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """Return a copy with elements moved by `shifts` along `dims`, cyclically; flattened without dims (`torch.roll`)."""
    ndim = check_tensor(input, "roll")._array.ndim
    if isinstance(shifts, (tuple, list)) and not shifts:
        raise RuntimeError("`shifts` required: roll() got an empty list")
    by = tuple(shifts) if isinstance(shifts, (tuple, list)) else (shifts,)
    if dims is None or dims == ():
        if len(by) != 1:
            raise RuntimeError(f"shifts and dimensions must align. shifts: {len(by)}, dims:0")
        flat = Rearranged.apply(reshape(input, -1), kind="roll", params=(by, (0,)))
        return reshape(flat, input._array.shape)
    if not ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    axes = tuple([wrap_dim(d, ndim) for d in (dims if isinstance(dims, (tuple, list)) else (dims,))])
    if len(axes) != len(by):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(by)}, dims:{len(axes)}")
    return Rearranged.apply(input, kind="roll", params=(by, axes))


@public(function=False)
def repeat(input: Tensor, *sizes: Any, repeats: Any = None) -> Tensor:
    """Return a copy repeated along each dimension, new leading ones included (`Tensor.repeat`)."""
    shape, times = input._array.shape, sizes_of(sizes if repeats is None else (repeats,), "repeat")
    lead = len(times) - len(shape)
    if lead < 0:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    if any(n < 0 for n in times):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(times)}: {list(times)}")
    shape = (1,) * lead + shape
    # (a, b) repeated (m, n) times is (1, a, 1, b) expanded to (m, a, n, b) and flattened.
    between = [size for pair in zip((1,) * len(times), shape, strict=True) for size in pair]
    wide = [size for pair in zip(times, shape, strict=True) for size in pair]
    final = [n * size for n, size in zip(times, shape, strict=True)]
    return reshape(clone(expand(reshape(input, between), wide)), final)


@public()
def tile(input: Tensor, *sizes: Any, dims: Any = None) -> Tensor:
    """Return a copy repeated `dims` times, missing leading counts being 1 (`torch.tile`)."""
    times = sizes_of(sizes if dims is None else (dims,), "tile")
    return repeat(input, (1,) * (check_tensor(input, "tile")._array.ndim - len(times)) + times)


@public()
def repeat_interleave(
    input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Return each element, or each part along `dim`, repeated in place (`torch.repeat_interleave`).

    Of counts alone: each place 0, 1, ... as often as its count says.
    """
    from .index_along import index_select

    if repeats is None:
        counts = check_tensor(input, "repeat_interleave")._array
        input, repeats, dim = wrap(np.arange(len(counts), dtype=counts.dtype)), input, 0
    x = reshape(input, -1) if dim is None else input
    dim = wrap_dim(0 if dim is None else dim, x._array.ndim)
    times = repeats._array if isinstance(repeats, Tensor) else np.asarray(repeats)
    if (times < 0).any():
        raise RuntimeError("repeats can not be negative")
    if times.ndim and times.size not in (1, x._array.shape[dim]):
        raise RuntimeError(
            "repeats must have the same size as input along dim, but got repeats.size(0) = "
            f"{times.size} and input.size({dim}) = {x._array.shape[dim]}"
        )
    # NumPy adds the counts up in 64 bits, and does not notice when they wrap
    total = sum(times.tolist()) if times.ndim else int(times)
    core.check_size((total if times.size == x._array.shape[dim] and times.ndim else total * x._array.shape[dim],))
    places = np.repeat(np.arange(x._array.shape[dim]), times)
    return index_select(x, dim, wrap(places.astype(np.int64)))


@public()
def fliplr(input: Tensor) -> Tensor:
    """Return a copy with the order reversed along the second dimension (`torch.fliplr`)."""
    if check_tensor(input, "fliplr")._array.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, 1)


@public()
def flipud(input: Tensor) -> Tensor:
    """Return a copy with the order reversed along the first dimension (`torch.flipud`)."""
    if check_tensor(input, "flipud")._array.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, 0)


@public()
def rot90(input: Tensor, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """Return a copy turned k times by 90 degrees from the first towards the second of `dims` (`torch.rot90`)."""
    ndim = check_tensor(input, "rot90")._array.ndim
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {ndim}")
    if dims[0] == dims[1] or abs(dims[0] - dims[1]) == ndim:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    for dim in dims:
        wrap_dim(dim, ndim)
    k %= 4
    if k == 0:
        return clone(input)
    if k == 2:
        return flip(input, *dims)
    turned = flip(input, dims[1] if k == 1 else dims[0])
    return clone(turned.transpose(dims[0], dims[1]))
