"""From parameters to calls of the core: which of them go together, dense arrays, and what is written back.

From one step to the next nothing changes as a rule but the memory of the gradients, so a group's batches are kept, with
the pointers that the core was given. Looking whether that is so (`Batch.renew`) costs a tenth of making them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from operator import is_
from typing import Any

from tinygrad_cnn import core
from tinygrad_cnn.autograd.waiting import settle
from tinygrad_cnn.casts import cast_array, widened
from tinygrad_cnn.tensor import Tensor, wrap

__all__ = ["Batch", "Batches", "Kept", "turns"]


class Batch:
    """The parameters of one call, their gradients and state, as dense arrays in parallel lists.

    Those of half precision are computed in float32 and rounded after each step.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.params: list[Tensor] = []
        self.arrays: list[core.Array] = []
        self.grads: list[core.Array] = []
        self.states: list[list[core.Array]] = [[] for _ in names]
        self.entries: list[dict[str, Any]] = []  # the state of each parameter
        self._held: list[tuple[dict[str, Any], str, Tensor, core.Array]] = []  # what the core has pointers to
        self._rounded: list[tuple[core.Array, core.Array]] = []  # states of half precision, and as they are computed
        self._table: core.PointerTable | None = None

    def add(self, param: Tensor, state: dict[str, Any]) -> None:
        """Append a parameter that has a gradient, with the named entries of its state."""
        array = param._array
        settle(array)
        self.params.append(param)
        self.arrays.append(widened(core.contiguous(array)))
        self.grads.append(widened(_checked("gradient", param.grad, array)))
        for name, column in zip(self.names, self.states, strict=True):
            tensor = state[name]
            dense = _checked(f"state {name!r}", tensor, array)
            if dense is not tensor._array:
                state[name] = wrap(dense)
            wide = widened(dense)
            if wide is not dense:
                self._rounded.append((dense, wide))
            column.append(wide)
            self._held.append((state, name, state[name], dense))
        self.entries.append(state)

    def renew(self) -> bool:
        """Take the gradients of another step; False if one does not fit, or anything else has changed."""
        for state, name, tensor, array in self._held:
            if state.get(name) is not tensor or tensor._array is not array:
                return False
        grads = []
        for param, array in zip(self.params, self.arrays, strict=True):
            grad = param._grad
            if grad is None or param._array is not array:
                return False
            found = grad._array
            if found.dtype is not array.dtype or found.shape != array.shape or not found.flags.c_contiguous:
                return False
            grads.append(found)
        self.grads = grads
        return True

    def table(self) -> core.PointerTable:
        """Return the pointers to all arrays."""
        if self._table is None:
            self._table = core.PointerTable(self.arrays, self.states)
        self._table.point(self.grads)
        return self._table

    def finish(self) -> None:
        """After the call: copy back what had to be made dense or wide, count the change of each parameter, let the
        gradients go. If there is no memory for that, nothing is copied back."""
        pairs = [(param._array, array) for param, array in zip(self.params, self.arrays, strict=True)]
        found = [(own, cast_array(array, own.dtype)) for own, array in pairs + self._rounded if own is not array]
        for own, array in found:
            core.copy_into(array, own)
        for param in self.params:
            counter = param._version_counter
            if counter is None:
                counter = param._counter()
            counter[0] += 1
        self.grads = []


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

    names: the entries of a parameter's state that the core changes.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._batches: dict[Any, Batch] = {}

    def __iter__(self) -> Iterator[tuple[Any, Batch]]:
        return iter(list(self._batches.items()))

    def batch(self, *key: Any) -> Batch:
        """Return the batch of this key."""
        if key not in self._batches:
            self._batches[key] = Batch(self._names)
        return self._batches[key]


def turns(params: Sequence[Tensor]) -> list[list[Tensor]]:
    """Return the parameters that have a gradient, none of them twice in a list.

    One that is in its group twice is updated twice, one after the other as in PyTorch.
    """
    found: list[dict[int, Tensor]] = [{}]
    for param in params:
        if param.grad is None:
            continue
        turn = next((turn for turn in found if id(param) not in turn), None)
        if turn is None:
            found.append(turn := {})
        turn[id(param)] = param
    return [list(turn.values()) for turn in found]


class Kept:
    """The batch of each group that was one batch in its last step, and may be again."""

    def __init__(self) -> None:
        # By the group's number: the batch, all parameters of the group, those of them that had no gradient, and all
        # entries of the optimizer's state: as long as these are the same, each is still its parameter's.
        self._groups: dict[int, tuple[Batch, Sequence[Tensor], Sequence[Tensor], Sequence[Any]]] = {}

    def put(self, group: int, params: Sequence[Tensor], batches: Batches, states: dict[Any, Any]) -> None:
        """Keep a group's batch if there is but one, with each parameter once."""
        self._groups.pop(group, None)
        found = [batch for _, batch in batches]
        if len(found) == 1:
            changed = set(map(id, found[0].params))
            idle = [param for param in params if id(param) not in changed]
            if len(idle) + len(changed) == len(params):
                self._groups[group] = found[0], list(params), idle, list(states.values())

    def get(self, group: int, params: Sequence[Tensor], names: tuple[str, ...], states: Any) -> Batch | None:
        """Return the kept batch of a group, with the gradients that its parameters have now; None if there is none."""
        kept = self._groups.get(group)
        if kept is None:
            return None
        batch, before, idle, entries = kept
        if batch.names != names or not _same(before, params) or not _same(entries, states.values()):
            return None
        for param in idle:
            if param._grad is not None:
                return None
        return batch if batch.renew() else None


def _same(before: Collection[Any], now: Collection[Any]) -> bool:
    """Return whether two collections have the same objects in the same order."""
    return len(before) == len(now) and all(map(is_, before, now))
