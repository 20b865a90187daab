"""Two-dimensional convolution and its two gradients (core/conv.c): float32 and float64."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from .buffers import Array, check, code, contiguous, empty, ffi, lib, pointer


class ConvShape(NamedTuple):
    """All sizes of one convolution: x (N, C, H, W), weight (K, C / groups, R, S), y (N, K, OH, OW)."""

    x: tuple[int, ...]
    weight: tuple[int, ...]
    y: tuple[int, ...]
    stride: tuple[int, int]
    padding: tuple[int, int]  # above and left; what is below and right follows from y
    dilation: tuple[int, int]
    groups: int


@lru_cache(maxsize=4096)
def _params(shape: ConvShape, relu: bool = False) -> Any:
    """Return the C struct of a convolution; a training script needs some dozens."""
    k, _, r, s = shape.weight
    return ffi.new(
        "tc_conv2d_params *",
        (*shape.x, k, r, s, *shape.y[2:], *shape.stride, *shape.padding, *shape.dilation, shape.groups, relu),
    )


def _is_empty(shape: ConvShape) -> bool:
    """Whether nothing is added up: the core is called for sizes of at least one only."""
    return 0 in shape.x or 0 in shape.weight or 0 in shape.y


def conv2d(shape: ConvShape, x: Array, weight: Array, bias: Array | None, relu: bool = False) -> Array:
    """Return y = x * weight (+ bias (K,)), or max(y, 0) if `relu`, as F.relu gives it, without another pass over y."""
    y = empty(shape.y, x.dtype)
    if _is_empty(shape):
        y[...] = 0 if bias is None else bias.reshape(-1, 1, 1)
        if relu:
            y[y <= 0] = 0
        return y
    x, weight, bias = contiguous(x), contiguous(weight), None if bias is None else contiguous(bias)
    params = _params(shape, relu)
    check(lib.tc_conv2d(code(x.dtype), params, pointer(x), pointer(weight), pointer(bias), pointer(y)))
    return y


def conv2d_input_grad(shape: ConvShape, dy: Array, weight: Array) -> Array:
    """Return dx, the gradient of sum(y * dy) by x."""
    dx = empty(shape.x, dy.dtype)
    if _is_empty(shape):
        dx.fill(0)
        return dx
    dy, weight = contiguous(dy), contiguous(weight)
    check(lib.tc_conv2d_input_grad(code(dy.dtype), _params(shape), pointer(dy), pointer(weight), pointer(dx)))
    return dx


def conv2d_weight_grad(shape: ConvShape, dy: Array, x: Array, bias: bool = False) -> Array | tuple[Array, Array]:
    """Return dweight, the gradient of sum(y * dy) by weight; with `bias`, also that by the bias (K,)."""
    dweight = empty(shape.weight, dy.dtype)
    dbias = empty(shape.weight[:1], dy.dtype) if bias else None
    if _is_empty(shape):
        dweight.fill(0)
        if dbias is not None:
            dy.sum((0, 2, 3), out=dbias)
    else:
        dy, x = contiguous(dy), contiguous(x)
        check(lib.tc_conv2d_weight_grad(code(dy.dtype), _params(shape), pointer(dy), pointer(x), pointer(dweight),
                                        pointer(dbias)))  # fmt: skip
    return dweight if dbias is None else (dweight, dbias)
