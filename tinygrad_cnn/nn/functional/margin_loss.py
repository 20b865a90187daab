"""Losses with a margin: of classes, of pairs and of triplets; and the distances that they are made of (written in
differentiable operations, as PyTorch's formulas).

`reduction` is 'none', 'mean' or 'sum' everywhere (ValueError for anything else); `size_average` and `reduce` are its
old spelling, with a warning.
"""

from __future__ import annotations

from collections.abc import Callable

from tinygrad_cnn.dtypes import int64
from tinygrad_cnn.like import zeros_like
from tinygrad_cnn.nn.functional._arguments import check_reduction, check_tensor, legacy_reduction, scalar_name
from tinygrad_cnn.nn.functional.gates import LINEAR, softplus
from tinygrad_cnn.nn.functional.pointwise_loss import reduced
from tinygrad_cnn.ops.broadcasting import broadcast_tensors
from tinygrad_cnn.ops.comparison import where
from tinygrad_cnn.ops.halves import in_float32
from tinygrad_cnn.ops.power import minimum
from tinygrad_cnn.tensor import Tensor

__all__ = [
    "cosine_embedding_loss", "cosine_similarity", "hinge_embedding_loss", "margin_ranking_loss", "multi_margin_loss",
    "normalize", "pairwise_distance", "soft_margin_loss", "triplet_margin_loss", "triplet_margin_with_distance_loss",
]  # fmt: skip

# ---- distances ----


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """Return input / max(norm of order p along `dim`, eps) (`F.normalize`)."""
    result = check_tensor(input, "normalize") / input.norm(p, dim, keepdim=True).clamp(min=eps)
    return result if out is None else out.copy_(result)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """Return the norm of order p of x1 - x2 + eps along the last dimension (`F.pairwise_distance`)."""
    check_tensor(x1, "pairwise_distance", "x1")
    check_tensor(x2, "pairwise_distance", "x2", 2)
    return (x1 - x2 + eps).norm(p, -1, keepdim=keepdim)


@in_float32
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Return the cosine of the angle between x1 and x2, broadcast, along `dim` (`F.cosine_similarity`).

    Each norm counts as at least eps.
    """
    check_tensor(x1, "cosine_similarity", "x1")
    check_tensor(x2, "cosine_similarity", "x2", 2)
    x1, x2 = broadcast_tensors(x1, x2)
    one, other = (x.norm(2, dim, keepdim=True).clamp(min=eps) for x in (x1, x2))
    return (x1 / one * (x2 / other)).sum(dim)


# ---- classes ----


def rows_of(input: Tensor) -> Tensor:
    """Return scores of classes (N, C) as they are, (C,) or () as one row; RuntimeError for others and for no class."""
    if input.ndim > 2 or 0 in input.shape[-1:]:
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(input.shape)}"
        )
    return input if input.ndim == 2 else input.reshape(1, -1)


def shortfall(x: Tensor) -> Tensor:
    """Return x where it is positive, else 0, also for NaN, which these two losses of PyTorch pass over."""
    return x.masked_fill((x > 0).logical_not(), 0)


def check_long(target: Tensor) -> None:
    """Raise RuntimeError unless class indices (if there are any) are int64."""
    if target.numel() and target.dtype is not int64:
        raise RuntimeError(f"expected scalar type Long but found {scalar_name(target.dtype)}")


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the mean over classes c other than the true one t of max(0, margin - input[t] + input[c])^p, reduced
    (`F.multi_margin_loss`; Crammer and Singer, 2001).

    input (N, C), (C,) or (), target: class indices (N,) or (). weight (C,) scales by the true class. ValueError unless
    p is 1 or 2, RuntimeError for shapes that do not fit.
    """
    reduction = check_reduction(legacy_reduction(size_average, reduce, reduction))
    check_tensor(input, "multi_margin_loss")
    check_tensor(target, "multi_margin_loss", "target", 2)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.dim() != 1:
        raise ValueError("weight must be one-dimensional")
    rows = rows_of(input)
    if target.ndim > 1 or target.numel() != rows.size(0):
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch "
            f"size). Expected target size [{rows.size(0)}], but got {list(target.shape)}. Input has shape "
            f"{list(input.shape)}."
        )
    if weight is not None and weight.numel() != rows.size(1):
        raise RuntimeError(f"inconsistent weight size, expected {rows.size(1)} but got {list(weight.shape)}")
    check_long(target)
    index = target.reshape(-1, 1)
    if not bool(((index >= 0) & (index < rows.size(1))).all()):
        raise RuntimeError("target out of range")
    distance = (margin - rows.gather(1, index) + rows).scatter(1, index, 0)  # the true class is left out
    short = shortfall(distance)
    short = short * short if p == 2 else short
    if weight is not None:
        short = (short * weight[index]).masked_fill((distance > 0).logical_not(), 0)  # even if the weight is infinite
    loss = short.sum(1) / rows.size(1)
    return reduced(loss if target.ndim else loss.reshape(()), reduction)


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return log(1 + exp(-target * input)) of targets 1 and -1, reduced (`F.soft_margin_loss`)."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_tensor(input, "soft_margin_loss")
    return reduced(softplus(-input * check_tensor(target, "soft_margin_loss", "target", 2), 1.0, LINEAR), reduction)


