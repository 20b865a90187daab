"""Functions of straight pieces, their gradients, and what is made of them, in few passes over the data."""

from __future__ import annotations

import math
from typing import Any

from tinygrad_cnn import core
from tinygrad_cnn.autograd.grad_mode import mode
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.tensor import Tensor, wrap

__all__ = ["Gelu", "HardSigmoid", "HardSwish", "HardTanh", "Huber", "LeakyRelu"]

# low, high, and the slopes where x is at most `low` (or NaN), between, and at least `high`.
Pieces = tuple[float, float, float, float, float]


class Bend(Operation):
    """g times the slope at x: linear in g, constant in x wherever a derivative exists."""

    grad_name = "BendBackward0"

    def forward(self, g: Any, x: Any, *, pieces: Pieces) -> Any:
        """Scale, by exactly 0 where the slope is 0."""
        self.pieces = pieces
        self.save_for_backward(x)
        return core.bend(g, x, pieces)

    def backward(self, grad: Tensor) -> Any:
        """Scale the gradient by the same slopes."""
        (x,) = self.saved_tensors
        return Bend.apply(grad, x, pieces=self.pieces), None


class LeakyRelu(Operation):
    """x where x > 0, else slope * x, for slope > 0: in place the output, of the same sign, serves as the input."""

    grad_name = "LeakyReluBackward0"
    takes_out = True
    saves_input = False

    def forward(self, x: Any, *, slope: float, out: Any = None) -> Any:
        """Bend x at 0."""
        self.pieces = (0.0, math.inf, slope, 1.0, 1.0)
        y = core.bend(x, x, self.pieces, out)
        self.save_for_backward(x if out is None else y)
        return y

    def backward(self, grad: Tensor) -> Tensor:
        """Scale the gradient by 1 or the slope."""
        (x,) = self.saved_tensors
        return Bend.apply(grad, x, pieces=self.pieces)


class HardTanh(Operation):
    """x limited to [low, high]; no gradient from either bound on."""

    grad_name = "HardtanhBackward0"
    takes_out = True

    def forward(self, x: Any, *, low: float, high: float, out: Any = None) -> Any:
        """Limit x."""
        self.pieces = (low, high, 0.0, 1.0, 0.0)
        self.save_for_backward(x)
        y = core.binary_scalar(core.MAXIMUM, x, low, out=out)
        return core.binary_scalar(core.MINIMUM, y, high, out=y)

    def backward(self, grad: Tensor) -> Tensor:
        """Let the gradient pass between the bounds."""
        (x,) = self.saved_tensors
        return Bend.apply(grad, x, pieces=self.pieces)


def _six(x: Any, out: Any = None) -> Any:
    """Return x + 3 limited to [0, 6]."""
    y = core.binary_scalar(core.ADD, x, 3.0, out=out)
    y = core.binary_scalar(core.MAXIMUM, y, 0.0, out=y)
    return core.binary_scalar(core.MINIMUM, y, 6.0, out=y)


class HardSigmoid(Operation):
    """(x + 3) / 6 limited to [0, 1]."""

    grad_name = "HardsigmoidBackward0"
    takes_out = True

    def forward(self, x: Any, out: Any = None) -> Any:
        """Limit, then divide."""
        self.save_for_backward(x)
        y = _six(x, out)
        return core.binary_scalar(core.DIV, y, 6.0, out=y)

    def backward(self, grad: Tensor) -> Tensor:
        """Return a sixth between the bounds."""
        (x,) = self.saved_tensors
        return Bend.apply(grad, x, pieces=(-3.0, 3.0, 0.0, 1 / 6, 0.0))


