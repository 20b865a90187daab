"""Sums, products and what is made of them: operands broadcast against each other, or a tensor and a number.

An operation on a number has a class of its own: it needs no second array and no gradient for it. Division:
`division.py`.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.deferred import Task
from tinygrad_cnn.casts import FLOATING
from tinygrad_cnn.tensor import Tensor, wrap

from .base import FLOATS, broadcast_error, check_tensor, old_order, write_out
from .elementwise import Binary, Scalar, constant
from .forms import public
from .promotion import NUMBERS, promoted, python_number
from .unary import Neg

# ---- operations ----


class AddTask(Task):
    """A sum of two arrays of one shape to be done."""

    __slots__ = ()

    def run(self, relu: bool) -> Any:
        """Add."""
        return core.binary(core.ADD_RELU if relu else core.ADD, *self.sources)


class Add(Binary):
    """a + alpha * b."""

    grad_name, op = "AddBackward0", core.ADD
    ufunc: ClassVar[Any] = np.add
    joins_relu = True

    def forward(self, a: Any, b: Any, out: Any = None, alpha: Any = 1) -> Any:
        """Return a + alpha * b."""
        if alpha == 1:
            return self.compute(a, b, out)
        self.alpha = alpha
        return self.scaled(a, b, alpha, out)

    alpha: Any = 1

    def prepare(self, a: Any, b: Any) -> AddTask:
        """Return a + b as a task; floats of one shape."""
        return AddTask(a.shape, a.dtype, (a, b))

    def scaled(self, a: Any, b: Any, alpha: Any, out: Any) -> Any:
        """Return a + alpha * b, of floats by one call of the core."""
        if a.dtype not in FLOATS:
            return self.compute(a, np.multiply(b, constant(alpha, b.dtype)), out)
        try:
            return core.add_scaled(a, b, alpha, out)
        except ValueError:
            raise broadcast_error(a, b) from None

    def backward(self, grad: Tensor) -> Any:
        """Pass the gradient to both."""
        a, b = self.edges
        by_b = None if b is None else grad if self.alpha == 1 else grad * self.alpha
        return None if a is None else grad, by_b


class Sub(Add):
    """a - alpha * b."""

    grad_name, op, ufunc = "SubBackward0", core.SUB, np.subtract
    joins_relu = False

    def scaled(self, a: Any, b: Any, alpha: Any, out: Any) -> Any:
        """Return a + (-alpha) * b."""
        if a.dtype not in FLOATS:
            return super().scaled(a, b, alpha, out)
        return super().scaled(a, b, -alpha, out)

    def backward(self, grad: Tensor) -> Any:
        """Pass the gradient to both, negated to b."""
        a, b = self.needs_input_grad
        return grad if a else None, (Neg.apply(grad) if self.alpha == 1 else grad * -self.alpha) if b else None


class AddScalar(Scalar):
    """x + number."""

    grad_name, op, ufunc = "AddBackward0", core.ADD, np.add

    def backward(self, grad: Tensor) -> Tensor:
        """Pass on."""
        return grad


class SubScalar(Scalar):
    """x - number."""

    grad_name, op, ufunc = "SubBackward0", core.SUB, np.subtract

    def backward(self, grad: Tensor) -> Tensor:
        """Pass on."""
        return grad


class RsubScalar(Scalar):
    """number - x."""

    grad_name, op, ufunc, first = "RsubBackward1", core.SUB, np.subtract, True

    def backward(self, grad: Tensor) -> Tensor:
        """Negate."""
        return Neg.apply(grad)


class Mul(Binary):
    """The product a * b."""

    grad_name, op, ufunc = "MulBackward0", core.MUL, np.multiply
    saves_input = True

    def forward(self, a: Any, b: Any, out: Any = None) -> Any:
        """Return a * b."""
        if self.recording:
            edge_a, edge_b = self.edges
            self._saved = (None if edge_b is None else a, None if edge_a is None else b)
        return self.compute(a, b, out)

    def backward(self, grad: Tensor) -> Any:
        """d(ab) = b da + a db."""
        a, b = self.saved_tensors
        return None if b is None else Mul.apply(grad, b), None if a is None else Mul.apply(grad, a)


class MulScalar(Scalar):
    """x * number."""

    grad_name, op, ufunc = "MulBackward0", core.MUL, np.multiply
    serves_once = True
    rounds_number = False

    def forward(self, x: Any, value: Any, out: Any = None) -> Any:
        """Return x * value."""
        self.value = value
        return self.compute(x, value, out)

    def backward(self, grad: Tensor) -> Tensor:
        """Scale."""
        return MulScalar.apply(grad, value=self.value)


class Atan2(Binary):
    """The angle of the point (b, a)."""

    grad_name, op = "Atan2Backward0", core.ATAN2
    saves_input = True

    def forward(self, a: Any, b: Any, out: Any = None) -> Any:
        """Return atan2(a, b)."""
        self.save_for_backward(a, b)
        return self.compute(a, b, out)

    def backward(self, grad: Tensor) -> Any:
        """d atan2(a, b) = (b da - a db) / (a^2 + b^2), 0 at the origin."""
        a, b = self.saved_tensors
        square = a * a + b * b
        scaled = grad * square.reciprocal().masked_fill(square == 0, 0)
        return scaled * b if self.needs_input_grad[0] else None, scaled * -a if self.needs_input_grad[1] else None


# ---- functions ----


def pair(name: str, input: Any, other: Any, floating: bool = False) -> tuple[Any, Any]:
    """Check two operands and bring them to their common dtype; the second may stay a number."""
    check_tensor(input, name)
    if not isinstance(other, Tensor) and (not isinstance(other, NUMBERS) or isinstance(other, np.complexfloating)):
        check_tensor(other, name, "other", 2)
    return promoted(input, other, floating)


def leading(name: str, number: Any, other: Any) -> Tensor:
    """Return a number that comes before the other operand as a 0-d tensor, of the dtype that it has behind it.

    PyTorch takes one there in sums, differences, products and quotients. TypeError for what is no number.
    """
    if not isinstance(number, NUMBERS):
        check_tensor(number, name)
    if isinstance(other, Tensor):
        return wrap(constant(number, promoted(other, number)[0]._array.dtype))
    from tinygrad_cnn.data import tensor

    return tensor(number)


def _check_alpha(alpha: Any, dtype: Any) -> Any:
    alpha = python_number(alpha.item() if isinstance(alpha, Tensor) else alpha)
    if dtype not in FLOATING and isinstance(alpha, float):
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    if isinstance(alpha, bool) and dtype.kind != "b":
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    return alpha


@public()
def add(input: Tensor, other: Any, *old: Any, alpha: Any = 1, out: Tensor | None = None) -> Tensor:
    """Return input + alpha * other, broadcast (`torch.add`); also as add(input, alpha, other), which is deprecated."""
    if old:
        other, alpha = old_order("add", other, old)
    if not isinstance(input, Tensor):
        input = leading("add", input, other)
    if alpha is not True and alpha == 1 and out is None:  # the fast paths
        if isinstance(other, Tensor):
            if other._array.dtype is input._array.dtype:
                return Add.apply(input, other)
        elif type(other) in (float, int) and input._array.dtype in FLOATING:
            return AddScalar.apply(input, value=other)
    a, b = pair("add", input, other)
    alpha = _check_alpha(alpha, a._array.dtype)
    y = Add.apply(a, b, alpha=alpha) if isinstance(b, Tensor) else AddScalar.apply(a, value=b * alpha)
    return y if out is None else write_out("add", out, y, input, other)


TWO_BOOLS = (
    "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` operator "
    "instead."
)


def _check_sub(a: Any, b: Any) -> None:
    kinds = [isinstance(x, bool) or (isinstance(x, Tensor) and x._array.dtype.kind == "b") for x in (a, b)]
    if all(kinds):
        raise RuntimeError(TWO_BOOLS)
    if any(kinds):
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, "
            "use the `~` or `logical_not()` operator instead."
        )


@public("subtract")
def sub(input: Tensor, other: Any, *old: Any, alpha: Any = 1, out: Tensor | None = None) -> Tensor:
    """Return input - alpha * other, broadcast (`torch.sub`); also as sub(input, alpha, other), which is deprecated.

    RuntimeError for bool tensors.
    """
    if old:
        other, alpha = old_order("sub", other, old)
    if not isinstance(input, Tensor):
        input = leading("sub", input, other)
    if alpha is not True and alpha == 1 and out is None and input._array.dtype in FLOATING:
        if isinstance(other, Tensor):
            if other._array.dtype is input._array.dtype:
                return Sub.apply(input, other)
        elif type(other) in (float, int):
            return SubScalar.apply(input, value=other)
    _check_sub(input, other)
    a, b = pair("sub", input, other)
    alpha = _check_alpha(alpha, a._array.dtype)
    y = Sub.apply(a, b, alpha=alpha) if isinstance(b, Tensor) else SubScalar.apply(a, value=b * alpha)
    return y if out is None else write_out("sub", out, y, input, other)


@public(method=False)
def rsub(input: Tensor, other: Any, *, alpha: Any = 1) -> Tensor:
    """Return other - alpha * input (`torch.rsub`)."""
    check_tensor(input, "rsub")
    if alpha is not True and alpha == 1 and type(other) in (float, int) and input._array.dtype in FLOATING:
        return RsubScalar.apply(input, value=other)
    _check_sub(input, other)
    a, b = pair("rsub", input, other)
    alpha = _check_alpha(alpha, a._array.dtype)
    if isinstance(b, Tensor):
        return Sub.apply(b, a, alpha=alpha)
    return RsubScalar.apply(a if alpha == 1 else a * alpha, value=b)


@public("multiply")
def mul(input: Tensor, other: Any, *, out: Tensor | None = None) -> Tensor:
    """Return input * other, broadcast (`torch.mul`)."""
    if not isinstance(input, Tensor):
        input = leading("mul", input, other)
    if out is None:
        if isinstance(other, Tensor):
            if other._array.dtype is input._array.dtype:
                return Mul.apply(input, other)
        elif type(other) in (float, int) and input._array.dtype in FLOATING:
            return MulScalar.apply(input, value=other)
    a, b = pair("mul", input, other)
    y = Mul.apply(a, b) if isinstance(b, Tensor) else MulScalar.apply(a, value=b)
    return y if out is None else write_out("mul", out, y, input, other)


def as_tensor(value: Any, like: Tensor) -> Tensor:
    """Return a number as a 0-d tensor of the dtype of `like`."""
    return value if isinstance(value, Tensor) else wrap(constant(value, like._array.dtype))


def of_tensors(name: str, operation: Any, input: Any, other: Any, out: Any, **params: Any) -> Tensor:
    """Apply an operation that is too rare to have a form for numbers: those become 0-d tensors."""
    a, b = pair(name, input if isinstance(input, Tensor) else leading(name, input, other), other)
    b = as_tensor(b, a)
    y = operation.apply(a, b, **params)
    return y if out is None else write_out(name, out, y, input, other)


@public("arctan2", inplace=True)
def atan2(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the angle of the point (other, input) in (-pi, pi] (`torch.atan2`)."""
    check_tensor(input, "atan2")
    a, b = promoted(input, check_tensor(other, "atan2", "other", 2), floating=True)
    y = Atan2.apply(a, b)
    return y if out is None else write_out("atan2", out, y, input, other)
