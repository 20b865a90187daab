"""Matrix products (core/gemm.c): float32 and float64, any strides, batched."""

from __future__ import annotations

from typing import Any

from .buffers import NULL, Array, _from_buffer, check, code, empty, ffi, lib, pointer_any, remember


def gemm(a: Array, b: Array, bias: Array | None = None) -> Array:
    """Return a @ b (+ bias): a (B, M, K) or (M, K), b alike with (K, N), both of one rank and dtype; bias (N,) dense.

    Any strides, a batch stride of 0 included (broadcast): transposed operands cost no copy.
    """
    dtype = a.dtype
    key = (dtype, a.shape, a.strides, b.shape, b.strides)
    shape, params = _layouts.get(key) or _layout(key, a, b)
    out = empty(shape, dtype)
    status = _tc_gemm(
        code(dtype),
        params,
        _from_buffer(a) if a.flags.c_contiguous else pointer_any(a),
        _from_buffer(b) if b.flags.c_contiguous else pointer_any(b),
        NULL if bias is None else _from_buffer(bias),
        _from_buffer(out),
    )
    if status:
        check(status)
    return out


_tc_gemm = lib.tc_gemm
_layouts: dict[Any, tuple[tuple[int, ...], Any]] = {}


def _layout(key: Any, a: Array, b: Array) -> tuple[tuple[int, ...], Any]:
    """Return shape and parameters of a product, made once for each combination of shapes and strides."""
    size = a.itemsize
    m, n, k = a.shape[-2], b.shape[-1], a.shape[-1]
    batch, a_batch, b_batch = 1, 0, 0
    if a.ndim == 3:
        batch, a_batch, b_batch = a.shape[0], a.strides[0] // size, b.strides[0] // size
    params = ffi.new(
        "tc_gemm_params *",
        (
            batch, m, n, k,
            a_batch, a.strides[-2] // size, a.strides[-1] // size,
            b_batch, b.strides[-2] // size, b.strides[-1] // size,
            m * n, n, 1,
            1.0, 0.0, 0,
        ),
    )  # fmt: skip
    return remember(_layouts, key, ((*a.shape[:-1], n), params))
