"""multi_head_attention_forward: projections, heads, masks and attention of nn.MultiheadAttention."""

from __future__ import annotations

import math
import warnings
from typing import Any

from tinygrad_cnn.nn.functional.attention import scaled_dot_product_attention
from tinygrad_cnn.nn.functional.linear import linear
from tinygrad_cnn.nn.functional.padding import pad
from tinygrad_cnn.ops.dropout_noise import exact_dropout
from tinygrad_cnn.ops.joining import cat
from tinygrad_cnn.tensor import Tensor

__all__ = ["multi_head_attention_forward"]


def _expect(condition: bool, message: str) -> None:
    """Raise AssertionError, as PyTorch does here, unless the condition holds."""
    if not condition:
        raise AssertionError(message)


def _check_ranks(query: Tensor, key: Tensor, value: Tensor, padding: Any, mask: Any, heads: int) -> bool:
    """Return whether there is a batch dimension, having checked that all agree about it."""
    ndim = query.dim()
    _expect(ndim in (2, 3), f"query should be unbatched 2D or batched 3D tensor but received {ndim}-D query tensor")
    what = f"For {'batched' if ndim == 3 else 'unbatched'} ({ndim}-D) `query`, expected"
    _expect(
        key.dim() == value.dim() == ndim,
        f"{what} `key` and `value` to be {ndim}-D but found {key.dim()}-D and {value.dim()}-D tensors respectively",
    )
    if padding is not None:
        _expect(
            padding.dim() == ndim - 1,
            f"{what} `key_padding_mask` to be `None` or {ndim - 1}-D but found {padding.dim()}-D tensor instead",
        )
    if mask is not None:
        _expect(
            mask.dim() in (2, 3),
            f"{what} `attn_mask` to be `None`, 2-D or 3-D but found {mask.dim()}-D tensor instead",
        )
        if ndim == 2 and mask.dim() == 3:
            shape = (heads, query.shape[0], key.shape[0])
            _expect(mask.shape == shape, f"Expected `attn_mask` shape to be {shape} but got {mask.shape}")
    return ndim == 3


def additive_mask(mask: Tensor | None, name: str, like: Tensor, other: Tensor | None = None) -> Tensor | None:
    """Return a mask as numbers to add: minus infinity where a bool one is True."""
    if mask is None:
        return None
    is_bool = mask._array.dtype.kind == "b"
    _expect(is_bool or mask.is_floating_point(), f"only bool and floating types of {name} are supported")
    if other is not None and mask.dtype is not other.dtype:
        warnings.warn(
            f"Support for mismatched {name} and attn_mask is deprecated. Use same type for both instead.", stacklevel=3
        )
    if not is_bool:
        return mask
    return Tensor._zeros(mask._array.shape, like._array.dtype).masked_fill(mask, -math.inf)


def _projected(inputs: tuple[Tensor, Tensor, Tensor], weights: Any, bias: Tensor | None) -> list[Tensor]:
    """Return query, key and value times their weights, plus their thirds of the bias."""
    size = inputs[0].shape[-1]
    biases = (None, None, None) if bias is None else bias.chunk(3)
    result = []
    for name, x, weight, part in zip(("query", "key", "value"), inputs, weights, biases, strict=True):
        shape = (size, x.shape[-1])
        _expect(weight.shape == shape, f"expecting {name} weights shape of {shape}, but got {weight.shape}")
        if part is not None:
            _expect(part.shape == (size,), f"expecting {name} bias shape of {(size,)}, but got {part.shape}")
        result.append(linear(x, weight, part))
    return result


