"""Skeletons of elementwise operations: float32 and float64 in the core, integers and bool by NumPy.

`compute` is what an operation does to arrays; `forward` is no more than that and what backward wants kept. So where no
input needs a gradient, `apply` computes without making a node, which would cost as much as the arithmetic on a small
tensor.

A forward that can write its result over its first input takes a keyword `out` and is marked `takes_out`; in-place forms
then cost one call of the core (`Tensor._inplace`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from tinygrad_cnn._absent import abstract
from tinygrad_cnn.autograd.deferred import WORTH, defer, may_wait
from tinygrad_cnn.autograd.grad_mode import mode
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.autograd.waiting import calls
from tinygrad_cnn.casts import HALVES, cast_array, halves
from tinygrad_cnn.core import binary, binary_scalar, unary
from tinygrad_cnn.tensor import Tensor, wrap

from .base import FLOATS, as_array, broadcast_error

_new = object.__new__
_apply: Any = Operation.apply.__func__  # type: ignore[attr-defined]


class Unary(Operation):
    """y = f(x): `op` is the core's number of f (None: NumPy computes it), `ufunc` NumPy's form for the other dtypes."""

    op: ClassVar[int | None] = None
    ufunc: ClassVar[Any] = None
    takes_out = True
    saves_input = False

    @classmethod
    def apply(cls, x: Any, **params: Any) -> Any:
        """Run the operation on a Tensor, with a node only if that may need a gradient."""
        if params or (
            (x._requires_grad or ((base := x._view_base) is not None and base._requires_grad)) and mode.enabled
        ):
            return _apply(cls, x, **params)
        array = x._array
        if cls.op is None or array.dtype not in FLOATS:
            return _apply(cls, x) if array.dtype in HALVES else wrap(cls.compute(array))
        tensor = _new(Tensor)
        tensor._array = unary(cls.op, array)
        return tensor

    @classmethod
    def compute(cls, x: Any, out: Any = None) -> Any:
        """Return f(x); of floats the core's f, if there is one, which `apply` calls itself."""
        if cls.op is not None and x.dtype in FLOATS:
            return unary(cls.op, x, out)
        with np.errstate(all="ignore"):
            return as_array(cls.ufunc(x) if out is None else cls.ufunc(x, out=out))

    def forward(self, x: Any, out: Any = None) -> Any:
        """Return f(x)."""
        return self.compute(x, out)


