"""Losses that compare element by element: of regression, of probabilities, of counts (written in differentiable
operations, as PyTorch's formulas).

`reduction` is 'none', 'mean' or 'sum' everywhere (ValueError for anything else); `size_average` and `reduce` are its
old spelling, with a warning.
"""

from __future__ import annotations

import math
import warnings

from tinygrad_cnn.autograd.grad_mode import no_grad
from tinygrad_cnn.dtypes import float32, float64, scalar_name
from tinygrad_cnn.like import full_like, ones_like, zeros_like
from tinygrad_cnn.limits import finfo
from tinygrad_cnn.nn.functional._arguments import (
    as_floats,
    check_constant,
    check_reduction,
    check_tensor,
    legacy_reduction,
    not_implemented_for,
    warn_of_sizes,
)
from tinygrad_cnn.ops.arithmetic import TWO_BOOLS
from tinygrad_cnn.ops.broadcasting import broadcast_tensors
from tinygrad_cnn.ops.comparison import where
from tinygrad_cnn.ops.loss import BinaryCrossEntropy
from tinygrad_cnn.ops.pieces import Huber
from tinygrad_cnn.tensor import Tensor

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "gaussian_nll_loss", "huber_loss", "kl_div", "l1_loss",
    "poisson_nll_loss", "smooth_l1_loss",
]  # fmt: skip


def reduced(loss: Tensor, reduction: str) -> Tensor:
    """Return every loss, their mean or their sum."""
    check_reduction(reduction)
    return loss if reduction == "none" else loss.mean() if reduction == "mean" else loss.sum()


