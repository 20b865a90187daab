"""`Operation`, what every built-in operation is (the user's own is `Function`).

An operation is one class: `forward` on NumPy arrays beside `backward` on Tensors. The object that `apply` makes is the
node of the graph itself; it knows the nodes its inputs came from (edges), and what `forward` saved. `backward` is made
of other operations, so a gradient is differentiable again.

Every operation of a program passes through `apply` and `connect`, and on a small tensor they are most of its cost. They
are therefore written out where a helper would read better, and set no attribute whose default serves: a call of a
Python function costs as much as the arithmetic on a dozen numbers.
"""

from __future__ import annotations

from typing import Any, ClassVar

from tinygrad_cnn._absent import abstract
from tinygrad_cnn.casts import HALVES, halves
from tinygrad_cnn.tensor import Tensor

from .grad_mode import mode
from .node import FREED, Node, connect
from .saved import pack

_new = object.__new__


class Operation(Node):
    """A built-in operation. Subclasses define `forward(self, *arrays, **params)` and `backward(self, *grads)`.

    `forward` gets the inputs' NumPy arrays (None stays None) and returns an array or a tuple of arrays. `backward`
    gets one Tensor for each output (None for one whose gradient is zero, if there are several outputs) and returns one
    gradient, or a tuple with one for each input; None where it is zero or `needs_input_grad` says no. Gradients may
    have the broadcast shape: the engine sums them down.
    """

    not_differentiable: ClassVar[tuple[int, ...]] = ()  # outputs (indices, masks) that never need a gradient
    # For in-place forms: forward takes a keyword `out`, an array (dense, or of any strides) that may be its first input
    # and into which it writes its result; whether it saves its first input, which then must survive.
    takes_out: ClassVar[bool] = False
    strided_out: ClassVar[bool] = False
    saves_input: ClassVar[bool] = True
    # Whether elements go from input to output as they are, in any dtype: the others compute with halves in float32.
    moves_only: ClassVar[bool] = False

    def forward(self, *arrays: Any, **params: Any) -> Any:
        """Compute the outputs."""
        raise abstract(self, "forward")

    def backward(self, *grads: Any) -> Any:
        """Return the gradients of the inputs."""
        raise NotImplementedError(f"derivative for {self.name()} is not implemented")

    def save_for_backward(self, *arrays: Any) -> None:
        """Keep arrays (inputs, outputs or others, told apart by identity) for `saved_tensors`; free when not
        recording."""
        if self.recording:
            self._saved = arrays

    @classmethod
    def apply(cls, *inputs: Any, **params: Any) -> Any:
        """Run the operation on Tensors (or None) and return a Tensor or a tuple of Tensors."""
        node = cls()
        arrays: list[Any] = []
        for tensor in inputs:
            if tensor is None:
                arrays.append(None)
            elif tensor._requires_grad or tensor._view_base is not None:
                arrays = connect(node, inputs)
                break
            else:
                arrays.append(tensor._array)
        if halves.seen and not cls.moves_only and any_half(arrays):
            from tinygrad_cnn.ops.halves import through_float32

            return through_float32(cls, inputs, params)
        # A call with `**params` costs as much as two plain ones, even if there are none.
        result = node.forward(*arrays, **params) if params else node.forward(*arrays)
        if type(result) is tuple:
            return node._several(inputs, result)
        tensor = _new(Tensor)
        tensor._array = result
        if node.recording:
            tensor._node = node
            tensor._requires_grad = True
            if node._saved is not None:
                node._saved = pack(node._saved, inputs, (tensor,))
        return tensor

    def _several(self, inputs: tuple[Any, ...], arrays: tuple[Any, ...]) -> tuple[Tensor, ...]:
        """Return the Tensors of an operation with a tuple of outputs."""
        tensors = []
        for array in arrays:
            tensor = _new(Tensor)
            tensor._array = array
            tensors.append(tensor)
        outputs = tuple(tensors)
        if self.recording:
            self._finish(inputs, outputs)
        return outputs

    def _finish(self, inputs: tuple[Any, ...], outputs: tuple[Tensor, ...]) -> None:
        """Hang the node behind its outputs, and turn the saved arrays into saved tensors."""
        self.output_count = len(outputs)
        for index, tensor in enumerate(outputs):
            if index not in self.not_differentiable:
                tensor._set_node(self, index)
        if self._saved is not None:
            self._saved = pack(self._saved, inputs, outputs)

    def run(self, grads: list[Any]) -> tuple[Any, ...]:
        """Call `backward`; RuntimeError if the graph was freed."""
        if self.freed:
            raise RuntimeError(FREED)
        result = self.backward(*grads)
        return result if type(result) is tuple else (result,)


def any_half(arrays: list[Any]) -> bool:
    """Return whether one of the arrays (or None) is of halves."""
    return any(array is not None and array.dtype in HALVES for array in arrays)


class ViewOperation(Operation):
    """An operation whose result shares its input's memory: one input, one output.

    Nothing is saved: sizes and indices say how the gradient goes back. The result shares the version counter and
    remembers how it was made, so that an in-place change of the one is seen in the graph of the other
    (`Tensor._rebase`). Subclasses define `view(array, *params)`, and `remember(array, *params)`, which notes what
    `backward` needs; parameters are given by position.
    """

    @classmethod
    def view(cls, x: Any, *params: Any) -> Any:
        """Return the view."""
        raise abstract(cls, "view")

    def remember(self, x: Any, *params: Any) -> None:
        """Note what `backward` needs."""
        raise abstract(self, "remember")

    @classmethod
    def apply(cls, parent: Any, *params: Any) -> Any:
        """Run the operation on a Tensor and its parameters, and tie the result to that tensor."""
        array, base = parent._array, parent._view_base
        view = _new(Tensor)
        view._array = cls.view(array, *params)
        counter = parent._version_counter
        if counter is None:
            counter = parent._version_counter = [0]
        view._version_counter = counter
        if base is not None or parent._requires_grad:
            node = cls()
            connect(node, (parent,))
            if node.recording:
                node.remember(array, *params)
                view._node = node
                view._requires_grad = True
        # A view made in no_grad mode, or of one, is not part of the graph: there is nothing to make anew.
        if mode.enabled and (base is None or parent._view_made is not None):
            view._view_made = cls, parent, params
        view._view_base = base = parent if base is None else base
        if base._epoch:
            view._epoch = base._epoch
        return view
