"""Full backward hooks of a module: two identity nodes in the graph, around what its forward did.

Backward passes the node behind the outputs first: the gradients that arrive there are `grad_output`. What arrives at
the node before the inputs, later, is `grad_input`; then the user's hooks are called with both.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from tinygrad_cnn.autograd.grad_mode import is_grad_enabled
from tinygrad_cnn.autograd.operation import Operation
from tinygrad_cnn.tensor import Tensor

Grads = tuple[Any, ...]


class HookPoint(Operation):
    """The identity on any number of tensors; backward passes on what `callback` makes of the gradients."""

    grad_name = "BackwardHookFunctionBackward"

    def forward(self, *arrays: Any, callback: Callable[[Grads], Grads]) -> Any:
        """Return the inputs."""
        self.callback = callback
        return arrays

    def backward(self, *grads: Any) -> Grads:
        """Return what the callback makes of the gradients."""
        return self.callback(grads)


class BackwardHooks:
    """The hooks of one call of a module, and the gradients on their way between the two nodes."""

    def __init__(self, module: Any, hooks: list[Callable[..., Any]], pre_hooks: list[Callable[..., Any]]) -> None:
        self.module, self.hooks, self.pre_hooks = module, hooks, pre_hooks
        self.grad_outputs: Grads | None = None
        self.inputs_recorded = False
        self.input_count = 0

    def wrap_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Put the second node before those of `args` that require a gradient."""
        self.input_count = len(args)
        args, self.inputs_recorded = _insert_node(args, self.on_inputs)
        return args

    def wrap_outputs(self, result: Any) -> Any:
        """Put the first node behind the output, a Tensor or a tuple of Tensors."""
        if isinstance(result, tuple):
            return _insert_node(result, self.on_outputs)[0]
        if not isinstance(result, Tensor):
            warnings.warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors but received "
                f"{type(result)}",
                stacklevel=2,
            )
        return _insert_node((result,), self.on_outputs)[0][0]

    def on_outputs(self, grads: Grads) -> Grads:
        """The gradients of the outputs are known."""
        for hook in self.pre_hooks:
            new = hook(self.module, grads)
            if new is None:
                continue
            if len(new) != len(grads):
                raise RuntimeError(
                    "Backward pre hook returned an invalid number of grad_output, "
                    f"got {len(new)}, but expected {len(grads)}"
                )
            grads = new
        self.grad_outputs = grads
        if not self.inputs_recorded:
            self.fire_without_inputs(grads)
        return grads

    def fire_without_inputs(self, grads: Grads) -> None:
        """No gradient will ever reach the inputs, so the hooks are called now."""
        if not self.hooks:
            return
        warnings.warn(
            "Full backward hook is firing when gradients are computed with respect to module outputs since no inputs "
            "require gradients.",
            stacklevel=5,
        )
        for hook in self.hooks:
            new = hook(self.module, (None,) * self.input_count, grads)
            if new is not None and not (isinstance(new, tuple) and all(grad is None for grad in new)):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None or None for "
                    "all gradients."
                )
        self.grad_outputs = None

    def on_inputs(self, grads: Grads) -> Grads:
        """The gradients of the inputs are known; those of the outputs came before."""
        if self.grad_outputs is None:  # the gradient came past the outputs, as it may in a double backward
            return grads
        for hook in self.hooks:
            new = hook(self.module, grads, self.grad_outputs)
            if new is None:
                continue
            if len(new) != len(grads):
                raise RuntimeError(
                    f"Backward hook returned an invalid number of grad_input, got {len(new)}, but expected {len(grads)}"
                )
            grads = new
        self.grad_outputs = None
        return grads


def _insert_node(values: tuple[Any, ...], on_grads: Callable[[Grads], Grads]) -> tuple[tuple[Any, ...], bool]:
    """Send the tensors among `values` that require a gradient through one HookPoint.

    `on_grads` sees one gradient for each of `values`, None for those that did not go through. Returns the new values
    and whether there was any to send.
    """
    chosen = [i for i, value in enumerate(values) if isinstance(value, Tensor) and value.requires_grad]
    if not chosen or not is_grad_enabled():
        return values, False

    def callback(grads: Grads) -> Grads:
        spread: list[Any] = [None] * len(values_out)
        for i, grad in zip(chosen, grads, strict=True):
            spread[i] = grad
        changed = on_grads(tuple(spread))
        return tuple([changed[i] for i in chosen])

    values_out = list(values)
    tensors = HookPoint.apply(*[values[i] for i in chosen], callback=callback)
    for i, tensor in zip(chosen, tensors, strict=True):
        # The result shares the memory, so a change of the one must be seen in the other.
        tensor._version_counter = values[i]._counter()
        values_out[i] = tensor
    kind = type(values)
    return (tuple(values_out) if kind is tuple else kind(*values_out)), True


# ---------------------------------------------------------------- the old hooks, of the last node only


def only_full(known: bool | None, full: bool, where: str) -> bool:
    """Return `full`, what kind of backward hooks there are; RuntimeError if there are others already."""
    if known is not None and known is not full:
        raise RuntimeError(
            f"Cannot use both regular backward hooks and full backward hooks {where}. Please use only one of them."
        )
    return full


def hook_last_node(module: Any, hooks: list[Callable[..., Any]], inputs: tuple[Any, ...], result: Any) -> None:
    """Let the node that made the result, or the first tensor in it, call the hooks; warn of what they do not see."""
    first = result
    while not isinstance(first, Tensor):
        first = next(v for v in first.values() if isinstance(v, Tensor)) if isinstance(first, dict) else first[0]
    node = first.grad_fn
    if node is None:
        return
    for hook in hooks:
        node.register_hook(functools.partial(hook, module))
    problem = _what_is_missed(inputs, result, node)
    if problem:
        warnings.warn(
            f"Using {problem} Please use register_full_backward_hook to get the documented behavior.",
            FutureWarning,
            stacklevel=5,
        )


def _what_is_missed(inputs: tuple[Any, ...], result: Any, node: Any) -> str:
    """Return PyTorch's words for why the gradients of the last node are not those of the module; '' if they are."""
    deprecated = "is deprecated and will be removed in future versions. This hook will be missing some"
    outputs = (result,) if isinstance(result, Tensor) else result
    if not (isinstance(outputs, tuple) and all(isinstance(one, Tensor) for one in outputs)):
        return (
            "non-full backward hooks on a Module that does not return a single Tensor or a tuple of Tensors "
            f"{deprecated} of the grad_output."
        )
    if not all(isinstance(one, Tensor) for one in inputs):
        return (
            "non-full backward hooks on a Module that does not take as input a single Tensor or a tuple of Tensors "
            f"{deprecated} of the grad_input."
        )
    if len({one.grad_fn for one in outputs if one.grad_fn is not None}) > 1:
        return (
            f"a non-full backward hook when outputs are generated by different autograd Nodes {deprecated} grad_output."
        )
    if {one.grad_fn for one in inputs} != {edge[0] for edge in node.next_functions}:
        return f"a non-full backward hook when the forward contains multiple autograd Nodes {deprecated} grad_input."
    return ""
