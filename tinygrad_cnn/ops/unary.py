"""Functions of one tensor, element by element: sign, rounding, rectifier, tests for NaN."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.deferred import Deferred, Task, may_wait, put_off, take_relu
from tinygrad_cnn.autograd.grad_mode import mode
from tinygrad_cnn.autograd.node import LEAF
from tinygrad_cnn.casts import FLOATING
from tinygrad_cnn.tensor import Tensor, wrap

from .base import FLOATS, check_tensor, scalar_name, write_out
from .elementwise import Binary, OfInput, OfOutput, Unary
from .forms import public
from .pool import ScatterTask

# ---- operations ----


class Neg(Unary):
    """-x."""

    grad_name, op, ufunc = "NegBackward0", core.NEG, np.negative

    def backward(self, grad: Tensor) -> Tensor:
        """d(-x) = -dx."""
        return Neg.apply(grad)


class Abs(OfInput):
    """|x|; its derivative at 0 is 0."""

    grad_name, op, ufunc = "AbsBackward0", core.ABS, np.abs

    def slope(self, x: Tensor) -> Tensor:
        """Return the sign."""
        return Sign.apply(x)


class Square(OfInput):
    """The square of x."""

    grad_name, op, ufunc = "PowBackward0", core.SQUARE, np.square

    def slope(self, x: Tensor) -> Tensor:
        """Return 2 x."""
        return x * 2


class Step(Unary):
    """A piecewise constant function: the gradient is zero wherever it exists."""

    def backward(self, grad: Tensor) -> Tensor:
        """Return zeros."""
        return Tensor._zeros(grad._array.shape, grad._array.dtype)


class Sign(Step):
    """-1, 0 or 1."""

    grad_name, op, ufunc = "SignBackward0", core.SIGN, np.sign


class Floor(Step):
    """The largest integer not above x."""

    grad_name, op, ufunc = "FloorBackward0", core.FLOOR, np.positive


class Ceil(Step):
    """The smallest integer not below x."""

    grad_name, op, ufunc = "CeilBackward0", core.CEIL, np.positive


class Round(Step):
    """The nearest integer, halves to the even one."""

    grad_name, op, ufunc = "RoundBackward0", core.ROUND, np.positive


class Trunc(Step):
    """The integer part."""

    grad_name, op, ufunc = "TruncBackward0", core.TRUNC, np.positive


class Decimals(Step):
    """Rounding to a number of decimals."""

    grad_name = "RoundBackward1"

    def forward(self, x: Any, out: Any = None, decimals: int = 0) -> Any:
        """Round x * 10^decimals and scale back; for negative decimals x / 10^-decimals, which is more accurate."""
        power = 10.0 ** (decimals if decimals > 0 else -decimals)
        up, down = (core.MUL, core.DIV) if decimals > 0 else (core.DIV, core.MUL)
        y = core.binary_scalar(up, x, power)
        return core.binary_scalar(down, core.unary(core.ROUND, y, y), power, out=y if out is None else out)


class Relu(OfOutput):
    """max(x, 0); its derivative at 0 is 0. Keeps the output, which the next layer keeps anyway."""

    grad_name, op = "ReluBackward0", core.RELU
    takes_pool_gradient = True

    @classmethod
    def compute(cls, x: Any, out: Any = None) -> Any:
        """Return max(x, 0)."""
        return core.unary(core.RELU, x, out) if x.dtype in FLOATS else np.asarray(np.maximum(x, x.dtype.type(0)))

    def backward(self, grad: Tensor) -> Tensor:
        """Return the gradient where y > 0; put off if the node before this one can take it along."""
        (y,) = self.saved_tensors
        before, index, _ = self.edges[0]  # type: ignore[misc]
        if index != LEAF and before.takes_relu_gradient and not mode.enabled and may_wait((grad, y)):
            return put_off(ReluGradTask(grad._array, y._array, before))
        if type(grad) is Deferred and isinstance(grad._task, ScatterTask) and not mode.enabled:
            return wrap(grad._task.behind(y._array))
        return ReluGrad.apply(grad, y)


class ReluGradTask(Task):
    """The gradient of a ReLU to be done; `before` is the node whose output it took."""

    __slots__ = ("before",)

    def __init__(self, dy: Any, y: Any, before: Any):
        super().__init__(dy.shape, dy.dtype, (dy, y))
        self.before = before

    def run(self, relu: bool) -> Any:
        """Mask dy."""
        dx = core.binary(core.RELU_GRAD, *self.sources)
        return core.unary(core.RELU, dx, dx) if relu else dx


class ReluGrad(Binary):
    """dy where y > 0, else 0: linear in dy, constant in y wherever a derivative exists."""

    grad_name, op = "ThresholdBackwardBackward0", core.RELU_GRAD

    def forward(self, dy: Any, y: Any, out: Any = None) -> Any:
        """Mask dy."""
        self.save_for_backward(y)
        return self.compute(dy, y, out)

    def backward(self, grad: Tensor) -> Any:
        """Mask again."""
        (y,) = self.saved_tensors
        return ReluGrad.apply(grad, y) if self.needs_input_grad[0] else None, None


# ---- functions ----


def _apply(operation: type[Unary], name: str, input: Any, out: Any) -> Tensor:
    """Apply an operation that integers have, too."""
    y = operation.apply(input if type(input) is Tensor else check_tensor(input, name))
    return y if out is None else write_out(name, out, y, input)


def _no_bool(input: Any, name: str, kernel: str) -> None:
    if check_tensor(input, name)._array.dtype.kind == "b":
        raise NotImplementedError(f"\"{kernel}\" not implemented for 'Bool'")


@public("negative", inplace=Neg)
def neg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return -input (`torch.neg`). RuntimeError for bool."""
    dtype = check_tensor(input, "neg")._array.dtype
    if dtype not in FLOATS and dtype.kind == "b":
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use "
            "the `~` or `logical_not()` operator instead."
        )
    return _apply(Neg, "neg", input, out)


