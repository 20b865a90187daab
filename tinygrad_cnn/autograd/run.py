"""One backward pass: which node runs next, where its results go, and who owns them in the end."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from sys import getrefcount
from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.core import owns_dense_memory
from tinygrad_cnn.tensor import Tensor, wrap

from .anomaly import run_watched
from .deferred import Deferred
from .grad_mode import anomaly
from .hook_calls import call_node_hooks, call_tensor_hooks
from .node import LEAF, Node, NodeHooks


def _baseline() -> tuple[int, int]:
    """Count the references to a tensor that only the loop of `_Run.accumulate` holds (interpreters differ in it)."""
    pending = {0: [None, wrap(np.zeros(1, np.float32))]}
    counts = 0, 0
    for entry in pending.values():
        gradient: Any = entry[1]
        entry[1] = None
        counts = getrefcount(gradient), getrefcount(gradient._array)
    return counts


_UNSHARED = _baseline()

# Backward passes in several threads may share leaves: their gradients are added one at a time. (Another pass of the
# same thread is that of a signal's handler.) A fork waits: the child lacks other threads, and needs whole gradients.
_accumulating = threading.RLock()
if hasattr(os, "register_at_fork"):
    _release = _accumulating.release
    os.register_at_fork(before=_accumulating.acquire, after_in_parent=_release, after_in_child=_release)


class Run:
    """One backward pass: what waits, what is wanted, and where results go."""

    # What a pass that adds to all leaves does without.
    captured: dict[tuple[Any, int], Any] | None = None
    only_leaves: set[int] | None = None
    useful: set[Any] | None = None

    def __init__(
        self, keep_graph: bool, create_graph: bool, wanted: Sequence[Tensor] | None = None, capture: bool = False
    ):
        self.keep_graph = keep_graph
        self.create_graph = create_graph
        # What waits: by the node's number, negated (the heap gives the smallest first), the node and the gradients of
        # its outputs.
        self.heap: list[int] = []
        self.waiting: dict[int, tuple[Node, list[Any]]] = {}
        self.leaves: dict[int, list[Any]] = {}
        if wanted is not None:
            if capture:
                self.captured = {key_of(tensor): None for tensor in wanted}
            else:
                self.captured = {key_of(tensor): None for tensor in wanted if tensor._current_node() is not None}
            self.only_leaves = {id(tensor) for tensor in wanted if tensor._current_node() is None}

    def mark_useful(self, roots: Iterable[Any]) -> None:
        """Find the nodes from which something wanted can be reached, so that no other one runs."""
        assert self.captured is not None and self.only_leaves is not None
        wanted = {key[0] for key in self.captured}
        useful: set[Any] = set()
        seen: set[Any] = set()
        found: list[Node] = []
        stack = [root for root in roots if isinstance(root, Node)]
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            found.append(node)
            stack += [edge[0] for edge in node.edges if edge is not None and edge[1] != LEAF]
        found.sort(key=lambda node: node.number)
        for node in found:
            for edge in node.edges:
                if edge is None:
                    continue
                target, index, _ = edge
                if index != LEAF:
                    if target in useful or target in wanted:
                        useful.add(node)
                elif id(target) in self.only_leaves or id(target) in wanted:
                    useful.add(node)
        self.useful = useful

    def go(self, edges: Sequence[Any], gradients: Iterable[Any]) -> None:
        """Hand gradients to the nodes and leaves at `edges`, then run all that wait, each of which hands on its own.

        A loop without a call for each edge: they would take as long as the arithmetic of a small network.
        """
        heap, waiting, leaves = self.heap, self.waiting, self.leaves
        watched = self.captured is not None or anomaly.enabled
        while True:
            for edge, grad in zip(edges, gradients):  # noqa: B905 - `strict=False` would cost as much as the loop
                if edge is None or grad is None:
                    continue
                target, index, shape = edge
                if type(grad) is not Deferred and grad._array.shape != shape:  # what is put off has the shape
                    grad = grad._unbroadcast(shape)
                if index == LEAF:
                    fresh = [target, grad]
                    entry = leaves.setdefault(id(target), fresh)
                    if entry is not fresh:
                        _add_to_entry(entry, 1, grad, self.create_graph)
                    continue
                key = -target.number
                found = waiting.get(key)
                if found is not None:
                    grads = found[1]
                    if grads[index] is None:
                        grads[index] = grad
                    else:
                        _add_to_entry(grads, index, grad, self.create_graph)
                    continue
                heappush(heap, key)
                if target.output_count == 1:
                    waiting[key] = target, [grad]
                else:
                    grads = [None] * target.output_count
                    grads[index] = grad
                    waiting[key] = target, grads
            if not heap:
                return
            node, grads = waiting.pop(heappop(heap))
            if watched or node._hooks is not None:
                result = self.run_watched(node, grads)
                if result is None:
                    edges = gradients = ()
                    continue
                gradients = result
            else:
                gradients = node.run(grads)
            if not self.keep_graph:
                node.release()
            edges = node.edges

    def run_watched(self, node: Node, grads: list[Any]) -> tuple[Any, ...] | None:
        """Run a node with its hooks, and with what is asked of the whole pass; None if nobody wants its results."""
        hooks = node._hooks
        if hooks is not None:
            self.call_output_hooks(hooks, grads)
        if self.captured is not None:
            for index, grad in enumerate(grads):
                if (node, index) in self.captured:
                    self.captured[node, index] = grad
            if self.useful is not None and node not in self.useful:
                return None
        if hooks is not None:
            grads = list(call_node_hooks(hooks.pre, tuple(grads)))
            if all(grad is None for grad in grads):  # the hooks have removed them
                return None
        result = run_watched(node, grads) if anomaly.enabled else node.run(grads)
        if hooks is not None:
            result = call_node_hooks(hooks.post, result, tuple(grads))
        return result

    @staticmethod
    def call_output_hooks(node_hooks: NodeHooks, grads: list[Any]) -> None:
        """Call the hooks of the tensors that are the node's outputs, and fill `grad` where `retain_grad` asked for
        it."""
        for index, hooks in node_hooks.outputs.items():
            if grads[index] is not None:
                grads[index] = call_tensor_hooks(hooks, grads[index])
        for index, reference in node_hooks.retained.items():
            tensor = reference()
            if tensor is not None and grads[index] is not None:
                keep_gradient(tensor, grads[index])

    def accumulate(self) -> None:
        """Run the leaves' hooks and add to their `grad`, or capture."""
        alone, array_alone = _UNSHARED
        captured, only_leaves, create_graph = self.captured, self.only_leaves, self.create_graph
        for entry in self.leaves.values():
            leaf, grad = entry
            entry[1] = None
            if leaf._hooks:
                grad = call_tensor_hooks(leaf._hooks, grad)
            if captured is not None and (id(leaf), 0) in captured:
                captured[id(leaf), 0] = grad
                continue
            if only_leaves is not None and id(leaf) not in only_leaves:
                continue
            with _accumulating:
                if leaf._grad is not None:
                    self.add_to(leaf, grad)
                elif create_graph:
                    leaf._grad = grad.clone()
                elif getrefcount(grad) <= alone and getrefcount(grad._array) <= array_alone:
                    leaf._grad = grad if owns_dense_memory(grad._array) else wrap(core.copy(grad._array))
                else:
                    # Somebody else has it: another leaf (x + y), the caller, or what it is a view of.
                    leaf._grad = wrap(core.copy(grad._array))
            if leaf._post_accumulate_hooks:
                for hook in tuple(leaf._post_accumulate_hooks.values()):
                    hook(leaf)

    def add_to(self, leaf: Tensor, grad: Tensor) -> None:
        """Add to an existing `grad`: out of place if that must be differentiable, into its memory otherwise."""
        old = leaf._grad
        if self.create_graph or old.requires_grad:
            leaf._grad = old + grad
            return
        if _add_into(old._array, grad._array):
            old._bump()
        else:
            old.add_(grad)


