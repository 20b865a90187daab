"""Losses: cross_entropy, nll_loss and mse_loss, with PyTorch's argument checks."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from tinygrad_cnn.core import FLOATS
from tinygrad_cnn.nn.functional._arguments import (
    as_floats,
    check_constant,
    check_int,
    check_reduction,
    check_tensor,
    legacy_reduction,
    not_implemented_for,
    scalar_name,
    warn_of_sizes,
)
from tinygrad_cnn.ops.loss import ClassLoss, CrossEntropy, MSELoss, NLLLoss
from tinygrad_cnn.ops.softmax import log_softmax
from tinygrad_cnn.tensor import Tensor, wrap

__all__ = ["cross_entropy", "mse_loss", "nll_loss"]

_I64, _U8 = np.dtype(np.int64), np.dtype(np.uint8)


def _class_targets(input: Tensor, target: Tensor) -> Tensor:
    """Check that input (N, C, ...) or (C,) and class indices (N, ...) or () go together; return the indices as int64.

    Raises ValueError for other batches, RuntimeError for other shapes and dtypes.
    """
    x, t = input._array.shape, target._array.shape
    if not x:
        raise ValueError("Expected 1 or more dimensions (got 0)")
    if len(x) == 1:
        if len(t) == 1 and t[0] != 1:
            raise ValueError(f"For 1D input, 1D target must have size 1, but got target size: {t[0]}")
    elif (t[0] if t else 0) != x[0]:
        raise ValueError(f"Expected input batch_size ({x[0]}) to match target batch_size ({t[0] if t else 0}).")
    if len(x) <= 2 and len(t) > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if len(x) == 4 and len(t) != 3:
        raise RuntimeError(
            f"only batches of spatial targets supported (3D tensors) but got targets of dimension: {len(t)}"
        )
    if len(x) == 4 and x[2:] != t[1:]:
        raise RuntimeError(f"size mismatch (got input: {list(x)} , target: {list(t)}")
    if len(x) > 2 and (x[0], *x[2:]) != t:
        raise RuntimeError(f"Expected target size {[x[0], *x[2:]]}, got {list(t)}")
    dtype = target._array.dtype
    if dtype is _I64 or dtype == _I64:
        return target
    if dtype != _U8:
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {scalar_name(target.dtype)}")
    return wrap(target._array.astype(np.int64))


def _out_of_bounds(input: Tensor, target: Tensor, ignore_index: int) -> IndexError:
    """Return the error that names the first class that does not exist."""
    indices = target._array
    classes = input.shape[0] if input.ndim == 1 else input.shape[1]
    wrong = ((indices < 0) | (indices >= classes)) & (indices != ignore_index)
    return IndexError(f"Target {indices[wrong].flat[0]} is out of bounds.")


def _check_weight(input: Tensor, weight: Tensor | None) -> None:
    if weight is None:
        return
    shape = input._array.shape
    classes = shape[0] if len(shape) == 1 else shape[1]
    if weight._array.shape != (classes,):
        raise RuntimeError(
            f"weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of "
            f"shape: {list(weight.shape)}"
        )
    if weight._array.dtype != input._array.dtype:
        raise RuntimeError(f"expected scalar type {scalar_name(input.dtype)} but found {scalar_name(weight.dtype)}")


def _class_loss(operation: Any, input: Tensor, target: Tensor, weight: Tensor | None, options: ClassLoss) -> Tensor:
    """Apply CrossEntropy or NLLLoss; unbatched input counts as a batch of one. IndexError for a class out of range."""
    target = _class_targets(input, target)
    _check_weight(input, weight)
    if weight is not None:
        check_constant("nll_loss2d_forward" if input._array.ndim > 2 else "nll_loss_forward", weight=weight)
        weight = weight.detach()
    try:
        if input._array.ndim > 1:
            return operation.apply(input, target, weight, options=options)
        result = operation.apply(input.unsqueeze(0), target.reshape(1), weight, options=options)
    except IndexError:  # found in passing by the core, which does not say which
        raise _out_of_bounds(input, target, options.ignore_index) from None
    return result.reshape(*target.shape) if options.reduction == "none" else result


@lru_cache(maxsize=4096)
def _options(ignore_index: int, label_smoothing: float, reduction: str) -> ClassLoss:
    """Check and return the options of cross_entropy. A negative amount of smoothing is none, as in PyTorch."""
    check_reduction(reduction)
    check_int(ignore_index, "cross_entropy_loss", "ignore_index", 5)
    if label_smoothing > 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing:g}")
    return ClassLoss(ignore_index, max(label_smoothing, 0.0), reduction)


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Compare logits with the true classes: -log(softmax(input)[target]) (`F.cross_entropy`).

    input (N, C, ...) or (C,). target: class indices (N, ...) or (), int64 or uint8, or probabilities of input's shape.
    weight (C,) scales each class. Targets equal to `ignore_index` count nothing. reduction: 'none' gives each loss,
    'sum' their sum, 'mean' divides it by the total weight of the targets (for probabilities by their number).
    label_smoothing e takes (1 - e) of the target and e / C of every class (Szegedy and others, 2016).

    Raises IndexError for a class out of range, ValueError for batches that differ or an unknown reduction, RuntimeError
    for other shapes or dtypes.
    """
    name = "cross_entropy_loss"
    if (
        type(ignore_index) is int and type(label_smoothing) is float and type(reduction) is str
        and size_average is None and reduce is None and weight is None
        and isinstance(input, Tensor) and isinstance(target, Tensor)
        and input._array.dtype in FLOATS and target._array.dtype is _I64
        and input._array.ndim == target._array.ndim + 1
    ):  # fmt: skip
        # What most programs ask for; the rest sorts out what may be wrong.
        return _class_loss(CrossEntropy, input, target, None, _options(ignore_index, label_smoothing, reduction))
    reduction = check_reduction(legacy_reduction(size_average, reduce, reduction))
    check_tensor(input, name)
    check_tensor(target, name, "target", 2)
    if weight is not None:
        check_tensor(weight, name, "weight", 3)
    ignore_index = check_int(ignore_index, name, "ignore_index", 5)
    if isinstance(label_smoothing, bool) or not isinstance(label_smoothing, (int, float)):
        raise TypeError(
            f"{name}(): argument 'label_smoothing' (position 6) must be float, not {type(label_smoothing).__name__}"
        )
    options = _options(ignore_index, float(label_smoothing), reduction)
    if input._array.shape == target._array.shape:
        return _probability_loss(input, target, weight, ignore_index, reduction, options.label_smoothing)
    if not input.is_floating_point():
        raise not_implemented_for("log_softmax_lastdim_kernel_impl", input)
    return _class_loss(CrossEntropy, input, target, weight, options)


