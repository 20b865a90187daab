"""ASGD (`torch.optim.ASGD`)."""

from __future__ import annotations

from typing import Any, ClassVar

from tinygrad_cnn.optim._rule import (
    Group,
    Numbers,
    RuleOptimizer,
    State,
    check_lr,
    check_not_negative,
    count,
    counter,
    number_of_step,
    zeros_like,
)
from tinygrad_cnn.optim.optimizer import ParamsT, check_implementation, number
from tinygrad_cnn.tensor import Tensor

__all__ = ["ASGD"]


class ASGD(RuleOptimizer):
    """Averaged stochastic gradient descent (Polyak and Juditsky, 1992; `torch.optim.ASGD`).

        w <- (1 - lambd * eta) * w - eta * g
        ax <- ax + (w - ax) * mu                         (state "ax": the average)
        eta <- lr / (1 + lambd * lr * t)^alpha
        mu <- 1 / max(1, t - t0)

    g is the gradient (negated if `maximize`) plus weight_decay * w. `foreach` and `capturable`: as in `Adam`.
    Raises ValueError for values out of range, NotImplementedError for differentiable=True.
    """

    RULE = "ASGD"
    STATES = ("ax",)
    OPTIONS: ClassVar[dict[str, Any]] = {"capturable": False}
    SCALARS = ("step", "eta", "mu")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative("weight_decay", weight_decay)
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
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
            "eta": counter(number(group["lr"]), group),
            "mu": counter(1.0, group),
            "ax": zeros_like(param),
        }

    def _numbers(self, group: Group, state: State) -> Numbers:
        eta, mu = float(state["eta"]._array), float(state["mu"]._array)
        return Numbers((eta, mu), number(group["weight_decay"]), 1 - group["lambd"] * eta)

    def _count(self, group: Group, state: State) -> None:
        step, lambd, lr = number_of_step(state), group["lambd"], number(group["lr"])
        # By way of the default dtype, as in PyTorch: a loaded state has the parameter's.
        state["eta"]._array[...] = counter(lr / (1 + lambd * lr * step) ** group["alpha"], group)._array
        state["mu"]._array[...] = counter(1 / max(1, step - group["t0"]), group)._array
        count(state)
