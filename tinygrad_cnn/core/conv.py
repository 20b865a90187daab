"""Two-dimensional convolution and its two gradients (core/conv.c): float32 and float64."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, NamedTuple

from .buffers import Array, address, check, empty, ffi, lib


class _Sizes(NamedTuple):
    x: tuple[int, ...]
    weight: tuple[int, ...]
    y: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]  # above and left; what is below and right follows from y
    dilation: tuple[int, ...]
    groups: int


class ConvShape(_Sizes):
    """All sizes of one convolution: x (N, C, H, W), weight (K, C / groups, R, S), y (N, K, OH, OW).

    It keeps what the core is told of them; a training script needs some dozens of these objects.
    """

    @cached_property
    def is_empty(self) -> bool:
        """Whether nothing is added up: the core is called for sizes of at least one only."""
        return 0 in self.x or 0 in self.weight or 0 in self.y

    @cached_property
    def outputs(self) -> int:
        """The number of elements of y."""
        return math.prod(self.y)

    @cached_property
    def params(self) -> Any:
        """The C struct."""
        return self._params(False)

    @cached_property
    def params_relu(self) -> Any:
        """The C struct of the convolution with a ReLU behind it."""
        return self._params(True)

    def _params(self, relu: bool) -> Any:
        k, _, r, s = self.weight
        return ffi.new(
            "tc_conv2d_params *",
            (*self.x, k, r, s, *self.y[2:], *self.stride, *self.padding, *self.dilation, self.groups, relu),
        )


def conv2d(shape: ConvShape, x: Array, weight: Array, bias: Array | None, relu: bool = False) -> Array:
    """Return y = x * weight (+ bias (K,)), or max(y, 0) if `relu`, as F.relu gives it, without another pass over y."""
    y = empty(shape.y, x.dtype)
    if shape.is_empty:
        y[...] = 0 if bias is None else bias.reshape(-1, 1, 1)
        if relu:
            y[y <= 0] = 0
        return y
    params = shape.params_relu if relu else shape.params
    check(lib.tc_ndarray_conv2d(params, id(x), id(weight), address(bias), id(y)))
    return y


def conv2d_input_grad(shape: ConvShape, dy: Array, weight: Array) -> Array:
    """Return dx, the gradient of sum(y * dy) by x."""
    dx = empty(shape.x, dy.dtype)
    if shape.is_empty:
        dx.fill(0)
    else:
        check(lib.tc_ndarray_conv2d_input_grad(shape.params, id(dy), id(weight), id(dx)))
    return dx


def conv2d_weight_grad(shape: ConvShape, dy: Array, x: Array, bias: bool = False) -> Array | tuple[Array, Array]:
    """Return dweight, the gradient of sum(y * dy) by weight; with `bias`, also that by the bias (K,)."""
    dweight = empty(shape.weight, dy.dtype)
    dbias = empty(shape.weight[:1], dy.dtype) if bias else None
    if shape.is_empty:
        dweight.fill(0)
        if dbias is not None:
            dy.sum((0, 2, 3), out=dbias)
    else:
        check(lib.tc_ndarray_conv2d_weight_grad(shape.params, id(dy), id(x), id(dweight), address(dbias)))
    return dweight if dbias is None else (dweight, dbias)