def in_double(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of an array that computes in float64 and gives the result the array's dtype."""

    def computed(x: Any, *args: Any, out: Any = None) -> Any:
        with np.errstate(all="ignore"):
            result = np.asarray(function(np.asarray(x, np.float64), *args), x.dtype)
        if out is None:
            return result
        out[...] = result
        return out

    return computed


class OfInput(Unary):
    """A function whose derivative, `slope`, is written in terms of its input."""

    saves_input = True

    def forward(self, x: Any, out: Any = None) -> Any:
        """Return f(x), and keep x."""
        self.save_for_backward(x)
        return self.compute(x, out)

    def slope(self, x: Tensor) -> Tensor:
        """Return the derivative at x."""
        raise abstract(self, "slope")

    def backward(self, grad: Tensor) -> Tensor:
        """Apply the chain rule."""
        (x,) = self.saved_tensors
        return grad * self.slope(x)


class OfOutput(Unary):
    """A function whose derivative is written in terms of its output y: `pull` returns the gradient of the input."""

    def forward(self, x: Any, out: Any = None) -> Any:
        """Return f(x), and keep it."""
        y = self.compute(x, out)
        self.save_for_backward(y)
        return y

    def pull(self, grad: Tensor, y: Tensor) -> Tensor:
        """Return the gradient of the input."""
        raise abstract(self, "pull")

    def backward(self, grad: Tensor) -> Tensor:
        """Apply the chain rule."""
        (y,) = self.saved_tensors
        return self.pull(grad, y)


class Binary(Operation):
    """y = f(a, b), broadcast, operands of one dtype: the core for floats, NumPy for integers and bool."""

    op: ClassVar[int] = 0
    ufunc: ClassVar[Any] = None
    takes_out = True
    saves_input = False
    joins_relu: ClassVar[bool] = False  # whether it has `prepare`, and may be put off for the ReLU behind it

    @classmethod
    def apply(cls, a: Any, b: Any, **params: Any) -> Any:
        """Run the operation on two Tensors, with a node only if one of them may need a gradient."""
        x, y = a._array, b._array
        if cls.joins_relu and x.nbytes > WORTH and not params and _can_wait(x, y) and may_wait((a, b)):
            return defer(cls(), (a, b), params)
        if params or (
            (
                a._requires_grad
                or b._requires_grad
                or ((base := a._view_base) is not None and base._requires_grad)
                or ((base := b._view_base) is not None and base._requires_grad)
            )
            and mode.enabled
        ):
            return _apply(cls, a, b, **params)
        if x.dtype not in FLOATS:
            return _apply(cls, a, b) if x.dtype in HALVES else wrap(cls.compute(x, y))
        tensor = _new(Tensor)
        try:
            tensor._array = binary(cls.op, x, y)
        except ValueError:
            raise broadcast_error(x, y) from None
        return tensor

    @classmethod
    def compute(cls, a: Any, b: Any, out: Any = None) -> Any:
        """Return f(a, b), which for floats is `op` in any case; RuntimeError if the shapes do not go together."""
        try:
            if a.dtype in FLOATS:
                return binary(cls.op, a, b, out)
            with np.errstate(all="ignore"):
                return as_array(cls.ufunc(a, b) if out is None else cls.ufunc(a, b, out=out))
        except ValueError:
            raise broadcast_error(a, b) from None

    def forward(self, a: Any, b: Any, out: Any = None) -> Any:
        """Return f(a, b)."""
        return self.compute(a, b, out)


def _can_wait(x: Any, y: Any) -> bool:
    """Whether an operation on these arrays may be one pass with the ReLU behind it."""
    return bool(calls.depth) and x.shape == y.shape and x.dtype in FLOATS


class Scalar(Operation):
    """y = f(x, number), or f(number, x) with `first`."""

    op: ClassVar[int] = 0
    ufunc: ClassVar[Any] = None
    first: ClassVar[bool] = False
    # Whether the number meets halves as one of them, as in PyTorch's kernels, or as it is.
    rounds_number: ClassVar[bool] = True
    takes_out = True
    saves_input = False

    @classmethod
    def apply(cls, x: Any, value: Any) -> Any:
        """Run the operation on a Tensor and a number, with a node only if that may need a gradient."""
        if ((x._requires_grad or ((base := x._view_base) is not None and base._requires_grad)) and mode.enabled) or (
            halves.seen and x._array.dtype in HALVES
        ):
            return _apply(cls, x, value=value)
        tensor = _new(Tensor)
        tensor._array = cls.compute(x._array, value)
        return tensor

    @classmethod
    def compute(cls, x: Any, value: Any, out: Any = None) -> Any:
        """Return f(x, value)."""
        if x.dtype in FLOATS:
            return binary_scalar(cls.op, x, value, cls.first, out)
        number = constant(value, x.dtype)
        with np.errstate(all="ignore"):
            result = cls.ufunc(number, x) if cls.first else cls.ufunc(x, number)
        return as_array(result)

    def forward(self, x: Any, value: Any, out: Any = None) -> Any:
        """Return f(x, value)."""
        return self.compute(x, value, out)


def constant(value: Any, numpy_dtype: Any) -> Any:
    """Return a 0-d array of a number; integers too large for the dtype wrap round, as in PyTorch.

    Raises OverflowError for an integer beyond 64 bits.
    """
    if numpy_dtype.kind in "iu":
        value = int(value)
        if not -(2**63) <= value < 2**64:
            raise OverflowError("int too big to convert")
        bits = 8 * numpy_dtype.itemsize
        value &= (1 << bits) - 1
        if numpy_dtype.kind == "i" and value >> (bits - 1):
            value -= 1 << bits
    if numpy_dtype in HALVES:
        return cast_array(np.array(value, np.float64), numpy_dtype)
    return np.array(value, numpy_dtype)
