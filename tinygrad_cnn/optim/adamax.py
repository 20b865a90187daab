"""Adamax (`torch.optim.Adamax`)."""

from __future__ import annotations

from typing import Any, ClassVar

from tinygrad_cnn.optim._rule import Group, Numbers, RuleOptimizer, State, check_adam_like, decays, number_of_step
from tinygrad_cnn.optim.optimizer import ParamsT, check_implementation, number
from tinygrad_cnn.tensor import Tensor

__all__ = ["Adamax"]


class Adamax(RuleOptimizer):
    """Adam with the infinity norm as second moment (Kingma and Ba, 2014; `torch.optim.Adamax`).

        m <- beta1 * m + (1 - beta1) * g
        u <- max(beta2 * u, |g| + eps)
        w <- w - lr / (1 - beta1^t) * m / u

    g is the gradient (negated if `maximize`) plus weight_decay * w. `foreach` and `capturable` choose between
    PyTorch's implementations of the same step; there is one here (capturable=True fails at `step` as PyTorch's does on
    the CPU). Raises ValueError for values out of range, NotImplementedError for differentiable=True.
    """

    RULE = "ADAMAX"
    STATES = ("exp_avg", "exp_inf")
    OPTIONS: ClassVar[dict[str, Any]] = {"capturable": False}

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_adam_like(lr, betas, eps, weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)
        check_implementation(foreach, None, differentiable)

    def _numbers(self, group: Group, state: State) -> Numbers:
        beta1, beta2 = group["betas"]
        rate = number(group["lr"]) / (1 - beta1 ** number_of_step(state))
        return Numbers((1 - beta1, beta2, group["eps"], rate), *decays(group))
