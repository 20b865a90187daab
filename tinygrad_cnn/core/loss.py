"""Cross-entropy and negative log-likelihood of class indices (core/loss.c): float32 and float64.

Inputs are (N, classes, inner) however many dimensions `inner` stands for; targets int64 (N, inner), weight (classes,).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from .buffers import Array, address, check, code, contiguous, empty, empty_like, ffi, lib, pointer

_DOUBLE = ffi.typeof("double *")


_REDUCTIONS = {"none": lib.TC_LOSS_NONE, "sum": lib.TC_LOSS_SUM, "mean": lib.TC_LOSS_MEAN}


@lru_cache(maxsize=4096)
def _params(shape: tuple[int, ...], ignore_index: int, reduction: str = "none") -> Any:
    sizes = (shape[0], shape[1], math.prod(shape[2:]))
    return ffi.new("tc_cross_entropy_params *", (*sizes, ignore_index, 0.0, _REDUCTIONS[reduction]))


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
    lse = empty_like(target, logits.dtype)
    result = empty_like(lse) if reduction == "none" else empty((), logits.dtype)
    total = ffi.new(_DOUBLE)
    check(
        lib.tc_ndarray_cross_entropy(
            _REDUCTIONS[reduction], ignore_index, label_smoothing,
            id(logits), id(target), address(weight), id(result), id(lse), total,
        )
    )  # fmt: skip
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
    dlogits = empty_like(logits)
    if dlogits.size:
        check(
            lib.tc_ndarray_cross_entropy_grad(
                scale, ignore_index, label_smoothing,
                id(grad), id(logits), id(target), address(weight), id(lse), id(dlogits),
            )
        )  # fmt: skip
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
            _params(logp.shape, ignore_index, reduction),
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
