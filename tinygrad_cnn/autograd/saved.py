"""What a node keeps for backward, guarded against in-place changes.

A node keeps many of these for a short time, so an entry is a plain tuple (owner, array, index, version):

* an input: the tensor itself, so that the gradient of a gradient finds its node; `index` is INPUT;
* an output: by the version counter that it shares, its array and its number; the tensor would close a cycle with the
  node. Backward gets a new tensor on the array;
* another array (indices, statistics): nobody else has it, so it has no owner and no version; `index` is OTHER.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_cnn.tensor import Tensor

from .grad_mode import anomaly, mode

if TYPE_CHECKING:
    from .node import Node

Saved = tuple[Any, Any, int, int]

INPUT, OTHER = -1, -2
_new = object.__new__
NOTHING: Saved = (None, None, OTHER, 0)


def save_input(tensor: Tensor) -> Saved:
    """Keep an input. Until something shares its memory or changes it there is no counter, and the version is 0."""
    counter = tensor._version_counter
    return tensor, None, INPUT, 0 if counter is None else counter[0]


def save_output(tensor: Tensor, index: int) -> Saved:
    """Keep output `index`."""
    counter = tensor._version_counter
    if counter is None:
        counter = tensor._version_counter = [0]
    return counter, tensor._array, index, counter[0]


def pack(arrays: tuple[Any, ...], inputs: tuple[Any, ...], outputs: tuple[Tensor, ...]) -> list[Saved]:
    """Return the entries for what a forward gave to `save_for_backward`; arrays are told apart by identity."""
    packed = []
    for array in arrays:
        if array is None:
            packed.append(NOTHING)
            continue
        for tensor in inputs:
            if tensor is not None and tensor._array is array:
                counter = tensor._version_counter
                packed.append((tensor, None, INPUT, 0 if counter is None else counter[0]))
                break
        else:
            for index, tensor in enumerate(outputs):
                if tensor._array is array:
                    packed.append(save_output(tensor, index))
                    break
            else:
                packed.append((None, array, OTHER, 0))
    return packed


def unchanged(entry: Saved) -> bool:
    """Whether an input, or None, is as it was saved."""
    owner, _, index, version = entry
    if index != INPUT or owner._version_counter is None:
        return True
    return bool(owner._version_counter[0] == version)


def unpack(node: Node, entries: list[Saved]) -> tuple[Any, ...]:
    """Return the tensors (or None); RuntimeError if one was changed in place since it was saved."""
    tensors: list[Any] = []
    for owner, array, index, version in entries:
        if index == INPUT:
            counter = owner._version_counter
            if counter is not None and counter[0] != version:
                raise _changed(node, owner, INPUT, counter[0], version)
            tensors.append(owner)
            continue
        if array is None:
            tensors.append(None)
            continue
        tensor = _new(Tensor)
        tensor._array = array
        tensors.append(tensor)
        if index != OTHER:
            if owner[0] != version:
                raise _changed(node, tensor, index, owner[0], version)
            tensor._version_counter = owner
            if node.edges and mode.enabled:
                tensor._set_node(node, index)
    return tuple(tensors)


def _changed(node: Node, tensor: Tensor, index: int, now: int, version: int) -> RuntimeError:
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[{tensor.type()} {list(tensor.shape)}]{_output_of(node, index, tensor)} is at version "
        f"{now}; expected version {version} instead. Hint: {_hint()}"
    )


def _hint() -> str:
    if anomaly.enabled:
        return (
            "the backtrace further above shows the operation that failed to compute its gradient. The variable in "
            "question was changed in there or anywhere later. Good luck!"
        )
    return (
        "enable anomaly detection to find the operation that failed to compute its gradient, with "
        "torch.autograd.set_detect_anomaly(True, check_nan=False)."
    )


def _output_of(node: Node, index: int, tensor: Tensor) -> str:
    if index == INPUT:
        source = tensor._current_node()
        if source is None:
            return ""
        node, index = source, tensor._output_index
    name = node.name().rpartition("Backward")[0] or node.name()
    return f", which is output {index} of {name.replace('CopySlices', 'torch::autograd::CopySlices')},"
