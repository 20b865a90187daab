"""Transformer, its encoder and decoder, and their layers (Vaswani and others, 2017)."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

from tinygrad_cnn.autograd.grad_mode import is_grad_enabled
from tinygrad_cnn.creation import full
from tinygrad_cnn.nn import functional as F
from tinygrad_cnn.nn import init
from tinygrad_cnn.nn.functional.multi_head import additive_mask
from tinygrad_cnn.nn.modules.activation import ReLU
from tinygrad_cnn.nn.modules.attention import MultiheadAttention
from tinygrad_cnn.nn.modules.container import ModuleList
from tinygrad_cnn.nn.modules.dropout import Dropout
from tinygrad_cnn.nn.modules.gates import GELU
from tinygrad_cnn.nn.modules.linear import Linear
from tinygrad_cnn.nn.modules.module import Module
from tinygrad_cnn.nn.modules.normalization import LayerNorm
from tinygrad_cnn.tensor import Tensor

__all__ = [
    "Transformer", "TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder", "TransformerEncoderLayer",
]  # fmt: skip

Activation = str | Callable[[Tensor], Tensor]


def causal_mask(size: int, device: Any = None, dtype: Any = None) -> Tensor:
    """Return (size, size): 0 on and below the diagonal, minus infinity above."""
    return full((size, size), float("-inf"), dtype=dtype, device=device).triu(1)


def _is_causal(mask: Tensor | None, said: bool | None, length: int) -> bool:
    """Return whether a mask is the causal one: what the caller said, or, unsaid, what it looks like."""
    if said is not None or mask is None:
        return said is True
    expected = causal_mask(length, dtype=mask.dtype)
    return mask.size() == expected.size() and bool((mask == expected).all())


def _length(x: Tensor, batch_first: bool) -> int:
    return x.size(1 if batch_first and x.dim() == 3 else 0)


class _Layer(Module):
    """What the layers of encoder and decoder share: attention to oneself, two linear layers, `norms` normalisations."""

    norms = 2

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        options = {"bias": bias, "device": device, "dtype": dtype}
        for name in ("self_attn", "multihead_attn")[: self.norms - 1]:
            attention = MultiheadAttention(d_model, nhead, dropout=dropout, batch_first=batch_first, **options)
            setattr(self, name, attention)
        self.linear1 = Linear(d_model, dim_feedforward, **options)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, **options)
        self.norm_first = norm_first
        for k in range(self.norms):
            setattr(self, f"norm{k + 1}", LayerNorm(d_model, eps=layer_norm_eps, **options))
        for k in range(self.norms):
            setattr(self, f"dropout{k + 1}", Dropout(dropout))
        if isinstance(activation, str):
            if activation not in ("relu", "gelu"):
                raise RuntimeError(f"activation should be relu/gelu, not {activation}")
            activation = F.relu if activation == "relu" else F.gelu
        self.activation = activation

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({"activation": F.relu, **state})

    def _residual(self, x: Tensor, norm: Module, block: Callable[[Tensor], Tensor]) -> Tensor:
        """Add what a block makes of x, normalised before or after."""
        return x + block(norm(x)) if self.norm_first else norm(x + block(x))

    def _attend(
        self, attention: Any, x: Tensor, memory: Tensor, mask: Any, padding: Any, causal: bool, dropout: Module
    ) -> Tensor:
        result, _ = attention(
            x, memory, memory, attn_mask=mask, key_padding_mask=padding, is_causal=causal, need_weights=False
        )
        return dropout(result)

    def _sa_block(self, x: Tensor, mask: Any, padding: Any, is_causal: bool = False) -> Tensor:
        return self._attend(self.self_attn, x, x, mask, padding, is_causal, self.dropout1)

    def _ff_block(self, x: Tensor) -> Tensor:
        last = self.dropout2 if self.norms == 2 else self.dropout3
        return last(self.linear2(self.dropout(self.activation(self.linear1(x)))))


class TransformerEncoderLayer(_Layer):
    """Attention to oneself and two linear layers, each added to its input and normalised.

    batch_first: (N, S, E) instead of (S, N, E). norm_first: normalise before each, not after. activation: 'relu',
    'gelu' or a function.
    """

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Return a tensor of src's shape; masks as MultiheadAttention's."""
        padding = additive_mask(src_key_padding_mask, "src_key_padding_mask", src, src_mask)
        mask = additive_mask(src_mask, "src_mask", src)
        x = self._residual(src, self.norm1, lambda x: self._sa_block(x, mask, padding, is_causal))
        return self._residual(x, self.norm2, self._ff_block)


class TransformerDecoderLayer(_Layer):
    """As the encoder's layer, with attention to the encoder's result between the two; arguments alike."""

    norms = 3

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Return a tensor of tgt's shape."""

        def to_memory(x: Tensor) -> Tensor:
            return self._mha_block(x, memory, memory_mask, memory_key_padding_mask, memory_is_causal)

        x = self._residual(tgt, self.norm1, lambda x: self._sa_block(x, tgt_mask, tgt_key_padding_mask, tgt_is_causal))
        return self._residual(self._residual(x, self.norm2, to_memory), self.norm3, self._ff_block)

    def _mha_block(self, x: Tensor, mem: Tensor, mask: Any, padding: Any, is_causal: bool = False) -> Tensor:
        return self._attend(self.multihead_attn, x, mem, mask, padding, is_causal, self.dropout2)


