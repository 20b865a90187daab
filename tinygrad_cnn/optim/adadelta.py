"""Adadelta (`torch.optim.Adadelta`)."""

from __future__ import annotations

from typing import Any, ClassVar

from tinygrad_cnn.optim._rule import (
    Group,
    Numbers,
    RuleOptimizer,
    State,
    check_lr,
    check_not_negative,
    decays,
)
from tinygrad_cnn.optim.optimizer import ParamsT, check_implementation, number
from tinygrad_cnn.tensor import Tensor

__all__ = ["Adadelta"]


class Adadelta(RuleOptimizer):
    """Steps scaled by the ratio of past steps to past gradients (Zeiler, 2012; `torch.optim.Adadelta`).

        v <- rho * v + (1 - rho) * g^2
        d = sqrt(u + eps) / sqrt(v + eps) * g
        u <- rho * u + (1 - rho) * d^2
        w <- w - lr * d

    g is the gradient (negated if `maximize`) plus weight_decay * w. `foreach` and `capturable`: as in `Adam`.
    Raises ValueError for values out of range, NotImplementedError for differentiable=True.
    """

    RULE = "ADADELTA"
    STATES = ("square_avg", "acc_delta")
    OPTIONS: ClassVar[dict[str, Any]] = {"capturable": False}

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        if not eps >= 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        check_not_negative("weight_decay", weight_decay)
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)
        check_implementation(foreach, None, differentiable)

    def _numbers(self, group: Group, state: State) -> Numbers:
        rho = group["rho"]
        return Numbers((rho, 1 - rho, group["eps"], number(group["lr"])), *decays(group))
