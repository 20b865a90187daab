"""A tensor as text, to the letter as PyTorch prints it, and the options for it (`torch.set_printoptions`)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from . import dtypes
from .casts import widened
from .tensor import Tensor

__all__ = ["get_printoptions", "printoptions", "set_printoptions"]


class _Options:
    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


OPTIONS = _Options()
_PROFILES = {"default": (4, 1000, 3, 80), "short": (2, 1000, 2, 80), "full": (4, math.inf, 3, 80)}
_NAMES = ("precision", "threshold", "edgeitems", "linewidth")


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed (`torch.set_printoptions`); None leaves an option as it is (`sci_mode`: automatic).

    precision: digits after the point. threshold: more elements than that are summarised, `edgeitems` at each end of a
    dimension. linewidth: characters a line. profile: 'default', 'short' or 'full', which the others then change.
    """
    if profile in _PROFILES:
        for name, value in zip(_NAMES, _PROFILES[profile], strict=True):
            setattr(OPTIONS, name, value)
    for name, given in zip(_NAMES, (precision, threshold, edgeitems, linewidth), strict=True):
        if given is not None:
            setattr(OPTIONS, name, given)
    OPTIONS.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """Return the options in use, as keyword arguments of `set_printoptions`."""
    return {name: getattr(OPTIONS, name) for name in (*_NAMES, "sci_mode")}


@contextmanager
def printoptions(**kwargs: Any) -> Iterator[None]:
    """Set options for the duration of a `with` block (`torch.printoptions`)."""
    before = get_printoptions()
    set_printoptions(**kwargs)
    try:
        yield
    finally:
        set_printoptions(**before)


class _Formatter:
    """One format for all numbers of a tensor: integral, fixed-point or scientific, and the width of the widest."""

    def __init__(self, values: Any):
        self.floating = values.dtype.kind == "f"
        self.scientific = False
        self.integral = True
        self.width = 1
        if not self.floating:
            self.width = max([1, *(len(str(value)) for value in values.ravel().tolist())])
            return
        numbers = values[np.isfinite(values) & (values != 0)]
        if not numbers.size:
            return
        self.integral = bool((numbers == np.ceil(numbers)).all())
        sizes = np.abs(numbers.astype(np.float64))
        low, high = float(sizes.min()), float(sizes.max())
        if OPTIONS.sci_mode is None:
            # The quotient may overflow to infinity, which is larger than 1000 as well.
            self.scientific = high > 1000.0 * low or high > 1e8 or low < 1e-4
        else:
            self.scientific = OPTIONS.sci_mode
        self.width = max([1, *(len(self.number(value)) for value in numbers.tolist())])

    def number(self, value: Any) -> str:
        """Return one number, not padded."""
        if not self.floating:
            return str(value)
        if self.scientific:
            return f"{value:.{OPTIONS.precision}e}"
        if self.integral:
            return f"{value:.0f}" if math.isinf(value) or math.isnan(value) else f"{value:.0f}."
        return f"{value:.{OPTIONS.precision}f}"

    def padded(self, value: Any) -> str:
        """Return one number, padded on the left to the common width."""
        return self.number(value).rjust(self.width)


def _edges(array: Any) -> Any:
    """Return what of a large array is printed, for the formatter."""
    n = OPTIONS.edgeitems
    if array.ndim > 1 and not n:
        return array[:0]
    for axis in range(array.ndim):
        if array.shape[axis] > 2 * n:
            # With n = 0 the last slice is everything, as in PyTorch.
            first = array[(slice(None),) * axis + (slice(None, n),)]
            last = array[(slice(None),) * axis + (slice(-n, None),)]
            array = np.concatenate((first, last), axis)
    return array


def _vector(array: Any, indent: int, short: bool, formatter: _Formatter) -> str:
    n = OPTIONS.edgeitems
    if short and not n:
        items = ["..."]
    elif short and len(array) > 2 * n:
        items = [formatter.padded(value) for value in array[:n].tolist()]
        items += [" ..."]
        items += [formatter.padded(value) for value in array[-n:].tolist()]
    else:
        items = [formatter.padded(value) for value in array.tolist()]
    per_line = max(1, (OPTIONS.linewidth - indent) // (formatter.width + 2))
    lines = [", ".join(items[i : i + per_line]) for i in range(0, len(items), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _nested(array: Any, indent: int, short: bool, formatter: _Formatter) -> str:
    if array.ndim == 0:
        return formatter.padded(array.item())
    if array.ndim == 1:
        return _vector(array, indent, short, formatter)
    n = OPTIONS.edgeitems
    if short and len(array) > 2 * n:
        rows = [_nested(row, indent + 1, short, formatter) for row in array[:n]]
        rows += ["..."]
        rows += [_nested(row, indent + 1, short, formatter) for row in array[len(array) - n :]]
    else:
        rows = [_nested(row, indent + 1, short, formatter) for row in array]
    return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(rows) + "]"


def _contents(array: Any, indent: int) -> str:
    if not array.size:
        return "[]"
    short = array.size > OPTIONS.threshold
    return _nested(array, indent, short, _Formatter(_edges(array) if short else array))


def _suffixes(tensor: Tensor) -> list[str]:
    """Return what follows the numbers: size, dtype, grad_fn or requires_grad, as far as they are not obvious."""
    array, dtype = tensor._array, tensor.dtype
    found = []
    default = dtypes.get_default_dtype()
    if not array.size:
        if array.ndim != 1:
            found.append(f"size={array.shape}")
        if dtype is not default:
            found.append(f"dtype={dtype}")
    else:
        if not OPTIONS.edgeitems:
            found.append(f"size={array.shape}")
        if dtype not in (default, dtypes.int64, dtypes.bool):
            found.append(f"dtype={dtype}")
    node = tensor.grad_fn
    if node is not None:
        found.append(f"grad_fn=<{node.name()}>")
    elif tensor.requires_grad:
        found.append("requires_grad=True")
    return found


def tensor_text(self: Tensor) -> str:
    """Return the tensor as text: its numbers, summarised if there are many, and what else one must know of it."""
    kind = type(self).__name__
    prefix = "tensor(" if kind in ("Tensor", "Parameter", "Buffer") else f"{kind}("
    indent = len(prefix)
    text = prefix + _contents(widened(self._array), indent)
    # A suffix that does not fit goes to a line of its own. The length of the last line counts one too many: PyTorch's
    # does.
    used = len(text) - text.rfind("\n") + 1
    for suffix in _suffixes(self):
        if used + len(suffix) + 2 > OPTIONS.linewidth:
            text += ",\n" + " " * indent + suffix
            used = indent + len(suffix)
        else:
            text += ", " + suffix
            used += len(suffix) + 2
    return text + ")"


def tensor_repr(self: Tensor, *, tensor_contents: str | None = None) -> str:
    """Return the tensor as text, as PyTorch prints it."""
    return tensor_text(self)


def tensor_format(self: Tensor, format_spec: str) -> str:
    """Format a 0-d tensor like the Python number it holds, others like text."""
    if self._array.ndim == 0 and type(self) is Tensor:
        return format(self.item(), format_spec)
    return object.__format__(self, format_spec)
