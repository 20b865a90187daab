"""Optimizer: parameter groups, state and its saved form, as `torch.optim.Optimizer` has them."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import chain
from typing import Any

from tinygrad_cnn._absent import abstract
from tinygrad_cnn.autograd.grad_mode import enable_grad
from tinygrad_cnn.optim._batch import Kept
from tinygrad_cnn.optim._hooks import (
    OptimizerHooks,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from tinygrad_cnn.tensor import Tensor

__all__ = [
    "Optimizer",
    "ParamsT",
    "register_optimizer_step_post_hook",
    "register_optimizer_step_pre_hook",
    "required",
]

ParamsT = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]


class _RequiredParameter:
    """The default value of an option that every parameter group has to give."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _RequiredParameter()


def type_name(value: object) -> str:
    """Return the name that error messages print for the type of `value`."""
    if isinstance(value, Tensor):
        return str(value.type())
    cls = type(value)
    return cls.__name__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def number(value: Any) -> float:
    """Return an option (learning rate, beta, decay: a number or a one-element Tensor) as a Python number."""
    return value.item() if isinstance(value, Tensor) else value


def check_implementation(foreach: bool | None, fused: bool | None, differentiable: bool) -> None:
    """Refuse combinations of the flags that choose an implementation, as PyTorch does, and what there is none for."""
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
    if differentiable:
        raise NotImplementedError("differentiable=True: a step that is itself part of the graph is not implemented")


def _tensors_and_names(entries: list[Any]) -> tuple[list[Any], list[str]]:
    """Split a group's parameters, given bare or as (name, tensor), into tensors and names (empty if bare)."""
    names = [entry[0] for entry in entries if isinstance(entry, tuple)]
    tensors = [entry[1] if isinstance(entry, tuple) else entry for entry in entries]
    if names and len(names) != len(tensors):
        raise ValueError("all optimizer params should be with/without names. Some param names are missing")
    return tensors, names


