"""Powers, maximum, minimum and clamp: functions of two operands with corners that PyTorch defines."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from tinygrad_cnn import core, dtypes
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.casts import FLOATING
from tinygrad_cnn.creation import check_fits
from tinygrad_cnn.tensor import Tensor

from .arithmetic import as_tensor, of_tensors, pair
from .base import FLOATS, as_array, broadcast_error, check_tensor, write_out
from .elementwise import Binary, Scalar, constant
from .forms import public
from .promotion import NUMBERS, cast, common_dtype, promoted, python_number

# ---- powers ----


class Pow(Binary):
    """a ** b."""

    grad_name, op, ufunc = "PowBackward1", core.POW, np.power
    saves_input = True

    @classmethod
    def compute(cls, a: Any, b: Any, out: Any = None) -> Any:
        """Return a ** b; of integers: 0 for a negative exponent unless a is 1 or -1, as in PyTorch."""
        return super().compute(a, b, out) if a.dtype in FLOATS else _integer_power(a, b)

    def forward(self, a: Any, b: Any, out: Any = None) -> Any:
        """Return a ** b."""
        y = self.compute(a, b, out)
        self.save_for_backward(a, b, y)
        return y

    def backward(self, grad: Tensor) -> Any:
        """d(a^b) = b a^(b-1) da + a^b log(a) db; 0 by a where b is 0, and by b where a is 0 and b is not negative."""
        a, b, y = self.saved_tensors
        by_a = by_b = None
        if self.needs_input_grad[0]:
            by_a = (grad * (b * a ** (b - 1))).masked_fill(b == 0, 0)
        if self.needs_input_grad[1]:
            by_b = (grad * (y * a.log())).masked_fill((a == 0) & (b >= 0), 0)
        return by_a, by_b


def _integer_power(a: Any, b: Any) -> Any:
    if a.dtype.kind == "b":
        raise NotImplementedError("\"pow\" not implemented for 'Bool'")
    try:
        with np.errstate(all="ignore"):
            y = np.power(a, np.where(b < 0, 0, b).astype(a.dtype))
            if (b < 0).any():
                even = np.where(b % 2 == 0, 1, -1)
                y = np.where(b < 0, np.where(a == 1, 1, np.where(a == -1, even, 0)), y).astype(a.dtype)
        return as_array(y)
    except ValueError:
        raise broadcast_error(a, b) from None


class PowScalar(Scalar):
    """x ** number."""

    grad_name, op, ufunc = "PowBackward0", core.POW, np.power
    saves_input = True
    roots: ClassVar[bool] = True  # whether the exponents of roots are taken as roots

    @classmethod
    def compute(cls, x: Any, value: Any, out: Any = None) -> Any:
        """Return x ** value; what roots, products and a reciprocal give without the general power, as in PyTorch."""
        if x.dtype not in FLOATS or value not in _SHORT_CUTS or (value in (0.5, -0.5) and not cls.roots):
            return super().compute(x, value, out)
        y = core.unary(_SHORT_CUTS[value], x, None if value == 3 else out)
        if value == 3:
            return core.binary(core.MUL, y, x, y if out is None else out)
        return core.unary(core.RECIPROCAL, y, y) if value == -2 else y

    def forward(self, x: Any, value: Any, out: Any = None) -> Any:
        """Return x ** value."""
        self.value = value
        self.save_for_backward(x)
        return self.compute(x, value, out)

    def backward(self, grad: Tensor) -> Tensor:
        """d(x^n) = n x^(n-1) dx, 0 for n = 0."""
        (x,) = self.saved_tensors
        if self.value == 0:
            return Tensor._zeros(grad._array.shape, grad._array.dtype)
        if self.value == 1:
            return grad
        if self.value == 2:
            return grad * (x * 2)
        return grad * (type(self).apply(x, value=self.value - 1) * self.value)


class PowFloat16(PowScalar):
    """x ** number of float16, whose roots PyTorch takes as powers: they differ for -0 and -inf."""

    roots = False


_SHORT_CUTS: dict[Any, int] = {
    0.5: core.SQRT, 2: core.SQUARE, 3: core.SQUARE, -0.5: core.RSQRT, -1: core.RECIPROCAL, -2: core.SQUARE
}  # fmt: skip


class RpowScalar(Scalar):
    """number ** x."""

    grad_name, op, ufunc, first = "PowBackward2", core.POW, np.power, True
    saves_input = True

    def forward(self, x: Any, value: Any, out: Any = None) -> Any:
        """Return value ** x."""
        self.value = value
        y = self.compute(x, value, out)
        self.save_for_backward(x, y)
        return y

    def backward(self, grad: Tensor) -> Tensor:
        """d(s^x) = s^x log(s) dx; for s = 0: 0 where x is not negative."""
        x, y = self.saved_tensors
        if self.value == 0:
            return (grad * (y * -math.inf)).masked_fill(x >= 0, 0)
        return grad * (y * (math.log(self.value) if self.value > 0 else math.nan))


@public(inplace=True)
def pow(input: Any, exponent: Any, *, out: Tensor | None = None) -> Tensor:
    """Return input ** exponent, one of them possibly a number (`torch.pow`).

    Raises RuntimeError for an integer tensor to the power of a negative integer.
    """
    if isinstance(exponent, Tensor):
        if isinstance(input, Tensor):
            a, b = promoted(input, exponent)
            y = Pow.apply(a, b)
        elif isinstance(input, NUMBERS):
            b, a = promoted(exponent, input)
            y = RpowScalar.apply(b, value=a) if b._array.dtype in FLOATING else Pow.apply(as_tensor(a, b), b)
        else:
            raise TypeError(f"pow(): argument 'input' must be Tensor or Number, not {type(input).__name__}")
    else:
        a, b = pair("pow", input, exponent)
        if a._array.dtype in FLOATING:
            y = (PowFloat16 if a.dtype is dtypes.float16 else PowScalar).apply(a, value=b)
        else:
            if a._array.dtype.kind == "b" and b is True:
                return a.clone() if out is None else write_out("pow", out, a, input, exponent)
            if b < 0:
                raise RuntimeError("Integers to negative integer powers are not allowed.")
            y = Pow.apply(a, as_tensor(b, a))
    return y if out is None else write_out("pow", out, y, input, exponent)


# ---- maximum and minimum ----


class Maximum(Binary):
    """The larger of a and b; NaN if either is."""

    grad_name, op = "MaximumBackward0", core.MAXIMUM
    ufunc: ClassVar[Any] = np.maximum
    saves_input = True
    beaten = "__lt__"  # the comparison that holds where a does not count

    def forward(self, a: Any, b: Any, out: Any = None) -> Any:
        """Return the larger."""
        self.save_for_backward(a, b)
        return self.compute(a, b, out)

    def backward(self, grad: Tensor) -> Any:
        """Give the gradient to the winner, half to each of equals."""
        a, b = self.saved_tensors
        halved = grad.masked_fill(a == b, 0) + (grad / 2).masked_fill(a != b, 0)
        return (
            halved.masked_fill(getattr(a, self.beaten)(b), 0) if self.needs_input_grad[0] else None,
            halved.masked_fill(getattr(b, self.beaten)(a), 0) if self.needs_input_grad[1] else None,
        )


class Minimum(Maximum):
    """The smaller of a and b; NaN if either is."""

    grad_name, op, ufunc, beaten = "MinimumBackward0", core.MINIMUM, np.minimum, "__gt__"


@public()
def maximum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the larger of each two elements, NaN if one is (`torch.maximum`); equals share the gradient."""
    check_tensor(input, "maximum"), check_tensor(other, "maximum", "other", 2)
    return of_tensors("maximum", Maximum, input, other, out)


