"""Adafactor (`torch.optim.Adafactor`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_cnn.autograd.grad_mode import no_grad
from tinygrad_cnn.limits import finfo
from tinygrad_cnn.optim._rule import count, counter, number_of_step, zeros_like
from tinygrad_cnn.optim.optimizer import Optimizer, ParamsT, number
from tinygrad_cnn.tensor import Tensor

__all__ = ["Adafactor"]


class Adafactor(Optimizer):
    """Adam's idea with little memory: of a matrix (the last two dimensions) the mean squares of rows and columns stand
    for those of all elements (Shazeer and Stern, 2018; `torch.optim.Adafactor`).

    lr: the largest relative step, eps[1]: the least size of a parameter that a step is relative to; eps[0] (None: that
    of the dtype) keeps denominators from 0. beta2_decay: the new squares weigh t^beta2_decay at step t. d: updates
    whose root mean square is larger are scaled down. `foreach`: as in `Adam`. Raises ValueError for values that are
    not allowed.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not lr >= 0.0:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not beta2_decay <= 0.0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not eps[0] >= 0.0:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not eps[1] >= 0.0:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not d >= 1.0:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("foreach", None)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient once; return the closure's loss if one is given."""
        loss = self._evaluate(closure)
        with no_grad():
            for group in self.param_groups:
                for param in group["params"]:
                    if param.grad is not None:
                        self._change(param, group)
        return loss

    def _start(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        """Return the state before the first step."""
        if param.dim() < 2:
            return {"step": counter(0.0, group), "variance": zeros_like(param)}
        rows, columns = list(param.shape), list(param.shape)
        rows[-1] = columns[-2] = 1
        return {"step": counter(0.0, group), "row_var": param.new_zeros(rows), "col_var": param.new_zeros(columns)}

    def _change(self, param: Tensor, group: dict[str, Any]) -> None:
        grad: Tensor = -param.grad if group["maximize"] else param.grad
        state = self.state[param]
        if not state:
            state.update(self._start(param, group))
        step, lr = number_of_step(state), number(group["lr"])
        least, smallest = group["eps"]
        least = finfo(param.dtype).eps if least is None else least
        size = max(smallest, _root_mean_square(param)) * min(lr, step**-0.5)
        means = self._means(grad, state, step ** group["beta2_decay"])
        update = _variance(means, least).clamp(min=least * least).rsqrt() * grad
        denominator = max(1.0, _root_mean_square(update) / group["d"])
        decayed = param * (1 - lr * group["weight_decay"]) if group["weight_decay"] != 0 else param
        changed = decayed.add(update, alpha=-size / denominator)
        # Nothing from here on takes memory: a step that fails has changed nothing.
        param.copy_(changed)
        for name, mean in means.items():
            state[name].copy_(mean)
        count(state)

    @staticmethod
    def _means(grad: Tensor, state: dict[str, Any], weight: float) -> dict[str, Tensor]:
        """Return the mean squares of the state, moved by `weight` towards those of the gradient."""
        squares = grad * grad
        if grad.dim() < 2:
            return {"variance": state["variance"].lerp(squares, weight)}
        rows, columns = squares.mean(-1, keepdim=True), squares.mean(-2, keepdim=True)
        return {"row_var": state["row_var"].lerp(rows, weight), "col_var": state["col_var"].lerp(columns, weight)}


def _variance(means: dict[str, Tensor], least: float) -> Tensor:
    """Return the estimate for each element from its mean, or those of its row and column."""
    if "variance" in means:
        return means["variance"]
    rows = means["row_var"]
    return (rows @ means["col_var"]) / rows.mean(-2, keepdim=True).clamp(min=least)


def _root_mean_square(tensor: Tensor) -> float:
    return tensor.norm(2).item() / tensor.numel() ** 0.5
