"""scaled_dot_product_attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_cnn.nn.functional._arguments import check_tensor, scalar_name
from tinygrad_cnn.ops.dropout_noise import exact_dropout
from tinygrad_cnn.ops.halves import in_float32
from tinygrad_cnn.tensor import Tensor, wrap

__all__ = ["scaled_dot_product_attention"]


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Return softmax(query @ key^T * scale + mask) @ value (`F.scaled_dot_product_attention`; Vaswani et al., 2017).

    query (..., L, E), key (..., S, E), value (..., S, V) give (..., L, V). attn_mask, broadcast to (..., L, S): bool,
    True where a query may look, or numbers to add. is_causal: query i looks at keys 0 to i. scale: 1 / sqrt(E) unless
    given. enable_gqa: groups of the query's heads, dimension -3, share the heads of key and value. A query that may
    look nowhere gets 0. dropout_p: drops weights, always.

    Raises RuntimeError for shapes and dtypes that do not go together.
    """
    _check(query, key, value, attn_mask)
    if enable_gqa:
        key, value = _shared(query, key), _shared(query, value)
    if scale is None:
        scale = 1 / math.sqrt(query.shape[-1])
    if is_causal and attn_mask is not None:
        raise RuntimeError("scaled_dot_product_attention: attn_mask must be None where is_causal is set")
    return _attention(query, key, value, attn_mask, dropout_p, is_causal, scale)


@in_float32
def _attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None,
    dropout_p: float,
    is_causal: bool,
    scale: float,
) -> Tensor:
    """Compute it, of halves with one rounding."""
    scores = (query * scale).matmul(key.transpose(-2, -1))
    allowed: Any = None
    if is_causal:
        allowed = np.tri(*scores.shape[-2:], dtype=np.bool_)
    elif attn_mask is not None and attn_mask._array.dtype.kind == "b":
        allowed = attn_mask._array
    elif attn_mask is not None:
        scores = scores + attn_mask
    if allowed is not None:
        scores = scores.masked_fill(wrap(np.asarray(~allowed)), -math.inf)
    weights = scores.softmax(-1)
    if attn_mask is not None:  # a softmax over nothing is NaN
        weights = weights.masked_fill((scores == -math.inf).all(-1, keepdim=True), 0)
    if dropout_p:
        weights = exact_dropout(weights, dropout_p)
    return weights.matmul(value)


def _shared(query: Tensor, tensor: Tensor) -> Tensor:
    """Return key or value with each head repeated for the group of query heads that shares it."""
    heads, groups = query.shape[-3], tensor.shape[-3]
    if heads % groups:
        raise RuntimeError(
            "Number of heads in key and value must divide the number of heads in query, "
            f"but got {groups} and {heads} heads"
        )
    return tensor.repeat_interleave(heads // groups, -3)


def _check(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None) -> None:
    parts = {"query": query, "key": key, "value": value}
    for position, (name, tensor) in enumerate(parts.items(), 1):
        check_tensor(tensor, "scaled_dot_product_attention", name, position)
    kinds = [scalar_name(tensor.dtype).lower().replace("long", "long int") for tensor in parts.values()]
    if len(set(kinds)) > 1:
        raise RuntimeError(
            "Expected query, key, and value to have the same dtype, but got query.dtype: "
            f"{kinds[0]} key.dtype: {kinds[1]} and value.dtype: {kinds[2]} instead."
        )
    dims = [tensor.dim() for tensor in parts.values()]
    if min(dims) < 2:
        raise RuntimeError(
            "Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: "
            f"{dims[0]} key.dim: {dims[1]} and value.dim: {dims[2]} instead."
        )
    if attn_mask is not None and attn_mask.dtype not in (query.dtype,) and attn_mask._array.dtype.kind != "b":
        mask = scalar_name(attn_mask.dtype).lower().replace("long", "long int")
        raise RuntimeError(
            "Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: "
            f"{mask} and  query.dtype: {kinds[0]} instead."
        )
    if not query.is_floating_point():
        raise RuntimeError(f"expected scalar type Float but found {scalar_name(query.dtype)}")
