"""What the optimizers whose step is one of the core's rules have in common: state, counters, batches.

A subclass names its rule and the states that the core changes, makes the state of a parameter at its first step, and
turns a group's options and a parameter's counters into the numbers of the rule. Parameters with equal numbers are
changed in one call of the core.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn._absent import abstract
from tinygrad_cnn.casts import cast_array
from tinygrad_cnn.dtypes import float32, get_default_dtype
from tinygrad_cnn.optim._batch import Batch, Batches, turns
from tinygrad_cnn.optim.optimizer import Optimizer, number
from tinygrad_cnn.tensor import Tensor, wrap

State = dict[str, Any]
Group = dict[str, Any]


class Numbers(NamedTuple):
    """What one step of a parameter needs besides its arrays; equal for the parameters that go together."""

    values: tuple[float, ...]  # of the rule, as core.h lists them
    weight_decay: float = 0.0  # added to the gradient
    shrink: float = 1.0  # factor of the parameter before the step


class RuleOptimizer(Optimizer):
    """An optimizer whose step is a rule of the core (`tc_optim`)."""

    RULE: ClassVar[str]
    STATES: ClassVar[tuple[str, ...]]  # in the rule's order
    OPTIONS: ClassVar[dict[str, Any]] = {}  # options that states saved by an older PyTorch lack, with their defaults
    SCALARS: ClassVar[tuple[str, ...]] = ("step",)  # entries of the state that count, 0-d Tensors

    def _names(self, group: Group) -> tuple[str, ...]:
        """Return the states that are in use with a group's options."""
        return self.STATES

    def _start(self, param: Tensor, group: Group) -> State:
        """Return the state before a parameter's first step, in PyTorch's order."""
        return {"step": counter(0.0, group), **{name: zeros_like(param) for name in self._names(group)}}

    def _numbers(self, group: Group, state: State) -> Numbers:
        """Return the numbers of the rule for the step that a parameter is at."""
        raise abstract(self, "_numbers")

    def _count(self, group: Group, state: State) -> None:
        """Count a step of a parameter, after it is done: one that fails has not been."""
        count(state)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient once; return the closure's loss if one is given."""
        loss = self._evaluate(closure)
        for index, group in enumerate(self.param_groups):
            self._step_group(index, group)
        return loss

    def _step_group(self, index: int, group: Group) -> None:
        names = self._names(group)
        kept = self._kept.get(index, group["params"], names, self.state)
        if kept is not None:
            check_capturable(group)
            found = [self._numbers(group, entry) for entry in kept.entries]
            if found.count(found[0]) == len(found):
                self._call(group, kept, found[0])
                return
        for params in turns(group["params"]):
            batches = self._batches(params, group, names)
            for (_, numbers), batch in batches:
                self._call(group, batch, numbers)
            self._kept.put(index, group["params"], batches, self.state)

    def _batches(self, params: list[Tensor], group: Group, names: tuple[str, ...]) -> Batches:
        """Sort the parameters by dtype and the numbers of their step."""
        batches = Batches(names)
        for param in params:
            check_capturable(group)
            state: State = self.state[param]
            if not state:
                state.update(self._start(param, group))
            batches.batch(param._array.dtype, self._numbers(group, state)).add(param, state)
        return batches

    def _call(self, group: Group, batch: Batch, numbers: Numbers) -> None:
        core.optim_rule(
            batch.table(),
            self.RULE,
            numbers.values,
            weight_decay=numbers.weight_decay,
            shrink=numbers.shrink,
            maximize=bool(group["maximize"]),
            columns=[batch.names.index(name) if name in batch.names else None for name in self.STATES],
        )
        batch.finish()
        for entry in batch.entries:
            self._count(group, entry)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            for name, value in {"foreach": None, "maximize": False, "differentiable": False, **self.OPTIONS}.items():
                group.setdefault(name, value)
            for param in group["params"]:
                entry: State = self.state.get(param) or {}
                for name in self.SCALARS if entry else ():
                    if not isinstance(entry[name], Tensor):  # PyTorch before 1.12 saved Python numbers
                        entry[name] = counter(float(entry[name]), group)


def check_capturable(group: Group) -> None:
    """Raise AssertionError where a step is to be captured, as PyTorch does on the CPU."""
    if group.get("capturable"):
        raise AssertionError(
            "If capturable=True, params and state_steps must be on supported devices: "
            "['cuda', 'xpu', 'hpu', 'privateuseone', 'xla']."
        )


def counter(value: float, group: Group) -> Tensor:
    """Return a 0-d Tensor that counts: of the default dtype, float32 in a fused group as in PyTorch."""
    dtype = float32 if group.get("fused") else get_default_dtype()
    return wrap(np.full((), value, dtype._numpy))


def number_of_step(state: State) -> float:
    """Return the number of the step that a parameter is at, 1 for the first; it is counted when it is done."""
    return float(state["step"]._array + 1)


def count(state: State) -> None:
    """Count a step of a parameter."""
    array = state["step"]._array
    array += 1


def zeros_like(param: Tensor) -> Tensor:
    """Return dense zeros of a parameter's shape and dtype, outside of any graph."""
    return wrap(core.zeros(param._array.shape, param._array.dtype))


def full_like(param: Tensor, value: float) -> Tensor:
    """Return a dense array of a parameter's shape and dtype filled with a number."""
    return wrap(cast_array(np.full(param._array.shape, value), param._array.dtype))


def check_lr(lr: float | Tensor) -> None:
    """Raise ValueError for a learning rate that is negative or no single number."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    if not lr >= 0.0:
        raise ValueError(f"Invalid learning rate: {lr}")


def check_not_negative(what: str, value: float) -> None:
    """Raise ValueError for a negative option."""
    if not value >= 0.0:
        raise ValueError(f"Invalid {what} value: {value}")


def check_adam_like(lr: float | Tensor, betas: tuple[float, float], eps: float, weight_decay: float) -> None:
    """Raise ValueError for options of Adam's relatives that are out of range."""
    check_lr(lr)
    if not eps >= 0.0:
        raise ValueError(f"Invalid epsilon value: {eps}")
    for index in (0, 1):
        if not 0.0 <= betas[index] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {betas[index]}")
    check_not_negative("weight_decay", weight_decay)


def decays(group: Group) -> tuple[float, float]:
    """Return a group's weight decay as (what is added to the gradient, the factor of the parameter)."""
    weight_decay = number(group["weight_decay"])
    if group.get("decoupled_weight_decay") and weight_decay != 0:
        return 0.0, 1 - number(group["lr"]) * weight_decay
    return weight_decay, 1.0
