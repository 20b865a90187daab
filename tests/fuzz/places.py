"""Operations that move elements are the same function of an array of places.

The reference of such an operation, applied to the numbers of the elements instead of their values, says where each
element of the result comes from; that is its gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .compare import agree, both
from .draw import Draw
from .values import Operand, operand, shape_of

# What a case does to a tensor, and the same for an array (of values or of places, whose fill is 0).
Way = tuple[Callable[[Any], Any], Callable[[np.ndarray], np.ndarray]]


def moves(draw: Draw, x: Operand, way: Way, name: str) -> None:
    """Compare the result, its dtype, and for floats the gradient."""
    ours, reference = way
    draw.note(name, x.values.shape)
    found = both(lambda: ours(x.tensor), lambda: reference(x.values))
    if found is None:
        return
    out, expected = found
    assert out.dtype is x.tensor.dtype, f"{name} gives {out.dtype} for {x.tensor.dtype}"
    agree(out, expected, 0.0, name)
    if x.tensor.requires_grad and out.requires_grad:
        g = operand(draw, out.shape, "f4")
        out.backward(g.tensor.to(out.dtype))
        places = reference(np.arange(1, x.values.size + 1).reshape(x.values.shape)).astype(np.int64)
        sums = np.bincount(places.ravel(), g.values.ravel(), x.values.size + 1)[1:]
        agree(x.tensor.grad, sums.reshape(x.values.shape), 0.0, f"gradient of {name}")


def anything(draw: Draw, least: int = 0, most: int = 4) -> Operand:
    dtype = draw.choose(("f4", "f4", "f8", "i8", "i4", "u1", "?", "f2", "b2", "i2"))
    grad = dtype in ("f4", "f8")
    return operand(draw, shape_of(draw, most, 5, least), dtype, "exact", grad=grad)


def dimension(draw: Draw, ndim: int) -> int:
    """Choose a dimension, from the end in one of two cases."""
    dim = draw.below(ndim)
    return dim - ndim if draw.flag() else dim
