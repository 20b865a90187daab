"""Whether memory may be written: what in-place changes ask before they write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .autograd.operation import Operation


def check_writable(array: Any) -> None:
    """Raise RuntimeError if a tensor must not be changed in place: its elements overlap, or its memory is read-only.

    NumPy's flag alone does not tell: it is off for every expanded array, even if nothing was repeated.
    """
    if array.flags.writeable:
        return
    if _overlaps_itself(array):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation."
        )
    while isinstance(array.base, np.ndarray):
        array = array.base
    if not array.flags.writeable:
        raise RuntimeError(
            "unsupported operation: the memory of the written-to tensor is read-only, as the NumPy array or buffer "
            "that it was made from. Please clone() the tensor before performing the operation."
        )


def _overlaps_itself(array: Any) -> bool:
    """Return whether elements of an array share memory, as those of an expanded tensor do."""
    return any(step == 0 and size > 1 for step, size in zip(array.strides, array.shape, strict=True))


def unrepeated(array: Any) -> Any:
    """Return an array, which NumPy will not write into, for filling: each element of an expanded one once.

    Raises RuntimeError if the memory is read-only.
    """
    once = array[tuple([slice(0, 1) if step == 0 else slice(None) for step in array.strides])]
    check_writable(once)
    writable = once.view()
    writable.flags.writeable = True
    return writable


def writable_by(operation: type[Operation], array: Any, others: list[Any]) -> bool:
    """Return whether an operation can write its result over its first operand while it reads the others."""
    flags = array.flags
    if not (flags.c_contiguous or operation.strided_out) or not flags.writeable:
        return False
    shape = array.shape
    for other in others:
        if other is None or other is array:
            continue
        if other.dtype is not array.dtype or np.may_share_memory(array, other):
            return False
        if other.shape != shape:
            lead = len(shape) - len(other.shape)
            if lead < 0 or any(a not in (1, b) for a, b in zip(other.shape, shape[lead:], strict=True)):
                return False
    return True
