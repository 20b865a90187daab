"""Cross-entropy and negative log-likelihood of class indices (core/loss.c): float32 and float64.

Inputs are (N, classes, inner) however many dimensions `inner` stands for; targets int64 (N, inner), weight (classes,).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from .buffers import Array, check, code, contiguous, empty, ffi, lib, pointer

_DOUBLE = ffi.typeof("double *")


_REDUCTIONS = {"none": lib.TC_LOSS_NONE, "sum": lib.TC_LOSS_SUM, "mean": lib.TC_LOSS_MEAN}


@lru_cache(maxsize=4096)
def _params(shape: tuple[int, ...], ignore_index: int, label_smoothing: float = 0.0, reduction: str = "none") -> Any:
    sizes = (shape[0], shape[1], math.prod(shape[2:]))
    return ffi.new("tc_cross_entropy_params *", (*sizes, ignore_index, label_smoothing, _REDUCTIONS[reduction]))


def _targets(target: Array) -> Any:
    return ffi.from_buffer("int64_t[]", target)


def _dense(array: Array | None) -> Array | None:
    return None if array is None else contiguous(array)


def cross_entropy(
    logits: Array, target: Array, weight: Array | None, ignore_index: int, label_smoothing: float, reduction: str
) -> tuple[Array, Array, float]:
    """Return (losses of target's shape, or their sum or mean; log-sum-exp; total weight).

    IndexError for a class out of range.
    """
    logits, target, weight = contiguous(logits), contiguous(target), _dense(weight)
    result, lse = empty(target.shape if reduction == "none" else (), logits.dtype), empty(target.shape, logits.dtype)
    total = ffi.new(_DOUBLE)
    check(
        lib.tc_cross_entropy(
            code(logits.dtype),
            _params(logits.shape, ignore_index, label_smoothing, reduction),
            pointer(logits),
            _targets(target),
            pointer(weight),
            pointer(result),
            pointer(lse),
            total,
        )
    )
    return result, lse, total[0]


def cross_entropy_grad(
    grad: Array,
    scale: float,
    logits: Array,
    target: Array,
    weight: Array | None,
    lse: Array,
    ignore_index: int,
    label_smoothing: float,
) -> Array:
    """Return dlogits for the gradient of each loss, or one (0 dimensions) times `scale` for all.

    IndexError as cross_entropy's.
    """
    grad, logits, target, weight = contiguous(grad), contiguous(logits), contiguous(target), _dense(weight)
    dlogits = empty(logits.shape, logits.dtype)
    if dlogits.size:
        check(
            lib.tc_cross_entropy_grad(
                code(logits.dtype),
                _params(logits.shape, ignore_index, label_smoothing),
                pointer(grad),
                grad.ndim > 0,
                scale,
                pointer(logits),
                _targets(target),
                pointer(weight),
                pointer(lse),
                pointer(dlogits),
            )
        )
    return dlogits


def nll_loss(
    logp: Array, target: Array, weight: Array | None, ignore_index: int, reduction: str
) -> tuple[Array, float]:
    """Return (losses of target's shape, or their sum or mean; total weight). IndexError for a class out of range."""
    logp, target, weight = contiguous(logp), contiguous(target), _dense(weight)
    result = empty(target.shape if reduction == "none" else (), logp.dtype)
    total = ffi.new(_DOUBLE)
    check(
        lib.tc_nll_loss(
            code(logp.dtype),
            _params(logp.shape, ignore_index, 0.0, reduction),
            pointer(logp),
            _targets(target),
            pointer(weight),
            pointer(result),
            total,
        )
    )
    return result, total[0]


def nll_loss_grad(
    grad: Array, scale: float, shape: tuple[int, ...], target: Array, weight: Array | None, ignore_index: int
) -> Array:
    """Return dlogp of `shape` for the gradient of each loss, or one (0-d) times `scale` for all.

    IndexError as nll_loss's.
    """
    grad, target, weight = contiguous(grad), contiguous(target), _dense(weight)
    dlogp = empty(shape, grad.dtype)
    if dlogp.size:
        check(
            lib.tc_nll_loss_grad(
                code(grad.dtype),
                _params(shape, ignore_index),
                pointer(grad),
                grad.ndim > 0,
                scale,
                _targets(target),
                pointer(weight),
                pointer(dlogp),
            )
        )
    return dlogp