@public()
def minimum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the smaller of each two elements, NaN if one is (`torch.minimum`); equals share the gradient."""
    check_tensor(input, "minimum"), check_tensor(other, "minimum", "other", 2)
    return of_tensors("minimum", Minimum, input, other, out)


# ---- clamp ----


class Clamp(Operation):
    """x limited to [low, high], numbers or None; the gradient passes where x lies in the closed interval."""

    grad_name = "ClampBackward1"
    takes_out = True
    saves_input = True

    def forward(self, x: Any, low: Any, high: Any, out: Any = None) -> Any:
        """Limit x; for low > high the result is high, as in PyTorch."""
        self.low, self.high = low, high
        self.save_for_backward(x)
        if x.dtype in FLOATS:
            if low is not None:
                x = out = core.binary_scalar(core.MAXIMUM, x, low, out=out)
            return x if high is None else core.binary_scalar(core.MINIMUM, x, high, out=out)
        y = x if low is None else np.maximum(x, constant(low, x.dtype))
        return as_array(y if high is None else np.minimum(y, constant(high, x.dtype)))

    def backward(self, grad: Tensor) -> Tensor:
        """Mask the gradient."""
        (x,) = self.saved_tensors
        inside = x >= self.low if self.low is not None else x <= self.high
        if self.low is not None and self.high is not None:
            inside = inside & (x <= self.high)
        return grad.masked_fill(~inside, 0)


class ClampTensor(Operation):
    """x limited by tensors; where a limit holds, the gradient is the limit's."""

    grad_name = "ClampBackward0"

    def forward(self, x: Any, low: Any, high: Any) -> Any:
        """Limit x, broadcast."""
        self.save_for_backward(x, low, high)
        try:
            for op, ufunc, limit in ((core.MAXIMUM, np.maximum, low), (core.MINIMUM, np.minimum, high)):
                if limit is not None:
                    x = core.binary(op, x, limit) if x.dtype in FLOATS else as_array(ufunc(x, limit))
            return x
        except ValueError:
            raise broadcast_error(*[array for array in (x, low, high) if array is not None]) from None

    def backward(self, grad: Tensor) -> Any:
        """Give each element's gradient to the operand that it came from."""
        x, low, high = self.saved_tensors
        by_x = by_low = by_high = None
        if high is None:
            by_x, by_low = grad.masked_fill(~(x >= low), 0), grad.masked_fill(~(x < low), 0)
        elif low is None:
            by_x, by_high = grad.masked_fill(~(x <= high), 0), grad.masked_fill(~(x > high), 0)
        else:
            by_x = grad.masked_fill(~((x >= low) & (x <= high)), 0)
            by_low = grad.masked_fill(~((low < high) & (x < low)), 0)
            by_high = grad.masked_fill(~((low > high) | (x > high)), 0)
        needs = self.needs_input_grad
        return by_x if needs[0] else None, by_low if needs[1] else None, by_high if needs[2] else None


