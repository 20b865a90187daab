"""embedding and embedding_bag."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from tinygrad_cnn.autograd.deferred import records
from tinygrad_cnn.core import Array
from tinygrad_cnn.dtypes import int64
from tinygrad_cnn.nn.functional._arguments import check_tensor, scalar_name
from tinygrad_cnn.ops.embedding import AddRows, TakeRows
from tinygrad_cnn.ops.halves import in_float32
from tinygrad_cnn.tensor import Tensor, wrap

__all__ = ["embedding", "embedding_bag"]


def _places(indices: Any, name: str) -> Array:
    """Return the array of an index tensor; RuntimeError unless it is int64 or int32."""
    array = check_tensor(indices, name, "indices", 2)._array
    if array.dtype not in (np.dtype(np.int64), np.dtype(np.int32)):
        kind = scalar_name(indices.dtype)
        kind = "CPUBoolType" if kind == "Bool" else f"torch.{kind}Tensor"
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"{kind} instead (while checking arguments for {name})"
        )
    return array


def _check_sparse(sparse: bool, name: str, weight: Tensor) -> None:
    """Sparse only says what the gradient is; without one it changes nothing."""
    if sparse and records(weight):
        raise NotImplementedError(f"{name}: sparse=True needs sparse gradients, which do not exist here")


def _padding(padding_idx: int | None, rows: int) -> int | None:
    """Return padding_idx counted from the front, None for none."""
    if padding_idx is None:
        return None
    if not -rows <= padding_idx < rows:
        raise AssertionError("Padding_idx must be within num_embeddings")
    return padding_idx % rows


def _factor(index: Array, padding: int | None, scale_grad_by_freq: bool, rows: int, dtype: Any) -> Array | None:
    """Return how much each row counts in the gradient, (..., 1): nothing as padding, less if it is frequent."""
    if padding is None and not scale_grad_by_freq:
        return None
    factor = np.ones(index.shape, dtype)
    if scale_grad_by_freq:
        factor /= np.bincount(index.reshape(-1), minlength=rows)[index]
    if padding is not None:
        factor[index == padding] = 0
    return factor[..., None]


def _renorm(weight: Tensor, index: Array, max_norm: Any, norm_type: float) -> None:
    """Scale the rows that are looked up and longer than max_norm down to it, in place."""
    for position, name, value in ((3, "max_norm", max_norm), (4, "norm_type", norm_type)):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            kind = type(value).__name__
            raise TypeError(f"embedding_renorm_(): argument '{name}' (position {position}) must be float, not {kind}")
    used = np.unique(index)
    table = weight.detach()
    rows = table[wrap(used)]
    norms = rows.norm(norm_type, 1, keepdim=True)
    long = (norms > max_norm).squeeze(1)
    table[wrap(used)[long]] = (rows * (max_norm / (norms + 1e-7)))[long]


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Return the rows of weight (V, D) that input (...), int64 or int32, names: (..., D) (`F.embedding`).

    padding_idx: a row that gets no gradient. max_norm: rows looked up are first scaled, in place, to at most this
    p-norm, p = norm_type. scale_grad_by_freq: each row's gradient is divided by how often it is looked up.

    Raises IndexError for an index out of range, RuntimeError for another dtype of input or rank of weight,
    AssertionError for a padding_idx out of range, NotImplementedError for a sparse gradient.
    """
    table = check_tensor(weight, "embedding", "weight", 1)._array
    index = _places(input, "embedding")
    if table.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    rows = len(table)
    padding = _padding(padding_idx, rows)
    if index.size and (index.min() < 0 or index.max() >= rows):
        raise IndexError("index out of range in self")
    _check_sparse(sparse, "embedding", weight)
    if max_norm is not None:
        _renorm(weight, index, max_norm, norm_type)
    factor = _factor(index, padding, scale_grad_by_freq, rows, table.dtype) if records(weight) else None
    return TakeRows.apply(weight, index=index, factor=None, grad_factor=factor, grad_name="EmbeddingBackward0")


