"""OneCycleLR: up to a high rate, then down far below the first (`torch.optim.lr_scheduler.OneCycleLR`)."""

from __future__ import annotations

import math
from typing import Any

from tinygrad_cnn.optim.lr_scheduler.base import LRScheduler, one_for_each_group
from tinygrad_cnn.optim.lr_scheduler.momentum import check_momentum, set_momentum
from tinygrad_cnn.optim.optimizer import Optimizer

__all__ = ["OneCycleLR"]


def _phase(end_step: float, lrs: tuple[str, str], momenta: tuple[str, str]) -> dict[str, Any]:
    """One stretch of the schedule: the keys of the group's values at its start and its end."""
    return {
        "end_step": end_step,
        "start_lr": lrs[0],
        "end_lr": lrs[1],
        "start_momentum": momenta[0],
        "end_momentum": momenta[1],
    }


def _phases(total: int, pct_start: float, three_phase: bool) -> list[dict[str, Any]]:
    rise = _phase(float(pct_start * total) - 1, ("initial_lr", "max_lr"), ("max_momentum", "base_momentum"))
    if not three_phase:
        return [rise, _phase(total - 1, ("max_lr", "min_lr"), ("base_momentum", "max_momentum"))]
    fall_end = float(2 * pct_start * total) - 2
    return [
        rise,
        _phase(fall_end, ("max_lr", "initial_lr"), ("base_momentum", "max_momentum")),
        _phase(total - 1, ("initial_lr", "min_lr"), ("max_momentum", "max_momentum")),
    ]


def _cosine(start: float, end: float, part: float) -> float:
    return end + (start - end) / 2.0 * (math.cos(math.pi * part) + 1)


def _linear(start: float, end: float, part: float) -> float:
    return (end - start) * part + start


def _total_steps(total_steps: Any, epochs: Any, steps_per_epoch: Any) -> int:
    if total_steps is not None:
        if total_steps <= 0 or not isinstance(total_steps, int):
            raise ValueError(f"Expected positive integer total_steps, but got {total_steps}")
        return total_steps
    if epochs is None or steps_per_epoch is None:
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    for name, value in (("epochs", epochs), ("steps_per_epoch", steps_per_epoch)):
        if not isinstance(value, int) or value <= 0:
            raise ValueError(f"Expected positive integer {name}, but got {value}")
    return epochs * steps_per_epoch


class OneCycleLR(LRScheduler):
    """The 1cycle policy (Smith and Topin, 2017; `torch.optim.lr_scheduler.OneCycleLR`). Step it after every batch.

    The rate rises from max_lr / div_factor to max_lr over the first `pct_start` of the steps, then falls to
    max_lr / div_factor / final_div_factor; with three_phase it falls back to the first rate as slowly as it rose, and
    only then on to the last. With cycle_momentum the momentum (Adam: the first beta) goes the other way, between
    max_momentum and base_momentum. max_lr and the momenta: a number, or a list with one for each group.
    Steps: total_steps, or epochs * steps_per_epoch. anneal_strategy: "cos" or "linear".
    Raises ValueError for values out of range, and at a step beyond the last.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        self.total_steps = _total_steps(total_steps, epochs, steps_per_epoch)
        if pct_start < 0 or pct_start > 1 or not isinstance(pct_start, float):
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        self._anneal_func_type = anneal_strategy
        max_lrs = one_for_each_group("max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for group, high in zip(optimizer.param_groups, max_lrs, strict=True):
                group["initial_lr"] = high / div_factor
                group["max_lr"] = high
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._start_momentum(base_momentum, max_momentum, fresh=last_epoch == -1)
        super().__init__(optimizer, last_epoch)

    def _start_momentum(self, base: Any, maximum: Any, fresh: bool) -> None:
        self.use_beta1 = check_momentum(self.optimizer)
        maxima = one_for_each_group("max_momentum", self.optimizer, maximum)
        bases = one_for_each_group("base_momentum", self.optimizer, base)
        if not fresh:
            return
        for group, high, low in zip(self.optimizer.param_groups, maxima, bases, strict=True):
            set_momentum(group, high, self.use_beta1)
            group["max_momentum"] = high
            group["base_momentum"] = low

    def get_lr(self) -> list[Any]:
        """Compute the rates of `last_epoch`, and set the momenta."""
        self._warn_outside_step()
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(f"Tried to step {step} times. The specified number of total steps is {self.total_steps}")
        start: float = 0.0
        phase = self._schedule_phases[-1]
        for candidate in self._schedule_phases:
            if step <= candidate["end_step"] or candidate is self._schedule_phases[-1]:
                phase = candidate
                break
            start = candidate["end_step"]
        part = (step - start) / (phase["end_step"] - start)
        anneal = _cosine if self._anneal_func_type == "cos" else _linear
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(anneal(group[phase["start_lr"]], group[phase["end_lr"]], part))
            if self.cycle_momentum:
                value = anneal(group[phase["start_momentum"]], group[phase["end_momentum"]], part)
                set_momentum(group, value, self.use_beta1)
        return rates
