"""Cross-entropy and negative log-likelihood of class indices (core/loss.c): float32 and float64.

Inputs are (N, classes, inner) however many dimensions `inner` stands for; targets int64 (N, inner), weight (classes,).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from .buffers import Array, check, code, contiguous, empty, ffi, lib, pointer

_DOUBLE = ffi.typeof("double *")


@lru_cache(maxsize=4096)
def _params(shape: tuple[int, ...], ignore_index: int, label_smoothing: float = 0.0) -> Any:
    return ffi.new(
        "tc_cross_entropy_params *", (shape[0], shape[1], math.prod(shape[2:]), ignore_index, label_smoothing)
    )


def _targets(target: Array) -> Any:
    return ffi.from_buffer("int64_t[]", target)


def _dense(array: Array | None) -> Array | None:
    return None if array is None else contiguous(array)


def cross_entropy(
    logits: Array, target: Array, weight: Array | None, ignore_index: int, label_smoothing: float
) -> tuple[Array, Array, float]:
    """Return (losses, log-sum-exp, total weight), two of target's shape. IndexError for a class out of range."""
    logits, target, weight = contiguous(logits), contiguous(target), _dense(weight)
    losses, lse = empty(target.shape, logits.dtype), empty(target.shape, logits.dtype)
    total = ffi.new(_DOUBLE)
    if target.size:
        check(
            lib.tc_cross_entropy(
                code(logits.dtype),
                _params(logits.shape, ignore_index, label_smoothing),
                pointer(logits),
                _targets(target),
                pointer(weight),
                pointer(losses),
                pointer(lse),
                total,
            )
        )
    return losses, lse, total[0]


def cross_entropy_grad(
    grad: Array,
    logits: Array,
    target: Array,
    weight: Array | None,
    lse: Array,
    ignore_index: int,
    label_smoothing: float,
) -> Array:
    """Return dlogits for the gradient of each loss, or one (0 dimensions) for all. IndexError as cross_entropy's."""
    grad, logits, target, weight = contiguous(grad), contiguous(logits), contiguous(target), _dense(weight)
    dlogits = empty(logits.shape, logits.dtype)
    if dlogits.size:
        check(
            lib.tc_cross_entropy_grad(
                code(logits.dtype),
                _params(logits.shape, ignore_index, label_smoothing),
                pointer(grad),
                grad.ndim > 0,
                pointer(logits),
                _targets(target),
                pointer(weight),
                pointer(lse),
                pointer(dlogits),
            )
        )
    return dlogits


def nll_loss(logp: Array, target: Array, weight: Array | None, ignore_index: int) -> tuple[Array, float]:
    """Return (losses of target's shape, total weight). IndexError for a class out of range."""
    logp, target, weight = contiguous(logp), contiguous(target), _dense(weight)
    losses = empty(target.shape, logp.dtype)
    total = ffi.new(_DOUBLE)
    if target.size:
        check(
            lib.tc_nll_loss(
                code(logp.dtype),
                _params(logp.shape, ignore_index),
                pointer(logp),
                _targets(target),
                pointer(weight),
                pointer(losses),
                total,
            )
        )
    return losses, total[0]


def nll_loss_grad(grad: Array, shape: tuple[int, ...], target: Array, weight: Array | None, ignore_index: int) -> Array:
    """Return dlogp of `shape` for the gradient of each loss, or one (0-d) for all. IndexError as nll_loss's."""
    grad, target, weight = contiguous(grad), contiguous(target), _dense(weight)
    dlogp = empty(shape, grad.dtype)
    if dlogp.size:
        check(
            lib.tc_nll_loss_grad(
                code(grad.dtype),
                _params(shape, ignore_index),
                pointer(grad),
                grad.ndim > 0,
                _targets(target),
                pointer(weight),
                pointer(dlogp),
            )
        )
    return dlogp
