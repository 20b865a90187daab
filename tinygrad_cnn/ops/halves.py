"""Operations on float16 and bfloat16: computed in float32, rounded once, as PyTorch's CPU kernels do."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np

from tinygrad_cnn import dtypes
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.casts import F32, FLOATING, HALVES, cast_array, halves, widened
from tinygrad_cnn.tensor import Tensor

from .promotion import Cast, cast

F = TypeVar("F", bound=Callable[..., Any])


def through_float32(operation: type[Operation], inputs: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """Run an operation on inputs of which some are halves: these as float32, and what is float32 then rounded back.

    The graph has the two conversions around the operation, which thus computes its gradients in float32 as well; the
    outer one bears its name. The result has the dtype of the first floating input.
    """
    kinds = [x._array.dtype for x in inputs if x is not None and x._array.dtype in FLOATING]
    wide = [cast(x, dtypes.float32) if x is not None and x._array.dtype in HALVES else x for x in inputs]
    if getattr(operation, "rounds_number", False):
        params = {**params, "value": float(widened(cast_array(np.array(params["value"], np.float64), kinds[0])))}
    result = operation.apply(*wide, **params)
    if type(result) is tuple:
        return tuple([rounded(y, kinds[0]) for y in result])
    return rounded(result, kinds[0])


def rounded(y: Tensor, numpy_dtype: Any) -> Tensor:
    """Return a float32 result as the half that it belongs to; other results as they are."""
    if y._array.dtype != F32 or numpy_dtype not in HALVES:
        return y
    node = y._current_node()
    return Cast.apply(y, numpy_dtype=numpy_dtype, grad_name="" if node is None else node.name())


def in_float32(function: F) -> F:
    """Let a function that looks into its arguments' arrays itself take halves: it gets them as float32.

    The float32 tensors that it returns are rounded back, unless a dtype was asked for.
    """

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        if not halves.seen:
            return function(*args, **kwargs)
        asked = kwargs.get("dtype")
        half = next((dtype for dtype in _dtypes_of((*args, *kwargs.values())) if dtype in FLOATING), None)
        if asked in (dtypes.float16, dtypes.bfloat16):
            half = asked._numpy
            kwargs["dtype"] = dtypes.float32
        elif half not in HALVES:  # what does not go together is the function's business
            return function(*args, **kwargs)
        named = {name: value if name == "out" else _wide(value) for name, value in kwargs.items()}
        result = function(*[_wide(value) for value in args], **named)
        return result if asked is not None and getattr(asked, "_numpy", None) != half else _narrow(result, half)

    return called  # type: ignore[return-value]


def _dtypes_of(values: Any) -> Iterator[Any]:
    """Yield the NumPy dtypes of the tensors among arguments, and in lists of them."""
    for value in values:
        if isinstance(value, Tensor):
            yield value._array.dtype
        elif type(value) in (list, tuple):
            yield from _dtypes_of(value)


def _wide(value: Any) -> Any:
    """Return an argument with tensors of halves as float32."""
    if isinstance(value, Tensor):
        return cast(value, dtypes.float32) if value._array.dtype in HALVES else value
    return type(value)([_wide(item) for item in value]) if type(value) in (list, tuple) else value


def _narrow(result: Any, numpy_dtype: Any) -> Any:
    if isinstance(result, Tensor):
        return rounded(result, numpy_dtype)
    if not isinstance(result, tuple):
        return result
    parts = [_narrow(part, numpy_dtype) for part in result]
    return type(result)(*parts) if hasattr(result, "_fields") else tuple(parts)
