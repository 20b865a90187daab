"""Functions of two tensors that NumPy computes: signs, lengths, logarithms of sums, common divisors, shifts of bits."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from tinygrad_cnn import dtypes
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.casts import FLOATING, HALVES, widened
from tinygrad_cnn.tensor import Tensor, wrap

from .base import as_array, broadcast_error, check_tensor, scalar_name
from .forms import public
from .halves import in_float32
from .power import pow
from .promotion import NUMBERS, cast, common_dtype, promoted

# ---- operations ----


class NumpyBinary(Operation):
    """y = f(a, b) by NumPy for every dtype, with the operands kept."""

    takes_out = True
    values: ClassVar[Any]

    @classmethod
    def compute(cls, a: Any, b: Any, out: Any = None) -> Any:
        """Return f(a, b); RuntimeError if the shapes do not go together."""
        try:
            np.broadcast_shapes(a.shape, b.shape)
        except ValueError:
            raise broadcast_error(a, b) from None
        with np.errstate(all="ignore"):
            result = as_array(cls.values(a, b)).astype(a.dtype, copy=False)
        if out is None:
            return result
        out[...] = result
        return out

    def forward(self, a: Any, b: Any, out: Any = None) -> Any:
        """Return f(a, b)."""
        self.save_for_backward(a, b)
        return self.compute(a, b, out)


class Hypot(NumpyBinary):
    """sqrt(a^2 + b^2), without overflow."""

    grad_name, values = "HypotBackward0", np.hypot

    def backward(self, grad: Tensor) -> Any:
        """d hypot = (a da + b db) / hypot."""
        a, b = self.saved_tensors
        scaled = grad / Hypot.apply(a, b)
        return scaled * a if self.needs_input_grad[0] else None, scaled * b if self.needs_input_grad[1] else None


class Copysign(NumpyBinary):
    """|a| with the sign of b."""

    grad_name, values = "CopysignBackward0", np.copysign

    def backward(self, grad: Tensor) -> Any:
        """The sign is kept or turned; at a = 0 PyTorch gives 0. It does not move with b."""
        a, b = self.saved_tensors
        zeros = Tensor._zeros(b._array.shape, b._array.dtype) if self.needs_input_grad[1] else None
        return grad * (Copysign.apply(a, b).sign() * a.sign()) if self.needs_input_grad[0] else None, zeros


class Logaddexp(NumpyBinary):
    """log(e^a + e^b)."""

    grad_name, scale = "LogaddexpBackward0", 1.0
    values: ClassVar[Any] = np.logaddexp

    def backward(self, grad: Tensor) -> Any:
        """The shares of both terms: 1 / (1 + e^(b - a)) and the rest."""
        a, b = self.saved_tensors
        # Equal infinities share: their difference would be NaN.
        distance = ((b - a).masked_fill(a == b, 0)) * self.scale
        share = (-distance).sigmoid()
        return grad * share if self.needs_input_grad[0] else None, grad * (1 - share) if self.needs_input_grad[
            1
        ] else None


class Logaddexp2(Logaddexp):
    """log2(2^a + 2^b)."""

    grad_name, scale = "Logaddexp2Backward0", math.log(2)
    values: ClassVar[Any] = np.logaddexp2


class Pick(NumpyBinary):
    """One of two operands, as `first` says."""

    first: ClassVar[Any]

    def backward(self, grad: Tensor) -> Any:
        """All to the one that was taken."""
        a, b = self.saved_tensors
        taken = type(self).first(a, b)
        return (
            grad.masked_fill(taken.logical_not(), 0) if self.needs_input_grad[0] else None,
            grad.masked_fill(taken, 0) if self.needs_input_grad[1] else None,
        )


class Fmax(Pick):
    """The larger; NaN only if both are."""

    grad_name, values = "FmaxBackward0", np.fmax
    first = staticmethod(lambda a, b: (a >= b) | b.isnan())


class Fmin(Pick):
    """The smaller; NaN only if both are."""

    grad_name, values = "FminBackward0", np.fmin
    first = staticmethod(lambda a, b: (a <= b) | b.isnan())


def _next_number(a: Any, b: Any) -> Any:
    """Return the numbers after a towards b; those of halves by counting the bits of their size up or down."""
    if a.dtype not in HALVES:
        return np.nextafter(a, b)
    x, y = np.broadcast_arrays(widened(a), widened(b))
    bits, end = [np.broadcast_to(each.view(np.uint16), x.shape).astype(np.int32) for each in (a, b)]
    step = np.greater(y, x).astype(np.int32) - np.less(y, x)
    order = np.where(bits < _SIGN, bits, _SIGN - bits) + step  # rises with the number, through 0 in the middle
    moved = np.where((order < 0) | ((order == 0) & (bits >= _SIGN)), _SIGN - order, order)
    arrived = np.where(np.isnan(x), bits, end)
    return as_array(np.where(step == 0, arrived, moved).astype(np.uint16)).view(a.dtype)


_SIGN = 0x8000  # the bit of a half's sign


class Nextafter(NumpyBinary):
    """The next representable number after a towards b."""

    grad_name, values = "NextafterBackward0", staticmethod(_next_number)
    moves_only = True  # halves are not computed in float32, where the next number is another

    def backward(self, grad: Tensor) -> Any:
        """It moves with a, but where a has arrived."""
        a, b = self.saved_tensors
        zeros = Tensor._zeros(b._array.shape, b._array.dtype) if self.needs_input_grad[1] else None
        return grad.masked_fill(a == b, 0) if self.needs_input_grad[0] else None, zeros


# ---- functions ----


def _operands(name: str, input: Any, other: Any, floating: bool = False) -> tuple[Tensor, Tensor]:
    """Return two tensors, or a tensor and a number, as tensors of their common dtype."""
    check_tensor(input, name)
    if not isinstance(other, (Tensor, *NUMBERS)):
        check_tensor(other, name, "other", 2)
    a, b = promoted(input, other, floating)
    return a, b if isinstance(b, Tensor) else cast(wrap(np.array(b)), a.dtype)


def _integers(name: str, input: Any, other: Any) -> tuple[Tensor, Tensor]:
    a, b = _operands(name, input, other)
    if a._array.dtype.kind not in "iu":
        raise NotImplementedError(f"\"{name}\" not implemented for '{scalar_name(a)}'")
    return a, b


def _by_numpy(function: Callable[..., Any], a: Tensor, b: Tensor) -> Tensor:
    """Return a function without derivative of two tensors of one dtype."""
    try:
        with np.errstate(all="ignore"):
            return wrap(as_array(function(a._array, b._array)).astype(a._array.dtype, copy=False))
    except ValueError:
        raise broadcast_error(a._array, b._array) from None


@public(inplace=True, out=True)
def hypot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return sqrt(input^2 + other^2) (`torch.hypot`)."""
    a, b = _operands("hypot", input, check_tensor(other, "hypot", "other", 2))
    if a._array.dtype not in FLOATING:
        raise NotImplementedError(f"\"hypot_cpu\" not implemented for '{scalar_name(a)}'")
    return Hypot.apply(a, b)


