"""Draws from discrete distributions: `torch.bernoulli` and `torch.multinomial`."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.casts import FLOATING, cast_array, widened
from tinygrad_cnn.dtypes import int64
from tinygrad_cnn.dtypes import scalar_name as _scalar_name
from tinygrad_cnn.tensor import Tensor, wrap

from .drawn import Drawn
from .fill import draw_bernoulli, fill_exponential, locked
from .generator import Generator
from .in_place import bernoulli_


def _check(array: Any, num_samples: int, replacement: bool) -> None:
    if array.ndim not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if num_samples <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    core.check_size((*array.shape[:-1], num_samples))
    if not replacement and num_samples > array.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    if array.shape[-1] > 2**24:
        raise RuntimeError("number of categories cannot exceed 2^24")
    if not (np.isfinite(array) & (array >= 0)).all():
        if num_samples == 1 or not replacement:  # another way through PyTorch, with other words
            raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
        what = "probability entry = infinity or NaN" if (array >= 0).all() else "probability entry < 0"
        raise RuntimeError(f"invalid multinomial distribution (encountering {what})")
    if not (array.sum(-1) > 0).all():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")


def _with_replacement(rows: Any, num_samples: int, generator: Generator | None) -> Any:
    """Look uniform numbers up in the cumulative distribution, which is summed in the dtype of the probabilities."""
    result = np.empty((len(rows), num_samples), np.int64)
    with locked(generator) as state:
        for row, drawn in zip(rows, result, strict=True):
            cumulative = np.cumsum(row, dtype=row.dtype)
            cumulative /= cumulative[-1]
            cumulative[-1] = 1
            unit = np.empty(num_samples)
            state.uniform(unit, 0.0, 1.0)
            drawn[...] = np.searchsorted(cumulative.astype(np.float64), unit)
    return result


def _without_replacement(rows: Any, num_samples: int, generator: Generator | None, dtype: Any) -> Any:
    """Take the largest quotients of probability and exponential number: the first arrivals of Poisson processes."""
    waiting = np.empty(rows.shape, dtype)
    fill_exponential(waiting, 1.0, generator)
    with np.errstate(divide="ignore", invalid="ignore"):
        speed = widened(cast_array(rows / widened(waiting), dtype))
    return np.argsort(-speed, axis=-1, kind="stable")[:, :num_samples]


def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Return indices drawn with the probabilities (not necessarily of sum 1) in each row of `input`
    (`torch.multinomial`).

    `input` (C,) gives (num_samples,), (N, C) gives (N, num_samples), int64. Raises RuntimeError for another rank, an
    integer dtype, negative or infinite probabilities, a sum of 0, or too many samples without replacement.
    """
    if not isinstance(input, Tensor):
        raise TypeError(f"multinomial(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    if input._array.dtype not in FLOATING:
        raise RuntimeError(
            f"multinomial only supports floating-point dtypes for input, got: {_scalar_name(input.dtype)}"
        )
    if out is not None and out.dtype is not int64:
        raise RuntimeError(f"multinomial expects Long tensor out, got: {_scalar_name(out.dtype)}")
    array = widened(input._array)
    _check(array, num_samples, replacement)
    rows = array.reshape(-1, array.shape[-1])
    if replacement:
        drawn = _with_replacement(rows, num_samples, generator)
    else:
        drawn = _without_replacement(rows, num_samples, generator, input._array.dtype)
    indices = np.ascontiguousarray(drawn.reshape(*array.shape[:-1], num_samples))
    result = wrap(indices)
    if out is None:
        return result
    from tinygrad_cnn.ops.base import write_out

    return write_out("multinomial", out, result)


def bernoulli(input: Tensor, p: Any = None, *, generator: Generator | None = None, out: Tensor | None = None) -> Tensor:
    """Return 1 or 0 for each probability in `input`, or all with probability `p` (`torch.bernoulli`).

    Raises RuntimeError for a probability outside [0, 1], NotImplementedError for an integer tensor.
    """
    if p is None:

        def draw(chances: Any) -> Any:
            return cast_array(draw_bernoulli(chances, generator), chances.dtype)

        result: Tensor = Drawn.apply(input, draw=draw, grad_name="BernoulliBackward0")
    else:
        result = bernoulli_(wrap(core.empty(input._array.shape, input._array.dtype)), p, generator=generator)
    if out is None:
        return result
    from tinygrad_cnn.ops.base import write_out

    return write_out("bernoulli", out, result)
