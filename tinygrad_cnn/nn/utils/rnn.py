"""Sequences of different lengths: packed (`torch.nn.utils.rnn`), or padded to one tensor."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinygrad_cnn import dtypes
from tinygrad_cnn.data import as_tensor
from tinygrad_cnn.like import full_like
from tinygrad_cnn.ops.joining import cat, stack
from tinygrad_cnn.tensor import Tensor, wrap

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "PackedSequence", "invert_permutation", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence",
    "pad_sequence", "unpack_sequence", "unpad_sequence",
]  # fmt: skip


class _Fields(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Fields):
    """The steps of sequences of different lengths, those of one time together: what pack_padded_sequence returns.

    data (sum of lengths, ...): the steps, at each time of all sequences that are long enough, the longest first.
    batch_sizes, int64 (longest,): how many those are. sorted_indices: the sequences' places in the batch, longest
    first, None if they came so; unsorted_indices: the way back.
    """

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> Self:
        """Take the parts; `data` may be the pair (data, batch_sizes)."""
        if batch_sizes is None:
            if not (isinstance(data, (list, tuple)) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def _with(self, change: Callable[[Tensor], Tensor]) -> Self:
        data = change(self.data)
        return self if data is self.data else type(self)(data, *self[1:])

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Convert the data, as Tensor.to does; self if there is nothing to do."""
        return self._with(lambda data: data.to(*args, **kwargs))

    def cpu(self, *args: Any, **kwargs: Any) -> Self:
        """Return self, the data converted by what else the arguments say: everything is on the CPU."""
        return self.to(*args, **kwargs)

    def cuda(self, *args: Any, **kwargs: Any) -> Self:
        """Raise as PyTorch's CPU build does."""
        return self._with(lambda data: data.cuda(*args, **kwargs))

    def pin_memory(self) -> Self:
        """Raise as PyTorch's CPU build does."""
        return self._with(lambda data: data.pin_memory())

    @property
    def is_cuda(self) -> bool:
        """False: everything is on the CPU."""
        return self.data.is_cuda

    def is_pinned(self) -> bool:
        """Return whether the data is in page-locked memory: False."""
        return self.data.is_pinned()

    def _to_dtype(self, name: str) -> Self:
        return self.to(dtype=getattr(dtypes, name))

    def double(self) -> Self:
        """Convert the data to float64."""
        return self._to_dtype("float64")

    def float(self) -> Self:
        """Convert the data to float32."""
        return self._to_dtype("float32")

    def half(self) -> Self:
        """Convert the data to float16."""
        return self._to_dtype("float16")

    def long(self) -> Self:
        """Convert the data to int64."""
        return self._to_dtype("int64")

    def int(self) -> Self:
        """Convert the data to int32."""
        return self._to_dtype("int32")

    def short(self) -> Self:
        """Convert the data to int16."""
        return self._to_dtype("int16")

    def char(self) -> Self:
        """Convert the data to int8."""
        return self._to_dtype("int8")

    def byte(self) -> Self:
        """Convert the data to uint8."""
        return self._to_dtype("uint8")


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """Return the permutation that undoes one; None of None."""
    return None if permutation is None else wrap(np.argsort(permutation._array, kind="stable"))


def _check_lengths(lengths: Any, batch: int) -> None:
    if lengths.ndim != 1:
        raise RuntimeError(
            f"'lengths' argument should be a 1D CPU int64 tensor, but got {lengths.ndim}D cpu Long tensor"
        )
    if len(lengths) != batch:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(lengths)} (batch_size={batch})"
        )
    if lengths[-1] <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if (lengths[1:] > lengths[:-1]).any():
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you "
            "do not need ONNX exportability."
        )


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack padded sequences (T, N, ...), or (N, T, ...) with batch_first, of `lengths` (N,) steps each.

    enforce_sorted: the sequences come sorted, the longest first; otherwise they are sorted here, and recurrent layers
    put their results back into the order of the batch. Raises RuntimeError for empty input, lengths that are not
    positive, not sorted or not N, IndexError for one above T.
    """
    lengths = lengths.long() if isinstance(lengths, Tensor) else as_tensor(lengths, dtype=dtypes.int64)
    order = None
    if not enforce_sorted:
        lengths, order = lengths.sort(descending=True)
        input = input.index_select(0 if batch_first else 1, order)
    if input.numel() == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    steps = input.transpose(0, 1) if batch_first else input
    sizes = lengths._array
    _check_lengths(sizes, steps.size(1))
    running = np.arange(sizes[0])[:, None] < sizes
    times, members = np.nonzero(running)
    data = steps[wrap(times), wrap(members)]
    return PackedSequence(data, wrap(running.sum(1)), order, None)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """Return packed sequences padded, (T, N, ...) or (N, T, ...) with batch_first, and their lengths (N,).

    T is the longest, or `total_length` (ValueError if that is less).
    """
    sizes = sequence.batch_sizes._array
    length = len(sizes)
    if total_length is not None:
        if total_length < length:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in input, but got "
                f"total_length={total_length} and max sequence length being {length}"
            )
        length = total_length
    data, batch = sequence.data, int(sizes[0])
    members = np.arange(batch)
    # Each cell takes its row; those behind the end of a sequence take one more row, of the padding.
    rows = np.full((length, batch), len(data._array))
    running = members < sizes[:, None]
    rows[: len(sizes)][running] = np.arange(len(data._array))
    lengths = running.sum(0)
    if sequence.unsorted_indices is not None:
        order = sequence.unsorted_indices._array
        rows, lengths = rows[:, order], lengths[order]
    index = wrap(np.ascontiguousarray(rows.T if batch_first else rows))
    return cat([data, full_like(data[:1], padding_value)])[index], wrap(lengths)


def pad_sequence(
    sequences: Any, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Return sequences (L, ...) of different lengths as one tensor (T, N, ...), or (N, T, ...) with batch_first.

    padding_side: 'right', after the sequence, or 'left'. Raises RuntimeError for no sequence, for other dimensions that
    differ, or another side.
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    sequences = tuple(sequences)
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    for i, one in enumerate(sequences):
        if not isinstance(one, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(one).__name__}")
    length = max(one.size(0) for one in sequences)
    shape = (length, *sequences[0].shape[1:])
    padded = []
    for one in sequences:
        missing = length - one.size(0)
        if one.shape[1:] != shape[1:]:
            raise RuntimeError(
                f"output with shape {[one.size(0), *shape[1:]]} doesn't match the broadcast shape {list(one.shape)}"
            )
        padding = sequences[0].new_full((missing, *shape[1:]), padding_value)
        one = one.to(sequences[0].dtype)
        padded.append(one if not missing else cat([one, padding] if padding_side == "right" else [padding, one]))
    return stack(padded, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """Return the sequences (length, ...) of a tensor (T, N, ...), or (N, T, ...) with batch_first.

    PyTorch transposes the tensor of its caller in passing if not batch_first; that is not done here.
    """
    batch = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [sequence[:length] for sequence, length in zip(batch, lengths.tolist(), strict=True)]


def pack_sequence(sequences: Any, enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences (L, ...) of different lengths, see pack_padded_sequence."""
    lengths = as_tensor([sequence.size(0) for sequence in sequences])
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """Return the sequences (length, ...) that were packed."""
    return unpad_sequence(*pad_packed_sequence(packed_sequences, batch_first=True), batch_first=True)