@public(inplace=True, out=True)
@in_float32
def copysign(input: Tensor, other: Any, *, out: Tensor | None = None) -> Tensor:
    """Return |input| with the sign of other, a tensor or a number (`torch.copysign`)."""
    return Copysign.apply(*_operands("copysign", input, other, floating=True))


@public(out=True)
def logaddexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return log(e^input + e^other) (`torch.logaddexp`)."""
    return Logaddexp.apply(*_floats("logaddexp", input, other))


@public(out=True)
def logaddexp2(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return log2(2^input + 2^other) (`torch.logaddexp2`)."""
    return Logaddexp2.apply(*_floats("logaddexp2", input, other))


def _floats(name: str, input: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    a, b = _operands(name, input, check_tensor(other, name, "other", 2))
    if a._array.dtype not in FLOATING:
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{scalar_name(a)}'")
    return a, b


@public(out=True)
def fmax(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the larger elements; a number is preferred to NaN (`torch.fmax`)."""
    return Fmax.apply(*_operands("fmax", input, check_tensor(other, "fmax", "other", 2)))


@public(out=True)
def fmin(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the smaller elements; a number is preferred to NaN (`torch.fmin`)."""
    return Fmin.apply(*_operands("fmin", input, check_tensor(other, "fmin", "other", 2)))


@public(inplace=True, out=True)
@in_float32
def heaviside(input: Tensor, values: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return 0 where input < 0 or NaN, 1 where input > 0, `values` where it is 0 (`torch.heaviside`)."""
    check_tensor(values, "heaviside", "values", 2)
    if check_tensor(input, "heaviside").dtype is not values.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    if input._array.dtype.kind == "b":
        return _by_numpy(np.logical_or, input, values)
    return _by_numpy(lambda x, v: np.where(x == 0, v, x > 0), input, values)


@public(inplace=True, out=True)
def nextafter(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the next representable numbers after input towards other (`torch.nextafter`)."""
    return Nextafter.apply(*_floats("nextafter", input, other))


@public(inplace=True, inplace_function=True, out=True)
def gcd(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return greatest common divisors of integers (`torch.gcd`)."""
    return _by_numpy(np.gcd, *_integers("gcd_cpu", input, check_tensor(other, "gcd", "other", 2)))


@public(inplace=True, inplace_function=True, out=True)
def lcm(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return least common multiples of integers (`torch.lcm`)."""
    return _by_numpy(np.lcm, *_integers("lcm_cpu", input, check_tensor(other, "lcm", "other", 2)))


@public(inplace=True, out=True)
def bitwise_left_shift(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
    """Return input << other; 0 where all bits leave or the shift is negative (`torch.bitwise_left_shift`)."""
    return _shifted("lshift_cpu", np.left_shift, input, other)


@public(inplace=True, out=True)
def bitwise_right_shift(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
    """Return input >> other, the sign kept; a shift too far, or negative, goes all the way (`bitwise_right_shift`)."""
    return _shifted("rshift_cpu", np.right_shift, input, other)


def _shifted(name: str, shift: Any, input: Any, other: Any) -> Tensor:
    if not isinstance(input, Tensor):
        other = check_tensor(other, name, "other", 2)
        input = wrap(np.array(input, common_dtype(input, other)._numpy))
    a, b = _integers(name, input, other)
    bits = 8 * a._array.dtype.itemsize

    def limited(x: Any, by: Any) -> Any:
        far = (by < 0) | (by >= bits)
        if shift is np.left_shift:
            return np.where(far, 0, shift(x, np.where(far, 0, by)))
        return (
            shift(x, np.where(far, bits - 1, by))
            if x.dtype.kind == "i"
            else np.where(far, 0, x >> np.where(far, 0, by))
        )

    return _by_numpy(limited, a, b)


@public(inplace=True, inplace_function=True, out=True)
def ldexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return input * 2^other (`torch.ldexp`)."""
    return check_tensor(input, "ldexp") * pow(2.0, check_tensor(other, "ldexp", "other", 2))


@public(method=True, inplace=True, inplace_function=True, out=True)
def xlogy(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
    """Return input * log(other), 0 where input is 0, NaN where other is (`torch.xlogy`)."""
    if not isinstance(input, Tensor):
        check_tensor(other, "xlogy", "other", 2)
        input = (
            wrap(np.array(input, dtypes.get_default_dtype()._numpy))
            if isinstance(input, float)
            else wrap(np.array(input))
        )
        a, b = promoted(input, other, floating=True)
    else:
        a, b = _operands("xlogy", input, other, floating=True)
    zero = (a == 0) & b.isnan().logical_not()
    # Where the product is 0 the logarithm is taken of 1, so that its infinity leaves no NaN in the gradient.
    return a * b.masked_fill(zero & ((b <= 0) | b.isinf()), 1).log()


@public(inplace=True, out=True)
def float_power(input: Any, exponent: Any, *, out: Tensor | None = None) -> Tensor:
    """Return input ** exponent, computed in float64 (`torch.float_power`)."""
    operands = [cast(x, dtypes.float64) if isinstance(x, Tensor) else x for x in (input, exponent)]
    return pow(*operands)
