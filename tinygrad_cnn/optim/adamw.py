"""AdamW (`torch.optim.AdamW`)."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.optim.adam import Adam
from tinygrad_cnn.optim.optimizer import ParamsT
from tinygrad_cnn.tensor import Tensor

__all__ = ["AdamW"]


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2017; `torch.optim.AdamW`).

    The weights shrink by lr * weight_decay directly, and the decay does not enter the moments. Arguments, state and
    errors are those of Adam; weight_decay is 0.01 unless given.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        # A state that Adam saved does not make this optimizer an Adam.
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
