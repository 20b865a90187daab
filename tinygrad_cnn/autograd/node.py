"""Nodes of the graph, the edges between them, and what hangs on a node.

A node knows the nodes that its inputs came from (`edges`), and what its operation saved for backward (`saved.py`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_cnn._absent import abstract
from tinygrad_cnn.tensor import Tensor

from .grad_mode import anomaly, mode
from .saved import unpack

# Nodes are numbered as they are made, so a node's number is higher than those of all nodes it depends on: going
# through them from the highest down is a topological order.
_numbers = itertools.count()

FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been "
    "freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify "
    "retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors "
    "after calling backward."
)

# Where a gradient goes: (node, which of its outputs, the shape that it must have there), or (leaf, LEAF, shape).
Edge = tuple[Any, int, tuple[int, ...]]
LEAF = -1


class NodeHooks:
    """What is to be called, or filled, as backward passes a node; made when the first one is registered."""

    __slots__ = ("outputs", "post", "pre", "retained")

    def __init__(self) -> None:
        self.pre: dict[int, Any] = {}
        self.post: dict[int, Any] = {}
        self.outputs: dict[int, dict[int, Any]] = {}  # by output index: hooks of the tensor
        self.retained: dict[int, Any] = {}  # by output index: tensors that keep their gradient


class Node:
    """One operation in the graph. `edges` has an entry for each tensor input, None where no gradient is needed."""

    grad_name: str = ""
    edges: Sequence[Edge | None] = ()
    recording = False  # whether forward's save_for_backward has a purpose
    number = -1
    output_count = 1
    freed = False
    # Whether the node serves one backward pass although it saves no tensor: it keeps a number or an index where PyTorch
    # saves a tensor, and so raises.
    serves_once = False
    # Whether running the node can take along the gradient of a ReLU, of a max pooling, right behind it
    # (`autograd.deferred`).
    takes_relu_gradient = False
    takes_pool_gradient = False
    _saved: Any = None
    _hooks: NodeHooks | None = None
    _origin: list[str] | None = None  # where forward was called, if anomaly detection was on

    def name(self) -> str:
        """Return the name that PyTorch prints for such a node, for instance 'MulBackward0'."""
        return self.grad_name or f"{type(self).__name__}Backward0"

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self):#x}>"

    @property
    def needs_input_grad(self) -> tuple[bool, ...]:
        """Which inputs need a gradient."""
        return tuple([edge is not None for edge in self.edges])

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes that the inputs came from, each with the number of its output, as in PyTorch."""
        found: list[tuple[Any, int]] = []
        for edge in self.edges:
            if edge is None:
                found.append((None, 0))
            elif edge[1] == LEAF:
                found.append((AccumulateGrad(edge[0]), 0))
            else:
                found.append((named(edge[0]), edge[1]))
        return tuple(found)

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors given to `save_for_backward`; RuntimeError if the graph was freed or one was changed in place."""
        if self.freed:
            raise RuntimeError(FREED)
        return unpack(self, self._saved or [])

    def hooks(self) -> NodeHooks:
        """Return the hooks, to add to them."""
        if self._hooks is None:
            self._hooks = NodeHooks()
        return self._hooks

    def register_hook(self, hook: Callable[..., Any]) -> Any:
        """Call `hook(grad_inputs, grad_outputs)` after the node has run; a returned tuple replaces grad_inputs."""
        from tinygrad_cnn.utils.hooks import register

        return register(self.hooks().post, hook)

    def register_prehook(self, hook: Callable[..., Any]) -> Any:
        """Call `hook(grad_outputs)` before the node runs; a returned tuple replaces grad_outputs."""
        from tinygrad_cnn.utils.hooks import register

        return register(self.hooks().pre, hook)

    def run(self, grads: list[Any]) -> tuple[Any, ...]:
        """Return the gradients of the inputs from those of the outputs (None where zero)."""
        raise abstract(self, "run")

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
        return "torch::autograd::AccumulateGrad"

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at {id(self):#x}>"


_named_classes: dict[tuple[Any, str], Any] = {}


def named(node: Any) -> Any:
    """Return a node as users get it: the name of its class is that of the operation, as in PyTorch.

    What draws graphs reads `type(node).__name__`.
    """
    kind, name = type(node), node.name()
    if kind.__name__ != name:
        found = _named_classes.get((kind, name))
        if found is None:
            found = _named_classes[kind, name] = type(name, (kind,), {"__module__": kind.__module__})
        node.__class__ = found
    return node


def connect(node: Node, inputs: tuple[Any, ...]) -> list[Any]:
    """Make `node` part of the graph behind `inputs` (Tensors or None), unless none of them needs a gradient or none is
    recorded: `node.recording` tells. Return the arrays of the inputs.
    """
    arrays: list[Any] = []
    if not mode.enabled:
        for tensor in inputs:
            arrays.append(None if tensor is None else tensor._array)
        return arrays
    edges: list[Edge | None] = []
    wanted = False
    for tensor in inputs:
        if tensor is None:
            arrays.append(None)
            edges.append(None)
            continue
        array, base = tensor._array, tensor._view_base
        arrays.append(array)
        if not (tensor._requires_grad or (base is not None and tensor.requires_grad)):  # the property, but for views
            edges.append(None)
            continue
        wanted = True
        source = tensor._node if base is None else tensor._current_node()
        if source is None:
            edges.append((tensor, LEAF, array.shape))
        else:
            edges.append((source, tensor._output_index, array.shape))
    if wanted:
        node.edges = edges
        node.number = next(_numbers)
        node.recording = True
        if anomaly.enabled:
            import traceback

            node._origin = traceback.format_stack()[:-2]
    return arrays


def connect_to(node: Node, source: Node, index: int, shape: tuple[int, ...]) -> None:
    """Make `node` part of the graph, with output `index` of `source`, of that shape, as its only input."""
    node.edges = [(source, index, shape)]
    node.number = next(_numbers)
    node.recording = True
