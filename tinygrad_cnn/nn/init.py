"""Initial values of parameters: the functions of `torch.nn.init`, which fill a tensor in place and return it.

After the same `manual_seed` they give PyTorch's numbers: they draw in PyTorch's order from PyTorch's generator.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_cnn.autograd.grad_mode import no_grad
from tinygrad_cnn.tensor import Tensor, wrap

__all__ = [
    "calculate_gain", "constant", "constant_", "dirac", "dirac_", "eye", "eye_", "kaiming_normal", "kaiming_normal_",
    "kaiming_uniform", "kaiming_uniform_", "normal", "normal_", "ones_", "orthogonal", "orthogonal_", "sparse",
    "sparse_", "trunc_normal_", "uniform", "uniform_", "xavier_normal", "xavier_normal_", "xavier_uniform",
    "xavier_uniform_", "zeros_",
]  # fmt: skip

# ---------------------------------------------------------------- simple fills


@no_grad()
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with numbers drawn uniformly from [a, b)."""
    return tensor.uniform_(a, b, generator=generator)


@no_grad()
def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with numbers drawn from the normal distribution."""
    return tensor.normal_(mean, std, generator=generator)


@no_grad()
def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one value."""
    return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with ones."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros."""
    return constant_(tensor, 0.0)


@no_grad()
def _assign(tensor: Tensor, values: Any) -> Tensor:
    """Copy a NumPy array into the tensor."""
    tensor.copy_(wrap(np.ascontiguousarray(values, tensor._array.dtype)))
    return tensor


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with the identity (ones on the diagonal). ValueError unless it has 2 dimensions."""
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    return _assign(tensor, np.eye(*tensor.shape))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill a convolution's weight so that it passes on as many input channels as there are outputs, in each group.

    Raises ValueError unless it has 3, 4 or 5 dimensions, the first divisible by `groups`.
    """
    if tensor.ndim not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    shape = tuple(tensor.shape)
    if shape[0] % groups:
        raise ValueError("dim 0 must be divisible by groups")
    values = np.zeros(shape)
    per_group = shape[0] // groups
    middle = tuple(size // 2 for size in shape[2:])
    for group in range(groups):
        for channel in range(min(per_group, shape[1])):
            place = (group * per_group + channel, channel, *middle)
            values[place] = 1
    return _assign(tensor, values)


# ---------------------------------------------------------------- by fan


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the factor by which weights before a nonlinearity should be larger; `param` is leaky_relu's slope."""
    gains = {"sigmoid": 1, "linear": 1, "tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 3.0 / 4}
    if nonlinearity in gains:
        return gains[nonlinearity]
    if nonlinearity in {f"conv{kind}{d}d" for kind in ("", "_transpose") for d in (1, 2, 3)}:
        return 1
    if nonlinearity != "leaky_relu":
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}")
    slope = 0.01 if param is None else param
    if isinstance(slope, bool) or not isinstance(slope, (int, float)):
        raise ValueError(f"negative_slope {param} not a valid number")
    return math.sqrt(2.0 / (1 + slope**2))


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """Return how many inputs each output has, and how many outputs each input."""
    if tensor.ndim < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    """Return the fan that `mode` names."""
    modes = ["fan_in", "fan_out"]
    mode = mode.lower()
    if mode not in modes:
        raise ValueError(f"Mode {mode} not supported, please use one of {modes}")
    return _calculate_fan_in_and_fan_out(tensor)[modes.index(mode)]


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Fill from U(-a, a), a = gain sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""
    std = gain * math.sqrt(2.0 / float(sum(_calculate_fan_in_and_fan_out(tensor))))
    bound = math.sqrt(3.0) * std
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Fill from N(0, std^2), std = gain sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""
    std = gain * math.sqrt(2.0 / float(sum(_calculate_fan_in_and_fan_out(tensor))))
    return normal_(tensor, 0.0, std, generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float | None:
    """Return gain / sqrt(fan), or None, with a warning, if there is nothing to fill."""
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
        return None
    fan = _calculate_correct_fan(tensor, mode)
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Fill from U(-b, b), b = gain sqrt(3 / fan) (He, 2015); `a` is the slope of a leaky_relu after it."""
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    if std is None:
        return tensor
    bound = math.sqrt(3.0) * std
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Fill from N(0, std^2), std = gain / sqrt(fan) (He, 2015); `a` is the slope of a leaky_relu after it."""
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    return tensor if std is None else normal_(tensor, 0, std, generator)


# ---------------------------------------------------------------- others


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None
) -> Tensor:
    """Fill from the normal distribution cut off to [a, b].

    By rejection: of normal numbers if more than 30 % of them lie inside, of uniform ones otherwise.
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. "
            "The distribution of values may be incorrect.",
            stacklevel=2,
        )
    inside = 0.5 * (math.erf((b - mean) / std / math.sqrt(2)) - math.erf((a - mean) / std / math.sqrt(2)))
    if inside > 0.3:
        return _assign(tensor, _reject_normals(tensor, mean, std, a, b, generator))
    return _assign(tensor, _reject_uniforms(tensor, mean, std, a, b, generator))


def _drawn(tensor: Tensor, fill: Any, *args: float, generator: Any) -> Any:
    """Return an array like `tensor` filled by `fill`."""
    scratch = wrap(np.empty(tensor._array.shape, tensor._array.dtype))
    return fill(scratch, *args, generator=generator)._array


def _reject_normals(tensor: Tensor, mean: float, std: float, a: float, b: float, generator: Any) -> Any:
    low, high = tensor._array.dtype.type(a), tensor._array.dtype.type(b)
    values = _drawn(tensor, normal_, mean, std, generator=generator)
    while True:
        outside = (values < low) | (values > high)
        if not outside.any():
            return values
        values = np.where(outside, _drawn(tensor, normal_, mean, std, generator=generator), values)


def _reject_uniforms(tensor: Tensor, mean: float, std: float, a: float, b: float, generator: Any) -> Any:
    # A candidate is kept with the probability density(candidate) / density(mode).
    log_peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2
    values = _drawn(tensor, uniform_, a, b, generator=generator)
    pending = np.ones(values.shape, bool)
    candidates = values
    while True:
        log_density = (candidates - mean) / std
        log_density = log_density**2 * -0.5 - log_peak
        with np.errstate(divide="ignore"):
            pending &= np.log(_drawn(tensor, uniform_, 0.0, 1.0, generator=generator)) > log_density
        if not pending.any():
            return values
        candidates = _drawn(tensor, uniform_, a, b, generator=generator)
        values = np.where(pending, candidates, values)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Any = None) -> Tensor:
    """Fill with a (semi-)orthogonal matrix, dimensions after the first taken together (Saxe and others, 2013).

    Raises ValueError for fewer than 2 dimensions.
    """
    if tensor.ndim < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0:
        return tensor
    rows = tensor.shape[0]
    flat = normal_(wrap(np.empty((rows, tensor.numel() // rows), tensor._array.dtype)), 0, 1, generator)._array
    wide = rows < flat.shape[1]
    q, r = np.linalg.qr(flat.T if wide else flat)
    q = q * np.sign(np.diag(r))  # QR leaves signs open; with r's diagonal positive, q is distributed evenly
    return _assign(tensor, (q.T if wide else q).reshape(tensor.shape) * gain)


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """Fill a matrix from N(0, std^2), then set the part `sparsity` of each column to 0 (Martens, 2010)."""
    from tinygrad_cnn.random import randperm

    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, columns = tensor.shape
    count = math.ceil(sparsity * rows)
    normal_(tensor, 0, std, generator)
    values = tensor.detach()._array.copy()
    for column in range(columns):
        values[randperm(rows)._array[:count], column] = 0
    return _assign(tensor, values)


# ---------------------------------------------------------------- old names


def _old(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return a function under its name without the underscore, which warns (FutureWarning)."""
    new = function.__name__
    name = new.removesuffix("_")

    @functools.wraps(function)
    def renamed(*args: Any, **kwargs: Any) -> Tensor:
        warnings.warn(f"`nn.init.{name}` is now deprecated in favor of `nn.init.{new}`.", FutureWarning, stacklevel=2)
        return function(*args, **kwargs)

    renamed.__name__ = renamed.__qualname__ = name
    renamed.__doc__ = f"Call `{new}`, whose old name this is (FutureWarning)."
    return renamed


uniform, normal, constant, eye, dirac = _old(uniform_), _old(normal_), _old(constant_), _old(eye_), _old(dirac_)
xavier_uniform, xavier_normal = _old(xavier_uniform_), _old(xavier_normal_)
kaiming_uniform, kaiming_normal = _old(kaiming_uniform_), _old(kaiming_normal_)
orthogonal, sparse = _old(orthogonal_), _old(sparse_)
