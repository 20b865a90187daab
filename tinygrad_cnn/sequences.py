"""Tensors of regular numbers: arange, range, linspace, logspace, eye."""

from __future__ import annotations

import builtins
import math
import warnings
from typing import Any

import numpy as np

from . import core, dtypes
from ._arguments import check_options, deliver, to_dtype, to_number
from .casts import cast_array, widened
from .tensor import Tensor

__all__ = ["arange", "eye", "linspace", "logspace", "range"]


def _count(start: Any, end: Any, step: Any, inclusive: bool) -> int:
    """Return how many numbers there are from start to end; RuntimeError for a range that never ends."""
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (step > 0 and end < start) or (step < 0 and end > start):
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    if inclusive:
        return math.floor((end - start) / step) + 1
    if all(isinstance(value, builtins.int) for value in (start, end, step)):
        return -((start - end) // step)
    return math.ceil((end - start) / step)


def _affine(start: Any, step: Any, count: int, numpy_dtype: Any) -> Any:
    """Return start + i * step, computed in double (integers: exactly), then rounded.

    PyTorch's float32 results depend on the width of its vectors; these are the ones that it gives element by element.
    """
    array = core.empty((count,), numpy_dtype)
    if numpy_dtype.kind not in "iu":
        array[...] = cast_array(start + step * np.arange(count, dtype=np.float64), numpy_dtype)
    else:
        array[...] = (math.trunc(start) + math.trunc(step) * np.arange(count, dtype=np.int64)).astype(numpy_dtype)
    return array


def _range(
    function: str, limits: tuple[Any, Any, Any], inclusive: bool, options: tuple[Any, ...], integers_allowed: bool
) -> Tensor:
    out, dtype, layout, device, pin_memory, requires_grad = options
    end = to_number(function, limits[1], 1 if limits[0] == 0 else 2, "end")
    start, step = to_number(function, limits[0], 1, "start"), to_number(function, limits[2], 3, "step")
    integers = integers_allowed and all(isinstance(value, builtins.int) for value in (start, end, step))
    found = to_dtype(function, dtype, out.dtype if isinstance(out, Tensor) else dtypes.int64 if integers else None)
    if found is dtypes.bool:
        raise NotImplementedError(f"\"{function}_cpu\" not implemented for 'Bool'")
    check_options(function, found, layout, device, pin_memory, requires_grad)
    if found is dtypes.int64 and math.isfinite(start) and math.isfinite(end):
        if step and not math.trunc(step):
            raise ValueError("step must be nonzero")
        start, end, step = math.trunc(start), math.trunc(end), math.trunc(step)
    count = _count(start, end, step, inclusive)
    return deliver(function, _affine(start, step, count, found._numpy), out, requires_grad, dtype)


def arange(
    *args: Any,
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return the numbers from `start` (0) up to, not including, `end` by `step` (`torch.arange`).

    `arange(end)`, `arange(start, end)` or `arange(start, end, step)`. All ints: int64, else the default dtype.
    Raises RuntimeError for a step of 0 or of the wrong sign, or limits that are not finite.
    """
    if len(args) > 3:
        raise TypeError(f"arange() takes from 1 to 3 positional arguments but {len(args)} were given")
    if len(args) == 1 and end is None:
        end = args[0]
    elif args:
        start, end, step = (*args, *(start, end, step)[len(args) :])
    if end is None:
        raise TypeError('arange() missing 1 required positional arguments: "end"')
    return _range("arange", (start, end, step), False, (out, dtype, layout, device, pin_memory, requires_grad), True)


def range(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return the numbers from `start` up to and including `end` (`torch.range`, deprecated there in favour of
    arange)."""
    warnings.warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with "
        "Python's range builtin. Instead, use torch.arange, which produces values in [start, end).",
        UserWarning,
        stacklevel=2,
    )
    if end is None:
        start, end = 0, start
    return _range("range", (start, end, step), True, (out, dtype, layout, device, pin_memory, requires_grad), False)


def _rounded(value: Any, numpy_dtype: Any) -> Any:
    """Return a number as a dtype has it, in double."""
    return np.float64(widened(cast_array(np.array(value, np.float64), numpy_dtype)))


def _spaced(start: Any, end: Any, steps: int, numpy_dtype: Any) -> Any:
    """Return `steps` numbers from start to end, in double: from the front in the first half, from the back in the
    second.

    Start and end have the dtype of the result, and so has the step, except that of integers, which is a double. The
    product is not rounded before the sum, as in PyTorch.
    """
    first, last = _rounded(start, numpy_dtype), _rounded(end, numpy_dtype)
    if steps == 1:
        return np.array([first])
    step = (last - first) / (steps - 1)
    if numpy_dtype.kind not in "iu":
        step = _rounded(_rounded(last - first, numpy_dtype) / _rounded(steps - 1, numpy_dtype), numpy_dtype)
    index = np.arange(steps, dtype=np.float64)
    return np.where(index < steps // 2, first + step * index, last - step * (steps - 1 - index))


def _ends(function: str, start: Any, end: Any) -> tuple[Any, Any]:
    """Return both ends as numbers; RuntimeError for tensors with dimensions."""
    if any(isinstance(value, Tensor) and value.ndim for value in (start, end)):
        named = [(name, value) for name, value in (("start", start), ("end", end)) if isinstance(value, Tensor)]
        found = [f"{name} with {value.ndim} dimension(s)" for name, value in named]
        raise RuntimeError(
            f"{function} only supports 0-dimensional start and end tensors, but got {' and '.join(found)}."
        )
    return to_number(function, start, 1, "start"), to_number(function, end, 2, "end")


def _steps(function: str, steps: Any) -> int:
    if isinstance(steps, builtins.bool) or not hasattr(steps, "__index__"):
        raise TypeError(f"{function}(): argument 'steps' must be int, not {type(steps).__name__}")
    if steps.__index__() < 0:
        raise RuntimeError("number of steps must be non-negative")
    return builtins.int(steps.__index__())


def linspace(
    start: Any,
    end: Any,
    steps: int,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return `steps` numbers, evenly spaced, from `start` to `end`, both included (`torch.linspace`).

    Raises RuntimeError for a negative number of steps.
    """
    first, last = _ends("linspace", start, end)
    count = _steps("linspace", steps)
    found = to_dtype("linspace", dtype, out.dtype if isinstance(out, Tensor) else None)
    check_options("linspace", found, layout, device, pin_memory, requires_grad)
    array = core.empty((count,), found._numpy)
    if count:
        array[...] = cast_array(_spaced(first, last, count, found._numpy), found._numpy)
    return deliver("linspace", array, out, requires_grad, dtype)


def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return base ** linspace(start, end, steps) (`torch.logspace`), computed in double and rounded once.

    Raises RuntimeError for a negative number of steps.
    """
    first, last = _ends("logspace", start, end)
    count = _steps("logspace", steps)
    found = to_dtype("logspace", dtype, out.dtype if isinstance(out, Tensor) else None)
    check_options("logspace", found, layout, device, pin_memory, requires_grad)
    array = core.empty((count,), found._numpy)
    if count:
        with np.errstate(all="ignore"):
            exponents = _spaced(first, last, count, found._numpy) if count > 1 else np.array([first], np.float64)
            array[...] = cast_array(np.power(builtins.float(base), exponents), found._numpy)
    return deliver("logspace", array, out, requires_grad, dtype)


def eye(
    n: int,
    m: int | None = None,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return an (n, m) matrix, (n, n) without m, with ones on the diagonal (`torch.eye`)."""
    for name, value in (("n", n), ("m", n if m is None else m)):
        if isinstance(value, builtins.bool) or not hasattr(value, "__index__"):
            raise TypeError(f"eye(): argument '{name}' must be int, not {type(value).__name__}")
        if value < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {value}")
    found = to_dtype("eye", dtype, out.dtype if isinstance(out, Tensor) else None)
    check_options("eye", found, layout, device, pin_memory, requires_grad)
    array = core.zeros((n, n if m is None else m), found._numpy)
    array[...] = cast_array(np.eye(n, m, dtype=np.bool_), found._numpy)
    return deliver("eye", array, out, requires_grad, dtype)
