"""Checks of arguments that transforms share, and their draws from the default generator, in torchvision's order."""

from __future__ import annotations

import functools
import numbers
import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

import tinygrad_cnn as torch
from tinygrad_cnn import nn
from tinygrad_cnn._absent import abstract
from tinygrad_cnn.random.fill import fill_integers, fill_uniform
from tinygrad_cnn.tensor import Tensor

from .functional._image import get_dimensions

T = TypeVar("T")


def uniform(low: Any, high: Any) -> float:
    """Draw a float32 from [low, high), as `torch.empty(1).uniform_(low, high)` does."""
    drawn = np.empty(1, np.float32)
    fill_uniform(drawn, float(low), float(high), None)
    return float(drawn[0])


def integer(low: int, high: int) -> int:
    """Draw an integer from [low, high), as `torch.randint(low, high, (1,))` does."""
    drawn = np.empty(1, np.int64)
    fill_integers(drawn, low, high, None)
    return int(drawn[0])


def happens(p: float) -> bool:
    """Draw whether something of probability p happens, as `torch.rand(1) < p` does."""
    return bool(uniform(0.0, 1.0) < np.float32(p))


class WithProbability(nn.Module):
    """Base class of transforms that do with probability p what their `change` does."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def change(self, img: Any) -> Any:
        """Return the changed image."""
        raise abstract(self, "change")

    def forward(self, img: Any) -> Any:
        """Return the image, changed or not."""
        return self.change(img) if happens(self.p) else img

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


def setup_size(size: Any, message: str = "Please provide only two dimensions (h, w) for size.") -> Any:
    """Return (height, width) of a number, a sequence of one, or of two as it is; ValueError for others."""
    if isinstance(size, numbers.Number):
        return int(size), int(size)  # type: ignore[call-overload]
    if isinstance(size, Sequence) and len(size) == 1:
        return size[0], size[0]
    if len(size) != 2:
        raise ValueError(message)
    return size


def check_sequence(value: Any, name: str, lengths: tuple[int, ...]) -> None:
    """Raise TypeError for no sequence, ValueError for one of another length."""
    wanted = " or ".join(str(length) for length in lengths)
    if not isinstance(value, Sequence):
        raise TypeError(f"{name} should be a sequence of length {wanted}.")
    if len(value) not in lengths:
        raise ValueError(f"{name} should be a sequence of length {wanted}.")


def setup_angle(value: Any, name: str, lengths: tuple[int, ...] = (2,)) -> list[float]:
    """Return [-x, x] of a number, a sequence as floats; TypeError and ValueError for others."""
    if isinstance(value, numbers.Number):
        if value < 0:  # type: ignore[operator]
            raise ValueError(f"If {name} is a single number, it must be positive.")
        value = [-value, value]  # type: ignore[operator]
    else:
        check_sequence(value, name, lengths)
    return [float(angle) for angle in value]


def setup_fill(fill: Any) -> Any:
    """Return a colour, 0 for None; TypeError for what is neither a number nor a sequence."""
    if fill is not None and not isinstance(fill, (Sequence, numbers.Number)):
        raise TypeError("Fill should be either a sequence or a number.")
    return 0 if fill is None else fill


def fill_of(img: Any, fill: Any) -> Any:
    """Return a colour as `functional` takes it for this image: for tensors floats, one for each channel."""
    if not isinstance(img, Tensor) or fill is None:
        return fill
    if isinstance(fill, (int, float)):
        return [float(fill)] * get_dimensions(img)[0]
    return [float(level) for level in fill]


def check_ranges(scale: Any, ratio: Any) -> None:
    """Raise TypeError if scale or ratio is no sequence; warn if one is not (min, max)."""
    if not isinstance(scale, Sequence):
        raise TypeError("Scale should be a sequence")
    if not isinstance(ratio, Sequence):
        raise TypeError("Ratio should be a sequence")
    if scale[0] > scale[1] or ratio[0] > ratio[1]:
        warnings.warn("Scale and ratio should be of kind (min, max)", stacklevel=3)


def remembered(function: Callable[..., T]) -> Callable[..., T]:
    """Let a function compute once for each arguments and default dtype, in which its tensors are."""

    @functools.lru_cache(maxsize=64)
    def found(dtype: Any, *arguments: Any) -> T:
        return function(*arguments)

    return lambda *arguments: found(torch.get_default_dtype(), *arguments)


@remembered
def _logarithms(low: float, high: float) -> list[float]:
    found: list[float] = torch.log(torch.tensor([low, high])).tolist()
    return found


def random_sides(area: float, scale: Sequence[float], ratio: Sequence[float]) -> tuple[float, float]:
    """Draw a rectangle: its share of an area, and the ratio of its sides, uniform in logarithm."""
    share = area * uniform(scale[0], scale[1])
    return share, float(torch.exp(torch.tensor([uniform(*_logarithms(ratio[0], ratio[1]))])).item())
