"""linear_cross_entropy: the last layer of a classifier and its loss in one call."""

from __future__ import annotations

import math
from typing import Any

from tinygrad_cnn.nn.functional.linear import linear
from tinygrad_cnn.nn.functional.loss import cross_entropy
from tinygrad_cnn.tensor import Tensor

__all__ = ["linear_cross_entropy"]


def _check_shapes(input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    """Raise RuntimeError unless input (N, in) or (in,), weight (C, ..., in) and bias (C, ...) go together."""
    if input.dim() not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.dim()}")
    if weight.dim() < 2:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got {weight.dim()}")
    if input.shape[-1] != weight.shape[-1]:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), "
            f"got {input.shape[-1]} and {weight.shape[-1]}, respectively"
        )
    if bias is not None and bias.shape != weight.shape[:-1]:
        raise RuntimeError(f"expected linear_bias shape {tuple(weight.shape[:-1])}, got {tuple(bias.shape)}")
    if weight.dim() > 2 and input.dim() == 1:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {tuple(weight.shape)} requires batched input, "
            f"(N, {input.shape[-1]}), got unbatched input with shape {tuple(input.shape)}"
        )


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Tensor:
    """Return cross_entropy(linear(input, linear_weight, linear_bias), target, ...) (`F.linear_cross_entropy`).

    input (N, in) or (in,), linear_weight (C, in) or, for N losses of K dimensions, (C, d1, ..., dK, in), linear_bias
    (C, ...). target: class indices (N, d1, ...) or probabilities (N, C, d1, ...). The others as cross_entropy's.

    Raises RuntimeError for shapes that do not fit and for an ignore_index with probabilities, NotImplementedError for
    `options`: the logits are not computed in chunks here.
    """
    if options is not None:
        raise NotImplementedError("linear_cross_entropy: options (computing the logits in chunks) are not implemented")
    _check_shapes(input, linear_weight, linear_bias)
    shape = (*input.shape[:-1], *linear_weight.shape[:-1])
    if target.shape == shape and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    outputs = math.prod(linear_weight.shape[:-1])
    flat_bias = None if linear_bias is None else linear_bias.reshape(outputs)
    logits = linear(input, linear_weight.reshape(outputs, input.shape[-1]), flat_bias)
    return cross_entropy(
        logits.reshape(shape),
        target,
        weight,
        ignore_index=-100 if ignore_index is None else ignore_index,
        reduction=reduction,
        label_smoothing=label_smoothing,
    )
