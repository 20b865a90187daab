"""Changing a tensor in place: in its memory, in its version, and in the graph.

A base class of Tensor; what views have to do with it is in `tensor.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import core, dtypes
from ._memory import check_writable, writable_by
from .autograd.grad_mode import mode
from .autograd.waiting import calls, settle
from .casts import HALVES, cast_array, halves
from .dtypes import from_numpy_dtype, scalar_name
from .gradients import Gradient

if TYPE_CHECKING:
    from .autograd.operation import Operation
    from .tensor import Tensor

NO_GRAD_VIEW = (
    "A view was created in no_grad mode and {} inplace with grad mode enabled. Given that this use case is ambiguous "
    "and error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace either both "
    "inside the no_grad block (if you don't want the inplace to be tracked) or both outside (if you want the inplace "
    "to be tracked)."
)


class Writing(Gradient):
    """The part of Tensor that writes into its memory."""

    if TYPE_CHECKING:
        _version_counter: Any
        _view_made: Any
        _counter: Any
        _alias: Any
        _rebase: Any

    def _check_inplace(self) -> None:
        """Raise RuntimeError where an in-place change would lose a gradient: a leaf, or a view of one."""
        if not mode.enabled:
            return
        base = self._view_base
        if base is not None and self._view_made is None and base.requires_grad:
            raise RuntimeError(NO_GRAD_VIEW.format("is being modified"))
        if base is not None and base.requires_grad and base._current_node() is None:
            raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")
        if self.requires_grad and self._current_node() is None:
            raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")

    def _inplace(self, operation: type[Operation], *others: Any, **params: Any) -> Tensor:
        """Set this tensor to operation(self, *others): in memory, in the version, and in the graph.

        Raises RuntimeError if the result's shape is not this one's or its dtype cannot be cast to this one's.
        """
        if mode.enabled:
            self._check_inplace()
            wanted = self.requires_grad
            for other in others:
                wanted = wanted or (other is not None and other.requires_grad)
            if wanted:
                if halves.seen and self._array.dtype in HALVES and not operation.moves_only:
                    return self._inplace_half(operation, others, params)
                return self._inplace_recorded(operation(), others, params)
        array = self._array
        if calls.waiting:
            settle(array)
        arrays = [None if other is None else other._array for other in others]
        if halves.seen and array.dtype in HALVES and not operation.moves_only:
            return self._inplace_half(operation, others, params)
        if operation.takes_out and writable_by(operation, array, arrays):
            result = operation().forward(array, *arrays, **params, out=array)
        else:
            result = operation().forward(array, *arrays, **params)
        self._write(result)
        return self  # type: ignore[return-value]

    def _inplace_half(self, operation: type[Operation], others: tuple[Any, ...], params: dict[str, Any]) -> Tensor:
        """Do the same with halves: compute out of place, in float32, and write the rounded result."""
        from .ops.base import assign, clone

        return assign(self, operation.apply(clone(self), *others, **params))  # type: ignore[arg-type]

    def _inplace_recorded(self, node: Operation, others: tuple[Any, ...], params: dict[str, Any]) -> Tensor:
        """Do the same as part of the graph: what backward wants of the old value moves to memory of its own."""
        from .autograd.node import connect
        from .tensor import wrap

        if self._view_base is not None and self._view_made is None:
            raise RuntimeError(NO_GRAD_VIEW.format("is being modified"))
        others = tuple([self._apart(other) for other in others])
        before = self._alias()
        connect(node, (before, *others))
        array = self._array
        if calls.waiting:
            settle(array)
        arrays = [None if other is None else other._array for other in others]
        direct = node.takes_out and not node.saves_input and writable_by(type(node), array, arrays)
        if direct:
            before._array = array.view()  # the result is `array` now, and saved as that, not as the input
            result = node.forward(array, *arrays, **params, out=array)
        else:
            result = node.forward(array, *arrays, **params)
        self._check_result(result)
        if not direct and node._saved is not None and any(saved is array for saved in node._saved):
            before._array = core.copy(array)
            before._version_counter = None
            node._saved = tuple([before._array if saved is array else saved for saved in node._saved])
        self._write(result)
        changed = wrap(result)
        changed._version_counter = self._counter()
        node._finish((before, *others), (changed,))
        if node._saved is not None:  # what was saved as output 0 is this tensor's memory
            node._saved = [
                (owner, array if index == 0 else saved, index, version) for owner, saved, index, version in node._saved
            ]
        self._rebase(node)
        return self  # type: ignore[return-value]

    def _check_result(self, result: Any) -> None:
        """Raise RuntimeError if an in-place change would change the shape."""
        if result.shape != self._array.shape:
            raise RuntimeError(
                f"output with shape {list(self._array.shape)} doesn't match the broadcast shape {list(result.shape)}"
            )

    def _apart(self, other: Tensor | None) -> Tensor | None:
        """Return an operand of an in-place change, as a copy if it is another view of the memory that changes."""
        if other is None or other is self or other._version_counter is None:
            return other
        if other._version_counter is not self._version_counter:
            return other
        from .ops.base import clone

        return clone(other)

    def _write(self, result: Any) -> None:
        """Copy an array of this shape into this tensor's memory, if it is not that already, and count the change."""
        array = self._array
        if result is array:
            self._bump()
            return
        self._check_result(result)
        if not array.flags.writeable:
            check_writable(array)
        if calls.waiting:
            settle(array)
        if result.dtype != array.dtype:
            if not dtypes.can_cast(from_numpy_dtype(result.dtype), self.dtype):
                raise RuntimeError(
                    f"result type {scalar_name(from_numpy_dtype(result.dtype))} can't be cast to the desired output "
                    f"type {scalar_name(self.dtype)}"
                )
            array[...] = cast_array(result, array.dtype)
        else:
            core.copy_into(result, array)
        self._bump()
