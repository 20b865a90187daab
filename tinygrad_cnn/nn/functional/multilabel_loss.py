"""Losses of samples that belong to several classes at once.

`reduction` is 'none', 'mean' or 'sum' (ValueError for anything else); `size_average` and `reduce` are its old spelling,
with a warning.
"""

from __future__ import annotations

import numpy as np

from tinygrad_cnn.nn.functional._arguments import check_reduction, check_tensor, legacy_reduction
from tinygrad_cnn.nn.functional.gates import logsigmoid
from tinygrad_cnn.nn.functional.margin_loss import check_long, rows_of, shortfall
from tinygrad_cnn.nn.functional.pointwise_loss import reduced
from tinygrad_cnn.ops.halves import in_float32
from tinygrad_cnn.tensor import Tensor, wrap

__all__ = ["multilabel_margin_loss", "multilabel_soft_margin_loss"]


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the sum of max(0, 1 - input[t] + input[c]) / C over the true classes t and all others c, reduced
    (`F.multilabel_margin_loss`).

    input (N, C), (C,) or (); target, int64 of the same shape: the true classes of each row, up to its first -1.
    RuntimeError for other shapes and for classes out of range.
    """
    reduction = check_reduction(legacy_reduction(size_average, reduce, reduction))
    check_tensor(input, "multilabel_margin_loss")
    check_tensor(target, "multilabel_margin_loss", "target", 2)
    rows = rows_of(input)
    if target.shape != input.shape and not (input.ndim <= 1 and target.numel() == input.numel() == 1):
        raise RuntimeError(f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}")
    check_long(target)
    labels = target._array.reshape(rows.shape)
    count = rows.size(1)
    if ((labels < -1) | (labels >= count)).any():
        raise RuntimeError("argument #2 'target' is out of range")
    listed = np.minimum.accumulate(labels >= 0, axis=1)
    listed = listed[:, : listed.sum(1).max(initial=0)]
    index = np.where(listed, labels[:, : listed.shape[1]], 0)
    others = np.ones(rows.shape, bool)
    others[np.nonzero(listed)[0], index[listed]] = False
    counted = wrap(listed[:, :, None] & others[:, None, :])
    short = shortfall(1 - rows.gather(1, wrap(index)).unsqueeze(2) + rows.unsqueeze(1))
    loss = short.masked_fill(counted.logical_not(), 0).sum((1, 2)) / count
    return reduced(loss if input.ndim == 2 else loss.reshape(()), reduction)


@in_float32
def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the mean over classes of binary cross-entropies with logits, reduced (`F.multilabel_soft_margin_loss`).

    input and target (N, C) or (C,), targets 0 or 1. weight scales each class.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        loss = loss * weight
    loss = loss.sum(dim=-1) / input.size(-1)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(reduction + " is not valid")
    return reduced(loss, reduction)
