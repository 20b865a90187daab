"""New random tensors: rand, randn, randint and their `_like` forms, randperm, normal."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from tinygrad_cnn import core, dtypes
from tinygrad_cnn._arguments import check_options, deliver, size_of, to_dtype
from tinygrad_cnn.autograd.grad_mode import no_grad
from tinygrad_cnn.casts import cast_array, widened
from tinygrad_cnn.creation import _sizes
from tinygrad_cnn.like import like_array
from tinygrad_cnn.tensor import Tensor, wrap

from .drawn import Drawn
from .fill import fill_integers, fill_normal, fill_uniform, greatest_integer, locked
from .generator import Generator

__all__ = ["normal", "rand", "rand_like", "randint", "randint_like", "randn", "randn_like", "randperm"]


def _make(function: str, shape: tuple[int, ...], fill: Any, options: tuple[Any, ...]) -> Tensor:
    out, dtype, layout, device, pin_memory, requires_grad = options
    found = to_dtype(function, dtype, out.dtype if isinstance(out, Tensor) else None)
    check_options(function, found, layout, device, pin_memory, requires_grad)
    array = core.empty(shape, found._numpy)
    fill(array)
    return deliver(function, array, out, requires_grad, dtype)


def rand(
    *args: Any,
    size: Any = None,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Return a tensor of numbers uniform in [0, 1), float32 or float64 (`torch.rand`)."""
    options = (out, dtype, layout, device, pin_memory, requires_grad)
    return _make("rand", _sizes("rand", args, size), lambda array: fill_uniform(array, 0.0, 1.0, generator), options)


