"""Rprop (`torch.optim.Rprop`)."""

from __future__ import annotations

from typing import Any, ClassVar

from tinygrad_cnn.optim._rule import (
    Group,
    Numbers,
    RuleOptimizer,
    State,
    check_lr,
    counter,
    full_like,
    zeros_like,
)
from tinygrad_cnn.optim.optimizer import ParamsT, check_implementation, number
from tinygrad_cnn.tensor import Tensor

__all__ = ["Rprop"]


class Rprop(RuleOptimizer):
    """Resilient backpropagation: steps that follow the gradient's sign alone (Riedmiller and Braun, 1993;
    `torch.optim.Rprop`).

    Each element has a step size, lr at first. It grows by etas[1] while the gradient keeps its sign and shrinks by
    etas[0] where that changes, within step_sizes; after a change the element rests for one step.
    `foreach` and `capturable`: as in `Adam`. Raises ValueError for values out of range, NotImplementedError for
    differentiable=True.
    """

    RULE = "RPROP"
    STATES = ("prev", "step_size")
    OPTIONS: ClassVar[dict[str, Any]] = {"capturable": False}

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)
        check_implementation(foreach, None, differentiable)

    def _start(self, param: Tensor, group: Group) -> State:
        return {
            "step": counter(0.0, group),
            "prev": zeros_like(param),
            "step_size": full_like(param, number(group["lr"])),
        }

    def _numbers(self, group: Group, state: State) -> Numbers:
        return Numbers((*group["etas"], *group["step_sizes"]))
