"""Adagrad (`torch.optim.Adagrad`)."""

from __future__ import annotations

from typing import Any, ClassVar

from tinygrad_cnn.optim._rule import (
    Group,
    Numbers,
    RuleOptimizer,
    State,
    check_lr,
    check_not_negative,
    counter,
    decays,
    full_like,
    number_of_step,
)
from tinygrad_cnn.optim.optimizer import ParamsT, check_implementation, number
from tinygrad_cnn.tensor import Tensor

__all__ = ["Adagrad"]


class Adagrad(RuleOptimizer):
    """Steps scaled by the sum of all squared gradients (Duchi, Hazan and Singer, 2011; `torch.optim.Adagrad`).

        s <- s + g^2                                        (s starts at initial_accumulator_value)
        w <- w - lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)

    g is the gradient (negated if `maximize`) plus weight_decay * w. `foreach` and `fused` choose between PyTorch's
    implementations of the same step; there is one here. The state exists from the start, not from the first step.
    Raises ValueError for values out of range, NotImplementedError for differentiable=True.
    """

    RULE = "ADAGRAD"
    STATES = ("sum",)
    OPTIONS: ClassVar[dict[str, Any]] = {"fused": None}

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr(lr)
        check_not_negative("lr_decay", lr_decay)
        check_not_negative("weight_decay", weight_decay)
        check_not_negative("initial_accumulator_value", initial_accumulator_value)
        if not eps >= 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        check_implementation(foreach, fused, differentiable)
        for group in self.param_groups:
            for param in group["params"]:
                self.state[param].update(self._start(param, group))

    def share_memory(self) -> None:
        """Do nothing: there is no memory that other processes share (`Tensor.share_memory_`)."""

    def _start(self, param: Tensor, group: Group) -> State:
        return {
            "step": counter(0.0, group),
            "sum": full_like(param, self.defaults["initial_accumulator_value"]),
        }

    def _numbers(self, group: Group, state: State) -> Numbers:
        rate = number(group["lr"]) / (1 + (number_of_step(state) - 1) * group["lr_decay"])
        return Numbers((group["eps"], rate), *decays(group))