class HardSwish(Operation):
    """x (x + 3) / 6 between -3 and 3, 0 below, x above."""

    grad_name = "HardswishBackward0"

    def forward(self, x: Any) -> Any:
        """Multiply x by its hard sigmoid."""
        self.save_for_backward(x)
        y = _six(x)
        y = core.binary(core.MUL, x, y, y)
        return core.binary_scalar(core.DIV, y, 6.0, out=y)

    def backward(self, grad: Tensor) -> Tensor:
        """The slope is x / 3 + 1/2 between the kinks (and NaN for NaN, as in PyTorch), and 1 from 3 on."""
        (x,) = self.saved_tensors
        # What is masked must be finite for the gradient's gradient, where 0 times infinity would be NaN.
        finite = x.masked_fill(x.abs() >= 3, 0) if mode.enabled else x
        middle = Bend.apply(grad * (finite / 3 + 0.5), x, pieces=(-3.0, 3.0, 1.0, 1.0, 0.0))
        above = Bend.apply(grad, x, pieces=(-3.0, 3.0, 0.0, 0.0, 1.0))
        return (middle + above).masked_fill(x <= -3, 0)


class Gelu(Operation):
    """x P(x), with P the normal distribution's probability of less, (1 + erf(x / sqrt(2))) / 2."""

    grad_name = "GeluBackward0"

    @staticmethod
    def probability(x: Any) -> Any:
        """Return P(x)."""
        p = core.binary_scalar(core.MUL, x, math.sqrt(0.5))
        p = core.binary_scalar(core.ADD, core.unary(core.ERF, p, p), 1.0, out=p)
        return core.binary_scalar(core.MUL, p, 0.5, out=p)

    def forward(self, x: Any) -> Any:
        """Multiply; P is kept, for it costs more than the memory."""
        p = self.probability(x)
        self.save_for_backward(x, p)
        return core.binary(core.MUL, x, p)

    def backward(self, grad: Tensor) -> Tensor:
        """d(x P) = (P + x p) dx, with the density p(x) = exp(-x^2 / 2) / sqrt(2 pi)."""
        x, saved = self.saved_tensors
        if mode.enabled:
            density = (x * x * -0.5).exp() * (1 / math.sqrt(2 * math.pi))
            return grad * (((x * math.sqrt(0.5)).erf() + 1) * 0.5 + x * density)
        slope = core.unary(core.SQUARE, x._array)
        slope = core.binary_scalar(core.MUL, slope, -0.5, out=slope)
        slope = core.unary(core.EXP, slope, slope)
        slope = core.binary_scalar(core.MUL, slope, 1 / math.sqrt(2 * math.pi), out=slope)
        slope = core.binary(core.MUL, slope, x._array, slope)
        slope = core.binary(core.ADD, slope, saved._array, slope)
        return wrap(core.binary(core.MUL, slope, grad._array, slope))


class Huber(Operation):
    """(d^2 / 2) / width where |d| < delta, else (|d| - delta / 2) * (delta / width).

    With m, the smaller of |d| and delta, it is (|d| - m / 2) * (m / width), which overflows only where the result does.
    """

    def forward(self, d: Any, *, delta: float, width: float, grad_name: str) -> Any:
        """Limit, then multiply."""
        self.delta, self.width, self.grad_name = delta, width, grad_name
        self.save_for_backward(d)
        distance = core.unary(core.ABS, d)
        m = core.binary_scalar(core.MINIMUM, distance, delta)
        loss = core.add_scaled(distance, m, -0.5, distance)
        m = m if width == 1 else core.binary_scalar(core.DIV, m, width, out=m)
        return core.binary(core.MUL, loss, m, loss)

    def backward(self, grad: Tensor) -> Tensor:
        """The slope is d / width between -delta and delta (and NaN for NaN), beyond it delta / width with d's sign."""
        (d,) = self.saved_tensors
        delta, far = self.delta, 1.0 if self.width == self.delta else self.delta / self.width
        if not mode.enabled and delta < math.inf:
            return grad * (d.clamp(-delta, delta) / self.width)
        finite = d.masked_fill(d.abs() >= delta, 0)
        near = Bend.apply(grad * (finite / self.width), d, pieces=(-delta, delta, 1.0, 1.0, 0.0))
        beyond = Bend.apply(grad, d, pieces=(-delta, delta, -far, 0.0, far))
        return near.masked_fill(d <= -delta, 0) + beyond