class Optimizer(OptimizerHooks):
    """Base class of all optimizers (`torch.optim.Optimizer`).

    params: an iterable of Tensors, of (name, Tensor) pairs, or of dictionaries, each a group with its own options
    (`{"params": ..., "lr": ...}`). defaults: the options of groups that do not give their own.
    Raises TypeError for what is not a Tensor or an ordered collection, ValueError for an empty list, for a Tensor that
    is no leaf, and for a parameter that is in two groups.
    """

    def __init__(self, params: ParamsT, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self._kept = Kept()
        self._prepare_hooks()
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                + type_name(params)
            )
        self.state: defaultdict[Any, Any] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._kept = Kept()
        self._prepare_hooks()
        self.defaults.setdefault("differentiable", False)

    def __repr__(self) -> str:
        text = type(self).__name__ + " ("
        for index, group in enumerate(self.param_groups):
            options = "".join([f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params"])
            text += f"\nParameter Group {index}\n{options}"
        return text + ")"

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change the parameters once. closure: recomputes the loss and its gradients; its value is returned."""
        raise abstract(self, "step")

    @staticmethod
    def _evaluate(closure: Callable[[], Any] | None) -> Any:
        """Call the closure with gradients on, whatever the caller's mode."""
        if closure is None:
            return None
        with enable_grad():
            return closure()

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters; with set_to_none=False fill those that exist with zeros instead."""
        for group in self.param_groups:
            for param in group["params"]:
                grad = param._grad
                if grad is None:
                    continue
                if set_to_none:
                    param._grad = None
                    continue
                if grad.grad_fn is not None:
                    grad.detach_()
                else:
                    grad.requires_grad_(False)
                grad.zero_()

    # ---------------------------------------------------------------- groups

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters: a dictionary with "params" and the options that differ from the defaults."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
                "will change between runs. Please use a list instead."
            )
        tensors, names = _tensors_and_names([params] if isinstance(params, Tensor) else list(params))
        param_group["params"] = tensors
        if names:
            param_group["param_names"] = names
        self._check_tensors(tensors)
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
            param_group.setdefault(name, default)
        self._check_overlap(param_group)
        self.param_groups.append(param_group)

    def _check_tensors(self, params: list[Any]) -> None:
        for param in params:
            if not isinstance(param, Tensor):
                raise TypeError("optimizer can only optimize Tensors, but one of the params is " + type_name(param))
            if not self.defaults.get("differentiable") and not (param.is_leaf or param.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")

    def _check_overlap(self, new: dict[str, Any]) -> None:
        ids = {id(param) for param in new["params"]}
        if len(ids) != len(new["params"]):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; "
                "see github.com/pytorch/pytorch/issues/40967 for more information",
                stacklevel=4,
            )
        for group in self.param_groups:
            if ("param_names" in new) != ("param_names" in group):
                kind = "with names" if "param_names" in new else "without names"
                raise ValueError(
                    f"all optimizer param groups should be with/without names. cannot add param group {kind} to the "
                    "optimizer"
                )
        if any(id(param) in ids for group in self.param_groups for param in group["params"]):
            raise ValueError("some parameters appear in more than one parameter group")

    # ---------------------------------------------------------------- saved form

    def state_dict(self) -> dict[str, Any]:
        """Return {"state": ..., "param_groups": ...} with each parameter replaced by its running number.

        The layout is PyTorch's, so that a state saved by either library loads in the other. Tensors are not copied.
        """
        for pre_hook in self._optimizer_state_dict_pre_hooks.values():
            pre_hook(self)
        numbers: dict[int, int] = {}
        packed_groups = []
        start = 0
        for group in self.param_groups:
            for index, param in enumerate(group["params"], start):
                numbers.setdefault(id(param), index)
            packed = {key: value for key, value in group.items() if key != "params"}
            packed["params"] = [numbers[id(param)] for param in group["params"]]
            start += len(packed["params"])
            packed_groups.append(packed)
        state = {(numbers[id(key)] if isinstance(key, Tensor) else key): value for key, value in self.state.items()}
        result: dict[str, Any] = {"state": state, "param_groups": packed_groups}
        for post_hook in self._optimizer_state_dict_post_hooks.values():
            changed = post_hook(self, result)
            if changed is not None:
                result = changed
        return result

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over options and state from what `state_dict` returned; ValueError if the groups do not match.

        Parameters are matched by their order. Load after a scheduler was made: making one overwrites the rates.
        """
        state_dict = state_dict.copy()
        for pre_hook in self._optimizer_load_state_dict_pre_hooks.values():
            changed = pre_hook(self, state_dict)
            if changed is not None:
                state_dict = changed
        # A copy: the loaded options become this optimizer's own.
        saved_groups = deepcopy(state_dict["param_groups"])
        self._check_groups(saved_groups)
        saved_ids = chain.from_iterable(group["params"] for group in saved_groups)
        params = chain.from_iterable(group["params"] for group in self.param_groups)
        by_id = dict(zip(saved_ids, params, strict=True))
        state: defaultdict[Any, Any] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in by_id:
                state[by_id[key]] = _adapt(by_id[key], value, key, state_dict["param_groups"])
            else:
                state[key] = value
        for group, saved in zip(self.param_groups, saved_groups, strict=True):
            saved["params"] = group["params"]
            if "param_names" in group:
                saved.setdefault("param_names", group["param_names"])
        self.__setstate__({"state": state, "param_groups": saved_groups})
        for post_hook in self._optimizer_load_state_dict_post_hooks.values():
            post_hook(self)

    def _check_groups(self, saved: list[dict[str, Any]]) -> None:
        if len(self.param_groups) != len(saved):
            raise ValueError("loaded state dict has a different number of parameter groups")
        lengths = [len(group["params"]) for group in self.param_groups]
        if lengths != [len(group["params"]) for group in saved]:
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )


def _adapt(param: Tensor, value: Any, param_id: Any, groups: list[dict[str, Any]], key: Any = None) -> Any:
    """Give loaded state the parameter's dtype; the counter "step" keeps its own (float32 holds 2**24 steps exactly,
    a lower precision would not), except in a fused group, where PyTorch makes it float32."""
    if isinstance(value, Tensor):
        if key == "step":
            group = next((group for group in groups if param_id in group["params"]), {})
            return value.float() if group.get("capturable") or group.get("fused") else value
        return value.to(param.dtype) if param.is_floating_point() else value
    if isinstance(value, dict):
        return {name: _adapt(param, item, param_id, groups, name) for name, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return type(value)([_adapt(param, item, param_id, groups) for item in value])  # type: ignore[call-arg]
    return value
