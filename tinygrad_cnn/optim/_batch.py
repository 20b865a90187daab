"""From parameters to calls of the core: which of them go together, dense arrays, and what is written back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tinygrad_cnn import core
from tinygrad_cnn.tensor import Tensor, wrap

__all__ = ["Batch", "Batches", "Tables"]


class Batch:
    """The parameters of one call, their gradients and state, as dense arrays in parallel lists."""

    def __init__(self, states: int) -> None:
        self.params: list[Tensor] = []
        self.arrays: list[core.Array] = []
        self.grads: list[core.Array] = []
        self.states: list[list[core.Array]] = [[] for _ in range(states)]
        self._ids: set[int] = set()

    def __contains__(self, param: Tensor) -> bool:
        return id(param) in self._ids

    def add(self, param: Tensor, state: dict[str, Any], names: tuple[str, ...]) -> None:
        """Append a parameter that has a gradient, with the named entries of its state."""
        array = param._array
        self._ids.add(id(param))
        self.params.append(param)
        self.arrays.append(core.contiguous(array))
        self.grads.append(_checked("gradient", param.grad, array))
        for name, column in zip(names, self.states, strict=True):
            tensor = state[name]
            dense = _checked(f"state {name!r}", tensor, array)
            if dense is not tensor._array:
                state[name] = wrap(dense)
            column.append(dense)

    def finish(self) -> None:
        """After the call: copy back what had to be made dense, and count the change of each parameter."""
        for param, array in zip(self.params, self.arrays, strict=True):
            if array is not param._array:
                core.copy_into(array, param._array)
            param._bump()


def _checked(what: str, tensor: Any, like: core.Array) -> core.Array:
    """Return the tensor's dense array. The core trusts shapes and dtypes, so one that does not fit the parameter (a
    state of another model, a parameter whose `data` was replaced) has to be refused here."""
    array = tensor._array
    if array.shape != like.shape or array.dtype != like.dtype:
        raise RuntimeError(
            f"the {what} has shape {list(array.shape)} and dtype {tensor.dtype}, but its parameter has shape "
            f"{list(like.shape)} and dtype torch.{like.dtype.name}"
        )
    return core.contiguous(array)


class Batches:
    """Sorts parameters into batches by a key (dtype, step, ...): what one call of the core can do together.

    A parameter that is in its group twice is updated twice, one after the other as in PyTorch, so its second turn goes
    to a later batch.
    """

    def __init__(self, states: int) -> None:
        self._states = states
        self._batches: dict[Any, Batch] = {}

    def __iter__(self) -> Iterator[tuple[Any, Batch]]:
        return iter([(key[:-1], batch) for key, batch in self._batches.items()])

    def batch(self, param: Tensor, *key: Any) -> Batch:
        """Return the batch of this key that `param` belongs into."""
        turn = 0
        while True:
            full_key = (*key, turn)
            batch = self._batches.get(full_key)
            if batch is None:
                batch = self._batches[full_key] = Batch(self._states)
            if param not in batch:
                return batch
            turn += 1


class Tables:
    """The pointer tables of an optimizer, by group and position of the batch, replaced when the number changes."""

    def __init__(self) -> None:
        self._tables: dict[tuple[int, int, int], core.PointerTable] = {}

    def get(self, group: int, position: int, batch: Batch) -> core.PointerTable:
        """Return the table for a batch."""
        key = (group, position, len(batch.states))
        table = self._tables.get(key)
        if table is None or table.count != len(batch.params):
            table = self._tables[key] = core.PointerTable(len(batch.params), len(batch.states))
        return table
