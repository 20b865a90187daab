"""RAdam (`torch.optim.RAdam`)."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from tinygrad_cnn.optim._rule import Group, Numbers, RuleOptimizer, State, check_adam_like, decays, number_of_step
from tinygrad_cnn.optim.optimizer import ParamsT, check_implementation, number
from tinygrad_cnn.tensor import Tensor

__all__ = ["RAdam"]


class RAdam(RuleOptimizer):
    """Adam whose adaptive rate is rectified while its variance is large (Liu et al., 2019; `torch.optim.RAdam`).

        m <- beta1 * m + (1 - beta1) * g
        v <- beta2 * v + (1 - beta2) * g^2
        rho = rho_inf - 2 * t * beta2^t / (1 - beta2^t), rho_inf = 2 / (1 - beta2) - 1
        w <- w - lr * m / (1 - beta1^t) * r * sqrt(1 - beta2^t) / (sqrt(v) + eps)      if rho > 5
        w <- w - lr * m / (1 - beta1^t)                                                otherwise
        r = sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))

    g is the gradient (negated if `maximize`) plus weight_decay * w; with decoupled_weight_decay w shrinks by
    lr * weight_decay * w instead. `foreach` and `capturable`: as in `Adam`.
    Raises ValueError for values out of range, NotImplementedError for differentiable=True.
    """

    RULE = "RADAM"
    STATES = ("exp_avg", "exp_avg_sq")
    OPTIONS: ClassVar[dict[str, Any]] = {"capturable": False, "decoupled_weight_decay": False}

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_adam_like(lr, betas, eps, weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)
        check_implementation(foreach, None, differentiable)

    def _numbers(self, group: Group, state: State) -> Numbers:
        beta1, beta2 = group["betas"]
        step = number_of_step(state)
        correction1, correction2 = 1 - beta1**step, 1 - beta2**step
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * step * beta2**step / correction2
        rectified = 0.0
        if length > 5.0:
            rectified = ((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)) ** 0.5
        rate, eps = number(group["lr"]), group["eps"]
        values = (1 - beta1, beta2, 1 - beta2, correction1, rate, rectified, math.sqrt(correction2), eps)
        return Numbers(values, *decays(group))