def _bags(input: Tensor, offsets: Tensor | None, include_last_offset: bool) -> tuple[Array, Array, int]:
    """Return (index, bag of each, how many bags), one-dimensional."""
    if input.dim() == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length "
                f"sequences. However, found offsets of type {type(offsets)}"
            )
        index = _places(input, "embedding_bag")
        if not index.shape[1]:
            raise RuntimeError("step must be nonzero")
        return index.reshape(-1), np.arange(len(index)).repeat(index.shape[1]), len(index)
    if input.dim() != 1:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.dim()}")
    if offsets is None:
        raise ValueError("offsets has to be a 1D Tensor but got None")
    if offsets.dim() != 1:
        raise ValueError("offsets has to be a 1D Tensor")
    index, starts = _places(input, "embedding_bag"), _places(offsets, "embedding_bag")
    count = len(starts) - bool(include_last_offset)
    if include_last_offset and count < 0:
        raise RuntimeError("include_last_offset: number of offsets should be at least 1")
    if len(starts):
        if starts[0] != 0:
            raise RuntimeError(
                "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. "
                f"However, got {starts[0]}"
            )
        if starts[-1] > len(index):
            raise RuntimeError(
                f"offsets[-1] can not be greater than input's length {len(index)} but got offsets[-1] of {starts[-1]}"
            )
        if (np.diff(starts) < 0).any():
            raise RuntimeError("embedding_bag: offsets must not decrease")
    bag = np.searchsorted(starts[:count], np.arange(len(index)), side="right") - 1
    kept = bag >= 0
    return index[kept], bag[kept], count


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Return the sum, mean or max of the rows of weight (V, D) that each bag of indices names: (bags, D).

    input (B, L): each row is a bag; input (M,): bags begin at `offsets` (with include_last_offset the last of them is
    where the last bag ends). An empty bag gives 0, and padding_idx is left out of every bag. per_sample_weights, of
    the shape of input, multiply the rows of a sum. Others as `embedding` (`F.embedding_bag`).

    Raises ValueError and RuntimeError for shapes, dtypes and indices that do not go together.
    """
    if weight.dtype is int64 and input.is_floating_point():
        warnings.warn(
            "Argument order of nn.functional.embedding_bag was changed. Usage `embedding_bag(weight, input, ...)` is "
            "deprecated, and should now be `embedding_bag(input, weight, ...)`.",
            stacklevel=2,
        )
        weight, input = input, weight
    index, bag, count = _bag_arguments(input, weight, offsets, mode, per_sample_weights, include_last_offset)
    rows = weight._array.shape[0]
    wrong = np.flatnonzero((index < 0) | (index >= rows))
    if wrong.size and mode == "max":
        raise RuntimeError(
            "embedding_bag: Expected idx >= 0 && idx < num_embeddings but found idx to be "
            f"{index[wrong[0]]}, of {rows} embeddings"
        )
    if wrong.size:
        raise RuntimeError(
            f"Index {wrong[0]} of input takes value {index[wrong[0]]} which is not in the valid range [0, {rows})"
        )
    if mode == "max" and (scale_grad_by_freq or sparse):
        what = "sparse weights" if not scale_grad_by_freq else "scaling the gradient by the frequency"
        raise ValueError(f"max mode does not support {what}")
    if padding_idx is not None and not -rows <= padding_idx < rows:
        raise RuntimeError(
            f"padding_idx must be within the number of embeddings, {-rows} through {rows - 1}, but got {padding_idx}"
        )
    _check_sparse(sparse, "embedding_bag", weight)
    if max_norm is not None:
        _renorm(weight, index, max_norm, norm_type)
    precise = np.float64 if weight._array.dtype == np.float64 else np.float32
    factor = _factor(index, None, scale_grad_by_freq, rows, precise)
    flat = None if per_sample_weights is None else per_sample_weights.reshape(-1)
    if padding_idx is not None:
        kept = index != padding_idx % rows
        index, bag, factor = index[kept], bag[kept], None if factor is None else factor[kept]
        flat = None if flat is None else flat[wrap(kept)]
    return _reduced(weight, flat, index, bag, count, factor, mode)


@in_float32
def _reduced(
    weight: Tensor, flat: Tensor | None, index: Array, bag: Array, count: int, factor: Array | None, mode: str
) -> Tensor:
    """Look up and reduce; `flat` multiplies the rows, `factor` their gradients."""
    name = "EmbeddingBagBackward0"
    if mode == "max":
        return _largest(weight, index, bag, count, name)
    parts = TakeRows.apply(weight, index=index, factor=None, grad_factor=factor, grad_name=name)
    if flat is not None:
        parts = parts * flat.unsqueeze(1)
    share = None
    if mode == "mean":
        share = (1 / np.bincount(bag, minlength=count)[bag]).astype(weight._array.dtype)[:, None]
    return AddRows.apply(parts, index=bag, factor=share, size=count, grad_name=name)


def _bag_arguments(
    input: Any, weight: Any, offsets: Any, mode: str, per_sample_weights: Any, include_last_offset: bool
) -> tuple[Array, Array, int]:
    """Check types and shapes as PyTorch does, and return the bags."""
    if per_sample_weights is not None and input.size() != per_sample_weights.size():
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is not None, then it must have the "
            f"same shape as the input ({input.shape})"
        )
    if weight.dim() != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.dim()}")
    bags = _bags(input, offsets, include_last_offset)
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' "
            f"(got mode='{mode}'). Please open a feature request on GitHub."
        )
    if not weight.is_floating_point():
        raise RuntimeError(
            "Expected tensor for argument #1 'weight' to have one of the following scalar types: Half, BFloat16, "
            f"Float, Double; but got torch.{scalar_name(weight.dtype)}Tensor instead (while checking arguments for "
            "embedding_bag)"
        )
    if per_sample_weights is not None and per_sample_weights._array.dtype != weight._array.dtype:
        kinds = [f"torch.{scalar_name(tensor.dtype)}Tensor" for tensor in (weight, per_sample_weights)]
        raise RuntimeError(
            "Expected tensor for argument #1 'weight' to have the same type as tensor for argument #1 "
            f"'per_sample_weights'; but type {kinds[0]} does not equal {kinds[1]} (while checking arguments for "
            "embedding_bag)"
        )
    return bags


def _largest(weight: Tensor, index: Array, bag: Array, count: int, name: str) -> Tensor:
    """Return the largest of each bag, 0 for an empty one: bags are laid side by side in a table with empty places."""
    sizes = np.bincount(bag, minlength=count)
    longest = max(int(sizes.max(initial=0)), 1)
    table = np.zeros((count, longest), np.int64)
    taken = np.arange(longest) < sizes[:, None]
    table[taken] = index
    rows = TakeRows.apply(weight, index=table, factor=None, grad_factor=None, grad_name=name)
    largest = rows.masked_fill(wrap(~taken[..., None]), -np.inf).max(1)[0]
    return largest.masked_fill(wrap(sizes[:, None] == 0), 0)
