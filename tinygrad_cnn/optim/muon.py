"""Muon (`torch.optim.Muon`)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_cnn import core
from tinygrad_cnn.autograd.grad_mode import no_grad
from tinygrad_cnn.casts import widened
from tinygrad_cnn.core import Array
from tinygrad_cnn.optim._rule import zeros_like
from tinygrad_cnn.optim.optimizer import Optimizer, ParamsT, number
from tinygrad_cnn.tensor import Tensor, wrap

__all__ = ["Muon"]


def _rounded(values: Array) -> Array:
    """Round float32 to the 16 bits of bfloat16, halves to even, in place: PyTorch computes the iteration so."""
    bits = values.view(np.uint32)
    bits += 0x7FFF + ((bits >> 16) & 1)
    bits &= 0xFFFF0000
    return values


def orthogonalized(matrix: Array, coefficients: tuple[float, float, float], steps: int, eps: float) -> Array:
    """Return, as float32, a matrix with the singular vectors of `matrix` and singular values near 1.

    Each step is x = a x + (b x x^T + c (x x^T)^2) x, a polynomial in the singular values (Newton and Schulz; Jordan and
    others, 2024), of the matrix divided by its norm. ValueError for 100 steps or more, or not 3 coefficients.
    """
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    matrix = widened(matrix)
    tall = matrix.shape[0] > matrix.shape[1]
    x = _rounded(np.array(matrix.T if tall else matrix, np.float32, order="C"))
    x = _rounded(x / _rounded(np.maximum(np.sqrt(np.sum(x * x, keepdims=True)), np.float32(eps))))
    for _ in range(steps):
        gram = _rounded(core.gemm(x, x.T))
        update = _rounded(np.float32(b) * gram + np.float32(c) * core.gemm(gram, gram))
        x = _rounded(np.float32(a) * x + core.gemm(update, x))
    return x.T if tall else x


class Muon(Optimizer):
    """Momentum whose direction is made orthogonal, for the matrices of hidden layers (Jordan and others, 2024;
    `torch.optim.Muon`).

    nesterov, momentum, weight_decay (decoupled): as usual. ns_coefficients, ns_steps, eps: of the iteration, which runs
    with the precision of bfloat16, as in PyTorch. adjust_lr_fn: 'original' (None): the rate times sqrt(max(1, rows /
    columns)); 'match_rms_adamw': times 0.2 sqrt(max(rows, columns)). Raises ValueError for values out of range and for
    parameters that are no matrices.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        for what, value in (("Learning rate", lr), ("momentum", momentum), ("weight decay", weight_decay)):
            if not value >= 0.0:
                raise ValueError(f"{what} should be >= 0 but is: {value}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)
        for param in (param for group in self.param_groups for param in group["params"]):
            if param.ndim != 2:
                raise ValueError(
                    f"Muon only supports 2D parameters whereas we found a parameter with size: {param.size()}"
                )

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient once; return the closure's loss if one is given."""
        loss = self._evaluate(closure)
        with no_grad():
            for group in self.param_groups:
                for param in group["params"]:
                    if param.grad is not None:
                        self._change(param, group)
        return loss

    def _change(self, param: Tensor, group: dict[str, Any]) -> None:
        state = self.state[param]
        if not state:
            state["momentum_buffer"] = zeros_like(param)
        lr, momentum, buffer = number(group["lr"]), group["momentum"], state["momentum_buffer"]
        mean = buffer.lerp(param.grad, 1 - momentum)
        update = param.grad.lerp(mean, momentum) if group["nesterov"] else mean
        direction = orthogonalized(update._array, group["ns_coefficients"], group["ns_steps"], group["eps"])
        rows, columns = param.shape
        if group["adjust_lr_fn"] == "match_rms_adamw":
            ratio = 0.2 * math.sqrt(max(rows, columns))
        else:
            ratio = math.sqrt(max(1, rows / columns))
        change = wrap(np.ascontiguousarray(direction, param._array.dtype))
        changed = (param * (1 - lr * group["weight_decay"])).add_(change, alpha=-lr * ratio)
        # Nothing from here on takes memory: a step that fails has changed nothing.
        buffer.copy_(mean)
        param.copy_(changed)
