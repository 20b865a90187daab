"""Windows for signals: bartlett, blackman, hamming, hann, kaiser."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ._arguments import check_options, deliver, to_dtype
from .casts import cast_array
from .core import check_size
from .tensor import Tensor

__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]


def _window(function: str, length: Any, periodic: Any, shape: Callable[[Any], Any], options: dict[str, Any]) -> Tensor:
    """Return shape(x) at `length` places x from -1 to 1; a periodic window is one place longer, and that is cut off.

    Computed in double, then rounded: within a rounding or two of PyTorch, which computes in the dtype itself.
    """
    unknown = set(options) - {"dtype", "layout", "device", "pin_memory", "requires_grad"}
    if unknown:
        raise TypeError(f"{function}() got an unexpected keyword argument '{min(unknown)}'")
    if isinstance(length, bool) or not hasattr(length, "__index__"):
        kind = type(length).__name__
        raise TypeError(f"{function}(): argument 'window_length' (position 1) must be int, not {kind}")
    if not isinstance(periodic, bool):
        raise TypeError(f"{function}(): argument 'periodic' (position 2) must be bool, not {type(periodic).__name__}")
    dtype, requires_grad = options.get("dtype"), options.get("requires_grad", False)
    found = to_dtype(function, dtype)
    if not found.is_floating_point:
        raise RuntimeError(f"{function} expects floating point dtypes, got: {found}")
    check_options(
        function, found, options.get("layout"), options.get("device"), options.get("pin_memory", False), requires_grad
    )
    count = length.__index__()
    if count < 0:
        raise RuntimeError(f"{function} requires non-negative window_length, got window_length={count}")
    check_size((count,))
    if count == 1:
        values = np.ones(1)
    else:
        last = count if periodic else count - 1
        values = shape(2 * np.arange(count) / last - 1) if count else np.empty(0)
    return deliver(function, cast_array(values, found._numpy), None, requires_grad)


def _cosines(*factors: float) -> Callable[[Any], Any]:
    """Return the sum of factor_k cos(k pi x): the windows of Hann, Hamming and Blackman."""
    return lambda x: sum(factor * np.cos(k * math.pi * x) for k, factor in enumerate(factors))


def bartlett_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """Return a triangle from 0 to 1 and back, (window_length,) (`torch.bartlett_window`).

    periodic: the first places of a symmetric window with one place more. options of each window: dtype (a floating
    one), layout, device, pin_memory, requires_grad. Raises RuntimeError for a negative length or another dtype.
    """
    return _window("bartlett_window", window_length, periodic, lambda x: 1 - np.abs(x), options)


def blackman_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """Return 0.42 + 0.5 cos(pi x) + 0.08 cos(2 pi x) for x from -1 to 1 (`torch.blackman_window`); see
    bartlett_window."""
    return _window("blackman_window", window_length, periodic, _cosines(0.42, 0.5, 0.08), options)


def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, **options: Any
) -> Tensor:
    """Return alpha + beta cos(pi x) for x from -1 to 1 (`torch.hamming_window`); see bartlett_window."""
    return _window("hamming_window", window_length, periodic, _cosines(alpha, beta), options)


def hann_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """Return (1 + cos(pi x)) / 2 for x from -1 to 1 (`torch.hann_window`); see bartlett_window."""
    return _window("hann_window", window_length, periodic, _cosines(0.5, 0.5), options)


def kaiser_window(window_length: int, periodic: bool = True, beta: float = 12.0, **options: Any) -> Tensor:
    """Return I0(beta sqrt(1 - x^2)) / I0(beta) for x from -1 to 1 (`torch.kaiser_window`); see bartlett_window."""

    def shape(x: Any) -> Any:
        return np.i0(beta * np.sqrt(np.maximum(1 - x * x, 0))) / np.i0(beta)

    return _window("kaiser_window", window_length, periodic, shape, options)
