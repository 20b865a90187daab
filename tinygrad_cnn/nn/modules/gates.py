"""Smooth activations as modules, and the piecewise ones that stand in for them."""

from __future__ import annotations

from tinygrad_cnn.nn import functional as F
from tinygrad_cnn.nn.modules.activation import _AlongDim
from tinygrad_cnn.nn.modules.module import Module
from tinygrad_cnn.tensor import Tensor

__all__ = [
    "GELU", "GLU", "Hardsigmoid", "Hardswish", "LogSigmoid", "Mish", "SiLU", "Softmax2d", "Softmin", "Softplus",
    "Softsign", "Tanhshrink",
]  # fmt: skip


class _InPlace(Module):
    """A function that may overwrite its input."""

    shown = True

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        """Return the argument if it is set."""
        return "inplace=True" if self.inplace and self.shown else ""


class SiLU(_InPlace):
    """x * sigmoid(x), also called swish."""

    def forward(self, input: Tensor) -> Tensor:
        """Compute it elementwise."""
        return F.silu(input, inplace=self.inplace)


class Mish(_InPlace):
    """x * tanh(softplus(x))."""

    def forward(self, input: Tensor) -> Tensor:
        """Compute it elementwise."""
        return F.mish(input, inplace=self.inplace)


class Hardsigmoid(_InPlace):
    """(x + 3) / 6 limited to [0, 1]."""

    shown = False  # as in PyTorch

    def forward(self, input: Tensor) -> Tensor:
        """Compute it elementwise."""
        return F.hardsigmoid(input, self.inplace)


class Hardswish(_InPlace):
    """x * (x + 3) / 6 between -3 and 3, 0 below, x above."""

    shown = False  # as in PyTorch

    def forward(self, input: Tensor) -> Tensor:
        """Compute it elementwise."""
        return F.hardswish(input, self.inplace)


class GELU(Module):
    """x times the normal distribution's probability of less, exact or by a hyperbolic tangent ("tanh")."""

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        """Compute it elementwise."""
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        """Return the argument."""
        return f"approximate={self.approximate!r}"


class GLU(Module):
    """The first half along `dim` times the sigmoid of the second."""

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Halve the dimension."""
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        """Return the argument."""
        return f"dim={self.dim}"


class LogSigmoid(Module):
    """log(1 / (1 + exp(-x)))."""

    def forward(self, input: Tensor) -> Tensor:
        """Compute it elementwise."""
        return F.logsigmoid(input)


class Softplus(Module):
    """log(1 + exp(beta * x)) / beta, and x where beta * x is above the threshold."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        """Compute it elementwise."""
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"beta={self.beta}, threshold={self.threshold}"


class Softsign(Module):
    """x / (1 + |x|)."""

    def forward(self, input: Tensor) -> Tensor:
        """Compute it elementwise."""
        return F.softsign(input)


class Tanhshrink(Module):
    """x - tanh(x)."""

    def forward(self, input: Tensor) -> Tensor:
        """Compute it elementwise."""
        return F.tanhshrink(input)


class Softmin(_AlongDim):
    """Softmax of -x along `dim`."""

    def forward(self, input: Tensor) -> Tensor:
        """Compute it."""
        return F.softmin(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        """Return the argument."""
        return f"dim={self.dim}"


class Softmax2d(Module):
    """Softmax over the channels of (N, C, H, W) or (C, H, W). ValueError for other shapes."""

    def forward(self, input: Tensor) -> Tensor:
        """Compute it."""
        if input.dim() not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D instead")
        return F.softmax(input, -3)