@public("clip")
def clamp(input: Tensor, min: Any = None, max: Any = None, *, out: Tensor | None = None) -> Tensor:
    """Return the elements limited to [min, max], each a number, a tensor or None (`torch.clamp`).

    Raises RuntimeError if both are None.
    """
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    limits = [limit for limit in (min, max) if limit is not None]
    dtype = common_dtype(check_tensor(input, "clamp"), *limits)
    x = cast(input, dtype)
    if any(isinstance(limit, Tensor) for limit in limits):
        low, high = (None if limit is None else _limit(limit, dtype) for limit in (min, max))
        y = ClampTensor.apply(x, low, high)
    else:
        if dtype is dtypes.bool:
            only = "" if len(limits) == 2 else "min_" if max is None else "max_"
            raise NotImplementedError(f"\"clamp_{only}scalar_cpu\" not implemented for 'Bool'")
        if not dtype.is_floating_point:  # a limit that wrapped round would limit to something else
            for limit in limits:
                check_fits(python_number(limit), dtype)
        y = Clamp.apply(x, low=python_number(min), high=python_number(max))
    return y if out is None else write_out("clamp", out, y, input, min, max)


def _limit(limit: Any, dtype: dtypes.dtype) -> Tensor:
    from tinygrad_cnn.tensor import wrap

    return cast(limit, dtype) if isinstance(limit, Tensor) else wrap(constant(limit, dtype._numpy))


@public(inplace=True, inplace_function=True)
def clamp_min(input: Tensor, min: Any, *, out: Tensor | None = None) -> Tensor:
    """Return the elements, at least `min` (`torch.clamp_min`)."""
    return clamp(input, min=min, out=out)


@public(inplace=True, inplace_function=True)
def clamp_max(input: Tensor, max: Any, *, out: Tensor | None = None) -> Tensor:
    """Return the elements, at most `max` (`torch.clamp_max`)."""
    return clamp(input, max=max, out=out)
