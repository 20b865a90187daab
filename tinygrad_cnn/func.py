"""Modules as functions of their parameters (`torch.func`): functional_call, stack_module_state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_cnn.nn.modules.module import Module
from tinygrad_cnn.nn.utils.stateless import call
from tinygrad_cnn.ops.joining import stack
from tinygrad_cnn.tensor import Tensor

__all__ = ["functional_call", "stack_module_state"]


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: dict[str, Tensor] | Sequence[dict[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Return module(*args, **kwargs) with the tensors of one or several dictionaries in the places of the parameters
    and buffers of these dotted names; the module itself stays as it was.

    tie_weights: a parameter with several names needs only one of them. strict: all names must be given, and no others
    (RuntimeError). Changes of buffers (running statistics) are made in the given tensors. ValueError for a name in two
    dictionaries, or tied names with different tensors.
    """
    dicts = parameter_and_buffer_dicts
    if isinstance(dicts, dict):
        tensors = dicts
    elif isinstance(dicts, Sequence):
        if not all(isinstance(one, dict) for one in dicts):
            raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
        names = [name for one in dicts for name in one]
        repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
        if repeated:
            raise ValueError(f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous")
        tensors = {name: tensor for one in dicts for name, tensor in one.items()}
    else:
        raise ValueError(
            f"Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got {type(dicts)}"
        )
    return call(module, tensors, args, kwargs, tie_weights=tie_weights, strict=strict)


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the parameters and the buffers of models of one class, each stacked along a new first dimension, as
    leaves. RuntimeError for no models, or models that differ in class or mode."""
    if len(models) == 0:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({model.training for model in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if len({type(model) for model in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    parameters = [dict(model.named_parameters()) for model in models]
    buffers = [dict(model.named_buffers()) for model in models]
    return _stacked(parameters), _stacked(buffers)


def _stacked(members: list[dict[str, Any]]) -> dict[str, Tensor]:
    result = {}
    for name in members[0]:
        tensors = [one[name] for one in members]
        if len({tensor.requires_grad for tensor in tensors}) > 1:
            raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
        result[name] = stack(tensors).detach().requires_grad_(tensors[0].requires_grad)
    return result