def _add_into(into: Any, array: Any) -> bool:
    """Add an array to another in its memory, if they are plain enough for that; tell whether they were."""
    dtype = into.dtype
    if into.shape != array.shape or dtype is not array.dtype or dtype not in core.FLOATS or not owns_dense_memory(into):
        return False
    if array is into or (array.base is not None and np.may_share_memory(into, array)):
        return False
    core.binary(core.ADD, into, array, into)
    return True


def _add_to_entry(entry: list[Any], index: int, grad: Tensor, create_graph: bool) -> None:
    """Add to the gradient that waits in `entry[index]`; in its memory if nobody else has it."""
    held = entry[index]
    entry[index] = None
    alone = getrefcount(held) <= _UNSHARED[0] and getrefcount(held._array) <= _UNSHARED[1]
    entry[index] = held if alone and not create_graph and _add_into(held._array, grad._array) else held + grad


def keep_gradient(tensor: Tensor, grad: Tensor) -> None:
    """Add to the `grad` of a tensor that is not a leaf; it gets memory of its own, and the graph of the gradient."""
    before = tensor._grad
    tensor._grad = grad.clone() if before is None else before + grad


def key_of(tensor: Tensor) -> tuple[Any, int]:
    """Return what tells a tensor's place in the graph: its node and output, or for a leaf its identity."""
    node = tensor._current_node()
    return (id(tensor), 0) if node is None else (node, tensor._output_index)
