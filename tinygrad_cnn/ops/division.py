"""Division, and what is left by it: the quotient, rounded or not, and the remainder with either operand's sign."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.casts import FLOATING
from tinygrad_cnn.tensor import Tensor

from .arithmetic import leading, mul, of_tensors, pair
from .base import FLOATS, broadcast_error, check_tensor, write_out
from .elementwise import Binary, Scalar
from .forms import public
from .transcendental import reciprocal

# ---- operations ----


class Div(Binary):
    """a / b, of floats."""

    grad_name, op = "DivBackward0", core.DIV
    saves_input = True

    def forward(self, a: Any, b: Any, out: Any = None) -> Any:
        """Return a / b."""
        if self.recording:
            self._saved = (None if self.edges[1] is None else a, b)
        return self.compute(a, b, out)

    def backward(self, grad: Tensor) -> Any:
        """d(a/b) = da / b - (a/b)/b db."""
        a, b = self.saved_tensors
        needs_a, needs_b = self.needs_input_grad
        return grad / b if needs_a else None, -grad * ((a / b) / b) if needs_b else None


class DivScalar(Scalar):
    """x / number."""

    grad_name, op = "DivBackward0", core.DIV
    serves_once = True
    rounds_number = False

    def forward(self, x: Any, value: Any, out: Any = None) -> Any:
        """Return x / value."""
        self.value = value
        return self.compute(x, value, out)

    def backward(self, grad: Tensor) -> Tensor:
        """Scale."""
        return DivScalar.apply(grad, value=self.value)


class RoundedDiv(Operation):
    """The quotient rounded down ('floor') or towards zero ('trunc'); piecewise constant, so the gradient is zero."""

    grad_name = "DivBackward1"

    def forward(self, a: Any, b: Any, mode: str) -> Any:
        """Divide and round. Floats: as Python's //, exact where a / b would round up to the next integer."""
        try:
            if a.dtype in FLOATS:
                if mode == "trunc":
                    y = core.binary(core.DIV, a, b)
                    return core.unary(core.TRUNC, y, y)
                with np.errstate(all="ignore"):
                    y = np.floor_divide(a, b)
                    return np.where(b == 0, a / b, y) if (b == 0).any() else np.asarray(y)
            if a.dtype.kind == "b":
                raise NotImplementedError(f"\"div_{mode}_cpu\" not implemented for 'Bool'")
            if (b == 0).any():
                raise RuntimeError(f"ZeroDivisionError: div() of integers by 0, rounding_mode={mode!r}")
            if mode == "floor":
                return np.asarray(np.floor_divide(a, b))
            quotient = np.asarray(np.floor_divide(np.abs(a), np.abs(b)))
            return quotient if a.dtype.kind == "u" else np.asarray(np.sign(a) * np.sign(b) * quotient)
        except ValueError:
            raise broadcast_error(a, b) from None

    def backward(self, grad: Tensor) -> Any:
        """Return zeros."""
        zeros = Tensor._zeros(grad._array.shape, grad._array.dtype)
        return tuple([zeros if needed else None for needed in self.needs_input_grad])


class FloorDivide(RoundedDiv):
    """`//`: PyTorch has no derivative for it, though it has one for div(rounding_mode='floor')."""

    grad_name = "NotImplemented"

    def backward(self, grad: Tensor) -> Any:
        """Raise RuntimeError."""
        raise RuntimeError("derivative for aten::floor_divide is not implemented")


class Fmod(Binary):
    """The remainder with the sign of a: a - trunc(a / b) b."""

    grad_name, op, mode = "FmodBackward1", core.FMOD, "trunc"
    ufunc: ClassVar[Any] = np.fmod
    saves_input = True

    @classmethod
    def compute(cls, a: Any, b: Any, out: Any = None) -> Any:
        """Return the remainder; RuntimeError for an integer divisor that is 0."""
        if a.dtype.kind == "b":
            raise NotImplementedError(f"\"{cls.ufunc.__name__}_cpu\" not implemented for 'Bool'")
        if a.dtype not in FLOATS and (b == 0).any():
            raise RuntimeError(f"ZeroDivisionError: {cls.ufunc.__name__}() of integers by 0")
        return super().compute(a, b, out)

    def forward(self, a: Any, b: Any, out: Any = None) -> Any:
        """Return the remainder."""
        self.save_for_backward(a, b)
        return self.compute(a, b, out)

    def backward(self, grad: Tensor) -> Any:
        """Where it is continuous, a - q b has the slopes 1 and -q."""
        a, b = self.saved_tensors
        by_b = -grad * RoundedDiv.apply(a, b, mode=self.mode) if self.needs_input_grad[1] else None
        return grad if self.needs_input_grad[0] else None, by_b


class Remainder(Fmod):
    """The remainder with the sign of b, Python's %: a - floor(a / b) b."""

    grad_name, op, ufunc, mode = "RemainderBackward1", core.REMAINDER, np.remainder, "floor"


class RemainderOfNumber(Remainder):
    """number % x: PyTorch has no derivative for it."""

    grad_name = "NotImplemented"

    def backward(self, grad: Tensor) -> Any:
        """Raise RuntimeError."""
        raise RuntimeError("derivative for aten::remainder is not implemented")


# ---- functions ----


@public("divide", "true_divide")
def div(input: Tensor, other: Any, *, rounding_mode: str | None = None, out: Tensor | None = None) -> Tensor:
    """Return input / other, broadcast (`torch.div`): integers give floats unless `rounding_mode` is 'trunc' or 'floor'.

    Raises RuntimeError for another mode, and for an integer divisor 0 where the result is rounded.
    """
    if not isinstance(input, Tensor):
        input = leading("div", input, other)
    if rounding_mode is None:
        if out is None and input._array.dtype in FLOATING:
            if isinstance(other, Tensor):
                if other._array.dtype is input._array.dtype:
                    return Div.apply(input, other)
            elif type(other) in (float, int):
                return DivScalar.apply(input, value=other)
        a, b = pair("div", input, other, floating=True)
        y = Div.apply(a, b) if isinstance(b, Tensor) else DivScalar.apply(a, value=b)
        return y if out is None else write_out("div", out, y, input, other)
    if rounding_mode not in ("trunc", "floor"):
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
        )
    return of_tensors("div", RoundedDiv, input, other, out, mode=rounding_mode)


def rdiv(input: Tensor, other: Any) -> Tensor:
    """Return other / input, what `2 / tensor` calls: the reciprocal times other, as PyTorch has it."""
    return mul(reciprocal(input), other)


@public(inplace=True)
def floor_divide(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
    """Return the quotient rounded down, Python's // (`torch.floor_divide`)."""
    return of_tensors("floor_divide", FloorDivide, input, other, out, mode="floor")


@public(inplace=True)
def fmod(input: Tensor, other: Any, *, out: Tensor | None = None) -> Tensor:
    """Return the remainder with the dividend's sign (`torch.fmod`)."""
    return of_tensors("fmod", Fmod, check_tensor(input, "fmod"), other, out)


@public(inplace=True)
def remainder(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
    """Return the remainder with the divisor's sign, Python's % (`torch.remainder`)."""
    if not isinstance(other, Tensor):
        check_tensor(input, "remainder")
    operation = Remainder if isinstance(input, Tensor) else RemainderOfNumber
    return of_tensors("remainder", operation, input, other, out)
