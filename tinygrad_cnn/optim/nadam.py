"""NAdam (`torch.optim.NAdam`)."""

from __future__ import annotations

from typing import Any, ClassVar

from tinygrad_cnn.optim._rule import (
    Group,
    Numbers,
    RuleOptimizer,
    State,
    check_adam_like,
    check_not_negative,
    count,
    counter,
    decays,
    number_of_step,
    zeros_like,
)
from tinygrad_cnn.optim.optimizer import ParamsT, check_implementation, number
from tinygrad_cnn.tensor import Tensor

__all__ = ["NAdam"]


class NAdam(RuleOptimizer):
    """Adam with Nesterov momentum (Dozat, 2016; `torch.optim.NAdam`).

        mu_t <- beta1 * (1 - 0.96^(t * momentum_decay) / 2)
        m <- beta1 * m + (1 - beta1) * g
        v <- beta2 * v + (1 - beta2) * g^2
        m' = mu_(t+1) * m / (1 - product of mu up to t+1) + (1 - mu_t) * g / (1 - product of mu up to t)
        w <- w - lr * m' / (sqrt(v / (1 - beta2^t)) + eps)

    g is the gradient (negated if `maximize`) plus weight_decay * w; with decoupled_weight_decay w shrinks by
    lr * weight_decay * w instead. `foreach` and `capturable`: as in `Adam`.
    Raises ValueError for values out of range, NotImplementedError for differentiable=True.
    """

    RULE = "NADAM"
    STATES = ("exp_avg", "exp_avg_sq")
    OPTIONS: ClassVar[dict[str, Any]] = {"capturable": False, "decoupled_weight_decay": False}
    SCALARS = ("step", "mu_product")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_adam_like(lr, betas, eps, weight_decay)
        check_not_negative("momentum_decay", momentum_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)
        check_implementation(foreach, None, differentiable)

    def _start(self, param: Tensor, group: Group) -> State:
        return {
            "step": counter(0.0, group),
            "mu_product": counter(1.0, group),
            "exp_avg": zeros_like(param),
            "exp_avg_sq": zeros_like(param),
        }

    def _numbers(self, group: Group, state: State) -> Numbers:
        beta1, beta2 = group["betas"]
        lr, step = number(group["lr"]), number_of_step(state)
        mu, mu_next = _momentum(group, step), _momentum(group, step + 1)
        now = float(state["mu_product"]._array * mu)
        of_gradient, of_average = lr * (1.0 - mu) / (1.0 - now), lr * mu_next / (1.0 - now * mu_next)
        values = (1 - beta1, beta2, 1 - beta2, 1 - beta2**step, group["eps"], of_gradient, of_average)
        return Numbers(values, *decays(group))

    def _count(self, group: Group, state: State) -> None:
        product = state["mu_product"]._array
        product *= _momentum(group, number_of_step(state))
        count(state)


def _momentum(group: Group, step: float) -> float:
    beta1: float = group["betas"][0]
    return beta1 * (1.0 - 0.5 * 0.96 ** (step * group["momentum_decay"]))
