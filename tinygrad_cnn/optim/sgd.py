"""Stochastic gradient descent, with momentum (`torch.optim.SGD`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_cnn import core
from tinygrad_cnn.optim._batch import Batch, Batches, turns
from tinygrad_cnn.optim.optimizer import Optimizer, ParamsT, check_implementation, number
from tinygrad_cnn.tensor import Tensor, wrap

__all__ = ["SGD"]


class SGD(Optimizer):
    """Stochastic gradient descent (`torch.optim.SGD`, the same formula, order and state).

    With gradient g (negated if `maximize`) of parameter w:

        g <- g + weight_decay * w
        b <- momentum * b + (1 - dampening) * g        (at a parameter's first step b <- g)
        g <- g + momentum * b if nesterov else b       (both only if momentum != 0)
        w <- w - lr * g

    lr: a number or a one-element Tensor. nesterov needs momentum > 0 and dampening 0. `foreach` and `fused` choose
    between PyTorch's implementations of the same step; they are checked and kept, and there is one implementation here.
    Raises ValueError for values out of range, NotImplementedError for differentiable=True.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if lr < 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if momentum < 0.0:
            raise ValueError(f"Invalid momentum value: {momentum}")
        if weight_decay < 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        check_implementation(foreach, fused, differentiable)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("nesterov", False)
            group.setdefault("maximize", False)
            group.setdefault("foreach", None)
            group.setdefault("differentiable", False)
            group.setdefault("fused", False)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient once; return the closure's loss if one is given."""
        loss = self._evaluate(closure)
        for index, group in enumerate(self.param_groups):
            self._step_group(index, group)
        return loss

    def _step_group(self, index: int, group: dict[str, Any]) -> None:
        momentum = number(group["momentum"])
        names = ("momentum_buffer",) if momentum != 0 else ()
        kept = self._kept.get(index, group["params"], names, self.state)
        if kept is not None:
            self._call(group, kept, momentum, False)
            return
        for params in turns(group["params"]):
            batches = self._batches(params, names)
            for (_, first), batch in batches:
                self._call(group, batch, momentum, first)
                if first:  # now there is something in the buffers
                    self.state.update(zip(batch.params, batch.entries, strict=True))
            self._kept.put(index, group["params"], batches, self.state)

    def _batches(self, params: list[Tensor], names: tuple[str, ...]) -> Batches:
        """Sort the parameters by dtype, and by whether it is their first step."""
        batches = Batches(names)
        for param in params:
            state: dict[str, Any] = self.state[param] if names else {}
            first = bool(names) and state.get("momentum_buffer") is None
            if first:
                state = {**state, "momentum_buffer": wrap(core.empty(param._array.shape, param._array.dtype))}
            batches.batch(param._array.dtype, first).add(param, state)
        return batches

    @staticmethod
    def _call(group: dict[str, Any], batch: Batch, momentum: float, first: bool) -> None:
        core.sgd(
            batch.table(),
            lr=number(group["lr"]),
            momentum=momentum,
            dampening=number(group["dampening"]),
            weight_decay=number(group["weight_decay"]),
            nesterov=bool(group["nesterov"]),
            maximize=bool(group["maximize"]),
            first=first,
        )
        batch.finish()
