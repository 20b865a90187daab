"""Batch normalisation of (N, C, inner) over N and inner (core/norm.c): float32 and float64."""

from __future__ import annotations

from .buffers import Array, address, check, code, contiguous, empty, empty_like, lib, pointer


def _dense(array: Array | None) -> Array | None:
    return None if array is None else contiguous(array)


def batch_norm(
    x: Array, mean: Array, var: Array, weight: Array | None, bias: Array | None, eps: float, relu: bool = False
) -> Array:
    """Return (x - mean) / sqrt(var + eps) * weight + bias, each of the four (C,); relu: what is negative becomes 0."""
    y = empty_like(x)
    if y.size:
        check(lib.tc_ndarray_batch_norm(relu, eps, id(x), id(mean), id(var), address(weight), address(bias), id(y)))
    return y


def batch_norm_stats(
    x: Array, momentum: float, running_mean: Array | None = None, running_var: Array | None = None
) -> tuple[Array, Array]:
    """Return (mean, biased variance) of each channel of x, and move the running ones, if there are, towards them.

    x has elements, and more than one a channel if there is a running variance. The running arrays are dense and change
    in place: running = (1 - momentum) * running + momentum * batch, the batch's variance being the unbiased one.
    """
    channels = x.shape[1:2]
    mean, var = empty(channels, x.dtype), empty(channels, x.dtype)
    check(
        lib.tc_ndarray_batch_norm_stats(momentum, id(x), address(running_mean), address(running_var), id(mean), id(var))
    )
    return mean, var


def batch_norm_grad(
    dy: Array,
    x: Array,
    mean: Array,
    var: Array,
    weight: Array | None,
    training: bool,
    eps: float,
    needed: tuple[bool, bool, bool],
    bias: Array | None = None,
    relu: bool = False,
) -> tuple[Array | None, Array | None, Array | None]:
    """Return (dx, dweight, dbias), None for those not `needed`. training: mean and var are x's own.

    relu: dy counts where `batch_norm` with this `bias` and `relu` did not cut; the bias is not used otherwise.
    """
    channels = x.shape[1:2]
    dx = empty_like(x) if needed[0] else None
    dweight = empty(channels, x.dtype) if needed[1] else None
    dbias = empty(channels, x.dtype) if needed[2] else None
    if not x.size:
        for out in (dweight, dbias):
            if out is not None:
                out.fill(0)
        return dx, dweight, dbias
    check(
        lib.tc_ndarray_batch_norm_grad(
            training, relu, eps, id(dy), id(x), id(mean), id(var), address(weight), address(bias),
            address(dx), address(dweight), address(dbias),
        )
    )  # fmt: skip
    return dx, dweight, dbias


def fold_batch_norm(
    weight: Array, bias: Array | None, mean: Array, var: Array, gamma: Array | None, beta: Array | None, eps: float
) -> tuple[Array, Array]:
    """Return (weight, bias) with which a convolution gives its result normalised by mean, var, gamma and beta (K,)."""
    weight, filters = contiguous(weight), len(weight)
    folded, folded_bias = empty(weight.shape, weight.dtype), empty((filters,), weight.dtype)
    lib.tc_fold_batch_norm(
        code(weight.dtype),
        filters,
        weight.size // max(filters, 1),
        eps,
        pointer(weight),
        *[pointer(_dense(array)) for array in (bias, mean, var, gamma, beta)],
        pointer(folded),
        pointer(folded_bias),
    )
    return folded, folded_bias
