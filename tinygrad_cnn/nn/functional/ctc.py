"""ctc_loss: connectionist temporal classification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_cnn import dtypes
from tinygrad_cnn.core import Array
from tinygrad_cnn.nn.functional._arguments import check_reduction, check_tensor, not_implemented_for
from tinygrad_cnn.nn.functional.pointwise_loss import reduced
from tinygrad_cnn.ops.ctc import CTCLoss
from tinygrad_cnn.tensor import Tensor, wrap

__all__ = ["ctc_loss"]

_WHERE = "(while checking arguments for ctc_loss_allocate_outputs)"


def _lengths(value: Any, name: str, batch: int) -> Array:
    """Return lengths as int64 (N,)."""
    if isinstance(value, Tensor):
        if value.is_floating_point() or value.dtype is dtypes.bool:
            raise RuntimeError(f"{name} must be integral")
        array = value._array.astype(np.int64).reshape(-1)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        array = np.array([int(one) for one in value], np.int64)
    else:
        raise TypeError(f"ctc_loss(): argument '{name}' must be Tensor or tuple of ints, not {type(value).__name__}")
    if len(array) != batch:
        raise RuntimeError(f"{name} must be of size batch_size")
    return array


def _check_range(lengths: Array, name: str, most: int | None = None) -> None:
    """Raise RuntimeError, in the order of the batch, for lengths that are negative or too large."""
    for value in lengths.tolist():
        if value < 0:
            raise RuntimeError(f"Expected {name} to have value at least 0, but got value {value} {_WHERE}")
        if most is not None and value > most:
            raise RuntimeError(f"Expected {name} to have value at most {most}, but got value {value} {_WHERE}")


def _wrong_size(wanted: Any, dim: int, got: int) -> RuntimeError:
    return RuntimeError(
        f"Expected tensor to have size {wanted} at dimension {dim}, but got size {got} for argument #2 'targets' "
        f"{_WHERE}"
    )


def _padded(targets: Tensor, lengths: Array, blank: int) -> Array:
    """Return the labels (N, S), given so or one sequence after the other (sum of lengths,); blanks behind the ends."""
    labels = targets._array.astype(np.int64)
    batch, longest = len(lengths), int(lengths.max(initial=0))
    if labels.ndim == 1:
        if len(labels) != lengths.sum():
            raise _wrong_size(lengths.sum(), 0, len(labels))
        padded = np.full((batch, longest), blank)
        padded[np.arange(longest) < lengths[:, None]] = labels
        return padded
    if len(labels) != batch:
        raise _wrong_size(batch, 0, len(labels))
    if labels.shape[1] < longest:
        raise _wrong_size(f"at least {longest}", 1, labels.shape[1])
    return np.where(np.arange(longest) < lengths[:, None], labels[:, :longest], blank)


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Return -log of the probability of each sequence of labels over all its alignments, reduced (`F.ctc_loss`; Graves
    and others, 2006).

    log_probs (T, N, C) or (T, C): logarithms of probabilities, what log_softmax returns (the gradient relies on it, as
    PyTorch's). targets: labels (N, S), or all one after the other. input_lengths, target_lengths (N,): tensors or
    sequences. blank: the class that stands between labels. reduction: 'none' (N,), 'sum', or 'mean' over the batch of
    losses divided by their target lengths (at least 1). zero_infinity: 0 for targets that do not fit into their time.

    Raises RuntimeError for shapes, lengths and labels that do not go together. The gradient has no gradient itself.
    """
    check_reduction(reduction)
    check_tensor(log_probs, "ctc_loss", "log_probs")
    check_tensor(targets, "ctc_loss", "targets", 2)
    batched = log_probs.ndim == 3
    batch = log_probs if batched else log_probs.unsqueeze(1)
    if batch.ndim != 3:
        raise RuntimeError(
            f"Expected 3-dimensional tensor, but got {batch.ndim}-dimensional tensor for argument #1 'log_probs' "
            f"{_WHERE}"
        )
    if not batch.numel():
        raise RuntimeError("log_probs tensor must not be empty")
    steps, count, classes = batch.shape
    lengths = _lengths(input_lengths, "input_lengths", count)
    labels = _lengths(target_lengths, "target_lengths", count)
    if not batch.is_floating_point():
        raise not_implemented_for("ctc_loss_cpu", batch)
    if not 0 <= blank < classes:
        raise RuntimeError("blank must be in label range")
    _check_range(labels, "target_lengths")
    padded = _padded(targets, labels, blank)
    _check_range(lengths, "input_lengths", steps)
    if ((padded < 0) | (padded >= classes)).any():
        raise RuntimeError(f"ctc_loss: targets must be in [0, {classes - 1}]")
    loss = CTCLoss.apply(
        batch,
        targets=padded,
        lengths=lengths,
        target_lengths=labels,
        blank=blank,
        zero_infinity=bool(zero_infinity),
    )
    if reduction == "mean":
        return (loss / wrap(np.maximum(labels, 1).astype(batch._array.dtype))).mean()
    return reduced(loss if batched else loss.squeeze(0), reduction)
