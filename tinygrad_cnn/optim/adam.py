"""Adam (`torch.optim.Adam`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_cnn import core
from tinygrad_cnn.optim._batch import Batch, Batches, turns
from tinygrad_cnn.optim._rule import check_capturable, count, counter, number_of_step, zeros_like
from tinygrad_cnn.optim.optimizer import Optimizer, ParamsT, check_implementation, number
from tinygrad_cnn.tensor import Tensor

__all__ = ["Adam"]


def _check_tensor_option(name: str, value: Any, foreach: bool | None, capturable: bool) -> None:
    if isinstance(value, Tensor):
        if foreach and not capturable:
            raise ValueError(f"{name} as a Tensor is not supported for capturable=False and foreach=True")
        if value.numel() != 1:
            raise ValueError(f"Tensor {name} must be 1-element")


def _check_betas(betas: Any, foreach: bool | None, capturable: bool) -> tuple[Any, ...]:
    for index in (0, 1):
        if not 0.0 <= betas[index] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {betas[index]}")
    kinds = [isinstance(beta, Tensor) for beta in betas[:2]]
    if any(kinds) != all(kinds) or not (any(kinds) or all(isinstance(beta, float) for beta in betas[:2])):
        raise ValueError("betas must be either both floats or both Tensors")
    for index in (0, 1):
        _check_tensor_option(f"betas[{index}]", betas[index], foreach, capturable)
    # One-element Tensors are kept as 0-d ones, as in PyTorch.
    return tuple(beta.reshape(()) if isinstance(beta, Tensor) else beta for beta in betas)


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2014; `torch.optim.Adam`, the same formula, order and state).

    With gradient g (negated if `maximize`) of parameter w at step t, first moment m, second moment v:

        g <- g + weight_decay * w         (decoupled_weight_decay: w <- w - lr * weight_decay * w instead, as AdamW)
        m <- beta1 * m + (1 - beta1) * g
        v <- beta2 * v + (1 - beta2) * g^2
        w <- w - lr / (1 - beta1^t) * m / (sqrt(v / (1 - beta2^t)) + eps)

    amsgrad: v in the last line is the largest so far. lr and betas may be one-element Tensors. `foreach`, `fused` and
    `capturable` choose between PyTorch's implementations of the same step; they are checked and kept, and there is one
    implementation here (capturable=True fails at `step` as PyTorch's does on the CPU).
    Raises ValueError for values out of range, NotImplementedError for differentiable=True.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        _check_tensor_option("lr", lr, foreach, capturable)
        if not lr >= 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not eps >= 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        betas = _check_betas(betas, foreach, capturable)
        if not weight_decay >= 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)
        check_implementation(foreach, fused, differentiable)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("amsgrad", False)
            group.setdefault("maximize", False)
            group.setdefault("foreach", None)
            group.setdefault("capturable", False)
            group.setdefault("differentiable", False)
            group.setdefault("decoupled_weight_decay", False)
            group.setdefault("fused", None)
            # States of PyTorch before 1.12 have a Python number.
            for param in group["params"]:
                entry = self.state.get(param)
                if entry and not isinstance(entry["step"], Tensor):
                    entry["step"] = counter(float(entry["step"]), group)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient once; return the closure's loss if one is given."""
        loss = self._evaluate(closure)
        for index, group in enumerate(self.param_groups):
            self._step_group(index, group)
        return loss

    def _initial_state(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        """Return the parameter's state, made of zeros at its first step."""
        state: dict[str, Any] = self.state[param]
        if not state:
            state.update({"step": counter(0.0, group), **{name: zeros_like(param) for name in _names(group)}})
        return state

    def _step_group(self, index: int, group: dict[str, Any]) -> None:
        names = _names(group)
        kept = self._kept.get(index, group["params"], names, self.state)
        if kept is not None:
            _check_options(group)
            if len({entry["step"]._array.item() for entry in kept.entries}) == 1:  # somebody may have set one
                self._call(group, kept, int(number_of_step(kept.entries[0])))
                return
        for params in turns(group["params"]):
            batches = self._batches(params, group, names)
            for (_, step), batch in batches:
                self._call(group, batch, step)
            self._kept.put(index, group["params"], batches, self.state)

    def _batches(self, params: list[Tensor], group: dict[str, Any], names: tuple[str, ...]) -> Batches:
        """Sort the parameters by dtype and the number of the step."""
        batches = Batches(names)
        for param in params:
            _check_options(group)
            state = self._initial_state(param, group)
            batches.batch(param._array.dtype, int(number_of_step(state))).add(param, state)
        return batches

    @staticmethod
    def _call(group: dict[str, Any], batch: Batch, step: int) -> None:
        beta1, beta2 = group["betas"]
        core.adam(
            batch.table(),
            lr=number(group["lr"]),
            beta1=number(beta1),
            beta2=number(beta2),
            eps=group["eps"],
            weight_decay=number(group["weight_decay"]),
            decoupled=bool(group["decoupled_weight_decay"]),
            maximize=bool(group["maximize"]),
            step=step,
        )
        batch.finish()
        for entry in batch.entries:
            count(entry)


def _names(group: dict[str, Any]) -> tuple[str, ...]:
    return ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if group["amsgrad"] else ("exp_avg", "exp_avg_sq")


def _check_options(group: dict[str, Any]) -> None:
    check_capturable(group)
    if group["foreach"] and isinstance(group["lr"], Tensor):
        raise RuntimeError("lr as a Tensor is not supported for capturable=False and foreach=True")
