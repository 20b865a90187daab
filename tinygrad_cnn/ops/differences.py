"""Differences, derivatives and integrals of sampled functions."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.tensor import Tensor

from .base import check_tensor, wrap_dim, wrap_dims
from .forms import public
from .joining import cat
from .promotion import NUMBERS
from .slices import narrow


@public(out=True)
def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Return the n-th differences along `dim`, with more elements put before and behind (`torch.diff`)."""
    x = check_tensor(input, "diff")
    if x._array.ndim == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    dim = wrap_dim(dim, x._array.ndim)
    parts = [part for part in (prepend, x, append) if part is not None]
    for part in parts:
        if part._array.ndim != x._array.ndim:
            raise RuntimeError("diff expects prepend or append to be the same dimension as input")
    if n == 0:
        return x.clone()
    x = cat(parts, dim) if len(parts) > 1 else x
    for _ in range(min(n, x._array.shape[dim])):
        size = max(x._array.shape[dim] - 1, 0)
        later, earlier = narrow(x, dim, x._array.shape[dim] - size, size), narrow(x, dim, 0, size)
        x = later ^ earlier if x._array.dtype.kind == "b" else later - earlier
    return x


def _trapezoids(name: str, y: Tensor, x: Any, dx: Any, dim: int) -> Tensor:
    """Return the areas between neighbours."""
    check_tensor(y, name, "y")
    dim = wrap_dim(dim, y._array.ndim)
    size = y._array.shape[dim]
    steps: Any = 1 if dx is None else dx
    if x is not None:
        if x._array.shape[-1 if x._array.ndim == 1 else dim] == size and x._array.ndim == 1:
            x = x.reshape([size if d == dim else 1 for d in range(y._array.ndim)])
        along = dim if x._array.ndim == y._array.ndim else dim - y._array.ndim + x._array.ndim
        if x._array.shape[along] != size and x._array.shape[along] != 1:
            raise RuntimeError(f"{name}: There must be one `x` value for each sample point")
        steps = diff(x, 1, along)
    if size < 2:
        return narrow(y, dim, 0, 0) * 0.5
    return (narrow(y, dim, 1, size - 1) + narrow(y, dim, 0, size - 1)) * steps * 0.5


@public("trapz", method=False)
def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """Return the integral along `dim` by the trapezoidal rule, at the points x or with steps dx (`torch.trapezoid`)."""
    if x is not None or not check_tensor(y, "trapezoid", "y")._array.shape[wrap_dim(dim, y._array.ndim)]:
        return _trapezoids("trapezoid", y, x, dx, dim).sum(dim)
    return (y.sum(dim) - (y.select(dim, 0) + y.select(dim, -1)) * 0.5) * (1 if dx is None else dx)


@public(method=False)
def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """Return the running integral along `dim` by the trapezoidal rule (`torch.cumulative_trapezoid`)."""
    return _trapezoids("cumulative_trapezoid", y, x, dx, dim).cumsum(dim)


@public(method=False)
def gradient(input: Tensor, *, spacing: Any = None, dim: Any = None, edge_order: int = 1) -> list[Tensor]:
    """Return the derivatives along dimensions, estimated from samples by central differences (`torch.gradient`).

    Args:
        input: samples (...).
        spacing: the distance of samples: a number, one a dimension, or a vector of coordinates a dimension.
        dim: the dimensions, all by default.
        edge_order: 1 or 2, the order of the one-sided differences at both ends.

    Raises RuntimeError for too few samples (edge_order + 1 are needed) or spacings that do not fit.
    """
    x = check_tensor(input, "gradient")
    dims = wrap_dims(dim if dim is None or isinstance(dim, (tuple, list)) else (dim,), x._array.ndim)
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    for d in dims:
        if x._array.shape[d] < edge_order + 1:
            raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")
    if spacing is None or isinstance(spacing, NUMBERS):
        steps: list[Any] = [1 if spacing is None else spacing] * len(dims)
    else:
        steps = list(spacing)
        if len(steps) != len(dims):
            raise RuntimeError(
                "torch.gradient expected spacing to be unspecified, a scalar or a list of the same length as dim, "
                f"but got {len(steps)} spacings for {len(dims)} dimensions."
            )
    return [_derivative(x, step, d, edge_order) for step, d in zip(steps, dims, strict=True)]


def _derivative(x: Tensor, step: Any, dim: int, edge_order: int) -> Tensor:
    """Return the derivative along one dimension.

    Inside, with distances a to the left and b to the right neighbour, the parabola through three points has the slope
    (f(x+b) a/b - f(x-a) b/a + f(x) (b/a - a/b)) / (a + b); at the ends it is that of the line through two points, or
    of the parabola through three.
    """
    size = x._array.shape[dim]
    shape = [-1 if d == dim else 1 for d in range(x._array.ndim)]
    even = not (isinstance(step, Tensor) and step._array.ndim)
    if not even:
        if step._array.shape != (size,):
            raise RuntimeError(
                f"torch.gradient expected each tensor in spacing to have one coordinate a sample, but got "
                f"{list(step._array.shape)} for dimension {dim} of size {size}"
            )
        gaps = (narrow(step, 0, 1, size - 1) - narrow(step, 0, 0, size - 1)).reshape(shape)
    else:
        gaps = x.new_ones(size - 1).reshape(shape) * step

    def at(start: int, count: int = 1) -> Tensor:
        return narrow(x, dim, start % size, count)

    def gap(start: int, count: int = 1) -> Tensor:
        return narrow(gaps, dim, start % (size - 1), count)

    def parabola(f0: Tensor, f1: Tensor, f2: Tensor, a: Tensor, b: Tensor) -> Tensor:
        """Return the slope at the first of three points with distances a, b."""
        return f1 * ((a + b) / (a * b)) - f0 * ((2 * a + b) / (a * (a + b))) - f2 * (a / (b * (a + b)))

    a, b = gap(0, size - 2), gap(1, size - 2)
    if even:  # the middle point has no weight, and may be NaN
        inner = (at(2, size - 2) - at(0, size - 2)) / (a + b)
    else:
        inner = (at(2, size - 2) * (a / b) - at(0, size - 2) * (b / a) + at(1, size - 2) * (b / a - a / b)) / (a + b)
    if edge_order == 1:
        first, last = (at(1) - at(0)) / gap(0), (at(-1) - at(-2)) / gap(-1)
    else:
        first = parabola(at(0), at(1), at(2), gap(0), gap(1))
        last = -parabola(at(-1), at(-2), at(-3), gap(-1), gap(-2))
    return cat([first, inner, last], dim)