def _check_mask_shape(mask: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Return a mask (L, S) or (N * heads, L, S) with three dimensions."""
    wanted = shape[1:] if mask.dim() == 2 else shape
    if mask.shape != wanted:
        raise RuntimeError(f"The shape of the {mask.dim()}D attn_mask is {mask.shape}, but should be {wanted}.")
    return mask.unsqueeze(0) if mask.dim() == 2 else mask


def _one_more(k: Tensor, v: Tensor, more_k: Tensor, more_v: Tensor, dim: int, *masks: Tensor | None) -> tuple[Any, ...]:
    """Return key, value and masks with one more place to look at, which nothing hides."""
    wider = [None if mask is None else pad(mask, (0, 1)) for mask in masks]
    return cat([k, more_k], dim), cat([v, more_v], dim), *wider


def _static(name: str, given: Tensor | None, made: Tensor, batch: int, size: int) -> Tensor:
    """Return what was given in place of a projected key or value, checked, else the projected one cut into heads."""
    if given is None:
        return made.reshape(made.shape[0], batch, size).transpose(0, 1)
    _expect(given.size(0) == batch, f"expecting {name}.size(0) of {batch}, but got {given.size(0)}")
    _expect(given.size(2) == size, f"expecting {name}.size(2) of {size}, but got {given.size(2)}")
    return given


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Return (output, weights) of attention in `num_heads` subspaces (`F.multi_head_attention_forward`).

    query (L, N, E), key (S, N, Ek), value (S, N, Ev), or all without N; the output is (L, N, E), the weights (N, L, S),
    for each head (N, heads, L, S) unless averaged, or None if not needed. key_padding_mask (N, S) and attn_mask (L, S)
    or (N * heads, L, S): bool, True where nothing is to be seen, or numbers to add. bias_k, bias_v (1, 1, E) and
    add_zero_attn append a place to look at. The method is Vaswani et al.'s of 2017.

    Raises AssertionError and RuntimeError for shapes that do not go together.
    """
    batched = _check_ranks(query, key, value, key_padding_mask, attn_mask, num_heads)
    padding = additive_mask(key_padding_mask, "key_padding_mask", query, attn_mask)
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    hinted = is_causal and padding is None and not need_weights
    mask = None if hinted else additive_mask(attn_mask, "attn_mask", query)
    if not batched:
        query, key, value = [x.unsqueeze(1) for x in (query, key, value)]
        padding = None if padding is None else padding.unsqueeze(0)
    length, batch, embed = query.shape
    size = embed // num_heads
    _expect(embed == embed_dim_to_check, f"was expecting embedding dimension of {embed_dim_to_check}, but got {embed}")
    _expect(size * num_heads == embed, f"embed_dim {embed} not divisible by num_heads {num_heads}")
    if use_separate_proj_weight:
        _expect(
            key.shape[:2] == value.shape[:2],
            f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}",
        )
        weights: Any = (q_proj_weight, k_proj_weight, v_proj_weight)
        for name, weight in zip("qkv", weights, strict=True):
            _expect(weight is not None, f"use_separate_proj_weight is True but {name}_proj_weight is None")
    else:
        _expect(key.shape == value.shape, f"key shape {key.shape} does not match value shape {value.shape}")
        if in_proj_weight is None:
            raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
        weights = in_proj_weight.chunk(3)
    q, k, v = _projected((query, key, value), weights, in_proj_bias)
    if mask is not None:
        mask = _check_mask_shape(mask, (batch * num_heads, length, key.shape[0]))
    if bias_k is not None and bias_v is not None:
        _expect(static_k is None, "bias cannot be added to static key.")
        _expect(static_v is None, "bias cannot be added to static value.")
        k, v, mask, padding = _one_more(k, v, bias_k.repeat(1, batch, 1), bias_v.repeat(1, batch, 1), 0, mask, padding)
    _expect(bias_k is None or bias_v is not None, "bias_k is set but bias_v is None")
    _expect(bias_v is None or bias_k is not None, "bias_v is set but bias_k is None")
    q = q.reshape(length, batch * num_heads, size).transpose(0, 1)
    k = _static("static_k", static_k, k, batch * num_heads, size)
    v = _static("static_v", static_v, v, batch * num_heads, size)
    if add_zero_attn:
        zero = Tensor._zeros((batch * num_heads, 1, size), k._array.dtype)
        k, v, mask, padding = _one_more(k, v, zero, zero, 1, mask, padding)
    mask = _merged(mask, padding, batch, num_heads, k.size(1))
    dropped = dropout_p if training else 0.0
    heads = (q, k, v)
    if need_weights:
        y, seen = _weighed(heads, mask, dropped)
    else:
        y, seen = _attended(heads, mask, dropped, (batch, num_heads), hinted), None
    y = linear(y.transpose(0, 1).reshape(length * batch, embed), out_proj_weight, out_proj_bias)
    y = y.reshape(length, batch, y.shape[-1])
    if seen is not None:
        seen = seen.reshape(batch, num_heads, length, k.size(1))
        seen = seen.mean(1) if average_attn_weights else seen
    if batched:
        return y, seen
    return y.squeeze(1), None if seen is None else seen.squeeze(0)


def _merged(mask: Tensor | None, padding: Tensor | None, batch: int, heads: int, places: int) -> Tensor | None:
    """Return both masks as one that is broadcast to (N * heads, L, S)."""
    if padding is None:
        return mask
    for dim, expected in enumerate((batch, places)):
        got = padding.shape[dim]
        _expect(got == expected, f"Expected key_padded_mask.shape[{dim}] to be {expected}, but got {got}")
    padding = padding.reshape(batch, 1, 1, places).expand(-1, heads, -1, -1).reshape(batch * heads, 1, places)
    return padding if mask is None else mask + padding


def _weighed(heads: tuple[Tensor, Tensor, Tensor], mask: Tensor | None, dropped: float) -> tuple[Tensor, Tensor]:
    """Return attention of all heads (N * heads, L, size), and its weights."""
    q, k, v = heads
    scores = (q * math.sqrt(1 / q.shape[-1])).bmm(k.transpose(-2, -1))
    weights = (scores if mask is None else scores + mask).softmax(-1)
    if dropped:
        weights = exact_dropout(weights, dropped)
    return weights.bmm(v), weights


def _attended(
    heads: tuple[Tensor, Tensor, Tensor], mask: Tensor | None, dropped: float, split: tuple[int, int], causal: bool
) -> Tensor:
    """Return attention of all heads (N * heads, L, size)."""
    q, k, v = [x.reshape(*split, *x.shape[1:]) for x in heads]
    if mask is not None:
        mask = mask.unsqueeze(0) if mask.size(0) == 1 else mask.reshape(*split, -1, k.shape[-2])
    y = scaled_dot_product_attention(q, k, v, mask, dropped, causal)
    return y.reshape(-1, *y.shape[2:])
