"""Matrix products (core/gemm.c): float32 and float64, any strides, batched."""

from __future__ import annotations

from .buffers import Array, check, empty, lib

_gemm = lib.tc_ndarray_gemm


def gemm(a: Array, b: Array, bias: Array | None = None, out: Array | None = None) -> Array:
    """Return a @ b (+ bias): a (B, M, K) or (M, K), b alike with (K, N), both of one rank and dtype; bias (N,) dense.

    Any strides, a batch stride of 0 included (broadcast): transposed operands cost no copy. The result goes into `out`
    if that is given, of any strides as well.
    """
    if out is None:
        out = empty((*a.shape[:-1], b.shape[-1]), a.dtype)
    status = _gemm(id(a), id(b), 0 if bias is None else id(bias), id(out))
    if status:
        check(status)
    return out