def _probability_loss(
    input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str, label_smoothing: float
) -> Tensor:
    """Cross-entropy of two distributions over dimension 1 (0 if unbatched); differentiable by the target, too."""
    if not target.is_floating_point():
        raise RuntimeError(
            f"Expected floating point type for target with class probabilities, got {scalar_name(target.dtype)}"
        )
    if ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target")
    _check_weight(input, weight)
    dim = 0 if input.ndim == 1 else 1
    classes = input.shape[dim]
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    product = log_softmax(input, dim) * target
    if weight is not None:
        product = product * weight.reshape(*[classes if d == dim else 1 for d in range(input.ndim)])
    if reduction == "none":
        return -product.sum(dim)
    total = -product.sum()
    return total / (input.numel() / classes if input.numel() else 0.0) if reduction == "mean" else total


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return -weight[target] * input[target] of log-probabilities input (N, C, ...) or (C,) (`F.nll_loss`).

    target, weight, ignore_index, reduction and errors as cross_entropy's of class indices.
    """
    reduction = check_reduction(legacy_reduction(size_average, reduce, reduction))
    check_tensor(input, "nll_loss_nd")
    check_tensor(target, "nll_loss_nd", "target", 2)
    if weight is not None:
        check_tensor(weight, "nll_loss_nd", "weight", 3)
    ignore_index = check_int(ignore_index, "nll_loss_nd", "ignore_index", 5)
    if not input.is_floating_point():
        raise not_implemented_for("nll_loss_out_frame", input)
    return _class_loss(NLLLoss, input, target, weight, ClassLoss(ignore_index, 0.0, reduction))


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Return the squared differences, reduced (`F.mse_loss`). Shapes that differ are broadcast, with a warning.

    weight, of input's shape, scales each; 'mean' then divides by the sum of the weights.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_tensor(input, "mse_loss")
    if not isinstance(target, Tensor):
        raise AttributeError(f"'{type(target).__name__}' object has no attribute 'size'")
    warn_of_sizes(input, target, stacklevel=2)
    check_reduction(reduction)
    if not input.is_floating_point() and not target.is_floating_point():
        raise not_implemented_for("mse_cpu", input)
    if weight is not None:
        return _weighted_mse(input, target, weight, reduction)
    if input.shape == target.shape and input._array.dtype == target._array.dtype:
        return MSELoss.apply(input, target, reduction=reduction)
    input, target = as_floats(input, target)
    squared = (input - target) ** 2
    return squared if reduction == "none" else squared.mean() if reduction == "mean" else squared.sum()


def _weighted_mse(input: Tensor, target: Tensor, weight: Tensor, reduction: str) -> Tensor:
    if weight.shape != input.shape:
        raise ValueError("Weights and input must have the same size.")
    input, target = as_floats(input, target)
    weighted = (input - target) ** 2 * weight
    if reduction == "none":
        return weighted
    return weighted.sum() / weight.sum() if reduction == "mean" else weighted.sum()
