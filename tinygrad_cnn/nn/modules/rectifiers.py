"""Activations with a kink as modules: LeakyReLU and its relatives, ELU and its relatives, limits and thresholds."""

from __future__ import annotations

import warnings
from typing import Any

from tinygrad_cnn.creation import empty
from tinygrad_cnn.nn import functional as F
from tinygrad_cnn.nn import init
from tinygrad_cnn.nn.modules.module import Module
from tinygrad_cnn.nn.parameter import Parameter
from tinygrad_cnn.tensor import Tensor

__all__ = [
    "CELU", "ELU", "SELU", "Hardshrink", "Hardtanh", "LeakyReLU", "PReLU", "RReLU", "ReLU6", "Softshrink", "Threshold",
]  # fmt: skip


def described(*arguments: str, inplace: bool) -> str:
    """Return what an activation prints of its arguments."""
    return ", ".join([*arguments, *(["inplace=True"] if inplace else [])])


class Threshold(Module):
    """x where it is above `threshold`, else `value`."""

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold = threshold
        self.value = value
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Replace what is not above the threshold."""
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return described(f"threshold={self.threshold}", f"value={self.value}", inplace=self.inplace)


class RReLU(Module):
    """x where it is positive, else a slope times x: random while training, its mean in eval mode."""

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False) -> None:
        super().__init__()
        self.lower = lower
        self.upper = upper
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Compute it elementwise."""
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return described(f"lower={self.lower}", f"upper={self.upper}", inplace=self.inplace)


class Hardtanh(Module):
    """x limited to [min_val, max_val]. AssertionError unless max_val is the greater one."""

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
    ) -> None:
        super().__init__()
        for old, value in (("min", min_value), ("max", max_value)):
            if value is not None:
                warnings.warn(
                    f"keyword argument `{old}_value` is deprecated and renamed to `{old}_val`",
                    FutureWarning,
                    stacklevel=2,
                )
        self.min_val = min_val if min_value is None else min_value
        self.max_val = max_val if max_value is None else max_value
        self.inplace = inplace
        if self.max_val <= self.min_val:
            raise AssertionError(f"max_val ({self.max_val}) must be greater than min_val ({self.min_val})")

    def forward(self, input: Tensor) -> Tensor:
        """Limit each element."""
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return described(f"min_val={self.min_val}", f"max_val={self.max_val}", inplace=self.inplace)


class ReLU6(Hardtanh):
    """x limited to [0, 6]."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self) -> str:
        """Return the argument if it is set."""
        return described(inplace=self.inplace)


class _WithAlpha(Module):
    """A function with a factor of its exponential part."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def extra_repr(self) -> str:
        """Return the arguments."""
        return described(f"alpha={self.alpha}", inplace=self.inplace)


class ELU(_WithAlpha):
    """x where it is positive, else alpha * (exp(x) - 1)."""

    def forward(self, input: Tensor) -> Tensor:
        """Compute it elementwise."""
        return F.elu(input, self.alpha, self.inplace)


class CELU(_WithAlpha):
    """x where it is positive, else alpha * (exp(x / alpha) - 1)."""

    def forward(self, input: Tensor) -> Tensor:
        """Compute it elementwise."""
        return F.celu(input, self.alpha, self.inplace)


class SELU(Module):
    """The scaled ELU that keeps mean 0 and variance 1."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Compute it elementwise."""
        return F.selu(input, self.inplace)

    def extra_repr(self) -> str:
        """Return the argument if it is set."""
        return described(inplace=self.inplace)


class LeakyReLU(Module):
    """x where it is positive, else negative_slope * x."""

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Compute it elementwise."""
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return described(f"negative_slope={self.negative_slope}", inplace=self.inplace)


class PReLU(Module):
    """x where it is positive, else a learnt slope times x: one slope, or one for each of `num_parameters` channels."""

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set every slope to `init`."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        """Compute it elementwise."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """Return the number of slopes."""
        return f"num_parameters={self.num_parameters}"


class _Shrink(Module):
    """A function that is 0 in [-lambd, lambd]."""

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def extra_repr(self) -> str:
        """Return the argument."""
        return str(self.lambd)


class Hardshrink(_Shrink):
    """x, but 0 in [-lambd, lambd]."""

    def forward(self, input: Tensor) -> Tensor:
        """Compute it elementwise."""
        return F.hardshrink(input, self.lambd)


class Softshrink(_Shrink):
    """x moved towards 0 by lambd."""

    def forward(self, input: Tensor) -> Tensor:
        """Compute it elementwise."""
        return F.softshrink(input, self.lambd)
