"""Pruning: masks that set parts of a parameter to 0 (`torch.nn.utils.prune`).

A pruned parameter `name` becomes `name_orig` (the parameter) times `name_mask` (a buffer), multiplied before each
forward by a hook, the pruning method. `amount`: an int is a number of elements or slices, a float the part of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from tinygrad_cnn.like import ones_like
from tinygrad_cnn.nn.modules.module import Module
from tinygrad_cnn.nn.utils.convert_parameters import parameters_to_vector
from tinygrad_cnn.nn.utils.prune_methods import (
    BasePruningMethod,
    CustomFromMask,
    Identity,
    L1Unstructured,
    LnStructured,
    PruningContainer,
    RandomStructured,
    RandomUnstructured,
)
from tinygrad_cnn.tensor import Tensor

__all__ = [
    "BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured", "PruningContainer",
    "RandomStructured", "RandomUnstructured", "custom_from_mask", "global_unstructured", "identity", "is_pruned",
    "l1_unstructured", "ln_structured", "random_structured", "random_unstructured", "remove",
]  # fmt: skip

M = TypeVar("M", bound=Module)


# ---- functions: each prunes the parameter `name` of a module and returns the module ----


def identity(module: M, name: str) -> M:
    """Make a mask of ones."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: M, name: str, amount: Any) -> M:
    """Prune elements at random."""
    RandomUnstructured.apply(module, name, amount=amount)
    return module


def l1_unstructured(module: M, name: str, amount: Any, importance_scores: Tensor | None = None) -> M:
    """Prune the elements of the smallest magnitude."""
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module: M, name: str, amount: Any, dim: int) -> M:
    """Prune slices along `dim` at random."""
    RandomStructured.apply(module, name, amount=amount, dim=dim)
    return module


def ln_structured(module: M, name: str, amount: Any, n: Any, dim: int, importance_scores: Tensor | None = None) -> M:
    """Prune the slices along `dim` with the smallest norms of order n."""
    LnStructured.apply(module, name, amount=amount, n=n, dim=dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: M, name: str, mask: Tensor) -> M:
    """Prune where the mask is 0."""
    CustomFromMask.apply(module, name, mask=mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[Any],
    importance_scores: dict[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune elements of several parameters, (module, name) each, as if they were one.

    TypeError for a method that is not unstructured. The other arguments are those of the method.
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    importance_scores = {} if importance_scores is None else importance_scores
    if not isinstance(importance_scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    members = [(module, name, getattr(module, name)) for module, name in parameters]
    scores = parameters_to_vector([importance_scores.get((module, name), value) for module, name, value in members])
    masks = parameters_to_vector([getattr(module, f"{name}_mask", ones_like(t)) for module, name, t in members])
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. '
            f"Found method {pruning_method} of type {method.PRUNING_TYPE}"
        )
    found = PruningContainer(method).compute_mask(scores, masks)
    for (module, name, value), mask in zip(members, found.split([t.numel() for *_, t in members]), strict=True):
        custom_from_mask(module, name, mask=mask.view_as(value))


def remove(module: M, name: str) -> M:
    """Make the pruning of the parameter `name` permanent; return the module. ValueError if it is not pruned."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            hook.remove(module)
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")


def is_pruned(module: Module) -> bool:
    """Return whether any module below this one, or itself, is pruned."""
    hooks = (hook for child in module.modules() for hook in child._forward_pre_hooks.values())
    return any(isinstance(hook, BasePruningMethod) for hook in hooks)
