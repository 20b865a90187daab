"""Backward: from the outputs to the leaves, one node at a time, the highest number first.

Nodes are numbered in the order in which they were made, and a node's inputs exist before it. So when the node with the
highest number among those that wait is taken, all that can contribute to its gradient has run: no counting pass and no
recursion is needed, and a chain of any depth works.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.casts import cast_array
from tinygrad_cnn.tensor import Tensor, wrap

from .grad_mode import mode
from .node import LEAF
from .run import Run, keep_gradient, key_of
from .waiting import calls, settle_all


def _tuple(value: Any) -> tuple[Any, ...]:
    return (value,) if isinstance(value, Tensor) else tuple(value)


def _root_gradient(index: int, tensor: Tensor, grad: Tensor | None) -> Tensor:
    """Check or make the gradient that backward starts from."""
    if not tensor.requires_grad:
        raise RuntimeError(f"element {index} of tensors does not require grad and does not have a grad_fn")
    if grad is None:
        if tensor._array.size != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        ones = core.empty(tensor._array.shape, tensor._array.dtype)
        ones[...] = cast_array(np.ones((), np.float32), ones.dtype)
        return wrap(ones)
    if grad._array.shape != tensor._array.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{index}] has a shape of {grad.shape} and output[{index}] has a shape of "
            f"{tensor.shape}."
        )
    return grad if grad._array.dtype == tensor._array.dtype else grad.to(tensor.dtype)


def _execute(run: Run, tensors: Sequence[Tensor], grads: Sequence[Tensor | None]) -> None:
    for grad in grads:
        if grad is not None and not isinstance(grad, Tensor):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(grad).__name__}")
    if len(grads) != len(tensors):
        raise RuntimeError(f"got {len(tensors)} tensors and {len(grads)} gradients")
    before = mode.enabled
    mode.enabled = run.create_graph
    try:
        roots = [tensor._current_node() for tensor in tensors]
        edges = [
            (tensor, LEAF, tensor._array.shape) if root is None else (root, tensor._output_index, tensor._array.shape)
            for tensor, root in zip(tensors, roots, strict=True)
        ]
        if run.captured is not None:
            run.mark_useful(roots)
        # Made one by one: a gradient that nobody else has may be kept as it is.
        run.go(edges, (_root_gradient(index, tensor, grads[index]) for index, tensor in enumerate(tensors)))
        run.accumulate()
        if calls.waiting and not calls.depth:
            settle_all()
    finally:
        mode.enabled = before


def backward_of(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add the gradient of this tensor (a scalar, or weighted by `gradient`) to the `grad` of the leaves."""
    if inputs is None and (gradient is None or isinstance(gradient, Tensor)):
        _execute(Run(create_graph if retain_graph is None else retain_graph, create_graph), (self,), (gradient,))
    else:
        backward(self, gradient, retain_graph, create_graph, inputs=inputs)


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Add the gradients of `tensors` (weighted by `grad_tensors`) to the leaves' `grad` (`torch.autograd.backward`).

    `retain_graph` (default: `create_graph`) keeps what the graph saved for another pass; `inputs` restricts where
    gradients are added. Raises RuntimeError for a non-scalar without a gradient, a tensor outside any graph, a graph
    that was freed.
    """
    if grad_variables is not None:
        grad_tensors = grad_variables
    tensors = _tuple(tensors)
    grads = (None,) * len(tensors) if grad_tensors is None else _tuple(grad_tensors)
    wanted = None
    if inputs is not None:
        wanted = _tuple(inputs)
        if not wanted:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
        if not all(tensor.requires_grad for tensor in wanted):
            raise RuntimeError("`inputs` argument to `backward()` has a tensor that does not require grad")
    keep = create_graph if retain_graph is None else retain_graph
    run = Run(keep, create_graph, wanted, capture=False)
    _execute(run, tensors, grads)
    for tensor in wanted or ():  # an input that is not a leaf gets a grad here all the same
        key = key_of(tensor)
        value = run.captured.get(key) if run.captured is not None and tensor._current_node() is not None else None
        if value is not None:
            keep_gradient(tensor, value)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """Return the gradients of `outputs` by each of `inputs` (`torch.autograd.grad`); no `grad` attribute changes.

    With `allow_unused` an input that the outputs do not depend on gives None (zeros with `materialize_grads`), else a
    RuntimeError. `is_grads_batched` is not implemented.
    """
    if is_grads_batched:
        raise NotImplementedError("autograd.grad: is_grads_batched=True needs vmap, which does not exist here")
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    allow_unused = materialize_grads if allow_unused is None else allow_unused
    outputs, inputs = _tuple(outputs), _tuple(inputs)
    grads = (None,) * len(outputs) if grad_outputs is None else _tuple(grad_outputs)
    if not inputs:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    for tensor in inputs:
        if not tensor.requires_grad:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
    run = Run(create_graph if retain_graph is None else retain_graph, create_graph, inputs, capture=True)
    _execute(run, outputs, grads)
    assert run.captured is not None
    results = []
    for index, tensor in enumerate(inputs):
        value = run.captured[key_of(tensor)]
        if value is None and not allow_unused:
            raise RuntimeError(
                f"The differentiated Tensor at index {index} appears to not have been used in the graph. Set "
                "allow_unused=True if this is the desired behavior."
            )
        if value is None and materialize_grads:
            value = Tensor._zeros(tuple(tensor.shape), tensor._array.dtype)
        results.append(value)
    return tuple(results)
