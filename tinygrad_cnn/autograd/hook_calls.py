"""Hooks that backward calls with gradients, and what it refuses of the values that they return."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.dtypes import scalar_name
from tinygrad_cnn.tensor import Tensor

__all__ = ["call_node_hooks", "call_tensor_hooks"]


def call_tensor_hooks(hooks: dict[int, Any], grad: Tensor) -> Tensor:
    """Pass a gradient through the hooks of a tensor; a hook that returns a tensor replaces it."""
    for hook in tuple(hooks.values()):
        changed = hook(grad)
        if changed is not None:
            _check(hook, grad, changed)
            grad = changed
    return grad


def call_node_hooks(hooks: dict[int, Any], grads: tuple[Any, ...], *more: Any) -> tuple[Any, ...]:
    """Pass gradients, None where there is none, through the hooks of a node, which see `more` as well.

    A hook that returns a tuple replaces them; None in it removes a gradient.
    """
    for hook in tuple(hooks.values()):
        changed = hook(grads, *more)
        if changed is None:
            continue
        if not isinstance(changed, tuple):
            raise TypeError(f"expected tuple, but hook returned '{type(changed).__name__}'")
        if len(changed) != len(grads):
            raise RuntimeError(
                f"hook '{_name(hook)}' has returned an incorrect number of values (got {len(changed)}, but expected "
                f"{len(grads)})"
            )
        for before, after in zip(grads, changed, strict=True):
            if after is not None:
                _check(hook, before, after)
        grads = changed
    return grads


def _check(hook: Any, before: Tensor | None, after: Any) -> None:
    """Refuse what PyTorch refuses, with its words (torch/csrc/autograd/python_hook.cpp)."""
    if before is None:
        raise RuntimeError("can't replace a None gradient with a non-None value")
    if not isinstance(after, Tensor):
        raise TypeError(f"expected Variable, but hook returned '{type(after).__name__}'")
    if after.shape != before.shape:
        raise RuntimeError(f"hook '{_name(hook)}' has changed the size of value")
    if after.dtype is not before.dtype:
        was, got = (f"torch.{scalar_name(tensor.dtype)}Tensor" for tensor in (before, after))
        raise RuntimeError(f"hook '{_name(hook)}' has changed the type of value (was {was} got {got})")


def _name(hook: Any) -> str:
    return str(getattr(hook, "__name__", hook))