def _why_not_fast(layer: Any) -> str:
    """Return PyTorch's words for why its encoder does not skip the padding in inference; '' if it does."""
    name = "encoder_layer"
    if not isinstance(layer, TransformerEncoderLayer):
        return f"{name} was not TransformerEncoderLayer"
    attention: Any = layer.self_attn
    fast = layer.activation in (F.relu, F.gelu) or isinstance(layer.activation, (ReLU, GELU))
    problems = {
        f"{name}.norm_first was True": layer.norm_first,
        f"{name}.self_attn.batch_first was not True(use batch_first for better inference performance)": (
            not attention.batch_first
        ),
        f"{name}.self_attn._qkv_same_embed_dim was not True": not attention._qkv_same_embed_dim,
        f"{name}.self_attn was passed bias=False": attention.in_proj_bias is None,
        f"{name}.activation_relu_or_gelu was not True": not fast,
        f"{name}.norm1.eps was not equal to {name}.norm2.eps": layer.norm1.eps != layer.norm2.eps,
        f"{name}.self_attn.num_heads is odd": attention.num_heads % 2 == 1,
    }
    return next((problem for problem, holds in problems.items() if holds), "")


class TransformerEncoder(Module):
    """`num_layers` copies of a layer, one after the other, and `norm`.

    enable_nested_tensor: in inference PyTorch skips places that a padding mask excludes, which come out as 0 before the
    norm; so they do here. It warns if the layer does not allow that.
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(encoder_layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check
        problem = _why_not_fast(encoder_layer)
        if enable_nested_tensor and problem:
            warnings.warn(
                f"enable_nested_tensor is True, but self.use_nested_tensor is False because {problem}", stacklevel=2
            )
        self.use_nested_tensor = enable_nested_tensor and not problem

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """Return a tensor of src's shape; is_causal None: find out whether the mask is the causal one."""
        padding = additive_mask(src_key_padding_mask, "src_key_padding_mask", src, mask)
        mask = additive_mask(mask, "mask", src)
        causal = _is_causal(mask, is_causal, _length(src, self.layers[0].self_attn.batch_first))
        output = src
        for layer in self.layers:
            output = layer(output, src_mask=mask, is_causal=causal, src_key_padding_mask=padding)
        if padding is not None and mask is None and self._skips(src, padding):
            output = output.masked_fill((padding != 0).unsqueeze(-1), 0.0)
        return output if self.norm is None else self.norm(output)

    def _skips(self, src: Tensor, padding: Tensor) -> bool:
        """Return whether PyTorch skips the places that are padded."""
        first = self.layers[0]
        if not self.use_nested_tensor or first.training or src.dim() != 3:
            return False
        if is_grad_enabled() and (src.requires_grad or any(p.requires_grad for p in first.parameters())):
            return False
        padded = padding._array != 0
        return not self.mask_check or not bool((padded[:, :-1] & ~padded[:, 1:]).any())


class TransformerDecoder(Module):
    """`num_layers` copies of a layer, one after the other, and `norm`."""

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(decoder_layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Return a tensor of tgt's shape; tgt_is_causal None: find out whether the mask is the causal one."""
        length = _length(tgt, self.layers[0].self_attn.batch_first)
        causal = _is_causal(tgt_mask, tgt_is_causal, length)
        output = tgt
        for layer in self.layers:
            output = layer(
                output,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=causal,
                memory_is_causal=memory_is_causal,
            )
        return output if self.norm is None else self.norm(output)


class Transformer(Module):
    """An encoder and a decoder that attends to its result; matrices start by Glorot's uniform distribution.

    custom_encoder, custom_decoder: modules in their place. The others as the layers' arguments.
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        sizes = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias)

        def norm() -> LayerNorm:
            return LayerNorm(d_model, eps=layer_norm_eps, bias=bias, device=device, dtype=dtype)

        if custom_encoder is None:
            layer: Module = TransformerEncoderLayer(*sizes, device, dtype)
            custom_encoder = TransformerEncoder(layer, num_encoder_layers, norm())
        self.encoder = custom_encoder
        if custom_decoder is None:
            layer = TransformerDecoderLayer(*sizes, device, dtype)
            custom_decoder = TransformerDecoder(layer, num_decoder_layers, norm())
        self.decoder = custom_decoder
        self._reset_parameters()
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Return a tensor of tgt's shape. RuntimeError for batches or features that differ."""
        batch_dim = 0 if self.batch_first else 1
        if src.dim() == 3 and src.size(batch_dim) != tgt.size(batch_dim):
            raise RuntimeError("the batch number of src and tgt must be equal")
        if src.size(-1) != self.d_model or tgt.size(-1) != self.d_model:
            raise RuntimeError("the feature number of src and tgt must be equal to d_model")
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        return self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """Return the mask (sz, sz) by which no place sees those after it."""
        return causal_mask(sz, device, dtype)

    def _reset_parameters(self) -> None:
        for parameter in self.parameters():
            if parameter.dim() > 1:
                init.xavier_uniform_(parameter)