@public()
def positive(input: Tensor) -> Tensor:
    """Return the input itself (`torch.positive`). RuntimeError for bool."""
    if check_tensor(input, "positive")._array.dtype.kind == "b":
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


@public("absolute", inplace=Abs, inplace_function=("abs_",))
def abs(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return |input| (`torch.abs`); the derivative at 0 is 0. NotImplementedError for bool."""
    _no_bool(input, "abs", "abs_cpu")
    return _apply(Abs, "abs", input, out)


@public("sgn", inplace=Sign, inplace_function=False)
def sign(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return -1, 0 or 1 (`torch.sign`)."""
    if check_tensor(input, "sign")._array.dtype.kind == "b":
        y = wrap(input._array.copy())
        return y if out is None else write_out("sign", out, y, input)
    return _apply(Sign, "sign", input, out)


@public(inplace=Floor)
def floor(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the largest integers not above the elements (`torch.floor`)."""
    _no_bool(input, "floor", "floor_vml_cpu")
    return _apply(Floor, "floor", input, out)


@public(inplace=Ceil)
def ceil(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the smallest integers not below the elements (`torch.ceil`)."""
    _no_bool(input, "ceil", "ceil_vml_cpu")
    return _apply(Ceil, "ceil", input, out)


@public(inplace=True, inplace_function=True)
def round(input: Tensor, *, decimals: int = 0, out: Tensor | None = None) -> Tensor:
    """Return the elements rounded to `decimals` places, halves to even (`torch.round`)."""
    if decimals == 0:
        _no_bool(input, "round", "round_vml_cpu")
        return _apply(Round, "round", input, out)
    if check_tensor(input, "round")._array.dtype not in FLOATING:
        raise NotImplementedError(f"\"round_cpu\" not implemented for '{scalar_name(input)}'")
    y = Decimals.apply(input, decimals=decimals)
    return y if out is None else write_out("round", out, y, input)


@public("fix", inplace=Trunc)
def trunc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the integer parts (`torch.trunc`)."""
    _no_bool(input, "trunc", "trunc_vml_cpu")
    return _apply(Trunc, "trunc", input, out)


@public(inplace=True, inplace_function=True)
def frac(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return input - trunc(input) (`torch.frac`)."""
    y = check_tensor(input, "frac") - trunc(input)
    return y if out is None else write_out("frac", out, y, input)


@public(inplace=Square)
def square(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return input ** 2 (`torch.square`)."""
    if check_tensor(input, "square")._array.dtype.kind == "b":
        y = wrap(input._array.astype(np.int64))
        return y if out is None else write_out("square", out, y, input)
    return _apply(Square, "square", input, out)


@public()
def relu(input: Tensor) -> Tensor:
    """Return max(input, 0) (`torch.relu`); the derivative at 0 is 0. RuntimeError for bool."""
    if type(input) is Deferred:
        return take_relu(input, Relu)
    if not isinstance(input, Tensor) or (input._array.dtype not in FLOATING and input._array.dtype.kind == "b"):
        check_tensor(input, "relu")
        raise RuntimeError("Boolean inputs not supported for relu")
    return Relu.apply(input)
