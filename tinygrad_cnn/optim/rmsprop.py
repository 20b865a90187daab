"""RMSprop (`torch.optim.RMSprop`)."""

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

__all__ = ["RMSprop"]


class RMSprop(RuleOptimizer):
    """Steps scaled by a running average of squared gradients (Tieleman and Hinton, 2012; `torch.optim.RMSprop`).

        v <- alpha * v + (1 - alpha) * g^2
        a <- alpha * a + (1 - alpha) * g                 (only if centered: v - a^2 in place of v below; Graves, 2013)
        b <- momentum * b + g / (sqrt(v) + eps)
        w <- w - lr * b

    g is the gradient (negated if `maximize`) plus weight_decay * w. `foreach` and `capturable`: as in `Adam`.
    Raises ValueError for values out of range, NotImplementedError for differentiable=True.
    """

    RULE = "RMSPROP"
    STATES = ("square_avg", "grad_avg", "momentum_buffer")
    OPTIONS: ClassVar[dict[str, Any]] = {"momentum": 0, "centered": False, "capturable": False}

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not eps >= 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        check_not_negative("momentum", momentum)
        check_not_negative("weight_decay", weight_decay)
        check_not_negative("alpha", alpha)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)
        check_implementation(foreach, None, differentiable)

    def _names(self, group: Group) -> tuple[str, ...]:
        names = ["square_avg"]
        if group["momentum"] > 0:
            names.append("momentum_buffer")
        if group["centered"]:
            names.append("grad_avg")
        return tuple(names)

    def _numbers(self, group: Group, state: State) -> Numbers:
        alpha, rate = group["alpha"], number(group["lr"])
        return Numbers((alpha, 1 - alpha, group["eps"], rate, group["momentum"]), *decays(group))
