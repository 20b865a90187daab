"""Activation checkpointing (`torch.utils.checkpoint`): forget what a part of a model computed, and compute it again in
backward. It costs a second forward pass and saves the memory of the activations.

The part becomes one node of the graph. Its inputs are the tensors it is given and the leaves that it reaches by itself,
its parameters; so gradients go where they would have gone, `autograd.grad` and hooks included.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from tinygrad_cnn import autograd, random
from tinygrad_cnn.autograd.grad_mode import enable_grad, is_grad_enabled, no_grad
from tinygrad_cnn.autograd.node import LEAF
from tinygrad_cnn.nn import Sequential
from tinygrad_cnn.tensor import Tensor

__all__ = ["checkpoint", "checkpoint_sequential", "noop_context_fn", "set_checkpoint_debug_enabled"]

_PASS_IT = (
    "torch.utils.checkpoint{}: the use_reentrant parameter should be passed explicitly. {} use_reentrant=False is "
    "recommended, but if you need to preserve the current default behavior, you can pass use_reentrant=True. Refer to "
    "docs for more details on the differences between the two variants."
)


def noop_context_fn() -> tuple[Any, Any]:
    """Return two contexts that change nothing, for forward and for the second forward."""
    return contextlib.nullcontext(), contextlib.nullcontext()


class _Part:
    """What is computed again: the function with its arguments, the tensors among these apart."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], again: Any) -> None:
        self._function = function
        self._args = [None if isinstance(value, Tensor) else value for value in args]
        self._kwargs = {name: None if isinstance(value, Tensor) else value for name, value in kwargs.items()}
        self._places = [index for index, value in enumerate(args) if isinstance(value, Tensor)]
        self._names = [name for name, value in kwargs.items() if isinstance(value, Tensor)]
        self._again = again
        self._state: Any = None

    def remember_random_state(self) -> None:
        """Let the second run draw the numbers of the first."""
        self._state = random.get_rng_state()

    def run(self, tensors: list[Tensor]) -> Any:
        """Call the function."""
        args, kwargs = list(self._args), dict(self._kwargs)
        for index, tensor in zip(self._places, tensors[: len(self._places)], strict=True):
            args[index] = tensor
        kwargs.update(zip(self._names, tensors[len(self._places) :], strict=True))
        return self._function(*args, **kwargs)

    def run_again(self, tensors: list[Tensor]) -> Any:
        """Call it a second time, with gradients."""
        with contextlib.ExitStack() as stack:
            if self._state is not None:
                stack.enter_context(random.fork_rng())
                random.set_rng_state(self._state)
            stack.enter_context(self._again)
            stack.enter_context(enable_grad())
            return self.run(tensors)