# ---- pairs ----


@in_float32
def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return input where the target is 1, max(0, margin - input) where it is -1, reduced (`F.hinge_embedding_loss`)."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_tensor(input, "hinge_embedding_loss")
    check_tensor(target, "hinge_embedding_loss", "target", 2)
    short = (margin - input).clamp(min=0)
    none = zeros_like(input)
    return reduced(where(target != 1, short, none) + where(target != -1, input, none), reduction)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return max(0, -target * (input1 - input2) + margin), reduced: with target 1 input1 is to be the larger one
    (`F.margin_ranking_loss`). RuntimeError for different numbers of dimensions."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    if input1.dim() != input2.dim() or input1.dim() != target.dim():
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: "
            f"{input1.size()}, input2: {input2.size()}, target: {target.size()} "
        )
    return reduced((-target * (input1 - input2) + margin).clamp(min=0), reduction)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return 1 - cosine where the target is 1, max(0, cosine - margin) where it is -1, reduced
    (`F.cosine_embedding_loss`).

    input1, input2 (N, D) and target (N,), or (D,) and (). RuntimeError for other numbers of dimensions.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    if target.dim() + 1 != input1.dim() or target.dim() + 1 != input2.dim() or target.dim() > 1:
        kind = "0D or 1D target tensor expected, multi-target not supported"
        if target.dim() <= 1:
            size = ["1D", "2D"][target.dim()]
            kind = (
                f"{target.dim()}D target tensor expects {size} input tensors, but found inputs with sizes "
                f"{list(input1.shape)} and {list(input2.shape)}."
            )
        raise RuntimeError(kind)
    # PyTorch's epsilon is inside of the root here: the cosine of two zeros is 0.
    tiny, dim = 1e-12, target.dim()
    product = (input1 * input2).sum(dim)
    cosine = product / (((input1 * input1).sum(dim) + tiny) * ((input2 * input2).sum(dim) + tiny)).sqrt()
    none = zeros_like(cosine)
    loss = where(target == 1, 1 - cosine, none) + where(target == -1, (cosine - margin).clamp(min=0), none)
    return reduced(loss, reduction)


# ---- triplets ----


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return max(0, distance(anchor, positive) - distance(anchor, negative) + margin), reduced
    (`F.triplet_margin_loss`; Balntas and others, 2016).

    The distances are pairwise_distance's of order p, with eps. With swap the distance from positive to negative counts
    if it is the smaller one. ValueError unless margin is positive, RuntimeError for different numbers of dimensions.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)

    def distance(x1: Tensor, x2: Tensor) -> Tensor:
        return pairwise_distance(x1, x2, p, eps)

    return triplet_margin_with_distance_loss(
        anchor, positive, negative, distance_function=distance, margin=margin, swap=swap, reduction=reduction
    )


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """Return triplet_margin_loss of any distance, pairwise_distance by default
    (`F.triplet_margin_with_distance_loss`)."""
    check_reduction(reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {anchor.ndim}D, positive {positive.ndim}D, and negative {negative.ndim}D inputs"
        )
    distance = distance_function or pairwise_distance
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = minimum(far, distance(positive, negative))
    return reduced((margin + near - far).clamp(min=0), reduction)
