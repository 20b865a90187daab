"""Nodes of the graph, and `Operation`, what every built-in operation is (the user's own is `Function`).

An operation is one class: `forward` on NumPy arrays beside `backward` on Tensors. The object that `apply` makes is the
node of the graph itself; it knows the nodes its inputs came from (edges), and what `forward` saved. `backward` is made
of other operations, so a gradient is differentiable again.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

from tinygrad_cnn.tensor import Tensor, wrap

from .grad_mode import anomaly, mode

# Nodes are numbered as they are made, so a node's number is higher than those of all nodes it depends on: going
# through them from the highest down is a topological order.
_numbers = itertools.count()

FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been "
    "freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify "
    "retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors "
    "after calling backward."
)


class Edge(NamedTuple):
    """Where a gradient goes: a node and which of its outputs, or a leaf tensor; the shape that it must have there."""

    target: Any
    index: int  # type: ignore[assignment]
    shape: tuple[int, ...]


_make_edge = tuple.__new__  # what Edge(...) calls, without the call of Python in between


class Saved:
    """A tensor kept for backward: by reference if it was an input, by its array if it is the node's own output."""

    __slots__ = ("array", "index", "tensor", "version")

    def __init__(self, tensor: Tensor | None, array: Any, index: int):
        self.tensor = tensor
        self.array = array
        self.index = index
        self.version = 0 if tensor is None else tensor._counter()[0]

    def unpack(self, node: Node) -> Tensor | None:
        """Return the tensor, or raise RuntimeError if it was changed in place since."""
        tensor = self.tensor
        if tensor is None:
            return None if self.array is None else wrap(self.array)
        if tensor._counter()[0] != self.version:
            raise RuntimeError(
                "one of the variables needed for gradient computation has been modified by an inplace operation: "
                f"[{tensor.type()} {list(tensor.shape)}]{_output_of(node, self.index, tensor)} is at version "
                f"{tensor._counter()[0]}; expected version {self.version} instead. Hint: {_hint()}"
            )
        if self.index >= 0:  # the node's own output: a fresh tensor on the same memory, with the node behind it
            output = wrap(self.array)
            output._version_counter = tensor._counter()
            if node.edges:
                output._set_node(node, self.index)
            return output
        return tensor


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
    if index < 0:
        source = tensor._current_node()
        if source is None:
            return ""
        node, index = source, tensor._output_index
    name = node.name().rpartition("Backward")[0] or node.name()
    return f", which is output {index} of {name.replace('CopySlices', 'torch::autograd::CopySlices')},"


class Node:
    """One operation in the graph. `edges` has an entry for each tensor input, None where no gradient is needed."""

    grad_name: str = ""
    edges: tuple[Edge | None, ...] = ()
    needs_input_grad: tuple[bool, ...] = ()
    recording = False  # whether forward's save_for_backward has a purpose
    number = -1
    outputs: tuple[tuple[int, ...], ...] = ()  # shapes
    output_dtype: Any = None
    freed = False
    # Whether the node serves one backward pass although it saves no tensor: it keeps a number or an index where PyTorch
    # saves a tensor, and so raises.
    serves_once = False
    _saved: Any = None
    _pre_hooks: dict[int, Any] | None = None
    _post_hooks: dict[int, Any] | None = None
    _output_hooks: dict[int, Any] | None = None  # by output index: hooks of the tensor
    _retained: dict[int, Any] | None = None  # by output index: tensors that keep their gradient
    _origin: list[str] | None = None  # where forward was called, if anomaly detection was on

    def name(self) -> str:
        """Return the name that PyTorch prints for such a node, for instance 'MulBackward0'."""
        return self.grad_name or f"{type(self).__name__}Backward0"

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self):#x}>"

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes that the inputs came from, each with the number of its output, as in PyTorch."""
        found: list[tuple[Any, int]] = []
        for edge in self.edges:
            if edge is None:
                found.append((None, 0))
            elif isinstance(edge.target, Node):
                found.append((edge.target, edge.index))
            else:
                found.append((AccumulateGrad(edge.target), 0))
        return tuple(found)

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors given to `save_for_backward`; RuntimeError if the graph was freed or one was changed in place."""
        if self.freed:
            raise RuntimeError(FREED)
        return tuple([saved.unpack(self) for saved in self._saved or ()])

    def register_hook(self, hook: Callable[..., Any]) -> Any:
        """Call `hook(grad_inputs, grad_outputs)` after the node has run; a returned tuple replaces grad_inputs."""
        from tinygrad_cnn.utils.hooks import register

        if self._post_hooks is None:
            self._post_hooks = {}
        return register(self._post_hooks, hook)

    def register_prehook(self, hook: Callable[..., Any]) -> Any:
        """Call `hook(grad_outputs)` before the node runs; a returned tuple replaces grad_outputs."""
        from tinygrad_cnn.utils.hooks import register

        if self._pre_hooks is None:
            self._pre_hooks = {}
        return register(self._pre_hooks, hook)

    def run(self, grads: list[Any]) -> tuple[Any, ...]:
        """Return the gradients of the inputs from those of the outputs (None where zero)."""
        raise NotImplementedError

    def release(self) -> None:
        """Forget what was saved: the memory goes back as backward passes."""
        if self._saved is not None or self.serves_once:
            self._saved = None
            self.freed = True