def _made(result: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Return the tensors of a result that are not simply inputs."""
    values = result if isinstance(result, (tuple, list)) else [result]
    return [value for value in values if isinstance(value, Tensor) and all(value is not each for each in inputs)]


def _leaves_behind(outputs: list[Tensor], inputs: list[Tensor]) -> list[Tensor]:
    """Return the leaves, other than the inputs, that the outputs depend on."""
    seen = {id(tensor) for tensor in inputs}
    nodes = [output._current_node() for output in outputs]
    visited: set[int] = set()
    found = []
    while nodes:
        node = nodes.pop()
        if node is None or id(node) in visited:
            continue
        visited.add(id(node))
        for edge in node.edges:
            if edge is None:
                continue
            if edge[1] != LEAF:
                nodes.append(edge[0])
            elif id(edge[0]) not in seen:
                seen.add(id(edge[0]))
                found.append(edge[0])
    return found


def _fresh(tensors: list[Tensor]) -> list[Tensor]:
    """Return the tensors on the same memory, as leaves of a graph of their own."""
    return [tensor.detach().requires_grad_(tensor.requires_grad) for tensor in tensors]


@contextlib.contextmanager
def _without_hooks(leaves: list[Tensor]) -> Iterator[None]:
    """Leave the hooks of leaves to the pass through the whole graph, which brings their gradients in the end."""
    hooks = [leaf._hooks for leaf in leaves]
    for leaf in leaves:
        leaf._hooks = None
    try:
        yield
    finally:
        for leaf, before in zip(leaves, hooks, strict=True):
            leaf._hooks = before


class _Checkpoint(autograd.Function):
    """The node that stands for the part: (part, results, number of inputs, inputs..., leaves...) to the results."""

    @staticmethod
    def forward(ctx: Any, part: _Part, outputs: list[Tensor], count: int, *tensors: Tensor) -> Any:
        """Return the results, which have been computed."""
        ctx.part, ctx.count = part, count
        ctx.save_for_backward(*tensors)
        ctx.set_materialize_grads(False)
        wanted = [output.requires_grad for output in outputs]
        detached = [output.detach() for output in outputs]
        ctx.mark_non_differentiable(*[each for each, needs in zip(detached, wanted, strict=True) if not needs])
        return tuple(detached)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Any, ...]:
        """Compute the part again, and its gradients."""
        tensors = list(ctx.saved_tensors)
        inputs, leaves = tensors[: ctx.count], tensors[ctx.count :]
        # The gradients' own graph, if there is one, reaches through views what the inputs were made of.
        inputs = [tensor.view_as(tensor) for tensor in inputs] if is_grad_enabled() else _fresh(inputs)
        outputs = _made(ctx.part.run_again(inputs), inputs)
        if len(outputs) != len(grads):
            raise RuntimeError(
                f"torch.utils.checkpoint: the function returned {len(grads)} tensors in forward and {len(outputs)} "
                "when it was called again for backward"
            )
        pairs = [(out, grad) for out, grad in zip(outputs, grads, strict=True) if grad is not None]
        wanted = [tensor for tensor in (*inputs, *leaves) if tensor.requires_grad]
        with _without_hooks(leaves):
            gradients = autograd.grad(
                [out for out, _ in pairs],
                wanted,
                [grad for _, grad in pairs],
                create_graph=is_grad_enabled(),
                allow_unused=True,
            )
        found = iter(gradients)
        return (None, None, None, *(next(found) if tensor.requires_grad else None for tensor in (*inputs, *leaves)))


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """Return `function(*args, **kwargs)`, which is computed again in backward (`torch.utils.checkpoint.checkpoint`).

    use_reentrant=True (the default, with a warning) records nothing if no tensor argument requires a gradient, as
    PyTorch's. preserve_rng_state (True): the second time draws the same random numbers. context_fn makes the contexts
    of both calls. determinism_check, debug and early_stop are accepted; how many tensors come back is checked.
    `function` returns a tensor or a tuple or list of values; tensors with a graph that it uses have to be arguments.
    Raises ValueError for unknown keywords with
    use_reentrant=True, RuntimeError if the second call returns another number of tensors.
    """
    if use_reentrant is None:
        when = "Starting in PyTorch 2.9, calling checkpoint without use_reentrant will raise an exception."
        warnings.warn(_PASS_IT.format("", when), stacklevel=2)
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if use_reentrant and kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if use_reentrant and (context_fn is not noop_context_fn or debug is not False):
        raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
    tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
    if use_reentrant and not any(tensor.requires_grad for tensor in tensors):
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)
        with no_grad():
            return function(*args, **kwargs)
    first, again = context_fn()
    part = _Part(function, args, kwargs, again)
    if preserve:
        part.remember_random_state()
    inputs = _fresh(tensors) if is_grad_enabled() else tensors
    with first:
        result = part.run(inputs)
    outputs = _made(result, inputs)
    final: dict[int, Tensor] = {id(mine): theirs for mine, theirs in zip(inputs, tensors, strict=True)}
    if any(output.requires_grad for output in outputs):
        made = _Checkpoint.apply(part, outputs, len(tensors), *tensors, *_leaves_behind(outputs, inputs))
        final.update({id(output): each for output, each in zip(outputs, made, strict=True)})
    if isinstance(result, (tuple, list)):
        return type(result)(final.get(id(value), value) for value in result)
    return final.get(id(result), result)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """Call a Sequential, or a list of functions, in `segments` parts, all but the last checkpointed.

    ValueError for unknown keywords (preserve_rng_state is known).
    """
    if use_reentrant is None:
        when = "In version 2.9 we will raise an exception if use_reentrant is not passed."
        warnings.warn(_PASS_IT.format(".checkpoint_sequential", when), stacklevel=2)
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    layers = list(functions.children()) if isinstance(functions, Sequential) else list(functions)

    def run(some: list[Any]) -> Callable[[Any], Any]:
        def forward(value: Any) -> Any:
            for layer in some:
                value = layer(value)
            return value

        return forward

    size = len(layers) // segments
    end = size * (segments - 1)
    for start in range(0, end, size or 1):
        part = run(layers[start : start + size])
        input = checkpoint(part, input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return run(layers[end:])(input)


@contextlib.contextmanager
def set_checkpoint_debug_enabled(enabled: bool | None) -> Iterator[None]:
    """Change nothing: there is no record of operations to compare."""
    yield