def randn(
    *args: Any,
    size: Any = None,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Return a tensor of standard normal numbers, float32 or float64 (`torch.randn`)."""
    options = (out, dtype, layout, device, pin_memory, requires_grad)
    return _make("randn", _sizes("randn", args, size), lambda array: fill_normal(array, 0.0, 1.0, generator), options)


def _like(function: str, input: Any, fill: Any, options: tuple[Any, ...]) -> Tensor:
    if not isinstance(input, Tensor):
        raise TypeError(f"{function}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    dtype, layout, device, pin_memory, requires_grad, memory_format = options
    found = to_dtype(function, dtype, input.dtype)
    check_options(function, found, layout, device, pin_memory, requires_grad)
    array = like_array(input, found._numpy, memory_format)
    fill(array)
    return deliver(function, array, None, requires_grad)


def rand_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Return uniform numbers in [0, 1) with the shape and dtype of `input` (`torch.rand_like`)."""
    options = (dtype, layout, device, pin_memory, requires_grad, memory_format)
    return _like("rand_like", input, lambda array: fill_uniform(array, 0.0, 1.0, generator), options)


def randn_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Return standard normal numbers with the shape and dtype of `input` (`torch.randn_like`)."""
    options = (dtype, layout, device, pin_memory, requires_grad, memory_format)
    return _like("randn_like", input, lambda array: fill_normal(array, 0.0, 1.0, generator), options)


def _bounds(function: str, args: tuple[Any, ...], low: Any, high: Any, names: tuple[str, ...]) -> tuple[int, int]:
    """Return low and high of f(high) or f(low, high), each positional or by name."""
    if len(args) > 2:
        raise TypeError(f"{function}() received an invalid combination of arguments: {len(args)} bounds")
    if len(args) == 2:
        low, high = args
    elif len(args) == 1:
        if high is None:
            high = args[0]
        else:
            low = args[0]
    if high is None:
        raise TypeError(f'{function}() missing 1 required positional arguments: "high"')
    for name, value in zip(names, (low, high), strict=True):
        if not hasattr(value, "__index__"):
            raise TypeError(f"{function}(): argument '{name}' must be int, not {type(value).__name__}")
    return low.__index__(), high.__index__()


def randint(
    *args: Any,
    low: Any = 0,
    high: Any = None,
    size: Any = None,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return integers uniform in [low, high) (`torch.randint`): `randint(high, size)` or `randint(low, high, size)`.

    int64 unless `dtype` says otherwise. Raises RuntimeError for an empty range, or one that the dtype cannot hold.
    """
    bounds = args
    if size is None:
        if not args:
            raise TypeError('randint() missing 2 required positional arguments: "high", "size"')
        *rest, size = args
        bounds = tuple(rest)
    if not isinstance(size, (tuple, list)):
        raise TypeError(
            f"randint(): argument 'size' (position {len(bounds) + 1}) must be tuple of ints, not {type(size).__name__}"
        )
    first, last = _bounds("randint", bounds, low, high, ("low", "high"))
    if dtype is None and out is None:
        dtype = dtypes.int64
    options = (out, dtype, layout, device, pin_memory, requires_grad)
    shape = size_of("randint", (size,))
    return _make("randint", shape, lambda array: fill_integers(array, first, last, generator), options)


def randint_like(
    input: Tensor,
    *args: Any,
    low: Any = 0,
    high: Any = None,
    generator: Generator | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Return integers uniform in [low, high) with the shape and dtype of `input` (`torch.randint_like`)."""
    first, last = _bounds("randint_like", args, low, high, ("low", "high"))
    options = (dtype, layout, device, pin_memory, requires_grad, memory_format)
    return _like("randint_like", input, lambda array: fill_integers(array, first, last, generator), options)


def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Return the numbers from 0 to n - 1 in random order, int64 unless `dtype` says otherwise (`torch.randperm`).

    Raises RuntimeError for a negative n, or one whose numbers the dtype cannot hold.
    """
    if isinstance(n, builtins.bool) or not hasattr(n, "__index__"):
        raise TypeError(f"randperm(): argument 'n' (position 1) must be int, not {type(n).__name__}")
    count = n.__index__()
    if count < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {count}: [{count}]")
    found = to_dtype("randperm", dtype, out.dtype if isinstance(out, Tensor) else dtypes.int64)
    check_options("randperm", found, layout, device, pin_memory, requires_grad)
    if found is dtypes.bool:
        raise NotImplementedError("\"randperm\" not implemented for 'Bool'")
    if count - 1 > greatest_integer(found._numpy):
        raise RuntimeError(f"n is too large for result tensor type: 'torch.{found._name}'")
    array = core.empty((count,), found._numpy)
    with locked(generator) as state:
        array[...] = cast_array(state.permutation(count), found._numpy)
    return deliver("randperm", array, out, requires_grad, dtype)


def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return normal numbers (`torch.normal`): `normal(mean, std)` with a tensor among them, broadcast, or
    `normal(mean, std, size)` with two numbers. Raises RuntimeError for a negative standard deviation.
    """
    tensors = [value for value in (mean, std) if isinstance(value, Tensor)]
    if not tensors:
        if size is None:
            raise TypeError("normal() needs a tensor as mean or std, or a size")
        options = (out, dtype, layout, device, pin_memory, requires_grad)
        shape = size_of("normal", (size,))
        return _make("normal", shape, lambda array: fill_normal(array, float(mean), float(std), generator), options)
    if not isinstance(std, Tensor) and std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
    if isinstance(std, Tensor) and (widened(std._array) < 0).any():
        raise RuntimeError("normal expects all elements of std >= 0.0")
    from tinygrad_cnn.ops.base import broadcast_error

    try:
        shape = np.broadcast_shapes(*(tensor._array.shape for tensor in tensors))
    except ValueError:
        raise broadcast_error(*(tensor._array for tensor in tensors)) from None

    def draw(*_: Any) -> Any:
        array = core.empty(shape, tensors[0]._array.dtype)
        fill_normal(array, 0.0, 1.0, generator)
        with no_grad():  # two roundings, as PyTorch has: the product, then the sum
            return wrap(array).mul_(std).add_(mean)._array

    if out is not None:
        return deliver("normal", draw(), out, False)
    kind = 3 if len(tensors) == 2 else 1 if isinstance(mean, Tensor) else 2
    return Drawn.apply(*tensors, draw=draw, grad_name=f"NormalBackward{kind}")