class AccumulateGrad(Node):
    """What stands for a leaf in `next_functions`: adds a gradient to `variable.grad`."""

    grad_name = "AccumulateGrad"

    def __init__(self, variable: Tensor):
        self.variable = variable

    def name(self) -> str:
        """Return PyTorch's name for it."""
        return "struct torch::autograd::AccumulateGrad"

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at {id(self):#x}>"


def connect(node: Node, inputs: tuple[Any, ...]) -> bool:
    """Make `node` part of the graph behind `inputs` (Tensors or None); False if none of them needs a gradient."""
    edges: list[Edge | None] = []
    wanted = False
    for tensor in inputs:
        # The property `requires_grad` spelled out: this loop runs for every operation.
        if tensor is None or not (tensor._requires_grad or (tensor._view_base is not None and tensor.requires_grad)):
            edges.append(None)
            continue
        wanted = True
        source = tensor._node if tensor._view_parent is None else tensor._current_node()
        if source is None:
            edges.append(_make_edge(Edge, (tensor, 0, tensor._array.shape)))
        else:
            edges.append(_make_edge(Edge, (source, tensor._output_index, tensor._array.shape)))
    if not wanted:
        return False
    node.needs_input_grad = tuple([edge is not None for edge in edges])
    node.edges = tuple(edges)
    node.number = next(_numbers)
    node.recording = True
    if anomaly.enabled:
        import traceback

        node._origin = traceback.format_stack()[:-2]
    return True


_NOTHING = Saved(None, None, -1)


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

    def forward(self, *arrays: Any, **params: Any) -> Any:
        """Compute the outputs."""
        raise NotImplementedError

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
        recorded = mode.enabled and connect(node, inputs)
        result = node.forward(*[None if tensor is None else tensor._array for tensor in inputs], **params)
        if type(result) is tuple:
            tensors = tuple([wrap(array) for array in result])
            if recorded:
                node._finish(inputs, tensors)
            return tensors
        tensor = wrap(result)
        if recorded:
            node._finish(inputs, (tensor,))
        return tensor

    def _finish(self, inputs: tuple[Any, ...], tensors: tuple[Tensor, ...]) -> None:
        """Hang the node behind its outputs, and turn the saved arrays into saved tensors."""
        self.outputs = tuple([tensor._array.shape for tensor in tensors])
        self.output_dtype = tensors[0]._array.dtype
        for index, tensor in enumerate(tensors):
            if index not in self.not_differentiable:
                tensor._set_node(self, index)
        if self._saved is not None:
            self._saved = [self._keep(array, inputs, tensors) for array in self._saved]

    @staticmethod
    def _keep(array: Any, inputs: tuple[Any, ...], tensors: tuple[Tensor, ...]) -> Saved:
        if array is not None:
            for tensor in inputs:
                if tensor is not None and tensor._array is array:
                    return Saved(tensor, None, -1)
            for index, tensor in enumerate(tensors):
                if tensor._array is array:
                    # Only the array and the counter are kept: the output itself would close a cycle with its node.
                    kept = wrap(array)
                    kept._version_counter = tensor._counter()
                    return Saved(kept, array, index)
            return Saved(None, array, -1)
        return _NOTHING

    def run(self, grads: list[Any]) -> tuple[Any, ...]:
        """Call `backward`; RuntimeError if the graph was freed."""
        if self.freed:
            raise RuntimeError(FREED)
        result = self.backward(*grads)
        return result if type(result) is tuple else (result,)


class ViewOperation(Operation):
    """An operation whose result shares its input's memory: one input, one output.

    The result shares the version counter and remembers how it was made, so that an in-place change of the one is seen
    in the graph of the other (`Tensor._rebase`).
    """

    @classmethod
    def apply(cls, *inputs: Any, **params: Any) -> Any:
        """Run the operation and tie the result to its input."""
        result = super().apply(*inputs, **params)
        result._tie(inputs[0], cls, params)
        return result