def _together(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return both broadcast to one shape, with PyTorch's warning if they had two."""
    if not isinstance(target, Tensor):
        raise AttributeError(f"'{type(target).__name__}' object has no attribute 'size'")
    warn_of_sizes(input, target, stacklevel=3)
    one, other = broadcast_tensors(input, target)
    return one, other


def _floats_together(name: str, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The same for a loss of floats, to which a bool target counts as 0 and 1; NotImplementedError for two of bool."""
    one, other = _together(input, target)
    if one._array.dtype.kind == "b" and other._array.dtype.kind == "b":
        raise not_implemented_for(name, one)
    return as_floats(one, other)


def _weighted(loss: Tensor, input: Tensor, weight: Tensor, reduction: str, of_weights: bool) -> Tensor:
    """Return the weighted losses reduced; their mean is divided by the weights' sum, or by their number."""
    if weight.size() != input.size():
        raise ValueError("Weights and input must have the same size.")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"Invalid reduction mode: {reduction}. Expected one of 'none', 'mean', 'sum'.")
    loss = loss * weight
    return loss.sum() / weight.sum() if of_weights and reduction == "mean" else reduced(loss, reduction)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Return |input - target|, reduced (`F.l1_loss`). Shapes that differ are broadcast, with a warning.

    weight, of input's shape, scales each; 'mean' then divides by the sum of the weights.
    """
    one, other = _together(input, target)
    loss = (one - other).abs()
    reduction = legacy_reduction(size_average, reduce, reduction)
    return reduced(loss, reduction) if weight is None else _weighted(loss, input, weight, reduction, of_weights=True)


def _huber(difference: Tensor, delta: float, width: float, name: str) -> Tensor:
    """Return d^2 / 2 where |d| < delta, else delta (|d| - delta / 2), by width. NotImplementedError for integers."""
    if not difference.is_floating_point():
        raise not_implemented_for(f"{name}_cpu", difference)
    grad_name = "HuberLossBackward0" if name == "huber" else "SmoothL1LossBackward0"
    return Huber.apply(difference, delta=float(delta), width=float(width), grad_name=grad_name)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Return d^2 / (2 beta) where d = |input - target| is below beta, else d - beta / 2, reduced (`F.smooth_l1_loss`;
    Girshick, 2015). RuntimeError for a negative beta."""
    one, other = _floats_together("smooth_l1_cpu", input, target)
    reduction = legacy_reduction(size_average, reduce, reduction)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    check_reduction(reduction)
    if beta < finfo(float64 if one.dtype == float64 else float32).tiny:  # a zero to the core
        return reduced((one - other).abs(), reduction)
    return reduced(_huber(one - other, beta, beta, "smooth_l1"), reduction)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """Return d^2 / 2 where d = |input - target| is at most delta, else delta * (d - delta / 2), reduced
    (`F.huber_loss`; Huber, 1964).

    weight, of input's shape, scales each. RuntimeError unless delta is positive.
    """
    one, other = _floats_together("huber_cpu", input, target)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    check_reduction(reduction)
    loss = _huber(one - other, delta, 1.0, "huber")
    return reduced(loss, reduction) if weight is None else _weighted(loss, input, weight, reduction, of_weights=False)


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return -(target * log(input) + (1 - target) * log(1 - input)), reduced (`F.binary_cross_entropy`).

    input and target: probabilities of one dtype, RuntimeError for others; logarithms are at least -100. weight scales
    each loss.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_tensor(input, "binary_cross_entropy")
    check_tensor(target, "binary_cross_entropy", "target", 2)
    if target.size() != input.size():
        raise ValueError(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}) is "
            "deprecated. Please ensure they have the same size."
        )
    check_constant("binary_cross_entropy", weight=weight)
    if target.dtype is not input.dtype:
        got, want = scalar_name(target.dtype), scalar_name(input.dtype)
        raise RuntimeError(f"Found dtype {got} but expected {want}")
    if not input.is_floating_point():
        raise not_implemented_for("binary_cross_entropy", input)
    for name, tensor in (("input", input), ("target", target)):
        if not bool(((tensor >= 0) & (tensor <= 1)).all()):
            raise RuntimeError(f"all elements of {name} should be between 0 and 1")
    loss = BinaryCrossEntropy.apply(input, target)
    return reduced(loss if weight is None else loss * weight.to(loss.dtype), reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Return binary_cross_entropy of sigmoid(input), exact for large inputs (`F.binary_cross_entropy_with_logits`).

    weight scales each loss, pos_weight the losses of positive targets; both are broadcast. ValueError for shapes that
    differ. The loss has the target's dtype.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_tensor(input, "binary_cross_entropy_with_logits")
    check_tensor(target, "binary_cross_entropy_with_logits", "target", 2)
    if target.size() != input.size():
        raise ValueError(f"Target size ({target.size()}) must be the same as input size ({input.size()})")
    check_constant("binary_cross_entropy_with_logits", weight=weight, pos_weight=pos_weight)
    if not input.is_floating_point():
        raise not_implemented_for("log_sigmoid_cpu", input)
    if target._array.dtype.kind == "b":
        raise RuntimeError(TWO_BOOLS)
    if not target.is_floating_point():
        raise RuntimeError(
            f"result type {scalar_name(input.dtype)} can't be cast to the desired output type "
            f"{scalar_name(target.dtype)}"
        )
    positive: Tensor | float = 1.0 if pos_weight is None else (pos_weight - 1) * target + 1
    # -log(sigmoid(x)) = log(1 + exp(-|x|)) - x where x < 0: the terms in x are put together before they cancel.
    below = input < 0
    rest = where(below, input, -input).exp().log1p()
    loss = ((1 - target - below.to(input.dtype) * positive) * input + rest * positive).to(target.dtype)
    return reduced(loss if weight is None else loss * weight.to(loss.dtype), reduction)


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """Return target * (log(target) - input), reduced: the Kullback-Leibler divergence (`F.kl_div`).

    input: log-probabilities; target: probabilities, or their logarithms with log_target. 'batchmean', the divergence as
    it is defined, divides the sum by the batch size, 'mean' by the number of elements (with a warning).
    """
    check_tensor(input, "kl_div")
    check_tensor(target, "kl_div", "target", 2)
    if not (input.is_floating_point() and target.is_floating_point()):
        raise RuntimeError("kl_div: Integral inputs not supported.")
    if size_average is None and reduce is None and reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size.'batchmean' divides "
            "only by the batch size, and aligns with the KL div math definition.'mean' will be changed to behave the "
            "same as 'batchmean' in the next major release.",
            stacklevel=2,
        )
    reduction = legacy_reduction(size_average, reduce, reduction)
    if log_target:
        loss = target.exp() * (target - input)
    else:
        # 0 log 0 is 0; the logarithm is of something harmless there, also for the gradient.
        loss = target * where(target == 0, ones_like(target), target).log() - target * input
    if reduction != "batchmean":
        return reduced(loss, reduction)
    return loss.sum() / input.size(0) if input.ndim else loss.sum()


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the negative log-likelihood of counts `target` under a Poisson distribution (`F.poisson_nll_loss`).

    input: the logarithm of the rate, or the rate itself with log_input=False. full adds Stirling's approximation of
    log(target!) for targets above 1.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_tensor(input, "poisson_nll_loss")
    check_tensor(target, "poisson_nll_loss", "target", 2)
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        loss = loss + where(target <= 1, zeros_like(stirling), stirling)
    return reduced(loss, reduction)


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """Return (log(var) + (input - target)^2 / var) / 2, reduced: of normal distributions (`F.gaussian_nll_loss`).

    var: variances, at least eps, of input's shape, or with its last dimension left out or one of them 1; or a number.
    full adds log(2 pi) / 2. ValueError for negative variances and other shapes.
    """
    if var < 0 if isinstance(var, float) else bool((var < 0).any()):
        raise ValueError("var has negative entry/entries")
    if isinstance(var, float):
        var = full_like(input, var)
    if var.size() != input.size():
        if input.size()[:-1] == var.size():
            var = var.unsqueeze(-1)
        elif input.ndim != var.ndim or sum(v for x, v in zip(input.shape, var.shape, strict=True) if x != v) != 1:
            raise ValueError("var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(reduction + " is not valid")
    var = var.clone()
    with no_grad():
        var.clamp_(min=eps)
    loss = 0.5 * (var.log() + (input - target) ** 2 / var)
    return reduced(loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction)
