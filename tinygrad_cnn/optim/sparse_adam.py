"""SparseAdam (`torch.optim.SparseAdam`): for gradients that are sparse tensors, which do not exist here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_cnn.optim.optimizer import Optimizer, ParamsT
from tinygrad_cnn.tensor import Tensor

__all__ = ["SparseAdam"]


class SparseAdam(Optimizer):
    """Checks its arguments as PyTorch's; every gradient here is dense, and a step refuses it as PyTorch does."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not lr > 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not eps > 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        for index, beta in enumerate(betas):
            if not 0.0 <= beta < 1.0:
                raise ValueError(f"Invalid beta parameter at index {index}: {beta}")
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Return the closure's loss; RuntimeError if any parameter has a gradient, for it is dense."""
        loss = self._evaluate(closure)
        if any(param.grad is not None for group in self.param_groups for param in group["params"]):
            raise RuntimeError("SparseAdam does not support dense gradients, please consider Adam instead")
        return loss
